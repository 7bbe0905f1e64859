/**
 * Writes of a job's status: what a finished job may say, and what may not be taken back.
 * Models ValidateJobUpdateStatus of k8s.io/kubernetes/pkg/apis/batch/validation/validation.go with the options of
 * pkg/registry/batch/job: a rule holds for what the write changes, so that wrong statuses of before do not block it.
 */
import type { Job, JobStatus } from '../../../schemas/types.ts'
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateNonnegative } from '../../apps/v1/_workload-validation.ts'
import { countIndexes, firstOverlap } from './_job-indexes.ts'
import { invalidWithoutValue } from './_job-policy-validation.ts'

const has = (status: JobStatus | undefined, type: string): boolean => status?.conditions?.some((c) => c.type === type && c.status === 'True') ?? false
const isFinished = (status: JobStatus | undefined): boolean => has(status, 'Complete') || has(status, 'Failed')

/** What a write of the status changes. */
function changesOf(now: JobStatus, before: JobStatus) {
  const differs = (key: keyof JobStatus) => !equalJSON(now[key], before[key])
  const turned = (type: string) => has(now, type) !== has(before, type)
  return {
    finished: isFinished(now) !== isFinished(before),
    complete: turned('Complete'), failed: turned('Failed'), failureTarget: turned('FailureTarget'), successCriteriaMet: turned('SuccessCriteriaMet'),
    completedIndexes: (now.completedIndexes ?? '') !== (before.completedIndexes ?? ''), failedIndexes: differs('failedIndexes'),
    active: (now.active ?? 0) !== (before.active ?? 0), ready: differs('ready'), terminating: differs('terminating'), uncounted: differs('uncountedTerminatedPods'),
    startTime: differs('startTime'), completionTime: differs('completionTime'),
  }
}

type Changes = ReturnType<typeof changesOf>

export function validateJobStatusUpdate(job: Job, old: Job): FieldError[] {
  const now = job.status ?? {}
  const changes = changesOf(now, old.status ?? {})
  return [
    ...validateNonnegative(now, ['active', 'succeeded', 'failed', 'ready', 'terminating'], 'status'),
    ...validateUncounted(now),
    ...validateEnd(now, changes),
    ...validateFinished(job, now, changes),
    ...validateIndexes(job, now, changes),
    ...validateLate(job, now, changes),
    ...validateTransition(job, now, old),
  ]
}

function validateUncounted({ uncountedTerminatedPods: pods }: JobStatus): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  for (const key of ['succeeded', 'failed'] as const) {
    for (const [i, uid] of (pods?.[key] ?? []).entries()) {
      const path = `status.uncountedTerminatedPods.${key}[${i}]`
      if (!uid) errors.push(field.invalid(path, uid, 'must not be empty'))
      else if (seen.has(uid)) errors.push(field.duplicate(path, uid))
      seen.add(uid)
    }
  }
  return errors
}

const condition = (detail: string): FieldError => invalidWithoutValue('status.conditions', detail)

function validateEnd(now: JobStatus, changes: Changes): FieldError[] {
  const errors: FieldError[] = []
  const { startTime, completionTime } = now
  const [isComplete, isFailed] = [has(now, 'Complete'), has(now, 'Failed')]
  const path = 'status.completionTime'
  if ((changes.complete || changes.failed) && isComplete && isFailed) errors.push(condition('cannot set Complete=True and Failed=true conditions'))
  if ((changes.complete || changes.failureTarget) && isComplete && has(now, 'FailureTarget')) errors.push(condition('cannot set Complete=True and FailureTarget=true conditions'))
  if (changes.complete || changes.completionTime) {
    if (completionTime !== undefined && !isComplete) errors.push(field.invalid(path, completionTime, 'cannot set completionTime when there is no Complete=True condition'))
    if (completionTime === undefined && isComplete) errors.push(field.required(path, 'completionTime is required for Complete jobs'))
  }
  if ((changes.startTime || changes.completionTime) && startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime)) {
    errors.push(field.invalid(path, completionTime, 'must be equal to or after `startTime`'))
  }
  if ((changes.failed || changes.failedIndexes) && isFailed && !has(now, 'FailureTarget')) errors.push(condition('cannot set Failed=True condition without the FailureTarget=true condition'))
  if ((changes.complete || changes.successCriteriaMet) && isComplete && !has(now, 'SuccessCriteriaMet')) {
    errors.push(condition('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'))
  }
  return errors
}

function validateFinished({ spec }: Job, now: JobStatus, changes: Changes): FieldError[] {
  if (!isFinished(now)) return []
  const errors: FieldError[] = []
  const { active = 0, startTime, uncountedTerminatedPods: pods } = now
  if ((changes.finished || changes.active) && active > 0) errors.push(field.invalid('status.active', active, 'active>0 is invalid for finished job'))
  const isEmptySuspended = spec.suspend === true && spec.completions === 0
  if ((changes.finished || changes.startTime) && !isEmptySuspended && startTime === undefined) errors.push(field.required('status.startTime', 'startTime is required for finished job'))
  if ((changes.finished || changes.uncounted) && [...(pods?.failed ?? []), ...(pods?.succeeded ?? [])].length > 0) {
    errors.push(field.invalid('status.uncountedTerminatedPods', { Succeeded: pods?.succeeded ?? null, Failed: pods?.failed ?? null }, 'must be empty for finished job'))
  }
  return errors
}

function validateIndexes({ spec }: Job, now: JobStatus, changes: Changes): FieldError[] {
  const errors: FieldError[] = []
  const { completedIndexes: completed = '', failedIndexes: failed } = now
  const { completions, backoffLimitPerIndex: perIndex } = spec
  const [completedAt, failedAt] = ['status.completedIndexes', 'status.failedIndexes']
  const parse = (text: string) => (completions === undefined ? 0 : countIndexes(text, completions))
  const wrongCompleted = changes.completedIndexes ? parse(completed) : 0
  if (typeof wrongCompleted === 'string') errors.push(field.invalid(completedAt, completed, `error parsing completedIndexes: ${wrongCompleted}`))
  const wrongFailed = changes.failedIndexes && perIndex !== undefined && failed !== undefined ? parse(failed) : 0
  if (typeof wrongFailed === 'string') errors.push(field.invalid(failedAt, failed, `error parsing failedIndexes: ${wrongFailed}`))
  if (changes.completedIndexes && completed && spec.completionMode !== 'Indexed') errors.push(field.invalid(completedAt, completed, 'cannot set non-empty completedIndexes when non-indexed completion mode'))
  if (changes.failedIndexes && perIndex === undefined && failed !== undefined) errors.push(field.invalid(failedAt, failed, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'))
  if ((changes.failedIndexes || changes.completedIndexes) && completions !== undefined && failed !== undefined) {
    const index = firstOverlap(completed, failed, completions)
    if (index !== undefined) errors.push(field.invalid(failedAt, failed, `failedIndexes and completedIndexes overlap at index: ${index}`))
  }
  return errors
}

function validateLate({ spec }: Job, now: JobStatus, changes: Changes): FieldError[] {
  const errors: FieldError[] = []
  const { terminating = 0, ready, active = 0 } = now
  const isMet = has(now, 'SuccessCriteriaMet')
  if ((changes.finished || changes.terminating) && terminating > 0 && isFinished(now)) errors.push(field.invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'))
  if ((changes.ready || changes.active) && ready !== undefined && ready > active) errors.push(field.invalid('status.ready', ready, 'cannot set more ready pods than active'))
  if (isMet && has(now, 'Failed')) errors.push(condition('cannot set SuccessCriteriaMet=True and Failed=true conditions'))
  if (isMet && has(now, 'FailureTarget')) errors.push(condition('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'))
  if (spec.successPolicy && !isMet && has(now, 'Complete')) errors.push(condition('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'))
  return errors
}

function validateTransition({ spec }: Job, now: JobStatus, old: Job): FieldError[] {
  const before = old.status ?? {}
  const errors: FieldError[] = []
  for (const type of ['Failed', 'Complete', 'FailureTarget']) if (has(before, type) && !has(now, type)) errors.push(condition(`cannot disable the terminal ${type}=True condition`))
  if ((now.failed ?? 0) < (before.failed ?? 0)) errors.push(field.invalid('status.failed', now.failed ?? 0, 'cannot decrease the failed counter'))
  const isElastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
  if (!isElastic && (now.succeeded ?? 0) < (before.succeeded ?? 0)) errors.push(field.invalid('status.succeeded', now.succeeded ?? 0, 'cannot decrease the succeeded counter'))
  if (now.completionTime !== undefined && before.completionTime !== undefined && now.completionTime !== before.completionTime) {
    errors.push(field.invalid('status.completionTime', now.completionTime, 'field is immutable'))
  }
  const isResuming = has(before, 'Suspended') && (now.conditions?.some((c) => c.type === 'Suspended' && c.status === 'False') ?? false)
  if (!isResuming && before.startTime !== undefined && before.startTime !== now.startTime && !spec.suspend) {
    errors.push(field.invalid('status.startTime', now.startTime ?? null, 'field is immutable for unsuspended job once set'))
  }
  if (has(before, 'SuccessCriteriaMet') && !has(now, 'SuccessCriteriaMet')) errors.push(condition('cannot disable the SuccessCriteriaMet=True condition'))
  if (has(before, 'Complete') && !has(before, 'SuccessCriteriaMet') && has(now, 'SuccessCriteriaMet')) {
    errors.push(condition('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'))
  }
  return errors
}
