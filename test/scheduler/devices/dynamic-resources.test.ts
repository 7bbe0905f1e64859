/** Pods with claims of devices, from the queue to the binding. */
import t from 'tap'
import { FakeCluster } from '../../helpers/fake-client.ts'
import { scheduler } from '../../../src/scheduler/scheduler.ts'
import type { DeviceClass, Pod, ResourceClaim, ResourceSlice } from '../../../schemas/types.ts'
import { node, pod } from '../_objects.ts'

const gpuClass: DeviceClass = { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name: 'gpu' }, spec: { selectors: [{ cel: { expression: 'device.driver == "gpu.example.com"' } }] } }
const slice = (on: string, ...names: string[]): ResourceSlice => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: `on-${on}` }, spec: { driver: 'gpu.example.com', nodeName: on, pool: { name: on, generation: 1, resourceSliceCount: 1 }, devices: names.map((name) => ({ name })) } })
const claim = (name: string, className = 'gpu'): ResourceClaim => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name, namespace: 'default', uid: `uid-${name}` }, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: className } }] } } })
const user = (name: string, claimName: string): Pod => pod(name, { resourceClaims: [{ name: 'c', resourceClaimName: claimName }] })

function started(t: { teardown(fn: () => void): unknown }) {
  const cluster = new FakeCluster({ gracefulPods: true })
  const loop = scheduler.start(cluster.context())
  t.teardown(() => void loop.close())
  const read = (name: string) => cluster.read<Pod>('v1/Pod', name)
  return Object.assign(cluster, { settle: () => cluster.clock.step(1), pod: read, why: (name: string) => read(name).status?.conditions?.find((c) => c.type === 'PodScheduled')?.message })
}

t.test('a claim is allocated where the pod goes, and reserved for it', async (t) => {
  const cluster = started(t)
  cluster.seed(node('a'), node('b'), gpuClass, slice('b', 'd1'), claim('one'), claim('two'))
  await cluster.create(user('p', 'one'))
  await cluster.settle()
  t.equal(cluster.pod('p').spec.nodeName, 'b')
  const { metadata, status } = cluster.read<ResourceClaim>('resource.k8s.io/v1/ResourceClaim', 'one')
  t.same(metadata.finalizers, ['resource.kubernetes.io/delete-protection'])
  t.match(status, { allocation: { devices: { results: [{ request: 'r', driver: 'gpu.example.com', pool: 'b', device: 'd1' }] }, nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }] } } })
  t.same(status?.reservedFor, [{ resource: 'pods', name: 'p', uid: cluster.pod('p').metadata.uid }])

  await cluster.create(user('late', 'two'))
  await cluster.settle()
  t.equal(cluster.why('late'), '0/2 nodes are available: 2 cannot allocate all claims. still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.')
  cluster.seed(slice('a', 'd2'))
  await cluster.settle()
  t.equal(cluster.pod('late').spec.nodeName, 'a', 'a slice that comes helps')
})

t.test('what a pod waits for', async (t) => {
  const cluster = started(t)
  cluster.seed(node('a'), gpuClass)
  await cluster.create(user('p', 'gone'))
  await cluster.settle()
  t.equal(cluster.why('p'), undefined, 'it is not even looked at')
  cluster.seed(claim('gone', 'missing'))
  await cluster.settle()
  t.equal(cluster.why('p'), '0/1 nodes are available: request r: device class missing does not exist. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.')
})

t.test('a claim that nobody uses is freed where it is out of reach', async (t) => {
  const cluster = started(t)
  const elsewhere = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['gone'] }] }] }
  const out: ResourceClaim = { ...claim('one'), status: { allocation: { nodeSelector: elsewhere, devices: { results: [] } } } }
  cluster.seed(node('a'), gpuClass, slice('a', 'd1'), out)
  await cluster.create(user('p', 'one'))
  await cluster.settle()
  await cluster.clock.step(2000)
  t.equal(cluster.pod('p').spec.nodeName, 'a')
})

t.test('a claim that too many use already is not to be had', async (t) => {
  const cluster = started(t)
  const reservedFor = Array.from({ length: 256 }, (_, i) => ({ resource: 'pods', name: `p-${i}`, uid: `u-${i}` }))
  const crowded: ResourceClaim = { ...claim('one'), status: { allocation: { devices: { results: [] } }, reservedFor } }
  cluster.seed(node('a'), gpuClass, slice('a', 'd1'), crowded)
  await cluster.create(user('p', 'one'))
  await cluster.settle()
  t.equal(cluster.why('p'), '0/1 nodes are available: resourceclaim in use. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.')
})

const conditional = (on: string, name: string): ResourceSlice => {
  const made = slice(on, name)
  return { ...made, spec: { ...made.spec, devices: [{ name, bindsToNode: true, bindingConditions: ['Attached'], bindingFailureConditions: ['Broken'] }] } }
}

async function report(cluster: FakeCluster, name: string, type: string, reason = 'Done'): Promise<void> {
  await cluster.context().client.change<ResourceClaim>('resource.k8s.io/v1/ResourceClaim', { namespace: 'default', name }, (claim) => {
    claim.status = { ...claim.status, devices: [{ driver: 'gpu.example.com', pool: 'a', device: 'd1', conditions: [{ type, status: 'True', reason, message: 'told', lastTransitionTime: '2026-01-01T00:00:00Z' }] }] }
  }, { subresource: 'status' })
}

t.test('a pod is bound when its devices are ready', async (t) => {
  const cluster = started(t)
  cluster.seed(node('a'), gpuClass, conditional('a', 'd1'), claim('one'))
  await cluster.create(user('p', 'one'))
  await cluster.settle()
  t.equal(cluster.pod('p').spec.nodeName, undefined)
  t.match(cluster.read<ResourceClaim>('resource.k8s.io/v1/ResourceClaim', 'one').status?.allocation, { devices: { results: [{ bindingConditions: ['Attached'] }] } })
  await report(cluster, 'one', 'Attached')
  await cluster.settle()
  t.equal(cluster.pod('p').spec.nodeName, 'a')
})

t.test('devices that cannot be made ready are given back, and others looked for', async (t) => {
  const cluster = started(t)
  cluster.seed(node('a'), gpuClass, conditional('a', 'd1'), claim('one'))
  await cluster.create(user('p', 'one'))
  await cluster.settle()
  await report(cluster, 'one', 'Broken', 'Burnt')
  await cluster.settle()
  t.equal(cluster.why('p'), 'running PreBind plugin "DynamicResources": device binding failed: claim=one, reason=Burnt, message="told"')
  await cluster.clock.step(2000)
  t.equal(cluster.read<ResourceClaim>('resource.k8s.io/v1/ResourceClaim', 'one').status?.devices, undefined, 'the claim is open again')
})

t.test('a device that does not become ready in time is given up', async (t) => {
  const cluster = started(t)
  cluster.seed(node('a'), gpuClass, conditional('a', 'd1'), claim('one'))
  await cluster.create(user('p', 'one'))
  await cluster.settle()
  await cluster.clock.step(601_000)
  t.match(cluster.why('p'), /device binding timeout|deallocation of ResourceClaim completed|still not schedulable/)
  t.equal(cluster.pod('p').spec.nodeName, undefined)
})

t.test('extended resources that a device class stands behind become a claim of the scheduler', async (t) => {
  const cluster = started(t)
  const named: DeviceClass = { ...gpuClass, spec: { ...gpuClass.spec, extendedResourceName: 'example.com/gpu' } }
  const asking = pod('p', { containers: [{ name: 'main', image: 'x', resources: { requests: { cpu: '1', 'example.com/gpu': '2' } } }] })
  cluster.seed(node('a'), node('b'), slice('b', 'd1', 'd2'))
  await cluster.create(asking)
  await cluster.settle()
  t.match(cluster.why('p'), /^0\/2 nodes are available: 2 Insufficient example.com\/gpu/)
  cluster.seed(named)
  await cluster.clock.step(2000)
  t.equal(cluster.pod('p').spec.nodeName, 'b', 'a class that comes helps')
  const { extendedResourceClaimStatus } = cluster.pod('p').status ?? {}
  t.same(extendedResourceClaimStatus?.requestMappings, [{ containerName: 'main', resourceName: 'example.com/gpu', requestName: 'container-0-request-1' }])
  const made = cluster.read<ResourceClaim>('resource.k8s.io/v1/ResourceClaim', extendedResourceClaimStatus?.resourceClaimName ?? '')
  t.same(made.spec.devices?.requests, [{ name: 'container-0-request-1', exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 2 } }])
  t.equal(made.metadata.annotations?.['resource.kubernetes.io/extended-resource-claim'], 'true')
  t.equal(made.status?.allocation?.devices?.results?.length, 2)
  await cluster.create({ ...asking, metadata: { ...asking.metadata, name: 'late', uid: 'uid-late' } })
  await cluster.settle()
  t.match(cluster.why('late'), /^0\/2 nodes are available: 2 cannot allocate all claims/)
})
