/**
 * What the registry needs to know of authorization and authentication: the questions and the verdicts. Who answers them is
 * in src/auth. Models k8s.io/apiserver/pkg/authorization/authorizer/interfaces.go and pkg/authentication/authenticator.
 */
import type { UserInfo } from './kind.ts'

/** A requirement of a field or label selector that a request is limited to. */
export interface SelectorRequirement {
  key: string
  operator: string
  values: readonly string[]
}

interface SelectorRestrictions {
  fieldSelector?: readonly SelectorRequirement[]
  labelSelector?: readonly SelectorRequirement[]
}

export interface ResourceAttributes extends SelectorRestrictions {
  user: UserInfo
  verb: string
  /** '' for all namespaces or cluster scope. */
  namespace: string
  apiGroup: string
  apiVersion: string
  resource: string
  subresource: string
  /** '' for all. */
  name: string
}

export interface NonResourceAttributes {
  user: UserInfo
  verb: string
  path: string
}

export type AuthorizationAttributes = ResourceAttributes | NonResourceAttributes

export interface Verdict {
  decision: 'Allow' | 'Deny' | 'NoOpinion'
  reason: string
  /** What kept the authorizer from being sure. */
  error?: string
}

export interface ResourceRule {
  verbs: readonly string[]
  apiGroups?: readonly string[]
  resources?: readonly string[]
  resourceNames?: readonly string[]
}

export interface NonResourceRule {
  verbs: readonly string[]
  nonResourceURLs?: readonly string[]
}

/** What a user may do in a namespace, as far as an authorizer can list it. */
export interface RuleList {
  resourceRules: ResourceRule[]
  nonResourceRules: NonResourceRule[]
  incomplete: boolean
  error?: string
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Verdict | Promise<Verdict>
  rulesFor(user: UserInfo, namespace: string): RuleList | Promise<RuleList>
}

/** What is worth noting of a token that was seen, whether it counted or not. */
export interface TokenNotes {
  /** For the audit log. */
  annotations?: Readonly<Record<string, string>>
  /** For whoever used it. */
  warning?: string
}

export type TokenVerdict = TokenNotes & ({ user: UserInfo; audiences?: readonly string[] } | { error?: string })

export interface TokenAuthenticator {
  /** @param audiences what the token must be meant for; the server's own audiences when empty */
  authenticateToken(token: string, audiences: readonly string[]): TokenVerdict | Promise<TokenVerdict>
  /** The server's own audiences. */
  audiences: readonly string[]
}

export function isResourceAttributes(attributes: AuthorizationAttributes): attributes is ResourceAttributes {
  return 'resource' in attributes
}

/** The group whose members may do anything. */
export const PRIVILEGED_GROUP = 'system:masters'

export const isSuperuser = (user: UserInfo): boolean => user.groups.includes(PRIVILEGED_GROUP)

/** A user as Go prints user.DefaultInfo with `%v`. */
export function formatUser(user: UserInfo): string {
  const extra = Object.entries(user.extra ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, values]) => `${key}:[${values.join(' ')}]`)
  return `&{${user.name} ${user.uid ?? ''} [${user.groups.join(' ')}] map[${extra.join(' ')}]}`
}
