/** Deletes entries when their time has come: one timer, set for the earliest. The heap may hold outdated times; the entry decides. */
import type { Clock, Timer } from '../clock.ts'
import type { Entry } from './entry.ts'
import type { StorageEvent } from './history.ts'

interface Due {
  at: number
  key: string
}

export interface ExpiryOptions {
  clock: Clock
  /** Deletes the key if it has expired by now; it is tried again when that fails. */
  expire(key: string): Promise<unknown>
}

/** How many deletes one round asks for, well below what a write queue takes. */
const ROUND = 500
const RETRY_MS = 1000

export class Expiry<V extends object> {
  readonly #options: ExpiryOptions
  /** The keys that expire, and when. */
  readonly #times = new Map<string, number>()
  #heap: Due[] = []
  #timer: Timer | undefined
  #timerAt = Infinity
  #running = false
  #closed = false

  constructor(options: ExpiryOptions) {
    this.#options = options
  }

  /** The keys that expire. */
  get size(): number {
    return this.#times.size
  }

  keys(): Iterable<string> {
    return this.#times.keys()
  }

  follow(events: readonly StorageEvent<V>[]): void {
    for (const { type, key, entry, previous } of events) {
      if (type === 'PUT' && entry.expiresAt !== undefined) this.track(entry)
      else if (previous?.expiresAt !== undefined) this.#times.delete(key)
    }
    this.#arm()
  }

  track({ key, expiresAt }: Pick<Entry<V>, 'key' | 'expiresAt'>): void {
    if (expiresAt === undefined || this.#times.get(key) === expiresAt) return
    this.#times.set(key, expiresAt)
    if (this.#heap.length > 64 + 2 * this.#times.size) this.#rebuild()
    else push(this.#heap, { at: expiresAt, key })
  }

  /** Sets the timer for the earliest time; to be called after `track`. */
  start(): void {
    this.#arm()
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  #rebuild(): void {
    this.#heap = []
    for (const [key, at] of this.#times) push(this.#heap, { at, key })
  }

  #arm(): void {
    if (this.#closed || this.#running) return
    let first = this.#heap[0]
    while (first && this.#times.get(first.key) !== first.at) {
      pop(this.#heap)
      first = this.#heap[0]
    }
    const at = first?.at ?? Infinity
    if (at === this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = at
    const { clock } = this.#options
    this.#timer = first && clock.after(Math.max(0, at - clock.now()), () => void this.#run())
  }

  async #run(): Promise<void> {
    this.#timerAt = Infinity
    this.#running = true
    const { clock, expire } = this.#options
    for (let due = this.#due(clock.now()); due.length > 0 && !this.#closed; due = this.#due(clock.now())) {
      await Promise.all(due.map((key) => expire(key).catch(() => this.#retry(key, clock.now() + RETRY_MS))))
    }
    this.#running = false
    this.#arm()
  }

  #retry(key: string, at: number): void {
    if (!this.#times.has(key)) return
    this.#times.set(key, at)
    push(this.#heap, { at, key })
  }

  #due(now: number): string[] {
    const keys: string[] = []
    for (let first = this.#heap[0]; first && first.at <= now && keys.length < ROUND; first = this.#heap[0]) {
      pop(this.#heap)
      if (this.#times.get(first.key) === first.at) keys.push(first.key)
    }
    return keys
  }
}

function push(heap: Due[], due: Due): void {
  let at = heap.length
  heap.push(due)
  while (at > 0) {
    const up = (at - 1) >> 1
    const parent = heap[up]
    if (!parent || parent.at <= due.at) break
    heap[at] = parent
    at = up
  }
  heap[at] = due
}

function pop(heap: Due[]): void {
  const last = heap.pop()
  if (!last || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = heap[2 * at + 1]
    const right = heap[2 * at + 2]
    const child = right && left && right.at < left.at ? right : left
    if (!child || child.at >= last.at) break
    heap[at] = child
    at = child === left ? 2 * at + 1 : 2 * at + 2
  }
  heap[at] = last
}
