/**
 * Others who are asked whose a token is (TokenReview) and whether a request is allowed (SubjectAccessReview). Models
 * k8s.io/apiserver/plugin/pkg/authenticator/token/webhook and pkg/authorizer/webhook.
 */
import { createHash } from 'node:crypto'
import type { SubjectAccessReviewStatus, TokenReviewStatus } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import { isResourceAttributes, type AuthorizationAttributes, type Authorizer, type RuleList, type TokenVerdict, type Verdict } from '../registry/authorization.ts'
import { askJSON, type RemoteOptions } from './remote.ts'
import type { TokenSource } from './tokens.ts'
import { VerdictStore } from './verdict-store.ts'

export interface WebhookOptions {
  remote: RemoteOptions
  clock: Clock
  /** How long a yes is believed. */
  ttlMs?: number
  /** How long a no is. */
  unauthorizedTtlMs?: number
}

const TOKEN_TTL_MS = 2 * 60_000
const AUTHORIZED_TTL_MS = 5 * 60_000
const UNAUTHORIZED_TTL_MS = 30_000

/** The users of tokens that the webhook knows. */
export function webhookTokens({ remote, clock, ttlMs = TOKEN_TTL_MS }: WebhookOptions): TokenSource {
  const known = new VerdictStore<TokenVerdict>(clock)
  return async (token, audiences) => {
    const key = createHash('sha256').update(JSON.stringify([token, audiences])).digest('base64')
    const remembered = known.get(key)
    if (remembered) return remembered
    try {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', metadata: {}, spec: { token, audiences: [...audiences] } }
      const { status = {} } = (await askJSON(remote, review)) as { status?: TokenReviewStatus }
      const verdict = verdictOf(status, audiences)
      known.set(key, verdict, ttlMs)
      return verdict
    } catch (error) {
      return { error: `Post ${JSON.stringify(remote.url)}: ${error instanceof Error ? error.message : String(error)}` }
    }
  }
}

function verdictOf({ authenticated, user, audiences, error }: TokenReviewStatus, wanted: readonly string[]): TokenVerdict {
  if (!authenticated) return error ? { error } : {}
  const shared = audiences?.length ? audiences.filter((audience) => wanted.includes(audience)) : wanted
  if (shared.length === 0) return {}
  const { username = '', uid, groups = [], extra } = user ?? {}
  return { user: { name: username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }, audiences: shared }
}

const SUPPORTS_NO_RULES: RuleList = { resourceRules: [], nonResourceRules: [], incomplete: true, error: 'webhook authorizer does not support user rule resolution' }

export class WebhookAuthorizer implements Authorizer {
  readonly #options: WebhookOptions
  readonly #known: VerdictStore<Verdict>

  constructor(options: WebhookOptions) {
    this.#options = options
    this.#known = new VerdictStore(options.clock)
  }

  async authorize(attributes: AuthorizationAttributes): Promise<Verdict> {
    const { remote, ttlMs = AUTHORIZED_TTL_MS, unauthorizedTtlMs = UNAUTHORIZED_TTL_MS } = this.#options
    const spec = specOf(attributes)
    const key = JSON.stringify(spec)
    const remembered = this.#known.get(key)
    if (remembered) return remembered
    try {
      const { status } = (await askJSON(remote, { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', metadata: {}, spec })) as { status?: SubjectAccessReviewStatus }
      const verdict = judge(status ?? { allowed: false })
      this.#known.set(key, verdict, verdict.decision === 'Allow' ? ttlMs : unauthorizedTtlMs)
      return verdict
    } catch (error) {
      // Who cannot be asked has no opinion; others may.
      return { decision: 'NoOpinion', reason: '', error: `Post ${JSON.stringify(remote.url)}: ${error instanceof Error ? error.message : String(error)}` }
    }
  }

  rulesFor(): RuleList {
    return SUPPORTS_NO_RULES
  }
}

function judge({ allowed, denied, reason = '' }: SubjectAccessReviewStatus): Verdict {
  if (denied && allowed) return { decision: 'Deny', reason, error: 'webhook subject access review returned both allow and deny response' }
  return { decision: denied ? 'Deny' : allowed ? 'Allow' : 'NoOpinion', reason }
}

function specOf(attributes: AuthorizationAttributes): object {
  const { user, verb } = attributes
  const who = { user: user.name, ...(user.uid ? { uid: user.uid } : {}), groups: [...user.groups], ...(user.extra ? { extra: user.extra } : {}) }
  if (!isResourceAttributes(attributes)) return { ...who, nonResourceAttributes: { path: attributes.path, verb } }
  const { namespace, apiGroup, apiVersion, resource, subresource, name } = attributes
  const given = Object.fromEntries(Object.entries({ namespace, verb, group: apiGroup, version: apiVersion, resource, subresource, name }).filter(([, value]) => value !== ''))
  return { ...who, resourceAttributes: given }
}
