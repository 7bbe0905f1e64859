/** Rules of webhooks and admission policies. Models the rule parts of k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go. */
import { field, type FieldError } from '../../../src/errors.ts'
import { isPathSegmentName } from '../../../src/apimachinery/validation.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import type { MatchResources, NamedRuleWithOperations, RuleWithOperations } from '../../../schemas/types.ts'

// in the order of upstream's sorted sets
const SCOPES = ['*', 'Cluster', 'Namespaced']
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
/** A policy that mutates cannot act on deletes. */
const MUTATING_OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE']
export const FAILURE_POLICIES = ['Fail', 'Ignore']
export const MATCH_POLICIES = ['Equivalent', 'Exact']

const hasOthers = (list: readonly string[], wildcard: string): boolean => list.length > 1 && list.includes(wildcard)

function validateResources(resources: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = []
  if (resources.length === 0) errors.push(field.required(path))
  const withAnySubresource = new Set<string>()
  const subresourcesOfAny = new Set<string>()
  let hasPlainResource = false
  resources.forEach((resource, i) => {
    if (resource === '') return errors.push(field.required(`${path}[${i}]`))
    const slash = resource.indexOf('/')
    if (slash < 0) {
      // upstream looks at the last one only
      hasPlainResource = resource !== '*'
      return
    }
    const res = resource.slice(0, slash)
    const sub = resource.slice(slash + 1)
    if (withAnySubresource.has(res)) errors.push(field.invalid(`${path}[${i}]`, resource, `if '${res}/*' is present, must not specify ${resource}`))
    if (subresourcesOfAny.has(sub)) errors.push(field.invalid(`${path}[${i}]`, resource, `if '*/${sub}' is present, must not specify ${resource}`))
    if (sub === '*') withAnySubresource.add(res)
    if (res === '*') subresourcesOfAny.add(sub)
  })
  if (hasOthers(resources, '*/*')) errors.push(field.invalid(path, resources, "if '*/*' is present, must not specify other resources"))
  if (resources.includes('*') && hasPlainResource) errors.push(field.invalid(path, resources, "if '*' is present, must not specify other resources without subresources"))
  return errors
}

export function validateRuleWithOperations(rule: RuleWithOperations, path: string): FieldError[] {
  const errors: FieldError[] = []
  const operations = rule.operations ?? []
  const apiGroups = rule.apiGroups ?? []
  const apiVersions = rule.apiVersions ?? []
  if (operations.length === 0) errors.push(field.required(`${path}.operations`))
  if (hasOthers(operations, '*')) errors.push(field.invalid(`${path}.operations`, operations, "if '*' is present, must not specify other operations"))
  operations.forEach((operation, i) => {
    if (!OPERATIONS.includes(operation)) errors.push(field.notSupported(`${path}.operations[${i}]`, operation, OPERATIONS))
  })
  if (apiGroups.length === 0) errors.push(field.required(`${path}.apiGroups`))
  if (hasOthers(apiGroups, '*')) errors.push(field.invalid(`${path}.apiGroups`, apiGroups, "if '*' is present, must not specify other API groups"))
  if (apiVersions.length === 0) errors.push(field.required(`${path}.apiVersions`))
  if (hasOthers(apiVersions, '*')) errors.push(field.invalid(`${path}.apiVersions`, apiVersions, "if '*' is present, must not specify other API versions"))
  apiVersions.forEach((version, i) => {
    if (version === '') errors.push(field.required(`${path}.apiVersions[${i}]`))
  })
  errors.push(...validateResources(rule.resources ?? [], `${path}.resources`))
  if (rule.scope !== undefined && !SCOPES.includes(rule.scope)) errors.push(field.notSupported(`${path}.scope`, rule.scope, SCOPES))
  return errors
}

function validateNamedRule(rule: NamedRuleWithOperations, path: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  rule.resourceNames?.forEach((name, i) => {
    for (const message of isPathSegmentName(name)) errors.push(field.invalid(`${path}.resourceNames[${i}]`, name, message))
    if (seen.has(name)) errors.push(field.duplicate(`${path}.resourceNames[${i}]`, name))
    seen.add(name)
  })
  errors.push(...validateRuleWithOperations(rule, path))
  return errors
}

export function validateMatchResources(match: MatchResources | undefined, path: string): FieldError[] {
  if (!match) return []
  const errors: FieldError[] = []
  if (match.matchPolicy === undefined) errors.push(field.required(`${path}.matchPolicy`))
  else if (!MATCH_POLICIES.includes(match.matchPolicy)) errors.push(field.notSupported(`${path}.matchPolicy`, match.matchPolicy, MATCH_POLICIES))
  if (!match.namespaceSelector) errors.push(field.required(`${path}.namespaceSelector`))
  else errors.push(...validateLabelSelector(match.namespaceSelector, `${path}.namespaceSelector`, {}))
  if (!match.objectSelector) errors.push(field.required(`${path}.objectSelector`))
  else errors.push(...validateLabelSelector(match.objectSelector, `${path}.objectSelector`, {}))
  match.resourceRules?.forEach((rule, i) => errors.push(...validateNamedRule(rule, `${path}.resourceRules[${i}]`)))
  match.excludeResourceRules?.forEach((rule, i) => errors.push(...validateNamedRule(rule, `${path}.excludeResourceRules[${i}]`)))
  return errors
}

/** What a mutating policy or its binding may not match, on top of validateMatchResources. */
export function validateMutatingOperations(match: MatchResources, path: string): FieldError[] {
  return (match.resourceRules ?? [])
    .flatMap((rule) => rule.operations ?? [])
    .filter((operation) => !MUTATING_OPERATIONS.includes(operation))
    .map((operation) => field.notSupported(`${path}.resourceRules.operations`, operation, MUTATING_OPERATIONS))
}

export function defaultMatchResources(match: MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  defaultRules(match.resourceRules)
  defaultRules(match.excludeResourceRules)
}

export function defaultRules(rules: RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*'
}
