/**
 * Deleting: preconditions, grace, finalizers and propagation. Models pkg/registry/rest/delete.go and the delete half of
 * pkg/registry/generic/registry/store.go of k8s.io/apiserver.
 */
import { cloneJSON, equalJSON } from '../apimachinery/json.ts'
import { formatTime } from '../clock.ts'
import { conflict, notFound } from '../errors.ts'
import type { Entry } from '../storage/entry.ts'
import { DELETE, UNCHANGED, type Outcome as Decision } from '../storage/store.ts'
import type { DeleteOptions, KubeObject } from './kind.ts'
import type { RequestContext } from './request-context.ts'
import { ephemeral, type ObjectEntry, type ResourceStorage } from './resource-storage.ts'
import type { ServedKind } from './scheme.ts'

const ORPHAN = 'orphan'
const FOREGROUND = 'foregroundDeletion'

export interface DeleteRequest {
  name: string
  ctx: RequestContext
  options: DeleteOptions
  /** Validating admission of the delete; throws to refuse. */
  validate?(object: KubeObject): void | Promise<void>
}

/** `deleted` false: the object is still there, marked (grace or finalizers pending). `object` is its last state. */
export interface DeleteResult {
  deleted: boolean
  object: KubeObject
  entry: ObjectEntry
}

/** @throws StatusError NotFound, Conflict (preconditions), or what admission and the kind's hook throw */
export async function deleteObject(storage: ResourceStorage, request: DeleteRequest): Promise<DeleteResult> {
  const { ctx, name, options } = request
  const { kind, store } = storage
  const now = Math.floor(ctx.clock.now() / 1000) * 1000
  let last: KubeObject | undefined
  let outcome: Outcome = { step: 'now' }
  const decide = async (current: Entry<KubeObject> | undefined): Promise<Decision<KubeObject>> => {
    if (!current) throw notFound(storage.groupResource, name)
    const { value: stored } = current
    await storage.prepareRead([stored])
    last = storage.read(stored)
    checkPreconditions(kind, last, options)
    kind.definition.beforeDelete?.(last, ctx)
    await request.validate?.(last)
    outcome = plan(kind, last, options, now)
    if (ctx.dryRun || outcome.step === 'pending') return UNCHANGED
    if (!outcome.object) return DELETE
    const value = await storage.convertedForStore(kind.codec.normalize(outcome.object))
    return equalJSON(value, stored) ? UNCHANGED : { value }
  }
  const key = storage.key(ctx, name)
  const entry = await store.guaranteedUpdate(key, decide)
  if (!last) throw notFound(storage.groupResource, name)
  // Assigned inside the callback, which the checker cannot see.
  const result = outcome as Outcome
  const written = ctx.dryRun && result.object ? ephemeral(result.object) : (entry ?? ephemeral(last))
  if (result.step !== 'now') return { deleted: false, object: written.value, entry: written }
  if (ctx.dryRun) return { deleted: true, object: written.value, entry: written }
  const gone = result.object ? await removeMarked(storage, key, written) : written
  await kind.definition.afterDelete?.(last, ctx)
  return { deleted: true, object: last, entry: gone }
}

/** Removes what was marked a moment ago, unless another was quicker. */
async function removeMarked({ store }: ResourceStorage, key: string, marked: ObjectEntry): Promise<ObjectEntry> {
  const { uid } = marked.value.metadata
  let isGone = true
  const entry = await store.guaranteedUpdate(key, (current) => {
    isGone = current?.value.metadata.uid !== uid
    return isGone ? UNCHANGED : DELETE
  })
  return isGone || !entry ? marked : entry
}

/** `now` with an object: what dies gracefully is first marked, for all who watch to see, and then goes in a write of its own. */
type Outcome = { step: 'now'; object?: KubeObject } | { step: 'pending'; object?: undefined } | { step: 'mark'; object: KubeObject }

/** What a delete does to an object: goes now, is marked and stays, or nothing because it is already on its way. */
export function plan(kind: ServedKind, current: KubeObject, options: DeleteOptions, nowMs: number): Outcome {
  const holder = kind.definition.holdsDelete
  if (holder?.holds(current) || (holder && (current.metadata.finalizers ?? []).length > 0)) return planHeld(holder, current, { options, nowMs })
  const grace = planGrace(kind, current, options, nowMs)
  if (grace === 'pending') return { step: 'pending' }
  const finalizers = finalizersAfter(kind, current, options)
  const object = cloneJSON(current)
  const { metadata } = object
  metadata.finalizers = finalizers.length > 0 ? finalizers : undefined
  if (grace) {
    if (!current.metadata.deletionTimestamp && metadata.generation) metadata.generation++
    metadata.deletionTimestamp = formatTime(grace.atMs)
    metadata.deletionGracePeriodSeconds = grace.seconds
    return { step: grace.seconds === 0 && finalizers.length === 0 ? 'now' : 'mark', object }
  }
  if (finalizers.length === 0) return { step: 'now' }
  if (!metadata.deletionTimestamp && metadata.generation) metadata.generation++
  if (!metadata.deletionTimestamp || Date.parse(metadata.deletionTimestamp) > nowMs) metadata.deletionTimestamp = formatTime(nowMs)
  metadata.deletionGracePeriodSeconds = 0
  return { step: 'mark', object }
}

/** A kind that a controller lets go is marked once, and stays as it is however often it is deleted again. */
function planHeld(holder: NonNullable<ServedKind['definition']['holdsDelete']>, current: KubeObject, { options, nowMs }: { options: DeleteOptions; nowMs: number }): Outcome {
  if (current.metadata.deletionTimestamp) return { step: 'pending' }
  const object = cloneJSON(current)
  object.metadata.deletionTimestamp = formatTime(nowMs)
  object.metadata.finalizers = heldFinalizers(current, options)
  holder.mark(object)
  return { step: 'mark', object }
}

/** undefined: this kind or state knows no grace. */
function planGrace(kind: ServedKind, current: KubeObject, options: DeleteOptions, nowMs: number): 'pending' | { seconds: number; atMs: number } | undefined {
  const { gracefulDelete } = kind.definition
  if (!gracefulDelete) return undefined
  const requested = options.gracePeriodSeconds === undefined ? undefined : options.gracePeriodSeconds < 0 ? 1 : options.gracePeriodSeconds
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = current.metadata
  if (!deletionTimestamp) {
    const seconds = gracefulDelete(current, requested)
    return seconds === undefined ? undefined : { seconds, atMs: nowMs + seconds * 1000 }
  }
  if (deletionGracePeriodSeconds === 0) return undefined
  if (requested === undefined || requested >= deletionGracePeriodSeconds) return 'pending'
  // Grace may only be shortened, counted from when the deletion began.
  const atMs = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000 + requested * 1000
  return atMs < nowMs ? { seconds: requested === 0 ? 0 : 1, atMs: nowMs } : { seconds: requested, atMs }
}

function checkPreconditions(kind: ServedKind, current: KubeObject, { preconditions }: DeleteOptions): void {
  const { uid, resourceVersion, name = '' } = current.metadata
  const what = { group: kind.group, resource: kind.kind }
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    if (kind.definition.holdsDelete) throw conflict(kind.groupResource, name, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`)
    throw conflict(what, name, `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`)
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    if (kind.definition.holdsDelete) throw conflict(kind.groupResource, name, `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`)
    throw conflict(what, name, `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`)
  }
}

/** Here an explicit "do not orphan" means the foreground. */
function heldFinalizers({ metadata }: KubeObject, { orphanDependents, propagationPolicy }: DeleteOptions): string[] | undefined {
  const present = metadata.finalizers ?? []
  const policy = orphanDependents === undefined ? propagationPolicy : orphanDependents ? 'Orphan' : 'Foreground'
  const finalizers = policy === undefined ? present : present.filter((f) => f !== ORPHAN && f !== FOREGROUND)
  const wanted = policy === 'Orphan' ? ORPHAN : policy === 'Foreground' ? FOREGROUND : undefined
  return wanted ? [...finalizers, wanted] : finalizers.length > 0 ? finalizers : undefined
}

/** The finalizers an object has after a delete with these options: the garbage collector's two added or taken away. */
function finalizersAfter(kind: ServedKind, current: KubeObject, options: DeleteOptions): string[] {
  const present = current.metadata.finalizers ?? []
  const others = present.filter((f) => f !== ORPHAN && f !== FOREGROUND)
  const byDefault = kind.definition.defaultPropagation ?? 'background'
  if (byDefault === 'none') return others
  const policy = options.orphanDependents === undefined ? options.propagationPolicy : options.orphanDependents ? 'Orphan' : 'Background'
  const wanted = policy ?? (present.includes(ORPHAN) ? 'Orphan' : present.includes(FOREGROUND) ? 'Foreground' : byDefault === 'orphan' ? 'Orphan' : 'Background')
  if (wanted === 'Orphan') others.push(ORPHAN)
  if (wanted === 'Foreground') others.push(FOREGROUND)
  return others
}
