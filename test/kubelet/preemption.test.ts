/** Pods that nodes must not refuse, and who goes for them. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { podsToPreempt } from '../../src/kubelet/preemption.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

const CRITICAL = 2_000_001_000

function asking(name: string, requests: Record<string, string>, { priority = 0, qosClass = 'Burstable' } = {}): Pod {
  return { metadata: { name }, spec: { priority, containers: [{ name: 'c', resources: { requests } }] }, status: { qosClass } }
}

t.test('who goes', async (t) => {
  const critical = asking('critical', { cpu: '1' }, { priority: CRITICAL })
  const others = [
    asking('small', { cpu: '100m' }),
    asking('middle', { cpu: '600m', memory: '10Mi' }),
    asking('same', { cpu: '600m' }),
    asking('big', { cpu: '2' }, { qosClass: 'Guaranteed' }),
    asking('system', { cpu: '9' }, { priority: CRITICAL }),
    asking('modest', {}, { qosClass: 'BestEffort' }),
  ]
  const lacking = (resource: string, amount: number) => [{ resource, requested: amount, used: 0, capacity: 0 }]
  const table: [name: string, resource: string, amount: number, names: string[] | undefined][] = [
    ['one that is enough, the smaller of equals', 'cpu', 500, ['same']],
    ['several, of the lower class', 'cpu', 1200, ['same', 'middle']],
    ['a guaranteed one only where the rest is not enough', 'cpu', 2500, ['same', 'big']],
    ['any for the sake of their number, of the lowest class', 'pods', 1, ['modest']],
    ['nobody where all are not enough', 'cpu', 4000, undefined],
  ]
  for (const [name, resource, amount, names] of table) t.same(podsToPreempt(critical, others, lacking(resource, amount))?.map((p) => p.metadata.name), names, name)
  t.equal(podsToPreempt(asking('usual', { cpu: '1' }), others, lacking('cpu', 1)), undefined, 'who is not critical')
})

t.test('with kubectl', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: [{ name: 'node-1', capacity: { cpu: '2', memory: '4Gi', pods: '110' } }] }))
  const bound = (name: string, cpu: string, priorityClassName = '') => podManifest({ name, spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 1, ...(priorityClassName ? { priorityClassName } : {}) }, container: { image: 'busybox', command: ['sleep', 'inf'], resources: { requests: { cpu } } } })
  await k.apply(bound('filler', '1500m'))
  await k.run('wait pod/filler --for=condition=Ready --timeout=60s')
  await k.apply(bound('critical', '1', 'system-node-critical'))
  await k.run('wait pod/critical --for=condition=Ready --timeout=60s')
  const { status } = await k.json<Pod>('get pod filler')
  t.match(status, { phase: 'Failed', reason: 'Preempting', message: 'Preempted in order to admit critical pod' })
  t.match(status?.conditions?.find((c) => c.type === 'DisruptionTarget'), { status: 'True', reason: 'TerminationByKubelet', message: 'Pod was preempted by Kubelet to accommodate a critical pod.' })
  t.match(await eventually(async () => { const text = await k.run('get events --field-selector reason=Preempting -o jsonpath={.items[*].message}'); return text !== '' && text }), 'Preempted in order to admit critical pod')
  await k.apply(bound('huge', '3', 'system-node-critical'))
  const refused = await eventually(async () => { const { status: of } = await k.json<Pod>('get pod huge'); return of?.phase === 'Failed' && of })
  t.match(refused, { reason: 'UnexpectedAdmissionError', message: /no set of running pods found to reclaim resources: \[\(res: cpu, q: 2000\), \]$/ })
})
