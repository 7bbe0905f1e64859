/**
 * Which endpoint a connection to a Service goes to. Models k8s.io/kubernetes/pkg/proxy (topology.go, iptables/proxier.go).
 */
import type { EndpointSlice, Service, ServicePort } from '../../schemas/types.ts'
import type { Protocol } from './network.ts'

export interface Backend {
  ip: string
  port: number
}

/** How a connection reached the Service: by an address inside of the cluster, or from outside through a node or balancer. */
export type Way = 'internal' | 'external'

export interface Choice {
  way: Way
  /** The node it comes from, or came in by; where it is not known, endpoints of any node are local. */
  nodeName?: string
}

/** The port of a Service that answers at `port`; node ports are asked for apart. */
export function servicePort(service: Service, port: number, protocol: Protocol): ServicePort | undefined {
  return service.spec?.ports?.find((p) => p.port === port && (p.protocol ?? 'TCP') === protocol)
}

/** All endpoints that may serve, or undefined where policy drops what comes rather than refuse it. */
export function backends(service: Service, slices: readonly EndpointSlice[], { name = '', protocol = 'TCP' }: ServicePort, { way, nodeName }: Choice): Backend[] | undefined {
  const all = slices.flatMap((slice) => {
    const port = slice.ports?.find((p) => (p.name ?? '') === name && (p.protocol ?? 'TCP') === protocol)?.port
    return port === undefined ? [] : (slice.endpoints ?? []).map((endpoint) => ({ endpoint, port }))
  })
  const isLocal = (way === 'internal' ? service.spec?.internalTrafficPolicy : service.spec?.externalTrafficPolicy) === 'Local' && nodeName !== undefined
  const near = isLocal ? all.filter(({ endpoint }) => endpoint.nodeName === nodeName) : all
  const ready = near.filter(({ endpoint: { conditions } }) => conditions?.ready ?? true)
  // Better an endpoint on its way out than none.
  const usable = ready.length > 0 ? ready : near.filter(({ endpoint: { conditions } }) => conditions?.serving && conditions.terminating)
  if (usable.length === 0 && isLocal && all.some(({ endpoint: { conditions } }) => conditions?.ready ?? true)) return undefined
  return usable.flatMap(({ endpoint, port }) => (endpoint.addresses?.[0] ? [{ ip: endpoint.addresses[0], port }] : []))
}

const DEFAULT_AFFINITY_SECONDS = 10_800
/** What is remembered of clients; the one that was away longest is forgotten first. */
const MAX_CLIENTS = 10_000

/** Sends a client of a Service with `sessionAffinity: ClientIP` to the endpoint it had. */
export class SessionAffinity {
  readonly #lastByClient = new Map<string, { backend: Backend; atMs: number }>()

  choose(service: Service, client: { ip: string; port: number }, { candidates, random, nowMs }: { candidates: readonly Backend[]; random(below: number): number; nowMs: number }): Backend | undefined {
    const fresh = () => candidates[random(candidates.length)]
    if (service.spec?.sessionAffinity !== 'ClientIP' || candidates.length === 0) return fresh()
    const key = `${service.metadata.uid} ${client.port} ${client.ip}`
    const last = this.#lastByClient.get(key)
    this.#lastByClient.delete(key)
    const timeoutMs = (service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) * 1000
    const stays = last && nowMs - last.atMs < timeoutMs ? candidates.find((c) => c.ip === last.backend.ip && c.port === last.backend.port) : undefined
    const backend = stays ?? fresh()
    if (backend) this.#lastByClient.set(key, { backend, atMs: nowMs })
    if (this.#lastByClient.size > MAX_CLIENTS) this.#lastByClient.delete(this.#lastByClient.keys().next().value ?? '')
    return backend
  }
}
