/** Conditions that the scheduler sets on pods. Models UpdatePodCondition of k8s.io/kubernetes/pkg/api/v1/pod. */
import type { Pod, PodCondition } from '../../schemas/types.ts'

/** The conditions a strategic patch must carry; undefined when the pod has this one already. */
export function withPodCondition({ status }: Pod, condition: PodCondition, now: string): PodCondition[] | undefined {
  const old = status?.conditions?.find((c) => c.type === condition.type)
  const compared = ['status', 'reason', 'message', 'observedGeneration'] as const
  if (compared.every((field) => old?.[field] === condition[field])) return undefined
  const lastTransitionTime = old?.status === condition.status ? old?.lastTransitionTime : now
  return [{ ...condition, lastTransitionTime }]
}
