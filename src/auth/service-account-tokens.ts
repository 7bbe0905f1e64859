/**
 * Tokens of service accounts: JWTs signed by the cluster's key, bound to the objects they name, refused once one of these is
 * gone. Models k8s.io/kubernetes/pkg/serviceaccount (claims.go, jwt.go) and its OIDC discovery documents.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { exportJWK, jwtVerify, SignJWT, type JWK, type JWTPayload } from 'jose'
import type { Clock, Random } from '../clock.ts'
import { LEGACY_ISSUER, legacyClaims, legacyUser } from './legacy-tokens.ts'
import type { TokenAuthenticator, TokenVerdict } from '../registry/authorization.ts'
import type { ServiceAccountTokens, SystemReader, UserInfo } from '../registry/kind.ts'

export const ISSUER = 'https://kubernetes.default.svc'
const ALGORITHM = 'RS256'
const PRIVATE_CLAIM = 'kubernetes.io'
/** Verified signatures are remembered; that what they are bound to still exists is looked up each time. */
const MAX_REMEMBERED = 10_000
const REF_KINDS = { pod: 'v1/Pod', secret: 'v1/Secret', node: 'v1/Node' } as const

interface Ref {
  name: string
  uid?: string
}

interface BoundClaims extends Partial<Record<keyof typeof REF_KINDS, Ref>> {
  namespace?: string
  serviceaccount?: Ref
  warnafter?: number
}

export class ServiceAccountKeys implements ServiceAccountTokens, TokenAuthenticator {
  readonly defaultAudiences = [ISSUER]
  readonly audiences = [ISSUER]
  readonly #private: KeyObject
  readonly #public: KeyObject
  readonly #keyId: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #system: () => SystemReader
  readonly #verified = new Map<string, JWTPayload>()

  /** @param key PEM of the private key */
  constructor(key: string, { clock, random, system }: { clock: Clock; random: Random; system(): SystemReader }) {
    this.#private = createPrivateKey(key)
    this.#public = createPublicKey(this.#private)
    this.#keyId = createHash('sha256').update(this.#public.export({ type: 'spki', format: 'der' })).digest('base64url')
    this.#clock = clock
    this.#random = random
    this.#system = system
  }

  async sign({ serviceAccount, audiences, expirationSeconds, warnAfterSeconds, pod, node, secret }: Parameters<ServiceAccountTokens['sign']>[0]): Promise<string> {
    const now = Math.floor(this.#clock.now() / 1000)
    const { namespace, name, uid } = serviceAccount
    const bound = { namespace, ...(node ? { node } : {}), ...(pod ? { pod } : {}), ...(secret ? { secret } : {}), serviceaccount: { name, uid }, ...(warnAfterSeconds ? { warnafter: now + warnAfterSeconds } : {}) }
    const claims = { aud: [...audiences], iss: ISSUER, sub: `system:serviceaccount:${namespace}:${name}`, jti: this.#random.uuid(), iat: now, nbf: now, exp: now + expirationSeconds, [PRIVATE_CLAIM]: bound }
    return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid: this.#keyId }).sign(this.#private)
  }

  /** A token that lies in a Secret of its account and does not expire. */
  async signLegacy(account: { namespace: string; name: string; uid: string }, secretName: string): Promise<string> {
    return new SignJWT(legacyClaims(account, secretName)).setProtectedHeader({ alg: ALGORITHM, kid: this.#keyId }).sign(this.#private)
  }

  /** `{}` for what is not a token of this issuer. */
  async authenticateToken(token: string, audiences: readonly string[]): Promise<TokenVerdict> {
    const payload = await this.#verify(token)
    if (!payload) return {}
    const now = this.#clock.now() / 1000
    if (payload.exp !== undefined && payload.exp < now) return { error: '[invalid bearer token, service account token has expired]' }
    const wanted = audiences.length > 0 ? audiences : this.audiences
    // Legacy tokens name no audience and are meant for the server.
    const given = payload.iss === LEGACY_ISSUER ? this.audiences : payload.aud === undefined ? [] : [payload.aud].flat()
    const shared = wanted.filter((audience) => given.includes(audience))
    if (shared.length === 0) return { error: `[invalid bearer token, token audiences ${JSON.stringify(given)} is invalid for the target audiences ${JSON.stringify(wanted)}]` }
    const user = payload.iss === LEGACY_ISSUER ? legacyUser(token, payload, { system: this.#system(), nowMs: this.#clock.now() }) : this.#userOf(payload)
    return typeof user === 'string' ? { error: `[invalid bearer token, ${user}]` } : { user, audiences: shared }
  }

  /** For the bearer tokens of requests. */
  async verify(token: string): Promise<UserInfo | undefined> {
    const verdict = await this.authenticateToken(token, [])
    return 'user' in verdict ? verdict.user : undefined
  }

  /** `/openid/v1/jwks` */
  async keySet(): Promise<{ keys: JWK[] }> {
    return { keys: [{ use: 'sig', kid: this.#keyId, alg: ALGORITHM, ...(await exportJWK(this.#public)) }] }
  }

  async #verify(token: string): Promise<JWTPayload | undefined> {
    const known = this.#verified.get(token)
    if (known) return known
    if (token.split('.').length !== 3) return undefined
    try {
      // Times are checked against the cluster's own clock, by whoever asks.
      const { payload } = await jwtVerify(token, this.#public, { issuer: [ISSUER, LEGACY_ISSUER], algorithms: [ALGORITHM], currentDate: new Date(this.#clock.now()) })
      if (this.#verified.size >= MAX_REMEMBERED) this.#verified.clear()
      this.#verified.set(token, payload)
      return payload
    } catch {
      // Not ours, or not valid: the same to who asks.
      return undefined
    }
  }

  /** The user of a token, or why what it is bound to is not there. */
  #userOf(payload: JWTPayload): UserInfo | string {
    const bound = (payload[PRIVATE_CLAIM] ?? {}) as BoundClaims
    const { namespace = '', serviceaccount } = bound
    const system = this.#system()
    const account = system.get('v1/ServiceAccount', namespace, serviceaccount?.name ?? '')
    if (!account) return `serviceaccounts ${JSON.stringify(serviceaccount?.name)} not found`
    if (account.metadata.uid !== serviceaccount?.uid) return `service account UID (${account.metadata.uid}) does not match claim (${serviceaccount?.uid})`
    const extra: Record<string, string[]> = { 'authentication.kubernetes.io/credential-id': [`JTI=${payload.jti}`] }
    for (const [name, kind] of Object.entries(REF_KINDS) as [keyof typeof REF_KINDS, string][]) {
      const ref = bound[name]
      if (!ref) continue
      const object = system.get(kind, name === 'node' ? '' : namespace, ref.name)
      if (name !== 'node' && object?.metadata.uid !== ref.uid) return `service account token has been invalidated`
      if (name === 'secret') continue
      extra[`authentication.kubernetes.io/${name}-name`] = [ref.name]
      if (ref.uid) extra[`authentication.kubernetes.io/${name}-uid`] = [ref.uid]
    }
    return { name: payload.sub ?? '', ...(account.metadata.uid ? { uid: account.metadata.uid } : {}), groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`], extra }
  }
}

/** `/.well-known/openid-configuration` */
export function openIDConfiguration(jwksUri: string): object {
  return { issuer: ISSUER, jwks_uri: jwksUri, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: [ALGORITHM] }
}
