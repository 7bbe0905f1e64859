/** What the kinds of rbac share. Models k8s.io/kubernetes/pkg/apis/rbac/validation/validation.go and v1/defaults.go. */
import { field, type FieldError } from '../../../src/errors.ts'
import { isDNS1123Subdomain, isPathSegmentName } from '../../../src/apimachinery/validation.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { equalInternal, internalJSON } from '../../_internal-json.ts'
import type { Column, KubeObject } from '../../../src/registry/kind.ts'
import type { PolicyRule, RoleRef, Subject } from '../../../schemas/types.ts'

export const RBAC_GROUP = 'rbac.authorization.k8s.io'
const ROLE_REF_TYPE = 'io.k8s.api.rbac.v1.RoleRef'

/** RoleBinding and ClusterRoleBinding have the same fields. */
interface Binding extends KubeObject {
  roleRef?: RoleRef
  subjects?: Subject[]
}

/** Names of roles and bindings may hold what a path segment may, colons and capitals too. */
export function validateRBACName(name: string): string[] {
  return isPathSegmentName(name)
}

export function validatePolicyRule(rule: PolicyRule, isNamespaced: boolean, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!rule.verbs?.length) errors.push(field.required(`${path}.verbs`, 'verbs must contain at least one value'))
  const { nonResourceURLs } = rule
  if (nonResourceURLs?.length) {
    const at = `${path}.nonResourceURLs`
    if (isNamespaced) errors.push(field.invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
    if (rule.apiGroups?.length || rule.resources?.length || rule.resourceNames?.length) {
      errors.push(field.invalid(at, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'))
    }
    return errors
  }
  if (!rule.apiGroups?.length) errors.push(field.required(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  if (!rule.resources?.length) errors.push(field.required(`${path}.resources`, 'resource rules must supply at least one resource'))
  return errors
}

export function defaultBinding(binding: Binding): void {
  const roleRef = (binding.roleRef ??= {})
  if (!roleRef.apiGroup) roleRef.apiGroup = RBAC_GROUP
  for (const subject of binding.subjects ?? []) {
    if (!subject.apiGroup && (subject.kind === 'User' || subject.kind === 'Group')) subject.apiGroup = RBAC_GROUP
  }
}

/** @param roleKinds what roleRef may point to */
export function validateBinding(binding: Binding, roleKinds: readonly string[]): FieldError[] {
  const errors: FieldError[] = []
  const { apiGroup = '', kind = '', name = '' } = binding.roleRef ?? {}
  if (apiGroup !== RBAC_GROUP) errors.push(field.notSupported('roleRef.apiGroup', apiGroup, [RBAC_GROUP]))
  if (!roleKinds.includes(kind)) errors.push(field.notSupported('roleRef.kind', kind, roleKinds))
  if (!name) errors.push(field.required('roleRef.name'))
  else for (const message of validateRBACName(name)) errors.push(field.invalid('roleRef.name', name, message))
  const isNamespaced = roleKinds.includes('Role')
  binding.subjects?.forEach((subject, i) => errors.push(...validateSubject(subject, isNamespaced, `subjects[${i}]`)))
  return errors
}

export function validateBindingUpdate(binding: Binding, old: Binding): FieldError[] {
  const { roleRef } = binding
  return equalInternal(ROLE_REF_TYPE, roleRef, old.roleRef) ? [] : [field.invalid('roleRef', internalJSON(ROLE_REF_TYPE, roleRef), 'cannot change roleRef')]
}

function validateSubject(subject: Subject, isNamespaced: boolean, path: string): FieldError[] {
  const errors: FieldError[] = []
  const apiGroup = subject.apiGroup ?? ''
  if (!subject.name) errors.push(field.required(`${path}.name`))
  if (subject.kind === 'ServiceAccount') {
    if (subject.name) for (const message of isDNS1123Subdomain(subject.name)) errors.push(field.invalid(`${path}.name`, subject.name, message))
    if (apiGroup) errors.push(field.notSupported(`${path}.apiGroup`, apiGroup, ['']))
    if (!isNamespaced && !subject.namespace) errors.push(field.required(`${path}.namespace`))
  } else if (subject.kind === 'User' || subject.kind === 'Group') {
    if (apiGroup !== RBAC_GROUP) errors.push(field.notSupported(`${path}.apiGroup`, apiGroup, [RBAC_GROUP]))
  } else {
    errors.push(field.notSupported(`${path}.kind`, subject.kind ?? '', ['ServiceAccount', 'User', 'Group']))
  }
  return errors
}

const subjectsOf = (binding: Binding, kind: string): string =>
  (binding.subjects ?? [])
    .filter((s) => s.kind === kind)
    .map((s) => (kind === 'ServiceAccount' ? `${s.namespace ?? ''}/${s.name ?? ''}` : (s.name ?? '')))
    .join(', ')

export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  { name: 'Role', value: (b) => `${b.roleRef?.kind ?? ''}/${b.roleRef?.name ?? ''}` },
  ageColumn,
  { name: 'Users', priority: 1, value: (b) => subjectsOf(b, 'User') },
  { name: 'Groups', priority: 1, value: (b) => subjectsOf(b, 'Group') },
  { name: 'ServiceAccounts', priority: 1, value: (b) => subjectsOf(b, 'ServiceAccount') },
]
