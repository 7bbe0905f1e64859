/**
 * What readers see: the published state, its recent history, and the watchers. A batch of events is published at once;
 * every watcher is called synchronously, in commit order, before the writes of the batch resolve. Watchers are grouped by
 * prefix and a prefix ends in `/` or is a whole key, so an event finds its watchers by its folders, however many watch.
 */
import { type StorageError, isStorageError } from './errors.ts'
import { History, type HistoryLimits, type StorageEvent } from './history.ts'
import type { Entry } from './entry.ts'
import type { Tree } from './tree.ts'

export interface WatchOptions<V extends object> {
  /** Events after this revision are delivered; by default those after the current one. */
  fromRevision?: number | undefined
  /** Called with events in order. The array is shared between watchers. Who throws is closed with the error. */
  onEvents(events: readonly StorageEvent<V>[]): void
  /** Called once when the store ends the watch: it closes, the watcher threw, or a compaction overtook its backlog. */
  onClose?: ((error: unknown) => void) | undefined
}

export interface WatchHandle {
  /** Every matching event up to this revision has been delivered. */
  readonly revision: number
  close(): void
}

/** How many folders of keys may remember their watchers. */
const MAX_ROUTES = 10_000

class Watcher<V extends object> {
  closed = false

  constructor(
    readonly prefix: string,
    readonly options: WatchOptions<V>,
    /** Delivered up to here; undefined once the watcher is live and follows the store. */
    public behindAt: number | undefined,
  ) {}
}

interface Group<V extends object> {
  /** Replaced, never changed, so that a dispatch may go on with what it began with. */
  watchers: readonly Watcher<V>[]
  batch: StorageEvent<V>[]
}

export class WatchCache<V extends object> {
  readonly history: History<V>
  readonly #groups = new Map<string, Group<V>>()
  /** The groups that an event below a folder concerns. */
  readonly #routes = new Map<string, Group<V>[]>()
  /** Groups whose prefix does not end in `/`. */
  #keyGroups = 0

  constructor(limits: HistoryLimits, start: { revision: number; tree: Tree<Entry<V>> }) {
    this.history = new History(limits, start)
  }

  get watchers(): number {
    let count = 0
    for (const group of this.#groups.values()) count += group.watchers.length
    return count
  }

  watch(prefix: string, options: WatchOptions<V>): WatchHandle {
    const { history } = this
    const from = options.fromRevision ?? history.revision
    history.checkRevision(from)
    const watcher = new Watcher(prefix, options, from === history.revision ? undefined : from)
    this.#add(watcher)
    if (watcher.behindAt !== undefined) queueMicrotask(() => this.#catchUp(watcher))
    return {
      get revision() {
        return watcher.behindAt ?? history.revision
      },
      close: () => this.#remove(watcher),
    }
  }

  publish(events: readonly StorageEvent<V>[], tree: Tree<Entry<V>>): void {
    const touched: Group<V>[] = []
    for (const event of events) this.#route(event, touched)
    this.history.append(events, tree)
    const calls = touched.map(({ watchers, batch }) => ({ watchers, batch }))
    for (const group of touched) group.batch = []
    for (const { watchers, batch } of calls) for (const watcher of watchers) if (!watcher.closed) this.#deliver(watcher, batch)
    for (const { previous } of events) previous?.release()
  }

  close(error: StorageError): void {
    for (const group of [...this.#groups.values()]) for (const watcher of group.watchers) this.#end(watcher, error)
  }

  #route(event: StorageEvent<V>, touched: Group<V>[]): void {
    const folder = event.key.slice(0, event.key.lastIndexOf('/') + 1)
    for (const group of this.#routes.get(folder) ?? this.#findRoute(folder)) {
      if (group.batch.length === 0) touched.push(group)
      group.batch.push(event)
    }
    const exact = this.#keyGroups > 0 && !isFolder(event.key) ? this.#groups.get(event.key) : undefined
    if (!exact) return
    if (exact.batch.length === 0) touched.push(exact)
    exact.batch.push(event)
  }

  #findRoute(folder: string): Group<V>[] {
    const found: Group<V>[] = []
    for (let end = 0; end >= 0 && end <= folder.length; end = folder.indexOf('/', end) + 1 || -1) {
      const group = this.#groups.get(folder.slice(0, end))
      if (group) found.push(group)
    }
    if (this.#routes.size >= MAX_ROUTES) this.#routes.clear()
    this.#routes.set(folder, found)
    return found
  }

  #deliver(watcher: Watcher<V>, batch: readonly StorageEvent<V>[]): void {
    if (watcher.behindAt !== undefined) return this.#catchUp(watcher)
    try {
      watcher.options.onEvents(batch)
    } catch (error) {
      this.#end(watcher, error)
    }
  }

  /** Delivers the backlog up to now and makes the watcher live. */
  #catchUp(watcher: Watcher<V>): void {
    if (watcher.closed || watcher.behindAt === undefined) return
    const from = watcher.behindAt
    watcher.behindAt = undefined
    try {
      const { prefix } = watcher
      const backlog = this.history.after(from, prefix)
      const events = isFolder(prefix) ? backlog : backlog.filter((event) => event.key === prefix)
      if (events.length > 0) watcher.options.onEvents(events)
    } catch (error) {
      this.#end(watcher, error)
    }
  }

  #add(watcher: Watcher<V>): void {
    const { prefix } = watcher
    let group = this.#groups.get(prefix)
    if (!group) {
      group = { watchers: [], batch: [] }
      this.#groups.set(prefix, group)
      if (isFolder(prefix)) this.#routes.clear()
      else this.#keyGroups++
    }
    group.watchers = [...group.watchers, watcher]
  }

  #remove(watcher: Watcher<V>): void {
    if (watcher.closed) return
    watcher.closed = true
    const { prefix } = watcher
    const group = this.#groups.get(prefix)
    if (!group) return
    group.watchers = group.watchers.filter((other) => other !== watcher)
    if (group.watchers.length > 0) return
    this.#groups.delete(prefix)
    if (isFolder(prefix)) this.#routes.clear()
    else this.#keyGroups--
  }

  #end(watcher: Watcher<V>, error: unknown): void {
    if (watcher.closed) return
    this.#remove(watcher)
    const { onClose } = watcher.options
    if (onClose) return onClose(error)
    if (isStorageError(error, 'CLOSED')) return
    // Nobody asked to be told: the error reaches the top instead of getting lost.
    queueMicrotask(() => {
      throw error
    })
  }
}

/** '' watches everything. */
function isFolder(prefix: string): boolean {
  return prefix === '' || prefix.endsWith('/')
}
