/** Where names are asked for: the address of the cluster's DNS inside of it, and a loopback port of the host. */
import dgram from 'node:dgram'
import net from 'node:net'
import { duplexPair, type Duplex } from 'node:stream'
import { DNS_PORT, framed, unframed } from '../apimachinery/dns-message.ts'
import type { Pod } from '../../schemas/types.ts'
import type { Directory } from './directory.ts'
import { respond } from './dns-wire.ts'
import type { Gateway } from './gateway.ts'
import type { Protocol } from './network.ts'

const MAX_TCP_CLIENTS = 100
const IDLE_MS = 10_000

/** What a policy knows the cluster's DNS by: the labels that installers give to its pods. */
const DNS_POD: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'kube-system', name: 'coredns', labels: { 'k8s-app': 'kube-dns' } }, spec: {} }

/** The cluster's DNS at an address inside of it. */
export function dnsGateways(directory: Directory, ip: string): Gateway[] {
  const gateway = (protocol: Protocol, serve: (stream: Duplex) => void): Gateway => ({
    ip,
    port: DNS_PORT,
    protocol,
    pod: DNS_POD,
    open() {
      const [near, far] = duplexPair(protocol === 'UDP' ? { objectMode: true } : {})
      serve(far)
      return Promise.resolve(near)
    },
  })
  const datagrams = (stream: Duplex) => stream.on('data', (query: Buffer) => sendIfAny(respond(directory, query, { isUdp: true }), (answer) => stream.write(answer)))
  return [gateway('UDP', datagrams), gateway('TCP', (stream) => serveTcp(directory, stream))]
}

const sendIfAny = (answer: Buffer | undefined, send: (answer: Buffer) => void): void => {
  if (answer) send(answer)
}

/** Queries with their length before them, one after the other. */
function serveTcp(directory: Directory, stream: Duplex): void {
  let pending: Buffer = Buffer.alloc(0)
  stream.on('error', () => stream.destroy())
  stream.on('end', () => stream.end())
  stream.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    const { messages, rest } = unframed(pending)
    pending = rest
    for (const message of messages) {
      const answer = respond(directory, message, { isUdp: false })
      if (!answer) return void stream.destroy()
      stream.write(framed(answer))
    }
  })
}

export interface DnsServer {
  readonly port: number
  close(): Promise<void>
}

/** On a port of the host, for UDP and TCP; 0 takes a free one. Rejects with the system's error. */
export async function startDnsServer(directory: Directory, { host, port }: { host: string; port: number }): Promise<DnsServer> {
  const tcp = net.createServer((socket) => {
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    serveTcp(directory, socket)
  })
  tcp.maxConnections = MAX_TCP_CLIENTS
  await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen({ host, port }, resolve))
  const chosen = (tcp.address() as net.AddressInfo).port
  const udp = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4')
  udp.on('message', (query, from) => sendIfAny(respond(directory, query, { isUdp: true }), (answer) => udp.send(answer, from.port, from.address)))
  try {
    await new Promise<void>((resolve, reject) => udp.once('error', reject).bind({ address: host, port: chosen }, resolve))
  } catch (error) {
    tcp.close()
    throw error
  }
  return {
    port: chosen,
    close: () => new Promise((resolve) => udp.close(() => tcp.close(() => resolve()))),
  }
}
