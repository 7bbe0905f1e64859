/** v1 ResourceQuota. Models k8s.io/kubernetes/pkg/registry/core/resourcequota and ValidateResourceQuota of pkg/apis/core/validation. */
import { compareQuantities } from '../../../src/apimachinery/quantity.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { ResourceQuota, ResourceQuotaSpec } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { isStandardQuotaResource, roundUpResources, sortedEntries, validateQuotaResourceName, validateResourceQuantity } from './_resource-names.ts'

const POD_COMPUTE = ['cpu', 'memory', 'limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
const POD_RESOURCES = new Set(['pods', ...POD_COMPUTE])
const ONLY_PODS = new Set(['pods'])
const CLAIM_RESOURCES = new Set(['persistentvolumeclaims', 'requests.storage'])
/** The resources that each scope can be applied to. */
const SCOPES: Readonly<Record<string, ReadonlySet<string>>> = {
  Terminating: POD_RESOURCES,
  NotTerminating: POD_RESOURCES,
  BestEffort: ONLY_PODS,
  NotBestEffort: POD_RESOURCES,
  PriorityClass: POD_RESOURCES,
  CrossNamespacePodAffinity: POD_RESOURCES,
  VolumeAttributesClass: CLAIM_RESOURCES,
}
const CONFLICTING_SCOPES = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const
const ONLY_EXISTS = ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating', 'CrossNamespacePodAffinity']
const IMMUTABLE_MESSAGE = 'field is immutable'

/** Without its own rules a scope may be applied to anything. */
const isValidFor = (scope: string, resource: string): boolean => SCOPES[scope]?.has(resource) ?? true

function validateResources(list: Record<string, string> | undefined, path: string): FieldError[] {
  return sortedEntries(list).flatMap(([name, quantity]) => [
    ...validateQuotaResourceName(name, `${path}[${name}]`),
    ...validateResourceQuantity(name, quantity, `${path}[${name}]`),
  ])
}

function misapplied(spec: ResourceQuotaSpec, scope: string): number {
  return Object.keys(spec.hard ?? {}).filter((name) => isStandardQuotaResource(name) && !isValidFor(scope, name)).length
}

function conflicts(scopes: readonly string[], spec: ResourceQuotaSpec, path: string): FieldError[] {
  return CONFLICTING_SCOPES.filter((pair) => pair.every((s) => scopes.includes(s))).map(() => field.invalid(path, spec.scopes, 'conflicting scopes'))
}

function validateScopes(spec: ResourceQuotaSpec): FieldError[] {
  const path = 'spec.scopes'
  const scopes = spec.scopes ?? []
  const errors: FieldError[] = []
  for (const scope of scopes) {
    if (!Object.hasOwn(SCOPES, scope)) errors.push(field.invalid(path, scopes, 'unsupported scope'))
    for (let i = misapplied(spec, scope); i > 0; i--) errors.push(field.invalid(path, scopes, 'unsupported scope applied to resource'))
  }
  return [...errors, ...conflicts(scopes, spec, path)]
}

/** The selector as upstream's internal type prints. */
function printedSelector(spec: ResourceQuotaSpec): unknown {
  const expressions = spec.scopeSelector?.matchExpressions
  return { MatchExpressions: expressions?.map((e) => ({ ScopeName: e.scopeName ?? '', Operator: e.operator ?? '', Values: e.values ?? null })) ?? null }
}

function validateScopeSelector(spec: ResourceQuotaSpec): FieldError[] {
  if (!spec.scopeSelector) return []
  const path = 'spec.scopeSelector.matchExpressions'
  const errors: FieldError[] = []
  const expressions = spec.scopeSelector.matchExpressions ?? []
  for (const { scopeName = '', operator = '', values = [] } of expressions) {
    if (!Object.hasOwn(SCOPES, scopeName)) errors.push(field.invalid(`${path}.scopeName`, scopeName, 'unsupported scope'))
    for (let i = misapplied(spec, scopeName); i > 0; i--) errors.push(field.invalid(path, printedSelector(spec), 'unsupported scope applied to resource'))
    if (ONLY_EXISTS.includes(scopeName) && operator !== 'Exists') {
      const which = 'ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity'
      errors.push(field.invalid(`${path}.operator`, operator, `must be 'Exists' when scope is any of ${which}`))
    }
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) errors.push(field.required(`${path}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"))
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) errors.push(field.invalid(`${path}.values`, values, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"))
    } else {
      errors.push(field.invalid(`${path}.operator`, operator, 'not a valid selector operator'))
    }
  }
  return [...errors, ...conflicts(expressions.map((e) => e.scopeName ?? ''), spec, path)]
}

function validateSpec({ spec }: ResourceQuota): FieldError[] {
  return [...validateResources(spec.hard, 'spec.hard'), ...validateScopes(spec), ...validateScopeSelector(spec)]
}

function validateStatus({ status }: ResourceQuota): FieldError[] {
  return [...validateResources(status?.hard, 'status.hard'), ...validateResources(status?.used, 'status.used')]
}

const sameSet = (a: readonly string[] = [], b: readonly string[] = []): boolean => {
  const left = new Set(a)
  const right = new Set(b)
  return left.size === right.size && [...left].every((x) => right.has(x))
}

/** A request above its limit cannot be used up. */
function warnings({ spec }: ResourceQuota): string[] {
  const hard = spec.hard ?? {}
  return ['cpu', 'memory', 'storage', 'ephemeral-storage'].flatMap((resource) => {
    const bare = resource === 'cpu' || resource === 'memory'
    const requestName = !hard[`requests.${resource}`] && bare && hard[resource] ? resource : `requests.${resource}`
    const [request, limit] = [hard[requestName], hard[`limits.${resource}`]]
    if (!request || !limit || compareQuantities(request, limit) <= 0) return []
    return [`ResourceQuota ${requestName} (${request}) should be less than limits.${resource} (${limit})`]
  })
}

/** "cpu: 1/2, pods: 0/10", of the limits or of all else. */
function usage({ status }: ResourceQuota, limits: boolean): string {
  return sortedEntries(status?.hard)
    .filter(([name]) => name.startsWith('limits.') === limits)
    .map(([name, hard]) => `${name}: ${status?.used?.[name] ?? '0'}/${hard}`)
    .join(', ')
}

export default defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  shortNames: ['quota'],
  namespaced: true,
  returnsDeletedObject: true,
  subresources: { status: { validateUpdate: validateStatus } },
  columns: [nameColumn, { name: 'Request', value: (quota) => usage(quota, false) }, { name: 'Limit', value: (quota) => usage(quota, true) }, ageColumn],
  default(quota) {
    roundUpResources(quota.spec?.hard)
    roundUpResources(quota.status?.hard)
    roundUpResources(quota.status?.used)
  },
  validate: validateSpec,
  validateUpdate(quota, old) {
    const errors = validateSpec(quota)
    if (!sameSet(quota.spec.scopes, old.spec.scopes)) errors.push(field.invalid('spec.scopes', quota.spec.scopes ?? null, IMMUTABLE_MESSAGE))
    return errors
  },
  warnings: (quota, old) => (old ? [] : warnings(quota)),
})
