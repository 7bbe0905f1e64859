/**
 * Pods that have a node and wait for plugins to permit it, each for as long as it may. Models
 * pkg/scheduler/framework/runtime/waiting_pods_map.go.
 */
import { formatDuration } from '../apimachinery/go-duration.ts'
import type { Clock, Timer } from '../clock.ts'
import type { Status } from './framework.ts'
import type { PodInfo } from './pod-info.ts'

const NS_PER_MS = 1_000_000n
/** However long a plugin asks to wait. */
const MAX_WAIT_MS = 15 * 60_000

export class WaitingPod {
  /** Undefined when all plugins have permitted it. */
  readonly settled: Promise<Status | undefined>
  readonly #pending = new Map<string, Timer>()
  #settle: (status: Status | undefined) => void = () => {}

  /** @param waitsMs by plugin */
  constructor(
    readonly pod: PodInfo,
    waitsMs: ReadonlyMap<string, number>,
    clock: Clock,
  ) {
    this.settled = new Promise((resolve) => (this.#settle = resolve))
    for (const [plugin, wantedMs] of waitsMs) {
      const waitMs = Math.min(wantedMs, MAX_WAIT_MS)
      const late = () => this.reject(plugin, `rejected due to timeout after waiting ${formatDuration(BigInt(Math.round(waitMs)) * NS_PER_MS)} at plugin ${plugin}`)
      this.#pending.set(plugin, clock.after(waitMs, late))
    }
  }

  get pendingPlugins(): string[] {
    return [...this.#pending.keys()]
  }

  allow(plugin: string): void {
    this.#pending.get(plugin)?.cancel()
    this.#pending.delete(plugin)
    if (this.#pending.size === 0) this.#settle(undefined)
  }

  reject(plugin: string, message: string): void {
    this.#end({ code: 'Unschedulable', reasons: [message], plugin })
  }

  /** Makes room for another pod: it is tried again at once. */
  preempt(plugin: string, message: string): void {
    this.#end({ code: 'Error', reasons: [`waiting on permit for pod: ${message}`], plugin })
  }

  #end(status: Status): void {
    for (const timer of this.#pending.values()) timer.cancel()
    this.#settle(status)
  }
}

export class WaitingPods {
  readonly #clock: Clock
  readonly #pods = new Map<string, WaitingPod>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(uid: string): WaitingPod | undefined {
    return this.#pods.get(uid)
  }

  all(): WaitingPod[] {
    return [...this.#pods.values()]
  }

  /** Resolves when plugins have decided, or the time of one is over. */
  async wait(pod: PodInfo, waitsMs: ReadonlyMap<string, number>): Promise<Status | undefined> {
    const waiting = new WaitingPod(pod, waitsMs, this.#clock)
    this.#pods.set(pod.uid, waiting)
    const status = await waiting.settled
    this.#pods.delete(pod.uid)
    return status
  }

  close(): void {
    for (const waiting of this.#pods.values()) waiting.reject('', 'the scheduler ends')
  }
}
