/**
 * Deletes what has lost all its owners, holds owners back until what blocks them is gone, and orphans where asked to;
 * over every kind there is, custom ones as they come. Models k8s.io/kubernetes/pkg/controller/garbagecollector.
 */
import type { OwnerReference } from '../schemas/types.ts'
import { Workqueue } from '../src/client/workqueue.ts'
import { defineLoop, type ControllerContext } from '../src/controller/controller.ts'
import { groupOf, splitKind } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { FOREGROUND, GarbageGraph, ORPHAN, hasFinalizer, isDeletingDependents, ownersOf, plan, sameOwners, unblocked, type Classified, type Dependent } from './_garbage-graph.ts'

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition'
const WORKERS = 20
/** Key that makes the collector look which kinds there are. */
const SYNC_KINDS = 'kinds'
/** Kinds may come by the thousand; one look serves all that came meanwhile. */
const KIND_DELAY_MS = 100

export default defineLoop({
  name: 'garbage-collector',
  user: 'system:serviceaccount:kube-system:generic-garbage-collector',
  start: (ctx) => new GarbageCollector(ctx),
})

interface Target {
  kind: string
  namespace: string
  name: string
}

class GarbageCollector {
  readonly #ctx: ControllerContext
  readonly #graph = new GarbageGraph()
  readonly #queue: Workqueue
  /** By kind that is followed. */
  readonly #followed = new Map<string, { namespaced: boolean; stop: () => void }>()
  /** The version in which a kind is followed, by its group and name. */
  #versions = new Map<string, string>()
  #stopDefinitions: () => void = () => {}
  #busy = 0
  #closed = false

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#queue = new Workqueue({ clock: ctx.clock })
    this.#queue.onReady(() => this.#work())
    this.#syncKinds()
    if (this.#followed.has(CRD)) {
      const changed = () => this.#queue.addAfter(SYNC_KINDS, KIND_DELAY_MS)
      this.#stopDefinitions = ctx.informers.for(CRD).subscribe({ update: changed, delete: changed })
    }
  }

  /** Whether nothing waits to be looked at. */
  get idle(): boolean {
    return this.#queue.idle
  }

  close(): void {
    this.#closed = true
    this.#stopDefinitions()
    for (const { stop } of this.#followed.values()) stop()
    this.#queue.close()
  }

  /** Follows each kind in one of its versions; events own nothing and are left out. */
  #syncKinds(): void {
    const wanted = new Map<string, { kind: string; namespaced: boolean }>()
    for (const { kind, namespaced } of this.#ctx.kinds?.() ?? []) {
      const { apiVersion, kind: name } = splitKind(kind)
      const groupKind = `${groupOf(apiVersion)}/${name}`
      if (name !== 'Event' && !wanted.has(groupKind)) wanted.set(groupKind, { kind, namespaced })
    }
    this.#versions = new Map([...wanted].map(([groupKind, { kind }]) => [groupKind, kind]))
    const kinds = new Set([...wanted.values()].map((k) => k.kind))
    for (const [kind, { stop }] of this.#followed) {
      if (kinds.has(kind)) continue
      stop()
      this.#followed.delete(kind)
    }
    for (const { kind, namespaced } of wanted.values()) if (!this.#followed.has(kind)) this.#follow(kind, namespaced)
  }

  #follow(kind: string, namespaced: boolean): void {
    const followed = { namespaced, stop: () => {} }
    this.#followed.set(kind, followed)
    followed.stop = this.#ctx.informers.for(kind).subscribe({
      add: (object) => this.#changed(kind, object),
      update: (object, old) => this.#changed(kind, object, old),
      delete: (object) => this.#gone(kind, object),
    })
  }

  #changed(kind: string, object: KubeObject, old?: KubeObject): void {
    const owners = ownersOf(object)
    if (!old ? owners.length > 0 : !sameOwners(object, old)) {
      const before = old ? ownersOf(old) : []
      this.#graph.put(dependentOf(kind, object), before)
      for (const uid of unblocked(before, owners)) this.#addOwner(before, uid, object)
      if (owners.some((ref) => !this.#isOwnerThere(ref, object))) this.#add({ kind, ...nameOf(object) })
    }
    const { deletionTimestamp, finalizers } = object.metadata
    if (!deletionTimestamp || !finalizers?.length) return
    const started = !old?.metadata.deletionTimestamp
    if (hasFinalizer(object, ORPHAN) && (started || !old || !hasFinalizer(old, ORPHAN))) return this.#add({ kind, ...nameOf(object) })
    if (!hasFinalizer(object, FOREGROUND) || !(started || !old || !hasFinalizer(old, FOREGROUND))) return
    for (const dependent of this.#graph.dependentsOf(object.metadata.uid ?? '')) this.#add(dependent)
    this.#add({ kind, ...nameOf(object) })
  }

  #gone(kind: string, object: KubeObject): void {
    const { uid = '' } = object.metadata
    this.#graph.remove(uid, ownersOf(object))
    for (const dependent of this.#graph.dependentsOf(uid)) this.#add(dependent)
    for (const ref of ownersOf(object)) {
      const owner = this.#lookUp(ref, object)
      if (owner && isDeletingDependents(owner)) this.#add({ kind: this.#kindOf(ref), ...nameOf(owner) })
    }
  }

  #addOwner(refs: readonly OwnerReference[], uid: string, object: KubeObject): void {
    const ref = refs.find((r) => r.uid === uid)
    const owner = ref && this.#lookUp(ref, object)
    if (ref && owner) this.#add({ kind: this.#kindOf(ref), ...nameOf(owner) })
  }

  #add({ kind, namespace, name }: Target): void {
    this.#queue.add(`${kind} ${namespace}/${name}`)
  }

  /** An owner may be named in any version that is served of its kind. */
  #kindOf({ apiVersion = '', kind = '' }: OwnerReference): string {
    const named = `${apiVersion}/${kind}`
    if (this.#followed.has(named)) return named
    const group = groupOf(apiVersion)
    const isServed = this.#ctx.served?.().some((s) => s.kind === kind && (s.group ? `${s.group}/${s.version}` : s.version) === apiVersion)
    return (isServed && this.#versions.get(`${group}/${kind}`)) || named
  }

  #isOwnerThere(ref: OwnerReference, dependent: KubeObject): boolean {
    return this.#lookUp(ref, dependent)?.metadata.uid === ref.uid
  }

  /** The owner by its coordinates as far as it can be told from listers: where a dependent of that namespace may have it. */
  #lookUp(ref: OwnerReference, dependent: KubeObject): KubeObject | undefined {
    const kind = this.#kindOf(ref)
    const followed = this.#followed.get(kind)
    if (!followed) return undefined
    return this.#ctx.informers.lister(kind).get(followed.namespaced ? (dependent.metadata.namespace ?? '') : '', ref.name ?? '')
  }

  #work(): void {
    while (this.#busy < WORKERS && !this.#closed) {
      const key = this.#queue.take()
      if (key === undefined) return
      this.#busy++
      // The commit that woke us goes on first.
      void Promise.resolve().then(() => this.#process(key))
    }
  }

  async #process(key: string): Promise<void> {
    try {
      if (key === SYNC_KINDS) this.#syncKinds()
      else await this.#attempt(targetOf(key))
      this.#queue.forget(key)
    } catch (error) {
      if (!isStatusError(error, 'Conflict')) this.#ctx.log.debug({ key, error: messageOf(error) }, 'garbage collection will be retried')
      this.#queue.addRateLimited(key)
    } finally {
      this.#queue.done(key)
      this.#busy--
      this.#work()
    }
  }

  async #attempt(target: Target): Promise<void> {
    if (!this.#followed.has(target.kind)) return
    const object = this.#ctx.informers.lister(target.kind).get(target.namespace, target.name)
    if (!object) return
    const inDeletion = object.metadata.deletionTimestamp !== undefined
    if (inDeletion && hasFinalizer(object, ORPHAN)) return this.#orphan(target, object)
    if (isDeletingDependents(object)) return this.#finishForeground(target, object)
    if (inDeletion || ownersOf(object).length === 0) return
    const owners = await this.#classify(object)
    const uid = object.metadata.uid ?? ''
    const dependents = this.#graph.dependentsOf(uid)
    const action = plan(object, owners, { some: dependents.length > 0, someDeletingTheirs: dependents.some((d) => this.#deletesItsDependents(d)) })
    if (action.do === 'release') await this.#release(target, object, action.uids)
    if (action.do === 'delete') await this.#delete(target, object, action)
  }

  #deletesItsDependents({ kind, namespace, name }: Dependent): boolean {
    const object = this.#followed.has(kind) ? this.#ctx.informers.lister(kind).get(namespace, name) : undefined
    return object !== undefined && isDeletingDependents(object)
  }

  async #classify(object: KubeObject): Promise<Classified> {
    const out: Classified = { solid: [], dangling: [], waiting: [] }
    for (const ref of ownersOf(object)) {
      const owner = await this.#owner(ref, object)
      if (owner?.metadata.uid !== ref.uid || !owner) out.dangling.push(ref)
      else if (isDeletingDependents(owner)) out.waiting.push(ref)
      else out.solid.push(ref)
    }
    return out
  }

  /** The owner, asked of the server when listers do not have it. Throws where the kind is unknown or out of reach. */
  async #owner(ref: OwnerReference, object: KubeObject): Promise<KubeObject | undefined> {
    const kind = this.#kindOf(ref)
    const served = this.#ctx.kinds?.().find((k) => k.kind === kind)
    if (!served) throw new Error(`unable to get REST mapping for ${ref.apiVersion}/${ref.kind}.`)
    const { namespace = '' } = object.metadata
    if (served.namespaced && !namespace) throw new Error('cluster-scoped objects cannot refer to namespaced owners')
    this.#reportForeignOwner(ref, object, served.namespaced)
    const there = this.#lookUp(ref, object)
    if (there) return there
    try {
      return await this.#ctx.client.get(kind, { namespace: served.namespaced ? namespace : '', name: ref.name ?? '' })
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined
      throw error
    }
  }

  #reportForeignOwner(ref: OwnerReference, object: KubeObject, namespaced: boolean): void {
    const kind = this.#kindOf(ref)
    if (!namespaced || !this.#followed.has(kind)) return
    const owner = this.#ctx.informers.lister(kind).byUid(ref.uid ?? '')
    const { namespace } = object.metadata
    if (!owner || owner.metadata.namespace === namespace) return
    const who = `[${ref.apiVersion}/${ref.kind}, namespace: ${namespace}, name: ${ref.name}, uid: ${ref.uid}]`
    this.#ctx.events.event(object, 'Warning', 'OwnerRefInvalidNamespace', `ownerRef ${who} does not exist in namespace "${namespace}"`)
  }

  /** Some dependents cannot go by themselves, being in foreground deletion too: those are woken by what they wait for. */
  async #finishForeground(target: Target, object: KubeObject): Promise<void> {
    const blockers = this.#graph.blockersOf(object.metadata.uid ?? '')
    if (blockers.length === 0) return this.#removeFinalizer(target, FOREGROUND)
    for (const dependent of blockers) if (!this.#deletesItsDependents(dependent)) this.#add(dependent)
  }

  async #orphan(target: Target, object: KubeObject): Promise<void> {
    const { uid = '' } = object.metadata
    for (const dependent of this.#graph.dependentsOf(uid)) await this.#dropOwners(dependent, dependent.uid, [uid])
    await this.#removeFinalizer(target, ORPHAN)
  }

  async #release(target: Target, object: KubeObject, uids: readonly string[]): Promise<void> {
    await this.#dropOwners(target, object.metadata.uid ?? '', uids)
  }

  async #dropOwners(target: Target, uid: string, owners: readonly string[]): Promise<void> {
    await this.#changeMetadata(target, (copy) => {
      const kept = ownersOf(copy).filter((ref) => !owners.includes(ref.uid ?? ''))
      if (copy.metadata.uid !== uid || kept.length === ownersOf(copy).length) return false
      copy.metadata.ownerReferences = kept
    })
  }

  async #removeFinalizer(target: Target, finalizer: string): Promise<void> {
    await this.#changeMetadata(target, (copy) => {
      if (!hasFinalizer(copy, finalizer)) return false
      copy.metadata.finalizers = copy.metadata.finalizers?.filter((f) => f !== finalizer)
    })
  }

  async #delete(target: Target, object: KubeObject, { policy, unblock }: { policy: string; unblock: boolean }): Promise<void> {
    const { uid } = object.metadata
    let { resourceVersion } = object.metadata
    if (unblock) {
      const after = await this.#changeMetadata(target, (copy) => {
        if (!copy.metadata.ownerReferences?.some((ref) => ref.blockOwnerDeletion)) return false
        for (const ref of copy.metadata.ownerReferences) if (ref.blockOwnerDeletion) ref.blockOwnerDeletion = false
      })
      resourceVersion = after?.metadata.resourceVersion
    }
    try {
      await this.#ctx.client.delete(target.kind, target, { propagationPolicy: policy, preconditions: { uid, resourceVersion } })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }

  async #changeMetadata(target: Target, change: (copy: KubeObject) => void | false): Promise<KubeObject | undefined> {
    try {
      return await this.#ctx.client.change(target.kind, target, change)
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return undefined
      throw error
    }
  }
}

function dependentOf(kind: string, object: KubeObject): Dependent {
  return { kind, ...nameOf(object), uid: object.metadata.uid ?? '', owners: ownersOf(object) }
}

function nameOf(object: KubeObject): { namespace: string; name: string } {
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '' }
}

function targetOf(key: string): Target {
  const space = key.indexOf(' ')
  const slash = key.indexOf('/', space)
  return { kind: key.slice(0, space), namespace: key.slice(space + 1, slash), name: key.slice(slash + 1) }
}
