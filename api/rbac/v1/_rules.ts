/**
 * What rules allow, whom bindings concern, and which rules others cover: pure functions. Models
 * k8s.io/kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go, pkg/registry/rbac/validation and
 * k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go.
 */
import { aggregateTexts, quote } from '../../../src/errors.ts'
import { isResourceAttributes, type AuthorizationAttributes } from '../../../src/registry/authorization.ts'
import type { KubeObject, UserInfo } from '../../../src/registry/kind.ts'
import type { PolicyRule, RoleRef, Subject } from '../../../schemas/types.ts'

export interface Binding extends KubeObject {
  roleRef?: RoleRef
  subjects?: Subject[]
}

const hasOrAny = (list: readonly string[] | undefined, value: string): boolean => list !== undefined && (list.includes('*') || list.includes(value))

export function ruleAllows(attributes: AuthorizationAttributes, rule: PolicyRule): boolean {
  if (!hasOrAny(rule.verbs, attributes.verb)) return false
  if (!isResourceAttributes(attributes)) return (rule.nonResourceURLs ?? []).some((url) => coversURL(url, attributes.path))
  const { resource, subresource, name } = attributes
  return hasOrAny(rule.apiGroups, attributes.apiGroup) && allowsResource(rule, resource, subresource) && (!rule.resourceNames?.length || rule.resourceNames.includes(name))
}

function allowsResource({ resources }: PolicyRule, resource: string, subresource: string): boolean {
  if (!subresource) return hasOrAny(resources, resource)
  return hasOrAny(resources, `${resource}/${subresource}`) || (resources?.includes(`*/${subresource}`) ?? false)
}

function coversURL(owner: string, url: string): boolean {
  return owner === url || (owner.endsWith('*') && url.startsWith(owner.replace(/\*+$/, '')))
}

export const serviceAccountUser = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`

/** The first subject of a binding that is the user. @param namespace the binding's; '' for cluster-wide ones */
export function subjectOf(user: UserInfo, subjects: readonly Subject[] | undefined, namespace: string): Subject | undefined {
  return subjects?.find(({ kind, name = '', namespace: own }) => {
    if (kind === 'User') return user.name === name
    if (kind === 'Group') return user.groups.includes(name)
    const home = own || namespace
    return kind === 'ServiceAccount' && home !== '' && user.name === serviceAccountUser(home, name)
  })
}

/** `RoleBinding "b/ns" of Role "r" to User "u"`: in the words of upstream's verdicts. */
export function describeBinding(binding: Binding, subject: Subject): string {
  const { name = '', namespace } = binding.metadata
  const isLocal = namespace !== undefined && namespace !== ''
  const { kind: roleKind = '', name: roleName = '' } = binding.roleRef ?? {}
  const who = subject.kind === 'ServiceAccount' ? `${subject.name ?? ''}/${subject.namespace || (namespace ?? '')}` : (subject.name ?? '')
  const what = isLocal ? `RoleBinding ${quote(`${name}/${namespace}`)}` : `ClusterRoleBinding ${quote(name)}`
  return `${what} of ${roleKind} ${quote(roleName)} to ${subject.kind ?? ''} ${quote(who)}`
}

/** The smallest rules of `wanted` that none of `held` covers; none when all are covered. */
export function uncoveredRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(breakDown).filter((rule) => !held.some((owner) => covers(owner, rule)))
}

/** One verb, one resource and at most one name each. */
function breakDown(rule: PolicyRule): PolicyRule[] {
  const verbs = rule.verbs ?? []
  const names: (string | undefined)[] = rule.resourceNames?.length ? rule.resourceNames : [undefined]
  const resources = (rule.apiGroups ?? []).flatMap((group) =>
    (rule.resources ?? []).flatMap((resource) =>
      verbs.flatMap((verb) =>
        names.map((name): PolicyRule => ({ apiGroups: [group], resources: [resource], verbs: [verb], ...(name === undefined ? {} : { resourceNames: [name] }) })),
      ),
    ),
  )
  return [...resources, ...(rule.nonResourceURLs ?? []).flatMap((url) => verbs.map((verb): PolicyRule => ({ nonResourceURLs: [url], verbs: [verb] })))]
}

/** @param rule of one verb, one resource and at most one name */
function covers(owner: PolicyRule, rule: PolicyRule): boolean {
  const every = (list: readonly string[] | undefined, held: readonly string[] | undefined): boolean => (list ?? []).every((v) => hasOrAny(held, v))
  const coversSubresource = (resource: string): boolean => resource.includes('/') && (owner.resources?.includes(`*/${resource.slice(resource.indexOf('/') + 1)}`) ?? false)
  const coversResource = (resource: string): boolean => hasOrAny(owner.resources, resource) || coversSubresource(resource)
  return (
    every(rule.verbs, owner.verbs) &&
    every(rule.apiGroups, owner.apiGroups) &&
    (rule.resources ?? []).every(coversResource) &&
    (rule.nonResourceURLs ?? []).every((url) => (owner.nonResourceURLs ?? []).some((o) => coversURL(o, url))) &&
    (!owner.resourceNames?.length || (Boolean(rule.resourceNames?.length) && (rule.resourceNames ?? []).every((n) => owner.resourceNames?.includes(n))))
  )
}

/** Joins rules that differ in their verb only. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const simple = new Map<string, PolicyRule>()
  const others: PolicyRule[] = []
  for (const rule of rules) {
    const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule
    if (apiGroups.length !== 1 || resources.length !== 1 || resourceNames.length > 1 || nonResourceURLs.length > 0) {
      others.push(rule)
      continue
    }
    const key = JSON.stringify([apiGroups, resources, resourceNames])
    const known = simple.get(key)
    if (known) known.verbs = [...(known.verbs ?? []), ...(rule.verbs ?? [])]
    else simple.set(key, { ...rule })
  }
  return [...others, ...simple.values()]
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function formatRule(rule: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['ResourceNames', rule.resourceNames],
    ['Verbs', rule.verbs],
  ]
  return `{${parts.flatMap(([name, list]) => (list?.length ? [`${name}:${formatList(list)}`] : [])).join(', ')}}`
}

/** A list of strings as Go prints it with `%q`. */
export const formatList = (list: readonly string[]): string => `[${list.map(quote).join(' ')}]`

/** Why the user may not grant the rules, or undefined. @param errors what went wrong in finding the user's own */
export function whyEscalation(
  user: UserInfo,
  { held, wanted, errors = [] }: { held: readonly PolicyRule[]; wanted: readonly PolicyRule[]; errors?: readonly string[] },
): string | undefined {
  const missing = uncoveredRules(held, wanted)
  if (missing.length === 0) return undefined
  const lines = [...new Set(compactRules(missing).map(formatRule))].sort()
  const text = `user ${quote(user.name)} (groups=${formatList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`
  return errors.length ? `${text}; resolution errors: [${aggregateTexts(errors)}]` : text
}
