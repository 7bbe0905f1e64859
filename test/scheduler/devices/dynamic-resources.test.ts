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
