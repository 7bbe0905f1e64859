/**
 * Empties a Namespace that is being deleted, pods first, reports what still holds it, and lets it go when nothing does.
 * Models k8s.io/kubernetes/pkg/controller/namespace/deletion. Upstream looks again after half the longest grace period;
 * here a deletion of what is left wakes the controller.
 */
import type { Namespace, NamespaceCondition, NamespaceStatus, Pod } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import { defineController, type ControllerContext, type Result } from '../src/controller/controller.ts'
import { inParts } from '../src/controller/in-parts.ts'
import { refOf } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { isPodTerminal } from '../src/controller/pods.ts'
import { perCluster } from '../src/controller/state.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'

const FINALIZER = 'kubernetes'
/** A deletion is left alone this long, so that what is under way in the namespace can end (namespaceDeletionGracePeriod). */
const GRACE_MS = 5000
/** How long something with a finalizer is given before the next look. */
const FINALIZER_ESTIMATE_SECONDS = 15

interface DeletableKind {
  kind: string
  plural: string
  namespaced: boolean
}

/** By namespace that is going: how to stop watching for what is left in it. */
const watching = perCluster(() => new Map<string, (() => void)[]>())

export default defineController<Namespace>({
  name: 'namespace',
  for: 'v1/Namespace',
  retryDelaysMs: [5, 60_000],
  concurrency: 10,
  wakes: (namespace) => namespace.metadata.deletionTimestamp !== undefined,
  reconcile,
  async deleted(name, ctx) {
    stopWatching(ctx, name)
  },
})

async function reconcile(namespace: Namespace, ctx: ControllerContext): Promise<Result | void> {
  const { name = '' } = namespace.metadata
  const { deletionTimestamp } = namespace.metadata
  if (!deletionTimestamp) return
  const waitMs = Date.parse(deletionTimestamp) + GRACE_MS - ctx.clock.now()
  if (waitMs > 0) return { requeueAfterMs: waitMs }
  stopWatching(ctx, name)
  let current = namespace
  if (current.status?.phase !== 'Terminating') current = await ctx.client.updateStatus({ ...current, status: { ...current.status, phase: 'Terminating' } })
  if (!current.spec.finalizers?.length) return
  const left = await deleteContent(current, ctx)
  const status = statusOf(current.status, left, ctx.clock.now())
  if (status !== current.status) current = await ctx.client.updateStatus({ ...current, status })
  if (left.errors.length > 0) throw new Error(left.errors.join(', '))
  if (left.remaining.size > 0) return { requeueAfterMs: (Math.floor(left.estimateSeconds / 2) + 1) * 1000 }
  await ctx.client.update<Namespace>({ ...current, spec: { ...current.spec, finalizers: current.spec.finalizers?.filter((f) => f !== FINALIZER) } }, { subresource: 'finalize' })
}

export interface Leftovers {
  /** Resource (`pods.`, `deployments.apps`) to how many are there yet. */
  remaining: Map<string, number>
  finalizers: Map<string, number>
  errors: string[]
  estimateSeconds: number
  /** Pods are waited for before anything else is touched, and the content is not reported meanwhile. */
  podsOnly: boolean
}

async function deleteContent(namespace: Namespace, ctx: ControllerContext): Promise<Leftovers> {
  const left: Leftovers = { remaining: new Map(), finalizers: new Map(), errors: [], estimateSeconds: 0, podsOnly: false }
  const kinds = (ctx.kinds?.() ?? []).filter((k) => k.namespaced)
  const pods = kinds.filter((k) => k.kind === 'v1/Pod')
  for (const kind of pods) await deleteKind(namespace, kind, { ctx, left })
  if (left.remaining.size > 0) return { ...left, podsOnly: true }
  for (const kind of kinds) if (kind.kind !== 'v1/Pod') await deleteKind(namespace, kind, { ctx, left })
  return left
}

async function deleteKind(namespace: Namespace, kind: DeletableKind, { ctx, left }: { ctx: ControllerContext; left: Leftovers }): Promise<void> {
  const { name = '' } = namespace.metadata
  try {
    const objects = await ctx.client.list(kind.kind, { namespace: name })
    if (objects.length === 0) return
    const graceSeconds = kind.kind === 'v1/Pod' ? longestGrace(objects, namespace, ctx.clock.now()) : 0
    await inParts(objects, (object) => deleteOne(object, kind.kind, ctx))
    const after = await ctx.client.list(kind.kind, { namespace: name })
    if (after.length > 0) recordLeft(after, { kind, name, graceSeconds, left, ctx })
  } catch (error) {
    left.errors.push(messageOf(error))
  }
}

async function deleteOne(object: KubeObject, kind: string, ctx: ControllerContext): Promise<void> {
  try {
    await ctx.client.delete(kind, refOf(object), { propagationPolicy: 'Background' })
  } catch (error) {
    if (!isStatusError(error, 'NotFound') && !isStatusError(error, 'MethodNotAllowed')) throw error
  }
}

function recordLeft(objects: readonly KubeObject[], at: { kind: DeletableKind; name: string; graceSeconds: number; left: Leftovers; ctx: ControllerContext }): void {
  const { kind, name, graceSeconds, left, ctx } = at
  const [version = '', group = ''] = kind.kind.split('/').reverse().slice(1)
  left.remaining.set(`${kind.plural}.${group}`, objects.length)
  let held = false
  for (const object of objects)
    for (const finalizer of object.metadata.finalizers ?? []) {
      held = true
      left.finalizers.set(finalizer, (left.finalizers.get(finalizer) ?? 0) + 1)
    }
  const estimate = graceSeconds || (held ? FINALIZER_ESTIMATE_SECONDS : 0)
  left.estimateSeconds = Math.max(left.estimateSeconds, estimate)
  if (estimate === 0) left.errors.push(`unexpected items still remain in namespace: ${name} for gvr: ${group}/${version}, Resource=${kind.plural}`)
  const stop = ctx.informers.for(kind.kind).subscribe({ delete: (object) => void (object.metadata.namespace === name && ctx.enqueue(name)) })
  watching(ctx).set(name, [...(watching(ctx).get(name) ?? []), stop])
}

function stopWatching(ctx: ControllerContext, name: string): void {
  for (const stop of watching(ctx).get(name) ?? []) stop()
  watching(ctx).delete(name)
}

/** The longest grace period of the pods that run; 0 when it is over. */
function longestGrace(pods: readonly KubeObject[], namespace: Namespace, nowMs: number): number {
  const grace = pods.reduce((max, pod) => (isPodTerminal(pod as Pod) ? max : Math.max(max, (pod as Pod).spec.terminationGracePeriodSeconds ?? 0)), 0)
  return nowMs - Date.parse(namespace.metadata.deletionTimestamp ?? '') >= grace * 1000 ? 0 : grace
}

const GOOD: readonly [type: string, reason: string, message: string][] = [
  ['NamespaceDeletionDiscoveryFailure', 'ResourcesDiscovered', 'All resources successfully discovered'],
  ['NamespaceDeletionGroupVersionParsingFailure', 'ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  ['NamespaceDeletionContentFailure', 'ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  ['NamespaceContentRemaining', 'ContentRemoved', 'All content successfully removed'],
  ['NamespaceFinalizersRemaining', 'ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
]

/** The status with what the deletion came to; the same object when that says nothing new. */
export function statusOf(status: NamespaceStatus | undefined, left: Leftovers, nowMs: number): NamespaceStatus | undefined {
  const bad = badConditions(left)
  const conditions = [...(status?.conditions ?? [])]
  let changed = false
  for (const [type, goodReason, goodMessage] of GOOD) {
    const problem = bad.get(type)
    const [value, reason, message] = problem ? (['True', ...problem] as const) : (['False', goodReason, goodMessage] as const)
    const old = conditionOf(conditions, type)
    if (old && old.status === value && old.reason === reason && old.message === message) continue
    changed = true
    const fresh: NamespaceCondition = { type, status: value, lastTransitionTime: old?.status === value ? old.lastTransitionTime : formatTime(nowMs), reason, message }
    if (old) conditions[conditions.indexOf(old)] = fresh
    else conditions.push(fresh)
  }
  return changed ? { ...status, conditions } : status
}

function badConditions({ remaining, finalizers, errors, podsOnly }: Leftovers): Map<string, [reason: string, message: string]> {
  const bad = new Map<string, [string, string]>()
  const list = (of: Map<string, number>, text: (name: string, n: number) => string) => [...of].map(([name, n]) => text(name, n)).sort().join(', ')
  if (errors.length > 0) bad.set('NamespaceDeletionContentFailure', ['ContentDeletionFailed', `Failed to delete all resource types, ${errors.length} remaining: ${[...errors].sort().join(', ')}`])
  if (podsOnly) return bad
  if (remaining.size > 0) bad.set('NamespaceContentRemaining', ['SomeResourcesRemain', `Some resources are remaining: ${list(remaining, (name, n) => `${name} has ${n} resource instances`)}`])
  if (finalizers.size > 0) bad.set('NamespaceFinalizersRemaining', ['SomeFinalizersRemain', `Some content in the namespace has finalizers remaining: ${list(finalizers, (name, n) => `${name} in ${n} resource instances`)}`])
  return bad
}
