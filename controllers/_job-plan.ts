/**
 * What a Job's pods amount to, whether it is over, and which pods it makes or deletes next.
 * Pure; models syncJob and manageJob of k8s.io/kubernetes/pkg/controller/job/job_controller.go.
 */
import type { Job, JobCondition, Pod } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { conditionOf, isConditionTrue } from '../src/controller/conditions.ts'
import { isPodActive, isPodReady, isPodTerminating, rankForDeletion } from '../src/controller/pods.ts'
import { Indexes, indexOf, indexesOf } from './_job-indexes.ts'
import { backoffLeftMs, finishedMs, indexFailures, isIndexFailed, isPodFailed, judgeFailure, nextBackoff, onlyReplacesFailed, successRuleMet, type Backoff } from './_job-policy.ts'

export const TRACKING = 'batch.kubernetes.io/job-tracking'
/** How many pods one pass creates or deletes at most. */
const BURST = 500

export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === 'Indexed'
}

export function hasLimitPerIndex(job: Job): boolean {
  return job.spec.backoffLimitPerIndex !== undefined
}

export function isFinished(job: Job): boolean {
  return isConditionTrue(job.status?.conditions, 'Complete') || isConditionTrue(job.status?.conditions, 'Failed')
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING) ?? false
}

export function jobCondition(type: string, [reason, message]: readonly [string, string], nowMs: number): JobCondition {
  const now = formatTime(nowMs)
  return { type, status: 'True', lastProbeTime: now, lastTransitionTime: now, reason, message }
}

export interface JobView {
  job: Job
  pods: readonly Pod[]
  active: Pod[]
  ready: number
  terminating: number
  succeeded: number
  failed: number
  backoff: Backoff
  indexes?: {
    /** Before this pass and after it. */
    before: Indexes
    succeeded: Indexes
    failed: Indexes | undefined
    /** Of indexes that are to be tried again, the pod that failed last. */
    lastFailed: Map<number, Pod>
  }
}

export function viewOf(job: Job, pods: readonly Pod[], before: Backoff | undefined): JobView {
  const uncounted = job.status?.uncountedTerminatedPods
  const [counted, miscounted] = [new Set(uncounted?.succeeded), new Set(uncounted?.failed)]
  const valid = (pod: Pod) => isTracked(pod) && (!isIndexed(job) || isValidIndex(job, pod))
  const newSucceeded = pods.filter((pod) => valid(pod) && !counted.has(pod.metadata.uid ?? '') && pod.status?.phase === 'Succeeded')
  const newFailed = pods.filter((pod) => valid(pod) && !miscounted.has(pod.metadata.uid ?? '') && isPodFailed(job, pod))
  const active = pods.filter(isPodActive)
  const view: JobView = {
    job,
    pods,
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    succeeded: (job.status?.succeeded ?? 0) + newSucceeded.length + counted.size,
    failed: (job.status?.failed ?? 0) + newFailed.filter((pod) => judgeFailure(job, pod).counts).length + miscounted.size,
    backoff: nextBackoff(before, newSucceeded, newFailed),
  }
  if (isIndexed(job)) addIndexes(view)
  return view
}

function isValidIndex(job: Job, pod: Pod): boolean {
  const index = indexOf(pod)
  return index !== undefined && index < (job.spec.completions ?? 0)
}

function addIndexes(view: JobView): void {
  const { job, pods, active } = view
  const completions = job.spec.completions ?? 0
  const tracked = pods.filter((pod) => isTracked(pod) && isValidIndex(job, pod))
  const before = Indexes.parse(job.status?.completedIndexes, completions)
  const succeeded = before.union(indexesOf(tracked.filter((pod) => pod.status?.phase === 'Succeeded')))
  const failed = hasLimitPerIndex(job) ? Indexes.parse(job.status?.failedIndexes, completions).union(indexesOf(tracked.filter((pod) => isIndexFailed(job, pod)))) : undefined
  view.succeeded = succeeded.total
  view.indexes = { before, succeeded, failed, lastFailed: new Map() }
  if (!failed) return
  const running = indexesOf(active)
  for (const pod of tracked) {
    const index = indexOf(pod) ?? 0
    if (!isPodFailed(job, pod) || succeeded.has(index) || failed.has(index) || running.has(index)) continue
    const other = view.indexes.lastFailed.get(index)
    if (!other || (totalFailures(other) <= totalFailures(pod) && finishedMs(pod) >= finishedMs(other))) view.indexes.lastFailed.set(index, pod)
  }
}

function totalFailures(pod: Pod): number {
  const { counted, ignored } = indexFailures(pod)
  return counted + ignored
}

/** The condition with which the Job is to end, if it is; a target comes first, the terminal one when its pods are gone. */
export function verdict(view: JobView, nowMs: number): JobCondition | undefined {
  const { job, pods, indexes } = view
  const { conditions, startTime } = job.status ?? {}
  const fail = (reason: string, message: string) => jobCondition('FailureTarget', [reason, message], nowMs)
  const success = conditionOf(conditions, 'SuccessCriteriaMet')
  if (success?.status === 'True') return success
  const target = conditionOf(conditions, 'FailureTarget')
  if (target?.status === 'True') return jobCondition('Failed', [target.reason ?? '', target.message ?? ''], nowMs)
  const policy = job.spec.podFailurePolicy ? pods.flatMap((pod) => (isPodFailed(job, pod) ? (judgeFailure(job, pod).failsJob ?? []) : []))[0] : undefined
  if (policy) return fail('PodFailurePolicy', policy)
  if (view.failed > (job.spec.backoffLimit ?? 6) || hasRestartedTooOften(view)) return fail('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  const { activeDeadlineSeconds, maxFailedIndexes, completions = 0 } = job.spec
  if (activeDeadlineSeconds !== undefined && startTime && !job.spec.suspend && nowMs - Date.parse(startTime) >= activeDeadlineSeconds * 1000)
    return fail('DeadlineExceeded', 'Job was active longer than specified deadline')
  const failed = indexes?.failed?.total ?? 0
  if (maxFailedIndexes !== undefined && failed > maxFailedIndexes) return fail('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  if (failed > 0 && failed + (indexes?.succeeded.total ?? 0) >= completions) return fail('FailedIndexes', 'Job has failed indexes')
  const rule = indexes && successRuleMet(job, indexes.succeeded)
  return rule ? jobCondition('SuccessCriteriaMet', ['SuccessPolicy', rule], nowMs) : undefined
}

/** Containers that are restarted in place count against the limit too. */
function hasRestartedTooOften({ job, pods }: JobView): boolean {
  if (job.spec.template?.spec?.restartPolicy !== 'OnFailure') return false
  let restarts = 0
  for (const { status } of pods)
    if (status?.phase === 'Running' || status?.phase === 'Pending') for (const c of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) restarts += c.restartCount ?? 0
  const limit = job.spec.backoffLimit ?? 6
  return limit === 0 ? restarts > 0 : restarts >= limit
}

export interface JobPods {
  delete: Pod[]
  /** How many to create, and for an indexed Job of which indexes. */
  create: number
  indexes?: number[]
  requeueAfterMs?: number
}

export function planPods(view: JobView, nowMs: number): JobPods {
  const { job, active } = view
  const { parallelism = 1, completions, suspend } = job.spec
  if (suspend) return { delete: surplus(view, active.length), create: 0 }
  const wanted = completions === undefined ? (view.succeeded > 0 ? active.length : parallelism) : Math.max(0, Math.min(completions - view.succeeded, parallelism))
  const tooMany = surplus(view, Math.max(0, active.length - wanted)).slice(0, BURST)
  if (tooMany.length > 0) return { delete: tooMany, create: 0 }
  const missing = wanted - active.length - (onlyReplacesFailed(job) ? view.terminating : 0)
  if (missing <= 0) return { delete: [], create: 0 }
  const leftMs = hasLimitPerIndex(job) ? 0 : backoffLeftMs(view.backoff, nowMs)
  if (leftMs > 0) return { delete: [], create: 0, requeueAfterMs: leftMs }
  return view.indexes ? planIndexes(view, Math.min(missing, BURST), nowMs) : { delete: [], create: Math.min(missing, BURST) }
}

function planIndexes(view: JobView, count: number, nowMs: number): JobPods {
  const { job, pods, active, indexes } = view
  if (!indexes) return { delete: [], create: 0 }
  let taken = indexes.succeeded.union(indexesOf(active))
  if (onlyReplacesFailed(job)) taken = taken.union(indexesOf(pods.filter(isPodTerminating)))
  if (indexes.failed) taken = taken.union(indexes.failed)
  const pending = taken.missing(count, job.spec.completions ?? 0)
  let requeueAfterMs: number | undefined
  const now = pending.filter((index) => {
    const last = indexes.lastFailed.get(index)
    const leftMs = last ? backoffLeftMs({ failures: totalFailures(last) + 1, lastMs: finishedMs(last) }, nowMs) : 0
    if (leftMs > 0) requeueAfterMs = Math.min(requeueAfterMs ?? leftMs, leftMs)
    return leftMs === 0
  })
  return { delete: [], create: now.length, indexes: now, ...(requeueAfterMs === undefined || now.length > 0 ? {} : { requeueAfterMs }) }
}

/** Pods of an index that another one has, or that is none, and then as many as it takes. */
function surplus({ job, active }: JobView, atLeast: number): Pod[] {
  const ranked = (pods: readonly Pod[]) => rankForDeletion(pods)
  if (!isIndexed(job)) return atLeast === 0 ? [] : ranked(active).slice(0, atLeast)
  const byIndex = new Map<number | undefined, Pod[]>()
  for (const pod of active) {
    const index = isValidIndex(job, pod) ? indexOf(pod) : undefined
    byIndex.set(index, [...(byIndex.get(index) ?? []), pod])
  }
  const remove: Pod[] = []
  const left: Pod[] = []
  for (const [index, pods] of byIndex) {
    if (index === undefined) remove.push(...pods)
    else {
      const order = pods.length > 1 ? ranked(pods) : pods
      remove.push(...order.slice(0, -1))
      left.push(...order.slice(-1))
    }
  }
  return remove.length >= atLeast ? remove : [...remove, ...ranked(left).slice(0, atLeast - remove.length)]
}
