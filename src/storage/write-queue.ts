/**
 * Orders the writes of a store: gives each its revision, and makes those that gathered while the backend was busy durable
 * together (group commit). The head is the state with all queued writes in it; it is what the next write is decided on.
 */
import { nextTurn } from '../clock.ts'
import { type Backend, type StateSummary } from './backends/backend.ts'
import { type Codec, Entry } from './entry.ts'
import { StorageError } from './errors.ts'
import type { StorageEvent } from './history.ts'
import { checkKey } from './keys.ts'
import type { Tree, TreeDraft } from './tree.ts'

/** In place of a value: the key is to go. */
export const DELETE: unique symbol = Symbol('delete')

export interface QueueLimits {
  maxQueuedWrites: number
  maxQueuedBytes: number
}

export interface WriteQueueOptions<V extends object> {
  backend: Backend
  codec: Codec<V>
  limits: QueueLimits
  start: { tree: Tree<Entry<V>>; revision: number; revisionSum: number }
  /** Makes a durable batch visible; called in order. */
  publish(events: readonly StorageEvent<V>[], tree: Tree<Entry<V>>): void
}

export interface PendingWrite<V extends object> {
  value: V | typeof DELETE
  expiresAt?: number | undefined
}

interface Waiter<T> {
  resolve(result: T): void
  reject(error: unknown): void
}

interface Batch<V extends object> {
  events: StorageEvent<V>[]
  /** Who waits for the event of the same index. */
  waiters: Waiter<Entry<V>>[]
  /** Who waits for the batch. */
  settled: Waiter<void>[]
  bytes: number
  tree: Tree<Entry<V>> | undefined
  after: StateSummary
}

/** A batch that has grown to this is closed, so that one commit stays short. */
const MAX_BATCH_BYTES = 8 << 20

export class WriteQueue<V extends object> {
  readonly #options: WriteQueueOptions<V>
  readonly #draft: TreeDraft<Entry<V>>
  #revision: number
  #revisionSum: number
  /** The first may be with the backend; the last collects. */
  #batches: Batch<V>[] = []
  #committing = false
  #queuedWrites = 0
  #queuedBytes = 0
  #stopped: StorageError | undefined
  #idle: (() => void)[] = []

  constructor(options: WriteQueueOptions<V>) {
    this.#options = options
    this.#draft = options.start.tree.edit()
    this.#revision = options.start.revision
    this.#revisionSum = options.start.revisionSum
  }

  /** The newest version, durable or not. */
  head(key: string): Entry<V> | undefined {
    return this.#draft.get(key)
  }

  /** Why no write is taken any more. */
  get stopped(): StorageError | undefined {
    return this.#stopped
  }

  get summary(): StateSummary {
    return { revision: this.#revision, count: this.#draft.size, revisionSum: this.#revisionSum }
  }

  /** Writes the version after `previous`, which must be the head; resolves when the write is durable and published. */
  write(key: string, previous: Entry<V> | undefined, write: PendingWrite<V>): Promise<Entry<V>> {
    const refusal = this.#stopped ?? this.#full()
    if (refusal) return Promise.reject(refusal)
    try {
      return this.#add(this.#makeEvent(key, previous, write))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Resolves when all that the head holds now has been published, rejects when it is lost; undefined when there is nothing to wait for. */
  settled(): Promise<void> | undefined {
    const last = this.#batches[this.#batches.length - 1]
    return last && new Promise((resolve, reject) => last.settled.push({ resolve, reject }))
  }

  /** Takes no more writes; resolves when those taken are done. */
  async close(): Promise<void> {
    this.#stopped ??= new StorageError('CLOSED', 'the store is closed')
    if (this.#committing) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #full(): StorageError | undefined {
    const { maxQueuedWrites, maxQueuedBytes } = this.#options.limits
    if (this.#queuedWrites < maxQueuedWrites && this.#queuedBytes < maxQueuedBytes) return undefined
    return new StorageError('QUEUE_FULL', `${this.#queuedWrites} writes of ${this.#queuedBytes} bytes wait already`)
  }

  /** May throw: the value is stamped and encoded here, before anything changes. */
  #makeEvent(key: string, previous: Entry<V> | undefined, { value, expiresAt }: PendingWrite<V>): StorageEvent<V> {
    const revision = this.#revision + 1
    if (value === DELETE) {
      if (!previous) throw new StorageError('KEY_NOT_FOUND', `the key ${key} does not exist`)
      return { type: 'DELETE', key, revision, entry: Entry.tombstone(previous, revision), previous }
    }
    if (!previous) checkKey(key)
    const meta = { key, createRevision: previous?.createRevision ?? revision, modRevision: revision, version: (previous?.version ?? 0) + 1, expiresAt }
    return { type: 'PUT', key, revision, entry: Entry.written(meta, this.#options.codec, value), previous }
  }

  #add(event: StorageEvent<V>): Promise<Entry<V>> {
    const { type, key, revision, entry, previous } = event
    const put = type === 'PUT'
    if (put) this.#draft.set(entry)
    else this.#draft.delete(key)
    this.#revision = revision
    this.#revisionSum += (put ? revision : 0) - (previous?.modRevision ?? 0)
    const bytes = put ? entry.bytes.length : 0
    const batch = this.#collecting()
    batch.events.push(event)
    batch.bytes += bytes
    this.#queuedWrites++
    this.#queuedBytes += bytes
    if (batch.bytes >= MAX_BATCH_BYTES) this.#seal(batch)
    if (!this.#committing) {
      this.#committing = true
      queueMicrotask(() => void this.#commitAll())
    }
    return new Promise((resolve, reject) => batch.waiters.push({ resolve, reject }))
  }

  #collecting(): Batch<V> {
    const last = this.#batches[this.#batches.length - 1]
    if (last && !last.tree) return last
    const batch: Batch<V> = { events: [], waiters: [], settled: [], bytes: 0, tree: undefined, after: this.summary }
    this.#batches.push(batch)
    return batch
  }

  #seal(batch: Batch<V>): Tree<Entry<V>> {
    if (batch.tree) return batch.tree
    batch.after = this.summary
    return (batch.tree = this.#draft.seal())
  }

  async #commitAll(): Promise<void> {
    const { backend, publish } = this.#options
    for (let batch = this.#batches[0]; batch; batch = this.#batches[0]) {
      if (backend.gathersWrites) await nextTurn()
      const tree = this.#seal(batch)
      try {
        const done = backend.commit(batch.events, batch.after)
        if (done) await done
      } catch (error) {
        this.#fail(error)
        break
      }
      this.#batches.shift()
      this.#queuedWrites -= batch.events.length
      this.#queuedBytes -= batch.bytes
      publish(batch.events, tree)
      batch.waiters.forEach(({ resolve }, i) => resolve(entryAt(batch.events, i)))
      for (const { resolve } of batch.settled) resolve()
    }
    this.#committing = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** What was queued on top of a lost batch is lost with it; whether the batch itself is on disk, nobody knows. */
  #fail(cause: unknown): void {
    const text = cause instanceof Error ? cause.message : String(cause)
    const error = new StorageError('FAILED', `the store takes no more writes since one failed: ${text}`, { cause })
    this.#stopped = error
    for (const { waiters, settled } of this.#batches.splice(0)) {
      for (const { reject } of [...waiters, ...settled]) reject(error)
    }
  }
}

function entryAt<V extends object>(events: readonly StorageEvent<V>[], index: number): Entry<V> {
  const event = events[index]
  if (!event) throw new RangeError(`the batch has no event ${index}`)
  return event.entry
}
