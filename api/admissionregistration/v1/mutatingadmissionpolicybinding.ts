/** admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding. Models k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicybinding. */
import { defineKind } from '../../../src/registry/kind.ts'
import { policyBindingColumns, validateParamRefAccess, validatePolicyBinding } from './_binding.ts'
import { defaultMatchResources, validateMutatingOperations } from './_rules.ts'
import { staticSuffixWarnings } from './_static-suffix.ts'
import type { MutatingAdmissionPolicyBinding } from '../../../schemas/types.ts'

export default defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  encodedVersion: 'v1beta1',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  categories: ['api-extensions'],
  namespaced: false,
  takesAnyFinalizer: true,
  repeatsMetadataUpdate: false,
  allowUnconditionalUpdate: false,
  columns: policyBindingColumns,
  generation: true,
  default: ({ spec }) => defaultMatchResources(spec.matchResources),
  validate: (binding) => [...validatePolicyBinding(binding), ...validateMutatingOperations(binding.spec.matchResources ?? {}, 'spec.matchResources')],
  validateAccess: (binding, old, ctx) => validateParamRefAccess('MutatingAdmissionPolicy', binding, old, ctx),
  warnings: staticSuffixWarnings,
})
