/**
 * Forgets history by the clock, as the API server makes etcd do it (k8s.io/apiserver, storage/etcd3/compact.go): every interval, what was
 * current one interval ago becomes the oldest revision, so a watcher has between one and two intervals to come back. The
 * timer runs only while there is something to forget.
 */
import type { Clock, Timer } from '../clock.ts'
import type { History } from './history.ts'

export class Compactor<V extends object> {
  readonly #history: History<V>
  readonly #clock: Clock
  readonly #intervalMs: number
  #timer: Timer | undefined
  /** The revision that the next round compacts to. */
  #mark: number

  constructor(history: History<V>, clock: Clock, intervalMs: number) {
    this.#history = history
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#mark = history.compacted
  }

  /** To be called when the history has grown. */
  wake(): void {
    if (this.#intervalMs === Infinity) return
    this.#timer ??= this.#clock.after(this.#intervalMs, () => this.#round())
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #round(): void {
    this.#timer = undefined
    this.#history.compact(this.#mark)
    this.#mark = this.#history.revision
    if (this.#history.length > 0) this.wake()
  }
}
