/**
 * Pods with an ordinal, a name, a host name and claims of their own, made, updated and taken away in order.
 * Models k8s.io/kubernetes/pkg/controller/statefulset.
 */
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '../schemas/types.ts'
import { defineController, type ControllerContext, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { applyClaims, planClaims, refOf } from '../src/controller/owners.ts'
import { messageOf, slowStart } from '../src/controller/pod-control.ts'
import { indexOrphans, ownedAndOrphans, podStatusChanged, watchOwned } from '../src/controller/pod-index.ts'
import { nextAvailabilityMs } from '../src/controller/pods.ts'
import { REVISION_KIND, adoptRevisions, createRevision, newRevision, renumberRevision, revisionsOf, sameRevision, sortRevisions, templateData } from '../src/controller/revision-history.ts'
import { selectorOf } from '../src/controller/selectors.ts'
import { isStatusError } from '../src/errors.ts'
import { plan, statusOf, type Revisions, type StatefulPlan, type Step } from './_statefulset-plan.ts'
import { KIND, claimName, claimRefs, claimsOf, isMemberOf, ordinalOf, revisionOf, withIdentity } from './_statefulset-pods.ts'

export { plan, statusOf } from './_statefulset-plan.ts'

const CLAIM = 'v1/PersistentVolumeClaim'
const HASH_LABEL = 'controller.kubernetes.io/hash'

const selector = (set: StatefulSet) => selectorOf(set.spec.selector)

export default defineController<StatefulSet>({
  name: 'statefulset',
  for: KIND,
  watches: { 'v1/Pod': watchOwned<Pod, StatefulSet>(KIND, selector, podStatusChanged) },
  setup(ctx) {
    indexOrphans(ctx)
    indexOrphans(ctx, REVISION_KIND)
  },
  reconcile,
})

async function reconcile(set: StatefulSet, ctx: ControllerContext): Promise<Result | void> {
  const history = sortRevisions(await adoptRevisions(ctx, set, { kind: KIND, revisions: revisionsOf(ctx, set, selector(set)) }))
  const claims = planClaims(set, ownedAndOrphans<Pod>(ctx, set, 'v1/Pod'), (pod) => selector(set).matches(pod.metadata.labels) && isMemberOf(set, pod))
  const pods = await applyClaims(ctx, set, claims, { ownerKind: KIND, kind: 'v1/Pod' })
  const { revisions, collisionCount } = await currentRevisions(ctx, set, history)

  const claim = (name: string) => ctx.informers.lister<PersistentVolumeClaim>(CLAIM).get(set.metadata.namespace ?? '', name)
  const wanted = plan({ set, pods, revisions, claim, nowMs: ctx.clock.now() })
  let failure: unknown
  try {
    for (const group of wanted.groups) {
      if (wanted.parallel) await slowStart(group.length, async (i) => group[i] && carryOut(ctx, set, group[i]))
      else for (const step of group) await carryOut(ctx, set, step)
    }
  } catch (error) {
    failure = error
  }
  const after = wanted.groups.some((group) => group.length > 0) ? ownedAndOrphans<Pod>(ctx, set, 'v1/Pod').filter((pod) => claimedAfter(set, pod)) : pods
  const nowMs = ctx.clock.now()
  const status = statusOf(set, [...after, ...replacedBy(wanted, after)], { revisions, collisionCount, nowMs })
  if (!semanticEqual({ ...set.status, conditions: undefined }, status)) await ctx.client.updateStatus<StatefulSet>({ ...set, status: { ...set.status, ...cleared, ...status } })
  if (failure !== undefined) throw failure
  await truncateHistory(ctx, set, { pods: after, revisions, history })

  const { minReadySeconds = 0 } = set.spec
  if (minReadySeconds > 0 && (status.readyReplicas ?? 0) !== (status.availableReplicas ?? 0)) return { requeueAfterMs: nextAvailabilityMs(after, minReadySeconds, nowMs) ?? minReadySeconds * 1000 }
}

/** Pods that this pass has deleted to make them anew: its status counts them still, and by it the next one tells which revision they get. */
function replacedBy({ groups: [first = []] }: StatefulPlan, after: readonly Pod[]): Pod[] {
  return first.filter((step) => step.do === 'delete' && !after.some((pod) => pod.metadata.uid === step.pod.metadata.uid)).map((step) => step.pod)
}

/** What a status without them must not keep from the former one. */
const cleared = { readyReplicas: undefined, currentReplicas: undefined, updatedReplicas: undefined }

function claimedAfter(set: StatefulSet, pod: Pod): boolean {
  return pod.metadata.ownerReferences?.some((ref) => ref.controller && ref.uid === set.metadata.uid) === true && selector(set).matches(pod.metadata.labels) && isMemberOf(set, pod)
}

/** The revision of the present template, made or brought back if need be, and the one that most pods have yet. */
async function currentRevisions(ctx: ControllerContext, set: StatefulSet, history: readonly ControllerRevision[]): Promise<{ revisions: Revisions; collisionCount: number }> {
  let collisionCount = set.status?.collisionCount ?? 0
  const newest = history.at(-1)
  const draft = () =>
    newRevision(set, {
      kind: KIND,
      data: templateData(set.spec.template),
      revision: (newest?.revision ?? 0) + 1,
      labels: { ...set.spec.template?.metadata?.labels },
      annotations: set.metadata.annotations,
      collisionCount,
      hashLabel: HASH_LABEL,
    })
  const wanted = draft()
  const equal = history.filter((r) => sameRevision(r, wanted)).at(-1)
  let update = equal && (newest && sameRevision(newest, equal) ? newest : await renumberRevision(ctx, equal, wanted.revision ?? 1))
  while (!update) {
    const proposed = draft()
    const there = await createRevision(ctx, proposed)
    if (sameRevision(there, proposed)) update = there
    else collisionCount++
  }
  const current = history.find((r) => r.metadata.name === set.status?.currentRevision) ?? update
  return { revisions: { current, update }, collisionCount }
}

/** Revisions that no pod has and that are neither current nor new, oldest first, as far as they exceed the limit. */
async function truncateHistory(ctx: ControllerContext, set: StatefulSet, { pods, revisions, history }: { pods: readonly Pod[]; revisions: Revisions; history: readonly ControllerRevision[] }): Promise<void> {
  const limit = set.spec.revisionHistoryLimit ?? 10
  const live = new Set([revisions.current.metadata.name, revisions.update.metadata.name, ...pods.map(revisionOf)])
  const dead = history.filter((r) => !live.has(r.metadata.name))
  if (limit < 0 || dead.length <= limit) return
  for (const revision of dead.slice(0, dead.length - limit)) await ctx.client.delete(REVISION_KIND, refOf(revision))
}

async function carryOut(ctx: ControllerContext, set: StatefulSet, { do: what, pod }: Step): Promise<void> {
  if (what === 'create') return createStateful(ctx, set, pod)
  if (what === 'delete') return recorded(ctx, set, { verb: 'Delete', pod }, () => ignoreNotFound(ctx.client.delete('v1/Pod', refOf(pod))))
  if (what === 'owners') return setClaimOwners(ctx, set, pod)
  if (what === 'claims') {
    await createClaims(ctx, set, pod)
    return quiet(ctx, set, { verb: 'Update', pod }, () => setClaimOwners(ctx, set, pod))
  }
  await quiet(ctx, set, { verb: 'Update', pod }, async () => {
    await createClaims(ctx, set, pod)
    await setClaimOwners(ctx, set, pod)
  })
  const fixed = withIdentity(set, pod)
  if (fixed !== pod) await recorded(ctx, set, { verb: 'Update', pod }, () => ctx.client.update(fixed))
}

async function createStateful(ctx: ControllerContext, set: StatefulSet, pod: Pod): Promise<void> {
  const act = { verb: 'Create', pod }
  await quiet(ctx, set, act, () => createClaims(ctx, set, pod))
  try {
    await ctx.client.create(pod)
  } catch (error) {
    if (!isStatusError(error, 'AlreadyExists')) tell(ctx, set, { ...act, error })
    throw error
  }
  await quiet(ctx, set, { verb: 'Update', pod }, () => setClaimOwners(ctx, set, pod))
  tell(ctx, set, act)
}

interface Act {
  verb: string
  pod: Pod
  error?: unknown
}

function tell(ctx: ControllerContext, set: StatefulSet, { verb, pod, error }: Act): void {
  const what = `${verb} Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`
  if (error === undefined) ctx.events.event(set, 'Normal', `Successful${verb}`, `${what} successful`)
  else ctx.events.event(set, 'Warning', `Failed${verb}`, `${what} failed error: ${messageOf(error)}`)
}

async function recorded(ctx: ControllerContext, set: StatefulSet, act: Act, write: () => Promise<unknown>): Promise<void> {
  await quiet(ctx, set, act, write)
  tell(ctx, set, act)
}

/** Tells of a failure only. */
async function quiet(ctx: ControllerContext, set: StatefulSet, act: Act, write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    tell(ctx, set, { ...act, error })
    throw error
  }
}

async function ignoreNotFound(write: Promise<void>): Promise<void> {
  try {
    await write
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}

async function createClaims(ctx: ControllerContext, set: StatefulSet, pod: Pod): Promise<void> {
  const problems: string[] = []
  for (const claim of claimsOf(set, ordinalOf(pod))) {
    const there = ctx.informers.lister<PersistentVolumeClaim>(CLAIM).get(claim.metadata.namespace ?? '', claim.metadata.name ?? '')
    if (there?.metadata.deletionTimestamp) problems.push(`pvc ${claim.metadata.name} is being deleted`)
    if (there) continue
    const [about, tail] = [`Claim ${claim.metadata.name}`, `Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name}`]
    try {
      await ctx.client.create(claim)
      ctx.events.event(set, 'Normal', 'SuccessfulCreate', `Create ${about} ${tail} success`)
    } catch (error) {
      problems.push(`failed to create PVC ${claim.metadata.name}: ${messageOf(error)}`)
      if (!isStatusError(error, 'AlreadyExists')) ctx.events.event(set, 'Warning', 'FailedCreate', `Create ${about} for ${tail} failed error: ${messageOf(error)}`)
    }
  }
  if (problems.length > 0) throw new Error(problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`)
}

async function setClaimOwners(ctx: ControllerContext, set: StatefulSet, pod: Pod): Promise<void> {
  for (const template of set.spec.volumeClaimTemplates ?? []) {
    const name = claimName(template, set, ordinalOf(pod))
    const claim = ctx.informers.lister<PersistentVolumeClaim>(CLAIM).get(set.metadata.namespace ?? '', name)
    const change = claim && claimRefs(claim, set, pod)
    if (!claim || !change) continue
    if (change.conflicting)
      ctx.events.event(set, 'Warning', 'ConflictingController', `PersistentVolumeClaim ${name} has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim`)
    await ctx.client.update<PersistentVolumeClaim>({ ...claim, metadata: { ...claim.metadata, ownerReferences: change.references } })
  }
}
