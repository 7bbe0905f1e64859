/**
 * Default roles that exist already get what they lack at every start and keep what was added to them, unless they opted
 * out. Models k8s.io/component-helpers/auth/rbac/reconciliation.
 */
import { uncoveredRules } from '../../api/rbac/v1/_rules.ts'
import { equalJSON } from '../apimachinery/json.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { BootstrapRole } from './bootstrap-roles.ts'
import type { AggregationRule, PolicyRule, RoleRef, Subject } from '../../schemas/types.ts'

export interface RolePlan {
  /** Recreate: a binding's role cannot be changed. */
  action: 'create' | 'update' | 'recreate'
  object: KubeObject
}

/** What roles and bindings are made of, each of one or the other. */
interface Access extends KubeObject {
  rules?: PolicyRule[]
  aggregationRule?: AggregationRule
  subjects?: Subject[]
  roleRef?: RoleRef
}

const AUTO_UPDATE = 'rbac.authorization.kubernetes.io/autoupdate'

/** What to do about a default role or binding; undefined: nothing. */
export function planRole(existing: KubeObject | undefined, expected: BootstrapRole): RolePlan | undefined {
  if (!existing) return { action: 'create', object: expected }
  if (existing.metadata.annotations?.[AUTO_UPDATE] === 'false') return undefined
  const held: Access = existing
  const wanted: Access = expected
  if (!equalJSON(held.roleRef, wanted.roleRef)) return { action: 'recreate', object: expected }
  const object: Access = {
    ...held,
    metadata: {
      ...held.metadata,
      labels: { ...wanted.metadata.labels, ...held.metadata.labels },
      annotations: { ...wanted.metadata.annotations, ...held.metadata.annotations },
    },
    ...extended('rules', held.rules, uncoveredRules(held.rules ?? [], wanted.rules ?? [])),
    ...extended('subjects', held.subjects, missing(held.subjects, wanted.subjects)),
    ...extendedAggregation(held.aggregationRule, wanted.aggregationRule),
  }
  if (!wanted.aggregationRule) delete object.aggregationRule
  return equalJSON(object, held) ? undefined : { action: 'update', object }
}

function extended<T>(member: 'rules' | 'subjects', held: readonly T[] | undefined, more: readonly T[]): Partial<Record<string, T[]>> {
  return more.length === 0 ? {} : { [member]: [...(held ?? []), ...more] }
}

function extendedAggregation(held: AggregationRule | undefined, wanted: AggregationRule | undefined): { aggregationRule?: AggregationRule } {
  const more = missing(held?.clusterRoleSelectors, wanted?.clusterRoleSelectors)
  return more.length === 0 ? {} : { aggregationRule: { ...held, clusterRoleSelectors: [...(held?.clusterRoleSelectors ?? []), ...more] } }
}

const missing = <T>(held: readonly T[] | undefined, wanted: readonly T[] | undefined): T[] => (wanted ?? []).filter((item) => !held?.some((h) => equalJSON(h, item)))
