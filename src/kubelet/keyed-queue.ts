/**
 * Works through keys, each once at a time and a few of them side by side; a key added while it is worked on comes again.
 * What fails comes again after a growing delay. Models client-go's workqueue as the kubelet's pod workers use theirs.
 */
import type { Clock, Timer } from '../clock.ts'

const RETRY_START_MS = 100
const RETRY_MAX_MS = 30_000

export interface KeyedQueueOptions {
  clock: Clock
  concurrency: number
  work(key: string): Promise<void>
  /** Told of every failure that will be tried again. */
  failed(key: string, error: unknown): void
}

export class KeyedQueue {
  readonly #options: KeyedQueueOptions
  readonly #waiting = new Set<string>()
  readonly #active = new Set<string>()
  readonly #delayed = new Map<string, { timer: Timer; dueMs: number }>()
  readonly #failures = new Map<string, number>()
  #scheduled = false
  #closed = false

  constructor(options: KeyedQueueOptions) {
    this.#options = options
  }

  /** Keys that wait or are worked on. */
  get size(): number {
    return this.#waiting.size + this.#active.size
  }

  add(key: string): void {
    if (this.#closed) return
    this.#waiting.add(key)
    if (this.#scheduled) return
    this.#scheduled = true
    // Not at once: adds come from inside commits, which must not start new writes.
    queueMicrotask(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  /** The earliest of several delays counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return
    const { clock } = this.#options
    const dueMs = clock.now() + delayMs
    const known = this.#delayed.get(key)
    if (known && known.dueMs <= dueMs) return
    known?.timer.cancel()
    const timer = clock.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { timer, dueMs })
  }

  forget(key: string): void {
    this.#delayed.get(key)?.timer.cancel()
    this.#delayed.delete(key)
    this.#failures.delete(key)
    this.#waiting.delete(key)
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
    for (const { timer } of this.#delayed.values()) timer.cancel()
    this.#delayed.clear()
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#active.size >= this.#options.concurrency) return
      if (this.#active.has(key)) continue
      this.#waiting.delete(key)
      this.#active.add(key)
      void this.#run(key)
    }
  }

  async #run(key: string): Promise<void> {
    try {
      await this.#options.work(key)
      this.#failures.delete(key)
    } catch (error) {
      if (!this.#closed) this.#retry(key, error)
    }
    this.#active.delete(key)
    if (!this.#closed && this.#waiting.size > 0) this.#pump()
  }

  #retry(key: string, error: unknown): void {
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    this.#options.failed(key, error)
    this.addAfter(key, Math.min(RETRY_MAX_MS, RETRY_START_MS * 2 ** Math.min(failures - 1, 20)))
  }
}
