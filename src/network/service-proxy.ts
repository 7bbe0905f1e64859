/**
 * Which endpoint a connection to a Service goes to. Models k8s.io/kubernetes/pkg/proxy (topology.go, iptables/proxier.go).
 */
import type { Endpoint, EndpointSlice, Service, ServicePort } from '../../schemas/types.ts'
import { parseCIDR, parseIP, prefixContains, type IPFamily } from '../apimachinery/ip-address.ts'
import type { Protocol } from './network.ts'

export interface Backend {
  ip: string
  port: number
}

/**
 * How a connection reached the Service: by an address inside of the cluster, or from outside through a node or balancer; by an
 * address for those outside, but from inside, where every endpoint will do.
 */
export type Way = 'internal' | 'external' | 'short-circuit'

export interface Choice {
  way: Way
  /** The node it comes from, or came in by; where it is not known, endpoints of any node are local. */
  nodeName?: string | undefined
  /** The zone of that node. */
  zone?: string | undefined
  /** Of the address that was asked for: it leads to endpoints of the same. */
  family?: IPFamily | undefined
}

/** The port of a Service that answers at `port`; node ports are asked for apart. */
export function servicePort(service: Service, port: number, protocol: Protocol): ServicePort | undefined {
  return service.spec?.ports?.find((p) => p.port === port && (p.protocol ?? 'TCP') === protocol)
}

/** Services and slices with these labels are left to another proxy, or to none. */
export function isProxied({ metadata: { labels = {} } }: { metadata: { labels?: Record<string, string> } }): boolean {
  return labels['service.kubernetes.io/service-proxy-name'] === undefined && labels['service.kubernetes.io/headless'] === undefined
}

/** Whether an address is one that a balancer has for the Service. */
export function isBalancer({ status }: Service, ip: string): boolean {
  return status?.loadBalancer?.ingress?.some((ingress) => ingress.ip === ip) ?? false
}

/** Whether the Service's balancer takes what comes from an address; others are dropped without a word. */
export function admits({ spec }: Service, ip: string): boolean {
  const ranges = (spec?.loadBalancerSourceRanges ?? []).flatMap((text) => parseCIDR(text.trim()) ?? [])
  const address = parseIP(ip)
  return ranges.length === 0 || (address !== undefined && ranges.some((range) => prefixContains(range, address)))
}

interface Candidate {
  endpoint: Endpoint
  port: number
}

const isReady = ({ endpoint: { conditions } }: Candidate): boolean => conditions?.ready ?? true
const isEnding = ({ endpoint: { conditions } }: Candidate): boolean => conditions?.serving === true && conditions.terminating === true

/** All endpoints that may serve, or undefined where policy drops what comes rather than refuse it. */
export function backends(service: Service, slices: readonly EndpointSlice[], port: ServicePort, { way, nodeName, zone, family }: Choice): Backend[] | undefined {
  const all = candidates(family === undefined ? slices : slices.filter(({ addressType }) => addressType === family), port)
  const policy = way === 'internal' ? service.spec?.internalTrafficPolicy : way === 'external' ? service.spec?.externalTrafficPolicy : undefined
  const isLocal = policy === 'Local' && nodeName !== undefined
  const near = isLocal ? all.filter(({ endpoint }) => endpoint.nodeName === nodeName) : all
  const ready = near.filter(isReady)
  // Better an endpoint on its way out than none.
  const usable = ready.length === 0 ? near.filter(isEnding) : isLocal ? ready : preferred(ready, { nodeName, zone })
  if (usable.length === 0 && isLocal && all.some((c) => isReady(c) || isEnding(c))) return undefined
  return usable.flatMap(({ endpoint, port: number }) => (endpoint.addresses?.[0] ? [{ ip: endpoint.addresses[0], port: number }] : []))
}

/** How many endpoints of a node are ready, as its health check tells balancers. */
export function localEndpoints(slices: readonly EndpointSlice[], port: ServicePort, nodeName: string): number {
  return candidates(slices, port).filter((c) => isReady(c) && c.endpoint.nodeName === nodeName).length
}

function candidates(slices: readonly EndpointSlice[], { name = '', protocol = 'TCP' }: ServicePort): Candidate[] {
  return slices.filter(isProxied).flatMap((slice) => {
    const port = slice.ports?.find((p) => (p.name ?? '') === name && (p.protocol ?? 'TCP') === protocol)?.port
    return port === undefined ? [] : (slice.endpoints ?? []).map((endpoint) => ({ endpoint, port }))
  })
}

/** Those that hints give to the node, else to its zone; all of them when a hint is missing or none is for here. */
function preferred(ready: readonly Candidate[], { nodeName, zone }: Pick<Choice, 'nodeName' | 'zone'>): readonly Candidate[] {
  const by = (hintsOf: (endpoint: Endpoint) => readonly (string | undefined)[], here: string | undefined): Candidate[] => {
    if (here === undefined || ready.some(({ endpoint }) => hintsOf(endpoint).length === 0)) return []
    return ready.filter(({ endpoint }) => hintsOf(endpoint).includes(here))
  }
  const forNode = by(({ hints }) => hints?.forNodes?.map(({ name }) => name) ?? [], nodeName)
  if (forNode.length > 0) return forNode
  const forZone = by(({ hints }) => hints?.forZones?.map(({ name }) => name) ?? [], zone)
  return forZone.length > 0 ? forZone : ready
}

const DEFAULT_AFFINITY_SECONDS = 10_800
/** What is remembered of clients; the one that was away longest is forgotten first. */
const MAX_CLIENTS = 10_000

/** Sends a client of a Service with `sessionAffinity: ClientIP` to the endpoint it had. */
export class SessionAffinity {
  readonly #lastByClient = new Map<string, { backend: Backend; atMs: number }>()

  choose(service: Service, client: { ip: string; port: number }, { candidates: all, random, nowMs }: { candidates: readonly Backend[]; random(below: number): number; nowMs: number }): Backend | undefined {
    const fresh = () => all[random(all.length)]
    if (service.spec?.sessionAffinity !== 'ClientIP' || all.length === 0) return fresh()
    const key = `${service.metadata.uid} ${client.port} ${client.ip}`
    const last = this.#lastByClient.get(key)
    this.#lastByClient.delete(key)
    const timeoutMs = (service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) * 1000
    const stays = last && nowMs - last.atMs < timeoutMs ? all.find((c) => c.ip === last.backend.ip && c.port === last.backend.port) : undefined
    const backend = stays ?? fresh()
    if (backend) this.#lastByClient.set(key, { backend, atMs: nowMs })
    if (this.#lastByClient.size > MAX_CLIENTS) this.#lastByClient.delete(this.#lastByClient.keys().next().value ?? '')
    return backend
  }
}
