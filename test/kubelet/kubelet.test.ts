import t from 'tap'
import { FakeCluster } from '../helpers/fake-client.ts'
import { createKubelet } from '../../src/kubelet/kubelet.ts'
import { LocalNetwork } from '../helpers/local-network.ts'
import { virtualNode } from '../../src/kubelet/virtual-node.ts'
import type { ConfigMap, Lease, Node, Pod, PodSpec } from '../../schemas/types.ts'

type Test = { teardown(fn: () => void): unknown }

function started(t: Test, ...nodes: Node[]) {
  const cluster = new FakeCluster({ gracefulPods: true })
  cluster.seed(...nodes)
  const loop = createKubelet({ network: new LocalNetwork() }).loop.start(cluster.context())
  t.teardown(() => void loop.close())
  return cluster
}

const plainNode: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'plain' }, spec: { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }, status: { capacity: { cpu: '4' } } }

function pod(name: string, spec: Partial<PodSpec> = {}, extra: Partial<Pod['metadata']> = {}): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default', generation: 1, ...extra }, spec: { restartPolicy: 'Always', nodeName: 'plain', containers: [{ name: 'app', image: 'nginx' }], ...spec }, status: { phase: 'Pending' } }
}

const ofPod = (events: string[]) => events.filter((e) => e.startsWith('Pod/'))
const conditions = (p: Pod) => Object.fromEntries((p.status?.conditions ?? []).map((c) => [c.type, c.reason ?? c.status]))

t.test('a node comes alive, with a lease, an address and a block of pod addresses', async (t) => {
  const cluster = started(t, plainNode, virtualNode('own', { capacity: { cpu: '2' } }))
  await cluster.clock.step(1)
  const node = cluster.read<Node>('v1/Node', 'plain')
  t.match(node.spec, { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] })
  t.equal(node.status?.conditions?.find((c) => c.type === 'Ready')?.status, 'True')
  t.same(node.status?.capacity, { cpu: '4' }, 'what the client says stays')
  t.same(node.status?.addresses, [{ type: 'InternalIP', address: '172.18.0.2' }, { type: 'Hostname', address: 'plain' }])
  t.same(cluster.events, ['Starting: Starting kubelet.', ...['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID', 'NodeReady'].map((r) => `${r}: Node own status is now: ${r}`)].map((e) => `Node/own Normal ${e}`), 'only our own nodes tell')
  const own = cluster.read<Node>('v1/Node', 'own')
  t.equal(own.status?.capacity?.cpu, '2')
  t.equal(own.status?.allocatable?.pods, '110')
  t.equal(own.spec.podCIDR, '10.244.1.0/24')

  const lease = cluster.read<Lease>('coordination.k8s.io/v1/Lease', 'plain', 'kube-node-lease')
  t.match(lease.spec, { holderIdentity: 'plain', leaseDurationSeconds: 40 })
  const before = cluster.writes.length
  await cluster.clock.step(10_000)
  t.same(cluster.writes.slice(before).map((w) => `${w.kind} ${w.name}`), ['coordination.k8s.io/v1/Lease plain', 'coordination.k8s.io/v1/Lease own'])
})

t.test('a pod runs after one status write, and gives its address back when it goes', async (t) => {
  const cluster = started(t, plainNode)
  await cluster.clock.step(1)
  const before = cluster.writes.length
  await cluster.create(pod('web'))
  await cluster.clock.step(1)
  t.equal(cluster.writes.length - before, 2, 'the create and one status')
  const running = cluster.read<Pod>('v1/Pod', 'web')
  t.equal(running.status?.phase, 'Running')
  t.equal(running.status?.podIP, '10.244.0.2')
  t.equal(running.status?.hostIP, '172.18.0.2')
  t.same(conditions(running), { Initialized: 'True', Ready: 'True', ContainersReady: 'True' })
  t.same(cluster.events, [], 'a place that clients made only tells outcomes')
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'web' })
  await cluster.clock.step(1)
  t.same(cluster.all('v1/Pod'), [])
})

t.test('a node of our own tells all that a kubelet tells', async (t) => {
  const cluster = started(t, virtualNode('own'))
  await cluster.create(pod('web', { nodeName: 'own' }))
  await cluster.clock.step(1)
  const running = cluster.read<Pod>('v1/Pod', 'web')
  t.same(running.status?.conditions?.map((c) => c.type), ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'])
  t.match(running.status?.containerStatuses, [{ image: 'docker.io/library/nginx:latest', imageID: /^docker.io\/library\/nginx@sha256:[0-9a-f]{64}$/, containerID: /^containerd:\/\/[0-9a-f]{64}$/, started: true, resources: {} }])
  t.match(ofPod(cluster.events), ['Pod/web Normal Pulling: Pulling image "nginx"', /Pulled: Successfully pulled/, 'Pod/web Normal Created: Container created', 'Pod/web Normal Started: Container started'])
  cluster.events.length = 0
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'web' })
  await cluster.clock.step(1)
  t.same(cluster.events, ['Pod/web Normal Killing: Stopping container app'])
  t.same(cluster.all('v1/Pod'), [])
})

t.test('init containers and sidecars come first; the pods of a Job end well', async (t) => {
  const cluster = started(t, plainNode)
  const initContainers = [{ name: 'prepare', image: 'busybox' }, { name: 'proxy', image: 'proxy', restartPolicy: 'Always' }]
  await cluster.create(pod('job', { initContainers, restartPolicy: 'Never' }, { ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: 'u', controller: true }] }))
  await cluster.create(pod('web', { initContainers }))
  await cluster.clock.step(1)
  const web = cluster.read<Pod>('v1/Pod', 'web')
  t.match(web.status?.initContainerStatuses, [{ name: 'prepare', state: { terminated: { exitCode: 0, reason: 'Completed' } } }, { name: 'proxy', ready: true, state: { running: {} } }])
  const job = cluster.read<Pod>('v1/Pod', 'job')
  t.equal(job.status?.phase, 'Succeeded')
  t.match(job.status?.containerStatuses, [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }])
  t.same(conditions(job), { Initialized: 'PodCompleted', Ready: 'PodCompleted', ContainersReady: 'PodCompleted' })
  t.match(job.status?.initContainerStatuses, [{}, { name: 'proxy', state: { terminated: {} } }], 'the sidecar went down with the work')
})

t.test('a pod waits for the ConfigMap it mounts, and goes on when it comes', async (t) => {
  const cluster = started(t, virtualNode('own'))
  await cluster.create(pod('web', { nodeName: 'own', volumes: [{ name: 'cfg', configMap: { name: 'settings' } }] }))
  await cluster.clock.step(1)
  t.match(cluster.read<Pod>('v1/Pod', 'web').status, { phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] })
  t.same(ofPod(cluster.events), ['Pod/web Warning FailedMount: MountVolume.SetUp failed for volume "cfg" : configmap "settings" not found'])
  const settings: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' } }
  await cluster.create(settings)
  await cluster.clock.step(1)
  t.equal(cluster.read<Pod>('v1/Pod', 'web').status?.phase, 'Running')
})

t.test('readiness gates hold Ready back until their condition is true', async (t) => {
  const cluster = started(t, plainNode)
  await cluster.create(pod('web', { readinessGates: [{ conditionType: 'example.com/ok' }] }))
  await cluster.clock.step(1)
  t.equal(conditions(cluster.read<Pod>('v1/Pod', 'web')).Ready, 'ReadinessGatesNotReady')
  cluster.edit<Pod>('v1/Pod', 'web', (p) => void p.status?.conditions?.push({ type: 'example.com/ok', status: 'True' }))
  await cluster.clock.step(1)
  t.equal(conditions(cluster.read<Pod>('v1/Pod', 'web')).Ready, 'True')
})

t.test('a pod that has a finalizer is seen ended', async (t) => {
  const cluster = started(t, plainNode)
  await cluster.create(pod('web', {}, { finalizers: ['example.com/hold'] }))
  await cluster.clock.step(1)
  await cluster.delete('v1/Pod', { namespace: 'default', name: 'web' })
  await cluster.clock.step(1)
  t.match(cluster.read<Pod>('v1/Pod', 'web').status, { phase: 'Failed', containerStatuses: [{ state: { terminated: { exitCode: 143 } } }] })
})

t.test('a deadline ends the pod', async (t) => {
  const cluster = started(t, plainNode)
  await cluster.create(pod('web', { activeDeadlineSeconds: 60 }))
  await cluster.clock.step(59_000)
  t.equal(cluster.read<Pod>('v1/Pod', 'web').status?.phase, 'Running')
  await cluster.clock.step(2_000)
  t.match(cluster.read<Pod>('v1/Pod', 'web').status, { phase: 'Failed', reason: 'DeadlineExceeded' })
})
