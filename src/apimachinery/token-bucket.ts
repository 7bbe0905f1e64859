/** How often something may be done: so many times a second, and more at once after a rest. Models k8s.io/client-go/util/flowcontrol/throttle.go. */

export interface Rate {
  qps: number
  burst: number
}

export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #atMs: number

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#atMs = nowMs
  }

  /** Whether it may be done now; if so, it counts. */
  tryTake(nowMs: number): boolean {
    this.#fill(nowMs)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** It will be done: in how many milliseconds it may be. */
  reserve(nowMs: number): number {
    this.#fill(nowMs)
    this.#tokens--
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / this.#rate.qps)
  }

  #fill(nowMs: number): void {
    const { qps, burst } = this.#rate
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) * qps) / 1000)
    this.#atMs = nowMs
  }
}
