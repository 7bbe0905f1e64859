/**
 * What validating and mutating admission policies share. Models the policy parts of
 * k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go and pkg/registry/admissionregistration/*policy/authz.go.
 */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1035Label, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { formatUser, isSuperuser } from '../../../src/registry/authorization.ts'
import { isCELIdentifier, validateExpression, type ExpressionOptions } from './_cel.ts'
import { FAILURE_POLICIES, validateMatchResources } from './_rules.ts'
import { validateMatchConditions } from './_match-conditions.ts'
import type { KubeObject, WriteContext } from '../../../src/registry/kind.ts'
import type { MatchCondition, MatchResources, ParamKind, Variable } from '../../../schemas/types.ts'

export interface PolicySpec {
  failurePolicy?: string
  paramKind?: ParamKind
  matchConstraints?: MatchResources
  matchConditions?: MatchCondition[]
  variables?: Variable[]
}

export interface Policy extends KubeObject {
  spec: PolicySpec
}

/** What of the stored object the check of a new one may lean on. */
export interface PolicyOptions {
  ignoreMatchConditions: boolean
}

export const NEW_POLICY: PolicyOptions = { ignoreMatchConditions: false }

export const updateOptions = (policy: Policy, old: Policy): PolicyOptions => ({
  ignoreMatchConditions: equalJSON(policy.spec.paramKind, old.spec.paramKind) && equalJSON(policy.spec.matchConditions ?? [], old.spec.matchConditions ?? []),
})

/** failurePolicy, paramKind and matchConstraints: what comes first in both sorts of policies. */
export function validatePolicyTarget(spec: PolicySpec): FieldError[] {
  const errors: FieldError[] = []
  if (spec.failurePolicy === undefined) errors.push(field.required('spec.failurePolicy'))
  else if (!FAILURE_POLICIES.includes(spec.failurePolicy)) errors.push(field.notSupported('spec.failurePolicy', spec.failurePolicy, FAILURE_POLICIES))
  if (spec.paramKind) errors.push(...validateParamKind(spec.paramKind, 'spec.paramKind'))
  if (!spec.matchConstraints) return [...errors, field.required('spec.matchConstraints')]
  errors.push(...validateMatchResources(spec.matchConstraints, 'spec.matchConstraints'))
  if (!spec.matchConstraints.resourceRules?.length) errors.push(field.required('spec.matchConstraints.resourceRules'))
  return errors
}

/** matchConditions and variables: what follows. */
export function validatePolicyParts(spec: PolicySpec, options: PolicyOptions): FieldError[] {
  const errors: FieldError[] = []
  const hasParams = spec.paramKind !== undefined
  if (!options.ignoreMatchConditions) errors.push(...validateMatchConditions(spec.matchConditions, 'spec.matchConditions', { hasParams }))
  spec.variables?.forEach((variable, i) => {
    const path = `spec.variables[${i}]`
    if (!variable.name?.trim()) errors.push(field.required(`${path}.name`, 'name is not specified'))
    else if (!isCELIdentifier(variable.name)) errors.push(field.invalid(`${path}.name`, variable.name, 'must be a valid CEL identifier'))
    if (!variable.expression?.trim()) errors.push(field.required(`${path}.expression`, 'expression is not specified'))
    else errors.push(...validateExpression(variable.expression, `${path}.expression`, { hasParams, hasAuthorizer: true, variables: spec.variables?.slice(0, i) ?? [] }))
  })
  return errors
}

/** What the policy's own expressions may use. Those of a mutating policy know of `variables` even where there are none. */
export function expressionOptions({ paramKind, variables = [] }: PolicySpec, { isMutating = false } = {}): ExpressionOptions {
  return { hasParams: paramKind !== undefined, hasAuthorizer: true, ...(variables.length > 0 || isMutating ? { variables } : {}) }
}

function validateParamKind(paramKind: ParamKind, path: string): FieldError[] {
  const errors: FieldError[] = []
  const apiVersion = paramKind.apiVersion ?? ''
  const at = `${path}.apiVersion`
  if (!apiVersion) errors.push(field.required(at))
  else if (apiVersion.split('/').length > 2) errors.push(field.invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  else {
    const { group, version } = parseGroupVersion(apiVersion)
    const wrongGroup = group ? isDNS1123Subdomain(group) : []
    if (wrongGroup.length) errors.push(field.invalid(at, group, wrongGroup.join(',')))
    const wrongVersion = version ? isDNS1035Label(version) : []
    if (!version) errors.push(field.invalid(at, apiVersion, 'version must be specified'))
    else if (wrongVersion.length) errors.push(field.invalid(at, version, wrongVersion.join(',')))
  }
  if (!paramKind.kind) return [...errors, field.required(`${path}.kind`)]
  const wrong = isDNS1035Label(paramKind.kind.toLowerCase())
  if (wrong.length) errors.push(field.invalid(`${path}.kind`, paramKind.kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`))
  return errors
}

export function parseGroupVersion(apiVersion: string): { group: string; version: string } {
  if (apiVersion === '/') return { group: '', version: '' }
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}

/** Whoever writes a policy must be able to read what its paramKind names. */
export async function validateParamKindAccess(policy: Policy, old: Policy | undefined, ctx: WriteContext): Promise<FieldError[]> {
  const { paramKind } = policy.spec
  const { authorizer } = ctx.system
  if (!paramKind || !authorizer || isSuperuser(ctx.user) || equalJSON(paramKind, old?.spec.paramKind)) return []
  const target = paramTarget(paramKind, ctx)
  const { decision, error } = await authorizer.authorize({ user: ctx.user, verb: 'get', name: '*', namespace: '*', subresource: '', ...target })
  if (error) return [field.forbidden('spec.paramKind', error)]
  if (decision === 'Allow') return []
  const why = `user ${formatUser(ctx.user)} must have "get" permission on all objects of the referenced paramKind (kind=${paramKind.kind ?? ''}, apiVersion=${paramKind.apiVersion ?? ''})`
  return [field.forbidden('spec.paramKind', why)]
}

/** What must be readable for a paramKind: its resource, or everything where it is not served. */
export function paramTarget(paramKind: ParamKind, ctx: WriteContext): { apiGroup: string; apiVersion: string; resource: string } {
  const apiVersion = paramKind.apiVersion ?? ''
  if (apiVersion.split('/').length > 2) return { apiGroup: '*', apiVersion: '*', resource: '*' }
  const { group, version } = parseGroupVersion(apiVersion)
  return { apiGroup: group, apiVersion: version, resource: ctx.system.resourceFor?.(apiVersion, paramKind.kind ?? '') ?? '*' }
}

export const paramKindCell = (paramKind: ParamKind | undefined): string => (paramKind ? `${paramKind.apiVersion ?? ''}/${paramKind.kind ?? ''}` : '<unset>')
