/**
 * What a node itself answers on its addresses: its kubelet, the health and mode of its service proxy, and for balancers whether it has
 * endpoints of a Service with `externalTrafficPolicy: Local`. Models pkg/proxy/healthcheck and cmd/kube-proxy/app/server.go.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Service } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import type { Directory } from './directory.ts'
import type { OnConnection } from './port-table.ts'
import { localEndpoints } from './service-proxy.ts'

const HEALTHZ_PORT = 10256
const METRICS_PORT = 10249

export type KubeletPorts = (nodeName: string) => ((stream: Duplex) => void) | undefined

type Handler = (request: IncomingMessage, response: ServerResponse) => void

export class NodeServices {
  readonly #directory: Directory
  readonly #clock: Clock
  readonly #handlers = new WeakMap<Duplex, Handler>()
  #server: http.Server | undefined
  /** Who takes connections to the kubelet of a node, where one is at work. */
  kubelets: KubeletPorts | undefined

  constructor(directory: Directory, clock: Clock) {
    this.#directory = directory
    this.#clock = clock
  }

  /** Who listens on a TCP port of a node. */
  at(ip: string, port: number): OnConnection | undefined {
    const node = this.#directory.nodeAt(ip)
    const kubelet = node && port === node.status?.daemonEndpoints?.kubeletEndpoint?.Port ? this.kubelets?.(node.metadata.name ?? '') : undefined
    if (kubelet) return ({ stream }) => kubelet(stream)
    const handler = node && this.#handlerAt(port, node.metadata.name ?? '')
    if (!handler) return undefined
    return ({ stream }) => {
      stream.on('error', () => stream.destroy())
      this.#handlers.set(stream, handler)
      this.#http.emit('connection', stream)
    }
  }

  get #http(): http.Server {
    return (this.#server ??= http.createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (request, response) => this.#handlers.get(request.socket)?.(request, response)))
  }

  #handlerAt(port: number, nodeName: string): Handler | undefined {
    if (port === HEALTHZ_PORT) return this.#health
    if (port === METRICS_PORT) return this.#mode
    const service = this.#directory.serviceAtHealthPort(port)
    return service && ((_request, response) => this.#serviceHealth(service, nodeName, response))
  }

  readonly #health: Handler = ({ url }, response) => {
    if (url !== '/healthz' && url !== '/livez') return notFound(response)
    const now = new Date(this.#clock.now()).toISOString().replace('T', ' ').replace('Z', ' +0000 UTC')
    reply(response, { type: 'application/json', body: JSON.stringify({ lastUpdated: now, currentTime: now, nodeEligible: true }) })
  }

  readonly #mode: Handler = ({ url }, response) => {
    if (url === '/proxyMode') return reply(response, { type: 'text/plain; charset=utf-8', body: 'iptables' })
    if (url === '/healthz') return reply(response, { type: 'text/plain; charset=utf-8', body: 'ok' })
    notFound(response)
  }

  #serviceHealth(service: Service, nodeName: string, response: ServerResponse): void {
    const slices = this.#directory.slicesOf(service)
    const count = Math.max(0, ...(service.spec?.ports ?? []).map((port) => localEndpoints(slices, port, nodeName)))
    const { namespace, name } = service.metadata
    response.statusCode = count > 0 ? 200 : 503
    response.setHeader('X-Load-Balancing-Endpoint-Weight', String(count))
    reply(response, { type: 'application/json', body: JSON.stringify({ service: { namespace, name }, localEndpoints: count, serviceProxyHealthy: true }, undefined, '\t') })
  }
}

function reply(response: ServerResponse, { type, body }: { type: string; body: string }): void {
  response.setHeader('Content-Type', type)
  response.setHeader('X-Content-Type-Options', 'nosniff')
  response.end(body)
}

function notFound(response: ServerResponse): void {
  response.statusCode = 404
  reply(response, { type: 'text/plain; charset=utf-8', body: '404 page not found\n' })
}
