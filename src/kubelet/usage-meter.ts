/**
 * How much processor time and memory the containers at work use, as metrics-server would read it from their kubelets: rates are
 * means since they were last asked for, and not taken more often than a scrape would.
 */
import type { Container, Pod } from '../../schemas/types.ts'
import { quantityMilliValue } from '../apimachinery/quantity.ts'
import type { Clock } from '../clock.ts'
import type { Usage } from '../registry/usage.ts'
import type { PodWorker } from './pod-worker.ts'
import type { RunningContainer } from './runtimes/runtime.ts'

const SCRAPE_MS = 10_000

interface Sample {
  atMs: number
  nanos: number
  milliCPU: number
}

export class UsageMeter {
  readonly #clock: Clock
  readonly #workerOf: (pod: Pod) => PodWorker | undefined
  readonly #samples = new WeakMap<RunningContainer, Sample>()

  constructor(clock: Clock, workerOf: (pod: Pod) => PodWorker | undefined) {
    this.#clock = clock
    this.#workerOf = workerOf
  }

  /** Undefined for a container that nobody measures. */
  read(pod: Pod, container: Container): Usage | undefined {
    const record = this.#workerOf(pod)?.records.find((r) => r.name === container.name && r.state === 'running')
    const { handle, startedAt = '' } = record ?? {}
    const used = handle?.usage?.()
    if (!handle || !used) return undefined
    const milliCPU = this.#rate(handle, used.cpuNanos, Date.parse(startedAt))
    const limit = record?.actual?.limits?.cpu
    return { milliCPU: limit === undefined ? milliCPU : Math.min(milliCPU, quantityMilliValue(limit)), memoryBytes: used.memoryBytes }
  }

  #rate(handle: RunningContainer, nanos: number, startedMs: number): number {
    const now = this.#clock.now()
    const last = this.#samples.get(handle)
    if (last && now - last.atMs < SCRAPE_MS) return last.milliCPU
    const { atMs, nanos: before } = last ?? { atMs: startedMs, nanos: 0 }
    const milliCPU = now > atMs ? Math.max(0, (nanos - before) / ((now - atMs) * 1000)) : 0
    this.#samples.set(handle, { atMs: now, nanos, milliCPU })
    return milliCPU
  }
}
