/**
 * Several authorizers as one: the first with an opinion decides. Models
 * k8s.io/apiserver/pkg/authorization/union and authorizerfactory (privileged groups, always allow).
 */
import { aggregateTexts } from '../errors.ts'
import { isSuperuser, type Authorizer, type AuthorizationAttributes, type RuleList, type Verdict } from '../registry/authorization.ts'
import type { UserInfo } from '../registry/kind.ts'

const NO_OPINION: Verdict = { decision: 'NoOpinion', reason: '' }
const ALLOW: Verdict = { decision: 'Allow', reason: '' }
const NO_RULES: RuleList = { resourceRules: [], nonResourceRules: [], incomplete: false }

/** Members of system:masters may do anything; it says nothing of others, and lists no rules. */
export const privilegedGroup: Authorizer = {
  authorize: ({ user }) => (isSuperuser(user) ? ALLOW : NO_OPINION),
  rulesFor: () => NO_RULES,
}

/** Everybody may do anything. */
export const alwaysAllow: Authorizer = {
  authorize: () => ALLOW,
  rulesFor: () => ({
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  }),
}

/** Nobody may do anything. */
export const alwaysDeny: Authorizer = {
  authorize: () => ({ decision: 'NoOpinion', reason: 'Everything is forbidden.' }),
  rulesFor: () => NO_RULES,
}

export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    // stays synchronous as long as those asked are: this is on the way of every request
    authorize: (attributes) => ask(authorizers, 0, { attributes, reasons: [], errors: [] }),
    rulesFor: (user, namespace) => listRules(authorizers, user, namespace),
  }
}

interface Question {
  attributes: AuthorizationAttributes
  reasons: string[]
  errors: string[]
}

function ask(authorizers: readonly Authorizer[], from: number, question: Question): Verdict | Promise<Verdict> {
  for (let i = from; i < authorizers.length; i++) {
    const answer = authorizers[i]?.authorize(question.attributes) ?? NO_OPINION
    if (answer instanceof Promise) return answer.then((verdict) => decide(verdict, question) ?? ask(authorizers, i + 1, question))
    const decided = decide(answer, question)
    if (decided) return decided
  }
  const { reasons, errors } = question
  return { decision: 'NoOpinion', reason: reasons.join('\n'), ...(errors.length ? { error: aggregateTexts(errors) } : {}) }
}

function decide(verdict: Verdict, { reasons, errors }: Question): Verdict | undefined {
  if (verdict.error) errors.push(verdict.error)
  if (verdict.reason) reasons.push(verdict.reason)
  return verdict.decision === 'NoOpinion' ? undefined : verdict
}

async function listRules(authorizers: readonly Authorizer[], user: UserInfo, namespace: string): Promise<RuleList> {
  const lists = await Promise.all(authorizers.map(async (a) => a.rulesFor(user, namespace)))
  const errors = lists.flatMap((l) => l.error ?? [])
  return {
    resourceRules: lists.flatMap((l) => l.resourceRules),
    nonResourceRules: lists.flatMap((l) => l.nonResourceRules),
    incomplete: lists.some((l) => l.incomplete),
    ...(errors.length ? { error: aggregateTexts(errors) } : {}),
  }
}
