/**
 * Tokens of an issuer outside, by OpenID Connect. Models k8s.io/apiserver/plugin/pkg/authenticator/token/oidc, without
 * distributed claims.
 */
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose'
import { formatList } from '../../api/rbac/v1/_rules.ts'
import type { Clock } from '../clock.ts'
import type { UserInfo } from '../registry/kind.ts'
import type { TokenVerdict } from '../registry/authorization.ts'
import { askJSON } from './remote.ts'

/** How often an unknown key may make the keys be fetched again. */
const REFRESH_MS = 10_000

export interface OidcOptions {
  issuerURL: string
  clientID: string
  /** PEM; the authorities of the system unless told. */
  ca?: string
  /** `sub` unless told. */
  usernameClaim?: string
  /** The issuer and `#` unless told or the claim is `email`; `-` for none. */
  usernamePrefix?: string
  groupsClaim?: string
  groupsPrefix?: string
  requiredClaims?: Readonly<Record<string, string>>
  /** RS256 unless told. */
  signingAlgs?: readonly string[]
}

type Keys = ReturnType<typeof createLocalJWKSet>

export class OidcTokens {
  readonly #options: OidcOptions
  readonly #clock: Clock
  #keys: Promise<Keys> | undefined
  #fetchedMs = -Infinity

  /** @throws Error for an issuer that is none */
  constructor(options: OidcOptions, clock: Clock) {
    if (!/^https:\/\//.test(options.issuerURL)) throw new Error(`oidc-issuer-url: Invalid value: ${JSON.stringify(options.issuerURL)}: URL scheme must be https`)
    this.#options = options
    this.#clock = clock
  }

  async authenticateToken(token: string): Promise<TokenVerdict> {
    if (issuerOf(token) !== this.#options.issuerURL) return {}
    try {
      return { user: userOf(await this.#verify(token), this.#options) }
    } catch (error) {
      return { error: error instanceof ClaimError ? error.message : `oidc: verify token: ${error instanceof Error ? error.message : String(error)}` }
    }
  }

  async #verify(token: string): Promise<JWTPayload> {
    const { issuerURL, clientID, signingAlgs = ['RS256'] } = this.#options
    const check = async () => (await jwtVerify(token, await this.#currentKeys(), { issuer: issuerURL, algorithms: [...signingAlgs], currentDate: new Date(this.#clock.now()) })).payload
    let payload: JWTPayload
    try {
      payload = await check()
    } catch (error) {
      // The issuer may have a new key.
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#clock.now() - this.#fetchedMs < REFRESH_MS) throw error
      this.#keys = undefined
      payload = await check()
    }
    const audiences = [payload.aud ?? []].flat()
    if (!audiences.includes(clientID)) throw new Error(`oidc: expected audience in ${formatList([clientID])} got ${formatList(audiences)}`)
    return payload
  }

  #currentKeys(): Promise<Keys> {
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

  async #fetchKeys(): Promise<Keys> {
    const { issuerURL, ca } = this.#options
    const found = (await askJSON({ url: `${issuerURL.replace(/\/$/, '')}/.well-known/openid-configuration`, ca })) as { issuer?: unknown; jwks_uri?: unknown }
    if (found.issuer !== issuerURL) throw new Error(`oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuerURL)} got ${JSON.stringify(found.issuer)}`)
    if (typeof found.jwks_uri !== 'string') throw new Error('provider did not return JWKS URL')
    return createLocalJWKSet((await askJSON({ url: found.jwks_uri, ca })) as JSONWebKeySet)
  }
}

class ClaimError extends Error {}

function userOf(claims: JWTPayload, options: OidcOptions): UserInfo {
  const name = usernameOf(claims, options)
  const groups = groupsOf(claims, options)
  for (const [claim, wanted] of Object.entries(options.requiredClaims ?? {})) {
    const value = claims[claim]
    if (value === undefined) throw new ClaimError(`oidc: required claim ${claim} not present in ID token`)
    if (value !== wanted) throw new ClaimError(`oidc: required claim ${claim} value does not match. Got = ${String(value)}, want = ${wanted}`)
  }
  return { name, groups, ...(claims.jti ? { extra: { 'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`] } } : {}) }
}

function usernameOf(claims: JWTPayload, { issuerURL, usernameClaim = 'sub', usernamePrefix = usernameClaim === 'email' ? '-' : `${issuerURL}#` }: OidcOptions): string {
  const value = claims[usernameClaim]
  if (value === undefined) throw new ClaimError(`oidc: parse username claims ${JSON.stringify(usernameClaim)}: claim not present`)
  if (typeof value !== 'string') throw new ClaimError(`oidc: parse username claims ${JSON.stringify(usernameClaim)}: json: cannot unmarshal ${typeof value} into Go value of type string`)
  if (usernameClaim === 'email' && claims.email_verified !== undefined && claims.email_verified !== true) throw new ClaimError('oidc: email not verified')
  return usernamePrefix === '-' ? value : usernamePrefix + value
}

function groupsOf(claims: JWTPayload, { groupsClaim, groupsPrefix = '' }: OidcOptions): string[] {
  const value = groupsClaim === undefined ? undefined : claims[groupsClaim]
  if (value === undefined) return []
  const list = [value].flat()
  if (!list.every((group): group is string => typeof group === 'string')) throw new ClaimError(`oidc: parse groups claim ${JSON.stringify(groupsClaim)}: json: cannot unmarshal into Go value of type string`)
  return list.map((group) => groupsPrefix + group)
}

function issuerOf(token: string): string | undefined {
  try {
    const { iss } = decodeJwt(token)
    return iss === 'accounts.google.com' ? 'https://accounts.google.com' : iss
  } catch {
    return undefined
  }
}
