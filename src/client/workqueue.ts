/**
 * The queue between informers and workers: a key waits once however often it is added, is never worked on twice at a time,
 * comes back after failures with growing delays. Models client-go's util/workqueue.
 */
import type { Clock, Timer } from '../clock.ts'

export interface WorkqueueOptions {
  clock: Clock
  /** Delay after the first failure of a key; doubled with each further one. */
  baseDelayMs?: number | undefined
  maxDelayMs?: number | undefined
}

export class Workqueue {
  readonly #clock: Clock
  readonly #baseDelayMs: number
  readonly #maxDelayMs: number
  readonly #queue: string[] = []
  /** Keys that wait in `#queue`, or will when the worker that has them is done. */
  readonly #dirty = new Set<string>()
  readonly #processing = new Set<string>()
  readonly #delayed = new Map<string, { timer: Timer; dueMs: number }>()
  readonly #failures = new Map<string, number>()
  #head = 0
  #onReady: (() => void) | undefined
  #closed = false

  constructor({ clock, baseDelayMs = 5, maxDelayMs = 1000_000 }: WorkqueueOptions) {
    this.#clock = clock
    this.#baseDelayMs = baseDelayMs
    this.#maxDelayMs = maxDelayMs
  }

  /** Keys that wait now, without the delayed ones. */
  get length(): number {
    return this.#queue.length - this.#head
  }

  /** Whether nothing waits or is being worked on; delayed keys do not count. */
  get idle(): boolean {
    return this.length === 0 && this.#processing.size === 0
  }

  /** Called whenever a key becomes ready. */
  onReady(listener: () => void): void {
    this.#onReady = listener
  }

  add(key: string): void {
    if (this.#closed || this.#dirty.has(key)) return
    this.#dirty.add(key)
    if (this.#processing.has(key)) return
    this.#push(key)
  }

  /** Adds the key later; of several delays the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return
    if (delayMs <= 0) return this.add(key)
    const dueMs = this.#clock.now() + delayMs
    const waiting = this.#delayed.get(key)
    if (waiting && waiting.dueMs <= dueMs) return
    waiting?.timer.cancel()
    const timer = this.#clock.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { timer, dueMs })
  }

  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.addAfter(key, Math.min(this.#baseDelayMs * 2 ** Math.min(failures, 40), this.#maxDelayMs))
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }

  retries(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  /** The next key to work on; the worker must call `done`. */
  take(): string | undefined {
    const key = this.#queue[this.#head]
    if (key === undefined) return undefined
    this.#head++
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    this.#dirty.delete(key)
    this.#processing.add(key)
    return key
  }

  done(key: string): void {
    this.#processing.delete(key)
    if (this.#dirty.has(key) && !this.#closed) this.#push(key)
  }

  close(): void {
    this.#closed = true
    for (const { timer } of this.#delayed.values()) timer.cancel()
    this.#delayed.clear()
    this.#queue.length = 0
    this.#head = 0
    this.#dirty.clear()
  }

  #push(key: string): void {
    this.#queue.push(key)
    this.#onReady?.()
  }
}
