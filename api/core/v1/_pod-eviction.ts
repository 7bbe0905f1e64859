/**
 * Eviction: a delete that a PodDisruptionBudget may refuse. Models
 * k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go and k8s.io/component-helpers/apps/poddisruptionbudget.
 */
import type { Eviction, Pod, PodDisruptionBudget } from '../../../schemas/types.ts'
import { selectorFromLabelSelector } from '../../../src/apimachinery/labels.ts'
import { ParseError } from '../../../src/apimachinery/parse-error.ts'
import { formatTime } from '../../../src/clock.ts'
import { badRequest, conflict, field, forbidden, invalid, isStatusError, notFound, StatusError, type Status } from '../../../src/errors.ts'
import type { DeleteOptions, KubeObject, WriteContext } from '../../../src/registry/kind.ts'
import { created } from './_pod-binding.ts'
import { withPodCondition } from './_pod-conditions.ts'

const PDB = 'policy/v1/PodDisruptionBudget'
const PDB_RESOURCE = { group: 'policy', resource: 'poddisruptionbudget' }
/** More approved evictions than this, not yet seen by the budget's controller, and no further one is let through. */
const MAX_DISRUPTED_PODS = 2000
const MAX_ATTEMPTS = 20

interface Request {
  name: string
  ctx: WriteContext
  options: DeleteOptions
  /** The caller named the version it means: a conflict is then the answer, not a reason to try again. */
  isPinned: boolean
}

export async function evictPod({ name, body, ctx }: { name: string; body: KubeObject; ctx: WriteContext }): Promise<Status> {
  const eviction: Eviction = body
  if (name !== eviction.metadata.name) throw badRequest('name in URL does not match name in Eviction object')
  const given = eviction.deleteOptions ?? {}
  if (given.ignoreStoreReadErrorWithClusterBreakingPotential) {
    const why = 'can not be set for pod eviction, try after removing the option'
    throw invalid({ group: 'policy', kind: 'Eviction' }, name, [field.invalid('deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential', true, why)])
  }
  const isDryRun = ctx.dryRun || (given.dryRun ?? []).includes('All')
  const options: DeleteOptions = { ...given, dryRun: isDryRun ? ['All'] : [] }
  const request = { name, ctx, options, isPinned: given.preconditions?.resourceVersion !== undefined }

  const pod = await deleteUnbudgeted(request)
  if (!pod) return created
  const unreadyUnder = await claimDisruption(request, pod)
  try {
    await markAndDelete(request, unreadyUnder ? withVersion(options, pod) : options)
  } catch (error) {
    if (unreadyUnder && !request.isPinned && isStatusError(error, 'Conflict')) throw stillProcessed(unreadyUnder)
    throw error
  }
  return created
}

/** Pods that run nowhere are deleted without asking a budget; answers the pod when it has to be asked. */
async function deleteUnbudgeted(request: Request): Promise<Pod | undefined> {
  for (let attempt = 1; ; attempt++) {
    const pod = request.ctx.system.get<Pod>('v1/Pod', request.ctx.namespace, request.name)
    if (!pod) throw notFound({ group: '', resource: 'pods' }, request.name)
    const phase = pod.status?.phase
    const isOver = phase === 'Succeeded' || phase === 'Failed' || pod.metadata.deletionTimestamp !== undefined
    if (!isOver && phase !== 'Pending') return pod
    try {
      await markAndDelete(request, isOver || request.isPinned ? request.options : withVersion(request.options, pod))
      return undefined
    } catch (error) {
      if (request.isPinned || attempt >= MAX_ATTEMPTS || !isStatusError(error, 'Conflict') || isUIDMismatch(request, pod)) throw error
    }
  }
}

/** Trying again would not help. */
function isUIDMismatch({ options }: Request, pod: Pod): boolean {
  const uid = options.preconditions?.uid
  return uid !== undefined && uid !== pod.metadata.uid
}

function withVersion(options: DeleteOptions, pod: Pod): DeleteOptions {
  const { resourceVersion } = pod.metadata
  return resourceVersion === undefined ? options : { ...options, preconditions: { ...options.preconditions, resourceVersion } }
}

/**
 * Takes one disruption from the pod's budget, if it has one. Answers the budget's name when the pod may go for being
 * unready, which holds only for the version of it that was looked at.
 */
async function claimDisruption({ ctx, options }: Request, pod: Pod): Promise<string | undefined> {
  const budgets = ctx.system.list<PodDisruptionBudget>(PDB, ctx.namespace).filter((b) => selects(b, pod))
  const [budget] = budgets
  if (!budget) return undefined
  if (budgets.length > 1) throw new StatusError({ code: 500, message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.' })
  const name = budget.metadata.name ?? ''
  const isReady = pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
  if (!isReady) {
    const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {}
    if (budget.spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' || (currentHealthy >= desiredHealthy && desiredHealthy > 0)) return name
  }
  const podName = pod.metadata.name ?? ''
  const dryRun = (options.dryRun ?? []).length > 0
  await ctx.system.update<PodDisruptionBudget>(PDB, { namespace: ctx.namespace, name }, (b) => decrement(b, podName, formatTime(ctx.clock.now())), { subresource: 'status', dryRun })
  return undefined
}

function selects(budget: PodDisruptionBudget, pod: Pod): boolean {
  try {
    return selectorFromLabelSelector(budget.spec.selector).matches(pod.metadata.labels)
  } catch (error) {
    if (error instanceof ParseError) return false
    throw error
  }
}

/** The budget with one disruption less, or the reason why there is none. */
export function decrement(budget: PodDisruptionBudget, podName: string, now: string): PodDisruptionBudget {
  const name = budget.metadata.name ?? ''
  const status = budget.status ?? {}
  const { disruptionsAllowed = 0, disruptedPods = {}, observedGeneration = 0 } = status
  if (observedGeneration < (budget.metadata.generation ?? 0)) throw stillProcessed(name)
  if (disruptionsAllowed < 0) throw forbidden(PDB_RESOURCE, name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > MAX_DISRUPTED_PODS) throw forbidden(PDB_RESOURCE, name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (disruptionsAllowed === 0) throw tooManyEvictions(refusal(budget))
  const left = disruptionsAllowed - 1
  const next = { ...status, disruptionsAllowed: left, disruptedPods: { ...disruptedPods, [podName]: now } }
  return { ...budget, status: left === 0 ? withoutDisruptions(next, now) : next }
}

type BudgetStatus = NonNullable<PodDisruptionBudget['status']>

function withoutDisruptions(status: BudgetStatus, now: string): BudgetStatus {
  const others = (status.conditions ?? []).filter((c) => c.type !== 'DisruptionAllowed')
  const before = (status.conditions ?? []).find((c) => c.type === 'DisruptionAllowed')
  const condition = {
    type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods', message: '',
    ...(status.observedGeneration === undefined ? {} : { observedGeneration: status.observedGeneration }),
    lastTransitionTime: before?.status === 'False' && before.lastTransitionTime ? before.lastTransitionTime : now,
  }
  return { ...status, conditions: before ? (status.conditions ?? []).map((c) => (c === before ? condition : c)) : [...others, condition] }
}

function refusal(budget: PodDisruptionBudget): string {
  const name = budget.metadata.name ?? ''
  const { currentHealthy = 0, desiredHealthy = 0, conditions = [] } = budget.status ?? {}
  const condition = conditions.find((c) => c.type === 'DisruptionAllowed')
  const says = condition?.status === 'False' && condition.message ? condition : undefined
  if (says?.reason === 'SyncFailed') return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${says.message ?? ''}`
  if (currentHealthy <= desiredHealthy) return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
  if (says) return `The disruption budget ${name} does not allow evicting pods currently (${says.reason ?? ''}): ${says.message ?? ''}`
  return `The disruption budget ${name} does not allow evicting pods currently`
}

function tooManyEvictions(message: string, retryAfterSeconds?: number): StatusError {
  return new StatusError({
    code: 429,
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: { causes: [{ reason: 'DisruptionBudget', message }], ...(retryAfterSeconds ? { retryAfterSeconds } : {}) },
  })
}

function stillProcessed(budgetName: string): StatusError {
  return tooManyEvictions(`The disruption budget ${budgetName} is still being processed by the server.`, 10)
}

/** Tells in the pod's status why it goes, then deletes it; preconditions hold for both writes together. */
async function markAndDelete({ name, ctx }: Request, options: DeleteOptions): Promise<void> {
  const ref = { namespace: ctx.namespace, name }
  let effective = options
  if (!options.dryRun?.length) {
    const marked = await ctx.system.update<Pod>('v1/Pod', ref, (pod) => {
      checkPreconditions(pod, options)
      const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }
      return { ...pod, status: withPodCondition(pod.status, condition, ctx.clock.now()) }
    }, { subresource: 'status' })
    if (options.preconditions?.resourceVersion !== undefined) effective = withVersion(options, marked)
  }
  await ctx.system.delete('v1/Pod', ref, effective)
}

function checkPreconditions(pod: Pod, { preconditions }: DeleteOptions): void {
  const gr = { group: '', resource: 'Pod' }
  const { name = '', uid = '', resourceVersion = '' } = pod.metadata
  if (preconditions?.uid && preconditions.uid !== uid) {
    throw conflict(gr, name, `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`)
  }
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(gr, name, `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`)
  }
}
