/** rbac.authorization.k8s.io/v1 ClusterRoleBinding. Models k8s.io/kubernetes/pkg/registry/rbac/clusterrolebinding. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { checkBindingAccess } from './_escalation.ts'
import { bindingColumns, defaultBinding, RBAC_GROUP, validateBinding, validateBindingUpdate, validateRBACName } from './_validation.ts'
import type { ClusterRoleBinding } from '../../../schemas/types.ts'

const ROLE_KINDS = ['ClusterRole']

export default defineKind<ClusterRoleBinding>({
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  allowCreateOnUpdate: true,
  columns: bindingColumns,
  default: defaultBinding,
  validateName: validateRBACName,
  checkAccess: (binding, old, ctx) => checkBindingAccess('clusterrolebindings', binding, old, ctx),
  validate: (binding) => validateBinding(binding, ROLE_KINDS),
  validateUpdate: (binding, old) => [...validateMetadataOf(binding, 'Cluster', { validateName: validateRBACName }), ...validateBinding(binding, ROLE_KINDS), ...validateBindingUpdate(binding, old)],
})
