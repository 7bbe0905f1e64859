/** rbac.authorization.k8s.io/v1 Role. Models k8s.io/kubernetes/pkg/registry/rbac/role. */
import { defineKind } from '../../../src/registry/kind.ts'
import { checkRoleAccess } from './_escalation.ts'
import { RBAC_GROUP, validatePolicyRule, validateRBACName } from './_validation.ts'
import type { Role } from '../../../schemas/types.ts'

export default defineKind<Role>({
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  namespaced: true,
  repeatsMetadataUpdate: 'last',
  allowCreateOnUpdate: true,
  validateName: validateRBACName,
  checkAccess: (role, old, ctx) => checkRoleAccess('roles', role, old, ctx),
  validate: (role) => (role.rules ?? []).flatMap((rule, i) => validatePolicyRule(rule, true, `rules[${i}]`)),
})
