/**
 * The network of the cluster, inside the process: pods reach pods, Services lead to endpoints, names are resolved, policies
 * cut off. Models what a CNI plugin, kube-proxy and CoreDNS make of the API together.
 */
import { duplexPair, type Duplex } from 'node:stream'
import type { Pod, Service, ServicePort } from '../../schemas/types.ts'
import type { Clock, Random } from '../clock.ts'
import type { Informers } from '../client/lister.ts'
import { DNS_PORT } from '../apimachinery/dns-message.ts'
import { familyOf, formatIP, parseIP, type IPFamily } from '../apimachinery/ip-address.ts'
import { Directory } from './directory.ts'
import { openTcp, type Gateway } from './gateway.ts'
import { redirectOf } from './host-redirect.ts'
import { NetworkError, type Accepted, type ConnectOptions, type DnsRecord, type Listener, type LookupOptions, type Network, type Party, type Protocol, type RecordType, type Target } from './network.ts'
import { isAllowed } from './network-policy.ts'
import { NodeServices, type KubeletPorts } from './node-services.ts'
import { PortTable, type OnConnection } from './port-table.ts'
import { Resolver } from './resolver.ts'
import { admits, backends, isBalancer, servicePort, SessionAffinity, type Backend, type Way } from './service-proxy.ts'

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
  readonly #resolver: Resolver
  readonly #gateways: Gateway[] = []
  readonly #options: ClusterNetworkOptions
  /** Pods may have processes of the host stand in for them. */
  #redirects = false

  constructor(options: ClusterNetworkOptions) {
    this.#options = options
    this.directory = new Directory(options.informers)
    this.#nodeServices = new NodeServices(this.directory, options.clock)
    const dns = () => this.#gateways.find(({ port, protocol }) => port === DNS_PORT && protocol === 'UDP')
    this.#resolver = new Resolver({
      ...options,
      directory: this.directory,
      connect: (from, target, how) => this.connect(from, target, how),
      clusterDNS: {
        address: () => dns()?.ip,
        isReachable: (from) => {
          const gateway = dns()
          return gateway === undefined || this.#isAllowed(from, gateway, gateway.pod)
        },
      },
    })
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

  listening(party: Party): { port: number; protocol: Protocol }[] {
    return this.#ports.openAt(party.ip)
  }

  async connect(from: Party, { host, port }: Target, options: ConnectOptions = {}): Promise<Duplex> {
    const { protocol = 'TCP' } = options
    const ip = await this.#addressOf(from, host)
    const asked = { ip, port, protocol }
    const service = this.directory.serviceAt(ip)
    // Balancers may have loopback addresses, so that the host reaches them.
    if (isLoopback(ip) && !service) return this.#toHostPort(from, from.hostNetwork ? from.nodeName : undefined, asked) ?? this.#deliver(from, { ip: from.ip, port, protocol })
    if (this.#gatewayAt(asked)) return this.#toAddress(from, asked, options)
    // From inside, the addresses that Services have outside lead to any endpoint: nobody's address is to be kept.
    if (service && isBalancer(service, ip) && !admits(service, addressAs(from, familyOf(ip)))) return this.#noAnswer(asked, options)
    if (service && !isOwn(from, ip)) return this.#toService(from, asked, { ...options, service, way: service.spec?.clusterIPs?.includes(ip) ? 'internal' : from.nodeName ? 'short-circuit' : 'external' })
    const node = this.directory.nodeAt(ip)?.metadata.name
    return this.#toHostPort(from, node, asked, options) ?? this.#toNodePort(from, node, asked, options) ?? this.#toAddress(from, asked, options)
  }

  /** A connection that comes in from outside of the cluster for a Service, by a node, or by its balancer, which asks who it comes from. */
  connectToService(from: Party, service: Service, { port, isBalanced = false }: { port: ServicePort; isBalanced?: boolean }): Promise<Duplex> {
    const hop = { ip: service.spec?.clusterIP ?? '', port: port.port ?? 0, protocol: (port.protocol ?? 'TCP') as Protocol }
    if (isBalanced && !admits(service, from.ip)) return this.#noAnswer(hop, {})
    return this.#toService(from, hop, { service, way: 'external' })
  }

  /** Who answers for a port of a Service, wherever it is. */
  endpoints(service: Service, port: ServicePort): Backend[] {
    return backends(service, this.directory.slicesOf(service), port, { way: 'external' }) ?? []
  }

  resolve(from: Party, name: string, type: RecordType, options: LookupOptions = {}): Promise<DnsRecord[]> {
    return this.#resolver.resolve(from, { name, type }, options)
  }

  async #addressOf(from: Party, host: string): Promise<string> {
    const ip = parseIP(host)
    if (ip) return formatIP(ip)
    const find = async (type: 'A' | 'AAAA') => (await this.resolve(from, host, type)).find((r) => r.type === type)?.data
    const address = await find('A')
      .then((found) => found ?? find('AAAA'))
      // Of servers that say nothing the C library says no more than of names that are not there.
      .catch((error: NetworkError) => Promise.reject(new NetworkError('ENOTFOUND', error.message)))
    if (address === undefined) throw new NetworkError('ENOTFOUND', `lookup ${host}: no such host`)
    return address
  }

  #gatewayAt({ ip, port, protocol }: Hop): Gateway | undefined {
    return this.#gateways.find((g) => g.ip === ip && g.port === port && g.protocol === protocol)
  }

  /** What a pod has on a port of its node; undefined when there is none. */
  #toHostPort(from: Party, nodeName: string | undefined, asked: Hop, options: ConnectOptions = {}): Promise<Duplex> | undefined {
    const found = nodeName ? this.directory.atHostPort(nodeName, asked) : undefined
    const ip = found?.pod.status?.podIPs?.find((own) => familyOf(own.ip ?? '') === familyOf(asked.ip))?.ip ?? found?.pod.status?.podIP
    return found && ip ? this.#toAddress(from, { ip, port: found.port, protocol: asked.protocol }, options) : undefined
  }

  #toNodePort(from: Party, nodeName: string | undefined, { ip, port, protocol }: Hop, options: ConnectOptions): Promise<Duplex> | undefined {
    const service = nodeName === undefined ? undefined : this.directory.serviceAtNodePort(port, protocol)
    const found = service?.spec?.ports?.find((p) => p.nodePort === port && (p.protocol ?? 'TCP') === protocol)
    if (!service || !found) return undefined
    // Who asks its own node is inside. To another node everything comes from outside, even from a pod.
    const isInside = from.nodeName !== '' && from.nodeName === nodeName
    return this.#toService(from, { ip, port: found.port ?? 0, protocol }, { ...options, service, way: isInside ? 'short-circuit' : 'external', nodeName })
  }

  async #toService(from: Party, hop: Hop, { service, way, nodeName, ...options }: ConnectOptions & { service: Service; way: Way; nodeName?: string | undefined }): Promise<Duplex> {
    const port = servicePort(service, hop.port, hop.protocol)
    // Nothing routes the other ports of a Service's address: no answer ever comes.
    if (!port) return this.#noAnswer(hop, options)
    const here = (nodeName ?? from.nodeName) || undefined
    const candidates = backends(service, this.directory.slicesOf(service), port, { way, nodeName: here, zone: this.directory.zoneOf(here), family: hop.ip === '' ? undefined : familyOf(hop.ip) })
    if (!candidates) return this.#noAnswer(hop, options)
    const { clock, random } = this.#options
    const backend = this.#affinity.choose(service, { ip: from.ip, port: hop.port }, { candidates, random: (below) => random.int(below), nowMs: clock.now() })
    if (!backend) throw refused(hop)
    return this.#toAddress(from, { ...backend, protocol: hop.protocol }, options)
  }

  async #toAddress(from: Party, hop: Hop, options: ConnectOptions): Promise<Duplex> {
    const gateway = this.#gatewayAt(hop)
    const to = gateway?.pod ?? this.directory.podAt(hop.ip)
    if (!this.#isAllowed(from, hop, to)) return this.#noAnswer(hop, options)
    if (gateway) return gateway.open()
    if (!to && !this.directory.nodeAt(hop.ip) && !this.#listenerAt(hop)) throw new NetworkError('EHOSTUNREACH', `dial ${hop.protocol.toLowerCase()} ${hop.ip}:${hop.port}: connect: no route to host`)
    return this.#deliver(from, hop)
  }

  #isAllowed(from: Party, hop: Hop, to: Pod | undefined): boolean {
    const own = from.hostNetwork ? undefined : this.directory.podOf(from)
    // What a node asks of its own pods is never cut off, and the API server is not a pod.
    if (!own && !(from.uid !== undefined && to)) return true
    const traffic = { from: { ip: addressAs(from, familyOf(hop.ip)), ...(own ? { pod: own } : {}) }, to: { ip: hop.ip, ...(to ? { pod: to } : {}) }, port: hop.port, protocol: hop.protocol }
    return isAllowed(traffic, this.directory)
  }

  #deliver(from: Party, hop: Hop): Duplex | Promise<Duplex> {
    const redirect = this.#redirects && hop.protocol === 'TCP' ? redirectOf(this.directory.podAt(hop.ip), hop.port) : undefined
    if (redirect) return openTcp(redirect)
    const onConnection = this.#listenerAt(hop) ?? (hop.protocol === 'TCP' ? this.#nodeServices.at(hop.ip, hop.port) : undefined)
    if (!onConnection) throw refused(hop)
    const [near, far] = duplexPair(hop.protocol === 'UDP' ? { objectMode: true } : {})
    // An end that goes takes the other with it, as a reset does.
    near.once('close', () => far.destroyed || far.readableEnded || far.destroy())
    far.once('close', () => near.destroyed || near.readableEnded || near.destroy())
    onConnection({ stream: far, remoteAddress: addressAs(from, familyOf(hop.ip)), remotePort: this.#ports.ephemeral(), localAddress: hop.ip, localPort: hop.port })
    return near
  }

  /** Whoever listens does so on all addresses it has, under the first of them. */
  #listenerAt(hop: Hop): OnConnection | undefined {
    const first = familyOf(hop.ip) === 'IPv6' || this.#ports.at(hop) === undefined ? this.directory.firstAddressOf(hop.ip) : hop.ip
    return this.#ports.at({ ...hop, ip: first })
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

const isOwn = ({ ip, ips }: Party, address: string): boolean => address === ip || (ips?.includes(address) ?? false)

/** Its address of a family, as who speaks with it in that family sees it. */
function addressAs({ ip, ips }: Party, family: IPFamily): string {
  return ips?.find((own) => familyOf(own) === family) ?? ip
}

const isLoopback = (ip: string): boolean => ip.startsWith('127.') || ip === '::1'

function refused({ ip, port, protocol }: Hop): NetworkError {
  return new NetworkError('ECONNREFUSED', `dial ${protocol.toLowerCase()} ${ip}:${port}: connect: connection refused`)
}
