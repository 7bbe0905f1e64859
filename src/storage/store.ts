/**
 * The store: keys, revisions, watches, as etcd has them (k8s.io/apiserver, storage/etcd3/store.go on go.etcd.io/etcd), for any
 * kind of value. Current entries and recent history are in memory; a backend keeps them durable. Readers and watchers see
 * only what is durable; updates are decided on the head, which also holds the writes under way. A write resolves when
 * it is durable, readable and every watcher has been called.
 */
import type { Clock } from '../clock.ts'
import type { Backend } from './backends/backend.ts'
import { MemoryBackend } from './backends/memory.ts'
import { Compactor } from './compact.ts'
import { type Codec, Entry } from './entry.ts'
import { StorageError, isStorageError } from './errors.ts'
import { Expiry } from './expiry.ts'
import type { HistoryLimits, StorageEvent } from './history.ts'
import { type ListOptions, type ListResult, Snapshot } from './snapshot.ts'
import { Tree } from './tree.ts'
import { verifyState } from './verify.ts'
import { WatchCache, type WatchHandle, type WatchOptions } from './watch-cache.ts'
import { DELETE, type QueueLimits, WriteQueue } from './write-queue.ts'

export { DELETE, StorageError, isStorageError }
export type { Codec, Entry, StorageEvent }

/** From an update: the entry stays as it is, nothing is written. */
export const UNCHANGED: unique symbol = Symbol('unchanged')

export interface Write<V extends object> extends WriteOptions {
  value: V
}
export type Outcome<V extends object> = Write<V> | typeof DELETE | typeof UNCHANGED
export type Update<V extends object> = (current: Entry<V> | undefined) => Outcome<V> | Promise<Outcome<V>>

export interface StoreOptions<V extends object> {
  backend: Backend
  codec: Codec<V>
  clock: Clock
  queue?: Partial<QueueLimits>
  history?: Partial<HistoryLimits>
  /** How often history is compacted; Infinity leaves it to `compact` and the limits. */
  compactionIntervalMs?: number
}

export interface WriteOptions {
  /** When the entry deletes itself, in milliseconds since the epoch; an update without it makes the entry stay. */
  expiresAt?: number | undefined
}

export interface UpdateOptions {
  /** How often an asynchronous update may lose against other writers. */
  maxAttempts?: number
}

interface StartState<V extends object> {
  tree: Tree<Entry<V>>
  revision: number
  revisionSum: number
  expiring: Iterable<Entry<V>>
}

const QUEUE_LIMITS: QueueLimits = { maxQueuedWrites: 10_000, maxQueuedBytes: 256 << 20 }
const HISTORY_LIMITS: HistoryLimits = { maxEvents: 100_000, maxBytes: 64 << 20 }
const COMPACTION_INTERVAL_MS = 5 * 60_000
const MAX_ATTEMPTS = 100

export class Store<V extends object> {
  readonly #options: StoreOptions<V>
  readonly #cache: WatchCache<V>
  readonly #queue: WriteQueue<V>
  readonly #expiry: Expiry<V>
  readonly #compactor: Compactor<V>
  #closing: Promise<void> | undefined

  static async open<V extends object>(options: StoreOptions<V>): Promise<Store<V>> {
    const { backend, codec } = options
    const { revision, revisionSum } = await backend.open()
    try {
      const draft = new Tree<Entry<V>>().edit()
      const expiring: Entry<V>[] = []
      for await (const records of backend.load()) {
        for (const record of records) {
          const entry = Entry.loaded(record, codec)
          draft.set(entry)
          if (entry.expiresAt !== undefined) expiring.push(entry)
        }
      }
      return new Store(options, { tree: draft.seal(), revision, revisionSum, expiring })
    } catch (error) {
      await backend.close()
      throw error
    }
  }

  private constructor(options: StoreOptions<V>, start: StartState<V>) {
    const { backend, codec, clock } = options
    this.#options = options
    this.#cache = new WatchCache({ ...HISTORY_LIMITS, ...options.history }, start)
    this.#queue = new WriteQueue({ backend, codec, start, limits: { ...QUEUE_LIMITS, ...options.queue }, publish: (events, tree) => this.#publish(events, tree) })
    this.#compactor = new Compactor(this.#cache.history, clock, options.compactionIntervalMs ?? COMPACTION_INTERVAL_MS)
    this.#expiry = new Expiry({ clock, expire: (key) => this.#expire(key) })
    for (const entry of start.expiring) this.#expiry.track(entry)
    this.#expiry.start()
  }

  /** The revision of the latest published write: all that watchers have been told of. */
  get revision(): number {
    return this.#cache.history.revision
  }

  /** The oldest revision that can be listed or watched from. */
  get compactedRevision(): number {
    return this.#cache.history.compacted
  }

  get watchers(): number {
    return this.#cache.watchers
  }

  get(key: string): Entry<V> | undefined {
    this.#checkOpen()
    return this.#cache.history.tree.get(key)
  }

  /** The state now, or as it was at `revision`. */
  snapshot(revision = this.revision): Snapshot<V> {
    this.#checkOpen()
    return new Snapshot(revision, this.#cache.history.treeAt(revision))
  }

  list(prefix: string, { revision, ...options }: ListOptions & { revision?: number | undefined } = {}): ListResult<V> {
    const snapshot = this.snapshot(revision)
    const result = snapshot.list(prefix, options)
    // The next page will ask for the same state.
    if (result.remaining > 0) this.#cache.history.keep(snapshot)
    return result
  }

  count(prefix: string): number {
    return this.snapshot().count(prefix)
  }

  watch(prefix: string, options: WatchOptions<V>): WatchHandle {
    this.#checkOpen()
    return this.#cache.watch(prefix, options)
  }

  /** The newest version, which may not be durable yet: to look before an update, never to answer with. */
  getHead(key: string): Entry<V> | undefined {
    this.#checkOpen()
    return this.#queue.head(key)
  }

  /** Fails with KEY_EXISTS when the key is there. */
  create(key: string, value: V, { expiresAt }: WriteOptions = {}): Promise<Entry<V>> {
    const current = this.#queue.head(key)
    if (!current) return this.#queue.write(key, current, { value, expiresAt })
    return this.#seen(key, current, () => Promise.reject(new StorageError('KEY_EXISTS', `the key ${key} exists`)))
  }

  /** Resolves with the last state, stamped with the revision of its deletion. `check` may throw to prevent it. */
  async delete(key: string, { check }: { check?: (current: Entry<V>) => void | Promise<void> } = {}): Promise<Entry<V>> {
    const entry = await this.guaranteedUpdate(key, (current) => {
      if (!current) return UNCHANGED
      const checked = check?.(current)
      return checked ? checked.then(() => DELETE) : DELETE
    })
    if (!entry) throw new StorageError('KEY_NOT_FOUND', `the key ${key} does not exist`)
    return entry
  }

  /**
   * Writes what `update` makes of the newest version. It runs outside the write queue, may be asynchronous, and runs again
   * when the entry changed meanwhile. What it throws is passed on once the state it saw is readable. Resolves with the new
   * entry, with the current one when that stays UNCHANGED, and with the tombstone after DELETE.
   */
  guaranteedUpdate(key: string, update: Update<V>, options: UpdateOptions = {}): Promise<Entry<V> | undefined> {
    const current = this.#queue.head(key)
    try {
      const outcome = update(current)
      if (outcome instanceof Promise) return this.#updateLater(key, { current, outcome, update }, options)
      return this.#apply(key, current, outcome)
    } catch (error) {
      return this.#seen(key, current, () => Promise.reject(error))
    }
  }

  /** Writes if the key is at `expected` (0: absent), else fails with CONFLICT. */
  commitIf(key: string, expected: number, value: V | typeof DELETE, options: WriteOptions = {}): Promise<Entry<V>> {
    const current = this.#queue.head(key)
    const found = current?.modRevision ?? 0
    if (found === expected) return this.#queue.write(key, current, { value, expiresAt: options.expiresAt })
    return this.#seen(key, current, () => Promise.reject(new StorageError('CONFLICT', `the key ${key} is at revision ${found}, not ${expected}`)))
  }

  /** Forgets history up to `revision`: older ones can no longer be listed or watched from. */
  compact(revision: number): void {
    this.#checkOpen()
    this.#cache.history.checkRevision(revision)
    this.#cache.history.compact(revision)
  }

  /** A child in memory that begins with this store's state and revision and goes its own way; nothing is copied. */
  fork(options: Partial<StoreOptions<V>> = {}): Store<V> {
    this.#checkOpen()
    const { tree, revision } = this.#cache.history
    const expiring = [...this.#expiry.keys()].map((key) => tree.get(key)).filter((entry) => entry !== undefined)
    return new Store({ ...this.#options, backend: new MemoryBackend(), ...options }, { tree, revision, revisionSum: 0, expiring })
  }

  /** Throws CORRUPT unless index, expiries and backend agree; for tests and diagnosis, it reads everything. */
  async verify(): Promise<void> {
    await this.#queue.settled()
    const { backend } = this.#options
    await verifyState({ backend, tree: this.#cache.history.tree, summary: this.#queue.summary, expiring: new Set(this.#expiry.keys()) })
  }

  /** Finishes the writes under way, ends the watches and frees everything; later calls fail with CLOSED. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#expiry.close()
    await this.#queue.close()
    this.#compactor.close()
    this.#cache.close(closed())
    await this.#options.backend.close()
  }

  async #updateLater(
    key: string,
    attempt: { current: Entry<V> | undefined; outcome: Promise<Outcome<V>>; update: Update<V> },
    { maxAttempts = MAX_ATTEMPTS }: UpdateOptions,
  ): Promise<Entry<V> | undefined> {
    let { current } = attempt
    let pending: ReturnType<Update<V>> = attempt.outcome
    for (let tries = 1; ; tries++) {
      try {
        const outcome = await pending
        const head = this.#queue.head(key)
        if (head === current) return await this.#apply(key, current, outcome)
        current = head
        if (tries >= maxAttempts) throw new StorageError('CONFLICT', `the key ${key} changed during each of ${tries} attempts to update it`)
        pending = attempt.update(current)
      } catch (error) {
        return this.#seen(key, current, () => Promise.reject(error))
      }
    }
  }

  #apply(key: string, current: Entry<V> | undefined, outcome: Outcome<V>): Promise<Entry<V> | undefined> {
    if (outcome === UNCHANGED) return this.#seen(key, current, () => Promise.resolve(current))
    return this.#queue.write(key, current, outcome === DELETE ? { value: DELETE } : outcome)
  }

  /** Goes on with `then` once readers see the version that a decision was made on, so that no answer is ahead of a read. */
  #seen<T>(key: string, version: Entry<V> | undefined, then: () => Promise<T>): Promise<T> {
    if (this.#queue.stopped) return Promise.reject(this.#queue.stopped)
    if (this.#cache.history.tree.get(key) === version) return then()
    return this.#queue.settled()?.then(then) ?? then()
  }

  #publish(events: readonly StorageEvent<V>[], tree: Tree<Entry<V>>): void {
    this.#expiry.follow(events)
    this.#cache.publish(events, tree)
    this.#compactor.wake()
  }

  async #expire(key: string): Promise<void> {
    const entry = this.#queue.head(key)
    if (this.#queue.stopped || entry?.expiresAt === undefined || entry.expiresAt > this.#options.clock.now()) return
    await this.#queue.write(key, entry, { value: DELETE })
  }

  #checkOpen(): void {
    if (this.#closing) throw closed()
  }
}

function closed(): StorageError {
  return new StorageError('CLOSED', 'the store is closed')
}
