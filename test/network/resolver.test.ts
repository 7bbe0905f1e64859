/** Where a pod's questions go: its hosts file, the cluster's DNS, other servers, and what becomes of them when nobody answers. */
import packet from 'dns-packet'
import t from 'tap'
import type { Namespace, NetworkPolicy, Pod, Service } from '../../schemas/types.ts'
import { encodeReply, framed, unframed } from '../../src/apimachinery/dns-message.ts'
import { ClusterNetwork } from '../../src/network/cluster-network.ts'
import { dnsGateways } from '../../src/network/dns-server.ts'
import type { Party } from '../../src/network/network.ts'
import { FakeCluster } from '../helpers/fake-client.ts'

const pod = (name: string, ip: string, spec: Partial<Pod['spec']> = {}): Pod => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', uid: `uid-${name}`, labels: { app: name } }, spec: { nodeName: 'node-1', containers: [{ name: 'c' }], ...spec }, status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] } })
const party = ({ metadata, status }: Pod): Party => ({ uid: metadata.uid ?? '', namespace: 'shop', name: metadata.name ?? '', ip: status?.podIP ?? '', nodeName: 'node-1' })

const client = pod('client', '10.244.0.2', { hostAliases: [{ ip: '10.0.0.9', hostnames: ['db'] }, { ip: 'fd00::9', hostnames: ['db'] }] })
const server = pod('server', '10.244.0.3')
const alone = pod('alone', '10.244.0.4', { dnsPolicy: 'None', dnsConfig: { nameservers: ['10.244.0.3'], searches: ['corp.local'], options: [{ name: 'ndots', value: '2' }] } })
const lost = pod('lost', '10.244.0.5', { dnsPolicy: 'None', dnsConfig: { nameservers: ['10.244.9.9', '10.244.0.3'] } })
const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' }, spec: {} }
const web: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'] } }

function start(...objects: NetworkPolicy[]) {
  const cluster = new FakeCluster()
  cluster.seed(namespace, client, server, alone, lost, web, ...objects)
  const network = new ClusterNetwork({ informers: cluster.informers, clock: cluster.clock, random: cluster.random })
  for (const gateway of dnsGateways(network.directory, '10.96.0.10')) network.addGateway(gateway)
  const asked: string[] = []
  /** Knows of app.corp.local, and tells of big.corp.local over TCP alone. */
  const answer = (bytes: Buffer, isUdp: boolean) => {
    const query = packet.decode(bytes)
    const [{ name, type } = { name: '', type: 'A' }] = query.questions ?? []
    asked.push(`${isUdp ? 'udp' : 'tcp'} ${name}`)
    const answers = type === 'A' ? Array.from({ length: name === 'app.corp.local' ? 1 : name === 'big.corp.local' ? 60 : 0 }, (_, i) => ({ name, type: 'A' as const, ttl: 1, data: `1.1.1.${i + 1}` })) : []
    return encodeReply(query, { rcode: answers.length > 0 ? 0 : 3, answers }, { isUdp })
  }
  network.listen(party(server), { port: 53, protocol: 'UDP' }, ({ stream }) => stream.on('data', (query: Buffer) => stream.write(answer(query, true))))
  network.listen(party(server), { port: 53, protocol: 'TCP' }, ({ stream }) => stream.on('data', (bytes: Buffer) => unframed(bytes).messages.forEach((query) => stream.write(framed(answer(query, false))))))
  const find = async (from: Pod, name: string, { type = 'A', ...options }: { type?: 'A' | 'AAAA'; server?: string; isQuery?: boolean } = {}) => (await network.resolve(party(from), name, type, options)).map((r) => r.data)
  return { cluster, network, asked, find }
}

t.test('the hosts file comes first, but not for those who ask a server', async (t) => {
  const { find } = start()
  t.same([await find(client, 'db'), await find(client, 'db', { type: 'AAAA' })], [['10.0.0.9'], ['fd00::9']])
  t.same([await find(client, 'localhost'), await find(client, 'localhost', { type: 'AAAA' })], [['127.0.0.1'], ['::1']])
  await t.rejects(find(client, 'db', { isQuery: true }), { code: 'ENOTFOUND' })
  t.same(await find(client, 'web'), ['10.96.0.20'])
})

t.test('a pod with servers of its own asks those, along its own search list', async (t) => {
  const { asked, find } = start()
  t.same(await find(alone, 'app'), ['1.1.1.1'])
  t.same(asked, ['udp app.corp.local'])
  await t.rejects(find(alone, 'web.shop.svc.cluster.local'), { code: 'ENOTFOUND', message: 'lookup web.shop.svc.cluster.local: no such host' })
  t.equal((await find(alone, 'big')).length, 60, 'what is too much for a datagram comes over TCP')
  t.same(asked.slice(-2), ['udp big.corp.local', 'tcp big.corp.local'])
  t.same(await find(client, 'app.corp.local', { server: '10.244.0.3' }), ['1.1.1.1'], 'any pod may ask it')
  t.same(await find(alone, 'web.shop.svc.cluster.local', { server: '10.96.0.10' }), ['10.96.0.20'], 'and that one the cluster')
})

t.test('of several servers the next one is asked when one is not there', async (t) => {
  const { find } = start()
  t.same(await find(lost, 'app.corp.local'), ['1.1.1.1'])
})

t.test('a policy without DNS leaves a pod without names, unless it lets that through', async (t) => {
  const policy = (name: string, egress: NonNullable<NetworkPolicy['spec']>['egress']): NetworkPolicy => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'shop' }, spec: { podSelector: {}, policyTypes: ['Egress'], ...(egress ? { egress } : {}) } })
  const { cluster, network, find } = start(policy('deny', undefined))
  const silent = t.rejects(find(client, 'web.shop.svc.cluster.local'), { code: 'ETIMEDOUT', message: 'lookup web.shop.svc.cluster.local.shop.svc.cluster.local on 10.96.0.10:53: i/o timeout' })
  const connecting = t.rejects(network.connect(party(client), { host: 'web.', port: 80 }), { code: 'ENOTFOUND' })
  await cluster.clock.step(5000)
  await cluster.clock.step(5000)
  await Promise.all([silent, connecting])
  const allowed = start(policy('deny', undefined), policy('dns', [{ to: [{ podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } }, namespaceSelector: {} }], ports: [{ protocol: 'UDP', port: 53 }] }]))
  allowed.cluster.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system' } })
  t.same(await allowed.find(client, 'web'), ['10.96.0.20'])
})
