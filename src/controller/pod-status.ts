/**
 * Writing a pod's status from outside its node. Models k8s.io/kubernetes/pkg/util/pod and pkg/api/v1/pod/util.go.
 */
import type { Pod, PodCondition } from '../../schemas/types.ts'
import { formatTime } from '../clock.ts'
import { isStatusError } from '../errors.ts'
import type { ControllerContext } from './controller.ts'
import { refOf } from './owners.ts'
import { semanticEqual } from './equal.ts'

/** The conditions with this one; the same list when it says nothing new. The transition time is kept while the status stays. */
export function withPodCondition(conditions: PodCondition[] | undefined, condition: PodCondition, nowMs: number): PodCondition[] {
  const current = conditions?.find((c) => c.type === condition.type)
  const lastTransitionTime = current?.status === condition.status ? current?.lastTransitionTime : formatTime(nowMs)
  const fresh = { ...condition, lastTransitionTime }
  if (!current) return [...(conditions ?? []), fresh]
  return semanticEqual(current, fresh) ? (conditions ?? []) : (conditions ?? []).map((c) => (c === current ? fresh : c))
}

/** Sets conditions or the phase of a pod that may be gone by now; answers whether it is there. */
export async function changePodStatus(ctx: ControllerContext, pod: Pod, change: (status: NonNullable<Pod['status']>) => NonNullable<Pod['status']>): Promise<boolean> {
  try {
    await ctx.client.change<Pod>(
      'v1/Pod',
      refOf(pod),
      (copy) => {
        if (copy.metadata.uid !== pod.metadata.uid) return false
        copy.status = change(copy.status ?? {})
      },
      { subresource: 'status' },
    )
    return true
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return false
    throw error
  }
}

/** Says that the pod is about to be deleted and why, then deletes it. */
export async function evict(ctx: ControllerContext, pod: Pod, { reason, message }: { reason: string; message: string }): Promise<void> {
  const condition: PodCondition = { type: 'DisruptionTarget', status: 'True', reason, message, observedGeneration: pod.metadata.generation }
  await changePodStatus(ctx, pod, (status) => ({ ...status, conditions: withPodCondition(status.conditions, condition, ctx.clock.now()) }))
  try {
    await ctx.client.delete('v1/Pod', refOf(pod), { preconditions: { uid: pod.metadata.uid } })
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}
