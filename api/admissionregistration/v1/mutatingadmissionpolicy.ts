/** admissionregistration.k8s.io/v1 MutatingAdmissionPolicy. Models k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicy. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { validateExpression, type ExpressionOptions } from './_cel.ts'
import { expressionOptions, NEW_POLICY, paramKindCell, updateOptions, validateParamKindAccess, validatePolicyParts, validatePolicyTarget, type PolicyOptions } from './_policy.ts'
import { defaultMatchResources, validateMutatingOperations } from './_rules.ts'
import { staticSuffixWarnings } from './_static-suffix.ts'
import type { MutatingAdmissionPolicy, Mutation } from '../../../schemas/types.ts'

const PATCH_TYPES = ['ApplyConfiguration', 'JSONPatch']
const REINVOCATION_POLICIES = ['IfNeeded', 'Never']

function validate({ spec }: MutatingAdmissionPolicy, options: PolicyOptions): FieldError[] {
  const errors = validatePolicyTarget(spec)
  if (spec.matchConstraints) errors.push(...validateMutatingOperations(spec.matchConstraints, 'spec.matchConstraints'))
  errors.push(...validatePolicyParts(spec, options))
  if (!spec.mutations?.length) errors.push(field.required('spec.mutations', 'mutations must contain at least one item'))
  spec.mutations?.forEach((mutation, i) => errors.push(...validateMutation(mutation, `spec.mutations[${i}]`, expressionOptions(spec, { isMutating: true }))))
  if (!spec.reinvocationPolicy) errors.push(field.required('spec.reinvocationPolicy'))
  else if (!REINVOCATION_POLICIES.includes(spec.reinvocationPolicy)) errors.push(field.notSupported('spec.reinvocationPolicy', spec.reinvocationPolicy, REINVOCATION_POLICIES))
  return errors
}

function validateMutation(mutation: Mutation, path: string, options: ExpressionOptions): FieldError[] {
  const { patchType } = mutation
  if (!patchType) return [field.required(`${path}.patchType`)]
  if (!PATCH_TYPES.includes(patchType)) return [field.notSupported(`${path}.patchType`, patchType, PATCH_TYPES)]
  const isJSONPatch = patchType === 'JSONPatch'
  const [mine, other] = isJSONPatch ? (['jsonPatch', 'applyConfiguration'] as const) : (['applyConfiguration', 'jsonPatch'] as const)
  const errors: FieldError[] = []
  const patch = mutation[mine]
  if (!patch) errors.push(field.required(`${path}.${mine}`, `must be specified when patchType is ${patchType}`))
  else {
    const expression = (patch.expression ?? '').trim()
    if (!expression) errors.push(field.required(`${path}.${mine}.expression`))
    else errors.push(...validateExpression(expression, `${path}.${mine}.expression`, { ...options, hasPatchTypes: true, returns: isJSONPatch ? 'JSONPatch' : 'Object' }))
  }
  if (mutation[other]) errors.push(field.invalid(`${path}.${other}`, `{${other}}`, `must not be specified when patchType is ${patchType}`))
  return errors
}

export default defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  encodedVersion: 'v1beta1',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  categories: ['api-extensions'],
  namespaced: false,
  takesAnyFinalizer: true,
  repeatsMetadataUpdate: false,
  allowUnconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'Mutations', type: 'integer', value: (p) => p.spec.mutations?.length ?? 0 },
    { name: 'ParamKind', value: (p) => paramKindCell(p.spec.paramKind) },
    ageColumn,
  ],
  generation: true,
  default({ spec }) {
    spec.failurePolicy ??= 'Fail'
    defaultMatchResources(spec.matchConstraints)
  },
  validate: (policy) => validate(policy, NEW_POLICY),
  validateUpdate: (policy, old) => [...validateMetadataOf(policy, 'Cluster', { takesAnyFinalizer: true }), ...validate(policy, updateOptions(policy, old))],
  validateAccess: validateParamKindAccess,
  warnings: staticSuffixWarnings,
})
