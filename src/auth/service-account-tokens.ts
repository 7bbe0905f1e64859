/**
 * Tokens of service accounts: JWTs signed by the cluster's key, bound to the objects they name, refused once one of these is
 * gone. Models k8s.io/kubernetes/pkg/serviceaccount (claims.go, jwt.go) and its OIDC discovery documents.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { compactVerify, decodeJwt, exportJWK, SignJWT, type JWK, type JWTPayload } from 'jose'
import { formatList } from '../../api/rbac/v1/_rules.ts'
import type { Clock, Random } from '../clock.ts'
import type { TokenNotes, TokenVerdict } from '../registry/authorization.ts'
import type { KubeObject, ServiceAccountTokens, SystemReader, UserInfo } from '../registry/kind.ts'
import { LEGACY_ISSUER, legacyClaims, legacyVerdict } from './legacy-tokens.ts'

export const ISSUER = 'https://kubernetes.default.svc'
const ALGORITHM = 'RS256'
const PRIVATE_CLAIM = 'kubernetes.io'
const LEEWAY_SECONDS = 60
/** Verified signatures are remembered; that what they are bound to still exists is looked up each time. */
const MAX_REMEMBERED = 10_000
const REF_KINDS = { secret: 'v1/Secret', pod: 'v1/Pod', node: 'v1/Node' } as const
const INVALIDATED = 'service account token has been invalidated'

interface Ref {
  name: string
  uid?: string
}

interface BoundClaims extends Partial<Record<keyof typeof REF_KINDS, Ref>> {
  namespace?: string
  serviceaccount?: Ref
  warnafter?: number
}

/** A token whose signature is good, and whose it was when it was last asked. */
interface Verified {
  payload: JWTPayload
  /** What the token is bound to, as it was found; as long as it is the same, so is the user. */
  found?: readonly (KubeObject | undefined)[]
  user?: UserInfo
}

export class ServiceAccountKeys implements ServiceAccountTokens {
  readonly defaultAudiences = [ISSUER]
  readonly #private: KeyObject
  readonly #public: KeyObject
  readonly #keyId: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #system: () => SystemReader
  readonly #verified = new Map<string, Verified>()

  /** @param key PEM of the private key */
  constructor(key: string, { clock, random, system }: { clock: Clock; random: Random; system(): SystemReader }) {
    this.#private = createPrivateKey(key)
    this.#public = createPublicKey(this.#private)
    this.#keyId = createHash('sha256').update(this.#public.export({ type: 'spki', format: 'der' })).digest('base64url')
    this.#clock = clock
    this.#random = random
    this.#system = system
  }

  async sign({ serviceAccount, audiences, expirationSeconds, warnAfterSeconds, pod, node, secret }: Parameters<ServiceAccountTokens['sign']>[0]): Promise<{ token: string; id: string }> {
    const now = Math.floor(this.#clock.now() / 1000)
    const { namespace, name, uid } = serviceAccount
    const bound = { namespace, ...(node ? { node } : {}), ...(pod ? { pod } : {}), ...(secret ? { secret } : {}), serviceaccount: { name, uid }, ...(warnAfterSeconds ? { warnafter: now + warnAfterSeconds } : {}) }
    // In the order in which upstream's encoder gives them.
    const id = this.#random.uuid()
    const token = await this.#signed({ aud: [...audiences], exp: now + expirationSeconds, iat: now, iss: ISSUER, jti: id, [PRIVATE_CLAIM]: bound, nbf: now, sub: `system:serviceaccount:${namespace}:${name}` })
    return { token, id }
  }

  /** A token that lies in a Secret of its account and does not expire. */
  signLegacy(account: { namespace: string; name: string; uid: string }, secretName: string): Promise<string> {
    return this.#signed(legacyClaims(account, secretName))
  }

  /** `{}` for what is not a token of this issuer. @param audiences what it must be meant for */
  authenticateToken(token: string, audiences: readonly string[]): TokenVerdict | Promise<TokenVerdict> {
    const known = this.#verified.get(token)
    return known ? this.#judge(known, token, audiences) : this.#authenticateNew(token, audiences)
  }

  /** `/openid/v1/jwks` */
  async keySet(): Promise<{ keys: JWK[] }> {
    return { keys: [{ use: 'sig', kid: this.#keyId, alg: ALGORITHM, ...(await exportJWK(this.#public)) }] }
  }

  #signed(claims: JWTPayload): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, kid: this.#keyId }).sign(this.#private)
  }

  async #authenticateNew(token: string, audiences: readonly string[]): Promise<TokenVerdict> {
    const issuer = issuerOf(token)
    if (issuer !== ISSUER && issuer !== LEGACY_ISSUER) return {}
    try {
      // Times are checked against the cluster's own clock, below.
      await compactVerify(token, this.#public, { algorithms: [ALGORITHM] })
      const verified = { payload: decodeJwt(token) }
      if (this.#verified.size >= MAX_REMEMBERED) this.#verified.clear()
      this.#verified.set(token, verified)
      return this.#judge(verified, token, audiences)
    } catch {
      return { error: 'go-jose/go-jose: error in cryptographic primitive' }
    }
  }

  #judge(verified: Verified, token: string, audiences: readonly string[]): TokenVerdict {
    const { payload } = verified
    const isLegacy = payload.iss === LEGACY_ISSUER
    const nowSeconds = this.#clock.now() / 1000
    if (payload.exp !== undefined && payload.exp < nowSeconds) return { error: 'service account token has expired' }
    if (payload.nbf !== undefined && payload.nbf > nowSeconds + LEEWAY_SECONDS) return { error: 'service account token is not valid yet' }
    const given = isLegacy ? [ISSUER] : [payload.aud ?? []].flat()
    const shared = audiences.filter((audience) => given.includes(audience))
    if (shared.length === 0) return { error: `token audiences ${formatList(given)} is invalid for the target audiences ${formatList(audiences)}` }
    if (isLegacy) {
      const verdict = legacyVerdict(token, payload, { system: this.#system(), nowMs: this.#clock.now() })
      return 'user' in verdict ? { ...verdict, audiences: shared } : verdict
    }
    const user = this.#userOf(verified)
    return typeof user === 'string' ? { error: user } : { user, audiences: shared, ...staleNote(payload, nowSeconds) }
  }

  /** The user of a token, or why what it is bound to is not there. */
  #userOf(verified: Verified): UserInfo | string {
    const bound = (verified.payload[PRIVATE_CLAIM] ?? {}) as BoundClaims
    const { namespace = '', serviceaccount } = bound
    const system = this.#system()
    // Of a pod's token the node is told, and not asked about.
    const refs = REFS.map(([name, kind]) => ({ name, kind, ref: bound[name] })).filter(({ name, ref }) => ref && (name !== 'node' || !bound.pod))
    const nowMs = this.#clock.now()
    const account = system.get('v1/ServiceAccount', namespace, serviceaccount?.name ?? '')
    const found = [account, ...refs.map(({ name, kind, ref }) => system.get(kind, name === 'node' ? '' : namespace, ref?.name ?? ''))]
    if (verified.user && found.every((object, i) => object === verified.found?.[i] && !object?.metadata.deletionTimestamp)) return verified.user
    const problem = whyInvalid(serviceaccount, account, nowMs) ?? refs.map(({ name, ref }, i) => whyUnbound(name, { ref, object: found[i + 1], nowMs })).find((why) => why !== undefined)
    if (problem !== undefined) return problem
    const user = userInfo(verified.payload, bound, account?.metadata.uid)
    verified.found = found
    verified.user = user
    return user
  }
}

/** A token that lives on beyond its time, since its pod may not have read the new one. */
function staleNote({ sub = '', [PRIVATE_CLAIM]: bound }: JWTPayload, nowSeconds: number): TokenNotes {
  const { warnafter } = (bound ?? {}) as BoundClaims
  if (!warnafter || nowSeconds <= warnafter) return {}
  return { annotations: { 'authentication.k8s.io/stale-token': `subject: ${sub}, seconds after warning threshold: ${Math.floor(nowSeconds) - warnafter}` } }
}

const REFS = Object.entries(REF_KINDS) as [keyof typeof REF_KINDS, string][]

function issuerOf(token: string): string | undefined {
  try {
    return token.split('.').length === 3 ? decodeJwt(token).iss : undefined
  } catch {
    return undefined
  }
}

function whyInvalid(claim: Ref | undefined, account: KubeObject | undefined, nowMs: number): string | undefined {
  if (!account) return `serviceaccounts ${JSON.stringify(claim?.name)} not found`
  const { namespace, name, uid } = account.metadata
  if (uid !== claim?.uid) return `service account UID (${uid}) does not match claim (${claim?.uid})`
  return isGone(account, nowMs) ? `service account ${namespace}/${name} has been deleted` : undefined
}

/** @param name what kind of object the token is bound to */
function whyUnbound(name: keyof typeof REF_KINDS, { ref, object, nowMs }: { ref: Ref | undefined; object: KubeObject | undefined; nowMs: number }): string | undefined {
  if (!object) return INVALIDATED
  const { uid } = object.metadata
  if (uid !== ref?.uid) return `${name} UID (${uid}) does not match service account ${name} ref claim (${ref?.uid})`
  return isGone(object, nowMs) ? INVALIDATED : undefined
}

/** What is about to go counts as there for a moment. */
function isGone({ metadata: { deletionTimestamp } }: KubeObject, nowMs: number): boolean {
  return deletionTimestamp !== undefined && Date.parse(deletionTimestamp) < nowMs - LEEWAY_SECONDS * 1000
}

function userInfo(payload: JWTPayload, bound: BoundClaims, uid: string | undefined): UserInfo {
  const extra: Record<string, string[]> = { 'authentication.kubernetes.io/credential-id': [`JTI=${payload.jti}`] }
  for (const name of ['pod', 'node'] as const) {
    const ref = bound[name]
    if (!ref) continue
    extra[`authentication.kubernetes.io/${name}-name`] = [ref.name]
    if (ref.uid) extra[`authentication.kubernetes.io/${name}-uid`] = [ref.uid]
  }
  const { namespace = '' } = bound
  return { name: payload.sub ?? '', ...(uid ? { uid } : {}), groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`], extra }
}

/** `/.well-known/openid-configuration` */
export function openIDConfiguration(jwksUri: string): object {
  return { issuer: ISSUER, jwks_uri: jwksUri, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: [ALGORITHM] }
}
