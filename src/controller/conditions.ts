/**
 * Lists of conditions as statuses carry them: found by type, replaced only when status or reason change.
 * Models the Get/Set/Remove…Condition helpers of k8s.io/kubernetes/pkg/controller.
 */
export interface Condition {
  type?: string
  status?: string
  reason?: string
  message?: string
  lastTransitionTime?: string
  lastUpdateTime?: string
}

export function conditionOf<C extends Condition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((c) => c.type === type)
}

export function isConditionTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditionOf(conditions, type)?.status === 'True'
}

/**
 * The conditions with this one put at the end in place of the one of its type; the same list when it says nothing new
 * (same status and reason). A transition time is kept while the status stays if `keepTransition`.
 */
export function withCondition<C extends Condition>(conditions: C[] | undefined, condition: C, keepTransition = false): C[] {
  const current = conditionOf(conditions, condition.type ?? '')
  if (current && current.status === condition.status && current.reason === condition.reason) return conditions ?? []
  const kept = keepTransition && current?.status === condition.status ? { ...condition, lastTransitionTime: current?.lastTransitionTime } : condition
  return [...withoutCondition(conditions, condition.type ?? ''), kept]
}

export function withoutCondition<C extends Condition>(conditions: C[] | undefined, type: string): C[] {
  if (!conditions) return []
  return conditions.some((c) => c.type === type) ? conditions.filter((c) => c.type !== type) : conditions
}
