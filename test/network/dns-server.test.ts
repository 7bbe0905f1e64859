import dgram from 'node:dgram'
import net from 'node:net'
import packet from 'dns-packet'
import t from 'tap'
import type { Namespace, Service } from '../../schemas/types.ts'
import { Directory } from '../../src/network/directory.ts'
import { respond } from '../../src/network/dns-wire.ts'
import { dnsGateways, startDnsServer } from '../../src/network/dns-server.ts'
import { FakeCluster } from '../helpers/fake-client.ts'

const namespace: Namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' }, spec: {} }
const web: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.96.0.20', clusterIPs: ['10.96.0.20'], ports: [{ name: 'http', port: 80 }] } }

function directory(): Directory {
  const cluster = new FakeCluster()
  cluster.seed(namespace, web)
  return new Directory(cluster.informers)
}

const query = (name: string, type: 'A' | 'AAAA' | 'SRV') => packet.encode({ type: 'query', id: 7, flags: packet.RECURSION_DESIRED, questions: [{ type, name }] })
const NAME = 'web.shop.svc.cluster.local'

t.test('answers', async (t) => {
  const ask = (name: string, type: 'A' | 'AAAA' | 'SRV') => packet.decode(respond(directory(), query(name, type), { isUdp: true }) ?? Buffer.alloc(0)) as packet.DecodedPacket & { rcode: string }
  t.match(ask(NAME, 'A'), { id: 7, type: 'response', rcode: 'NOERROR', flag_aa: true, answers: [{ name: NAME, type: 'A', data: '10.96.0.20' }] })
  t.match(ask(NAME, 'AAAA'), { rcode: 'NOERROR', answers: [] })
  t.match(ask(`_http._tcp.${NAME}`, 'SRV'), { answers: [{ data: { port: 80, target: NAME } }] })
  t.match(ask('nothing.shop.svc.cluster.local', 'A'), { rcode: 'NXDOMAIN' })
  t.match(ask('example.com', 'A'), { rcode: 'NXDOMAIN' })
  t.equal(respond(directory(), Buffer.from('nonsense'), { isUdp: true }), undefined)
})

t.test('inside the cluster, and on a port of the host', async (t) => {
  const names = directory()
  const [udpGateway, tcpGateway] = dnsGateways(names, '10.96.0.10')
  const inside = await udpGateway?.open()
  inside?.write(query(NAME, 'A'))
  const answered = await new Promise<Buffer>((resolve) => inside?.once('data', resolve))
  t.match(packet.decode(answered), { answers: [{ data: '10.96.0.20' }] })
  t.match(tcpGateway, { ip: '10.96.0.10', port: 53, protocol: 'TCP' })

  const server = await startDnsServer(names, { host: '127.0.0.1', port: 0 })
  t.teardown(() => server.close())
  const socket = dgram.createSocket('udp4')
  socket.send(query(NAME, 'A'), server.port, '127.0.0.1')
  const datagram = await new Promise<Buffer>((resolve) => socket.once('message', resolve))
  socket.close()
  t.match(packet.decode(datagram), { answers: [{ data: '10.96.0.20' }] })

  const stream = net.connect(server.port, '127.0.0.1')
  stream.write(packet.streamEncode({ type: 'query', id: 8, questions: [{ type: 'A', name: NAME }] }))
  const reply = await new Promise<Buffer>((resolve) => stream.once('data', resolve))
  stream.destroy()
  t.match(packet.streamDecode(reply), { id: 8, answers: [{ data: '10.96.0.20' }] })
})
