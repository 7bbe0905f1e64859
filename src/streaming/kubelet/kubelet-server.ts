/**
 * The port of kubelets on their nodes' addresses: TLS by a certificate of its own, users known by the cluster's certificates and
 * tokens, what they may do asked of the cluster. The API server has a way in of its own, which counts as its client certificate.
 * Models pkg/kubelet/server and cmd/kubelet/app/auth.go.
 */
import http, { type Server } from 'node:http'
import https from 'node:https'
import { duplexPair, type Duplex } from 'node:stream'
import { issueCertificate } from '../../apimachinery/certificate.ts'
import { answerConnections, type RawRequest } from '../../apiserver/server.ts'
import type { ApiResponse } from '../../apiserver/request.ts'
import type { Authenticator } from '../../auth/authenticate.ts'
import type { Random } from '../../clock.ts'
import { isStatusError } from '../../errors.ts'
import type { Authorizer } from '../../registry/authorization.ts'
import type { UserInfo } from '../../registry/kind.ts'
import { kubeletAttributes } from './kubelet-attributes.ts'
import { answerKubelet, isServed, plain, type KubeletRoutesParts } from './kubelet-routes.ts'

/** Each has a server of its own, once it is asked. */
const MAX_SERVERS = 1000
const TIMEOUTS = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }

export interface KubeletServerParts extends KubeletRoutesParts {
  /** Lets nobody in who does not say who they are. */
  authenticator: Authenticator
  authorizer: Authorizer
  /** PEM of the authority of users' certificates. */
  clientCA: string
  random: Random
  /** What a node's certificate is for. */
  addressesOf(nodeName: string): readonly string[]
}

export class KubeletServer {
  readonly #parts: KubeletServerParts
  readonly #servers = new Map<string, Promise<Server>>()
  readonly #trusted: Server
  /** Of connections of the API server: the node they are to. */
  readonly #nodeOf = new WeakMap<object, string>()

  constructor(parts: KubeletServerParts) {
    this.#parts = parts
    this.#trusted = this.#answering(http.createServer(TIMEOUTS), (request) => this.#answer(this.#nodeOf.get(request.socket) ?? '', request))
  }

  /** A connection of the API server. */
  open(nodeName: string): Duplex {
    const [near, far] = duplexPair()
    near.once('close', () => far.destroyed || far.destroy())
    far.once('close', () => near.destroyed || near.readableEnded || near.destroy())
    far.on('error', () => far.destroy())
    this.#nodeOf.set(far, nodeName)
    this.#trusted.emit('connection', far)
    return near
  }

  /** A connection of whoever reaches the node. */
  accept(nodeName: string, stream: Duplex): void {
    stream.on('error', () => stream.destroy())
    void this.#serverOf(nodeName).then((server) => server.emit('connection', stream), () => stream.destroy())
  }

  close(): void {
    this.#trusted.closeAllConnections()
    for (const server of this.#servers.values()) void server.then((s) => s.closeAllConnections())
    this.#servers.clear()
  }

  #serverOf(nodeName: string): Promise<Server> {
    let server = this.#servers.get(nodeName)
    if (server) return server
    const [oldest] = this.#servers.keys()
    if (oldest !== undefined && this.#servers.size >= MAX_SERVERS) this.#servers.delete(oldest)
    this.#servers.set(nodeName, (server = this.#secureServer(nodeName)))
    return server
  }

  async #secureServer(nodeName: string): Promise<Server> {
    const { clock, random, clientCA, addressesOf } = this.#parts
    const now = clock.now()
    const pair = await issueCertificate({ subject: `CN=${nodeName}@${Math.floor(now / 1000)}`, years: 1, names: [nodeName, ...addressesOf(nodeName)], now, random })
    const server = https.createServer({ ...pair, ca: clientCA, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2', ...TIMEOUTS })
    return this.#answering(server, (request) => this.#answer(nodeName, request, (path) => this.#refusal(nodeName, request, path)))
  }

  #answering<S extends Server>(server: S, handler: (request: RawRequest) => Promise<ApiResponse>): S {
    answerConnections(server, { clock: this.#parts.clock, handler, onError: (error) => plain(`${error.message}\n`, error.code) })
    return server
  }

  /** @param refusal of what is served; nobody is refused without it */
  async #answer(nodeName: string, request: RawRequest, refusal?: (path: string) => Promise<ApiResponse | undefined>): Promise<ApiResponse> {
    const path = pathOf(request)
    if (!isServed(path)) return plain('404 page not found\n', 404)
    const refused = await refusal?.(path)
    if (refused) return refused
    const query = new URL(request.url, 'https://kubelet').searchParams
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]))
    try {
      return await answerKubelet({ nodeName, method: request.method, path, query, headers }, this.#parts)
    } catch (error) {
      return plain(`${error instanceof Error ? error.message : String(error)}\n`, isStatusError(error) ? error.code : 500)
    }
  }

  /** Undefined for who may have what they ask for. */
  async #refusal(nodeName: string, request: RawRequest, path: string): Promise<ApiResponse | undefined> {
    const user = await this.#userOf(request)
    if (!user) return plain('Unauthorized', 401)
    const { verb, subresources } = kubeletAttributes(request.method, path)
    for (const subresource of subresources) {
      const { decision } = await this.#parts.authorizer.authorize({ user, verb, namespace: '', apiGroup: '', apiVersion: 'v1', resource: 'nodes', subresource, name: nodeName })
      if (decision === 'Allow') return undefined
    }
    return plain(`Forbidden (user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}])\n`, 403)
  }

  async #userOf({ headers, rawHeaders, socket, url }: RawRequest): Promise<UserInfo | undefined> {
    try {
      return await this.#parts.authenticator.authenticate({ headers, rawHeaders, socket, path: url, warn() {}, annotate() {} })
    } catch (error) {
      if (isStatusError(error, 'Unauthorized')) return undefined
      throw error
    }
  }
}

function pathOf({ url }: RawRequest): string {
  const path = url.replace(/\?.*/s, '')
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
