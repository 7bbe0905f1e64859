/** The store as it was at one revision; it never changes, however long it is held. */
import type { Entry } from './entry.ts'
import { prefixEnd } from './keys.ts'
import type { Tree } from './tree.ts'

export interface ListOptions {
  /** At most this many entries; all without it. */
  limit?: number | undefined
  /** Begins at the first key that is not below this one. */
  startKey?: string | undefined
}

export interface ListResult<V extends object> {
  readonly entries: readonly Entry<V>[]
  readonly revision: number
  /** How many entries of the prefix come after the last one given. */
  readonly remaining: number
}

export class Snapshot<V extends object> {
  readonly revision: number
  readonly tree: Tree<Entry<V>>

  constructor(revision: number, tree: Tree<Entry<V>>) {
    this.revision = revision
    this.tree = tree
  }

  get(key: string): Entry<V> | undefined {
    return this.tree.get(key)
  }

  list(prefix: string, { limit, startKey }: ListOptions = {}): ListResult<V> {
    const range = rangeOf(prefix, startKey)
    const entries = this.tree.collect(range, limit)
    const full = limit !== undefined && entries.length >= limit
    const remaining = full ? this.tree.count(range) - entries.length : 0
    return { entries, revision: this.revision, remaining }
  }

  count(prefix: string): number {
    return this.tree.count(rangeOf(prefix))
  }

  /** Visits the entries of a prefix in order until `visit` returns false. */
  scan(prefix: string, visit: (entry: Entry<V>) => boolean | void, startKey?: string): void {
    this.tree.scan(rangeOf(prefix, startKey), visit)
  }
}

function rangeOf(prefix: string, startKey = ''): { from: string; to: string | undefined } {
  return { from: startKey > prefix ? startKey : prefix, to: prefixEnd(prefix) }
}
