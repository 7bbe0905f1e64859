/** Where audit events go, and what stands between: batches, and what is too large cut short. Models k8s.io/apiserver/plugin/pkg/audit/{buffered,truncate}. */
import { goJSON } from '../../errors.ts'
import { TokenBucket, type Rate } from '../../apimachinery/token-bucket.ts'
import type { Clock, Timer } from '../../clock.ts'

export type AuditEvent = Readonly<Record<string, unknown>>

export interface AuditSink {
  /** Rejects, or throws, where they are lost. */
  write(events: readonly AuditEvent[]): void | Promise<void>
  /** The end is near: nothing is tried a second time. */
  hurry?(): void
  close(): void | Promise<void>
}

export interface BatchOptions {
  bufferSize: number
  maxBatchSize: number
  maxBatchWaitMs: number
  /** How many go in a second; undefined for as many as can. */
  throttle?: Rate | undefined
}

/** Nobody waits for what is written: what comes faster than it can go is lost, and counted. */
export class BatchedSink implements AuditSink {
  readonly #inner: AuditSink
  readonly #options: BatchOptions
  readonly #clock: Clock
  readonly #waiting: AuditEvent[] = []
  #timer: Timer | undefined
  #sending: Promise<void> | undefined
  dropped = 0
  readonly #bucket: TokenBucket | undefined
  readonly #hurried = new AbortController()

  constructor(inner: AuditSink, options: BatchOptions, clock: Clock) {
    this.#inner = inner
    this.#options = options
    this.#clock = clock
    this.#bucket = options.throttle && new TokenBucket(options.throttle, clock.now())
  }

  write(events: readonly AuditEvent[]): void {
    const { bufferSize, maxBatchSize, maxBatchWaitMs } = this.#options
    for (const event of events) {
      if (this.#waiting.length >= bufferSize) this.dropped++
      else this.#waiting.push(event)
    }
    if (this.#waiting.length >= maxBatchSize) this.#send()
    else this.#timer ??= this.#clock.after(maxBatchWaitMs, () => this.#send())
  }

  async close(): Promise<void> {
    this.hurry()
    this.#send()
    await this.#sending
    await this.#inner.close()
  }

  hurry(): void {
    this.#hurried.abort()
    this.#inner.hurry?.()
  }

  #send(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#sending ??= this.#waiting.length > 0 ? this.#drain() : undefined
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      if (this.#bucket) await this.#turn(this.#bucket)
      const batch = this.#waiting.splice(0, this.#options.maxBatchSize)
      try {
        await this.#inner.write(batch)
      } catch {
        this.dropped += batch.length
        if (this.#hurried.signal.aborted) this.dropped += this.#waiting.splice(0).length
      }
    }
    // In the same turn as the look at what waits: what comes later begins anew.
    this.#sending = undefined
  }

  /** Resolves when the next batch may go, which is at once near the end. */
  async #turn(bucket: TokenBucket): Promise<void> {
    const { signal } = this.#hurried
    const waitMs = signal.aborted ? 0 : bucket.reserve(this.#clock.now())
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal).catch(() => undefined)
  }
}

export interface TruncateOptions {
  maxEventSize: number
  maxBatchSize: number
}

const TRUNCATED = 'audit.k8s.io/truncated'

/** Events that are too large lose what was sent and answered, and are lost where that does not suffice. */
export class TruncatingSink implements AuditSink {
  readonly #inner: AuditSink
  readonly #options: TruncateOptions

  constructor(inner: AuditSink, options: TruncateOptions) {
    this.#inner = inner
    this.#options = options
  }

  async write(events: readonly AuditEvent[]): Promise<void> {
    const { maxEventSize, maxBatchSize } = this.#options
    let batch: AuditEvent[] = []
    let bytes = 0
    for (const whole of events) {
      const event = sizeOf(whole) > maxEventSize ? shortened(whole) : whole
      const size = sizeOf(event)
      if (size > maxEventSize) continue
      if (bytes + size > maxBatchSize && batch.length > 0) {
        await this.#inner.write(batch)
        batch = []
        bytes = 0
      }
      batch.push(event)
      bytes += size
    }
    if (batch.length > 0) await this.#inner.write(batch)
  }

  hurry(): void {
    this.#inner.hurry?.()
  }

  close(): void | Promise<void> {
    return this.#inner.close()
  }
}

const sizeOf = (event: AuditEvent): number => Buffer.byteLength(goJSON(event))

function shortened({ requestObject: _sent, responseObject: _answered, annotations, ...event }: AuditEvent): AuditEvent {
  return { ...event, annotations: { ...(annotations as object | undefined), [TRUNCATED]: 'true' } }
}

/** Each event goes to all; one that fails keeps none of the others. */
export function unionSink(sinks: readonly AuditSink[]): AuditSink {
  const [only, ...more] = sinks
  if (only && more.length === 0) return only
  return {
    async write(events) {
      const outcomes = await Promise.allSettled(sinks.map(async (sink) => sink.write(events)))
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
    },
    hurry: () => sinks.forEach((sink) => sink.hurry?.()),
    async close() {
      for (const sink of sinks) await sink.close()
    },
  }
}
