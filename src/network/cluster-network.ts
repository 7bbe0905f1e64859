/**
 * The network of the cluster, inside the process: pods reach pods, Services lead to endpoints, names are resolved, policies
 * cut off. Models what a CNI plugin, kube-proxy and CoreDNS make of the API together.
 */
import { duplexPair, type Duplex } from 'node:stream'
import type { Pod, Service, ServicePort } from '../../schemas/types.ts'
import type { Clock, Random } from '../clock.ts'
import type { Informers } from '../client/lister.ts'
import { parseIP } from '../apimachinery/ip-address.ts'
import { Directory } from './directory.ts'
import { answer, namesToTry } from './dns.ts'
import { openTcp, type Gateway } from './gateway.ts'
import { redirectOf } from './host-redirect.ts'
import { NetworkError, type Accepted, type ConnectOptions, type DnsRecord, type Listener, type Network, type Party, type Protocol, type RecordType, type Target } from './network.ts'
import { isAllowed } from './network-policy.ts'
import { NodeServices, type KubeletPorts } from './node-services.ts'
import { PortTable } from './port-table.ts'
import { backends, servicePort, SessionAffinity, type Way } from './service-proxy.ts'

export interface ClusterNetworkOptions {
  informers: Informers
  clock: Clock
  random: Random
}

const CONNECT_TIMEOUT_MS = 30_000

interface Hop {
  ip: string
  port: number
  protocol: Protocol
}

export class ClusterNetwork implements Network {
  readonly directory: Directory
  readonly #ports = new PortTable()
  readonly #affinity = new SessionAffinity()
  readonly #nodeServices: NodeServices
  readonly #gateways: Gateway[] = []
  readonly #options: ClusterNetworkOptions
  /** Pods may have processes of the host stand in for them. */
  #redirects = false

  constructor(options: ClusterNetworkOptions) {
    this.#options = options
    this.directory = new Directory(options.informers)
    this.#nodeServices = new NodeServices(this.directory, options.clock)
  }

  allowRedirects(): void {
    this.#redirects = true
  }

  addGateway(gateway: Gateway): void {
    this.#gateways.push(gateway)
  }

  /** Kubelets are reached on their nodes' addresses. */
  serveKubelets(kubelets: KubeletPorts): void {
    this.#nodeServices.kubelets = kubelets
  }

  listen(party: Party, { port, protocol }: { port: number; protocol: Protocol }, onConnection: (accepted: Accepted) => void): Listener {
    return this.#ports.listen({ ip: party.ip, port, protocol }, onConnection)
  }

  async connect(from: Party, { host, port }: Target, options: ConnectOptions = {}): Promise<Duplex> {
    const { protocol = 'TCP' } = options
    const ip = await this.#addressOf(from, host)
    const asked = { ip, port, protocol }
    if (isLoopback(ip)) return this.#toHostPort(from, from.hostNetwork ? from.nodeName : undefined, asked) ?? this.#deliver(from, { ip: from.ip, port, protocol })
    if (this.#gatewayAt(asked)) return this.#toAddress(from, asked, options)
    const service = this.directory.serviceAt(ip)
    // From inside, the addresses that Services have outside lead to any endpoint: nobody's address is to be kept.
    if (service && !(ip === from.ip)) return this.#toService(from, asked, { ...options, service, way: service.spec?.clusterIPs?.includes(ip) ? 'internal' : from.nodeName ? 'short-circuit' : 'external' })
    const node = this.directory.nodeAt(ip)?.metadata.name
    return this.#toHostPort(from, node, asked, options) ?? this.#toNodePort(from, node, asked, options) ?? this.#toAddress(from, asked, options)
  }

  /** A connection that comes in from outside of the cluster for a Service, by a node or a balancer of its. */
  connectToService(from: Party, service: Service, port: ServicePort): Promise<Duplex> {
    const protocol = (port.protocol ?? 'TCP') as Protocol
    return this.#toService(from, { ip: service.spec?.clusterIP ?? '', port: port.port ?? 0, protocol }, { service, way: 'external' })
  }

  async resolve(from: Party, name: string, type: RecordType): Promise<DnsRecord[]> {
    const pod = this.#podOf(from)
    const bare = name.replace(/\.$/, '')
    const known = type === 'A' ? hostsEntry(bare, from, pod) : undefined
    if (known) return [{ name: bare, type: 'A', ttl: 0, data: known }]
    for (const whole of namesToTry(name, pod)) {
      const found = answer(this.directory, whole, type)
      if (found) return found
    }
    throw new NetworkError('ENOTFOUND', `lookup ${name}: no such host`)
  }

  async #addressOf(from: Party, host: string): Promise<string> {
    if (parseIP(host)) return host
    const records = await this.resolve(from, host, 'A')
    const address = records.find((r) => r.type === 'A')?.data
    if (address === undefined) throw new NetworkError('ENOTFOUND', `lookup ${host}: no such host`)
    return address
  }

  /** One that its kubelet knows by another uid (a static pod) is known by its address. */
  #podOf({ uid, ip }: Party): Pod | undefined {
    return uid === undefined ? undefined : (this.directory.podByUid(uid) ?? this.directory.podAt(ip))
  }

  #gatewayAt({ ip, port, protocol }: Hop): Gateway | undefined {
    return this.#gateways.find((g) => g.ip === ip && g.port === port && g.protocol === protocol)
  }

  /** What a pod has on a port of its node; undefined when there is none. */
  #toHostPort(from: Party, nodeName: string | undefined, asked: Hop, options: ConnectOptions = {}): Promise<Duplex> | undefined {
    const found = nodeName ? this.directory.atHostPort(nodeName, asked) : undefined
    const ip = found?.pod.status?.podIP
    return found && ip ? this.#toAddress(from, { ip, port: found.port, protocol: asked.protocol }, options) : undefined
  }

  #toNodePort(from: Party, nodeName: string | undefined, { ip, port, protocol }: Hop, options: ConnectOptions): Promise<Duplex> | undefined {
    const service = nodeName === undefined ? undefined : this.directory.serviceAtNodePort(port, protocol)
    const found = service?.spec?.ports?.find((p) => p.nodePort === port && (p.protocol ?? 'TCP') === protocol)
    if (!service || !found) return undefined
    // Pods, and a node that asks itself, are inside; another node is not.
    const isInside = from.nodeName !== '' && ((from.uid !== undefined && !from.hostNetwork) || from.nodeName === nodeName)
    return this.#toService(from, { ip, port: found.port ?? 0, protocol }, { ...options, service, way: isInside ? 'short-circuit' : 'external', nodeName })
  }

  async #toService(from: Party, hop: Hop, { service, way, nodeName, ...options }: ConnectOptions & { service: Service; way: Way; nodeName?: string | undefined }): Promise<Duplex> {
    const port = servicePort(service, hop.port, hop.protocol)
    // Nothing routes the other ports of a Service's address: no answer ever comes.
    if (!port) return this.#noAnswer(hop, options)
    const here = (nodeName ?? from.nodeName) || undefined
    const candidates = backends(service, this.directory.slicesOf(service), port, { way, nodeName: here, zone: this.directory.zoneOf(here) })
    if (!candidates) return this.#noAnswer(hop, options)
    const { clock, random } = this.#options
    const backend = this.#affinity.choose(service, { ip: from.ip, port: hop.port }, { candidates, random: (below) => random.int(below), nowMs: clock.now() })
    if (!backend) throw refused(hop)
    return this.#toAddress(from, { ...backend, protocol: hop.protocol }, options)
  }

  async #toAddress(from: Party, hop: Hop, options: ConnectOptions): Promise<Duplex> {
    const to = this.directory.podAt(hop.ip)
    const own = from.hostNetwork ? undefined : this.#podOf(from)
    const traffic = { from: { ip: from.ip, ...(own ? { pod: own } : {}) }, to: { ip: hop.ip, ...(to ? { pod: to } : {}) }, port: hop.port, protocol: hop.protocol }
    // What a node asks of its own pods is never cut off, and the API server is not a pod.
    if ((own || (from.uid !== undefined && to)) && !isAllowed(traffic, this.directory)) return this.#noAnswer(hop, options)
    const gateway = this.#gatewayAt(hop)
    if (gateway) return gateway.open()
    if (!to && !this.directory.nodeAt(hop.ip) && !this.#ports.at(hop)) throw new NetworkError('EHOSTUNREACH', `dial ${hop.protocol.toLowerCase()} ${hop.ip}:${hop.port}: connect: no route to host`)
    return this.#deliver(from, hop)
  }

  #deliver(from: Party, hop: Hop): Duplex | Promise<Duplex> {
    const redirect = this.#redirects && hop.protocol === 'TCP' ? redirectOf(this.directory.podAt(hop.ip), hop.port) : undefined
    if (redirect) return openTcp(redirect)
    const onConnection = this.#ports.at(hop) ?? (hop.protocol === 'TCP' ? this.#nodeServices.at(hop.ip, hop.port) : undefined)
    if (!onConnection) throw refused(hop)
    const [near, far] = duplexPair(hop.protocol === 'UDP' ? { objectMode: true } : {})
    // An end that goes takes the other with it, as a reset does.
    near.once('close', () => far.destroyed || far.readableEnded || far.destroy())
    far.once('close', () => near.destroyed || near.readableEnded || near.destroy())
    onConnection({ stream: far, remoteAddress: from.ip, remotePort: this.#ports.ephemeral(), localAddress: hop.ip, localPort: hop.port })
    return near
  }

  #noAnswer({ ip, port, protocol }: Hop, { timeoutMs = CONNECT_TIMEOUT_MS, signal }: ConnectOptions): Promise<never> {
    return new Promise((_, reject) => {
      const fail = () => {
        timer.cancel()
        reject(new NetworkError('ETIMEDOUT', `dial ${protocol.toLowerCase()} ${ip}:${port}: i/o timeout`))
      }
      const timer = this.#options.clock.after(timeoutMs, fail)
      if (signal?.aborted) fail()
      else signal?.addEventListener('abort', fail, { once: true })
    })
  }
}

const isLoopback = (ip: string): boolean => ip.startsWith('127.') || ip === '::1'

function refused({ ip, port, protocol }: Hop): NetworkError {
  return new NetworkError('ECONNREFUSED', `dial ${protocol.toLowerCase()} ${ip}:${port}: connect: connection refused`)
}

/** What the pod's /etc/hosts says. */
function hostsEntry(name: string, from: Party, pod: Pod | undefined): string | undefined {
  if (name === 'localhost') return '127.0.0.1'
  const { hostname, subdomain, hostAliases = [] } = pod?.spec ?? {}
  const own = hostname ?? pod?.metadata.name ?? from.name
  if (name === own || (subdomain && name === `${own}.${subdomain}.${pod?.metadata.namespace}.svc.cluster.local`)) return from.ip
  return hostAliases.find((alias) => alias.hostnames?.includes(name))?.ip
}
