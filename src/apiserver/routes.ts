/**
 * From a raw request to its handler: who asks, what for, may they. Models the handler chain of
 * k8s.io/apiserver/pkg/server/config.go (authentication, request info, impersonation, authorization, dispatch).
 */
import type { Logger } from 'pino'
import type { Authenticator } from '../auth/authenticate.ts'
import { badRequest, forbidden, methodNotAllowed, noSuchResource, StatusError } from '../errors.ts'
import type { Authorizer, AuthorizationAttributes } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'
import type { Api } from './api.ts'
import { Discovery } from './discovery.ts'
import { encodeStatus, encodeValue } from './encode.ts'
import { addWarnings, handleResource, statusErrorOf, valueResponse } from './handlers.ts'
import { impersonate } from './impersonation.ts'
import { negotiateOutput, type OffersConversion } from './negotiate.ts'
import type { ApiRequest, ApiResponse } from './request.ts'
import { parseRequestInfo, type RequestInfo } from './request-info.ts'
import type { RawRequest } from './server.ts'
import type { Connectors } from './subresources/create.ts'

export interface RoutesParts {
  api: Api
  authenticator: Authenticator
  authorizer: Authorizer | undefined
  connectors: Connectors
  log: Logger
  /** Answers paths that are not resources (health, version, OpenAPI, metrics), or undefined for what it does not know. */
  extra(request: ApiRequest): ApiResponse | undefined | Promise<ApiResponse | undefined>
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
const discoveryConversion: OffersConversion = ({ kind, group, version }) => kind === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io' && version === 'v2'

export class Routes {
  readonly #parts: RoutesParts
  readonly discovery: Discovery

  constructor(parts: RoutesParts) {
    this.#parts = parts
    this.discovery = new Discovery(parts.api.scheme)
  }

  /** Never rejects: whatever goes wrong is answered as a Status. */
  async handle(raw: RawRequest): Promise<ApiResponse> {
    try {
      return await this.#dispatch(raw)
    } catch (error) {
      return this.failure(error, raw)
    }
  }

  /** The answer for an error, in the encoding the client takes if it is one for errors. */
  failure(error: unknown, { headers }: { headers: RawRequest['headers'] }): ApiResponse {
    const status = statusErrorOf(error)
    if (!(error instanceof StatusError)) this.#parts.log.error({ err: error }, 'request failed')
    const wantsYaml = /application\/yaml/.test(String(headers.accept ?? ''))
    const encoding = wantsYaml ? 'yaml' : 'json'
    const retry = status.details?.retryAfterSeconds
    return {
      status: status.code,
      headers: { 'content-type': wantsYaml ? 'application/yaml' : 'application/json', ...(retry ? { 'retry-after': String(retry) } : {}) },
      body: [encodeStatus(status.toStatus(), { encoding, pretty: false })],
    }
  }

  async #dispatch(raw: RawRequest): Promise<ApiResponse> {
    const request = await this.#read(raw)
    const info = parseRequestInfo(request.method, request.path, request.query)
    await this.#authorize(request.user, info)
    if (!METHODS.has(request.method)) throw methodNotAllowed()
    if (info.isResourceRequest && info.resource) return handleResource(this.#parts.api, info, request, this.#parts.connectors)
    const found = this.#discover(request) ?? (await this.#parts.extra(request))
    if (found) return found
    if (info.isResourceRequest) throw noSuchResource()
    return notFoundPage()
  }

  async #read(raw: RawRequest): Promise<ApiRequest> {
    const mark = raw.url.indexOf('?')
    const headers: Record<string, string | undefined> = {}
    for (const [name, value] of Object.entries(raw.headers)) headers[name] = Array.isArray(value) ? value.join(', ') : value
    const user = await this.#parts.authenticator.authenticate({ authorization: headers.authorization, socket: raw.socket })
    const asUser = await impersonate(user, raw.headers, this.#parts.authorizer)
    return {
      method: raw.method,
      path: decodePath(mark < 0 ? raw.url : raw.url.slice(0, mark)),
      query: new URLSearchParams(mark < 0 ? '' : raw.url.slice(mark + 1)),
      headers,
      body: raw.body,
      user: asUser,
      signal: raw.signal,
      host: headers[':authority'] ?? headers.host ?? '',
    }
  }

  async #authorize(user: UserInfo, info: RequestInfo): Promise<void> {
    const { authorizer } = this.#parts
    if (!authorizer) return
    const attributes = attributesOf(user, info)
    const pending = authorizer.authorize(attributes)
    const verdict = pending instanceof Promise ? await pending : pending
    if (verdict.decision !== 'Allow') throw forbidden({ group: info.isResourceRequest ? info.group : '', resource: info.isResourceRequest ? info.resource : '' }, info.isResourceRequest ? info.name : '', `${forbiddenText(user, info)}${verdict.reason ? `: ${verdict.reason}` : ''}`)
  }

  #discover(request: ApiRequest): ApiResponse | undefined {
    const parts = request.path.split('/').filter((part) => part !== '')
    const [root, group = '', version] = parts
    if ((root !== 'api' && root !== 'apis') || parts.length > 3 || (root === 'api' && parts.length > 2)) return undefined
    if (request.method !== 'GET') throw methodNotAllowed()
    const isRoot = parts.length === 1
    const accepted = negotiateOutput(request.headers.accept, request.query, request.headers['user-agent'] ?? '', isRoot ? { conversions: discoveryConversion } : {})
    if (isRoot) {
      const core = root === 'api'
      if (accepted.as) return valueResponse(this.discovery.aggregated(core), accepted)
      return valueResponse(core ? this.discovery.coreVersions(request.host) : this.discovery.groupList(), accepted)
    }
    if (root === 'api') return documentResponse(this.discovery.resourceList('', group), accepted)
    if (version !== undefined) return documentResponse(this.discovery.resourceList(group, version), accepted)
    const document = this.discovery.group(group)
    return document ? valueResponse(document, accepted) : notFoundPage()
  }
}

function documentResponse(document: object | undefined, accepted: Parameters<typeof valueResponse>[1]): ApiResponse {
  if (!document) throw noSuchResource()
  return valueResponse(document, accepted)
}

function notFoundPage(): ApiResponse {
  return textResponse('404 page not found\n', 404)
}

/** @param status 200 unless told */
export function textResponse(text: string, status = 200): ApiResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }, body: [Buffer.from(text)] }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch (error) {
    throw badRequest(error instanceof Error ? error.message : String(error))
  }
}

export function attributesOf(user: UserInfo, info: RequestInfo): AuthorizationAttributes {
  if (!info.isResourceRequest) return { user, verb: info.verb, path: info.path }
  const { verb, group, version, namespace, resource, subresource, name } = info
  return { user, verb, apiGroup: group, apiVersion: version, namespace: resource === 'namespaces' ? name : namespace, resource, subresource, name }
}

function forbiddenText(user: UserInfo, info: RequestInfo): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${info.verb}`
  if (!info.isResourceRequest) return `${who} path ${JSON.stringify(info.path)}`
  const resource = info.subresource ? `${info.resource}/${info.subresource}` : info.resource
  const where = info.namespace ? `in the namespace ${JSON.stringify(info.namespace)}` : 'at the cluster scope'
  return `${who} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(info.group)} ${where}`
}

export { addWarnings, encodeValue }
