/**
 * Read-only, indexed views of the informers' caches. Models client-go's cache.Indexer and the generated listers.
 * What a lister gives is shared with the store and frozen: clone before changing.
 */
import type { Selector } from '../apimachinery/labels.ts'
import type { KubeObject } from '../registry/kind.ts'

export interface Lister<T extends KubeObject = KubeObject> {
  get(namespace: string, name: string): T | undefined
  byUid(uid: string): T | undefined
  /** All objects, or those of one namespace; order of insertion. */
  list(namespace?: string): T[]
  /** Objects of a namespace ('' for all) whose labels match. */
  select(namespace: string, selector: Selector): T[]
  /** Objects for which the index function gave `key`. The index must have been added by `informer.addIndex`. */
  byIndex(index: string, key: string): T[]
  /** Objects whose controller owner reference has this uid. */
  ownedBy(uid: string): T[]
  readonly size: number
}

export interface Handlers<T> {
  add?(object: T): void
  update?(object: T, old: T): void
  /** The last state before it went. */
  delete?(object: T): void
}

export interface Informer<T extends KubeObject = KubeObject> {
  readonly kind: string
  readonly lister: Lister<T>
  /**
   * Calls `add` for every object that is there now, then follows. Handlers run synchronously inside the commit that
   * caused them, so they only update indexes and enqueue keys. Returns the function that unsubscribes.
   */
  subscribe(handlers: Handlers<T>): () => void
  /** Adds an index over present and future objects; the same name twice is the same index. */
  addIndex(name: string, keys: (object: T) => readonly string[]): void
}

export interface Informers {
  /** The shared informer of a kind, started at first use. */
  for<T extends KubeObject>(kind: string): Informer<T>
  /** Shorthand for `for(kind).lister`. */
  lister<T extends KubeObject>(kind: string): Lister<T>
}
