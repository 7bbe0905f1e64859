/**
 * Whether a token is an issuer's, for us, and in time: its keys are found by OpenID Connect discovery. Models
 * github.com/coreos/go-oidc (oidc.go, jwks.go, verify.go) as k8s.io/apiserver uses it.
 */
import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { compactVerify, decodeProtectedHeader } from 'jose'
import { formatList } from '../../../api/rbac/v1/_rules.ts'
import { jsonKind } from '../../apimachinery/decode-context.ts'
import { isRecord } from '../../apimachinery/json.ts'
import { quote } from '../../errors.ts'
import type { Clock } from '../../clock.ts'
import { askJSON } from '../remote.ts'
import type { Claims } from './claims.ts'

/** How often an unknown key may make the keys be fetched again. */
const REFRESH_MS = 10_000
/** Clocks differ. */
const LEEWAY_MS = 60_000
const GOOGLE = 'https://accounts.google.com'
const WELL_KNOWN = '/.well-known/openid-configuration'

export interface IssuerOptions {
  url: string
  discoveryURL?: string
  /** PEM; the authorities of the system unless told. */
  ca?: string
  audiences: readonly string[]
  signingAlgs: readonly string[]
}

interface Key {
  kid?: string
  key: ReturnType<typeof createPublicKey>
}

export class IssuerKeys {
  readonly #options: IssuerOptions
  readonly #clock: Clock
  #keys: Promise<Key[]> | undefined
  #fetchedMs = -Infinity

  constructor(options: IssuerOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** The claims of a token. @throws Error in upstream's words for one that does not count */
  async verify(token: string): Promise<Claims> {
    const { signingAlgs } = this.#options
    const { alg = '', kid } = headerOf(token)
    if (!signingAlgs.includes(alg)) throw new Error(`oidc: id token signed with unsupported algorithm, expected ${formatList(signingAlgs)} got ${quote(alg)}`)
    const payload = await this.#payload(token, { alg, kid })
    if (!payload) throw new Error('failed to verify signature: failed to verify id token signature')
    const claims = claimsOf(payload)
    checkSources(claims)
    this.#check(claims)
    return claims
  }

  /** Rejects while the issuer cannot be asked for its keys. */
  async ready(): Promise<void> {
    await this.#currentKeys()
  }

  async #payload(token: string, { alg, kid }: { alg: string; kid: string | undefined }): Promise<Uint8Array | undefined> {
    const known = await signedBy(token, { alg, kid, keys: await this.#currentKeys() })
    // The issuer may have a new key.
    if (known || this.#clock.now() - this.#fetchedMs < REFRESH_MS) return known
    this.#keys = undefined
    return signedBy(token, { alg, kid, keys: await this.#currentKeys() })
  }

  #check({ iss, aud, exp, nbf }: Claims): void {
    const { url, audiences } = this.#options
    if (iss !== url && !(url === GOOGLE && iss === 'accounts.google.com')) throw new Error(`oidc: id token issued by a different provider, expected ${quote(url)} got ${quote(String(iss ?? ''))}`)
    const given = [aud ?? []].flat().map(String)
    if (!given.some((audience) => audiences.includes(audience))) {
      const [only = '', ...more] = audiences
      throw new Error(`oidc: expected audience ${more.length === 0 ? quote(only) : `in ${formatList([...audiences].sort())}`} got ${formatList(given)}`)
    }
    const nowMs = this.#clock.now()
    const expiryMs = msOf(exp)
    if (expiryMs < nowMs) throw new Error(`oidc: token is expired (Token Expiry: ${goTime(expiryMs)})`)
    if (nbf !== undefined && nowMs + LEEWAY_MS < msOf(nbf)) throw new Error(`oidc: current time ${goTime(nowMs)} before the nbf (not before) time: ${goTime(msOf(nbf))}`)
  }

  #currentKeys(): Promise<Key[]> {
    if (!this.#keys) {
      this.#fetchedMs = this.#clock.now()
      const fetched = this.#fetchKeys()
      this.#keys = fetched
      // A failure is not remembered.
      fetched.catch(() => {
        if (this.#keys === fetched) this.#keys = undefined
      })
    }
    return this.#keys
  }

  async #fetchKeys(): Promise<Key[]> {
    const { url, discoveryURL, ca } = this.#options
    const found = (await askJSON({ url: discoveryURL ?? url.replace(/\/$/, '') + WELL_KNOWN, ca })) as { issuer?: unknown; jwks_uri?: unknown } | null
    if (found?.issuer !== url) throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${quote(url)} got ${quote(String(found?.issuer ?? ''))}`)
    if (typeof found.jwks_uri !== 'string' || found.jwks_uri === '') throw new Error('provider did not return JWKS URL')
    const { keys = [] } = (await askJSON({ url: found.jwks_uri, ca })) as { keys?: (JsonWebKey & { kid?: string })[] }
    return keys.flatMap((jwk) => keyOf(jwk) ?? [])
  }
}

/** Keys of kinds that are not known are passed over. */
function keyOf(jwk: JsonWebKey & { kid?: string }): Key | undefined {
  try {
    return { key: createPublicKey({ key: jwk, format: 'jwk' }), ...(jwk.kid ? { kid: jwk.kid } : {}) }
  } catch {
    return undefined
  }
}

async function signedBy(token: string, { alg, kid, keys }: { alg: string; kid: string | undefined; keys: readonly Key[] }): Promise<Uint8Array | undefined> {
  for (const { kid: own, key } of keys) {
    if (kid && own !== kid) continue
    try {
      return (await compactVerify(token, key, { algorithms: [alg] })).payload
    } catch {
      // another key may be the one
    }
  }
  return undefined
}

function headerOf(token: string): { alg?: string; kid?: string | undefined } {
  try {
    return decodeProtectedHeader(token)
  } catch (error) {
    throw new Error(`oidc: malformed jwt: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function claimsOf(payload: Uint8Array): Claims {
  const value: unknown = JSON.parse(Buffer.from(payload).toString())
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('oidc: failed to unmarshal claims: json: cannot unmarshal into Go value of type oidc.idToken')
  return value as Claims
}

/** Go's first moment. */
const ZERO_TIME_MS = Date.parse('0001-01-01T00:00:00Z')

/** What is no number is long ago. */
const msOf = (seconds: unknown): number => (typeof seconds === 'number' ? Math.floor(seconds) * 1000 : ZERO_TIME_MS)

/** Claims that are elsewhere must say where. */
function checkSources({ _claim_names: names = {}, _claim_sources: sources = {} }: Claims): void {
  const mismatch = (value: unknown, field: string, type: string) => new Error(`oidc: failed to unmarshal claims: json: cannot unmarshal ${jsonKind(value)} into Go struct field idToken.${field} of type ${type}`)
  if (names !== null && !isRecord(names)) throw mismatch(names, '_claim_names', 'map[string]string')
  if (sources !== null && !isRecord(sources)) throw mismatch(sources, '_claim_sources', 'map[string]oidc.claimSource')
  for (const source of Object.values(names ?? {})) {
    if (typeof source !== 'string') throw mismatch(source, '_claim_names', 'string')
    if (source === '') throw new Error('oidc: failed to obtain source from claim name')
    if (!Object.hasOwn(sources ?? {}, source)) throw new Error('oidc: source does not exist')
  }
}

/** As Go prints a time of UTC. */
const goTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`

/** The issuer that a token names, which is not proved by that. @throws Error for what is no token */
export function untrustedIssuer(token: string): string {
  if (token.trim().startsWith('{')) throw new Error('token is not compact JWT')
  const parts = token.split('.')
  if (parts.length !== 3) throw new Error('malformed token')
  const { iss } = claimsOf(Buffer.from(parts[1] ?? '', 'base64url'))
  return iss === 'accounts.google.com' ? GOOGLE : typeof iss === 'string' ? iss : ''
}
