/**
 * Pods that wait to be placed: the active ones in order, those that back off after a failed attempt, and those that
 * nothing but a change in the cluster can help. Models pkg/scheduler/backend/queue.
 */
import type { Pod } from '../../schemas/types.ts'
import type { Clock, Timer } from '../clock.ts'
import { keyOf } from '../controller/controller.ts'
import { podChanges, type ClusterEvent, type EventInterest } from './cluster-events.ts'
import type { Handle, QueueEntry, Status } from './framework.ts'
import { Heap } from './heap.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'

/** Pods that no event has helped for so long are tried all the same. */
const UNSCHEDULABLE_MAX_MS = 300_000
const FLUSH_MS = 30_000
/** Events that are kept for a pod that is being looked at; with more it is tried again whatever they were. */
const MAX_MISSED = 1000

/** What refused a pod when an extender did. */
export const EXTENDER = 'Extender'

export interface Backoff {
  initialMs: number
  maxMs: number
}

export class QueuedPod implements QueueEntry {
  info: PodInfo
  timestampMs: number
  sequence: number
  attempts = 0
  /** Attempts that ended without a node, and errors in a row: each has its own back-off. */
  unschedulableCount = 0
  errorCount = 0
  backoffUntilMs = 0
  /** Plugins that refused it; empty after an error. */
  rejectedBy: ReadonlySet<string> = new Set()
  /** The plugin that keeps it from being queued at all. */
  gatedBy: string | undefined
  /** What happened while it was being looked at. */
  missed: ClusterEvent[] = []
  /** Somebody asked for it to be tried at once meanwhile. */
  isForced = false

  constructor(info: PodInfo, timestampMs: number, sequence: number) {
    this.info = info
    this.timestampMs = timestampMs
    this.sequence = sequence
  }
}

export interface QueueOptions {
  clock: Clock
  backoff: Backoff
  handle: () => Handle
  less(a: QueueEntry, b: QueueEntry): boolean
  preEnqueue(pod: PodInfo): Status | undefined
  /** By plugin name. */
  interests: ReadonlyMap<string, readonly EventInterest[]>
  /** There is something to pop. */
  wake(): void
}

interface Interested {
  plugin: string
  helps?: EventInterest['helps']
}

export class SchedulingQueue {
  readonly #options: QueueOptions
  readonly #active: Heap<QueuedPod>
  readonly #backoff: Heap<QueuedPod>
  /** Backing off after an error: never popped early. */
  readonly #errorBackoff: Heap<QueuedPod>
  /** In groups by the plugins that refused them, so that an event passes over those it cannot help. */
  readonly #unschedulable = new Map<string, Map<string, QueuedPod>>()
  readonly #entries = new Map<string, QueuedPod>()
  readonly #inFlight = new Map<string, QueuedPod>()
  readonly #interested = new Map<string, Interested[]>()
  #sequence = 0
  #backoffTimer: Timer | undefined
  #backoffDueMs = Infinity
  #flushTimer: Timer | undefined
  #closed = false

  constructor(options: QueueOptions) {
    this.#options = options
    this.#active = new Heap((a, b) => options.less(a, b))
    const sooner = (a: QueuedPod, b: QueuedPod) => (a.backoffUntilMs === b.backoffUntilMs ? options.less(a, b) : a.backoffUntilMs < b.backoffUntilMs)
    this.#backoff = new Heap(sooner)
    this.#errorBackoff = new Heap(sooner)
    for (const [plugin, interests] of options.interests) {
      for (const { resource, actions, helps } of interests) {
        for (const action of actions) {
          const key = `${resource}/${action}`
          const known = this.#interested.get(key)
          if (known) known.push({ plugin, helps })
          else this.#interested.set(key, [{ plugin, helps }])
        }
      }
    }
  }

  get activeCount(): number {
    return this.#active.size
  }

  get backoffCount(): number {
    return this.#backoff.size + this.#errorBackoff.size
  }

  /** Whether a change in the cluster may matter to anybody here. */
  get hasWaiting(): boolean {
    return this.#unschedulable.size > 0 || this.#inFlight.size > 0
  }

  get unschedulableCount(): number {
    let count = 0
    for (const group of this.#unschedulable.values()) count += group.size
    return count
  }

  add(pod: Pod): void {
    const info = podInfoOf(pod)
    if (this.#entries.has(info.key)) return this.update(pod)
    const entry = new QueuedPod(info, this.#options.clock.now(), this.#sequence++)
    this.#entries.set(info.key, entry)
    this.#toActive(entry)
  }

  /** @param old the version before, to see what changed */
  update(pod: Pod, old?: Pod): void {
    const key = keyOf(pod)
    const entry = this.#entries.get(key)
    const inFlight = this.#inFlight.get(key)
    if (!entry && !inFlight) return this.add(pod)
    const events: ClusterEvent[] = old ? podChanges(pod, old).map((action) => ({ resource: 'WaitingPod', action, object: pod, old, pod, oldPod: old })) : []
    if (inFlight) for (const event of events) miss(inFlight, event)
    if (!entry) return
    const group = this.#groupOf(entry)
    entry.info = podInfoOf(pod)
    if (group && events.some((event) => this.#helps(entry, event))) this.#requeue(entry)
  }

  delete(key: string): void {
    const entry = this.#entries.get(key)
    this.#inFlight.delete(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#take(entry)
  }

  /** The next pod to place; it is the caller's until `done` or `returned`. Pods that back off come early when no other waits. */
  pop(): QueuedPod | undefined {
    const entry = this.#active.pop() ?? this.#backoff.pop()
    if (!entry) return undefined
    this.#entries.delete(entry.info.key)
    this.#inFlight.set(entry.info.key, entry)
    entry.attempts++
    entry.missed = []
    entry.isForced = false
    return entry
  }

  done(entry: QueuedPod): void {
    if (this.#inFlight.get(entry.info.key) === entry) this.#inFlight.delete(entry.info.key)
  }

  /** The attempt failed: by these plugins, or by an error when there are none. */
  returned(entry: QueuedPod, info: PodInfo, rejectedBy: ReadonlySet<string>): void {
    this.done(entry)
    if (this.#closed || this.#entries.has(info.key)) return
    entry.info = info
    entry.timestampMs = this.#options.clock.now()
    entry.sequence = this.#sequence++
    entry.rejectedBy = rejectedBy
    if (rejectedBy.size === 0) entry.errorCount++
    else {
      entry.errorCount = 0
      entry.unschedulableCount++
    }
    entry.backoffUntilMs = entry.timestampMs + backoffMs(entry.errorCount || entry.unschedulableCount, this.#options.backoff)
    this.#entries.set(info.key, entry)
    const { missed, isForced } = entry
    entry.missed = []
    // What no plugin refused is tried again in any case: no event would be known to help it.
    if (rejectedBy.size === 0) this.#toBackoff(entry, this.#errorBackoff)
    else if (isForced || missed.length >= MAX_MISSED || missed.some((event) => this.#helps(entry, event))) this.#toBackoff(entry, this.#backoff)
    else this.#toUnschedulable(entry)
  }

  /**
   * Something changed in the cluster: pods it may help are tried again.
   * @param concerns which pods come into question; all unless told
   */
  moved(event: ClusterEvent, concerns?: (pod: PodInfo) => boolean): void {
    if (!this.hasWaiting) return
    for (const entry of this.#inFlight.values()) miss(entry, event)
    const interested = this.#interested.get(`${event.resource}/${event.action}`)
    const helped: QueuedPod[] = []
    for (const [key, group] of this.#unschedulable) {
      if (!interested?.some(({ plugin }) => key.split(',').includes(plugin)) && !key.includes(EXTENDER)) continue
      for (const entry of group.values()) if ((concerns?.(entry.info) ?? true) && this.#helps(entry, event)) helped.push(entry)
    }
    // Gates may put them back where they were found.
    for (const entry of helped) this.#requeue(entry)
  }

  /** Tries these pods at once, wherever they wait. */
  activate(keys: readonly string[]): void {
    for (const key of keys) {
      const entry = this.#entries.get(key)
      const inFlight = this.#inFlight.get(key)
      if (inFlight) inFlight.isForced = true
      if (!entry || this.#active.has(entry)) continue
      this.#take(entry)
      this.#toActive(entry)
    }
  }

  close(): void {
    this.#closed = true
    this.#backoffTimer?.cancel()
    this.#flushTimer?.cancel()
    this.#entries.clear()
    this.#inFlight.clear()
    this.#unschedulable.clear()
    this.#active.clear()
    this.#backoff.clear()
    this.#errorBackoff.clear()
  }

  #helps(entry: QueuedPod, event: ClusterEvent): boolean {
    const interested = this.#interested.get(`${event.resource}/${event.action}`) ?? []
    // What is held back is looked at when its gate may open, and then by whoever refused it.
    if (entry.gatedBy && !interested.some(({ plugin }) => plugin === entry.gatedBy)) return false
    // Extenders do not tell what they wait for.
    if (entry.rejectedBy.has(EXTENDER)) return true
    for (const { plugin, helps } of interested) {
      if (plugin !== entry.gatedBy && !entry.rejectedBy.has(plugin)) continue
      if (!helps || helps(entry.info, event, this.#options.handle())) return true
    }
    return false
  }

  #requeue(entry: QueuedPod): void {
    this.#take(entry)
    if (entry.backoffUntilMs > this.#options.clock.now()) this.#toBackoff(entry, this.#backoff)
    else this.#toActive(entry)
  }

  #toActive(entry: QueuedPod): void {
    if (this.#isGated(entry)) return
    this.#active.push(entry)
    this.#options.wake()
  }

  #toBackoff(entry: QueuedPod, backoff: Heap<QueuedPod>): void {
    if (this.#isGated(entry)) return
    backoff.push(entry)
    this.#armBackoff()
    if (backoff === this.#backoff) this.#options.wake()
  }

  #isGated(entry: QueuedPod): boolean {
    entry.gatedBy = this.#options.preEnqueue(entry.info)?.plugin
    if (entry.gatedBy) this.#toUnschedulable(entry)
    return entry.gatedBy !== undefined
  }

  #toUnschedulable(entry: QueuedPod): void {
    const key = groupKey(entry)
    const group = this.#unschedulable.get(key)
    if (group) group.set(entry.info.key, entry)
    else this.#unschedulable.set(key, new Map([[entry.info.key, entry]]))
    this.#flushTimer ??= this.#options.clock.after(FLUSH_MS, () => this.#flush())
  }

  #groupOf(entry: QueuedPod): Map<string, QueuedPod> | undefined {
    const group = this.#unschedulable.get(groupKey(entry))
    return group?.get(entry.info.key) === entry ? group : undefined
  }

  #take(entry: QueuedPod): void {
    if (this.#active.delete(entry) || this.#backoff.delete(entry) || this.#errorBackoff.delete(entry)) return
    const group = this.#groupOf(entry)
    group?.delete(entry.info.key)
    if (group?.size === 0) this.#unschedulable.delete(groupKey(entry))
  }

  #armBackoff(): void {
    const dueMs = Math.min(this.#backoff.peek()?.backoffUntilMs ?? Infinity, this.#errorBackoff.peek()?.backoffUntilMs ?? Infinity)
    if (dueMs === Infinity || (this.#backoffTimer && dueMs >= this.#backoffDueMs)) return
    this.#backoffTimer?.cancel()
    this.#backoffDueMs = dueMs
    this.#backoffTimer = this.#options.clock.after(Math.max(0, dueMs - this.#options.clock.now()), () => this.#backoffDone())
  }

  #backoffDone(): void {
    this.#backoffTimer = undefined
    this.#backoffDueMs = Infinity
    const now = this.#options.clock.now()
    for (const heap of [this.#backoff, this.#errorBackoff]) {
      for (let entry = heap.peek(); entry && entry.backoffUntilMs <= now; entry = heap.peek()) {
        heap.pop()
        this.#toActive(entry)
      }
    }
    this.#armBackoff()
  }

  #flush(): void {
    this.#flushTimer = undefined
    const oldest = this.#options.clock.now() - UNSCHEDULABLE_MAX_MS
    const waiting = [...this.#unschedulable.values()].flatMap((group) => [...group.values()])
    for (const entry of waiting) if (!entry.gatedBy && entry.timestampMs <= oldest) this.#requeue(entry)
    if (this.#unschedulable.size > 0) this.#flushTimer ??= this.#options.clock.after(FLUSH_MS, () => this.#flush())
  }
}

function groupKey({ gatedBy, rejectedBy }: QueuedPod): string {
  return gatedBy ?? [...rejectedBy].sort().join()
}

function miss({ missed }: QueuedPod, event: ClusterEvent): void {
  if (missed.length < MAX_MISSED) missed.push(event)
}

/** Doubles with every attempt: by default 1 s, 2 s, 4 s … 10 s. */
export function backoffMs(count: number, { initialMs, maxMs }: Backoff): number {
  return count === 0 ? 0 : Math.min(maxMs, initialMs * 2 ** Math.min(count - 1, 30))
}
