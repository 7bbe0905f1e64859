/** A container whose end makes all of its pod begin anew. */
import t from 'tap'
import type { Container, Pod } from '../../schemas/types.ts'
import { SeededRandom } from '../../src/clock.ts'
import { markExited, markRunning, markStarting, newRecords } from '../../src/kubelet/container-record.ts'
import { podPhase, shouldRestart } from '../../src/kubelet/pod-plan.ts'
import { matchingRule, mustRestartAll, resetForRestart, restartingCondition } from '../../src/kubelet/restart-all.ts'
import { eventually, Kubectl, startTestCluster } from '../helpers/cluster.ts'
import { podManifest } from '../helpers/manifests.ts'

const rule = (action: string, operator: string, ...values: number[]): Container => ({ name: 'c', restartPolicy: 'Never', restartPolicyRules: [{ action, exitCodes: { operator, values } }] })

t.test('rules', async (t) => {
  const table: [container: Container, code: number, action: string | undefined][] = [
    [rule('Restart', 'In', 1, 2), 2, 'Restart'],
    [rule('Restart', 'In', 1, 2), 3, undefined],
    [rule('RestartAllContainers', 'NotIn', 1), 3, 'RestartAllContainers'],
    [{ name: 'c' }, 1, undefined],
  ]
  for (const [container, code, action] of table) t.equal(matchingRule(container, code)?.action, action)
})

t.test('what becomes of the pod', async (t) => {
  const pod: Pod = { metadata: { name: 'p' }, spec: { restartPolicy: 'Never', containers: [rule('RestartAllContainers', 'In', 42), { name: 'other' }] } }
  const records = newRecords(pod)
  const [source, other] = records
  if (!source || !other) return t.fail('no records')
  for (const record of records) {
    markStarting(record, new SeededRandom(1))
    markRunning(record, 0)
  }
  t.same(restartingCondition(pod, records, 'Running'), { status: 'False' })
  markExited(source, { code: 42 }, 1000)
  t.ok(mustRestartAll(records))
  t.match(restartingCondition(pod, records, 'Running'), { status: 'True', reason: 'RestartAllContainersStarted' })
  other.mustRestart = true
  markExited(other, { code: 137 }, 2000)
  t.ok(shouldRestart(pod, other, 137), 'whatever its policy says')
  t.equal(podPhase(pod, records), 'Running', 'it is not over')
  for (const record of records) resetForRestart(record)
  t.notOk(mustRestartAll(records))
  t.match(records, [{ state: 'waiting', restartCount: 1, lastState: { terminated: { exitCode: 42 } } }, { state: 'waiting', restartCount: 1, lastState: { terminated: { exitCode: 137 } } }])
  t.equal(restartingCondition({ metadata: {}, spec: { containers: [{ name: 'c' }] } }, records, 'Running'), undefined, 'of those without such a rule nothing is told')
  return undefined
})

t.test('with kubectl', async (t) => {
  const k = new Kubectl('1.36', await startTestCluster(t, { nodes: 1 }))
  const once = 'if [ -f /mnt/done ]; then sleep 1000; else touch /mnt/done; exit 42; fi'
  await k.apply(podManifest({ name: 'again', spec: { restartPolicy: 'Never', initContainers: [{ name: 'init', image: 'busybox', command: ['true'] }], volumes: [{ name: 'v', emptyDir: {} }] }, container: { ...rule('RestartAllContainers', 'In', 42), name: 'main', image: 'busybox', command: ['sh', '-c', once], volumeMounts: [{ name: 'v', mountPath: '/mnt' }] } }))
  const { status } = await eventually(async () => {
    const pod = await k.json<Pod>('get pod again')
    return pod.status?.containerStatuses?.[0]?.state?.running !== undefined && pod.status.containerStatuses[0].restartCount === 1 && pod
  })
  t.match(status, { phase: 'Running', initContainerStatuses: [{ restartCount: 1 }], containerStatuses: [{ lastState: { terminated: { exitCode: 42 } } }] })
  t.equal(status?.conditions?.find((c) => c.type === 'AllContainersRestarting')?.status, 'False')
})
