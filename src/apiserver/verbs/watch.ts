/**
 * Watches: initial events, versions, selection of what changed, bookmarks. Models k8s.io/apiserver/pkg/storage/cacher and
 * endpoints/handlers/watch.go. An event is matched once per distinct selector and encoded once per encoding, however many
 * watch.
 */
import { internalError, StatusError } from '../../errors.ts'
import type { Timer } from '../../clock.ts'
import type { KubeObject } from '../../registry/kind.ts'
import { holdAgain } from '../../registry/prepared-read.ts'
import type { ObjectEntry } from '../../registry/resource-storage.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import { Entry } from '../../storage/entry.ts'
import type { StorageEvent } from '../../storage/history.ts'
import { isStorageError } from '../../storage/errors.ts'
import type { Api } from '../api.ts'
import { matcher, revisionProblem, type ListOptions } from '../list-options.ts'
import type { StreamSink } from '../request.ts'
import { listObjects, listPrefix, tooLargeRevision, whenListable, type ListQuery, type ListResult } from './list.ts'
import { joinSelector, sharedFrame, sharedMeaning, type Change, type WatchEventType } from './watch-share.ts'

/** Turns events into bytes for one stream. */
export interface WatchEncoder {
  /** Distinguishes encodings: frames are shared between streams with the same key; undefined where each stream has its own. */
  readonly key: string | undefined
  event(type: WatchEventType, entry: ObjectEntry): Buffer
  bookmark(revision: number, initialEventsEnd: boolean): Buffer
  error(error: StatusError): Buffer
}

/** False from `write`: the reader is too slow and has been dropped. */
export type WatchSink = Pick<StreamSink, 'isByFrame' | 'write' | 'isFull' | 'onDrain' | 'end'>

export type WatchQuery = ListQuery & ListOptions

const BOOKMARK_EVERY_MS = 60_000
/** One more bookmark goes out this long before the end, so that the next watch begins near to now. */
const BOOKMARK_BEFORE_END_MS = 2000
/** Frames are sent together up to this size. */
const CHUNK_BYTES = 64 * 1024
/** Upstream picks a random time from this up to twice this, where the client names none. */
const MIN_TIMEOUT_MS = 1_800_000
/** Batches of events that may wait for a webhook that converts them. */
const MAX_WAITING = 1000

type Events = readonly StorageEvent<KubeObject>[]

export class Watch {
  readonly #api: Api
  readonly #kind: ServedKind
  readonly #query: WatchQuery
  readonly #encoder: WatchEncoder
  readonly #sink: WatchSink
  readonly #selectorKey: string
  readonly #matches: ((object: KubeObject) => boolean) | undefined
  #handle: { close(): void } | undefined
  #timers: Timer[] = []
  #closed = false
  /** Events up to this revision are not the watcher's. */
  #after = 0
  #leave = () => {}
  #pending: Buffer[] = []
  #pendingBytes = 0
  readonly #prepareRead: ((objects: readonly KubeObject[]) => Promise<void> | undefined) | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(api: Api, kind: ServedKind, query: WatchQuery, output: { encoder: WatchEncoder; sink: WatchSink }) {
    this.#api = api
    this.#kind = kind
    this.#query = query
    this.#encoder = output.encoder
    this.#sink = output.sink
    this.#matches = matcher(kind, query)
    const { stored } = kind.definition
    if (stored?.isPrepared) this.#prepareRead = (objects) => stored.prepareRead?.(objects)
    this.#selectorKey = `${kind.ref}|${query.labels}|${query.fields}`
    if (this.#matches) this.#leave = joinSelector(this.#selectorKey)
  }

  /** Checks what must be refused before the answer begins. @throws StatusError */
  static check({ resourceVersion }: WatchQuery): void {
    const problem = revisionProblem(resourceVersion)
    if (problem) throw new StatusError({ code: 500, message: problem })
  }

  start(): void {
    const { clock, random } = this.#api
    const { timeoutSeconds, allowWatchBookmarks } = this.#query
    const timeoutMs = timeoutSeconds ? timeoutSeconds * 1000 : MIN_TIMEOUT_MS * (1 + random.float())
    if (timeoutMs < 0) return this.close()
    this.#timers.push(clock.after(timeoutMs, () => this.close()))
    if (allowWatchBookmarks) this.#bookmarkEvery(clock.now() + timeoutMs - BOOKMARK_BEFORE_END_MS)
    this.#attempt(() => this.#begin())
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#leave()
    this.#handle?.close()
    for (const timer of this.#timers) timer.cancel()
    this.#sink.end()
  }

  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#fail(error)
    }
  }

  #begin(): void {
    const { resourceVersion, sendInitialEvents } = this.#query
    const { store } = this.#api
    const from = Number(resourceVersion || 0)
    if (sendInitialEvents) {
      if (from > store.revision) throw tooLargeRevision(resourceVersion, store.revision, this.#kind.definition)
      const query = { ...this.#query, limit: 0, continue: '', resourceVersion: '', resourceVersionMatch: '' }
      const begun = whenListable(this.#api, this.#kind, query, (listable) => this.#beginWith(listObjects(this.#api, this.#kind, listable)))
      if (begun instanceof Promise) begun.catch((error: unknown) => this.#fail(error))
      return
    }
    this.#after = from || store.revision
    this.#follow()
  }

  #beginWith({ entries, revision }: ListResult): void {
    if (this.#closed) return
    this.#after = revision
    this.#prepared(entries, (objects) => this.#sendInitial(entries, objects, 0))
  }

  /** The state the watch begins with, as fast as the reader takes it; changes meanwhile wait in the store's history. */
  #sendInitial(entries: readonly ObjectEntry[], objects: readonly KubeObject[], first: number): void {
    holdAgain(entries.slice(first), objects.slice(first))
    for (let i = first; i < entries.length; i++) {
      const entry = entries[i]
      if (entry) this.#send(this.#encoder.event('ADDED', entry))
      if (this.#closed) return
      if (this.#pendingBytes > 0 || !this.#sink.isFull) continue
      return this.#sink.onDrain(() => this.#closed || this.#attempt(() => this.#sendInitial(entries, objects, i + 1)))
    }
    if (this.#query.allowWatchBookmarks) this.#send(this.#encoder.bookmark(this.#after, true))
    this.#flush()
    if (!this.#closed) this.#follow()
  }

  #follow(): void {
    const { store } = this.#api
    this.#handle = store.watch(listPrefix(this.#kind, this.#query), {
      fromRevision: Math.min(this.#after, store.revision),
      onEvents: (events) => this.#receive(events),
      onClose: (error) => this.#fail(error),
    })
  }

  /** Acts at once, or when a webhook has converted these; what comes meanwhile waits its turn. Versions that are replaced while they wait forget their objects. */
  #prepared(entries: readonly ObjectEntry[], act: (objects: readonly KubeObject[]) => void): void {
    if (!this.#prepareRead) return act([])
    if (++this.#waiting > MAX_WAITING) return this.close()
    const objects = entries.map(({ value }) => value)
    const ready = () => {
      holdAgain(entries, objects)
      act(objects)
    }
    const turn = this.#turn.then(() => this.#prepareRead?.(objects)).then(() => this.#closed || this.#attempt(ready))
    this.#turn = turn.then(undefined, (error: unknown) => this.#fail(error)).finally(() => this.#waiting--)
  }

  #receive(events: Events): void {
    if (!this.#prepareRead) return this.#deliver(events)
    if (!this.#matches) return this.#prepared(events.map(({ entry }) => entry), () => this.#deliver(events))
    const convertible = events.map(withTombstone)
    this.#prepared(convertible.flatMap(({ entry, previous }) => (previous ? [entry, previous] : [entry])), () => this.#deliver(convertible))
  }

  #deliver(events: Events): void {
    for (const event of events) {
      if (event.revision <= this.#after) continue
      const change = this.#meaning(event)
      if (change) this.#send(this.#frame(event, change))
      if (this.#closed) return
    }
    this.#flush()
  }

  #meaning(event: StorageEvent<KubeObject>): Change | null {
    if (!this.#matches) return changeFor(event, undefined)
    return sharedMeaning(event, this.#selectorKey, () => changeFor(event, this.#matches))
  }

  #frame(event: StorageEvent<KubeObject>, change: Change): Buffer {
    const { key } = this.#encoder
    const make = () => this.#encoder.event(change.type, change.entry)
    return key === undefined ? make() : sharedFrame(event, `${key}|${change.type}`, make)
  }

  /** Frames gather until a chunk is full or `#flush` is called. */
  #send(frame: Buffer): void {
    if (this.#closed) return
    this.#pending.push(frame)
    this.#pendingBytes += frame.length
    if (this.#pendingBytes >= CHUNK_BYTES || this.#sink.isByFrame) this.#flush()
  }

  #flush(): void {
    const [only] = this.#pending
    if (this.#closed || !only) return
    const chunk = this.#pending.length === 1 ? only : Buffer.concat(this.#pending, this.#pendingBytes)
    this.#pending = []
    this.#pendingBytes = 0
    if (!this.#sink.write(chunk)) this.close()
  }

  #bookmarkEvery(lastMs: number): void {
    const { clock, store } = this.#api
    const delayMs = Math.min(BOOKMARK_EVERY_MS, lastMs - clock.now())
    if (delayMs <= 0) return
    this.#timers[1] = clock.after(delayMs, () => {
      // One that is still being sent its first state gets the bookmark behind it.
      if (this.#handle) this.#bookmark(store.revision)
      if (!this.#closed) this.#bookmarkEvery(lastMs)
    })
  }

  /** Behind the events that wait for a webhook: who comes back with its revision is not told them again. */
  #bookmark(revision: number): void {
    this.#prepared([], () => {
      this.#send(this.#encoder.bookmark(revision, false))
      this.#flush()
    })
  }

  #fail(error: unknown): void {
    if (this.#closed) return
    const told = isStorageError(error, 'COMPACTED') ? tooOld(this.#after, this.#api.store) : error
    if (told instanceof StatusError) this.#send(this.#encoder.error(told))
    // Nothing of ours may stop the store, which calls us; the client learns what went wrong.
    else if (!isStorageError(told)) this.#send(this.#encoder.error(internalError(String(told))))
    this.#flush()
    this.close()
  }
}

function tooOld(wanted: number, store: { compactedRevision: number }): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message: `too old resource version: ${wanted} (${store.compactedRevision})` })
}

/** What a change of the store is to somebody who sees only matching objects. */
function changeFor(event: StorageEvent<KubeObject>, matches: ((object: KubeObject) => boolean) | undefined): Change | null {
  const { entry, previous } = event
  const before = previous !== undefined && (!matches || matches(previous.value))
  const now = event.type === 'PUT' && (!matches || matches(entry.value))
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', entry }
  if (!before || !previous) return null
  return { type: 'DELETED', entry: event.type === 'DELETE' ? entry : tombstone(previous, event.revision) }
}

function tombstone(previous: Entry<KubeObject>, revision: number): Entry<KubeObject> {
  return previous.modRevision === revision ? previous : Entry.tombstone(previous, revision)
}

const tombstones = new WeakMap<StorageEvent<KubeObject>, StorageEvent<KubeObject>>()

/** The event with what was before as somebody sees it for whom it is no more: a webhook converts that too. */
function withTombstone(event: StorageEvent<KubeObject>): StorageEvent<KubeObject> {
  if (event.type === 'DELETE' || !event.previous) return event
  const known = tombstones.get(event)
  if (known) return known
  const made = { ...event, previous: tombstone(event.previous, event.revision) }
  tombstones.set(event, made)
  return made
}
