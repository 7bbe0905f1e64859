/** Paths that are not resources: health, version, OpenAPI. Models k8s.io/apiserver/pkg/server/{healthz,routes}. */
import { methodNotAllowed } from '../errors.ts'
import type { Scheme } from '../registry/scheme.ts'
import { valueResponse } from './handlers.ts'
import { noRepresentation } from './negotiate.ts'
import { openIDConfiguration } from '../auth/service-account-tokens.ts'
import { openAPIV2Protobuf, V2_PROTOBUF } from './openapi-v2-protobuf.ts'
import { openAPIV2Document } from './openapi-v2.ts'
import { openAPIV3Document, openAPIV3Index } from './openapi-v3.ts'
import type { ServedGroupVersion } from './openapi-routes.ts'
import { ServedGroupVersions } from './served-group-versions.ts'
import type { ApiRequest, ApiResponse } from './request.ts'
import { textResponse } from './routes.ts'

/** What this server says it is: the Kubernetes whose behaviour it models. */
export const KUBERNETES_VERSION = '1.36.3'

const [MAJOR = '', MINOR = ''] = KUBERNETES_VERSION.split('.')

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
    platform: `${process.platform === 'win32' ? 'windows' : process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  }
}

/** The checks of /livez and /readyz, by upstream's names; a check answers why it fails. */
export type HealthChecks = Readonly<Record<string, () => string | undefined>>

const HEALTH = /^\/(healthz|livez|readyz)(?:\/(.+))?$/
const OPENID = '/.well-known/openid-configuration'
const JWKS = '/openid/v1/jwks'
const SERVICE_ACCOUNT_ISSUER = new RegExp(`^(?:${OPENID}|${JWKS})/?$`)
const JWK_SET = 'application/jwk-set+json'

function jsonResponse(value: object, contentType: string): ApiResponse {
  return { status: 200, headers: { 'content-type': contentType, 'cache-control': 'public, max-age=3600' }, body: [Buffer.from(JSON.stringify(value))] }
}

const BUILD_DATE = '2026-01-01T00:00:00Z'

export class ExtraPaths {
  readonly #checks: HealthChecks
  readonly #keySet: () => Promise<object>
  #protobuf: { body: Buffer; hash: string } | undefined
  readonly #groupVersions: ServedGroupVersions

  /** @param keySet the public keys of service account tokens, as a JWK set */
  constructor(scheme: Scheme, checks: HealthChecks, keySet: () => Promise<object>) {
    this.#checks = checks
    this.#keySet = keySet
    this.#groupVersions = new ServedGroupVersions(scheme)
  }

  /** undefined for a path that is not of these */
  respond(request: ApiRequest): ApiResponse | undefined | Promise<ApiResponse> {
    const { path, method } = request
    const health = HEALTH.exec(path)
    const isKnown = health || path === '/version' || path === '/version/' || path.startsWith('/openapi/') || path === '/' || SERVICE_ACCOUNT_ISSUER.test(path)
    if (!isKnown) return undefined
    if (method !== 'GET' && !(health && method === 'HEAD')) throw methodNotAllowed()
    if (health) return this.#health(request, health[1] ?? '', health[2])
    if (path.startsWith('/openapi/')) return this.#openAPI(request)
    if (path.startsWith(JWKS)) return this.#jwks(request)
    if (path.startsWith(OPENID)) return jsonResponse(openIDConfiguration(`https://${request.host}${JWKS}`), 'application/json')
    // Nobody is asked for the form of these two.
    return valueResponse(path === '/' ? { paths: this.#paths() } : versionDocument(BUILD_DATE), { encoding: 'json', pretty: true, as: undefined })
  }

  #health(request: ApiRequest, kind: string, only: string | undefined): ApiResponse | undefined {
    const names = Object.keys(this.#checks)
    if (only !== undefined && !names.includes(only)) return undefined
    const excluded = new Set(request.query.getAll('exclude'))
    const run = (only === undefined ? names : [only]).map((name) => ({ name, problem: excluded.has(name) ? undefined : this.#checks[name]?.() }))
    const failed = run.filter((check) => check.problem !== undefined)
    if (only !== undefined) return failed.length ? textResponse(`internal server error: ${failed[0]?.problem}\n`, 500) : textResponse('ok')
    const lines = run.map(({ name, problem }) => (excluded.has(name) ? `[+]${name} excluded: ok` : problem === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`))
    if (failed.length > 0) return textResponse(`${lines.join('\n')}\n${kind} check failed\n`, 500)
    return textResponse(request.query.has('verbose') ? `${lines.join('\n')}\n${kind} check passed\n` : 'ok')
  }

  #openAPI({ path, query, headers }: ApiRequest): ApiResponse | undefined {
    const served = this.#served()
    if (path === '/openapi/v2') {
      const document = openAPIV2Document(served)
      const wantsProtobuf = /proto-openapi/.test(headers.accept ?? '') && !/json/.test(headers.accept ?? '')
      return documentResponse(wantsProtobuf ? this.#inProtobuf(document) : document, headers, wantsProtobuf ? V2_PROTOBUF : 'application/json')
    }
    if (path === '/openapi/v3' || path === '/openapi/v3/') return documentResponse(openAPIV3Index(served), headers)
    if (!path.startsWith('/openapi/v3/')) return undefined
    const document = openAPIV3Document(served, path.slice('/openapi/v3/'.length))
    if (!document) return undefined
    const hash = query.get('hash')
    const isCurrent = hash !== null && hash.replaceAll('"', '').toUpperCase() === document.hash.toUpperCase()
    const response = documentResponse(document, headers)
    if (isCurrent) response.headers['cache-control'] = 'public, immutable'
    return response
  }

  #inProtobuf({ body, hash }: { body: Buffer; hash: string }): { body: Buffer; hash: string } {
    if (this.#protobuf?.hash !== hash) this.#protobuf = { hash, body: openAPIV2Protobuf(JSON.parse(body.toString()) as object) }
    return this.#protobuf
  }

  async #jwks({ headers }: ApiRequest): Promise<ApiResponse> {
    if (!/\*\/\*|application\/(\*|jwk-set\+json)/.test(headers.accept ?? '*/*')) throw noRepresentation([JWK_SET])
    return jsonResponse(await this.#keySet(), JWK_SET)
  }

  #served(): readonly ServedGroupVersion[] {
    return this.#groupVersions.all
  }

  #paths(): string[] {
    const versions = this.#served().map(({ group, version }) => (group ? `/apis/${group}/${version}` : `/api/${version}`))
    const groups = [...new Set(this.#served().flatMap(({ group }) => (group ? [`/apis/${group}`] : [])))]
    const others = ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version', ...Object.keys(this.#checks).flatMap((name) => [`/healthz/${name}`, `/livez/${name}`, `/readyz/${name}`])]
    return [...versions, ...groups, ...others].sort()
  }
}

function documentResponse({ body, hash }: { body: Buffer; hash: string }, headers: ApiRequest['headers'], contentType = 'application/json'): ApiResponse {
  const etag = `"${hash}"`
  if (headers['if-none-match'] === etag) return { status: 304, headers: { etag }, body: [] }
  return { status: 200, headers: { 'content-type': contentType, etag, vary: 'Accept' }, body: [body] }
}
