/**
 * Starts Jobs by a schedule. Models k8s.io/kubernetes/pkg/controller/cronjob/cronjob_controllerv2.go.
 */
import type { CronJob, CronJobStatus, Job } from '../schemas/types.ts'
import type { CronSchedule } from '../src/apimachinery/cron.ts'
import { ParseError } from '../src/apimachinery/parse-error.ts'
import { isTimeZone } from '../src/apimachinery/time-zone.ts'
import { formatTime } from '../src/clock.ts'
import { defineController, keyOf, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { isControlledBy, refOf } from '../src/controller/owners.ts'
import { isNamespaceTerminating, messageOf } from '../src/controller/pod-control.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { KIND, jobFor, jobName, planHistory, reconcileActive, scheduleOf, timingOf } from './_cronjob-plan.ts'

const JOB = 'batch/v1/Job'

export default defineController<CronJob>({
  name: 'cronjob',
  for: KIND,
  owns: [JOB],
  watches: { [KIND]: rescheduled },
  wakes: (cronJob, old) => !old || !isRescheduled(cronJob, old),
  reconcile,
})

function isRescheduled({ spec }: CronJob, { spec: before }: CronJob): boolean {
  return spec.schedule !== before.schedule || spec.timeZone !== before.timeZone
}

/** A new schedule starts nothing at once: it is looked at when it is due first. */
function rescheduled(object: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const [cronJob, old] = [object as CronJob, before as CronJob | undefined]
  if (!old || !isRescheduled(cronJob, old)) return []
  try {
    ctx.enqueue(keyOf(cronJob), timingOf(cronJob, scheduleOf(cronJob), ctx.clock.now()).nextInMs)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    ctx.events.event(cronJob, 'Warning', 'UnParseableCronJobSchedule', `unparseable schedule for cronjob: ${cronJob.spec.schedule}`)
  }
  return []
}

/** One pass: the CronJob and what its status is to be. */
interface Pass {
  ctx: ControllerContext
  cronJob: CronJob
  status: CronJobStatus
}

async function reconcile(cronJob: CronJob, ctx: ControllerContext): Promise<Result | void> {
  const jobs = ctx.informers.lister<Job>(JOB).ownedBy(cronJob.metadata.uid ?? '')
  const { status, events } = reconcileActive(cronJob, jobs)
  for (const { type, reason, message } of events) ctx.events.event(cronJob, type, reason, message)
  const pass: Pass = { ctx, cronJob, status }
  let failure: unknown
  let nextInMs: number | undefined
  try {
    nextInMs = await startIfDue(pass)
    for (const job of planHistory(cronJob, jobs)) await deleteJob(pass, job)
  } catch (error) {
    failure = error
  }
  if (!semanticEqual(cronJob.status, pass.status)) await ctx.client.updateStatus<CronJob>({ ...cronJob, status: pass.status })
  if (failure !== undefined) throw failure
  return nextInMs === undefined ? undefined : { requeueAfterMs: Math.max(0, nextInMs) }
}

/** Answers when to look again; undefined for never. */
async function startIfDue(pass: Pass): Promise<number | undefined> {
  const { ctx, cronJob } = pass
  const { suspend, startingDeadlineSeconds, timeZone } = cronJob.spec
  if (cronJob.metadata.deletionTimestamp) return undefined
  if (timeZone !== undefined && !isTimeZone(timeZone)) return warn(pass, 'UnknownTimeZone', `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`)
  if (suspend) return undefined
  const schedule = readSchedule(pass)
  if (!schedule) return undefined
  const nowMs = ctx.clock.now()
  const { dueMs, missedMany, isNever, nextInMs } = timingOf(cronJob, schedule, nowMs)
  if (isNever) return warn(pass, 'InvalidSchedule', `invalid schedule: ${cronJob.spec.schedule} : time difference between two schedules is less than 1 second`)
  if (dueMs === undefined) return nextInMs
  if (missedMany) warn(pass, 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew')
  if (startingDeadlineSeconds !== undefined && dueMs + startingDeadlineSeconds * 1000 < nowMs) {
    warn(pass, 'MissSchedule', `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString().replace('GMT', '+0000')}`)
    return nextInMs
  }
  const isStarted = pass.status.active?.some((ref) => ref.name === jobName(cronJob, dueMs)) || pass.status.lastScheduleTime === formatTime(dueMs)
  if (isStarted || !(await makeRoom(pass))) return nextInMs
  await start(pass, dueMs)
  return nextInMs
}

function warn({ ctx, cronJob }: Pass, reason: string, message: string): undefined {
  ctx.events.event(cronJob, 'Warning', reason, message)
}

function readSchedule(pass: Pass): CronSchedule | undefined {
  const { schedule = '' } = pass.cronJob.spec
  if (schedule.includes('TZ')) {
    const message = `CRON_TZ or TZ used in schedule "${schedule}" is not officially supported, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details`
    warn(pass, 'UnsupportedSchedule', message)
  }
  try {
    return scheduleOf(pass.cronJob)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    return warn(pass, 'UnparseableSchedule', `unparseable schedule: "${schedule}" : ${error.message}`)
  }
}

/** What runs yet forbids a new Job, is replaced by it, or does not matter. Answers whether one may start. */
async function makeRoom(pass: Pass): Promise<boolean> {
  const { ctx, cronJob, status } = pass
  const { concurrencyPolicy } = cronJob.spec
  if (concurrencyPolicy === 'Forbid' && status.active?.length) {
    ctx.events.event(cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid')
    return false
  }
  if (concurrencyPolicy !== 'Replace') return true
  for (const ref of status.active ?? []) {
    const job = ctx.informers.lister<Job>(JOB).get(cronJob.metadata.namespace ?? '', ref.name ?? '')
    if (job) await deleteJob(pass, job)
  }
  return true
}

async function start(pass: Pass, dueMs: number): Promise<void> {
  const { ctx, cronJob } = pass
  const wanted = jobFor(cronJob, dueMs)
  let job: Job
  try {
    job = await ctx.client.create(wanted)
    ctx.events.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${job.metadata.name}`)
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) {
      if (!isNamespaceTerminating(error)) warn(pass, 'FailedCreate', `Error creating job: ${messageOf(error)}`)
      throw error
    }
    job = await ctx.client.get<Job>(JOB, refOf(wanted))
    if (!isControlledBy(job, cronJob) || pass.status.active?.some((ref) => ref.uid === job.metadata.uid)) return
  }
  const { name, namespace, uid, resourceVersion } = job.metadata
  pass.status.active = [...(pass.status.active ?? []), { kind: 'Job', namespace, name, uid, apiVersion: 'batch/v1', resourceVersion }]
  pass.status.lastScheduleTime = formatTime(dueMs)
}

async function deleteJob(pass: Pass, job: Job): Promise<void> {
  const { ctx, cronJob } = pass
  try {
    await ctx.client.delete(JOB, refOf(job), { propagationPolicy: 'Background' })
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return
    warn(pass, 'FailedDelete', `Deleted job: ${messageOf(error)}`)
    throw error
  }
  pass.status.active = pass.status.active?.filter((ref) => ref.uid !== job.metadata.uid)
  ctx.events.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`)
}
