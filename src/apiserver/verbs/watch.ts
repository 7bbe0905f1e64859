/**
 * Watches: initial events, versions, selection of what changed, bookmarks. Models k8s.io/apiserver/pkg/storage/cacher and
 * endpoints/handlers/watch.go. An event is matched once per distinct selector and encoded once per encoding, however many
 * watch: both are kept with the event.
 */
import { StatusError } from '../../errors.ts'
import type { Timer } from '../../clock.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { ObjectEntry } from '../../registry/resource-storage.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import { Entry } from '../../storage/entry.ts'
import type { StorageEvent } from '../../storage/history.ts'
import { isStorageError } from '../../storage/errors.ts'
import type { Api } from '../api.ts'
import { matcher, revisionProblem, type ListOptions } from '../list-options.ts'
import { listObjects, listPrefix, type ListQuery } from './list.ts'

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** Turns events into bytes for one stream. */
export interface WatchEncoder {
  /** Distinguishes encodings: frames are shared between streams with the same key. */
  readonly key: string
  event(type: WatchEventType, entry: ObjectEntry): Buffer
  bookmark(revision: number, initialEventsEnd: boolean): Buffer
  error(error: StatusError): Buffer
}

export interface WatchSink {
  /** Sends a frame. False: the reader is too slow and has been dropped. */
  write(frame: Buffer): boolean
  end(): void
}

export type WatchQuery = ListQuery & ListOptions

const BOOKMARK_EVERY_MS = 60_000
/** Upstream picks a random time from this up to twice this, where the client names none. */
const MIN_TIMEOUT_MS = 1_800_000

interface Change {
  type: WatchEventType
  entry: ObjectEntry
}

type Events = readonly StorageEvent<KubeObject>[]
/** Per event: what it means to a selector, and its frames. */
const meanings = new WeakMap<StorageEvent<KubeObject>, Map<string, Change | null>>()
const frames = new WeakMap<StorageEvent<KubeObject>, Map<string, Buffer>>()

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

  constructor(api: Api, kind: ServedKind, query: WatchQuery, output: { encoder: WatchEncoder; sink: WatchSink }) {
    this.#api = api
    this.#kind = kind
    this.#query = query
    this.#encoder = output.encoder
    this.#sink = output.sink
    this.#matches = matcher(kind, query)
    this.#selectorKey = `${kind.ref}|${query.labels}|${query.fields}`
  }

  /** Checks what must be refused before the answer begins. @throws StatusError */
  static check(query: WatchQuery): void {
    const { resourceVersion } = query
    if (resourceVersion && !/^[0-9]+$/.test(resourceVersion)) throw new StatusError({ code: 500, message: revisionProblem(resourceVersion) })
  }

  start(): void {
    const { clock, random } = this.#api
    const timeoutMs = this.#query.timeoutSeconds ? this.#query.timeoutSeconds * 1000 : MIN_TIMEOUT_MS * (1 + random.float())
    this.#timers.push(clock.after(timeoutMs, () => this.close()))
    if (this.#query.allowWatchBookmarks) this.#bookmarkEvery(BOOKMARK_EVERY_MS)
    try {
      this.#begin()
    } catch (error) {
      this.#fail(error)
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#handle?.close()
    for (const timer of this.#timers) timer.cancel()
    this.#sink.end()
  }

  #begin(): void {
    const { resourceVersion, sendInitialEvents, allowWatchBookmarks } = this.#query
    const { store } = this.#api
    const from = Number(resourceVersion || 0)
    const replays = sendInitialEvents ?? from === 0
    this.#after = replays || from === 0 ? store.revision : from
    if (replays) for (const entry of listObjects(this.#api, this.#kind, { ...this.#query, limit: 0, continue: '', resourceVersion: '', resourceVersionMatch: '' }).entries) this.#send(this.#encoder.event('ADDED', entry))
    if (sendInitialEvents && allowWatchBookmarks) this.#send(this.#encoder.bookmark(store.revision, true))
    if (this.#closed) return
    this.#handle = store.watch(listPrefix(this.#kind, this.#query), {
      fromRevision: Math.min(this.#after, store.revision),
      onEvents: (events) => this.#deliver(events),
      onClose: (error) => this.#fail(error),
    })
  }

  #deliver(events: Events): void {
    for (const event of events) {
      if (event.revision <= this.#after) continue
      const change = this.#meaning(event)
      if (change) this.#send(this.#frame(event, change))
      if (this.#closed) return
    }
  }

  #meaning(event: StorageEvent<KubeObject>): Change | null {
    const known = remembered(meanings, event)
    let change = known.get(this.#selectorKey)
    if (change === undefined) known.set(this.#selectorKey, (change = changeFor(event, this.#matches)))
    return change
  }

  #frame(event: StorageEvent<KubeObject>, change: Change): Buffer {
    const known = remembered(frames, event)
    const key = `${this.#encoder.key}|${change.type}`
    let frame = known.get(key)
    if (!frame) known.set(key, (frame = this.#encoder.event(change.type, change.entry)))
    return frame
  }

  #send(frame: Buffer): void {
    if (!this.#closed && !this.#sink.write(frame)) this.close()
  }

  #bookmarkEvery(ms: number): void {
    this.#timers[1] = this.#api.clock.after(ms, () => {
      this.#send(this.#encoder.bookmark(this.#api.store.revision, false))
      if (!this.#closed) this.#bookmarkEvery(ms)
    })
  }

  #fail(error: unknown): void {
    if (this.#closed) return
    if (isStorageError(error, 'COMPACTED')) this.#send(this.#encoder.error(tooOld(this.#after, this.#api.store)))
    else if (error instanceof StatusError) this.#send(this.#encoder.error(error))
    this.close()
    if (!isStorageError(error) && !(error instanceof StatusError)) throw error
  }
}

function tooOld(wanted: number, store: { compactedRevision: number }): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message: `too old resource version: ${wanted} (${store.compactedRevision + 1})` })
}

function remembered<T>(cache: WeakMap<StorageEvent<KubeObject>, Map<string, T>>, event: StorageEvent<KubeObject>): Map<string, T> {
  let known = cache.get(event)
  if (!known) cache.set(event, (known = new Map()))
  return known
}

/** What a change of the store is to somebody who sees only matching objects. */
function changeFor(event: StorageEvent<KubeObject>, matches: ((object: KubeObject) => boolean) | undefined): Change | null {
  const { entry, previous } = event
  const before = previous !== undefined && (!matches || matches(previous.value))
  const now = event.type === 'PUT' && (!matches || matches(entry.value))
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', entry }
  if (!before || !previous) return null
  return { type: 'DELETED', entry: event.type === 'DELETE' ? entry : Entry.tombstone(previous, event.revision) }
}
