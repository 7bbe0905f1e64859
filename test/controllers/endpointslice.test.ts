import t from 'tap'
import type { EndpointSlice, Pod, Service } from '../../schemas/types.ts'
import endpointslice, { plan } from '../../controllers/endpointslice.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { node, pod, runningPod, service } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const n1 = node('n1', { labels: { 'topology.kubernetes.io/zone': 'z1' } })
const planOf = (s: Service, pods: Pod[], existing: EndpointSlice[] = []) => plan({ service: s, pods, existing, node: (name) => (name === 'n1' ? n1 : undefined) })
const KIND = 'discovery.k8s.io/v1/EndpointSlice'

t.test('an endpoint as it is written', (t) => {
  const { create } = planOf(service('svc', { trafficDistribution: 'PreferSameNode' }), [runningPod('a', '10.244.0.1')])
  t.same(create, [
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: 'svc-',
        namespace: 'default',
        labels: { 'kubernetes.io/service-name': 'svc', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'svc', uid: 'uid-svc', controller: true, blockOwnerDeletion: true }],
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: ['10.244.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' },
          nodeName: 'n1',
          zone: 'z1',
          hints: { forZones: [{ name: 'z1' }], forNodes: [{ name: 'n1' }] },
        },
      ],
    },
  ])
  t.end()
})

t.test('ready, serving, terminating', (t) => {
  const cases: { name: string; pod: Pod; spec?: Partial<Service['spec']>; expect: unknown }[] = [
    { name: 'ready', pod: runningPod('a', '10.0.0.1'), expect: { ready: true, serving: true, terminating: false } },
    { name: 'not ready', pod: { ...runningPod('a', '10.0.0.1'), status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }] } }, expect: { ready: false, serving: false, terminating: false } },
    { name: 'terminating', pod: runningPod('a', '10.0.0.1', { deleted: true }), expect: { ready: false, serving: true, terminating: true } },
    { name: 'published though terminating', pod: runningPod('a', '10.0.0.1', { deleted: true }), spec: { publishNotReadyAddresses: true }, expect: { ready: true, serving: true, terminating: true } },
    { name: 'done', pod: runningPod('a', '10.0.0.1', { phase: 'Succeeded' }), expect: undefined },
    { name: 'no address', pod: pod('a', { node: 'n1' }), expect: undefined },
    { name: 'an address of another family', pod: runningPod('a', 'fd00::1'), expect: undefined },
  ]
  for (const c of cases) t.same(planOf(service('svc', c.spec), [c.pod]).create.flatMap((s) => s.endpoints ?? [])[0]?.conditions, c.expect, c.name)
  t.end()
})

t.test('ports by name differ from pod to pod', (t) => {
  const named = (name: string, ip: string, port: number): Pod => ({ ...runningPod(name, ip), spec: { nodeName: 'n1', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: port, protocol: 'TCP' }] }] } })
  const { create } = planOf(service('svc', { ports: [{ name: 'w', port: 80, targetPort: 'web', protocol: 'TCP' }] }), [named('a', '10.0.0.1', 8080), named('b', '10.0.0.2', 9090), named('c', '10.0.0.3', 8080), runningPod('d', '10.0.0.4')])
  t.same(
    create.map((s) => [s.ports?.map((p) => p.port), s.endpoints?.length]),
    [
      [[8080], 2],
      [[9090], 1],
      [[], 1],
    ],
  )
  t.end()
})

t.test('a hundred a slice; existing slices are filled, kept or dropped', (t) => {
  const pods = Array.from({ length: 250 }, (_, i) => runningPod(`p${i}`, `10.0.${i >> 7}.${i & 127}`))
  const svc = service('svc')
  const first = planOf(svc, pods)
  t.same(first.create.map((s) => s.endpoints?.length), [100, 100, 50])
  const existing = first.create.map((s, i) => ({ ...s, metadata: { ...s.metadata, name: `svc-${i}` } }))
  const same = planOf(svc, pods, existing)
  t.same([same.create, same.update, same.delete], [[], [], []])
  const more = planOf(svc, [...pods, runningPod('x', '10.1.0.1')], existing)
  t.same(more.update.map((s) => [s.metadata.name, s.endpoints?.length]), [['svc-2', 51]])
  const fewer = planOf(svc, pods.slice(0, 150), existing)
  t.same([fewer.update.map((s) => s.metadata.name), fewer.delete.map((s) => s.metadata.name)], [['svc-1'], ['svc-2']])
  const none = planOf(svc, [], existing.slice(0, 1))
  t.same(none.update.map((s) => [s.metadata.name, s.endpoints, s.ports]), [['svc-0', [], []]], 'the last one becomes the empty slice')
  const label = planOf({ ...svc, metadata: { ...svc.metadata, labels: { team: 'a' } } }, pods, existing)
  t.same(label.update.map((s) => s.metadata.labels?.team), ['a', 'a', 'a'])
  t.end()
})

t.test('follows pods and the service', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, endpointslice)
  cluster.seed(n1, service('svc'), service('head', { clusterIP: 'None', ports: undefined }), service('out', { type: 'ExternalName' }), service('manual', { selector: undefined }))
  await run.settle()
  t.same(cluster.all<EndpointSlice>(KIND).map((s) => [s.metadata.labels?.['kubernetes.io/service-name'], s.metadata.labels?.['service.kubernetes.io/headless'], s.endpoints]), [
    ['svc', undefined, []],
    ['head', '', []],
  ])
  cluster.seed(runningPod('a', '10.0.0.1'))
  await run.settle()
  const slices = () => cluster.all<EndpointSlice>(KIND)
  t.same(slices().map((s) => s.endpoints?.map((e) => e.addresses)), [[['10.0.0.1']], [['10.0.0.1']]])
  t.equal(slices()[0]?.metadata.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'], '2026-01-01T00:00:05Z')
  cluster.edit<Pod>('v1/Pod', 'a', (copy) => void (copy.metadata.labels = { app: 'other' }))
  await run.settle()
  t.same(slices().map((s) => s.endpoints), [[], []])
  await cluster.delete(KIND, { namespace: 'default', name: slices()[0]?.metadata.name ?? '' })
  await run.settle()
  t.equal(slices().length, 2, 'a slice that someone deletes comes back')
  t.same(run.errors, [])
})
