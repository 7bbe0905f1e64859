/** Paths that are not resources: health, version, OpenAPI. Models k8s.io/apiserver/pkg/server/{healthz,routes}. */
import type { Clock } from '../clock.ts'
import { methodNotAllowed } from '../errors.ts'
import { Health } from './health.ts'
import { Metrics, type MetricsParts } from './metrics.ts'
import { valueResponse } from './handlers.ts'
import { firstAccepted, noRepresentation } from './negotiate.ts'
import { openIDConfiguration } from '../auth/service-account-tokens.ts'
import { contentOf, type OpenAPIDocument } from './openapi-document.ts'
import { openAPIV2Protobuf, V2_PROTOBUF } from './openapi-v2-protobuf.ts'
import { openAPIV3Protobuf, V3_PROTOBUF } from './openapi-v3-protobuf.ts'
import { openAPIV2Document } from './openapi-v2.ts'
import { openAPIV3Document, openAPIV3Index } from './openapi-v3.ts'
import type { ServedGroupVersion } from './openapi-routes.ts'
import { MergedOpenAPIV2 } from './aggregation/merge-openapi-v2.ts'
import type { RemoteDiscovery } from './aggregation/remote-discovery.ts'
import { flagz } from './flagz.ts'
import { statusz } from './statusz.ts'
import { KUBERNETES_VERSION, MAJOR, MINOR } from './version.ts'
import { ServedGroupVersions } from './served-group-versions.ts'
import type { ApiRequest, ApiResponse } from './request.ts'

const PLATFORM = `${process.platform === 'win32' ? 'windows' : process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`

function versionDocument(buildDate: string): object {
  return {
    major: MAJOR,
    minor: MINOR,
    emulationMajor: MAJOR,
    emulationMinor: MINOR,
    minCompatibilityMajor: MAJOR,
    minCompatibilityMinor: String(Number(MINOR) - 1),
    gitVersion: `v${KUBERNETES_VERSION}`,
    gitCommit: 'orrery',
    gitTreeState: 'clean',
    buildDate,
    goVersion: 'none',
    compiler: 'orrery',
    platform: PLATFORM,
  }
}

const OPENID = '/.well-known/openid-configuration'
const JWKS = '/openid/v1/jwks'
const SERVICE_ACCOUNT_ISSUER = new RegExp(`^(?:${OPENID}|${JWKS})/?$`)
const JWK_SET = 'application/jwk-set+json'

function jsonResponse(value: object, contentType: string): ApiResponse {
  return { status: 200, headers: { 'content-type': contentType, 'cache-control': 'public, max-age=3600' }, body: [Buffer.from(JSON.stringify(value))] }
}

const BUILD_DATE = '2026-01-01T00:00:00Z'
const BUILD_LABELS = { git_version: `v${KUBERNETES_VERSION}`, major: MAJOR, minor: MINOR, platform: PLATFORM }

export interface ExtraPathsParts extends Omit<MetricsParts, 'version'> {
  metrics: Metrics
  clock: Clock
  /** What `/flagz` tells. */
  flags: Readonly<Record<string, string>>
  /** The public keys of service account tokens, as a JWK set. */
  keySet(): Promise<object>
  /** What other servers serve. */
  remote?: Pick<RemoteDiscovery, 'openAPIPaths' | 'openAPIV2' | 'convertedOpenAPIV3'>
}

/** Upstream does not ask for the method there. */
const ANY_METHOD = new Set(['/statusz', '/flagz'])
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'

export class ExtraPaths {
  readonly #parts: ExtraPathsParts
  readonly #mergedV2 = new MergedOpenAPIV2()
  #protobuf: OpenAPIDocument | undefined
  readonly #groupVersions: ServedGroupVersions

  constructor(parts: ExtraPathsParts) {
    this.#parts = parts
    this.#groupVersions = new ServedGroupVersions(parts.scheme)
  }

  /** undefined for a path that is not of these */
  respond(request: ApiRequest): ApiResponse | undefined | Promise<ApiResponse> {
    const { path, method } = request
    const health = this.#parts.health.respond(request)
    const isKnown = health || path.startsWith('/metrics') || path === '/statusz' || path === '/flagz' || path === '/version' || path === '/version/' || path.startsWith('/openapi/') || path === '/' || path === '/index.html' || SERVICE_ACCOUNT_ISSUER.test(path)
    if (!isKnown) return undefined
    if (health) return health
    if (method !== 'GET' && !ANY_METHOD.has(path) && !path.startsWith('/openapi/')) throw methodNotAllowed()
    if (path.startsWith('/metrics')) return this.#metrics(path)
    if (path === '/statusz') return statusz(request, { startedMs: this.#parts.startedMs, nowMs: this.#parts.clock.now(), paths: this.#paths() })
    if (path === '/flagz') return flagz(request, this.#parts.flags)
    if (path.startsWith('/openapi/')) return this.#openAPI(request)
    if (path.startsWith(JWKS)) return this.#jwks(request)
    if (path.startsWith(OPENID) && !/\*\/\*|application\/json|^$/.test(request.headers.accept ?? '')) throw noRepresentation(['application/json'])
    if (path.startsWith(OPENID)) return jsonResponse(openIDConfiguration(`https://${request.host}${JWKS}`), 'application/json')
    // Nobody is asked for the form of these two.
    return valueResponse(path === '/' || path === '/index.html' ? { paths: this.#paths() } : versionDocument(BUILD_DATE), { encoding: 'json', pretty: true, as: undefined })
  }

  #metrics(path: string): ApiResponse | undefined {
    const { metrics, health } = this.#parts
    const text = path === '/metrics' ? metrics.text({ ...this.#parts, version: BUILD_LABELS }) : path === '/metrics/slis' ? Metrics.healthText(health) : undefined
    return text === undefined ? undefined : { status: 200, headers: { 'content-type': METRICS_TYPE }, body: [Buffer.from(text)] }
  }

  #openAPI({ path, query, headers }: ApiRequest): ApiResponse | undefined {
    const served = this.#served()
    if (path === '/openapi/v2') {
      const mediaType = acceptedForm(headers, 'v2')
      if (!mediaType) return { status: 406, headers: { vary: 'Accept-Encoding, Accept' }, body: [] }
      const document = this.#mergedV2.document(openAPIV2Document(served), this.#parts.remote?.openAPIV2() ?? [])
      const response = documentResponse(mediaType === JSON_TYPE ? document : this.#inProtobuf(document), headers, mediaType === JSON_TYPE ? JSON_TYPE : V2_PROTOBUF)
      response.headers.vary = 'Accept-Encoding, Accept'
      return response
    }
    // The index is sniffed upstream, and so called plain text.
    if (path === '/openapi/v3') return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: openAPIV3Index(served, this.#parts.remote?.openAPIPaths()).body }
    if (!path.startsWith('/openapi/v3/')) return undefined
    const name = path.slice('/openapi/v3/'.length)
    const document = openAPIV3Document(served, name) ?? this.#parts.remote?.convertedOpenAPIV3(name)
    if (!document) return { status: 404, headers: {}, body: [] }
    const hash = query.get('hash')
    const isCurrent = hash !== null && hash.replaceAll('"', '').toUpperCase() === document.hash.toUpperCase()
    if (hash !== null && !isCurrent) return { status: 301, headers: { 'content-type': 'application/json', etag: `"${document.hash}"`, vary: 'Accept', location: `${path}?hash=${document.hash}` }, body: [] }
    const mediaType = acceptedForm(headers, 'v3')
    if (!mediaType) return { status: 406, headers: { vary: 'Accept' }, body: [] }
    const isJSON = mediaType === JSON_TYPE
    const response = documentResponse(isJSON ? document : { hash: document.hash, body: [openAPIV3Protobuf(contentOf(document))] }, headers, isJSON ? JSON_TYPE : V3_PROTOBUF)
    if (isCurrent) response.headers['cache-control'] = 'public, immutable'
    return response
  }

  #inProtobuf(document: OpenAPIDocument): OpenAPIDocument {
    if (this.#protobuf?.hash !== document.hash) this.#protobuf = { hash: document.hash, body: [openAPIV2Protobuf(contentOf(document))] }
    return this.#protobuf
  }

  async #jwks({ headers }: ApiRequest): Promise<ApiResponse> {
    if (!/\*\/\*|application\/(\*|jwk-set\+json)/.test(headers.accept ?? '*/*')) throw noRepresentation([JWK_SET])
    return jsonResponse(await this.#parts.keySet(), JWK_SET)
  }

  #served(): readonly ServedGroupVersion[] {
    return this.#groupVersions.all
  }

  #paths(): string[] {
    const versions = this.#served().map(({ group, version }) => (group ? `/apis/${group}/${version}` : `/api/${version}`))
    const groups = [...new Set(this.#served().flatMap(({ group }) => (group ? [`/apis/${group}`] : [])))]
    const others = [OPENID, '/api', '/apis', '/apis/', '/metrics', '/metrics/slis', '/openapi/v2', '/openapi/v3', '/openapi/v3/', JWKS, '/version', '/flagz', '/statusz', ...Health.paths]
    return [...versions, ...groups, ...others].sort()
  }
}

const JSON_TYPE = 'application/json'

/** Documents are had as JSON, or in protobuf under its present or its first name. */
function acceptedForm({ accept }: ApiRequest['headers'], version: 'v2' | 'v3'): string | undefined {
  const protobuf = `application/com.github.proto-openapi.spec.${version}`
  return firstAccepted(accept, [JSON_TYPE, `${protobuf}.v1.0+protobuf`, `${protobuf}@v1.0+protobuf`])
}

function documentResponse({ body, hash }: OpenAPIDocument, headers: ApiRequest['headers'], contentType: string): ApiResponse {
  const etag = `"${hash}"`
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag }, body: [] }
  return { status: 200, headers: { 'content-type': contentType, etag, vary: 'Accept' }, body }
}
