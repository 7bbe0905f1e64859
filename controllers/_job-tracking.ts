/**
 * Which ended pods go into a Job's status now, and which may lose their finalizer then.
 * Pure; models trackJobStatusAndRemoveFinalizers of k8s.io/kubernetes/pkg/controller/job/job_controller.go.
 */
import type { JobCondition, JobStatus, Pod } from '../schemas/types.ts'
import { Indexes, indexOf } from './_job-indexes.ts'
import { hasLimitPerIndex, isIndexed, isTracked, type JobView } from './_job-plan.ts'
import { isPodFailed, judgeFailure } from './_job-policy.ts'

/** How many ended pods a status holds at most before they are counted. */
const MOST_UNCOUNTED = 500

export interface Tracking {
  status: JobStatus
  finished: JobCondition | undefined
  /** Pods whose finalizer goes once the status is written. */
  release: Pod[]
  /** Uids of the pods that carry the finalizer yet. */
  tracked: Set<string>
  /** There are more than fit into one status. */
  more: boolean
}

/** Pods that are no longer tracked are counted for good. */
export function withoutUntracked(status: JobStatus, tracked: ReadonlySet<string>): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  const [stillSucceeded, stillFailed] = [succeeded.filter((uid) => tracked.has(uid)), failed.filter((uid) => tracked.has(uid))]
  if (stillSucceeded.length === succeeded.length && stillFailed.length === failed.length) return status
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + succeeded.length - stillSucceeded.length,
    failed: (status.failed ?? 0) + failed.length - stillFailed.length,
    uncountedTerminatedPods: uncounted(stillSucceeded, stillFailed),
  }
}

function uncounted(succeeded: string[], failed: string[]): NonNullable<JobStatus['uncountedTerminatedPods']> {
  return { ...(succeeded.length > 0 ? { succeeded } : {}), ...(failed.length > 0 ? { failed } : {}) }
}

export function planTracking(view: JobView, draft: JobStatus, finished: JobCondition | undefined): Tracking {
  const { job } = view
  const tracked = new Set(view.pods.filter(isTracked).map((pod) => pod.metadata.uid ?? ''))
  const status = withoutUntracked(draft, tracked)
  const succeeded = [...(status.uncountedTerminatedPods?.succeeded ?? [])]
  const failed = [...(status.uncountedTerminatedPods?.failed ?? [])]
  const newIndexes: number[] = []
  const out: Tracking = { status, finished, release: [], tracked, more: false }
  const pods = isIndexed(job) ? [...view.pods].sort((a, b) => (indexOf(a) ?? -1) - (indexOf(b) ?? -1)) : view.pods
  for (const pod of pods) {
    if (!isTracked(pod) || !canRelease(view, pod, finished)) continue
    out.release.push(pod)
    const { uid = '' } = pod.metadata
    const index = indexOf(pod)
    const hasPlace = !isIndexed(job) || (index !== undefined && index < (job.spec.completions ?? 0))
    if (pod.status?.phase === 'Succeeded' && !failed.includes(uid)) {
      if (!isIndexed(job)) addNew(succeeded, uid)
      else if (hasPlace && index !== undefined && !view.indexes?.before.has(index)) newIndexes.push(index)
    } else if ((isPodFailed(job, pod) || (finished && finished.type !== 'SuccessCriteriaMet')) && hasPlace && judgeFailure(job, pod).counts) addNew(failed, uid)
    if (newIndexes.length + succeeded.length + failed.length >= MOST_UNCOUNTED) {
      out.more = true
      break
    }
  }
  out.status = { ...status, uncountedTerminatedPods: uncounted(succeeded, failed) }
  if (view.indexes) addIndexes(view.indexes, out.status, newIndexes)
  return out
}

function addNew(list: string[], uid: string): void {
  if (!list.includes(uid)) list.push(uid)
}

function addIndexes({ before, failed }: NonNullable<JobView['indexes']>, status: JobStatus, newIndexes: readonly number[]): void {
  const succeeded = before.union(Indexes.of(newIndexes))
  status.succeeded = succeeded.total
  status.completedIndexes = succeeded.toString()
  if (failed) status.failedIndexes = failed.toString()
}

/** A failed pod whose index is tried again stays, to tell the next one how often that was. */
function canRelease({ job, indexes }: JobView, pod: Pod, finished: JobCondition | undefined): boolean {
  if (job.metadata.deletionTimestamp || finished || pod.status?.phase === 'Succeeded') return true
  if (!isPodFailed(job, pod)) return false
  const index = indexOf(pod)
  return !(hasLimitPerIndex(job) && index !== undefined && indexes?.lastFailed.get(index)?.metadata.uid === pod.metadata.uid)
}
