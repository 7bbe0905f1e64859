/**
 * The `authorizer` of expressions, over the authorizer of the cluster. That one may take its time while expressions do
 * not: whoever evaluates waits for what is not known yet, and evaluates again. Models
 * k8s.io/apiserver/pkg/admission/plugin/authorizer/caching_authorizer.go and pkg/cel/library/authz.go.
 */
import type { AuthorizationAttributes as CheckAttributes, Authorize, AuthorizationDecision } from '../../apimachinery/cel/authorizer.ts'
import { parseSelector } from '../../apimachinery/labels.ts'
import { parseFieldSelector } from '../../apimachinery/fields.ts'
import { ParseError } from '../../apimachinery/parse-error.ts'
import type { AuthorizationAttributes, Authorizer, SelectorRequirement, Verdict } from '../../registry/authorization.ts'
import type { UserInfo } from '../../registry/kind.ts'

/** Thrown through an evaluation that needs an answer which is still on its way. */
export class Pending extends Error {
  readonly done: Promise<unknown>
  constructor(done: Promise<unknown>) {
    super('the authorizer has not answered yet')
    this.done = done
  }
}

/** Remembers every verdict for as long as one request lasts. */
export class CachingAuthorizer {
  readonly #authorizer: Authorizer | undefined
  readonly #user: UserInfo
  readonly #known = new Map<string, AuthorizationDecision>()

  constructor(authorizer: Authorizer | undefined, user: UserInfo) {
    this.#authorizer = authorizer
    this.#user = user
  }

  /** @throws Pending */
  readonly authorize: Authorize = (check) => {
    const key = JSON.stringify(check)
    const known = this.#known.get(key)
    if (known) return known
    const verdict = this.#authorizer?.authorize(attributesOf(check, this.#user)) ?? { decision: 'Allow', reason: '' }
    const keep = (v: Verdict): AuthorizationDecision => {
      const decision = { allowed: v.decision === 'Allow', reason: v.reason, ...(v.error === undefined ? {} : { error: v.error }) }
      this.#known.set(key, decision)
      return decision
    }
    if (verdict instanceof Promise) throw new Pending(verdict.then(keep, (error: unknown) => keep({ decision: 'NoOpinion', reason: '', error: error instanceof Error ? error.message : String(error) })))
    return keep(verdict)
  }
}

function attributesOf(check: CheckAttributes, requester: UserInfo): AuthorizationAttributes {
  const { verb, path, group = '', resource = '', subresource = '', namespace = '', name = '', serviceAccount } = check
  const user = serviceAccount ? serviceAccountUser(serviceAccount) : requester
  if (path !== undefined) return { user, verb, path }
  return {
    user,
    verb,
    apiGroup: group,
    apiVersion: '*',
    resource,
    subresource,
    namespace,
    name,
    ...selector('fieldSelector', check.fieldSelector, (text) => parseFieldSelector(text).requirements.map(({ field, operator, value }) => ({ key: field, operator, values: [value] }))),
    ...selector('labelSelector', check.labelSelector, (text) => parseSelector(text).requirements),
  }
}

function serviceAccountUser({ namespace, name }: { namespace: string; name: string }): UserInfo {
  return { name: `system:serviceaccount:${namespace}:${name}`, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`] }
}

/** A selector that cannot be read limits nothing. */
function selector(name: 'fieldSelector' | 'labelSelector', text: string | undefined, parse: (text: string) => readonly SelectorRequirement[]): Partial<Record<typeof name, readonly SelectorRequirement[]>> {
  if (text === undefined) return {}
  try {
    return { [name]: parse(text) }
  } catch (error) {
    if (error instanceof ParseError) return {}
    throw error
  }
}
