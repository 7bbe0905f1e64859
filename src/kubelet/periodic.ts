/**
 * Calls back every so often for each of many names. Names that fall due within the same second are served together by
 * the one timer there is, so that thousands of them cost as little as a few.
 */
import type { Clock, Timer } from '../clock.ts'

const TOGETHER_MS = 1000

export class Periodic {
  readonly #clock: Clock
  readonly #periodMs: number
  readonly #call: (names: readonly string[]) => void | Promise<void>
  /** Insertion order is the order of due times, since all periods are equal. */
  readonly #due = new Map<string, number>()
  /** Names whose first call is due at once. */
  readonly #fresh = new Set<string>()
  #timer: Timer | undefined
  #armedMs = Infinity
  #closed = false

  constructor(clock: Clock, periodMs: number, call: (names: readonly string[]) => void | Promise<void>) {
    this.#clock = clock
    this.#periodMs = periodMs
    this.#call = call
  }

  /** The first call comes at once or after a period. */
  add(name: string, first: 'at once' | 'after a period'): void {
    if (this.#closed) return
    this.remove(name)
    if (first === 'at once') this.#fresh.add(name)
    else this.#due.set(name, this.#clock.now() + this.#periodMs)
    this.#arm(first === 'at once' ? 0 : this.#periodMs)
  }

  remove(name: string): void {
    this.#due.delete(name)
    this.#fresh.delete(name)
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#due.clear()
    this.#fresh.clear()
  }

  #arm(delayMs: number): void {
    const dueMs = this.#clock.now() + delayMs
    if (this.#closed || dueMs >= this.#armedMs) return
    this.#timer?.cancel()
    this.#armedMs = dueMs
    this.#timer = this.#clock.after(delayMs, () => void this.#tick())
  }

  async #tick(): Promise<void> {
    this.#armedMs = Infinity
    const now = this.#clock.now()
    const names = [...this.#fresh]
    this.#fresh.clear()
    for (const [name, dueMs] of this.#due) {
      if (dueMs > now + TOGETHER_MS / 2) break
      names.push(name)
    }
    for (const name of names) {
      this.#due.delete(name)
      this.#due.set(name, now + this.#periodMs)
    }
    const [next] = this.#due.values()
    if (next !== undefined) this.#arm(Math.max(0, next - now))
    if (names.length > 0) await this.#call(names)
  }
}
