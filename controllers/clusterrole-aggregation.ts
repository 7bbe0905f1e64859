/** Fills ClusterRoles that gather the rules of others. Models k8s.io/kubernetes/pkg/controller/clusterroleaggregation. */
import { aggregatedRules } from '../api/rbac/v1/_aggregation.ts'
import type { ClusterRole } from '../schemas/types.ts'
import { equalJSON } from '../src/apimachinery/json.ts'
import { defineController, keyOf } from '../src/controller/controller.ts'

const KIND = 'rbac.authorization.k8s.io/v1/ClusterRole'

export default defineController<ClusterRole>({
  name: 'clusterrole-aggregation',
  for: KIND,
  // Whom a role adds to is not known before its labels are compared: all that gather are looked at again.
  watches: { [KIND]: (_role, { informers }) => informers.lister<ClusterRole>(KIND).list().filter((role) => role.aggregationRule).map(keyOf) },
  async reconcile(role, { client, informers }) {
    if (!role.aggregationRule) return
    const rules = aggregatedRules(role, informers.lister<ClusterRole>(KIND).list())
    const { name = '' } = role.metadata
    if (equalJSON(rules, role.rules ?? [])) return
    const patch = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules }
    await client.patch(KIND, { name }, patch, { type: 'apply', fieldManager: 'clusterrole-aggregation-controller', force: true })
  },
})
