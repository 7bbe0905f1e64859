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

type Status = NonNullable<Pod['status']>

/** Sets conditions or the phase of a pod that may be gone by now; answers whether it is there. A patch: most who ask may do nothing more. */
export async function changePodStatus(ctx: ControllerContext, pod: Pod, change: (status: Status) => Status): Promise<boolean> {
  const { namespace = '', name = '', uid } = pod.metadata
  const current = ctx.informers.lister<Pod>('v1/Pod').get(namespace, name)
  if (!current || current.metadata.uid !== uid) return false
  const status = difference(current.status ?? {}, change(current.status ?? {}))
  if (Object.keys(status).length === 0) return true
  try {
    await ctx.client.patch('v1/Pod', refOf(pod), { metadata: { uid }, status }, { type: 'strategic', subresource: 'status' })
    return true
  } catch (error) {
    // A conflict is about the uid: another pod has the name by now.
    if (isStatusError(error, 'NotFound') || isStatusError(error, 'Conflict')) return false
    throw error
  }
}

/** What a strategic merge needs to know. */
function difference(before: Status, after: Status): Status {
  const changed = Object.fromEntries(Object.entries(after).filter(([field, value]) => value !== before[field as keyof Status])) as Status
  if (changed.conditions) changed.conditions = changed.conditions.filter((condition) => !before.conditions?.includes(condition))
  return changed
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
