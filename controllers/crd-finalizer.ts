/**
 * Removes the instances of a CustomResourceDefinition that is being deleted, and lets it go when none is left.
 * Models k8s.io/apiextensions-apiserver/pkg/controller/finalizer.
 */
import type { CustomResourceDefinition } from '../schemas/types.ts'
import { conditionOf, isConditionTrue } from '../src/controller/conditions.ts'
import { defineController, type ControllerContext, type Result } from '../src/controller/controller.ts'
import { inParts } from '../src/controller/in-parts.ts'
import { refOf } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { perCluster } from '../src/controller/state.ts'
import { isStatusError } from '../src/errors.ts'
import { DEFINITION, SERVER, saysTheSame, withCRDCondition, type ConditionDraft } from './_crd-conditions.ts'

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'
/** How often one looks whether the instances are gone, and for how long before that is said. */
const LOOK_EVERY_MS = 5000
const PATIENCE_MS = 60_000

const terminating = (status: 'True' | 'False', reason: string, message: string): ConditionDraft => ({ type: 'Terminating', status, reason, message })
const IN_PROGRESS = terminating('True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress')
const COMPLETED = terminating('False', 'InstanceDeletionCompleted', 'removed all instances')
const NEVER_ESTABLISHED = terminating('False', 'NeverEstablished', 'resource was never established')
const STILL_THERE = terminating('True', 'InstanceDeletionCheck', 'could not confirm zero CustomResources remaining: context deadline exceeded')

/** By definition that is going: how to stop watching for its last instances. */
const watching = perCluster(() => new Map<string, () => void>())

export default defineController<CustomResourceDefinition>({
  ...SERVER,
  name: 'crd-finalizer',
  user: 'system:apiserver',
  for: DEFINITION,
  wakes: (crd, old) => isGoing(crd) && (!old || !isGoing(old)),
  reconcile,
  async deleted(name, ctx) {
    stopWatching(name, ctx)
  },
})

function isGoing({ metadata }: CustomResourceDefinition): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(CLEANUP_FINALIZER) ?? false)
}

async function reconcile(crd: CustomResourceDefinition, ctx: ControllerContext): Promise<Result | void> {
  if (!isGoing(crd)) return
  if (!isConditionTrue(crd.status?.conditions, 'Established')) return letGo(await tell(crd, IN_PROGRESS, ctx), NEVER_ESTABLISHED, ctx)
  const waitedMs = ctx.clock.now() - Date.parse(crd.metadata.deletionTimestamp ?? '')
  const current = await tell(crd, waitedMs < PATIENCE_MS ? IN_PROGRESS : STILL_THERE, ctx)
  const left = await deleteInstances(current, ctx)
  if (left > 0) return { requeueAfterMs: LOOK_EVERY_MS }
  await letGo(current, COMPLETED, ctx)
}

async function tell(crd: CustomResourceDefinition, condition: ConditionDraft, { client, clock }: ControllerContext): Promise<CustomResourceDefinition> {
  if (saysTheSame(conditionOf(crd.status?.conditions, condition.type), condition)) return crd
  return client.updateStatus(withCRDCondition(crd, condition, clock.now()))
}

async function letGo(crd: CustomResourceDefinition, condition: ConditionDraft, ctx: ControllerContext): Promise<void> {
  stopWatching(crd.metadata.name ?? '', ctx)
  const { metadata } = crd
  const finalizers = metadata.finalizers?.filter((name) => name !== CLEANUP_FINALIZER)
  await ctx.client.updateStatus(withCRDCondition({ ...crd, metadata: { ...metadata, finalizers } }, condition, ctx.clock.now()))
}

/** Deletes all instances and answers how many are there yet: those that have finalizers. */
async function deleteInstances(crd: CustomResourceDefinition, ctx: ControllerContext): Promise<number> {
  const kind = servedKind(crd, ctx)
  if (!kind) return 0
  try {
    const instances = await ctx.client.list(kind)
    await inParts(instances, (instance) => deleteInstance(kind, refOf(instance), ctx))
  } catch (error) {
    await tell(crd, terminating('True', 'InstanceDeletionFailed', `could not issue all deletes: ${messageOf(error)}`), ctx)
    throw error
  }
  const left = (await ctx.client.list(kind)).length
  if (left > 0) watchLast(crd.metadata.name ?? '', kind, ctx)
  return left
}

/** The version that stands for the resource. */
function servedKind({ spec, status }: CustomResourceDefinition, { kinds }: ControllerContext): string | undefined {
  return kinds?.().find(({ kind, plural }) => kind.startsWith(`${spec.group}/`) && plural === status?.acceptedNames?.plural)?.kind
}

async function deleteInstance(kind: string, ref: { namespace?: string; name: string }, { client }: ControllerContext): Promise<void> {
  try {
    await client.delete(kind, ref)
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}

/** Looks again as soon as an instance goes. */
function watchLast(name: string, kind: string, ctx: ControllerContext): void {
  if (watching(ctx).has(name)) return
  watching(ctx).set(name, ctx.informers.for(kind).subscribe({ delete: () => ctx.enqueue(name) }))
}

function stopWatching(name: string, ctx: ControllerContext): void {
  watching(ctx).get(name)?.()
  watching(ctx).delete(name)
}
