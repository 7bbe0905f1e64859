/** policy/v1 PodDisruptionBudget. Models k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget and pkg/apis/policy/validation. */
import { validateLabelSelector, validateNonnegativeField } from '../../../src/apimachinery/validate-meta.ts'
import { validateConditions } from '../../../src/apimachinery/validate-options.ts'
import { isPathSegmentName } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { PodDisruptionBudget } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateAtMost100Percent, validatePositiveIntOrPercent } from '../../_int-or-percent.ts'
import { internalJSON } from '../../_internal-json.ts'

const EVICTION_POLICIES = ['AlwaysAllow', 'IfHealthyBudget']
const COUNTS = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const

function validate({ spec }: PodDisruptionBudget, allowInvalidLabelValueInSelector = false): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec
  const errors: FieldError[] = []
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(field.invalid('spec', internalJSON('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', spec), 'minAvailable and maxUnavailable cannot be both set'))
  }
  for (const member of ['minAvailable', 'maxUnavailable'] as const) {
    const value = spec[member]
    if (value !== undefined) errors.push(...validatePositiveIntOrPercent(value, `spec.${member}`), ...validateAtMost100Percent(value, `spec.${member}`))
  }
  errors.push(...validateLabelSelector(selector, 'spec.selector', { allowInvalidLabelValueInSelector }))
  if (policy !== undefined && !EVICTION_POLICIES.includes(policy)) errors.push(field.notSupported('spec.unhealthyPodEvictionPolicy', policy, EVICTION_POLICIES))
  return errors
}

function validateStatus({ status = {} }: PodDisruptionBudget): FieldError[] {
  return [...validateConditions(status.conditions, 'status.conditions'), ...COUNTS.flatMap((member) => validateNonnegativeField(status[member] ?? 0, `status.${member}`))]
}

const countText = (value: number | string | undefined): string => (value === undefined ? 'N/A' : String(value))

export default defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  shortNames: ['pdb'],
  namespaced: true,
  repeatsMetadataUpdate: false,
  generation: true,
  allowUnconditionalUpdate: false,
  subresources: { status: { repeatsMetadataUpdate: false, validateUpdate: validateStatus } },
  columns: [
    nameColumn,
    { name: 'Min Available', value: ({ spec }) => countText(spec.minAvailable) },
    { name: 'Max Unavailable', value: ({ spec }) => countText(spec.maxUnavailable) },
    { name: 'Allowed Disruptions', type: 'integer', value: ({ status }) => status?.disruptionsAllowed ?? 0 },
    ageColumn,
  ],
  // Of metadata upstream looks at nothing but what a URL can hold.
  takesAnyFinalizer: true,
  validateName: (name) => isPathSegmentName(name),
  validate: (budget) => validate(budget),
  validateUpdate: (budget, old) => validate(budget, validateLabelSelector(old.spec.selector, '').length > 0),
})
