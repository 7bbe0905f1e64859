/**
 * Writes Events with the aggregation of client-go's tools/record: an equal event raises the count of the first, many similar
 * ones are combined, a source that floods is cut off. Equal events are written one after the other, others side by side, so
 * that they share a write to disk; they never hold up who records them. When too many wait, the newest are dropped, as
 * upstream does.
 */
import type { Logger } from 'pino'
import { formatMicroTime, formatTime, nextTurn, type Clock, type Random } from '../clock.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { Event, ObjectReference } from '../../schemas/types.ts'
import { TokenBucket } from '../apimachinery/token-bucket.ts'
import type { Client } from './client.ts'
import type { EventRecorder } from './events.ts'

const MAX_WAITING = 1000
/** Events that are written side by side. */
const AT_ONCE = 32
const MAX_KNOWN = 4096
/** That many similar events, none longer than the interval after the one before, are combined into one. */
const SIMILAR_LIMIT = 10
const SIMILAR_INTERVAL_MS = 600_000
/** What a source may write about one object: a burst, then one in five minutes. */
const RATE = { qps: 1 / 300, burst: 25 }
/** Events with an action count on in memory and are written anew only so often. */
const SERIES_REFRESH_MS = 1_800_000

type Options = Parameters<EventRecorder['event']>[4]

interface Known {
  event: Event
  count: number
  writtenMs: number
}

interface Similar {
  /** When the last of them came. */
  lastMs: number
  messages: Set<string>
}

export interface RecorderParts {
  client: Client
  clock: Clock
  random: Random
  log: Logger
  component: string
}

export class Recorder implements EventRecorder {
  readonly #parts: RecorderParts
  readonly #known = new Bounded<Known>(MAX_KNOWN)
  readonly #similar = new Bounded<Similar>(MAX_KNOWN)
  readonly #budgets = new Bounded<TokenBucket>(MAX_KNOWN)
  #waiting: (() => Event)[] = []
  #writing = false
  #closed = false
  #lastNanos = 0n

  constructor(parts: RecorderParts) {
    this.#parts = parts
  }

  event(about: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string, options: Options = {}): void {
    const { clock, log } = this.#parts
    if (this.#closed) return
    const nowMs = clock.now()
    if (options.action === undefined && !this.#allows(about, `${type}|${options.host ?? ''}`, nowMs)) return
    if (this.#waiting.length >= MAX_WAITING) return log.debug({ reason }, 'too many events wait, one is dropped')
    this.#waiting.push(() => this.#make(about, { type, reason, message, nowMs, options }))
    if (!this.#writing) void this.#drain()
  }

  /** Nothing more is recorded; what waits is dropped. */
  close(): void {
    this.#closed = true
    this.#waiting = []
  }

  async #drain(): Promise<void> {
    this.#writing = true
    // Whoever records one often records more in the same turn.
    await nextTurn()
    while (this.#waiting.length > 0 && !this.#closed) {
      const byKey = new Map<string, Promise<void>>()
      for (const make of this.#waiting.splice(0, AT_ONCE)) {
        const made = make()
        const event = this.#combine(made, this.#parts.clock.now())
        const key = keyOf(event, made)
        const before = byKey.get(key)
        byKey.set(key, before ? before.then(() => this.#written(key, event)) : this.#written(key, event))
      }
      await Promise.all(byKey.values())
    }
    this.#writing = false
  }

  async #written(key: string, event: Event): Promise<void> {
    if (this.#closed) return
    try {
      await this.#record(key, event)
    } catch (error) {
      // An event that cannot be written (its namespace is going away) is lost, as upstream loses it.
      if (!this.#closed) this.#parts.log.debug({ err: error }, 'event not recorded')
    }
  }

  #make(about: KubeObject, { type, reason, message, nowMs, options = {} }: { type: string; reason: string; message: string; nowMs: number; options: Options }): Event {
    const { component = this.#parts.component } = options
    const { namespace, name = '', uid, resourceVersion } = about.metadata
    const involvedObject: ObjectReference = { kind: about.kind, namespace, name, uid, apiVersion: about.apiVersion, resourceVersion, ...(options.fieldPath ? { fieldPath: options.fieldPath } : {}) }
    const base = { apiVersion: 'v1', kind: 'Event', metadata: { name: this.#eventName(name, nowMs), namespace: namespace || 'default', ...(options.annotations ? { annotations: { ...options.annotations } } : {}) }, involvedObject, reason, message, type }
    const host = options.host ? { host: options.host } : {}
    if (options.action !== undefined) {
      return { ...base, source: {}, eventTime: formatMicroTime(nowMs), action: options.action, reportingComponent: component, reportingInstance: `${component}-orrery`, ...(options.related ? { related: referenceTo(options.related) } : {}) }
    }
    const time = formatTime(nowMs)
    return { ...base, source: { component, ...host }, firstTimestamp: time, lastTimestamp: time, count: 1, reportingComponent: component, reportingInstance: options.host ?? '' }
  }

  /** `<object>.<time in hexadecimal nanoseconds>`: names sort in the order of events, of which a millisecond has many. */
  #eventName(name: string, nowMs: number): string {
    const nanos = BigInt(Math.floor(nowMs)) * 1_000_000n
    this.#lastNanos = nanos > this.#lastNanos ? nanos + BigInt(this.#parts.random.int(100_000)) : this.#lastNanos + 1n
    return `${name}.${this.#lastNanos.toString(16)}`
  }

  async #record(key: string, event: Event): Promise<void> {
    const { client, clock } = this.#parts
    const known = this.#known.get(key)
    if (known) {
      try {
        return await this.#repeat(known, event)
      } catch {
        // It has expired or was deleted: the next one begins anew.
        this.#known.delete(key)
      }
    }
    const created = await client.create(event)
    this.#known.set(key, { event: created, count: 1, writtenMs: clock.now() })
  }

  async #repeat(known: Known, event: Event): Promise<void> {
    const { client, clock } = this.#parts
    const { namespace = '', name = '' } = known.event.metadata
    const count = known.count + 1
    if (event.eventTime && count > 2 && clock.now() - known.writtenMs < SERIES_REFRESH_MS) {
      known.count = count
      return
    }
    const patch = event.eventTime ? { series: { count, lastObservedTime: event.eventTime } } : { count, lastTimestamp: event.lastTimestamp, message: event.message }
    await client.patch('v1/Event', { namespace, name }, patch)
    known.count = count
    known.writtenMs = clock.now()
  }

  /** Of events that differ in their message only, the tenth and later ones count as one. */
  #combine(event: Event, nowMs: number): Event {
    if (event.eventTime) return event
    const key = sourceKey(event)
    const message = event.message ?? ''
    let similar = this.#similar.get(key)
    if (!similar || nowMs - similar.lastMs > SIMILAR_INTERVAL_MS) this.#similar.set(key, (similar = { lastMs: nowMs, messages: new Set() }))
    similar.lastMs = nowMs
    similar.messages.add(message)
    if (similar.messages.size < SIMILAR_LIMIT) return event
    similar.messages.delete(message)
    // What stands for several names no reporter.
    return { ...event, reportingComponent: '', reportingInstance: '', message: `(combined from similar events): ${message}` }
  }

  #allows(about: KubeObject, source: string, nowMs: number): boolean {
    const key = `${about.kind}/${about.metadata.uid}|${source}`
    let budget = this.#budgets.get(key)
    if (!budget) this.#budgets.set(key, (budget = new TokenBucket(RATE, nowMs)))
    return budget.tryTake(nowMs)
  }
}

/** What makes events the same: all but their times; combined ones differ in the message, those with an action may. */
function keyOf(event: Event, made: Event): string {
  const source = sourceKey(event)
  if (event.eventTime) return [source, event.action, event.involvedObject?.resourceVersion, event.related?.uid].join('|')
  return event === made ? `${source}|${event.message}` : source
}

function sourceKey({ source, involvedObject, type, reason, reportingComponent }: Event): string {
  const { kind, namespace, name, uid, apiVersion, fieldPath } = involvedObject ?? {}
  return [source?.component, source?.host, kind, namespace, name, uid, apiVersion, fieldPath, type, reason, reportingComponent].join('|')
}

function referenceTo({ kind, apiVersion, metadata }: KubeObject): ObjectReference {
  return { kind, namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, apiVersion, resourceVersion: metadata.resourceVersion }
}

/** A map that forgets what was used least recently. */
class Bounded<V> {
  readonly #map = new Map<string, V>()

  constructor(readonly limit: number) {}

  get(key: string): V | undefined {
    const value = this.#map.get(key)
    if (value !== undefined) {
      this.#map.delete(key)
      this.#map.set(key, value)
    }
    return value
  }

  set(key: string, value: V): void {
    this.#map.set(key, value)
    if (this.#map.size <= this.limit) return
    const oldest = this.#map.keys().next().value
    if (oldest !== undefined) this.#map.delete(oldest)
  }

  delete(key: string): void {
    this.#map.delete(key)
  }
}
