/** Which requests are audited, and how much of them. Models k8s.io/apiserver/pkg/audit/policy and pkg/apis/audit/validation. */
import { parseYAML } from '../../apimachinery/parse.ts'
import { field, type FieldError } from '../../errors.ts'
import { isResourceAttributes, type AuthorizationAttributes, type ResourceAttributes } from '../../registry/authorization.ts'

export const LEVELS = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type Level = (typeof LEVELS)[number]
export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type Stage = (typeof STAGES)[number]

interface GroupResources {
  group?: string
  resources?: string[]
  resourceNames?: string[]
}

interface PolicyRule {
  level: Level
  users?: string[]
  userGroups?: string[]
  verbs?: string[]
  resources?: GroupResources[]
  namespaces?: string[]
  nonResourceURLs?: string[]
  omitStages?: Stage[]
  omitManagedFields?: boolean
}

export interface AuditPolicy {
  rules: PolicyRule[]
  omitStages?: Stage[]
  omitManagedFields?: boolean
}

/** What is written of a request. */
export interface AuditConfig {
  level: Level
  omitStages: readonly Stage[]
  omitManagedFields: boolean
}

const API_VERSION = 'audit.k8s.io/v1'
const POLICY_MEMBERS = ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields']
const RULE_MEMBERS = ['level', 'users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs', 'omitStages', 'omitManagedFields']

/** @throws Error that names what is wrong */
export function parseAuditPolicy(text: string): AuditPolicy {
  const value = parseYAML(Buffer.from(text)).value as Record<string, unknown> | null
  if (value?.apiVersion !== API_VERSION || value.kind !== 'Policy') throw new Error(`an audit policy has apiVersion ${API_VERSION} and kind Policy, not ${String(value?.apiVersion)} and ${String(value?.kind)}`)
  const policy = { ...value, rules: value.rules ?? [] } as unknown as AuditPolicy
  if (!Array.isArray(policy.rules) || policy.rules.length === 0) throw new Error('loaded illegal policy with 0 rules')
  const unknown = [...unknownMembers(value, POLICY_MEMBERS, ''), ...policy.rules.flatMap((rule, i) => unknownMembers(rule, RULE_MEMBERS, `rules[${i}].`))]
  if (unknown.length > 0) throw new Error(`strict decoding error: unknown field ${JSON.stringify(unknown[0])}`)
  const errors = [...stageErrors(policy.omitStages, 'omitStages'), ...policy.rules.flatMap((rule, i) => ruleErrors(rule, `rules[${i}]`))]
  if (errors.length > 0) throw new Error(errors.map(({ field: path, body }) => `${path}: ${body}`).join(', '))
  return policy
}

function unknownMembers(object: object, known: readonly string[], prefix: string): string[] {
  return Object.keys(object).flatMap((key) => (known.includes(key) ? [] : [prefix + key]))
}

function ruleErrors(rule: PolicyRule, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!rule.level) errors.push(field.required(`${path}.level`))
  else if (!LEVELS.includes(rule.level)) errors.push(field.notSupported(`${path}.level`, rule.level, [...LEVELS].sort()))
  rule.nonResourceURLs?.forEach((url, i) => errors.push(...urlErrors(url, `${path}.nonResourceURLs[${i}]`)))
  rule.resources?.forEach(({ resources, resourceNames }) => {
    if (resourceNames?.length && !resources?.length) errors.push(field.invalid(`${path}.resources.resourceNames`, resourceNames, 'using resourceNames requires at least one resource'))
  })
  errors.push(...stageErrors(rule.omitStages, `${path}.omitStages`))
  if (rule.nonResourceURLs?.length && (rule.resources?.length || rule.namespaces?.length)) {
    errors.push(field.invalid(`${path}.nonResourceURLs`, rule.nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'))
  }
  return errors
}

function urlErrors(url: string, path: string): FieldError[] {
  if (url === '*') return []
  if (!url.startsWith('/')) return [field.invalid(path, url, "non-resource URL rules must begin with a '/' character")]
  return /\*./.test(url) ? [field.invalid(path, url, "non-resource URL wildcards '*' must be the final character of the rule")] : []
}

function stageErrors(stages: readonly Stage[] = [], path: string): FieldError[] {
  return stages.flatMap((stage, i) => (STAGES.includes(stage) ? [] : [field.invalid(`${path}[${i}]`, stage, `allowed stages are ${STAGES.join(',')}`)]))
}

/** By the first rule that matches; nothing is written where none does. */
export function auditConfigOf(policy: AuditPolicy, attributes: AuthorizationAttributes): AuditConfig {
  const rule = policy.rules.find((candidate) => matches(candidate, attributes))
  return {
    level: rule?.level ?? 'None',
    omitStages: [...(policy.omitStages ?? []), ...(rule?.omitStages ?? [])],
    omitManagedFields: rule?.omitManagedFields ?? policy.omitManagedFields ?? false,
  }
}

function matches({ users, userGroups, verbs, namespaces, resources, nonResourceURLs }: PolicyRule, attributes: AuthorizationAttributes): boolean {
  const { user, verb } = attributes
  if (users?.length && !users.includes(user.name)) return false
  if (userGroups?.length && !user.groups.some((group) => userGroups.includes(group))) return false
  if (verbs?.length && !verbs.includes(verb)) return false
  if (namespaces?.length || resources?.length) return isResourceAttributes(attributes) && matchesResource({ namespaces, resources }, attributes)
  if (nonResourceURLs?.length) return !isResourceAttributes(attributes) && nonResourceURLs.some((url) => matchesPath(url, attributes.path))
  return true
}

function matchesResource({ namespaces, resources }: { namespaces: string[] | undefined; resources: GroupResources[] | undefined }, attributes: ResourceAttributes): boolean {
  if (namespaces?.length && !namespaces.includes(attributes.namespace)) return false
  if (!resources?.length) return true
  return resources.some(({ group = '', resources: list = [], resourceNames }) => {
    if (group !== attributes.apiGroup && group !== '*') return false
    if (list.length === 0) return true
    return (!resourceNames?.length || resourceNames.includes(attributes.name)) && list.some((pattern) => covers(pattern, attributes))
  })
}

function covers(pattern: string, { resource, subresource }: ResourceAttributes): boolean {
  if (pattern === '*' || pattern === (subresource ? `${resource}/${subresource}` : resource)) return true
  if (subresource && pattern === `*/${subresource}`) return true
  return pattern === `${resource}/*`
}

const matchesPath = (url: string, path: string): boolean => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, '')))
