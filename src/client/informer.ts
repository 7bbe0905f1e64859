/**
 * Informers inside the process: they follow the store's own watch, so that their cache is the store's objects (nothing is
 * copied) and is up to date the moment a write resolves. Where a watch ends they list again. Models client-go's
 * SharedIndexInformer and Reflector.
 */
import type { Selector } from '../apimachinery/labels.ts'
import type { Api } from '../apiserver/api.ts'
import { viewOf } from '../apiserver/encode.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { ServedKind } from '../registry/scheme.ts'
import { isStorageError } from '../storage/errors.ts'
import type { StorageEvent } from '../storage/history.ts'
import type { Handlers, Informer, Informers, Lister } from './lister.ts'

const OWNER = 'controller-uid'

/** Where an object lies from its creation to its end: what finds it need not know that it has changed. */
interface Slot<T> {
  object: T
}

interface Index<T> {
  keysOf(object: T): readonly string[]
  byKey: Map<string, Set<Slot<T>>>
}

class Cache<T extends KubeObject> implements Lister<T> {
  readonly #byKey = new Map<string, Slot<T>>()
  readonly #byUid = new Map<string, Slot<T>>()
  readonly #byNamespace = new Map<string, Set<Slot<T>>>()
  readonly #indexes = new Map<string, Index<T>>()

  constructor() {
    this.addIndex(OWNER, ({ metadata }) => {
      const controller = metadata.ownerReferences?.find((ref) => ref.controller)
      return controller?.uid ? [controller.uid] : []
    })
  }

  get size(): number {
    return this.#byKey.size
  }

  get(namespace: string, name: string): T | undefined {
    return this.#byKey.get(`${namespace}/${name}`)?.object
  }

  byUid(uid: string): T | undefined {
    return this.#byUid.get(uid)?.object
  }

  list(namespace?: string): T[] {
    return namespace ? objectsOf(this.#byNamespace.get(namespace)) : objectsOf(this.#byKey.values())
  }

  select(namespace: string, selector: Selector): T[] {
    return this.list(namespace).filter((object) => selector.matches(object.metadata.labels ?? {}))
  }

  byIndex(index: string, key: string): T[] {
    const found = this.#indexes.get(index)
    if (!found) throw new Error(`there is no index ${index}`)
    return objectsOf(found.byKey.get(key))
  }

  ownedBy(uid: string): T[] {
    return this.byIndex(OWNER, uid)
  }

  addIndex(name: string, keysOf: (object: T) => readonly string[]): void {
    if (this.#indexes.has(name)) return
    const index: Index<T> = { keysOf, byKey: new Map() }
    this.#indexes.set(name, index)
    for (const slot of this.#byKey.values()) for (const key of keysOf(slot.object)) put(index.byKey, key, slot)
  }

  set(object: T, old: T | undefined): void {
    if (object === old) return
    if (old && old.metadata.uid === object.metadata.uid) return this.#replace(object, old)
    if (old) this.remove(old)
    const { namespace = '', name = '', uid = '' } = object.metadata
    const slot = { object }
    this.#byKey.set(`${namespace}/${name}`, slot)
    this.#byUid.set(uid, slot)
    put(this.#byNamespace, namespace, slot)
    for (const { keysOf, byKey } of this.#indexes.values()) for (const key of keysOf(object)) put(byKey, key, slot)
  }

  remove(object: T): void {
    const { namespace = '', name = '', uid = '' } = object.metadata
    const slot = this.#byKey.get(`${namespace}/${name}`)
    if (!slot) return
    this.#byKey.delete(`${namespace}/${name}`)
    this.#byUid.delete(uid)
    take(this.#byNamespace, namespace, slot)
    for (const { keysOf, byKey } of this.#indexes.values()) for (const key of keysOf(object)) take(byKey, key, slot)
  }

  /** Most changes leave an object where it is in every index. */
  #replace(object: T, old: T): void {
    const slot = this.#byKey.get(`${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`)
    if (!slot) return
    slot.object = object
    for (const { keysOf, byKey } of this.#indexes.values()) {
      const was = keysOf(old)
      const is = keysOf(object)
      if (was.length === is.length && was.every((key, i) => key === is[i])) continue
      for (const key of was) take(byKey, key, slot)
      for (const key of is) put(byKey, key, slot)
    }
  }
}

function objectsOf<T>(slots: Iterable<Slot<T>> | undefined): T[] {
  const objects: T[] = []
  if (slots) for (const { object } of slots) objects.push(object)
  return objects
}

function put<T>(map: Map<string, Set<Slot<T>>>, key: string, slot: Slot<T>): void {
  const set = map.get(key)
  if (set) set.add(slot)
  else map.set(key, new Set([slot]))
}

function take<T>(map: Map<string, Set<Slot<T>>>, key: string, slot: Slot<T>): void {
  const set = map.get(key)
  if (set?.delete(slot) && set.size === 0) map.delete(key)
}

class StoreInformer<T extends KubeObject> implements Informer<T> {
  readonly kind: string
  readonly lister: Cache<T> = new Cache<T>()
  readonly #api: Api
  #served: ServedKind
  readonly #subscribers = new Set<Handlers<T>>()
  readonly #failed: FailedHandler
  #handle: { close(): void }

  constructor(api: Api, served: ServedKind, failed: FailedHandler) {
    this.kind = served.ref
    this.#api = api
    this.#served = served
    this.#failed = failed
    for (const entry of api.store.list(served.prefix).entries) this.lister.set(viewOf(served, entry) as T, undefined)
    this.#handle = this.#watch()
  }

  subscribe(handlers: Handlers<T>): () => void {
    for (const object of this.lister.list()) handlers.add?.(object)
    this.#subscribers.add(handlers)
    return () => this.#subscribers.delete(handlers)
  }

  addIndex(name: string, keys: (object: T) => readonly string[]): void {
    this.lister.addIndex(name, keys)
  }

  /** Begins anew: lists, tells of all that is there and of what has gone meanwhile, and watches from there on. */
  relist(): void {
    this.#handle.close()
    const gone = new Set(this.lister.list())
    const { entries } = this.#api.store.list(this.#served.prefix)
    this.#handle = this.#watch()
    for (const entry of entries) {
      this.#tell(() => {
        const object = viewOf(this.#served, entry) as T
        const old = this.lister.get(object.metadata.namespace ?? '', object.metadata.name ?? '')
        const isSame = old?.metadata.uid === object.metadata.uid
        if (old) gone.delete(old)
        if (old && !isSame) this.#remove(old)
        this.#put(object, isSame ? old : undefined)
      })
    }
    for (const object of gone) this.#remove(object)
  }

  close(): void {
    this.#handle.close()
    this.#subscribers.clear()
  }

  #watch(): { close(): void } {
    return this.#api.store.watch(this.#served.prefix, {
      onEvents: (events) => events.forEach((event) => this.#tell(() => this.#apply(event))),
      onClose: (error) => !isStorageError(error, 'CLOSED') && this.relist(),
    })
  }

  #apply({ type, entry, previous }: StorageEvent<KubeObject>): void {
    // A custom resource's kind is made anew when its definition changes.
    this.#served = this.#api.scheme.byRef(this.kind) ?? this.#served
    const object = viewOf(this.#served, entry) as T
    const old = this.lister.get(object.metadata.namespace ?? '', object.metadata.name ?? '')
    if (type !== 'DELETE') return this.#put(object, old, previous !== undefined)
    if (old) this.#remove(old, object)
  }

  #put(object: T, old: T | undefined, isUpdate = true): void {
    this.lister.set(object, old)
    for (const handlers of this.#subscribers) {
      try {
        if (old && isUpdate) handlers.update?.(object, old)
        else handlers.add?.(object)
      } catch (error) {
        this.#failed(this.kind, error)
      }
    }
  }

  /** @param last its last state */
  #remove(old: T, last = old): void {
    this.lister.remove(old)
    for (const handlers of this.#subscribers) this.#tell(() => handlers.delete?.(last))
  }

  /** What fails must not keep others from hearing, nor the informer from following. */
  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#failed(this.kind, error)
    }
  }
}

/** Told of what a subscriber threw. */
export type FailedHandler = (kind: string, error: unknown) => void

const rethrown: FailedHandler = (_kind, error) =>
  queueMicrotask(() => {
    throw error
  })

export class InformerFactory implements Informers {
  readonly #api: Api
  readonly #failed: FailedHandler
  readonly #informers = new Map<string, StoreInformer<KubeObject>>()

  constructor(api: Api, failed: FailedHandler = rethrown) {
    this.#api = api
    this.#failed = failed
  }

  for<T extends KubeObject>(kind: string): Informer<T> {
    let informer = this.#informers.get(kind)
    if (!informer) this.#informers.set(kind, (informer = new StoreInformer(this.#api, this.#api.scheme.require(kind), this.#failed)))
    return informer as unknown as Informer<T>
  }

  lister<T extends KubeObject>(kind: string): Lister<T> {
    return this.for<T>(kind).lister
  }

  /** As if every watch had ended at once. */
  relist(): void {
    for (const informer of this.#informers.values()) informer.relist()
  }

  close(): void {
    for (const informer of this.#informers.values()) informer.close()
    this.#informers.clear()
  }
}
