import t from 'tap'
import type { EndpointSlice, Service } from '../../schemas/types.ts'
import { backends, localEndpoints, servicePort, SessionAffinity } from '../../src/network/service-proxy.ts'

const service = (spec: Partial<NonNullable<Service['spec']>> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default', uid: 'web' },
  spec: { clusterIPs: ['10.96.0.20'], ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }], ...spec },
})

const slice = (...endpoints: NonNullable<EndpointSlice['endpoints']>): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'web-1', namespace: 'default' },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints,
})

const at = (n: number, conditions: object = { ready: true }, nodeName = `node-${n}`) => ({ addresses: [`10.244.${n}.2`], conditions, nodeName })
const HTTP = { name: 'http', port: 80, protocol: 'TCP' }
const ips = (of: Service, s: EndpointSlice, way: 'internal' | 'external' = 'internal', nodeName = 'node-1') => backends(of, [s], HTTP, { way, nodeName })?.map((b) => b.ip)

t.test('ports by number and protocol', async (t) => {
  t.equal(servicePort(service(), 80, 'TCP')?.name, 'http')
  t.equal(servicePort(service(), 80, 'UDP'), undefined)
  t.equal(servicePort(service(), 8080, 'TCP'), undefined)
})

t.test('endpoints', async (t) => {
  t.same(backends(service(), [slice(at(1))], HTTP, { way: 'internal' }), [{ ip: '10.244.1.2', port: 8080 }])
  t.same(ips(service(), slice(at(1), at(2, { ready: false }))), ['10.244.1.2'])
  t.same(ips(service(), slice(at(1, { ready: false, serving: true, terminating: true }))), ['10.244.1.2'], 'those on their way out serve when there is no other')
  t.same(ips(service(), slice(at(1, { ready: false, serving: false, terminating: true }))), [])
  t.same(backends(service(), [slice(at(1))], { ...HTTP, name: 'other' }, { way: 'internal' }), [])
  const labelled = slice(at(1))
  labelled.metadata.labels = { 'service.kubernetes.io/headless': '' }
  t.same(ips(service(), labelled), [], 'slices of headless Services are for names alone')
})

t.test('traffic policies', async (t) => {
  const local = service({ internalTrafficPolicy: 'Local' })
  t.same(ips(local, slice(at(1), at(2))), ['10.244.1.2'])
  t.equal(ips(local, slice(at(2))), undefined, 'what may not go elsewhere is dropped')
  t.same(ips(local, slice(at(2)), 'external'), ['10.244.2.2'], 'each way has its policy')
  t.same(ips(service({ externalTrafficPolicy: 'Local' }), slice(at(1), at(2)), 'external', 'node-2'), ['10.244.2.2'])
})

t.test('hints keep traffic on the node, else in the zone', async (t) => {
  const hinted = (n: number, hints: object) => ({ ...at(n), hints })
  const chosen = (s: EndpointSlice, nodeName: string, zone: string) => backends(service(), [s], HTTP, { way: 'internal', nodeName, zone })?.map((b) => b.ip)
  const zones = slice(hinted(1, { forZones: [{ name: 'a' }] }), hinted(2, { forZones: [{ name: 'b' }] }))
  t.same(chosen(zones, 'node-9', 'b'), ['10.244.2.2'])
  t.same(chosen(zones, 'node-9', 'c'), ['10.244.1.2', '10.244.2.2'], 'none for this zone')
  t.same(chosen(slice(hinted(1, { forZones: [{ name: 'a' }] }), at(2)), 'node-9', 'a'), ['10.244.1.2', '10.244.2.2'], 'one without a hint')
  const nodes = slice(hinted(1, { forNodes: [{ name: 'node-1' }], forZones: [{ name: 'a' }] }), hinted(2, { forNodes: [{ name: 'node-2' }], forZones: [{ name: 'b' }] }))
  t.same(chosen(nodes, 'node-2', 'a'), ['10.244.2.2'])
  t.same(chosen(nodes, 'node-9', 'a'), ['10.244.1.2'], 'the zone where the node has none')
  t.same(backends(service({ externalTrafficPolicy: 'Local' }), [slice(at(1), at(2))], HTTP, { way: 'short-circuit', nodeName: 'node-2' })?.length, 2, 'from inside every endpoint will do')
  t.equal(localEndpoints([slice(at(1), at(2, { ready: false }))], HTTP, 'node-1'), 1)
  t.equal(localEndpoints([slice(at(1), at(2, { ready: false }))], HTTP, 'node-2'), 0)
})

t.test('session affinity', async (t) => {
  const affinity = new SessionAffinity()
  const sticky = service({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } } })
  const candidates = [1, 2, 3].map((n) => ({ ip: `10.244.${n}.2`, port: 8080 }))
  let turn = 0
  const choose = (of: Service, ip: string, nowMs: number, among = candidates) => affinity.choose(of, { ip, port: 80 }, { candidates: among, random: (below) => turn++ % below, nowMs })?.ip
  const first = choose(sticky, 'a', 0)
  t.equal(choose(sticky, 'a', 9_000), first)
  t.equal(choose(sticky, 'a', 18_000), first, 'each use begins the time anew')
  t.not(choose(sticky, 'b', 18_000), first)
  t.not(choose(sticky, 'a', 40_000), first, 'until it is over')
  const now = choose(sticky, 'a', 41_000)
  t.not(choose(sticky, 'a', 42_000, candidates.filter((c) => c.ip !== now)), now, 'an endpoint that went is left')
  t.not(choose(service(), 'c', 0), choose(service(), 'c', 0))
})
