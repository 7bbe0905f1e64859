import t from 'tap'
import type { EndpointSlice, Node, Pod, Service } from '../../schemas/types.ts'
import { isOverloaded, withZoneHints, zoneRatios, type ZoneRatios } from '../../controllers/_endpointslice-topology.ts'
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

t.test('families of a service and of its pods', (t) => {
  const pods = [{ ...runningPod('both', '10.0.0.1'), ips: ['10.0.0.1', 'fd00::1'] }, { ...runningPod('four', '10.0.0.2'), ips: ['10.0.0.2'] }, { ...runningPod('six', 'fd00::3'), ips: ['fd00::3'] }].map(({ ips, ...made }) => ({ ...made, status: { ...made.status, podIPs: ips.map((ip) => ({ ip })) } }))
  const four = ['IPv4', '10.0.0.1', '10.0.0.2']
  const six = ['IPv6', 'fd00::1', 'fd00::3']
  const cases: { name: string; spec: Partial<Service['spec']>; expect: string[][] }[] = [
    { name: 'one family', spec: { ipFamilies: ['IPv4'] }, expect: [four] },
    { name: 'the other', spec: { ipFamilies: ['IPv6'] }, expect: [six] },
    { name: 'both, in the order of the service', spec: { ipFamilies: ['IPv6', 'IPv4'] }, expect: [six, four] },
    { name: 'told by the address alone', spec: { ipFamilies: [], clusterIP: 'fd01::a' }, expect: [six] },
    { name: 'headless and not told', spec: { ipFamilies: [], clusterIP: 'None' }, expect: [four, six] },
  ]
  const shown = (s: EndpointSlice) => [s.addressType ?? '', ...(s.endpoints ?? []).flatMap((e) => e.addresses ?? [])]
  for (const c of cases) t.same(planOf(service('svc', c.spec), pods).create.map(shown), c.expect, c.name)
  const both = planOf(service('svc', { ipFamilies: ['IPv4', 'IPv6'] }), pods).create.map((s, i) => ({ ...s, metadata: { ...s.metadata, name: `svc-${i}` } }))
  const { create, update, delete: gone } = planOf(service('svc', { ipFamilies: ['IPv4'] }), pods, both)
  t.same([create, update, gone.map((s) => s.metadata.name)], [[], [], ['svc-1']], 'a family that is given up')
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

t.test('hints for zones in proportion to their CPUs', (t) => {
  const zoned = (name: string, zone: string | undefined, cpu: string): Node => ({ ...node(name, zone ? { labels: { 'topology.kubernetes.io/zone': zone } } : {}), status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: 'True' }] } })
  const even = zoneRatios([zoned('a', 'z1', '4'), zoned('b', 'z2', '2'), zoned('c', 'z2', '2'), { ...zoned('d', undefined, '8'), status: {} }])
  t.same([...(even ?? [])], [['z1', 0.5], ['z2', 0.5]])
  t.equal(zoneRatios([zoned('a', 'z1', '4'), zoned('b', 'z1', '4')]), undefined, 'one zone')
  t.equal(zoneRatios([zoned('a', 'z1', '4'), zoned('b', undefined, '4')]), undefined, 'a node without zone')
  const uneven = zoneRatios([zoned('a', 'z1', '6'), zoned('b', 'z2', '2')])
  const slices = (...zones: string[]) => ({ create: [{ addressType: 'IPv4', endpoints: zones.map((zone, i) => ({ addresses: [`10.0.0.${i}`], zone, conditions: { ready: true } })), metadata: {} }], update: [], unchanged: [] })
  const hints = (ratios: ZoneRatios, ...zones: string[]) => {
    const hinted = withZoneHints(slices(...zones), ratios)
    return typeof hinted === 'string' ? hinted : hinted.slices.create[0]?.endpoints?.map((e) => e.hints?.forZones?.[0]?.name).join(' ')
  }
  const cases: [ZoneRatios, string[], string][] = [
    [undefined, ['z1'], 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'],
    [even, ['z1'], 'Insufficient number of endpoints (1 endpoints, 2 zones)'],
    [even, ['z1', 'z1', 'z1', 'z1'], 'z2 z2 z1 z1'],
    [even, ['z1', 'z2', 'z1', 'z2'], 'z1 z2 z1 z2'],
    [uneven, ['z1', 'z2', 'z2', 'z2'], 'z1 z1 z1 z2'],
    [uneven, ['z1', 'z2'], 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (2 endpoints, 2 zones)'],
  ]
  for (const [ratios, zones, expect] of cases) t.equal(hints(ratios, ...zones), expect, zones.join())
  t.equal(isOverloaded(new Map([['z1', 3], ['z2', 3]]), even), false)
  t.equal(isOverloaded(new Map([['z1', 3], ['z2', 3]]), uneven), true)
  t.equal(isOverloaded(new Map([['z1', 3]]), even), true)
  t.end()
})

t.test('hints for zones come and go with the annotation, and are told of', async (t) => {
  const cluster = new FakeCluster()
  const run = new ControllerRun(cluster, endpointslice)
  const zoned = (name: string, zone: string): Node => ({ ...node(name, { labels: { 'topology.kubernetes.io/zone': zone } }), status: { allocatable: { cpu: '4' }, conditions: [{ type: 'Ready', status: 'True' }] } })
  const on = (name: string, ip: string, nodeName: string): Pod => ({ ...runningPod(name, ip), spec: { ...runningPod(name, ip).spec, nodeName } })
  cluster.seed(zoned('n1', 'z1'), zoned('n2', 'z2'), ...['1', '2', '3', '4'].map((i) => on(`p${i}`, `10.0.0.${i}`, i < '3' ? 'n1' : 'n2')))
  const auto = { 'service.kubernetes.io/topology-mode': 'Auto' }
  const svc = service('svc')
  cluster.seed({ ...svc, metadata: { ...svc.metadata, annotations: auto } })
  const hints = () => cluster.all<EndpointSlice>(KIND).flatMap((s) => s.endpoints?.map((e) => e.hints?.forZones?.[0]?.name))
  await run.settle()
  t.same(hints(), ['z1', 'z1', 'z2', 'z2'])
  const before = cluster.writes.length
  cluster.edit<Pod>('v1/Pod', 'p1', (copy) => void (copy.metadata.annotations = { a: 'b' }))
  run.wake('default/svc')
  await run.settle()
  t.equal(cluster.writes.length, before, 'hints that fit stay')
  await cluster.delete('v1/Node', { namespace: '', name: 'n2' })
  await run.settle()
  t.match(cluster.events.at(-2), /^Service\/svc Warning TopologyAwareHintsDisabled: Insufficient Node information/)
  t.equal(cluster.events.filter((e) => e.includes('TopologyAwareHintsEnabled')).length, 1)
})
