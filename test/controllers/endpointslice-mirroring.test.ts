import t from 'tap'
import type { EndpointSlice, EndpointSubset, Endpoints, Service } from '../../schemas/types.ts'
import { sortEndpointPorts, sortSlicePorts } from '../../controllers/_endpoint-ports.ts'
import mirroring, { plan } from '../../controllers/endpointslice-mirroring.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { service } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const KIND = 'discovery.k8s.io/v1/EndpointSlice'
const endpoints = (subsets: EndpointSubset[], metadata: Partial<Endpoints['metadata']> = {}): Endpoints => ({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'svc', namespace: 'default', uid: 'uid-e', ...metadata }, subsets })
const http = { name: 'http', port: 80, protocol: 'TCP' }

t.test('the order of ports is that of every cluster', async (t) => {
  const ports = [{ name: 'https', port: 8443, protocol: 'TCP' }, { name: 'http', port: 8080, protocol: 'TCP' }, { name: 'metrics', port: 9090, protocol: 'TCP' }, { name: 'dns', port: 53, protocol: 'UDP' }, { name: 'zz', port: 54, protocol: 'TCP', appProtocol: 'kubernetes.io/h2c' }]
  t.same(sortEndpointPorts(ports).map((p) => p.name), ['http', 'zz', 'metrics', 'dns', 'https'])
  t.same(sortSlicePorts(ports).map((p) => p.name), ['http', 'dns', 'https', 'zz', 'metrics'])
})

t.test('a slice for each set of ports and family', async (t) => {
  const mixed = endpoints([{ addresses: [{ ip: '10.0.0.1', nodeName: 'n' }, { ip: '2001:db8::1' }], notReadyAddresses: [{ ip: '10.0.0.2', hostname: 'h' }], ports: [http] }, { addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 81, protocol: 'TCP' }] }], {
    labels: { app: 'x', 'endpointslice.kubernetes.io/managed-by': 'me' },
    annotations: { keep: 'it', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
  })
  const { create, update } = plan(mixed, [])
  t.same(update, [])
  t.same(create.map((s) => [s.addressType, s.ports?.[0]?.port, s.endpoints]).sort(), [
    ['IPv4', 80, [{ addresses: ['10.0.0.1'], conditions: { ready: true }, nodeName: 'n' }, { addresses: ['10.0.0.2'], conditions: { ready: false }, hostname: 'h' }]],
    ['IPv4', 81, [{ addresses: ['10.0.0.1'], conditions: { ready: true }, nodeName: 'n' }]],
    ['IPv6', 80, [{ addresses: ['2001:db8::1'], conditions: { ready: true } }]],
  ])
  t.same(create.find((s) => s.addressType === 'IPv6')?.metadata, {
    generateName: 'svc-',
    namespace: 'default',
    labels: { app: 'x', 'kubernetes.io/service-name': 'svc', 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' },
    annotations: { keep: 'it' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Endpoints', name: 'svc', uid: 'uid-e', controller: true, blockOwnerDeletion: true }],
  })
  const existing = create.map((slice, i) => ({ ...slice, metadata: { ...slice.metadata, name: `s${i}` } }))
  t.match(plan(mixed, existing), { create: [], update: [], delete: [] })
  const changed = plan(endpoints([{ addresses: [{ ip: '10.0.0.9' }], ports: [{ port: 82, protocol: 'TCP' }] }]), existing)
  t.same([changed.create.length, changed.update.map((s) => s.metadata.name), changed.delete.map((s) => s.metadata.name)], [0, ['s0'], ['s1', 's2']], 'slices are used again')
  const many = plan(endpoints([{ addresses: Array.from({ length: 1002 }, (_, i) => ({ ip: `10.1.${i >> 8}.${i & 255}` })), ports: [http] }]), [])
  t.same([many.create[0]?.endpoints?.length, many.skipped, many.invalid], [1000, 2, 0])
})

t.test('only what somebody keeps for a Service without selector is mirrored', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, mirroring)
  const slices = () => cluster.all<EndpointSlice>(KIND).map((s) => s.endpoints?.map((e) => e.addresses?.[0]))
  cluster.seed(endpoints([{ addresses: [{ ip: '10.0.0.1' }], ports: [http] }]))
  await run.settle()
  t.same(slices(), [], 'no Service yet')
  const { selector: _, ...spec } = service('svc').spec
  cluster.seed({ ...service('svc'), spec } as Service)
  await run.settle()
  t.same(slices(), [['10.0.0.1']])
  cluster.edit<Endpoints>('v1/Endpoints', 'svc', (copy) => void (copy.subsets = [{ addresses: [{ ip: '10.0.0.2' }], ports: [http] }]))
  await run.settle()
  t.same(slices(), [['10.0.0.2']])
  cluster.edit<Endpoints>('v1/Endpoints', 'svc', (copy) => void (copy.metadata.labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }))
  await run.settle()
  t.same(slices(), [])
  cluster.edit<Endpoints>('v1/Endpoints', 'svc', (copy) => void (copy.metadata.labels = {}))
  await run.settle()
  t.same(slices(), [['10.0.0.2']])
  await cluster.delete('v1/Endpoints', { namespace: 'default', name: 'svc' })
  await run.settle()
  t.same(slices(), [])
  t.same(run.errors, [])
})
