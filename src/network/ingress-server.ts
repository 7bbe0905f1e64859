/**
 * The built-in ingress: a reverse proxy on loopback ports of the host that routes by the Ingresses of its classes. Also
 * stands in for ingress-nginx, whose class its manifests bring.
 */
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { pipeline, type Duplex } from 'node:stream'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { Ingress, IngressBackend, IngressClass, Secret, Service, ServicePort } from '../../schemas/types.ts'
import { endToEndHeaders, joinConnections, upgradeHead } from '../apimachinery/http-proxying.ts'
import type { Informers } from '../client/lister.ts'
import type { Random } from '../clock.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import { annotation, answerOf, corsHeaders, isCanary, maxBodyBytes, rewritten, takesCanary, type Asked } from './ingress-annotations.ts'
import { rankOfHost, route, type Routed } from './ingress-rules.ts'
import type { Party } from './network.ts'

export const INGRESS_CONTROLLER = 'orrery.io/ingress'
const INGRESS_NGINX = 'k8s.io/ingress-nginx'
/** Controllers of classes that are served here. */
const CONTROLLERS: ReadonlySet<string> = new Set([INGRESS_CONTROLLER, INGRESS_NGINX])
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const PARTY: Party = { name: 'ingress', ip: '127.0.0.1', nodeName: '' }

export interface IngressOptions {
  network: ClusterNetwork
  informers: Informers
  random: Random
  host: string
  /** 0 takes a free one. */
  httpPort: number
  httpsPort: number
  /** PEM of the certificate for hosts that no Ingress has one for. */
  fallback: { key: string; cert: string }
}

export interface IngressServer {
  readonly httpPort: number
  readonly httpsPort: number
  close(): Promise<void>
}

/** Rejects with the system's error when a port cannot be had. */
export async function startIngressServer(options: IngressOptions): Promise<IngressServer> {
  const router = new Router(options)
  const plain = http.createServer((request, response) => void router.serve(request, response, 'http'))
  const secure = https.createServer({ ...options.fallback, SNICallback: (name, done) => done(null, router.certificateFor(name)) }, (request, response) => void router.serve(request, response, 'https'))
  for (const [server, scheme] of [[plain, 'http'], [secure, 'https']] as const) server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => void router.upgrade(request, { socket, head, scheme }))
  await listen(plain, options.host, options.httpPort)
  try {
    await listen(secure, options.host, options.httpsPort)
  } catch (error) {
    plain.close()
    throw error
  }
  router.httpsPort = (secure.address() as AddressInfo).port
  return {
    httpPort: (plain.address() as AddressInfo).port,
    httpsPort: router.httpsPort,
    async close() {
      const closed = Promise.all([plain, secure].map((server) => new Promise((resolve) => server.close(resolve))))
      for (const server of [plain, secure]) server.closeAllConnections()
      await closed
    },
  }
}

function listen(server: http.Server | https.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen({ host, port }, resolve))
}

type Scheme = 'http' | 'https'

class Router {
  readonly #options: IngressOptions
  readonly #contexts = new WeakMap<Secret, SecureContext>()
  /** Where redirects to TLS lead. */
  httpsPort = 0

  constructor(options: IngressOptions) {
    this.#options = options
    // Informers fill at first use; the first request should not be the one that begins it.
    for (const kind of ['networking.k8s.io/v1/Ingress', 'networking.k8s.io/v1/IngressClass', 'v1/Secret']) options.informers.for(kind)
  }

  async serve(request: http.IncomingMessage, response: http.ServerResponse, scheme: Scheme): Promise<void> {
    const routed = this.#route(request)
    if (!routed) return answer(response, 404, 'default backend - 404')
    const { ingress } = routed
    const early = answerOf(ingress, this.#asked(request, ingress, scheme))
    if (early) return answer(response, early.status, early.text ?? '', early.headers)
    const cors = corsHeaders(ingress, request.headers.origin)
    if (request.method === 'OPTIONS' && cors['access-control-allow-origin']) return void response.writeHead(204, cors).end()
    const maxBytes = maxBodyBytes(ingress)
    if (maxBytes !== undefined && Number(request.headers['content-length'] ?? 0) > maxBytes) return answer(response, 413, '413 Request Entity Too Large')
    try {
      const socket = await this.#connect(routed)
      const outgoing = http.request({ createConnection: () => socket as never, method: request.method, path: rewritten(ingress, request.url ?? '/', routed.groups), headers: forwarded(request, scheme, ingress) })
      outgoing.once('error', () => (response.headersSent ? response.destroy() : answer(response, 502, '502 Bad Gateway')))
      outgoing.once('response', (incoming) => {
        response.writeHead(incoming.statusCode ?? 502, { ...endToEndHeaders(incoming.headers), ...cors })
        pipeline(incoming, response, () => incoming.destroy())
      })
      pipeline(request, outgoing, () => {})
    } catch {
      answer(response, 503, '503 Service Temporarily Unavailable')
    }
  }

  async upgrade(request: http.IncomingMessage, { socket, head, scheme }: { socket: Duplex; head: Buffer; scheme: Scheme }): Promise<void> {
    socket.on('error', () => socket.destroy())
    try {
      const routed = this.#route(request)
      if (!routed) throw new Error('no backend')
      const connection = await this.#connect(routed)
      const { method = 'GET', url = '/' } = request
      connection.write(upgradeHead({ method, url: rewritten(routed.ingress, url, routed.groups), headers: forwarded(request, scheme, routed.ingress), protocol: request.headers.upgrade ?? '' }))
      connection.write(head)
      joinConnections(socket, connection)
    } catch {
      socket.destroy()
    }
  }

  certificateFor(name: string): SecureContext | undefined {
    for (const { metadata, spec } of this.#ingresses()) {
      const entry = spec?.tls?.find(({ hosts }) => hosts?.some((host) => rankOfHost(host, name.toLowerCase()) > 0))
      const secret = entry?.secretName ? this.#options.informers.lister<Secret>('v1/Secret').get(metadata.namespace ?? '', entry.secretName) : undefined
      const context = secret && this.#contextOf(secret)
      if (context) return context
    }
    return undefined
  }

  #contextOf(secret: Secret): SecureContext | undefined {
    const text = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
    let context = this.#contexts.get(secret)
    try {
      if (!context) this.#contexts.set(secret, (context = createSecureContext({ cert: text('tls.crt'), key: text('tls.key') })))
    } catch {
      // A Secret without a usable pair is as good as none.
    }
    return context
  }

  #ingresses(): Ingress[] {
    return this.#options.informers.lister<Ingress>('networking.k8s.io/v1/Ingress').list().filter((ingress) => isOurs(ingress, this.#options.informers))
  }

  /** The Ingress and backend of a request; a canary takes its share of what the Ingress beside it would get. */
  #route({ headers, url = '/' }: http.IncomingMessage): Routed | undefined {
    const host = (headers.host ?? '').replace(/:\d+$/, '')
    const path = url.replace(/[?#].*$/s, '')
    const all = this.#ingresses()
    const main = route(all.filter((ingress) => !isCanary(ingress)), host, path)
    const canary = main && route(all.filter(isCanary), host, path)
    return canary && takesCanary(canary.ingress, headers, this.#options.random.int(100)) ? canary : main
  }

  #asked(request: http.IncomingMessage, ingress: Ingress, scheme: Scheme): Asked {
    const { host = '' } = request.headers
    const name = host.replace(/:\d+$/, '')
    const isNginx = this.#options.informers.lister<IngressClass>('networking.k8s.io/v1/IngressClass').get('', classOf(ingress) ?? '')?.spec?.controller === INGRESS_NGINX
    const hasTls = isNginx && (ingress.spec?.tls ?? []).some(({ hosts }) => !hosts?.length || hosts.some((h) => rankOfHost(h, name.toLowerCase()) > 0))
    return { scheme, host, url: request.url ?? '/', clientIP: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''), httpsPort: this.httpsPort, hasTls }
  }

  #serviceOf({ metadata }: Ingress, { service: named }: IngressBackend): { service: Service; port: ServicePort } | undefined {
    const service = this.#options.network.directory.service(metadata.namespace ?? '', named?.name ?? '')
    const port = service?.spec?.ports?.find((p) => (named?.port?.name ? p.name === named.port.name : p.port === named?.port?.number))
    return service && port && { service, port }
  }

  async #connect({ ingress, backend }: Routed): Promise<Duplex> {
    const found = this.#serviceOf(ingress, backend)
    if (!found) throw new Error('the service is not there')
    const stream = await this.#options.network.connectToService(PARTY, found.service, found.port)
    return /^(?:HTTPS|GRPCS)$/i.test(annotation(ingress, 'backend-protocol') ?? '') ? connectTls({ socket: stream, rejectUnauthorized: false }) : stream
  }
}

function classOf({ metadata, spec }: Pick<Ingress, 'metadata' | 'spec'>): string | undefined {
  return spec?.ingressClassName ?? metadata.annotations?.[CLASS_ANNOTATION]
}

/** Whether an Ingress is of a class that is served here. */
export function isOurs({ metadata, spec }: Ingress, informers: Informers): boolean {
  const name = classOf({ metadata, spec })
  if (!name) return false
  return CONTROLLERS.has(informers.lister<IngressClass>('networking.k8s.io/v1/IngressClass').get('', name)?.spec?.controller ?? '')
}

function forwarded(request: http.IncomingMessage, scheme: Scheme, ingress: Ingress): http.OutgoingHttpHeaders {
  const { host = '' } = request.headers
  const client = request.socket.remoteAddress ?? ''
  const port = host.match(/:(\d+)$/)?.[1] ?? (scheme === 'https' ? '443' : '80')
  const vhost = annotation(ingress, 'upstream-vhost')
  return { ...endToEndHeaders(request.headers), ...(vhost === undefined ? {} : { host: vhost }), 'x-forwarded-for': client, 'x-real-ip': client, 'x-forwarded-host': host, 'x-forwarded-port': port, 'x-forwarded-proto': scheme, 'x-forwarded-scheme': scheme, 'x-scheme': scheme }
}

function answer(response: http.ServerResponse, status: number, ...[text, headers]: [text: string, headers?: Record<string, string>]): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers })
  response.end(`${text}\n`)
}
