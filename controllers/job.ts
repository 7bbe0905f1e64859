/**
 * Runs pods to completion, counting each exactly once: a pod carries a finalizer until its end is in the Job's status.
 * Models k8s.io/kubernetes/pkg/controller/job.
 */
import type { Job, JobCondition, JobStatus, Pod } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import { defineController, keyOf, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { applyClaims, controllerKey, controllerOf, planClaims, refOf } from '../src/controller/owners.ts'
import { all, createPod, deletePod, isNamespaceTerminating, podFromTemplate, slowStart } from '../src/controller/pod-control.ts'
import { indexOrphans, ownedAndOrphans, watchOwned } from '../src/controller/pod-index.ts'
import { isPodReady } from '../src/controller/pods.ts'
import { selectorOf } from '../src/controller/selectors.ts'
import { perCluster } from '../src/controller/state.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { INDEX } from './_job-indexes.ts'
import { TRACKING, hasLimitPerIndex, isFinished, isTracked, jobCondition, planPods, verdict, viewOf, type JobPods, type JobView } from './_job-plan.ts'
import { replacementAnnotations, type Backoff } from './_job-policy.ts'
import { planTracking, withoutUntracked } from './_job-tracking.ts'

export { planPods, verdict, viewOf } from './_job-plan.ts'

const KIND = 'batch/v1/Job'
const MANAGER = 'kubernetes.io/job-controller'
const BY_JOB = 'job'

const selector = (job: Job) => selectorOf(job.spec.selector)
const backoffs = perCluster(() => new Map<Key, Backoff>())

const owned = watchOwned<Pod, Job>(KIND, selector)

export default defineController<Job>({
  name: 'job',
  for: KIND,
  retryDelaysMs: [1000, 60_000],
  watches: { 'v1/Pod': jobsOfPod },
  setup(ctx) {
    indexOrphans(ctx)
    ctx.informers.for<Pod>('v1/Pod').addIndex(BY_JOB, (pod) => (isTracked(pod) ? [jobKeyOf(pod)] : []))
  },
  wakes: (job, old) => !old || !isFinished(job) || !isFinished(old),
  reconcile,
  async deleted(key, ctx) {
    backoffs(ctx).delete(key)
    await freeOrphans(key, undefined, ctx)
  },
})

/** The Job a tracked pod belongs to or belonged to. */
function jobKeyOf(pod: Pod): Key {
  const name = pod.metadata.labels?.['batch.kubernetes.io/job-name'] ?? controllerOf(pod)?.name ?? ''
  return keyOf({ metadata: { namespace: pod.metadata.namespace, name } })
}

function jobsOfPod(object: KubeObject, ctx: ControllerContext, old?: KubeObject): readonly Key[] {
  const keys = owned(object, ctx, old)
  const pod = object as Pod
  return isTracked(pod) && !controllerKey(pod, KIND) ? [...keys, jobKeyOf(pod)] : keys
}

/** Pods that are tracked for nobody any more lose the finalizer, or they could not go. */
async function freeOrphans(key: Key, job: Job | undefined, ctx: ControllerContext): Promise<void> {
  const pods = ctx.informers.lister<Pod>('v1/Pod').byIndex(BY_JOB, key)
  await all(pods.filter((pod) => !job || controllerOf(pod)?.uid !== job.metadata.uid).map((pod) => dropFinalizer(pod, ctx)))
}

async function dropFinalizer(pod: Pod, ctx: ControllerContext): Promise<void> {
  try {
    await ctx.client.patch<Pod>('v1/Pod', refOf(pod), { metadata: { uid: pod.metadata.uid, '$deleteFromPrimitiveList/finalizers': [TRACKING] } }, { type: 'strategic' })
  } catch (error) {
    // Another pod may have its name by now.
    if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'Conflict')) throw error
  }
}

/** One pass over a Job: what it works with, and what its status is to be. */
interface Pass {
  ctx: ControllerContext
  view: JobView
  status: JobStatus
  finished: JobCondition | undefined
  requeueAfterMs: number | undefined
}

async function reconcile(stored: Job, ctx: ControllerContext): Promise<Result | void> {
  const key = keyOf(stored)
  if (stored.spec.managedBy !== undefined && stored.spec.managedBy !== MANAGER) return
  await freeOrphans(key, stored, ctx)
  if (isFinished(stored)) return void backoffs(ctx).delete(key)
  const claims = planClaims(stored, ownedAndOrphans<Pod>(ctx, stored, 'v1/Pod'), (pod) => selector(stored).matches(pod.metadata.labels))
  const pods = await applyClaims(ctx, stored, claims, { ownerKind: KIND, kind: 'v1/Pod', finalizers: [TRACKING] })
  const now = ctx.clock.now()
  const started = stored.status?.startTime === undefined && !stored.spec.suspend ? formatTime(now) : stored.status?.startTime
  const job: Job = { ...stored, status: { ...stored.status, uncountedTerminatedPods: stored.status?.uncountedTerminatedPods ?? {}, ...(started ? { startTime: started } : {}) } }
  const view = viewOf(job, pods, backoffs(ctx).get(key))
  const pass: Pass = { ctx, view, status: { ...job.status }, finished: verdict(view, now), requeueAfterMs: deadlineMs(job, now) }
  let failure: unknown
  try {
    await (pass.finished ? stop(pass) : go(pass))
  } catch (error) {
    failure = error
  }
  pass.status.ready = view.ready
  pass.status.terminating = view.terminating
  await track(pass)
  if (failure !== undefined) throw failure
  return pass.requeueAfterMs === undefined ? undefined : { requeueAfterMs: pass.requeueAfterMs }
}

function deadlineMs(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec
  if (activeDeadlineSeconds === undefined || suspend || !job.status?.startTime) return undefined
  const leftMs = Date.parse(job.status.startTime) + activeDeadlineSeconds * 1000 - nowMs
  return leftMs > 0 ? leftMs : undefined
}

/** The Job is to end: its active pods go first. */
async function stop(pass: Pass): Promise<void> {
  const { view, ctx } = pass
  const deleted = await Promise.allSettled(view.active.map((pod) => deletePod(ctx, view.job, pod)))
  const gone = view.active.filter((_, i) => deleted[i]?.status === 'fulfilled')
  noteDeleted(pass, gone)
  const failed = deleted.find((d) => d.status === 'rejected')
  if (!failed) return
  pass.finished = undefined
  throw failed.reason
}

function noteDeleted({ view, status }: Pass, gone: readonly Pod[]): void {
  view.terminating += gone.length
  view.ready -= gone.filter(isPodReady).length
  status.active = view.active.length - gone.length
}

/** The Job goes on: pods are made or deleted, and it may be complete or suspended by that. */
async function go(pass: Pass): Promise<void> {
  const { ctx, view, status } = pass
  const { job } = view
  status.active = view.active.length
  if (!job.metadata.deletionTimestamp) {
    const wanted = planPods(view, ctx.clock.now())
    if (wanted.requeueAfterMs !== undefined) pass.requeueAfterMs = Math.min(pass.requeueAfterMs ?? Infinity, wanted.requeueAfterMs)
    await carryOut(pass, wanted)
  }
  const { completions } = job.spec
  const complete = status.active === 0 && (completions === undefined ? view.succeeded > 0 : view.succeeded >= completions)
  if (complete) pass.finished = jobCondition('SuccessCriteriaMet', ['CompletionsReached', 'Reached expected number of succeeded pods'], ctx.clock.now())
  else if (!job.metadata.deletionTimestamp) suspendOrResume(pass)
}

async function carryOut(pass: Pass, wanted: JobPods): Promise<void> {
  const { ctx, view, status } = pass
  if (wanted.delete.length > 0) {
    await all(wanted.delete.map(async (pod) => {
      await dropFinalizer(pod, ctx)
      await deletePod(ctx, view.job, pod)
    }))
    noteDeleted(pass, wanted.delete)
  }
  if (wanted.create === 0) return
  try {
    await slowStart(wanted.create, async (i) => {
      await createPod(ctx, view.job, podFor(view, wanted.indexes?.[i]))
      status.active = (status.active ?? 0) + 1
    })
  } catch (error) {
    if (!isNamespaceTerminating(error)) throw error
  }
}

function podFor({ job, indexes }: JobView, index: number | undefined): Pod {
  const pod = podFromTemplate(job.spec.template, job, KIND)
  const finalizers = [...new Set([...(pod.metadata.finalizers ?? []), TRACKING])]
  if (index === undefined) return { ...pod, metadata: { ...pod.metadata, finalizers } }
  const { metadata, spec } = pod
  const suffix = `-${index}-`
  const withIndex = (containers: NonNullable<Pod['spec']['containers']> | undefined) =>
    containers?.map((c) => (c.env?.some((e) => e.name === 'JOB_COMPLETION_INDEX') ? c : { ...c, env: [...(c.env ?? []), { name: 'JOB_COMPLETION_INDEX', valueFrom: { fieldRef: { fieldPath: `metadata.labels['${INDEX}']` } } }] }))
  return {
    ...pod,
    metadata: {
      ...metadata,
      generateName: `${(job.metadata.name ?? '').slice(0, 58 - suffix.length)}${suffix}`,
      finalizers,
      labels: { ...metadata.labels, [INDEX]: String(index) },
      annotations: { ...metadata.annotations, [INDEX]: String(index), ...(hasLimitPerIndex(job) ? replacementAnnotations(job, indexes?.lastFailed.get(index)) : {}) },
    },
    spec: { ...spec, hostname: `${job.metadata.name}-${index}`, containers: withIndex(spec.containers), ...(spec.initContainers ? { initContainers: withIndex(spec.initContainers) } : {}) },
  }
}

function suspendOrResume({ ctx, view, status }: Pass): void {
  const { job } = view
  const suspended = job.spec.suspend === true
  const current = conditionOf(status.conditions, 'Suspended')
  if (suspended ? current?.status === 'True' : current?.status !== 'True') return
  const now = ctx.clock.now()
  const condition: JobCondition = { ...jobCondition('Suspended', suspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed'], now), status: suspended ? 'True' : 'False' }
  status.conditions = current ? status.conditions?.map((c) => (c === current ? condition : c)) : [...(status.conditions ?? []), condition]
  if (suspended) delete status.startTime
  else status.startTime = formatTime(now)
  ctx.events.event(job, 'Normal', suspended ? 'Suspended' : 'Resumed', suspended ? 'Job suspended' : 'Job resumed')
}

/** Writes down which pods ended, frees them, then counts them; and ends the Job when all is counted and gone. */
async function track(pass: Pass): Promise<void> {
  const { ctx, view } = pass
  let { job } = view
  const tracking = planTracking(view, pass.status, pass.finished)
  let { status, finished } = tracking
  if (finished?.type === 'FailureTarget') {
    status.conditions = [...(status.conditions ?? []), finished]
    finished = jobCondition('Failed', [finished.reason ?? '', finished.message ?? ''], ctx.clock.now())
  } else if (finished?.type === 'SuccessCriteriaMet') {
    if (conditionOf(status.conditions, 'SuccessCriteriaMet')?.status !== 'True') status.conditions = [...(status.conditions ?? []), finished]
    finished = jobCondition('Complete', [finished.reason ?? '', finished.message ?? ''], ctx.clock.now())
  }
  job = await write(pass, job, status)
  backoffs(ctx).set(keyOf(job), view.backoff)
  await all(tracking.release.map((pod) => dropFinalizer(pod, ctx)))
  const released = new Set(tracking.release.map((pod) => pod.metadata.uid ?? ''))
  status = withoutUntracked(status, new Set([...tracking.tracked].filter((uid) => !released.has(uid))))
  const uncounted = (status.uncountedTerminatedPods?.succeeded?.length ?? 0) + (status.uncountedTerminatedPods?.failed?.length ?? 0)
  const ended = finished && !tracking.more && uncounted === 0 && view.terminating === 0 ? finished : undefined
  if (ended) status = { ...status, conditions: [...(status.conditions ?? []), ended], ...(ended.type === 'Complete' ? { completionTime: ended.lastTransitionTime } : {}) }
  await write(pass, job, status)
  if (ended) tellEnd(ctx, { job, status, ended })
  else if (tracking.more) ctx.enqueue(keyOf(job))
}

async function write({ ctx }: Pass, job: Job, status: JobStatus): Promise<Job> {
  const stored = ctx.informers.lister<Job>(KIND).get(job.metadata.namespace ?? '', job.metadata.name ?? '')
  const shaped = shape(status)
  if (stored && stored.metadata.resourceVersion === job.metadata.resourceVersion && semanticEqual(stored.status, shaped)) return job
  return ctx.client.updateStatus<Job>({ ...job, status: shaped })
}

/** Without the zeros that are not written. */
function shape(status: JobStatus): JobStatus {
  const out = { ...status }
  for (const name of ['active', 'succeeded', 'failed'] as const) if (!out[name]) delete out[name]
  if (!out.completedIndexes) delete out.completedIndexes
  return out
}

function tellEnd(ctx: ControllerContext, { job, status, ended }: { job: Job; status: JobStatus; ended: JobCondition }): void {
  if (ended.type !== 'Complete') return ctx.events.event(job, 'Warning', ended.reason ?? '', ended.message ?? '')
  if (job.spec.completions !== undefined && (status.succeeded ?? 0) > job.spec.completions) ctx.events.event(job, 'Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached')
  ctx.events.event(job, 'Normal', 'Completed', 'Job completed')
}
