/** Setting a condition in a pod's status. Models UpdatePodCondition of k8s.io/kubernetes/pkg/api/pod/util.go. */
import type { PodCondition, PodStatus } from '../../../schemas/types.ts'
import { formatTime } from '../../../src/clock.ts'

/** The status with the condition set; its transition time moves only when its status does. */
export function withPodCondition(status: PodStatus | undefined, condition: PodCondition, nowMs: number): PodStatus {
  const conditions = [...(status?.conditions ?? [])]
  const i = conditions.findIndex((c) => c.type === condition.type)
  const before = conditions[i]
  const lastTransitionTime = before?.status === condition.status && before?.lastTransitionTime ? before.lastTransitionTime : formatTime(nowMs)
  const set = { ...condition, lastTransitionTime }
  if (before) conditions[i] = set
  else conditions.push(set)
  return { ...status, conditions }
}
