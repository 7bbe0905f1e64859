/**
 * Who depends on whom: for each owner's uid the objects that refer to it. Owners themselves are looked up in listers, so
 * that the graph holds only what has an owner. Models the uidToNode graph of k8s.io/kubernetes/pkg/controller/garbagecollector.
 */
import type { OwnerReference } from '../schemas/types.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import type { KubeObject } from '../src/registry/kind.ts'

export const FOREGROUND = 'foregroundDeletion'
export const ORPHAN = 'orphan'

export interface Dependent {
  /** `apps/v1/ReplicaSet` */
  kind: string
  namespace: string
  name: string
  uid: string
  owners: readonly OwnerReference[]
}

const NO_OWNERS: readonly OwnerReference[] = []

export class GarbageGraph {
  readonly #dependents = new Map<string, Map<string, Dependent>>()

  dependentsOf(ownerUid: string): Dependent[] {
    return [...(this.#dependents.get(ownerUid)?.values() ?? [])]
  }

  hasDependents(ownerUid: string): boolean {
    return this.#dependents.has(ownerUid)
  }

  /** Dependents that hold back the owner's foreground deletion. */
  blockersOf(ownerUid: string): Dependent[] {
    return this.dependentsOf(ownerUid).filter((d) => d.owners.some((ref) => ref.uid === ownerUid && ref.blockOwnerDeletion === true))
  }

  /** Takes in the present state of an object. @param before the owners it had */
  put(dependent: Dependent, before: readonly OwnerReference[] = NO_OWNERS): void {
    const now = new Set(dependent.owners.map((ref) => ref.uid ?? ''))
    for (const { uid = '' } of before) if (!now.has(uid)) this.#drop(uid, dependent.uid)
    for (const uid of now) {
      const there = this.#dependents.get(uid)
      if (there) there.set(dependent.uid, dependent)
      else this.#dependents.set(uid, new Map([[dependent.uid, dependent]]))
    }
  }

  remove(uid: string, owners: readonly OwnerReference[]): void {
    for (const ref of owners) this.#drop(ref.uid ?? '', uid)
  }

  #drop(ownerUid: string, uid: string): void {
    const there = this.#dependents.get(ownerUid)
    if (there?.delete(uid) && there.size === 0) this.#dependents.delete(ownerUid)
  }
}

export function ownersOf(object: KubeObject): readonly OwnerReference[] {
  return object.metadata.ownerReferences ?? NO_OWNERS
}

export function sameOwners(a: KubeObject, b: KubeObject): boolean {
  const [x, y] = [ownersOf(a), ownersOf(b)]
  return x === y || (x.length === y.length && semanticEqual(x, y))
}

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false
}

/** In deletion, and to stay until its dependents are gone. */
export function isDeletingDependents(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined && hasFinalizer(object, FOREGROUND)
}

/** The owners whose deletion a change of references no longer blocks. */
export function unblocked(before: readonly OwnerReference[], after: readonly OwnerReference[]): string[] {
  return before.flatMap((ref) => {
    const stillBlocks = after.some((r) => r.uid === ref.uid && r.blockOwnerDeletion === true)
    return ref.blockOwnerDeletion === true && !stillBlocks ? [ref.uid ?? ''] : []
  })
}

export interface Classified {
  solid: OwnerReference[]
  dangling: OwnerReference[]
  /** Owners that wait for their dependents to be deleted. */
  waiting: OwnerReference[]
}

export type GarbageAction =
  | { do: 'nothing' }
  /** Let go of these owners. */
  | { do: 'release'; uids: string[] }
  /** `unblock`: first stop blocking its owners, since a cycle of blocking would never end. */
  | { do: 'delete'; policy: 'Foreground' | 'Background' | 'Orphan'; unblock: boolean }

/** What becomes of an object whose owners were looked up. */
export function plan(object: KubeObject, owners: Classified, dependents: { some: boolean; someDeletingTheirs: boolean }): GarbageAction {
  const gone = [...owners.dangling, ...owners.waiting]
  if (gone.length + owners.solid.length === 0) return { do: 'nothing' }
  if (owners.solid.length > 0) return gone.length > 0 ? { do: 'release', uids: gone.map((ref) => ref.uid ?? '') } : { do: 'nothing' }
  if (owners.waiting.length > 0 && dependents.some) return { do: 'delete', policy: 'Foreground', unblock: dependents.someDeletingTheirs }
  return { do: 'delete', policy: hasFinalizer(object, ORPHAN) ? 'Orphan' : hasFinalizer(object, FOREGROUND) ? 'Foreground' : 'Background', unblock: false }
}
