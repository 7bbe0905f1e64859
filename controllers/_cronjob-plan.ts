/**
 * When a CronJob starts its next Job, what it missed, and which finished Jobs it no longer keeps.
 * Pure; models k8s.io/kubernetes/pkg/controller/cronjob/utils.go and syncCronJob.
 */
import type { CronJob, CronJobStatus, Job } from '../schemas/types.ts'
import { nextTime, offsetMs } from '../src/apimachinery/cron-next.ts'
import { parseCron, type CronSchedule } from '../src/apimachinery/cron.ts'
import { formatTime } from '../src/clock.ts'
import { isConditionTrue } from '../src/controller/conditions.ts'
import { controllerRef } from '../src/controller/owners.ts'

export const KIND = 'batch/v1/CronJob'
const SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
/** The controller looks this much later than a Job is due, lest it comes too early. */
const DELTA_MS = 100
const MANY_MISSED = 100

export interface Timing {
  /** The latest time at which a Job should have started since the last one; undefined when none is due. */
  dueMs: number | undefined
  missedMany: boolean
  /** The schedule names no time at all, such as the 31st of February. */
  isNever: boolean
  /** When to look again. */
  nextInMs: number
}

/** Throws ParseError. A zone inside the schedule itself wins. */
export function scheduleOf(cronJob: CronJob): CronSchedule {
  const { schedule = '', timeZone } = cronJob.spec
  return parseCron(timeZone && !schedule.includes('TZ') ? `TZ=${timeZone} ${schedule}` : schedule)
}

export function timingOf(cronJob: CronJob, schedule: CronSchedule, nowMs: number): Timing {
  const due = mostRecent(cronJob, schedule, { nowMs, withDeadline: true })
  const base = mostRecent(cronJob, schedule, { nowMs, withDeadline: false })
  const from = base.recentMs ?? (base.missed === 0 ? base.earliestMs : nowMs)
  const next = nextTime(schedule, from)
  return { dueMs: due.recentMs, missedMany: due.missed > MANY_MISSED, isNever: next === undefined, nextInMs: next === undefined ? 2 ** 31 : next + DELTA_MS - nowMs }
}

function mostRecent(cronJob: CronJob, schedule: CronSchedule, { nowMs, withDeadline }: { nowMs: number; withDeadline: boolean }): { earliestMs: number; recentMs: number | undefined; missed: number } {
  const { startingDeadlineSeconds } = cronJob.spec
  let earliestMs = Date.parse(cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? '') || nowMs
  if (withDeadline && startingDeadlineSeconds !== undefined) earliestMs = Math.max(earliestMs, nowMs - startingDeadlineSeconds * 1000)
  const first = nextTime(schedule, earliestMs)
  if (first === undefined || nowMs < first) return { earliestMs, recentMs: undefined, missed: 0 }
  const second = nextTime(schedule, first)
  if (second === undefined || nowMs < second) return { earliestMs, recentMs: first, missed: 0 }
  const betweenSeconds = Math.max(1, Math.round((second - first) / 1000))
  const missed = Math.floor(Math.floor((nowMs - first) / 1000) / betweenSeconds) + 1
  let recentMs: number | undefined
  for (let t = nextTime(schedule, first + (missed - 2) * betweenSeconds * 1000); t !== undefined && t <= nowMs; t = nextTime(schedule, t)) recentMs = t
  return { earliestMs, recentMs, missed }
}

export function jobName(cronJob: CronJob, scheduledMs: number): string {
  return `${cronJob.metadata.name}-${Math.floor(scheduledMs / 60_000)}`
}

export function jobFor(cronJob: CronJob, scheduledMs: number): Job {
  const { metadata, spec = {} } = cronJob.spec.jobTemplate ?? {}
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(cronJob, scheduledMs),
      namespace: cronJob.metadata.namespace,
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      annotations: { ...metadata?.annotations, [SCHEDULED]: zonedTime(scheduledMs, cronJob.spec.timeZone ?? 'UTC') },
      ownerReferences: [controllerRef(cronJob, KIND)],
    },
    spec,
  }
}

/** RFC 3339 on the clock of the zone. */
function zonedTime(ms: number, zone: string): string {
  const offset = offsetMs(ms, zone)
  if (zone === 'UTC') return formatTime(ms)
  const minutes = Math.abs(offset) / 60_000
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  return `${formatTime(ms + offset).slice(0, 19)}${offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(minutes / 60)}:${two(minutes % 60)}`}`
}

export function finishedCondition(job: Job): 'Complete' | 'Failed' | undefined {
  if (isConditionTrue(job.status?.conditions, 'Complete')) return 'Complete'
  return isConditionTrue(job.status?.conditions, 'Failed') ? 'Failed' : undefined
}

export interface Reconciled {
  status: CronJobStatus
  events: { type: 'Normal' | 'Warning'; reason: string; message: string }[]
}

/** The status after looking at the Jobs there are: finished and missing ones are no longer active. */
export function reconcileActive(cronJob: CronJob, jobs: readonly Job[]): Reconciled {
  const status: CronJobStatus = { ...cronJob.status }
  const events: Reconciled['events'] = []
  const byUid = new Map(jobs.map((job) => [job.metadata.uid, job]))
  for (const job of jobs) {
    const isActive = status.active?.some((ref) => ref.uid === job.metadata.uid) ?? false
    const end = finishedCondition(job)
    const { name } = job.metadata
    if (!end && !isActive) events.push({ type: 'Warning', reason: 'UnexpectedJob', message: `Saw a job that the controller did not create or forgot: ${name}` })
    if (end && isActive) {
      status.active = status.active?.filter((ref) => ref.uid !== job.metadata.uid)
      events.push({ type: 'Normal', reason: 'SawCompletedJob', message: `Saw completed job: ${name}, condition: ${end}` })
    }
    const { completionTime } = job.status ?? {}
    if (end === 'Complete' && completionTime && completionTime > (status.lastSuccessfulTime ?? '')) status.lastSuccessfulTime = completionTime
  }
  for (const ref of status.active ?? []) {
    if (byUid.has(ref.uid)) continue
    status.active = status.active?.filter((r) => r !== ref)
    events.push({ type: 'Normal', reason: 'MissingJob', message: `Active job went missing: ${ref.name}` })
  }
  return { status, events }
}

/** Finished Jobs beyond the limits, the longest started first. */
export function planHistory(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec
  const beyond = (end: 'Complete' | 'Failed', limit: number | undefined) => {
    const ended = jobs.filter((job) => finishedCondition(job) === end).sort(byStart)
    return limit === undefined ? [] : ended.slice(0, Math.max(0, ended.length - limit))
  }
  return [...beyond('Complete', successfulJobsHistoryLimit), ...beyond('Failed', failedJobsHistoryLimit)]
}

function byStart(a: Job, b: Job): number {
  const [x = '\uffff', y = '\uffff'] = [a.status?.startTime, b.status?.startTime]
  return x < y ? -1 : x > y ? 1 : (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}
