/** Answers of webhooks, kept for a while and bounded in number. Models the TTL caches of k8s.io/apiserver/plugin/pkg/{authenticator,authorizer}. */
import type { Clock } from '../clock.ts'

const MAX_ENTRIES = 10_000

export class VerdictStore<V> {
  readonly #clock: Clock
  readonly #entries = new Map<string, { value: V; untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    if (entry.untilMs > this.#clock.now()) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  set(key: string, value: V, ttlMs: number): void {
    if (ttlMs <= 0) return
    this.#entries.delete(key)
    this.#entries.set(key, { value, untilMs: this.#clock.now() + ttlMs })
    if (this.#entries.size <= MAX_ENTRIES) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }
}
