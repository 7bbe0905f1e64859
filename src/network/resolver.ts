/**
 * Looks names up as the C library of a pod does: in its hosts file, then along its search list at the servers of its resolv.conf,
 * one after the other. The cluster's own DNS answers inside the process; any other server is asked in DNS' own protocol.
 */
import type { Duplex } from 'node:stream'
import packet from 'dns-packet'
import type { Pod } from '../../schemas/types.ts'
import { decodeMessage, DNS_PORT, framed, NXDOMAIN, rcodeOf, recordsOf, unframed } from '../apimachinery/dns-message.ts'
import { familyOf } from '../apimachinery/ip-address.ts'
import type { Clock, Random } from '../clock.ts'
import type { Directory } from './directory.ts'
import { answer, CLUSTER_DOMAIN, namesToTry, type Answer } from './dns.ts'
import { NetworkError, type ConnectOptions, type DnsRecord, type LookupOptions, type Party, type RecordType, type Target } from './network.ts'

const TIMEOUT_MS = 5000
const ATTEMPTS = 2

export interface ResolverOptions {
  directory: Directory
  clock: Clock
  random: Random
  connect(from: Party, target: Target, options: ConnectOptions): Promise<Duplex>
  /** Of the cluster's DNS: the address it has, and whether a party's queries get there. */
  clusterDNS: { address(): string | undefined; isReachable(from: Party): boolean }
}

interface Question {
  name: string
  type: RecordType
}

export class Resolver {
  readonly #options: ResolverOptions

  constructor(options: ResolverOptions) {
    this.#options = options
  }

  /** Rejects with ENOTFOUND for a name that is not there, and with ETIMEDOUT when no server says anything. */
  async resolve(from: Party, { name, type }: Question, { server, isQuery = false }: LookupOptions): Promise<DnsRecord[]> {
    const { directory, clusterDNS } = this.#options
    const pod = directory.podOf(from)
    const bare = name.replace(/\.$/, '')
    if (!isQuery && (type === 'A' || type === 'AAAA')) {
      const known = hostsEntries(bare, from, pod)
      const family = type === 'A' ? 'IPv4' : 'IPv6'
      if (known.length > 0) return known.filter((ip) => familyOf(ip) === family).map((data) => ({ name: bare, type, ttl: 0, data }))
    }
    const servers = server === undefined ? serversOf(pod, clusterDNS.address()) : [server]
    for (const whole of namesToTry(name, pod)) {
      const found = await this.#ask(from, servers, { name: whole, type })
      if (found) return found
    }
    throw new NetworkError('ENOTFOUND', `lookup ${name}: no such host`)
  }

  /** What the first server says that says anything. */
  async #ask(from: Party, servers: readonly (string | undefined)[], question: Question): Promise<Answer> {
    const { clock, clusterDNS } = this.#options
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      for (const server of servers) {
        const isOurs = server === clusterDNS.address()
        if (isOurs && clusterDNS.isReachable(from)) return answer(this.#options.directory, question.name, question.type)
        const said = isOurs ? await clock.sleep(TIMEOUT_MS) : await this.#query(from, server ?? '', question)
        if (said) return said.found
      }
    }
    throw new NetworkError('ETIMEDOUT', `lookup ${question.name} on ${servers[0] ?? ''}:${DNS_PORT}: i/o timeout`)
  }

  /** Nothing when the server is not there, does not answer in time, or has a problem of its own. */
  async #query(from: Party, server: string, { name, type }: Question): Promise<{ found: Answer } | undefined> {
    const { random } = this.#options
    const query: packet.Packet = { type: 'query', id: random.int(65_536), flags: packet.RECURSION_DESIRED, questions: [{ type, name }] }
    let reply = await this.#exchange(from, { server, protocol: 'UDP' }, packet.encode(query))
    if (reply?.flag_tc) reply = await this.#exchange(from, { server, protocol: 'TCP' }, framed(packet.encode(query)))
    if (!reply || reply.id !== query.id) return undefined
    const code = rcodeOf(reply)
    if (code === NXDOMAIN) return { found: undefined }
    return code === 0 ? { found: recordsOf(reply) } : undefined
  }

  async #exchange(from: Party, { server, protocol }: { server: string; protocol: 'UDP' | 'TCP' }, query: Buffer): Promise<packet.DecodedPacket | undefined> {
    const { clock, connect } = this.#options
    let stream: Duplex | undefined
    const timer = clock.after(TIMEOUT_MS, () => stream?.destroy())
    try {
      stream = await connect(from, { host: server, port: DNS_PORT }, { protocol, timeoutMs: TIMEOUT_MS })
      stream.on('error', () => stream?.destroy())
      stream.write(query)
      let pending: Buffer = Buffer.alloc(0)
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        pending = Buffer.concat([pending, chunk])
        const [message] = protocol === 'UDP' ? [pending] : unframed(pending).messages
        if (message) return decodeMessage(message)
      }
      return undefined
    } catch {
      // Who sends nonsense, or is not there, is as good as silent: the next server is asked.
      return undefined
    } finally {
      timer.cancel()
      stream?.destroy()
    }
  }
}

/** Of the pod's resolv.conf; undefined stands for the cluster's DNS where nothing has its address. */
function serversOf(pod: Pod | undefined, clusterDNS: string | undefined): readonly (string | undefined)[] {
  const { dnsPolicy, dnsConfig } = pod?.spec ?? {}
  const given = dnsConfig?.nameservers ?? []
  return dnsPolicy === 'None' ? given : [clusterDNS, ...given]
}

/** What the pod's /etc/hosts says. */
function hostsEntries(name: string, from: Party, pod: Pod | undefined): readonly string[] {
  if (name === 'localhost') return ['127.0.0.1', '::1']
  const { hostname, subdomain, hostAliases = [] } = pod?.spec ?? {}
  const own = hostname ?? pod?.metadata.name ?? from.name
  if (name === own || (subdomain && name === `${own}.${subdomain}.${pod?.metadata.namespace}.svc.${CLUSTER_DOMAIN}`)) return from.ips ?? [from.ip]
  return hostAliases.flatMap(({ ip, hostnames }) => (ip && hostnames?.includes(name) ? [ip] : []))
}
