/** Pods as a kubelet would report them, and as the scheduler leaves them. */
import t from 'tap'
import type { Pod } from '../../schemas/types.ts'
import { eventually, startTestCluster } from '../helpers/cluster.ts'
import { eachKubectl } from '../helpers/each-kubectl.ts'
import { podManifest } from '../helpers/manifests.ts'

const target = await startTestCluster(t, { nodes: [{ name: 'node-1', capacity: { cpu: '4', memory: '8Gi', pods: '110' } }, { name: 'node-2', capacity: { cpu: '4', memory: '8Gi', pods: '110' } }] })

eachKubectl(t, target, {
  name: 'running pods',
  async test(t, k) {
    await k.apply(podManifest({ name: 'whole', spec: { initContainers: [{ name: 'first', image: 'busybox:1.37' }] }, container: { readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 } } }))
    await k.run('wait pod/whole --for=condition=Ready --timeout=20s')
    const { spec, status } = await k.json<Pod>('get pod whole')
    t.equal(status?.phase, 'Running')
    t.equal(status?.qosClass, 'BestEffort')
    t.match(status?.podIP, /^10\.244\.\d+\.\d+$/)
    t.same(status?.podIPs, [{ ip: status?.podIP }])
    t.match(status?.hostIP, /^\d+\.\d+\.\d+\.\d+$/)
    t.match(spec.nodeName, /^node-[12]$/)
    const conditions = Object.fromEntries((status?.conditions ?? []).map((c) => [c.type, c.status]))
    t.same(conditions, { PodReadyToStartContainers: 'True', Initialized: 'True', Ready: 'True', ContainersReady: 'True', PodScheduled: 'True' })
    const [main] = status?.containerStatuses ?? []
    t.match(main, { name: 'main', ready: true, started: true, restartCount: 0, image: /nginx:1\.28$/, containerID: /^containerd:\/\/[0-9a-f]{64}$/ })
    t.ok(main?.state?.running?.startedAt)
    const [init] = status?.initContainerStatuses ?? []
    t.match(init, { name: 'first', ready: true, restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } })
    t.equal(spec.serviceAccountName, 'default')
    t.match(spec.tolerations, [{ key: 'node.kubernetes.io/not-ready', tolerationSeconds: 300 }, { key: 'node.kubernetes.io/unreachable', tolerationSeconds: 300 }])
  },
})

/** What the scheduler says of a pod that fits nowhere. */
const misfits: readonly (readonly [string, object, string])[] = [
  ['huge', { containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '100' } } }] }, '0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.'],
  ['picky', { nodeSelector: { disk: 'none' } }, "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."],
]

eachKubectl(t, target, {
  name: 'pending pods',
  async test(t, k) {
    for (const [name, spec] of misfits) await k.apply(podManifest({ name, spec }))
    for (const [name, , words] of misfits) {
      await eventually(async () => {
        const { status } = await k.json<Pod>(`get pod ${name}`)
        t.equal(status?.conditions?.find((c) => c.type === 'PodScheduled')?.reason, 'Unschedulable')
        return true
      })
      const { status } = await k.json<Pod>(`get pod ${name}`)
      t.equal(status?.phase, 'Pending')
      t.equal(status?.conditions?.find((c) => c.type === 'PodScheduled')?.message, words)
      await eventually(async () => {
        const events = await k.run(['get', 'events', '--field-selector', `involvedObject.name=${name},reason=FailedScheduling`, '-o', 'jsonpath={.items[*].message}'])
        return events === words
      })
    }
    t.match(await k.run('get pods --no-headers'), /^huge +0\/1 +Pending +0 /m)
  },
})
