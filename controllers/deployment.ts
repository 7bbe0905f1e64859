/**
 * Rolls a Deployment's template out over ReplicaSets. Models k8s.io/kubernetes/pkg/controller/deployment: read, find the
 * current set (making it if need be), scale one step, write the status once.
 */
import type { Deployment, DeploymentCondition, DeploymentStatus, Pod, ReplicaSet } from '../schemas/types.ts'
import { conditionOf, withCondition } from '../src/controller/conditions.ts'
import { defineController, keyOf, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { applyClaims, controllerOf, isControlledBy, planClaims, refOf } from '../src/controller/owners.ts'
import { isNamespaceTerminating, messageOf } from '../src/controller/pod-control.ts'
import { indexOrphans, ownedAndOrphans, watchOwned } from '../src/controller/pod-index.ts'
import { isPodTerminal } from '../src/controller/pods.ts'
import { selectorOf } from '../src/controller/selectors.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { allSets, currentSize, isScaling, planCleanup, planRecreate, planRolling, planScaling, type Scale } from './_deployment-plan.ts'
import { KIND, REVISION, ROLLBACK_TO, SET_KIND, annotated, lastRevision, newReplicaSet, nextRevision, parseRevision, replicasAnnotations, revisionOf, rolledBack, sameTemplate, sizeOf, splitSets, type Sets } from './_deployment-revision.ts'
import { deadlineCheckMs, hasProgressDeadline, isComplete, pausedConditions, plainStatus, progressing, rolloutStatus } from './_deployment-status.ts'

const selector = (d: Deployment) => selectorOf(d.spec.selector)

export default defineController<Deployment>({
  name: 'deployment',
  for: KIND,
  watches: { [SET_KIND]: watchOwned<ReplicaSet, Deployment>(KIND, selector), 'v1/Pod': recreating },
  setup: (ctx) => indexOrphans(ctx, SET_KIND),
  reconcile,
})

/** A Recreate waits for the last old pod to go. */
function recreating(pod: KubeObject, ctx: ControllerContext): readonly Key[] {
  const setUid = controllerOf(pod)?.uid
  const set = setUid && ctx.informers.lister<ReplicaSet>(SET_KIND).byUid(setUid)
  const uid = set ? controllerOf(set)?.uid : undefined
  const d = uid ? ctx.informers.lister<Deployment>(KIND).byUid(uid) : undefined
  return d?.spec.strategy?.type === 'Recreate' ? [keyOf(d)] : []
}

async function reconcile(stored: Deployment, ctx: ControllerContext): Promise<Result | void> {
  if (semanticEqual(stored.spec.selector, {})) return refuseSelectingAll(stored, ctx)
  const sets = await claimSets(stored, ctx)
  // From here on `work.d` is the Deployment with what this pass has to say in its conditions and annotations.
  const work: Work = { ctx, stored, d: stored, sets: splitSets(stored, sets) }
  if (stored.metadata.deletionTimestamp) {
    await refreshCurrent(work)
    return writeStatus(work, plainStatus(work.d, work.sets, ctx.clock.now()))
  }
  setConditions(work, pausedConditions(stored, ctx.clock.now()))
  if (!stored.spec.paused && parseRevision(stored.metadata.annotations?.[ROLLBACK_TO] ?? '') !== undefined) return rollBack(work)
  await refreshCurrent(work)
  if (stored.spec.paused || isScaling(stored, work.sets)) {
    await scaleAll(work, planScaling(work.d, work.sets))
    if (stored.spec.paused) await cleanUp(work)
    return writeStatus(work, plainStatus(work.d, work.sets, ctx.clock.now()))
  }
  return rollOut(work)
}

interface Work {
  ctx: ControllerContext
  stored: Deployment
  d: Deployment
  sets: Sets
}

async function rollOut(work: Work): Promise<Result | void> {
  const { ctx } = work
  const recreate = work.stored.spec.strategy?.type === 'Recreate'
  const oldPodsRun = recreate && doOldPodsRun(work)
  const mustWait = oldPodsRun || (recreate && work.sets.old.some((rs) => sizeOf(rs) > 0))
  if (!work.sets.current && !mustWait) await createCurrent(work)
  const { current, old } = work.sets
  const scales = recreate ? planRecreate(work.d, work.sets, oldPodsRun) : current ? planRolling(work.d, current, old) : []
  await scaleAll(work, scales)
  if (scales.length === 0 && isComplete(work.d, work.d.status)) await cleanUp(work)
  const status = rolloutStatus(work.d, work.sets, ctx.clock.now())
  await writeStatus(work, status)
  const requeueAfterMs = deadlineCheckMs(work.d, status, ctx.clock.now())
  return requeueAfterMs === undefined ? undefined : { requeueAfterMs }
}

async function claimSets(d: Deployment, ctx: ControllerContext): Promise<ReplicaSet[]> {
  const claims = planClaims(d, ownedAndOrphans<ReplicaSet>(ctx, d, SET_KIND), (rs) => selector(d).matches(rs.metadata.labels))
  return applyClaims(ctx, d, claims, { ownerKind: KIND, kind: SET_KIND })
}

function setConditions(work: Work, conditions: DeploymentCondition[] | undefined): void {
  if (conditions !== work.d.status?.conditions) work.d = { ...work.d, status: { ...work.d.status, conditions } }
}

function setRevision(work: Work, revision: string | undefined): void {
  const { annotations } = work.d.metadata
  if (revision !== undefined && annotations?.[REVISION] !== revision) work.d = { ...work.d, metadata: { ...work.d.metadata, annotations: { ...annotations, [REVISION]: revision } } }
}

/** Brings the annotations of the current set up to date, and the Deployment's revision with them. */
async function refreshCurrent(work: Work): Promise<void> {
  const { current, old } = work.sets
  if (!current) return
  const wanted = annotated(work.d, current, nextRevision(old))
  const fresh = wanted === current ? current : await work.ctx.client.update(wanted)
  work.sets = { current: fresh, old }
  setRevision(work, fresh.metadata.annotations?.[REVISION])
  const { conditions } = work.d.status ?? {}
  if (hasProgressDeadline(work.d) && !conditionOf(conditions, 'Progressing'))
    setConditions(work, withCondition(conditions, progressing('True', 'FoundNewReplicaSet', [`Found new replica set "${fresh.metadata.name}"`, work.ctx.clock.now()]), true))
}

async function createCurrent(work: Work): Promise<void> {
  const { ctx, d, sets } = work
  const revision = nextRevision(sets.old)
  const draft = newReplicaSet(d, revision)
  const wanted = { ...draft, spec: { ...draft.spec, replicas: currentSize(d, sets.old, 0) } }
  const made = await tryCreate(work, wanted)
  work.sets = { current: made.set, old: sets.old }
  setRevision(work, String(revision))
  if (made.found) return
  if (sizeOf(wanted) > 0) ctx.events.event(work.stored, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${made.set.metadata.name} from 0 to ${sizeOf(wanted)}`)
  if (hasProgressDeadline(d))
    setConditions(work, withCondition(d.status?.conditions, progressing('True', 'NewReplicaSetCreated', [`Created new replica set "${made.set.metadata.name}"`, ctx.clock.now()]), true))
}

/** A set of that name that is ours is found; one that is not makes the next try use another hash. */
async function tryCreate(work: Work, wanted: ReplicaSet): Promise<{ set: ReplicaSet; found: boolean }> {
  const { ctx, d } = work
  try {
    return { set: await ctx.client.create(wanted), found: false }
  } catch (error) {
    if (isStatusError(error, 'AlreadyExists')) {
      const there = ctx.informers.lister<ReplicaSet>(SET_KIND).get(d.metadata.namespace ?? '', wanted.metadata.name ?? '')
      if (there && isControlledBy(there, d) && sameTemplate(there.spec.template, d.spec.template)) return { set: there, found: true }
      await ctx.client.updateStatus({ ...d, status: { ...d.status, collisionCount: (d.status?.collisionCount ?? 0) + 1 } })
    } else if (!isNamespaceTerminating(error)) {
      const message = `Failed to create new replica set "${wanted.metadata.name}": ${messageOf(error)}`
      ctx.events.event(work.stored, 'Warning', 'ReplicaSetCreateError', message)
      if (hasProgressDeadline(d)) {
        setConditions(work, withCondition(d.status?.conditions, progressing('False', 'ReplicaSetCreateError', [message, ctx.clock.now()]), true))
        await writeStatus(work, work.d.status ?? {})
      }
    }
    throw error
  }
}

async function scaleAll(work: Work, scales: readonly Scale[]): Promise<void> {
  const { ctx, stored } = work
  const latest = new Map<ReplicaSet, ReplicaSet>()
  for (const { set, replicas } of scales) {
    const before = latest.get(set) ?? set
    const from = sizeOf(before)
    const wanted = { ...before, metadata: { ...before.metadata, annotations: { ...before.metadata.annotations, ...replicasAnnotations(work.d) } }, spec: { ...before.spec, replicas } }
    if (from === replicas && semanticEqual(wanted.metadata.annotations, before.metadata.annotations)) continue
    const after = await ctx.client.update(wanted)
    latest.set(set, after)
    if (from !== replicas) ctx.events.event(stored, 'Normal', 'ScalingReplicaSet', `Scaled ${from < replicas ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${replicas}`)
  }
  const { current, old } = work.sets
  if (latest.size > 0) work.sets = { current: current && (latest.get(current) ?? current), old: old.map((rs) => latest.get(rs) ?? rs) }
}

function doOldPodsRun({ ctx, sets }: Work): boolean {
  if (sets.old.some((rs) => (rs.status?.replicas ?? 0) > 0)) return true
  const pods = ctx.informers.lister<Pod>('v1/Pod')
  return sets.old.some((rs) => pods.ownedBy(rs.metadata.uid ?? '').some((pod) => !isPodTerminal(pod)))
}

async function cleanUp({ ctx, d, sets }: Work): Promise<void> {
  for (const rs of planCleanup(d, sets.old)) {
    try {
      await ctx.client.delete(SET_KIND, refOf(rs))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
}

async function writeStatus({ ctx, stored, d }: Work, status: DeploymentStatus): Promise<void> {
  if (d.metadata === stored.metadata && semanticEqual(stored.status, status)) return
  await ctx.client.updateStatus<Deployment>({ ...d, status })
}

async function refuseSelectingAll(d: Deployment, ctx: ControllerContext): Promise<void> {
  ctx.events.event(d, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.')
  if ((d.status?.observedGeneration ?? 0) < (d.metadata.generation ?? 0)) await ctx.client.updateStatus({ ...d, status: { ...d.status, observedGeneration: d.metadata.generation } })
}

/** Does what the deprecated rollback annotation asks for, and takes it away. */
async function rollBack(work: Work): Promise<void> {
  const { ctx, stored } = work
  await refreshCurrent(work)
  if (!work.sets.current) await createCurrent(work)
  const sets = allSets(work.sets)
  const revision = parseRevision(stored.metadata.annotations?.[ROLLBACK_TO] ?? '') || lastRevision(sets)
  const target = revision ? sets.find((rs) => revisionOf(rs) === revision) : undefined
  const { [ROLLBACK_TO]: _, ...annotations } = work.d.metadata.annotations ?? {}
  const cleared = { ...work.d, metadata: { ...work.d.metadata, annotations } }
  if (!target) {
    ctx.events.event(stored, 'Warning', 'DeploymentRollbackRevisionNotFound', revision ? 'Unable to find the revision to rollback to.' : 'Unable to find last revision.')
    await ctx.client.update(cleared)
  } else if (sameTemplate(target.spec.template, stored.spec.template)) {
    ctx.events.event(stored, 'Warning', 'DeploymentRollbackTemplateUnchanged', `The rollback revision contains the same template as current deployment "${stored.metadata.name}"`)
    await ctx.client.update(cleared)
  } else {
    await ctx.client.update(rolledBack(work.d, target))
    ctx.events.event(stored, 'Normal', 'DeploymentRollback', `Rolled back deployment "${stored.metadata.name}" to revision ${revision}`)
  }
}
