/**
 * Bindings of admission policies of both sorts. Models the binding parts of
 * k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go and pkg/registry/admissionregistration/*binding/authz.go.
 */
import { goLabelSelector } from '../../../src/apimachinery/go-format.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1123Subdomain, isPathSegmentName } from '../../../src/apimachinery/validation.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { formatUser, isSuperuser } from '../../../src/registry/authorization.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { paramTarget, type Policy } from './_policy.ts'
import { validateMatchResources } from './_rules.ts'
import type { Column, KubeObject, WriteContext } from '../../../src/registry/kind.ts'
import type { MatchResources, ParamRef } from '../../../schemas/types.ts'

export interface PolicyBinding extends KubeObject {
  spec: { policyName?: string; paramRef?: ParamRef; matchResources?: MatchResources }
}

export function validatePolicyBinding({ spec }: PolicyBinding): FieldError[] {
  const errors: FieldError[] = []
  if (!spec.policyName) errors.push(field.required('spec.policyName'))
  else for (const message of isDNS1123Subdomain(spec.policyName)) errors.push(field.invalid('spec.policyName', spec.policyName, message))
  if (spec.paramRef) errors.push(...validateParamRef(spec.paramRef, 'spec.paramRef'))
  errors.push(...validateMatchResources(spec.matchResources, 'spec.matchResources'))
  return errors
}

function validateParamRef(ref: ParamRef, path: string): FieldError[] {
  const errors: FieldError[] = []
  const exclusive = 'name and selector are mutually exclusive'
  if (ref.name) {
    for (const message of isPathSegmentName(ref.name)) errors.push(field.invalid(`${path}.name`, ref.name, message))
    if (ref.selector) errors.push(field.forbidden(`${path}.name`, exclusive))
  }
  if (ref.selector) {
    errors.push(...validateLabelSelector(ref.selector, `${path}.selector`, {}))
    if (ref.name) errors.push(field.forbidden(`${path}.selector`, exclusive))
  }
  if (!ref.name && !ref.selector) errors.push(field.required(path, 'one of name or selector must be specified'))
  const action = ref.parameterNotFoundAction
  if (!action) errors.push(field.required(`${path}.parameterNotFoundAction`))
  else if (action !== 'Deny' && action !== 'Allow') errors.push(field.notSupported(`${path}.parameterNotFoundAction`, action, ['Deny', 'Allow']))
  return errors
}

/**
 * Whoever binds a policy must be able to read its parameters.
 * @param policyKind the kind of the policy bound
 */
export async function validateParamRefAccess(
  policyKind: 'ValidatingAdmissionPolicy' | 'MutatingAdmissionPolicy',
  binding: PolicyBinding,
  old: PolicyBinding | undefined,
  ctx: WriteContext,
): Promise<FieldError[]> {
  const { paramRef, policyName = '' } = binding.spec
  const { authorizer } = ctx.system
  if (!paramRef || !authorizer || isSuperuser(ctx.user)) return []
  if (old && equalJSON(paramRef, old.spec.paramRef) && policyName === old.spec.policyName) return []
  const isValidating = policyKind === 'ValidatingAdmissionPolicy'
  const policy = ctx.system.get<Policy>(`admissionregistration.k8s.io/v1/${policyKind}`, '', policyName)
  const paramKind = policy?.spec.paramKind
  const target = paramKind ? paramTarget(paramKind, ctx) : { apiGroup: '*', apiVersion: '*', resource: '*' }
  const verb = paramRef.name ? 'get' : 'list'
  const verdict = await authorizer.authorize({ user: ctx.user, verb, name: paramRef.name ?? '', namespace: paramRef.namespace ?? '', subresource: '', ...target })
  if (verdict.error) return [field.forbidden('spec.paramRef', isValidating ? `failed to authorize request: ${verdict.error}` : verdict.error)]
  if (verdict.decision === 'Allow') return []
  const user = formatUser(ctx.user)
  const lacks = `to determine minimum required permissions and user ${user} does not have "${verb}" permission for all groups, versions and resources`
  if (!policy) return [field.forbidden('spec.paramRef', `unable to get policy ${policyName} ${lacks}`)]
  const shownKind = paramKind ? `&{${paramKind.apiVersion ?? ''} ${paramKind.kind ?? ''}}` : ''
  if (target.apiGroup === '*' && paramKind) return [field.forbidden('spec.paramRef', `unable to parse paramKind ${shownKind} ${lacks}`)]
  if (target.resource === '*' && paramKind) return [field.forbidden('spec.paramRef', `unable to resolve paramKind ${shownKind} ${lacks}`)]
  // upstream mixes the two up for mutating policies
  const [who, what] = isValidating ? [user, verb] : [verb, user]
  return [field.forbidden('spec.paramRef', `user ${who} does not have "${what}" permission on the object referenced by paramRef`)]
}

function paramRefCell(ref: ParamRef | undefined): string {
  if (ref?.name) return `${ref.namespace || '*'}/${ref.name}`
  return ref?.selector ? goLabelSelector(ref.selector) : '<unset>'
}

export const policyBindingColumns: readonly Column<PolicyBinding>[] = [
  nameColumn,
  { name: 'PolicyName', value: (b) => b.spec.policyName ?? '' },
  { name: 'ParamRef', value: (b) => paramRefCell(b.spec.paramRef) },
  ageColumn,
]
