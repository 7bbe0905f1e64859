/** Pods that may only be active for so long. Models pkg/kubelet/active_deadline.go. */
import type { Pod, PodStatus } from '../../schemas/types.ts'

/** How long the pod may still run; undefined when it has no deadline. */
export function deadlineLeftMs(pod: Pod, nowMs: number): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds
  if (seconds === undefined) return undefined
  const startMs = Date.parse(pod.status?.startTime ?? '')
  return (Number.isNaN(startMs) ? nowMs : startMs) + seconds * 1000 - nowMs
}

export function failedByDeadline(status: PodStatus): PodStatus {
  const failed = { status: 'False', reason: 'PodFailed', message: undefined }
  const conditions = status.conditions?.map((c) => (c.type === 'Ready' || c.type === 'ContainersReady' ? { ...c, ...failed } : c))
  return { ...status, phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline', conditions }
}
