/**
 * Others who are asked whose a token is (TokenReview) and whether a request is allowed (SubjectAccessReview). Models
 * k8s.io/apiserver/plugin/pkg/authenticator/token/webhook and pkg/authorizer/webhook.
 */
import { createHash } from 'node:crypto'
import type { SubjectAccessReviewSpec, SubjectAccessReviewStatus, TokenReviewStatus } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import { isResourceAttributes, type AuthorizationAttributes, type Authorizer, type ResourceAttributes, type RuleList, type SelectorRequirement, type TokenVerdict, type Verdict } from '../registry/authorization.ts'
import type { MatchConditions } from './match-conditions.ts'
import { askPatiently, type RemoteOptions } from './remote.ts'
import type { TokenSource } from './tokens.ts'
import { VerdictStore } from './verdict-store.ts'

export interface WebhookOptions {
  remote: RemoteOptions
  clock: Clock
  /** How long a yes is believed. */
  ttlMs?: number
  /** How long a no is. */
  unauthorizedTtlMs?: number
  /** The version of the review that it takes; v1 unless told. */
  reviewVersion?: string
}

/** How one of possibly several authorization webhooks is asked. */
export interface AuthorizationWebhook extends Omit<WebhookOptions, 'clock'> {
  /** What holds while it cannot be asked; no opinion unless told. */
  onError?: 'NoOpinion' | 'Deny'
  /** It is asked about requests that meet all of these. */
  conditions?: MatchConditions
}

/** What clients write down at length is not remembered. */
const MAX_KEY = 10_000

const TOKEN_TTL_MS = 2 * 60_000
const AUTHORIZED_TTL_MS = 5 * 60_000
const UNAUTHORIZED_TTL_MS = 30_000

/** The users of tokens that the webhook knows. */
export function webhookTokens({ remote, clock, ttlMs = TOKEN_TTL_MS, reviewVersion = 'v1' }: WebhookOptions): TokenSource {
  const known = new VerdictStore<TokenVerdict>(clock)
  return async (token, audiences) => {
    const key = createHash('sha256').update(JSON.stringify([token, audiences])).digest('base64')
    const remembered = known.get(key)
    if (remembered) return remembered
    try {
      const review = { apiVersion: `authentication.k8s.io/${reviewVersion}`, kind: 'TokenReview', metadata: {}, spec: { token, audiences: [...audiences] } }
      const { status = {} } = (await askPatiently(remote, review, { clock })) as { status?: TokenReviewStatus }
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
  readonly #options: AuthorizationWebhook
  readonly #clock: Clock
  readonly #known: VerdictStore<Verdict>

  constructor(options: AuthorizationWebhook, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#known = new VerdictStore(clock)
  }

  async authorize(attributes: AuthorizationAttributes): Promise<Verdict> {
    const { remote, ttlMs = AUTHORIZED_TTL_MS, unauthorizedTtlMs = UNAUTHORIZED_TTL_MS, onError = 'NoOpinion', reviewVersion = 'v1', conditions } = this.#options
    const spec = specOf(attributes)
    try {
      if (conditions && !conditions.matches(spec)) return { decision: 'NoOpinion', reason: '' }
    } catch (error) {
      return { decision: onError, reason: '', error: error instanceof Error ? error.message : String(error) }
    }
    const key = JSON.stringify(spec)
    const remembered = this.#known.get(key)
    if (remembered) return remembered
    try {
      const review = { apiVersion: `authorization.k8s.io/${reviewVersion}`, kind: 'SubjectAccessReview', metadata: {}, spec: reviewVersion === 'v1' ? spec : betaSpec(spec) }
      const { status } = (await askPatiently(remote, review, { clock: this.#clock })) as { status?: SubjectAccessReviewStatus }
      const verdict = judge(status ?? { allowed: false })
      if (key.length < MAX_KEY) this.#known.set(key, verdict, status?.allowed ? ttlMs : unauthorizedTtlMs)
      return verdict
    } catch (error) {
      return { decision: onError, reason: '', error: `Post ${JSON.stringify(remote.url)}: ${error instanceof Error ? error.message : String(error)}` }
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

function specOf(attributes: AuthorizationAttributes): SubjectAccessReviewSpec {
  const { user, verb } = attributes
  const extra = user.extra && Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]))
  const who = { user: user.name, ...(user.uid ? { uid: user.uid } : {}), groups: [...user.groups], ...(extra ? { extra } : {}) }
  if (!isResourceAttributes(attributes)) return { ...who, nonResourceAttributes: { path: attributes.path, verb } }
  const { namespace, apiGroup, apiVersion, resource, subresource, name } = attributes
  const given = Object.fromEntries(Object.entries({ namespace, verb, group: apiGroup, version: apiVersion, resource, subresource, name }).filter(([, value]) => value !== ''))
  return { ...who, resourceAttributes: { ...given, ...selectorsOf(attributes) } }
}

const OPERATORS: Readonly<Record<string, string>> = { '=': 'In', '==': 'In', in: 'In', '!=': 'NotIn', notin: 'NotIn', exists: 'Exists', '!': 'DoesNotExist' }

/** Selectors only narrow: what a webhook would not understand is left out. */
function selectorsOf({ fieldSelector = [], labelSelector = [] }: ResourceAttributes): object {
  const shown = (requirements: readonly SelectorRequirement[]) => requirements.flatMap(({ key, operator, values }) => (OPERATORS[operator] ? [{ key, operator: OPERATORS[operator], ...(values.length > 0 ? { values: [...values] } : {}) }] : []))
  const [fields, labels] = [shown(fieldSelector), shown(labelSelector)]
  return { ...(fields.length > 0 ? { fieldSelector: { requirements: fields } } : {}), ...(labels.length > 0 ? { labelSelector: { requirements: labels } } : {}) }
}

/** The first version called the groups otherwise. */
function betaSpec({ groups, ...rest }: SubjectAccessReviewSpec): object {
  return { ...rest, ...(groups?.length ? { group: groups } : {}) }
}
