/**
 * How an attempt to attach a volume goes: a CSI driver's attacher says that it failed, or says nothing for two minutes; it is
 * tried again after a pause that doubles. Models waitForVolumeAttachment of k8s.io/kubernetes/pkg/volume/csi/csi_attacher.go
 * and pkg/util/goroutinemap/exponentialbackoff.
 */
import type { VolumeAttachment } from '../schemas/types.ts'

const TIMEOUT_MS = 2 * 60_000
/** Between two looks at the attachment. */
const LOOK_MS = 500
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 122_000

export interface Attempt {
  sinceMs: number
  pauseMs: number
  /** Until when nothing is tried, after a failure. */
  pausedUntilMs?: number
}

export interface Step {
  next: Attempt
  /** Why it failed now. */
  failure?: string
  againMs: number
}

/** @param before undefined for the first attempt */
export function attachStep(before: Attempt | undefined, { attachment, handle, nowMs }: { attachment: VolumeAttachment; handle: string; nowMs: number }): Step {
  const { pausedUntilMs } = before ?? {}
  if (before && pausedUntilMs !== undefined && nowMs < pausedUntilMs) return { next: before, againMs: pausedUntilMs - nowMs }
  const attempt: Attempt = before && pausedUntilMs === undefined ? before : { sinceMs: nowMs, pauseMs: before?.pauseMs ?? FIRST_PAUSE_MS }
  const wentMs = nowMs - attempt.sinceMs
  if (wentMs < LOOK_MS) return { next: attempt, againMs: LOOK_MS - wentMs }
  const failure = failureOf(attachment) ?? (wentMs >= TIMEOUT_MS ? `timed out waiting for external-attacher of ${attachment.spec?.attacher} CSI driver to attach volume ${handle}` : undefined)
  if (failure === undefined) return { next: attempt, againMs: TIMEOUT_MS - wentMs }
  const { sinceMs, pauseMs } = attempt
  return { next: { sinceMs, pauseMs: Math.min(pauseMs * 2, MAX_PAUSE_MS), pausedUntilMs: nowMs + pauseMs }, failure, againMs: pauseMs }
}

function failureOf({ metadata, status }: VolumeAttachment): string | undefined {
  if (metadata.deletionTimestamp) return 'volume attachment is being deleted'
  return status?.attachError ? (status.attachError.message ?? '') : undefined
}
