/**
 * The built-in ingress: a reverse proxy on loopback ports of the host that routes by the Ingresses of its classes. Also
 * stands in for ingress-nginx, whose class its manifests bring.
 */
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { pipeline, type Duplex } from 'node:stream'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Ingress, IngressBackend, IngressClass, Secret, Service, ServicePort } from '../../schemas/types.ts'
import { endToEndHeaders, joinConnections, upgradeHead } from '../apimachinery/http-proxying.ts'
import type { Informers } from '../client/lister.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import { rankOfHost, route } from './ingress-rules.ts'
import type { Party } from './network.ts'

export const INGRESS_CONTROLLER = 'orrery.io/ingress'
/** Controllers of classes that are served here. */
const CONTROLLERS: ReadonlySet<string> = new Set([INGRESS_CONTROLLER, 'k8s.io/ingress-nginx'])
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
const PARTY: Party = { name: 'ingress', ip: '127.0.0.1', nodeName: '' }

export interface IngressOptions {
  network: ClusterNetwork
  informers: Informers
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
  return {
    httpPort: (plain.address() as AddressInfo).port,
    httpsPort: (secure.address() as AddressInfo).port,
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

  constructor(options: IngressOptions) {
    this.#options = options
    // Informers fill at first use; the first request should not be the one that begins it.
    for (const kind of ['networking.k8s.io/v1/Ingress', 'networking.k8s.io/v1/IngressClass', 'v1/Secret']) options.informers.for(kind)
  }

  async serve(request: http.IncomingMessage, response: http.ServerResponse, scheme: Scheme): Promise<void> {
    const backend = this.#backendFor(request)
    if (!backend) return answer(response, 404, 'default backend - 404')
    try {
      const socket = await this.#connect(backend)
      const outgoing = http.request({ createConnection: () => socket as never, method: request.method, path: request.url, headers: forwarded(request, scheme) })
      outgoing.once('error', () => (response.headersSent ? response.destroy() : answer(response, 502, '502 Bad Gateway')))
      outgoing.once('response', (incoming) => {
        response.writeHead(incoming.statusCode ?? 502, endToEndHeaders(incoming.headers))
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
      const backend = this.#backendFor(request)
      if (!backend) throw new Error('no backend')
      const connection = await this.#connect(backend)
      const { method = 'GET', url = '/' } = request
      connection.write(upgradeHead({ method, url, headers: forwarded(request, scheme), protocol: request.headers.upgrade ?? '' }))
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

  #backendFor(request: http.IncomingMessage): { service: Service; port: ServicePort } | undefined {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '')
    const found = route(this.#ingresses(), host, (request.url ?? '/').replace(/[?#].*$/s, ''))
    return found && this.#serviceOf(found.ingress, found.backend)
  }

  #serviceOf({ metadata }: Ingress, { service: named }: IngressBackend): { service: Service; port: ServicePort } | undefined {
    const service = this.#options.network.directory.service(metadata.namespace ?? '', named?.name ?? '')
    const port = service?.spec?.ports?.find((p) => (named?.port?.name ? p.name === named.port.name : p.port === named?.port?.number))
    return service && port && { service, port }
  }

  #connect({ service, port }: { service: Service; port: ServicePort }): Promise<Duplex> {
    return this.#options.network.connectToService(PARTY, service, port)
  }
}

/** Whether an Ingress is of a class that is served here. */
export function isOurs({ metadata, spec }: Ingress, informers: Informers): boolean {
  const name = spec?.ingressClassName ?? metadata.annotations?.[CLASS_ANNOTATION]
  if (!name) return false
  return CONTROLLERS.has(informers.lister<IngressClass>('networking.k8s.io/v1/IngressClass').get('', name)?.spec?.controller ?? '')
}

function forwarded(request: http.IncomingMessage, scheme: Scheme): http.OutgoingHttpHeaders {
  const { host = '' } = request.headers
  const client = request.socket.remoteAddress ?? ''
  const port = host.match(/:(\d+)$/)?.[1] ?? (scheme === 'https' ? '443' : '80')
  return { ...endToEndHeaders(request.headers), 'x-forwarded-for': client, 'x-real-ip': client, 'x-forwarded-host': host, 'x-forwarded-port': port, 'x-forwarded-proto': scheme, 'x-forwarded-scheme': scheme, 'x-scheme': scheme }
}

function answer(response: http.ServerResponse, status: number, text: string): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${text}\n`)
}
