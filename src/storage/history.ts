/**
 * The recent past: the latest events, bounded by number and bytes, and the tree as it was at any revision since the last
 * compaction. A past tree is found by undoing events from the nearest later tree at hand, so keeping the past costs
 * nothing but the versions themselves.
 */
import type { Entry } from './entry.ts'
import { StorageError } from './errors.ts'
import type { Tree } from './tree.ts'

/** `entry` is the new version; for DELETE, the last state stamped with the revision of the deletion. */
export interface StorageEvent<V extends object> {
  readonly type: 'PUT' | 'DELETE'
  readonly key: string
  readonly revision: number
  readonly entry: Entry<V>
  readonly previous: Entry<V> | undefined
}

export interface HistoryLimits {
  maxEvents: number
  maxBytes: number
}

/** How many events lie between two trees that are kept to undo from. */
const CHECKPOINT_EVERY = 1024
/** How many trees that were asked for are kept; the pages of one list ask for the same. */
const KEPT_TREES = 8
/** How many versions move to memory of their own with each batch, besides two for each of its events. */
const SETTLED_AT_ONCE = 16

interface Checkpoint<V extends object> {
  revision: number
  tree: Tree<Entry<V>>
}

export class History<V extends object> {
  readonly #limits: HistoryLimits
  #events: (StorageEvent<V> | undefined)[] = []
  /** Where the events that still count begin. */
  #start = 0
  #bytes = 0
  #compacted: number
  #latest: Checkpoint<V>
  #checkpoints: Checkpoint<V>[] = []
  #sinceCheckpoint = 0
  #asked: Checkpoint<V>[] = []
  /** Versions that left the history and may be current still. */
  #aged: Entry<V>[] = []

  constructor(limits: HistoryLimits, start: Checkpoint<V>) {
    this.#limits = limits
    this.#latest = start
    this.#compacted = start.revision
  }

  /** The revision of the latest published write. */
  get revision(): number {
    return this.#latest.revision
  }

  get tree(): Tree<Entry<V>> {
    return this.#latest.tree
  }

  /** The oldest revision that can still be listed or watched from. */
  get compacted(): number {
    return this.#compacted
  }

  get length(): number {
    return this.#events.length - this.#start
  }

  append(events: readonly StorageEvent<V>[], tree: Tree<Entry<V>>): void {
    const last = events[events.length - 1]
    if (!last) return
    for (const event of events) {
      this.#events.push(event)
      this.#bytes += weight(event)
    }
    this.#latest = { revision: last.revision, tree }
    this.#sinceCheckpoint += events.length
    if (this.#sinceCheckpoint >= CHECKPOINT_EVERY) {
      this.#checkpoints.push(this.#latest)
      this.#sinceCheckpoint = 0
    }
    while (this.length > this.#limits.maxEvents || this.#bytes > this.#limits.maxBytes) this.#compacted = this.#dropFirst().revision
    this.#forget()
    this.#settleAged(SETTLED_AT_ONCE + 2 * events.length)
  }

  /** Forgets what happened up to `revision`. */
  compact(revision: number): void {
    while (this.length > 0 && this.#at(this.#start).revision <= revision) this.#dropFirst()
    this.#compacted = Math.max(this.#compacted, revision)
    this.#forget()
  }

  /** The events after `revision` whose keys begin with `prefix`. */
  after(revision: number, prefix: string): StorageEvent<V>[] {
    this.checkRevision(revision)
    const out: StorageEvent<V>[] = []
    for (let i = this.#indexAfter(revision); i < this.#events.length; i++) {
      const event = this.#at(i)
      if (event.key.startsWith(prefix)) out.push(event)
    }
    return out
  }

  treeAt(revision: number): Tree<Entry<V>> {
    if (revision === this.revision) return this.#latest.tree
    this.checkRevision(revision)
    const kept = this.#asked.find((c) => c.revision === revision)
    if (kept) return kept.tree
    const tree = this.#undoTo(revision)
    this.keep({ revision, tree })
    return tree
  }

  /** Keeps a tree that will be asked for again. */
  keep(checkpoint: Checkpoint<V>): void {
    if (this.#asked.some((c) => c.revision === checkpoint.revision)) return
    if (this.#asked.length >= KEPT_TREES) this.#asked.shift()
    this.#asked.push(checkpoint)
  }

  checkRevision(revision: number): void {
    if (revision > this.revision) throw new StorageError('FUTURE_REVISION', `revision ${revision} is in the future, the current one is ${this.revision}`)
    if (revision < this.#compacted) throw new StorageError('COMPACTED', `revision ${revision} has been compacted, the oldest one kept is ${this.#compacted}`)
  }

  #dropFirst(): StorageEvent<V> {
    const event = this.#at(this.#start)
    this.#events[this.#start++] = undefined
    this.#bytes -= weight(event)
    if (event.type === 'PUT') this.#aged.push(event.entry)
    return event
  }

  /** A few at a time: a compaction may have dropped tens of thousands. */
  #settleAged(count: number): void {
    for (let n = 0; n < count; n++) {
      const entry = this.#aged.pop()
      if (!entry) return
      if (this.tree.get(entry.key) === entry) entry.settle()
    }
  }

  /** Frees what only dropped events needed. */
  #forget(): void {
    if (this.#start > 1024 && this.#start > this.#events.length >> 1) {
      this.#events.splice(0, this.#start)
      this.#start = 0
    }
    while ((this.#checkpoints[0]?.revision ?? Infinity) < this.#compacted) this.#checkpoints.shift()
    if (this.#asked.some((c) => c.revision < this.#compacted)) this.#asked = this.#asked.filter((c) => c.revision >= this.#compacted)
  }

  #undoTo(revision: number): Tree<Entry<V>> {
    const later = this.#checkpoints.find((c) => c.revision >= revision) ?? this.#latest
    const draft = later.tree.edit()
    for (let i = this.#indexAfter(later.revision) - 1; i >= this.#start; i--) {
      const event = this.#at(i)
      if (event.revision <= revision) break
      if (event.previous) draft.set(event.previous)
      else draft.delete(event.key)
    }
    return draft.seal()
  }

  /** The index of the first event after `revision`. */
  #indexAfter(revision: number): number {
    let low = this.#start
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#at(middle).revision <= revision) low = middle + 1
      else high = middle
    }
    return low
  }

  #at(index: number): StorageEvent<V> {
    const event = this.#events[index]
    if (!event) throw new RangeError(`history has no event at ${index}`)
    return event
  }
}

/** What an event keeps in memory, nearly; the previous version counts because nothing else may hold it. */
function weight<V extends object>({ type, entry, previous }: StorageEvent<V>): number {
  return 256 + (type === 'PUT' ? entry.bytes.length : 0) + (previous?.bytes.length ?? 0)
}
