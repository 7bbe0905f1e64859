/**
 * From a raw request to its handler: who asks, what for, may they. Models the handler chain of
 * k8s.io/apiserver/pkg/server/config.go (authentication, request info, impersonation, authorization, dispatch).
 */
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { parseDuration } from '../apimachinery/go-duration.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import type { Authenticator } from '../auth/authenticate.ts'
import { alwaysAllow } from '../auth/union.ts'
import { badRequest, methodNotAllowed, noSuchResource, quote, StatusError } from '../errors.ts'
import type { Authorizer, Verdict } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'
import type { Aggregator } from './aggregation/aggregator.ts'
import type { RemoteDiscovery } from './aggregation/remote-discovery.ts'
import type { Api } from './api.ts'
import { AuditTrail, type Auditor } from './audit/trail.ts'
import { attributesOf, demand } from './authorization.ts'
import type { Flow, FlowControl } from './flow-control.ts'
import type { Metrics } from './metrics.ts'
import { Discovery } from './discovery.ts'
import { handleResource, statusErrorOf, valueResponse } from './handlers.ts'
import { impersonatedUser, Impersonation, isImpersonating } from './impersonation.ts'
import { negotiateOutput, type Accepted, type Offer, type OffersConversion } from './negotiate.ts'
import type { ApiRequest, ApiResponse } from './request.ts'
import { isConnection, isLongRunning, parseRequestInfo, type Query, type RequestInfo } from './request-info.ts'
import type { RawRequest } from './server.ts'
import type { Connectors } from './subresources/create.ts'
import { warningHeaders } from './warnings.ts'

export interface RoutesParts {
  api: Api
  authenticator: Authenticator
  authorizer: Authorizer | undefined
  connectors: Connectors
  /** API services that other servers answer. */
  aggregation?: { aggregator: Aggregator; discovery: RemoteDiscovery }
  log: Logger
  flowControl: FlowControl
  metrics: Metrics
  /** What is written down of requests, and where. */
  audit?: Auditor | undefined
  /** Answers paths that are not resources (health, version, OpenAPI, metrics), or undefined for what it does not know. */
  extra(request: ApiRequest): ApiResponse | undefined | Promise<ApiResponse | undefined>
}

/** More slashes lead nowhere, though they are asked about like any path. */
const ROOTS = /^\/(?:api|apis\/[^/]+)\//
/** Documents of other servers are theirs to send. */
const OPENAPI = '/openapi/v3'

/** What becomes known of a request on its way through the handlers. */
interface Passage {
  readonly warnings: string[]
  readonly startedMs: number
  readonly trail: AuditTrail | undefined
  info?: RequestInfo
  flow?: Flow
  isSeated?: boolean
  isForbidden?: boolean
}

const APPLY = 'application/apply-patch+yaml'
/** Such a path is none; nobody is asked about it. */
const BAD_ESCAPE = /%(?![0-9a-fA-F]{2})/
/** What upstream's sanitizer takes out of texts. */
const UNSAFE = /[&<>]/g
const SAFE: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt' }
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
const discoveryConversion: OffersConversion = ({ kind, group, version }) => kind === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io' && version === 'v2'
const DISCOVERY_OFFER: Offer = { conversions: discoveryConversion }

export class Routes {
  readonly #parts: RoutesParts
  readonly #impersonation: Impersonation
  readonly discovery: Discovery

  constructor(parts: RoutesParts) {
    this.#parts = parts
    this.#impersonation = new Impersonation(parts.authorizer ?? alwaysAllow)
    this.discovery = new Discovery(parts.api.scheme, parts.aggregation?.discovery)
  }

  /** Never rejects: whatever goes wrong is answered as a Status. */
  async handle(raw: RawRequest): Promise<ApiResponse> {
    const { api, audit, metrics } = this.#parts
    const passage: Passage = { warnings: [], startedMs: api.clock.now(), trail: audit && new AuditTrail(audit, raw, api) }
    const kind = raw.method === 'GET' || raw.method === 'HEAD' ? 'readOnly' : 'mutating'
    metrics.inFlight[kind]++
    let response: ApiResponse
    try {
      response = await this.#dispatch(raw, passage)
      passage.trail?.responded(response, undefined)
    } catch (error) {
      response = this.failure(error, raw)
      const status = statusErrorOf(error)
      // What nobody foresaw is a panic upstream.
      if (status !== error && status.cause === error) passage.trail?.panicked(error)
      else passage.trail?.responded(response, status.toStatus())
    } finally {
      metrics.inFlight[kind]--
      // A watch needs its seat for its beginning only.
      if (passage.isSeated) passage.flow?.queue?.leave()
    }
    const written = passage.trail?.settled()
    if (written) await written
    this.#addHeaders(response, raw, passage)
    const { info, startedMs } = passage
    if (info) metrics.observe(info, { isApply: raw.headers['content-type'] === APPLY, isDryRun: raw.url.includes('dryRun='), status: response.status, ms: api.clock.now() - startedMs })
    return response
  }

  /** Headers of every answer, refusals included. */
  #addHeaders({ headers }: ApiResponse, { headers: asked }: RawRequest, { flow, warnings, isForbidden, trail }: Passage): void {
    headers['audit-id'] = trail?.id ?? (asked['audit-id'] || this.#parts.api.random.uuid())
    if (flow) Object.assign(headers, flow.headers)
    if (isForbidden) headers['x-content-type-options'] = 'nosniff'
    if (warnings.length > 0) headers.warning = warningHeaders(warnings)
  }

  /** The answer for an error, in a form that the client takes if it names one for errors. */
  failure(error: unknown, { headers, url }: Pick<RawRequest, 'headers' | 'url'>): ApiResponse {
    const status = statusErrorOf(error)
    if (!(error instanceof StatusError)) this.#parts.log.error({ err: error }, 'request failed')
    const response = valueResponse(status.toStatus(), acceptedForErrors(headers, queryOf(url)), status.code)
    const retry = status.details?.retryAfterSeconds
    if (retry) response.headers['retry-after'] = String(retry)
    return response
  }

  async #dispatch(raw: RawRequest, passage: Passage): Promise<ApiResponse> {
    if (BAD_ESCAPE.test(raw.url.replace(/\?.*/s, ''))) return textResponse('400 Bad Request', 400)
    const read = await this.#read(raw, passage)
    if (!read) return textResponse(`Internal Server Error: ${quote(raw.url)}: failed to store audit event\n`, 500)
    const { request, info } = read
    passage.info = info
    const admission = isConnection(info) ? undefined : this.#parts.flowControl.admit(request.user, info)
    if (admission) {
      passage.flow = admission.flow
      passage.isSeated = admission.seated instanceof Promise ? await admission.seated : admission.seated
      if (!passage.isSeated) return tooManyRequests()
    }
    const failed = await this.#authorize(request, info, passage)
    if (failed !== undefined) return textResponse(`Internal Server Error: ${quote(raw.url)}: ${failed}`.replace(UNSAFE, (c) => `&${SAFE[c]};`) + '\n', 500)
    if (!METHODS.has(request.method)) throw methodNotAllowed()
    const remote = this.#proxied(request, raw)
    if (remote) return remote
    if (info.isResourceRequest) {
      if (!ROOTS.test(request.path) || this.#isElsewhere(info)) return notFoundPage()
      return handleResource(this.#parts.api, info, request, this.#parts.connectors)
    }
    const found = this.#discover(request) ?? (await this.#parts.extra(request))
    return found ?? notFoundPage()
  }

  /** The answer of another server, for a path that is one's. */
  #proxied({ path, user }: ApiRequest, raw: RawRequest): Promise<ApiResponse> | undefined {
    const { aggregator, discovery } = this.#parts.aggregation ?? {}
    const isDocument = path.startsWith(OPENAPI)
    if (isDocument && discovery?.convertedOpenAPIV3(path.slice(OPENAPI.length + 1))) return undefined
    const service = aggregator?.serviceFor(isDocument ? path.slice(OPENAPI.length) : path)
    return service && aggregator?.proxy(service, raw, user)
  }

  /** Groups that are not built in, and what they do not serve, are left to whoever comes last in upstream's chain of servers. */
  #isElsewhere({ group, version, resource, namespace, verb }: RequestInfo): boolean {
    const { scheme } = this.#parts.api
    const kind = scheme.byResource(group, version, resource)
    if (!kind) return !scheme.isBuiltIn(group)
    // A custom resource is none where its scope does not fit the path.
    if (!kind.definition.itemsKeepType) return false
    return kind.namespaced ? !namespace && verb !== 'list' && verb !== 'watch' : namespace !== ''
  }

  /** Who asks, after what they may say about who they are, and what for; nothing where the request had to be written down and could not. */
  async #read(raw: RawRequest, { warnings, trail }: Passage): Promise<{ request: ApiRequest; info: RequestInfo } | undefined> {
    const request = new AuthenticatedRequest(raw, warnings, trail)
    const { headers, query } = request
    const info = parseRequestInfo(request.method, request.path, query)
    if (!isLongRunning(info)) checkTimeout(query)
    try {
      request.user = await this.#parts.authenticator.authenticate({ headers, rawHeaders: raw.rawHeaders, socket: raw.socket, path: request.path, warn: (text) => warnings.push(text), annotate: (key, value) => trail?.annotations.set(key, value) })
    } catch (error) {
      trail?.unauthenticated(attributesOf(NOBODY, info, query), statusErrorOf(error).toStatus())
      throw error
    }
    const mayGoOn = trail?.received(attributesOf(request.user, info, query)) ?? true
    if (!(mayGoOn instanceof Promise ? await mayGoOn : mayGoOn)) return undefined
    const wanted = isImpersonating(headers) ? impersonatedUser(raw.rawHeaders) : undefined
    if (wanted) {
      const { user, constraint } = await this.#impersonation.become(wanted, attributesOf(request.user, info, query))
      request.user = user
      trail?.impersonated(user, constraint)
    }
    return { request, info }
  }

  /** What kept the authorizer from allowing the request, where that is no refusal. */
  async #authorize({ user, query }: ApiRequest, info: RequestInfo, passage: Passage): Promise<string | undefined> {
    const { authorizer } = this.#parts
    if (!authorizer) return undefined
    const attributes = attributesOf(user, info, query)
    let failed: string | undefined
    try {
      const note = (verdict: Verdict) => {
        passage.trail?.authorized(verdict)
        if (verdict.decision !== 'Allow') failed = verdict.error
      }
      const pending = demand(authorizer, attributes, note)
      if (pending) await pending
    } catch (error) {
      if (failed !== undefined) return failed
      passage.isForbidden = true
      throw error
    }
    return undefined
  }

  #discover(request: ApiRequest): ApiResponse | undefined {
    const parts = request.path.replace(/^\/|\/$/g, '').split('/')
    const [root, group = '', version] = parts
    if ((root !== 'api' && root !== 'apis') || parts.length > 3 || (root === 'api' && parts.length > 2)) return undefined
    if (request.method !== 'GET') throw methodNotAllowed()
    const isRoot = parts.length === 1
    const accepted = negotiateOutput(request.headers.accept, request.query, request.headers['user-agent'] ?? '', isRoot ? DISCOVERY_OFFER : undefined)
    if (isRoot) {
      const core = root === 'api'
      if (accepted.as) return tagged(request, valueResponse(this.discovery.aggregated(core), accepted))
      return valueResponse(core ? this.discovery.coreVersions(request.host) : this.discovery.groupList(), accepted)
    }
    const document = root === 'api' ? this.discovery.resourceList('', group) : version === undefined ? this.discovery.group(group) : this.discovery.resourceList(group, version)
    if (document) return valueResponse(document, accepted)
    if (this.#parts.api.scheme.isBuiltIn(root === 'api' ? '' : group)) throw noSuchResource()
    return notFoundPage()
  }
}

const NOBODY: UserInfo = { name: '', groups: [] }

class AuthenticatedRequest implements ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: ApiRequest['headers']
  readonly body: Buffer
  /** Nobody until they are known. */
  user = NOBODY
  readonly warnings: string[]
  readonly host: string
  readonly trail: AuditTrail | undefined
  readonly #raw: RawRequest

  constructor(raw: RawRequest, warnings: string[], trail: AuditTrail | undefined) {
    this.#raw = raw
    this.method = raw.method
    this.path = decodePath(raw.url)
    this.query = queryOf(raw.url)
    // Node joins what is repeated; only Set-Cookie, which no request has, comes as a list.
    this.headers = raw.headers as ApiRequest['headers']
    this.body = raw.body
    this.warnings = warnings
    this.host = this.headers[':authority'] ?? this.headers.host ?? ''
    this.trail = trail
  }

  get signal(): AbortSignal {
    return this.#raw.signal
  }
}

const NO_QUERY = new URLSearchParams()

function queryOf(url: string): URLSearchParams {
  const mark = url.indexOf('?')
  return mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1))
}

function acceptedForErrors(headers: RawRequest['headers'], query: URLSearchParams): Accepted {
  try {
    return negotiateOutput(String(headers.accept ?? ''), query, String(headers['user-agent'] ?? ''))
  } catch {
    return { encoding: 'json', pretty: true, as: undefined }
  }
}

/** Aggregated discovery is kept by clients until it changes. */
function tagged({ headers: asked }: ApiRequest, response: ApiResponse): ApiResponse {
  const etag = `"${createHash('sha512').update(response.body?.[0] ?? '').digest('hex').toUpperCase()}"`
  Object.assign(response.headers, { etag, vary: 'Accept', 'cache-control': 'public' })
  return asked['if-none-match'] === etag ? { status: 304, headers: { etag, vary: 'Accept', 'cache-control': 'public' }, body: [] } : response
}

/** In plain text, as upstream's filter writes it before anything knows of types. */
function tooManyRequests(): ApiResponse {
  const response = textResponse('Too many requests, please try again later.\n', 429)
  response.headers['retry-after'] = '1'
  return response
}

function notFoundPage(): ApiResponse {
  return textResponse('404 page not found\n', 404)
}

/** How long a client would wait is for it to see to; what is no duration is refused. */
function checkTimeout(query: Query): void {
  const timeout = query.get('timeout')
  if (!timeout) return
  try {
    parseDuration(timeout)
  } catch (error) {
    throw error instanceof ParseError ? badRequest(`invalid timeout specified in the request URL - ${error.message}`) : error
  }
}

/** @param status 200 unless told */
export function textResponse(text: string, status = 200): ApiResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, body: [Buffer.from(text)] }
}

/** Without the query. Bytes that are no UTF-8 become replacement characters, as they would in an answer. */
function decodePath(url: string): string {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  if (!path.includes('%')) return path
  const bytes = path.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}
