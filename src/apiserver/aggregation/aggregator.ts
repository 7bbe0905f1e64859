/**
 * API services that other servers answer: which paths are theirs, how they are asked, and what they say of themselves.
 * Models k8s.io/kube-aggregator/pkg/apiserver (apiserver.go, handler_proxy.go, handler_discovery.go).
 */
import type { IncomingMessage } from 'node:http'
import type { APIService } from '../../../schemas/types.ts'
import { endToEndHeaders, joinConnections, upgradeHead } from '../../apimachinery/http-proxying.ts'
import { networkErrorText } from '../../apimachinery/network-errors.ts'
import { readBounded } from '../../apimachinery/read-bounded.ts'
import type { KeyPair } from '../../auth/pki.ts'
import type { Clock } from '../../clock.ts'
import type { KubeObject, SystemReader, UserInfo } from '../../registry/kind.ts'
import type { ObjectStore } from '../../registry/resource-storage.ts'
import type { Scheme } from '../../registry/scheme.ts'
import type { ApiResponse, StreamSink } from '../request.ts'
import { isUpgradeRequest } from '../request.ts'
import type { RawRequest } from '../server.ts'
import { askRemote, forwardedHeaders, openTLS, userHeaders } from './remote-server.ts'
import { resolveService, type Dial, type ServiceEndpoint } from '../service-endpoint.ts'

const KIND = 'apiregistration.k8s.io/v1/APIService'
const CHECK_TIMEOUT_MS = 5000
const READ_TIMEOUT_MS = 30_000
const UNAVAILABLE = { status: 503, contentType: 'text/plain', body: Buffer.from('service unavailable\n') }
/** What one server may say of itself. */
const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024
const CHECKER: UserInfo = { name: 'system:kube-aggregator', groups: ['system:masters'] }
/** Who asks for OpenAPI documents. */
const READER: UserInfo = { name: 'system:aggregator', groups: [] }

export interface AggregatorParts {
  scheme: Scheme
  store: ObjectStore
  system: SystemReader
  clock: Clock
  /** With which this server shows that it is the front proxy. */
  clientCert: KeyPair
  dial: Dial
}

export type RemoteDocument = { isNew: true; content: unknown; etag: string | undefined } | { isNew: false }

export class Aggregator {
  readonly #parts: AggregatorParts
  /** Those with a Service, by group/version. */
  readonly #services = new Map<string, APIService>()
  readonly #handle: { close(): void }
  readonly #listeners = new Set<() => void>()

  constructor(parts: AggregatorParts) {
    this.#parts = parts
    const { prefix } = parts.scheme.require(KIND)
    for (const { value } of parts.store.list(prefix).entries) this.#follow(value as APIService & KubeObject)
    this.#handle = parts.store.watch(prefix, {
      onEvents: (events) => {
        for (const { type, entry } of events) this.#follow(entry.value as APIService & KubeObject, type === 'DELETE')
      },
    })
  }

  close(): void {
    this.#handle.close()
    this.#listeners.clear()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** All that other servers answer. */
  all(): APIService[] {
    return [...this.#services.values()]
  }

  /** Who answers this path, if it is another server. */
  serviceFor(path: string): APIService | undefined {
    if (this.#services.size === 0) return undefined
    const [, root, group = '', version = ''] = path.split('/')
    return root === 'apis' ? this.#services.get(`${group}/${version}`) : undefined
  }

  #follow(service: APIService & KubeObject, isGone = false): void {
    const { group = '', version = '', service: backend } = service.spec
    const key = `${group}/${version}`
    const isKnown = this.#services.has(key)
    if (backend && !isGone) this.#services.set(key, service)
    else if (!isKnown) return
    else this.#services.delete(key)
    for (const listener of this.#listeners) listener()
  }

  /** What the other server answers, or why it does not. */
  async proxy(service: APIService, raw: RawRequest, user: UserInfo): Promise<ApiResponse> {
    if (!isAvailable(service)) return plainError(503, 'service unavailable')
    let endpoint: ServiceEndpoint
    try {
      endpoint = this.#endpoint(service)
    } catch {
      return plainError(503, 'service unavailable')
    }
    const target = { endpoint, spec: service.spec, clientCert: this.#parts.clientCert }
    try {
      if (isUpgradeRequest(raw as never)) return await this.#upgrade(target, raw, user)
      const { method, headers, body, signal } = raw
      const response = await askRemote(target, { method, url: orderedQuery(raw.url), headers: { ...headers, 'x-forwarded-for': raw.socket.remoteAddress }, body, user, signal })
      return isRedirect(response) ? refusedRedirect(response) : streamed(response)
    } catch (error) {
      return plainError(503, `error trying to reach service: ${networkErrorText(error, this.#named(service, endpoint), this.#parts.clock.now())}`)
    }
  }

  /** What the other server answers to a part of this process; as the proxy would, where it does not. */
  async read(service: APIService, url: string, user: UserInfo): Promise<{ status: number; contentType: string; body: Buffer }> {
    const { clientCert } = this.#parts
    if (!isAvailable(service)) return UNAVAILABLE
    try {
      const response = await askRemote({ endpoint: this.#endpoint(service), spec: service.spec, clientCert }, { method: 'GET', url, headers: { accept: 'application/json' }, user, timeoutMs: READ_TIMEOUT_MS })
      return { status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body: await readBounded(response, MAX_DOCUMENT_BYTES) }
    } catch {
      return UNAVAILABLE
    }
  }

  /** Why the server of this API service cannot be asked; undefined when it can. */
  async check(service: APIService): Promise<string | undefined> {
    const { group = '', version = '' } = service.spec
    const path = group ? `/apis/${group}/${version}` : `/api/${version}`
    let endpoint: ServiceEndpoint
    try {
      endpoint = this.#endpoint(service)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    const url = `https://${endpoint.host}:${endpoint.port}${path}`
    try {
      const response = await askRemote({ endpoint, spec: service.spec, clientCert: this.#parts.clientCert }, { method: 'GET', url: path, headers: {}, user: CHECKER, timeoutMs: CHECK_TIMEOUT_MS })
      response.resume()
      const { statusCode = 0 } = response
      return statusCode >= 200 && statusCode < 300 ? undefined : `failing or missing response from ${url}: bad status from ${url}: ${statusCode}`
    } catch (error) {
      return `failing or missing response from ${url}: Get "${url}": ${networkErrorText(error, this.#named(service, endpoint), this.#parts.clock.now())}`
    }
  }

  /**
   * A document of the other server as JSON; undefined when it has none.
   * @param known the tag of the one that is known; `isNew` tells whether there is another now
   */
  async fetch(service: APIService, path: string, known?: string): Promise<RemoteDocument | undefined> {
    if (!isAvailable(service)) return undefined
    const user = path.startsWith('/openapi/') ? READER : CHECKER
    const headers = { accept: 'application/json', ...(known ? { 'if-none-match': known } : {}) }
    try {
      const response = await askRemote({ endpoint: this.#endpoint(service), spec: service.spec, clientCert: this.#parts.clientCert }, { method: 'GET', url: path, headers, user, timeoutMs: CHECK_TIMEOUT_MS })
      if (response.statusCode === 200) return { isNew: true, content: await readJSON(response), etag: response.headers.etag }
      response.resume()
      return response.statusCode === 304 ? { isNew: false } : undefined
    } catch {
      // Whether it answers is told by the conditions of the API service.
      return undefined
    }
  }

  #endpoint({ spec: { service = {} } }: APIService): ServiceEndpoint {
    return resolveService(this.#parts.system, service, this.#parts.dial)
  }

  #named({ spec: { service = {} } }: APIService, { port }: ServiceEndpoint): { host: string; port: number } {
    return { host: `${service.name ?? ''}.${service.namespace ?? ''}.svc`, port }
  }

  /** The client's connection and one to the other server, joined. */
  async #upgrade(target: Parameters<typeof openTLS>[0], raw: RawRequest, user: UserInfo): Promise<ApiResponse> {
    const remote = await openTLS(target)
    const headers = { ...forwardedHeaders(raw.headers), ...userHeaders(user), Host: `${target.endpoint.host}:${target.endpoint.port}` }
    return {
      status: 101,
      headers: {},
      takeOver({ socket, head }) {
        remote.write(upgradeHead({ method: raw.method, url: raw.url, headers, protocol: String(raw.headers.upgrade) }))
        remote.write(head)
        joinConnections(socket, remote)
      },
    }
  }
}

export function isAvailable({ status }: APIService): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Available' && is === 'True') ?? false
}

/** As Go writes a query: names in order, blanks as plus signs. */
function orderedQuery(url: string): string {
  const at = url.indexOf('?')
  if (at < 0) return url
  const query = new URLSearchParams(url.slice(at))
  query.sort()
  return query.size > 0 ? `${url.slice(0, at)}?${query.toString()}` : url.slice(0, at)
}

const isRedirect = ({ statusCode = 0 }: IncomingMessage): boolean => statusCode >= 300 && statusCode < 400

/** A server behind this one may not send clients elsewhere. */
function refusedRedirect(response: IncomingMessage): ApiResponse {
  response.resume()
  return { status: 502, headers: {}, body: [Buffer.from('the backend attempted to redirect this request, which is not permitted')] }
}

/** As Go's http.Error writes it. */
function plainError(status: number, text: string): ApiResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, body: [Buffer.from(`${text}\n`)] }
}

function streamed(response: IncomingMessage): ApiResponse {
  return { status: response.statusCode ?? 502, headers: endToEndHeaders(response.headers, /^content-length$/), stream: (sink) => pass(response, sink) }
}

/** No faster than the reader takes it. */
function pass(response: IncomingMessage, sink: StreamSink): void {
  sink.onClose(() => response.destroy())
  response.on('data', (chunk: Buffer) => {
    if (!sink.write(chunk)) return void response.destroy()
    if (!sink.isFull) return
    response.pause()
    sink.onDrain(() => response.resume())
  })
  response.on('end', () => sink.end())
  response.on('error', () => sink.end())
}

async function readJSON(response: IncomingMessage): Promise<unknown> {
  return JSON.parse((await readBounded(response, MAX_DOCUMENT_BYTES)).toString())
}
