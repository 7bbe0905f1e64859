/** What a container uses beyond the steps of its programs: processor time and memory that a behaviour is said to take, over time. */
import type { Clock } from '../../clock.ts'

export interface Claim {
  millicores?: number
  bytes?: number
}

const NANOS_PER_MILLICORE_MS = 1000

export class Claims {
  readonly #clock: Clock
  readonly #limitMillicores: () => number | undefined
  #millicores = 0
  #nanos = 0
  #owed = 0
  #sinceMs: number
  bytes = 0

  /** @param limitMillicores what claims beyond are throttled to */
  constructor(clock: Clock, limitMillicores: () => number | undefined) {
    this.#clock = clock
    this.#limitMillicores = limitMillicores
    this.#sinceMs = clock.now()
  }

  /** Processor time until now. */
  get nanos(): number {
    this.#settle()
    return this.#nanos
  }

  /** @returns what gives it back */
  claim({ millicores = 0, bytes = 0 }: Claim): () => void {
    this.#settle()
    this.#millicores += millicores
    this.bytes += bytes
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#settle()
      this.#millicores -= millicores
      this.bytes -= bytes
    }
  }

  /** Processor time that a piece of work takes, as soon as the limit lets it. */
  spend(nanos: number): void {
    this.#settle()
    this.#owed += nanos
  }

  #settle(): void {
    const now = this.#clock.now()
    const elapsed = Math.max(0, now - this.#sinceMs)
    this.#sinceMs = now
    if (elapsed === 0) return
    const limit = elapsed * (this.#limitMillicores() ?? Infinity) * NANOS_PER_MILLICORE_MS
    const steady = Math.min(elapsed * this.#millicores * NANOS_PER_MILLICORE_MS, limit)
    const paid = Math.min(this.#owed, limit - steady)
    this.#owed -= paid
    this.#nanos += steady + paid
  }
}
