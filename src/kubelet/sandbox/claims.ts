/** What a container uses beyond the steps of its programs: processor time and memory that a behaviour is said to take, over time. */
import type { Clock } from '../../clock.ts'

export interface Claim {
  millicores?: number
  bytes?: number
}

export class Claims {
  readonly #clock: Clock
  readonly #limitMillicores: () => number | undefined
  #millicores = 0
  #nanos = 0
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

  /** Processor time that is used up at once. */
  spend(nanos: number): void {
    this.#nanos += nanos
  }

  #settle(): void {
    const now = this.#clock.now()
    this.#nanos += (now - this.#sinceMs) * Math.min(this.#millicores, this.#limitMillicores() ?? Infinity) * 1000
    this.#sinceMs = now
  }
}
