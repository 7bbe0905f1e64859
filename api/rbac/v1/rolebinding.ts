/** rbac.authorization.k8s.io/v1 RoleBinding. Models k8s.io/kubernetes/pkg/registry/rbac/rolebinding. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { checkBindingAccess } from './_escalation.ts'
import { bindingColumns, defaultBinding, RBAC_GROUP, validateBinding, validateBindingUpdate, validateRBACName } from './_validation.ts'
import type { RoleBinding } from '../../../schemas/types.ts'

const ROLE_KINDS = ['Role', 'ClusterRole']

export default defineKind<RoleBinding>({
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  repeatsMetadataUpdate: 'last',
  allowCreateOnUpdate: true,
  columns: bindingColumns,
  default: defaultBinding,
  validateName: validateRBACName,
  checkAccess: (binding, old, ctx) => checkBindingAccess('rolebindings', binding, old, ctx),
  validate: (binding) => validateBinding(binding, ROLE_KINDS),
  validateUpdate: (binding, old) => [...validateMetadataOf(binding, 'Namespaced', { validateName: validateRBACName }), ...validateBinding(binding, ROLE_KINDS), ...validateBindingUpdate(binding, old)],
})
