/**
 * How long a failed pod is left alone before another try: a second at first, doubled with each failure up to a quarter
 * of an hour, forgotten when it went well for twice that. Models client-go's util/flowcontrol.Backoff.
 */
const FIRST_MS = 1000
const MOST_MS = 15 * 60_000

export class FailedPodBackoff {
  readonly #entries = new Map<string, { delayMs: number; sinceMs: number }>()

  delayLeftMs(key: string, nowMs: number): number {
    const entry = this.#entries.get(key)
    return entry ? Math.max(0, entry.sinceMs + entry.delayMs - nowMs) : 0
  }

  next(key: string, nowMs: number): void {
    this.#forgetOld(nowMs)
    const delayMs = this.#entries.get(key)?.delayMs
    this.#entries.set(key, { delayMs: delayMs === undefined ? FIRST_MS : Math.min(delayMs * 2, MOST_MS), sinceMs: nowMs })
  }

  #forgetOld(nowMs: number): void {
    for (const [key, { sinceMs }] of this.#entries) if (nowMs - sinceMs > 2 * MOST_MS) this.#entries.delete(key)
  }
}
