import t from 'tap'
import type { EndpointSlice, Namespace, Node, Pod, Service } from '../../schemas/types.ts'
import { ClusterNetwork } from '../../src/network/cluster-network.ts'
import { dnsGateways } from '../../src/network/dns-server.ts'
import type { Party } from '../../src/network/network.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import { FakeCluster } from '../helpers/fake-client.ts'

function pod(name: string, ip: string, { namespace = 'shop', node = 'node-1', spec = {} }: { namespace?: string; node?: string; spec?: Partial<Pod['spec']> } = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `uid-${name}`, labels: { app: name } },
    spec: { nodeName: node, containers: [{ name: 'c' }], ...spec },
    status: { phase: 'Running', podIPs: [{ ip }] },
  }
}

const party = (of: Pod): Party => ({ uid: of.metadata.uid ?? '', namespace: of.metadata.namespace ?? '', name: of.metadata.name ?? '', ip: of.status?.podIPs?.[0]?.ip ?? '', nodeName: of.spec.nodeName ?? '' })

const web = pod('web', '10.244.0.2')
const client = pod('client', '10.244.1.3', { node: 'node-2' })

function service(name: string, spec: NonNullable<Service['spec']>, namespace = 'shop'): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, uid: `uid-${name}` }, spec }
}

const HTTP = { name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }
const CLUSTER_IP = { type: 'ClusterIP', clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'], ports: [HTTP] }

function slice(of: string, endpoints: NonNullable<EndpointSlice['endpoints']>): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${of}-1`, namespace: 'shop', labels: { 'kubernetes.io/service-name': of } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
  }
}

const namespace = (name: string): Namespace => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} })
const node = (name: string, address: string): Node => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {}, status: { addresses: [{ type: 'InternalIP', address }] } })

function start(objects: KubeObject[]) {
  const cluster = new FakeCluster()
  cluster.seed(namespace('shop'), namespace('other'), node('node-1', '172.18.0.2'), web, client, ...objects)
  const network = new ClusterNetwork({ informers: cluster.informers, clock: cluster.clock, random: cluster.random })
  const serve = (of: Pod, port: number, say: string) => network.listen(party(of), { port, protocol: 'TCP' }, ({ stream, remoteAddress }) => stream.end(`${say} ${remoteAddress}`))
  const ask = async (from: Pod, host: string, port: number) => {
    const stream = await network.connect(party(from), { host, port })
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    return text
  }
  const resolve = async (from: Pod, name: string, type: 'A' | 'SRV' | 'PTR' | 'CNAME' = 'A') => (await network.resolve(party(from), name, type)).map((r) => `${r.type} ${r.data}`)
  return { cluster, network, serve, ask, resolve }
}

t.test('pods reach pods, themselves and nothing else', async (t) => {
  const { network, serve, ask } = start([])
  serve(web, 8080, 'web')
  t.equal(await ask(client, '10.244.0.2', 8080), 'web 10.244.1.3')
  t.equal(await ask(web, 'localhost', 8080), 'web 10.244.0.2')
  t.equal(await ask(web, '127.0.0.1', 8080), 'web 10.244.0.2')
  await t.rejects(ask(client, '10.244.0.2', 81), { code: 'ECONNREFUSED', message: 'dial tcp 10.244.0.2:81: connect: connection refused' })
  await t.rejects(ask(client, '10.244.9.9', 80), { code: 'EHOSTUNREACH' })
  await t.rejects(ask(client, 'example.com', 80), { code: 'ENOTFOUND', message: 'lookup example.com: no such host' })
  t.throws(() => serve(web, 8080, 'again'), { code: 'EADDRINUSE' })
  const listener = network.listen(party(web), { port: 0, protocol: 'TCP' }, () => {})
  t.ok(listener.port >= 32_768)
  listener.close()
})

t.test('services', async (t) => {
  const { cluster, network, serve, ask } = start([
    service('web', CLUSTER_IP),
    service('nobody', { ...CLUSTER_IP, clusterIP: '10.96.0.21', clusterIPs: ['10.96.0.21'] }),
    service('node', { type: 'NodePort', clusterIP: '10.96.0.22', clusterIPs: ['10.96.0.22'], ports: [{ ...HTTP, nodePort: 30080 }] }),
    slice('web', [{ addresses: ['10.244.0.2'], conditions: { ready: true } }]),
    slice('node', [{ addresses: ['10.244.0.2'], conditions: { ready: true } }]),
  ])
  serve(web, 8080, 'web')
  for (const host of ['10.96.0.20', 'web', 'web.shop', 'web.shop.svc', 'web.shop.svc.cluster.local', 'web.shop.svc.cluster.local.']) t.equal(await ask(client, host, 80), 'web 10.244.1.3', host)
  t.equal(await ask(client, '172.18.0.2', 30080), 'web 10.244.1.3', 'by a node')
  await t.rejects(ask(client, 'nobody', 80), { code: 'ECONNREFUSED', message: 'dial tcp 10.96.0.21:80: connect: connection refused' })
  const pending = t.rejects(network.connect(party(client), { host: 'web', port: 81 }, { timeoutMs: 5000 }), { code: 'ETIMEDOUT', message: 'dial tcp 10.96.0.20:81: i/o timeout' }, 'a port that the service has not')
  await cluster.clock.step(5000)
  await pending
})

t.test('names', async (t) => {
  const { resolve } = start([
    service('web', CLUSTER_IP),
    service('peers', { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'], ports: [HTTP] }),
    service('elsewhere', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
    service('abroad', { type: 'ExternalName', externalName: 'example.com' }),
    slice('peers', [
      { addresses: ['10.244.0.2'], hostname: 'db-0', conditions: { ready: true } },
      { addresses: ['10.244.1.3'], conditions: { ready: true } },
      { addresses: ['10.244.1.4'], conditions: { ready: false } },
    ]),
  ])
  const cases: readonly (readonly [string, 'A' | 'SRV' | 'PTR' | 'CNAME', readonly string[]])[] = [
    ['web', 'A', ['A 10.96.0.20']],
    ['peers', 'A', ['A 10.244.0.2', 'A 10.244.1.3']],
    ['db-0.peers', 'A', ['A 10.244.0.2']],
    ['10-244-1-3.peers.shop.svc.cluster.local', 'A', ['A 10.244.1.3']],
    ['10-244-1-3.shop.pod', 'A', ['A 10.244.1.3']],
    ['elsewhere', 'A', ['CNAME web.shop.svc.cluster.local', 'A 10.96.0.20']],
    ['abroad', 'CNAME', ['CNAME example.com']],
    ['_http._tcp.web', 'SRV', ['SRV 0 100 80 web.shop.svc.cluster.local.']],
    ['_http._tcp.peers', 'SRV', ['SRV 0 50 8080 db-0.peers.shop.svc.cluster.local.', 'SRV 0 50 8080 10-244-1-3.peers.shop.svc.cluster.local.']],
    ['20.0.96.10.in-addr.arpa', 'PTR', ['PTR web.shop.svc.cluster.local.']],
    ['2.0.244.10.in-addr.arpa', 'PTR', ['PTR db-0.peers.shop.svc.cluster.local.']],
    ['client', 'A', ['A 10.244.1.3']],
  ]
  for (const [name, type, expected] of cases) t.same(await resolve(client, name, type), expected, `${name} ${type}`)
  for (const name of ['nothing', 'web.nowhere', 'db-1.peers', '_x._tcp.web', 'example.com']) await t.rejects(resolve(client, name), { code: 'ENOTFOUND' }, name)
  await t.rejects(resolve(pod('x', '10.244.3.3', { namespace: 'other' }), 'db-0.peers'), { code: 'ENOTFOUND' }, 'another namespace searches its own')
})

t.test('resolvers by policy', async (t) => {
  const custom = pod('custom', '10.244.1.9', { spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['10.96.0.10'], searches: ['shop.svc.cluster.local'], options: [{ name: 'ndots', value: '1' }] }, hostAliases: [{ ip: '10.1.2.3', hostnames: ['db.local'] }] } })
  const bare = pod('bare', '10.244.1.8', { spec: { dnsPolicy: 'Default' } })
  const { network, resolve } = start([service('web', CLUSTER_IP), custom, bare])
  for (const gateway of dnsGateways(network.directory, '10.96.0.10')) network.addGateway(gateway)
  t.same(await resolve(custom, 'web'), ['A 10.96.0.20'])
  t.same(await resolve(custom, 'db.local'), ['A 10.1.2.3'])
  await t.rejects(resolve(bare, 'web'), { code: 'ENOTFOUND' })
})

t.test('policies cut off, and let again', async (t) => {
  const { cluster, network, serve, ask } = start([
    { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'deny', namespace: 'shop' }, spec: { podSelector: {} } } as KubeObject,
  ])
  serve(web, 8080, 'web')
  const pending = t.rejects(network.connect(party(client), { host: '10.244.0.2', port: 8080 }, { timeoutMs: 3000 }), { code: 'ETIMEDOUT' })
  await cluster.clock.step(3000)
  await pending
  t.equal(String((await network.connect({ name: 'kubelet', ip: '172.18.0.2', nodeName: 'node-1' }, { host: '10.244.0.2', port: 8080 })).constructor.name).length > 0, true, 'nodes reach their pods')
  const allow = { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }] }
  cluster.seed({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'allow', namespace: 'shop' }, spec: allow } as KubeObject)
  t.equal(await ask(client, '10.244.0.2', 8080), 'web 10.244.1.3')
})

t.test('a process beside the cluster', async (t) => {
  const { network, serve } = start([service('web', CLUSTER_IP), slice('web', [{ addresses: ['192.0.2.1'], conditions: { ready: true } }])])
  network.addGateway({ ip: '192.0.2.1', port: 8080, protocol: 'TCP', open: () => network.connect(party(client), { host: '10.244.0.2', port: 9 }) })
  serve(web, 9, 'through')
  const stream = await network.connect(party(client), { host: 'web', port: 80 })
  t.equal(String(await stream.toArray()), 'through 10.244.1.3')
})
