/** The rules of a ClusterRole that gathers those of others. Models k8s.io/kubernetes/pkg/controller/clusterroleaggregation. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { selectorFromLabelSelector } from '../../../src/apimachinery/labels.ts'
import type { ClusterRole, PolicyRule } from '../../../schemas/types.ts'

/** The distinct rules of all selected roles but itself: selector by selector, roles by name. */
export function aggregatedRules(role: ClusterRole, roles: Iterable<ClusterRole>): PolicyRule[] {
  const rules: PolicyRule[] = []
  const others = [...roles].filter((r) => r.metadata.name !== role.metadata.name).sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
  for (const labelSelector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const selector = selectorFromLabelSelector(labelSelector)
    for (const other of others) {
      if (!selector.matches(other.metadata.labels ?? {})) continue
      for (const rule of other.rules ?? []) if (!rules.some((known) => equalJSON(known, rule))) rules.push(rule)
    }
  }
  return rules
}
