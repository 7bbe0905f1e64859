/**
 * The built-in ingress: a reverse proxy on loopback ports of the host that routes by the Ingresses of its classes. Also
 * stands in for ingress-nginx, whose class its manifests bring.
 */
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { pipeline, Transform, type Duplex } from 'node:stream'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import type { Ingress, IngressBackend, IngressClass, Secret, Service, ServicePort } from '../../schemas/types.ts'
import { endToEndHeaders, joinConnections, upgradeHead } from '../apimachinery/http-proxying.ts'
import type { Informers } from '../client/lister.ts'
import type { Clock, Random } from '../clock.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import { stick, usesAffinity } from './ingress-affinity.ts'
import { annotation, answerOf, corsHeaders, isCanary, maxBodyBytes, rewritten, takesCanary, type Answer, type Asked } from './ingress-annotations.ts'
import { verdictOn, type Verdict } from './ingress-auth.ts'
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
  clock: Clock
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
    if (!routed) return say(response, this.#elsewhere(request, scheme) ?? { status: 404, text: 'default backend - 404' })
    const { ingress } = routed
    const verdict = await this.#verdict(request, ingress, scheme)
    if ('answer' in verdict) return say(response, verdict.answer)
    const cors = corsHeaders(ingress, request.headers.origin)
    if (request.method === 'OPTIONS' && cors['access-control-allow-origin']) return void response.writeHead(204, valid(cors)).end()
    const maxBytes = maxBodyBytes(ingress, this.#isNginx(ingress)) ?? Infinity
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return say(response, TOO_LARGE)
    try {
      const { stream, cookie } = await this.#connect(routed, request)
      const outgoing = http.request({ createConnection: () => stream as never, method: request.method, path: rewritten(ingress, request.url ?? '/', routed.groups), headers: { ...forwarded(request, scheme, ingress), ...verdict.headers } })
      outgoing.once('error', () => (response.headersSent ? response.destroy() : say(response, { status: 502, text: '502 Bad Gateway' })))
      outgoing.once('response', (incoming) => {
        const headers = endToEndHeaders<string | string[]>(incoming.headers)
        response.writeHead(incoming.statusCode ?? 502, { ...headers, ...valid(cors), ...(cookie === undefined ? {} : valid({ 'set-cookie': [cookie, headers['set-cookie'] ?? []].flat() })) })
        pipeline(incoming, response, () => incoming.destroy())
      })
      pipeline(request, atMost(maxBytes, () => say(response, TOO_LARGE)), outgoing, () => {})
    } catch {
      say(response, UNAVAILABLE)
    }
  }

  async upgrade(request: http.IncomingMessage, { socket, head, scheme }: { socket: Duplex; head: Buffer; scheme: Scheme }): Promise<void> {
    socket.on('error', () => socket.destroy())
    const refuse = ({ status, headers = {} }: Answer) => socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\n${Object.entries(valid(headers)).map(([name, value]) => `${name}: ${value}\r\n`).join('')}Content-Length: 0\r\nConnection: close\r\n\r\n`)
    const routed = this.#route(request)
    if (!routed) return void refuse({ status: 404 })
    try {
      const verdict = await this.#verdict(request, routed.ingress, scheme)
      if ('answer' in verdict) return void refuse(verdict.answer)
      const { stream } = await this.#connect(routed, request)
      const { method = 'GET', url = '/' } = request
      stream.write(upgradeHead({ method, url: rewritten(routed.ingress, url, routed.groups), headers: { ...forwarded(request, scheme, routed.ingress), ...verdict.headers }, protocol: request.headers.upgrade ?? '' }))
      stream.write(head)
      joinConnections(socket, stream)
    } catch {
      refuse(UNAVAILABLE)
    }
  }

  /** What is answered without a backend, if anything; else what the backend is told besides. */
  async #verdict(request: http.IncomingMessage, ingress: Ingress, scheme: Scheme): Promise<Verdict> {
    const early = answerOf(ingress, this.#asked(request, ingress, scheme))
    if (early) return { answer: early }
    const { network, informers } = this.#options
    return verdictOn(ingress, { request, scheme, host: request.headers.host ?? '' }, { secret: (namespace, name) => informers.lister<Secret>('v1/Secret').get(namespace, name), connect: (target) => network.connect(PARTY, target) })
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
    return canary && takesCanary(canary.ingress, headers, this.#options.random.float()) ? canary : main
  }

  /** From a host with www to the one without, or back, where an Ingress of that asks for it. */
  #elsewhere({ headers, url = '/' }: http.IncomingMessage, scheme: Scheme): Answer | undefined {
    const host = headers.host ?? ''
    const other = host.startsWith('www.') ? host.slice('www.'.length) : `www.${host}`
    const name = other.replace(/:\d+$/, '').toLowerCase()
    const isWanted = this.#ingresses().some((ingress) => annotation(ingress, 'from-to-www-redirect') === 'true' && ingress.spec?.rules?.some((rule) => rule.host?.toLowerCase() === name))
    return isWanted ? { status: 308, headers: { location: `${scheme}://${other}${url}` } } : undefined
  }

  #isNginx(ingress: Ingress): boolean {
    return this.#options.informers.lister<IngressClass>('networking.k8s.io/v1/IngressClass').get('', classOf(ingress) ?? '')?.spec?.controller === INGRESS_NGINX
  }

  #asked(request: http.IncomingMessage, ingress: Ingress, scheme: Scheme): Asked {
    const { host = '' } = request.headers
    const name = host.replace(/:\d+$/, '')
    const hasTls = this.#isNginx(ingress) && (ingress.spec?.tls ?? []).some(({ hosts }) => !hosts?.length || hosts.some((h) => rankOfHost(h, name.toLowerCase()) > 0))
    return { scheme, host, url: request.url ?? '/', clientIP: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''), httpsPort: this.httpsPort, hasTls }
  }

  #serviceOf({ metadata }: Ingress, { service: named }: IngressBackend): { service: Service; port: ServicePort } | undefined {
    const service = this.#options.network.directory.service(metadata.namespace ?? '', named?.name ?? '')
    const port = service?.spec?.ports?.find((p) => (named?.port?.name ? p.name === named.port.name : p.port === named?.port?.number))
    return service && port && { service, port }
  }

  async #connect({ ingress, backend }: Routed, { headers }: http.IncomingMessage): Promise<{ stream: Duplex; cookie?: string }> {
    const { network, random, clock } = this.#options
    const found = this.#serviceOf(ingress, backend)
    if (!found) throw new Error('the service is not there')
    const sticky = usesAffinity(ingress) ? stick(ingress, headers.cookie, { backends: network.endpoints(found.service, found.port), random, nowMs: clock.now() }) : undefined
    const stream = sticky?.backend ? await network.connect(PARTY, { host: sticky.backend.ip, port: sticky.backend.port }) : await network.connectToService(PARTY, found.service, { port: found.port })
    const isSecure = /^(?:HTTPS|GRPCS)$/i.test(annotation(ingress, 'backend-protocol') ?? '')
    return { stream: isSecure ? connectTls({ socket: stream, rejectUnauthorized: false }) : stream, ...(sticky?.cookie === undefined ? {} : { cookie: sticky.cookie }) }
  }
}

const TOO_LARGE: Answer = { status: 413, text: '413 Request Entity Too Large' }
const UNAVAILABLE: Answer = { status: 503, text: '503 Service Temporarily Unavailable' }

/** Annotations may hold what no header can: that is left out. */
function valid<T extends string | string[]>(headers: Readonly<Record<string, T>>): Record<string, T> {
  const isValid = (name: string, value: T) => {
    try {
      for (const one of [value].flat()) http.validateHeaderValue(name, one)
      return true
    } catch {
      return false
    }
  }
  return Object.fromEntries(Object.entries(headers).filter(([name, value]) => isValid(name, value)))
}

/** Lets so many bytes through; more end it, and are told. */
function atMost(maxBytes: number, exceeded: () => void): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      if (bytes <= maxBytes) return done(null, chunk)
      exceeded()
      done(new Error('more than may be sent'))
    },
  })
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

function say(response: http.ServerResponse, { status, text = '', headers }: Answer): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...(headers ? valid(headers) : {}) })
  response.end(`${text}\n`)
}
