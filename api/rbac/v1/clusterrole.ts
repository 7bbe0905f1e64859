/** rbac.authorization.k8s.io/v1 ClusterRole. Models k8s.io/kubernetes/pkg/registry/rbac/clusterrole. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { checkRoleAccess } from './_escalation.ts'
import { RBAC_GROUP, validatePolicyRule, validateRBACName } from './_validation.ts'
import { selectorFromLabelSelector } from '../../../src/apimachinery/labels.ts'
import { ParseError } from '../../../src/apimachinery/parse-error.ts'
import type { ClusterRole, LabelSelector } from '../../../schemas/types.ts'

const SELECTORS = 'aggregationRule.clusterRoleSelectors'

function validate(role: ClusterRole, allowInvalidLabelValueInSelector: boolean): FieldError[] {
  const errors = (role.rules ?? []).flatMap((rule, i) => validatePolicyRule(rule, false, `rules[${i}]`))
  if (!role.aggregationRule) return errors
  const selectors = role.aggregationRule.clusterRoleSelectors ?? []
  if (selectors.length === 0) errors.push(field.required(SELECTORS, 'at least one clusterRoleSelector required if aggregationRule is non-nil'))
  selectors.forEach((selector, i) => {
    errors.push(...validateLabelSelector(selector, `${SELECTORS}[${i}]`, { allowInvalidLabelValueInSelector }))
    if (!isConvertible(selector)) errors.push(field.invalid(`${SELECTORS}[${i}]`, null, 'invalid label selector.'))
  })
  return errors
}

/** Upstream converts the selector as well, and reports the nil it gets from a wrong one. */
function isConvertible(selector: LabelSelector): boolean {
  try {
    selectorFromLabelSelector(selector)
    return true
  } catch (error) {
    if (error instanceof ParseError) return false
    throw error
  }
}

const hasInvalidSelector = (role: ClusterRole): boolean => (role.aggregationRule?.clusterRoleSelectors ?? []).some((s) => validateLabelSelector(s, '', {}).length > 0)

export default defineKind<ClusterRole>({
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  allowCreateOnUpdate: true,
  validateName: validateRBACName,
  checkAccess: (role, old, ctx) => checkRoleAccess('clusterroles', role, old, ctx),
  validate: (role) => validate(role, false),
  validateUpdate: (role, old) => [...validateMetadataOf(role, 'Cluster', { validateName: validateRBACName }), ...validate(role, hasInvalidSelector(old))],
})
