import t from 'tap'
import { FakeCluster } from '../helpers/fake-client.ts'
import { definePlugin, type Handle } from '../../src/scheduler/framework.ts'
import { defaultSchedulerConfig } from '../../src/scheduler/config/load.ts'
import { Scheduler, scheduler } from '../../src/scheduler/scheduler.ts'
import { plugins } from '../../src/scheduler/registry.ts'
import type { Node, PersistentVolumeClaim, Pod, StorageClass } from '../../schemas/types.ts'
import { node, pod } from './_objects.ts'

type Test = { teardown(fn: () => void): unknown }

function started(t: Test, ...nodes: Node[]) {
  const cluster = new FakeCluster({ gracefulPods: true })
  cluster.seed(...nodes)
  const loop = scheduler.start(cluster.context())
  t.teardown(() => void loop.close())
  const settle = () => cluster.clock.step(1)
  return Object.assign(cluster, { settle, placed: (name: string) => cluster.read<Pod>('v1/Pod', name).spec.nodeName })
}

const why = (p: Pod) => p.status?.conditions?.find((c) => c.type === 'PodScheduled')?.message

t.test('what a pod that fits nowhere is told', async (t) => {
  const missingClaim = { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'missing' } }] }
  const cases: [name: string, nodes: Node[], pod: Pod, message: string][] = [
    ['no nodes', [], pod('p'), 'no nodes available to schedule pods'],
    ['cpu', [node('a')], pod('p', { cpu: '5' }), '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'],
    ['cpu and memory', [node('a')], pod('p', { cpu: '9', memory: '90Gi' }), '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'],
    ['selector', [node('a')], pod('p', { nodeSelector: { nope: 'x' } }), "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."],
    ['missing claim', [node('a')], pod('p', missingClaim), '0/1 nodes are available: persistentvolumeclaim "missing" not found. not found'],
    ['cordoned', [node('a', { spec: { unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] } })], pod('p'), '0/1 nodes are available: 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'],
    ['taint and cpu', [node('a', { spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } }), node('b'), node('c')], pod('p', { cpu: '5' }), '0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'],
    ['extended resource', [node('a')], pod('p', { containers: [{ name: 'c', resources: { requests: { 'example.com/gpu': '1' } } }] }), '0/1 nodes are available: 1 Insufficient example.com/gpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'],
    ['pinned to a node that is full', [node('a'), node('b')], pod('p', { cpu: '5', affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }] } } } }), "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."],
  ]
  for (const [name, nodes, waiting, message] of cases) {
    await t.test(name, async (t) => {
      const cluster = started(t, ...nodes)
      await cluster.create(waiting)
      await cluster.settle()
      t.equal(why(cluster.read<Pod>('v1/Pod', 'p')), message)
      t.same(cluster.events, [`Pod/p Warning FailedScheduling: ${message}`])
    })
  }
})

t.test('pods are bound, spread over the nodes, and said to be', async (t) => {
  const cluster = started(t, node('a'), node('b'))
  for (let i = 0; i < 4; i++) await cluster.create(pod(`p${i}`, { cpu: '1' }))
  await cluster.settle()
  const nodes = [0, 1, 2, 3].map((i) => cluster.placed(`p${i}`))
  t.same(nodes.filter((n) => n === 'a').length, 2, nodes.join())
  t.ok(cluster.events.includes(`Pod/p0 Normal Scheduled: Successfully assigned default/p0 to ${nodes[0]}`))
})

t.test('anti-affinity keeps apart, affinity brings together', async (t) => {
  const cluster = started(t, node('a', { labels: { disk: 'hdd' } }), node('b', { labels: { disk: 'ssd' } }))
  const near = (app: string) => [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app } } }]
  await cluster.create(pod('first', { labels: { app: 'first' }, nodeSelector: { disk: 'ssd' } }))
  await cluster.create(pod('with', { labels: { app: 'with' }, affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near('first') } } }))
  await cluster.create(pod('away', { labels: { app: 'away' }, affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: near('first') } } }))
  await cluster.settle()
  t.same(['first', 'with', 'away'].map((n) => cluster.placed(n)), ['b', 'b', 'a'])
  await cluster.create(pod('nowhere', { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }] } } }))
  await cluster.settle()
  t.equal(why(cluster.read<Pod>('v1/Pod', 'nowhere')), "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.")
})

t.test('a waiting pod is tried again when something changes that may help it', async (t) => {
  const cluster = started(t, node('a', { spec: { unschedulable: true } }))
  await cluster.create(pod('p'))
  await cluster.settle()
  t.equal(cluster.placed('p'), undefined)
  cluster.edit<Node>('v1/Node', 'a', (n) => void delete n.spec.unschedulable)
  await cluster.settle()
  t.equal(cluster.placed('p'), 'a')
})

t.test('a pod with gates waits until they are gone', async (t) => {
  const cluster = started(t, node('a'))
  await cluster.create(pod('p', { schedulingGates: [{ name: 'example.com/wait' }] }))
  await cluster.settle()
  t.equal(cluster.placed('p'), undefined)
  t.same(cluster.events, [])
  cluster.edit<Pod>('v1/Pod', 'p', (p) => void (p.spec.schedulingGates = []))
  await cluster.settle()
  t.equal(cluster.placed('p'), 'a')
})

t.test('more important pods take the room of less important ones', async (t) => {
  const cluster = started(t, node('a'))
  for (const name of ['low', 'lower']) await cluster.create(pod(name, { cpu: '2', priority: name === 'low' ? 5 : 1 }))
  await cluster.settle()
  await cluster.create(pod('high', { cpu: '2', priority: 100 }))
  await cluster.settle()
  const victim = cluster.read<Pod>('v1/Pod', 'lower')
  t.ok(victim.metadata.deletionTimestamp, 'the least important one goes')
  t.notOk(cluster.read<Pod>('v1/Pod', 'low').metadata.deletionTimestamp)
  t.match(victim.status?.conditions, [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting to accommodate a higher priority pod' }])
  const high = cluster.read<Pod>('v1/Pod', 'high')
  t.equal(high.status?.nominatedNodeName, 'a')
  t.equal(why(high), '0/1 nodes are available: 1 Insufficient cpu.')
  t.ok(cluster.events.includes(`Pod/lower Normal Preempted: Preempted by pod ${high.metadata.uid} on node a`))
  cluster.finish('v1/Pod', 'lower')
  await cluster.settle()
  t.equal(cluster.placed('high'), 'a')
})

t.test('a pod that waits for its claim to be bound goes on when it is', async (t) => {
  const cluster = started(t, node('a'))
  const claim: PersistentVolumeClaim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' }, spec: { storageClassName: 'fast' } }
  cluster.seed(claim)
  await cluster.create(pod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] }))
  await cluster.settle()
  t.equal(why(cluster.read<Pod>('v1/Pod', 'p')), '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found')
  cluster.seed({ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'pv' }, spec: {} } as never)
  cluster.edit<PersistentVolumeClaim>('v1/PersistentVolumeClaim', 'data', (c) => {
    c.spec.volumeName = 'pv'
    c.metadata.annotations = { 'pv.kubernetes.io/bind-completed': 'yes' }
  })
  await cluster.settle()
  t.equal(cluster.placed('p'), 'a')
})

t.test('a binding that fails is tried again after a back-off', async (t) => {
  const cluster = started(t, node('a'))
  let failures = 1
  cluster.before = (write) => {
    if (write.subresource === 'binding' && failures-- > 0) throw new Error('no connection')
  }
  await cluster.create(pod('p'))
  await cluster.settle()
  t.equal(why(cluster.read<Pod>('v1/Pod', 'p')), 'running Bind plugin "DefaultBinder": no connection')
  await cluster.clock.step(10_000)
  t.equal(cluster.placed('p'), 'a')
})

t.test('a claim that waits for its first consumer is given the node, and the pod waits for the volume', async (t) => {
  const cluster = started(t, node('a'))
  const claim: PersistentVolumeClaim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' }, spec: { storageClassName: 'late' } }
  const late: StorageClass = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'late' }, provisioner: 'x.example/p', volumeBindingMode: 'WaitForFirstConsumer' }
  cluster.seed(claim, late)
  await cluster.create(pod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] }))
  await cluster.settle()
  const asked = cluster.read<PersistentVolumeClaim>('v1/PersistentVolumeClaim', 'data')
  t.equal(asked.metadata.annotations?.['volume.kubernetes.io/selected-node'], 'a')
  t.equal(cluster.placed('p'), undefined)
  t.equal(cluster.read<Pod>('v1/Pod', 'p').status?.nominatedNodeName, 'a', 'it is told where it is going')
  cluster.edit<PersistentVolumeClaim>('v1/PersistentVolumeClaim', 'data', (c) => {
    c.spec.volumeName = 'pv'
    c.metadata.annotations = { ...c.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' }
  })
  await cluster.settle()
  t.equal(cluster.placed('p'), 'a')
})

t.test('a provisioner that gives up sends the pod back', async (t) => {
  const cluster = started(t, node('a'))
  const claim: PersistentVolumeClaim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data', namespace: 'default' }, spec: { storageClassName: 'late' } }
  const late: StorageClass = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'late' }, provisioner: 'x.example/p', volumeBindingMode: 'WaitForFirstConsumer' }
  cluster.seed(claim, late)
  await cluster.create(pod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] }))
  await cluster.settle()
  cluster.edit<PersistentVolumeClaim>('v1/PersistentVolumeClaim', 'data', (c) => void (c.metadata.annotations = {}))
  await cluster.settle()
  t.match(cluster.read<Pod>('v1/Pod', 'p').status?.conditions, [{ type: 'PodScheduled', reason: 'SchedulerError', message: 'running PreBind plugin "VolumeBinding": binding volumes: provisioning failed for PVC "data"' }])
})

t.test('a plugin may keep a pod waiting for its permission', async (t) => {
  const cluster = new FakeCluster({ gracefulPods: true })
  cluster.seed(node('a'))
  let handle: Handle | undefined
  const gate = definePlugin({
    name: 'Gate',
    order: 1000,
    permit(_pod, _node, cycle) {
      handle = cycle.handle
      return { waitMs: 3000 }
    },
  })
  const loop = new Scheduler(cluster.context(), { plugins: [...plugins, gate], config: withPermit(gate.name) })
  t.teardown(() => loop.close())
  const settle = () => cluster.clock.step(1)
  const waiting = (name: string) => handle?.waitingPods.get(cluster.read<Pod>('v1/Pod', name).metadata.uid ?? '')
  for (const name of ['allowed', 'rejected', 'late', 'deleted']) await cluster.create(pod(name, { cpu: '1' }))
  await settle()
  t.same(handle?.waitingPods.all().map((w) => w.pod.name).sort(), ['allowed', 'deleted', 'late', 'rejected'])
  t.same(waiting('allowed')?.pendingPlugins, ['Gate'])
  waiting('allowed')?.allow('Gate')
  waiting('rejected')?.reject('Gate', 'not this one')
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'deleted' }, { gracePeriodSeconds: 0 })
  await settle()
  t.equal(cluster.read<Pod>('v1/Pod', 'allowed').spec.nodeName, 'a')
  t.equal(why(cluster.read<Pod>('v1/Pod', 'rejected')), '0/1 nodes are available: 1 not this one.')
  t.same(handle?.waitingPods.all().map((w) => w.pod.name), ['late'])
  await cluster.clock.step(3000)
  t.equal(why(cluster.read<Pod>('v1/Pod', 'late')), '0/1 nodes are available: 1 rejected due to timeout after waiting 3s at plugin Gate.')
  await cluster.create(pod('next', { cpu: '3' }))
  await settle()
  waiting('next')?.allow('Gate')
  await settle()
  t.equal(cluster.read<Pod>('v1/Pod', 'next').spec.nodeName, 'a', 'those that were rejected take no room')
})

function withPermit(name: string) {
  const config = defaultSchedulerConfig([...plugins])
  for (const profile of config.profiles) profile.plugins.permit = { enabled: [{ name }], disabled: [] }
  return config
}
