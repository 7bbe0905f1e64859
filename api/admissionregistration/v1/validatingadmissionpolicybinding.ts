/** admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding. Models k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicybinding. */
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { policyBindingColumns, validateParamRefAccess, validatePolicyBinding } from './_binding.ts'
import { defaultMatchResources } from './_rules.ts'
import { staticSuffixWarnings } from './_static-suffix.ts'
import type { ValidatingAdmissionPolicyBinding } from '../../../schemas/types.ts'

const ACTIONS = ['Audit', 'Deny', 'Warn']

function validateActions(actions: readonly string[], path: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  actions.forEach((action, i) => {
    if (!ACTIONS.includes(action)) errors.push(field.notSupported(`${path}[${i}]`, action, ACTIONS))
    if (seen.has(action)) errors.push(field.duplicate(`${path}[${i}]`, action))
    seen.add(action)
  })
  if (seen.has('Deny') && seen.has('Warn')) {
    errors.push(field.invalid(path, actions, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'))
  }
  if (seen.size === 0) errors.push(field.required(path, 'at least one validation action is required'))
  return errors
}

export default defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  categories: ['api-extensions'],
  namespaced: false,
  takesAnyFinalizer: true,
  repeatsMetadataUpdate: false,
  allowUnconditionalUpdate: false,
  columns: policyBindingColumns,
  generation: true,
  default: ({ spec }) => defaultMatchResources(spec.matchResources),
  validate: (binding) => [...validatePolicyBinding(binding), ...validateActions(binding.spec.validationActions ?? [], 'spec.validationActions')],
  validateAccess: (binding, old, ctx) => validateParamRefAccess('ValidatingAdmissionPolicy', binding, old, ctx),
  warnings: staticSuffixWarnings,
})
