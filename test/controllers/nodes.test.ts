import t from 'tap'
import type { Lease, Node, Pod } from '../../schemas/types.ts'
import { ZoneEvictions, evictionPeriodMs } from '../../controllers/_zone-disruption.ts'
import lifecycle, { taintsOf } from '../../controllers/node-lifecycle.ts'
import podGarbage from '../../controllers/pod-garbage-collector.ts'
import taintEviction, { toleratedMs } from '../../controllers/taint-eviction.ts'
import ttl, { nextStep } from '../../controllers/ttl.ts'
import { formatMicroTime } from '../../src/clock.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { node, pod } from '../helpers/objects.ts'
import { permittedClient } from '../helpers/permitted-client.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const keys = (taints: readonly { key?: string; effect?: string }[] | undefined) => (taints ?? []).map((x) => `${x.key?.replace('node.kubernetes.io/', '')}:${x.effect}`)

t.test('the taints that conditions call for', (t) => {
  const withConditions = (n: Node, ...conditions: [type: string, status: string][]): Node => ({ ...n, status: { conditions: conditions.map(([type, status]) => ({ type, status })) } })
  const cases: { name: string; node: Node; expect: string[] }[] = [
    { name: 'well', node: withConditions(node('n'), ['Ready', 'True'], ['DiskPressure', 'False']), expect: [] },
    { name: 'not ready', node: withConditions(node('n'), ['Ready', 'False']), expect: ['not-ready:NoSchedule', 'not-ready:NoExecute'] },
    { name: 'silent', node: withConditions(node('n'), ['Ready', 'Unknown']), expect: ['unreachable:NoSchedule', 'unreachable:NoExecute'] },
    { name: 'under pressure', node: withConditions(node('n'), ['Ready', 'True'], ['MemoryPressure', 'True']), expect: ['memory-pressure:NoSchedule'] },
    { name: 'cordoned', node: withConditions(node('n', { unschedulable: true }), ['Ready', 'True']), expect: ['unschedulable:NoSchedule'] },
    { name: 'ready at last', node: withConditions(node('n', { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }), ['Ready', 'True']), expect: [] },
    { name: 'not yet reported', node: withConditions(node('n', { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] })), expect: ['not-ready:NoSchedule'] },
    { name: 'others stay', node: withConditions(node('n', { taints: [{ key: 'x', effect: 'NoExecute' }] }), ['Ready', 'True']), expect: ['x:NoExecute'] },
  ]
  for (const c of cases) t.same(keys(taintsOf(c.node, 0)), c.expect, c.name)
  t.end()
})

t.test('a node that falls silent is noticed, its pods are not ready, and it is welcome back', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, lifecycle)
  const lease = (): Lease => ({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'n', namespace: 'kube-node-lease' }, spec: { renewTime: formatMicroTime(cluster.clock.now()) } })
  cluster.seed(node('n'), pod('p', { node: 'n', readyAt: '2026-01-01T00:00:00Z' }), lease())
  const well = (): void => cluster.seed({ ...node('well'), status: { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: formatMicroTime(cluster.clock.now()) }] } } as Node)
  const renew = () => cluster.edit<Lease>('coordination.k8s.io/v1/Lease', 'n', (copy) => void (copy.spec = lease().spec))
  const ready = () => cluster.read<Node>('v1/Node', 'n').status?.conditions?.find((c) => c.type === 'Ready')
  await run.settle()
  for (let i = 0; i < 12; i++) {
    await run.step(10_000)
    renew()
    await run.settle()
  }
  t.equal(ready()?.status, 'True', 'the lease alone keeps it')
  await run.step(51_000)
  t.match(ready(), { status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' })
  t.same(keys(cluster.read<Node>('v1/Node', 'n').spec?.taints), ['unreachable:NoSchedule'], 'no pod goes while no node is well')
  t.equal(cluster.read<Pod>('v1/Pod', 'p').status?.conditions?.find((c) => c.type === 'Ready')?.status, 'False')
  t.same(cluster.events, ['Node/n Normal RegisteredNode: Node n event: Registered Node n in Controller', 'Node/n Normal NodeNotReady: Node n status is now: NodeNotReady', 'Pod/p Warning NodeNotReady: Node is not ready'])
  well()
  await run.settle()
  t.same(keys(cluster.read<Node>('v1/Node', 'n').spec?.taints), ['unreachable:NoSchedule', 'unreachable:NoExecute'])
  cluster.edit<Node>('v1/Node', 'n', (copy) => void (copy.status = { conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:03:00Z' }] }))
  await run.settle()
  t.same(keys(cluster.read<Node>('v1/Node', 'n').spec?.taints), [])
  t.same(run.errors, [])
})

t.test('how fast nodes of a zone may lose their pods', (t) => {
  const zone = (name: string, ready: number, silent: number): Node[] =>
    Array.from({ length: ready + silent }, (_, i) => ({ ...node(`${name}${i}`, { labels: { 'topology.kubernetes.io/zone': name } }), status: { conditions: [{ type: 'Ready', status: i < ready ? 'True' : 'Unknown' }] } }))
  const cases: [number, number, number][] = [[9, 1, 10_000], [1, 2, 10_000], [2, 3, Infinity], [0, 5, 10_000], [20, 40, 100_000], [5, 3, 10_000]]
  for (const [ready, silent, expect] of cases) t.equal(evictionPeriodMs(zone('z', ready, silent)), expect, `${ready} well, ${silent} not`)
  const nodes = [...zone('a', 5, 2), ...zone('b', 5, 1)]
  const evictions = new ZoneEvictions()
  const ask = (at: number, nowMs: number) => evictions.ask(nodes[at] ?? node('x'), nodes, nowMs)
  t.same(ask(5, 1000), { eviction: 'now' })
  t.same(ask(6, 3000), { eviction: 'later', waitMs: 8000 }, 'one after the other')
  t.same(ask(12, 3000), { eviction: 'now' }, 'in each zone')
  t.same(ask(6, 11_000), { eviction: 'now' })
  t.same(new ZoneEvictions().ask(node('x'), zone('a', 0, 2), 0), { eviction: 'never' })
  t.end()
})

t.test('for how long a pod may stay', (t) => {
  const taints = [{ key: 'a', effect: 'NoExecute' }, { key: 'b', effect: 'NoExecute' }]
  t.equal(toleratedMs([], taints), 0)
  t.equal(toleratedMs([{ operator: 'Exists' }], taints), Infinity)
  t.equal(toleratedMs([{ key: 'a', operator: 'Exists' }], taints), 0)
  t.equal(toleratedMs([{ key: 'a', operator: 'Exists', tolerationSeconds: 30 }, { key: 'b', operator: 'Exists' }], taints), 30_000)
  t.equal(toleratedMs([{ operator: 'Exists', tolerationSeconds: -1 }], taints), 0)
  t.end()
})

t.test('pods leave a tainted node when their toleration runs out', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, taintEviction)
  const tolerating = (name: string, tolerations: Pod['spec']['tolerations']): Pod => ({ ...pod(name, { node: 'n' }), spec: { nodeName: 'n', ...(tolerations ? { tolerations } : {}) } })
  cluster.seed(node('n'), tolerating('now', undefined), tolerating('later', [{ key: 'gone', operator: 'Exists', tolerationSeconds: 60 }]), tolerating('never', [{ operator: 'Exists' }]))
  await run.settle()
  const names = () => cluster.all<Pod>('v1/Pod').map((p) => p.metadata.name)
  const taint = async (taints: { key: string; effect: string }[]) => {
    cluster.edit<Node>('v1/Node', 'n', (copy) => void (copy.spec = { taints }))
    await run.settle()
  }
  await taint([{ key: 'gone', effect: 'NoExecute' }])
  t.same(names(), ['later', 'never'])
  await run.step(30_000)
  await taint([])
  t.equal(cluster.events.at(-1), 'Pod/later Normal TaintManagerEviction: Cancelling deletion of Pod default/later')
  await run.step(60_000)
  await taint([{ key: 'gone', effect: 'NoExecute' }])
  await run.step(59_000)
  t.same(names(), ['later', 'never'])
  await run.step(1_000)
  t.same(names(), ['never'])
  t.equal(cluster.events[0], 'Pod/now Normal TaintManagerEviction: Marking for deletion Pod default/now')
})

t.test('pods of a node that is gone, and pods that never had one, are collected', async (t) => {
  const cluster = new FakeCluster({ gracefulPods: true })
  cluster.seed(node('n'), pod('here', { node: 'n' }), pod('lost', { node: 'former' }), pod('unassigned'))
  const loop = podGarbage.start(cluster.context({ client: permittedClient(cluster, podGarbage) }))
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'unassigned' })
  await cluster.clock.step(0)
  const names = () => cluster.all<Pod>('v1/Pod').map((p) => p.metadata.name)
  t.same(names(), ['here', 'lost'])
  await cluster.clock.step(41_000)
  t.same(names(), ['here'])
  await cluster.delete('v1/Node', { name: 'n' })
  await cluster.clock.step(41_000)
  t.same(names(), [])
  await loop.close()
})

t.test('deleted pods of a node that is out of service are failed and collected', async (t) => {
  const cluster = new FakeCluster({ gracefulPods: true })
  const silent: Node = { ...node('n'), status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }
  cluster.seed(silent, pod('p', { node: 'n' }), pod('q', { node: 'n' }))
  const loop = podGarbage.start(cluster.context({ client: permittedClient(cluster, podGarbage) }))
  const names = () => cluster.all<Pod>('v1/Pod').map((p) => p.metadata.name)
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'p' })
  await cluster.clock.step(60_000)
  t.same(names(), ['p', 'q'], 'its kubelet may come back')
  cluster.edit<Pod>('v1/Pod', 'p', (copy) => void (copy.metadata.finalizers = ['x.io/keep']))
  cluster.edit<Node>('v1/Node', 'n', (copy) => void (copy.spec.taints = [{ key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }]))
  await cluster.clock.step(0)
  t.equal(cluster.read<Pod>('v1/Pod', 'p').status?.phase, 'Failed')
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'q' })
  await cluster.clock.step(0)
  t.same(names(), ['p'], 'only its finalizer keeps it')
  await loop.close()
})

t.test('for how long kubelets may keep what they read', async (t) => {
  t.same([[0, 100], [0, 101], [1, 90], [1, 89], [0, 5000], [4, 10]].map(([step = 0, nodes = 0]) => nextStep(step, nodes)), [0, 1, 1, 0, 4, 0])
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, ttl)
  cluster.seed(node('a'))
  await run.settle()
  t.equal(cluster.read('v1/Node', 'a').metadata.annotations?.['node.alpha.kubernetes.io/ttl'], '0')
})
