/**
 * One pod on its way through its containers: starts what the plan says through the runtime, keeps the records that the
 * status is made of, tells events. It holds no timers of its own; whoever owns it calls `advance` whenever something may
 * have changed. Models podWorkerLoop and SyncPod of pkg/kubelet.
 */
import type { Pod } from '../../schemas/types.ts'
import { formatTime, type Clock, type Random } from '../clock.ts'
import { markExited, markReady, markRunning, markStarting, newRecords, type ContainerRecord } from './container-record.ts'
import { planPod } from './pod-plan.ts'
import { unmetEnvironment, unmetVolume, type Need, type References } from './pod-needs.ts'
import type { PodEvents } from './pod-events.ts'
import type { Runtime, StartRequest } from './runtimes/runtime.ts'
import type { KeptNode } from './node-keeper.ts'

export interface PodWorkerOptions {
  pod: Pod
  node: KeptNode
  runtime: Runtime
  events: PodEvents
  refs: References
  clock: Clock
  random: Random
  /** Something happened outside `advance`: it should be called. */
  changed(): void
}

/** What a container that a past process ran is reported as when its runtime cannot take it up again. */
const LOST = { code: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated' }

export class PodWorker {
  readonly runtime: Runtime
  readonly node: KeptNode
  readonly records: readonly ContainerRecord[]
  /** What the pod waits for that it refers to; empty when nothing is missing. */
  needs: Need[] = []
  /** A status write is under way. */
  isWriting = false
  /** When to look again without being told, by the pod's own back-offs. */
  wakeAtMs: number | undefined
  /** How often it was found that something is missing. */
  attempts = 0
  readonly #options: PodWorkerOptions
  #pod: Pod
  #advancing = false
  #stopping = false

  constructor(options: PodWorkerOptions) {
    this.#options = options
    this.runtime = options.runtime
    this.node = options.node
    this.#pod = options.pod
    this.records = newRecords(options.pod)
    for (const record of this.records) if (record.state === 'running') this.#resume(record)
  }

  /** Everything that can happen now happens. */
  advance(pod: Pod): void {
    this.#pod = pod
    this.needs = []
    this.wakeAtMs = undefined
    this.#advancing = true
    try {
      const volume = this.node.inFull && !this.hasStarted ? unmetVolume(pod, this.#options.refs) : undefined
      if (volume) this.#miss(volume, () => this.#options.events.failedMount(pod, volume.message))
      else while (this.#step()) continue
    } finally {
      this.#advancing = false
    }
  }

  get hasStarted(): boolean {
    return this.records.some((r) => r.state !== 'waiting' || r.waiting !== undefined)
  }

  /** Nothing will happen any more unless the pod or what it refers to changes. */
  get isSettled(): boolean {
    if (this.needs.length > 0 || this.wakeAtMs !== undefined || !this.runtime.isQuiet(this.#pod)) return false
    return this.records.every((r) => (r.state === 'running' ? r.ready && r.started : r.state === 'exited'))
  }

  get isRunning(): boolean {
    return this.records.some((r) => r.handle !== undefined)
  }

  /** Asks all containers to end. True once they have. */
  stop(graceMs: number): boolean {
    if (!this.#stopping) {
      this.#stopping = true
      for (const record of [...this.records].reverse()) this.#stopContainer(record, graceMs)
    }
    return !this.isRunning
  }

  close(): void {
    for (const record of this.records) {
      record.handle?.close()
      delete record.handle
    }
  }

  /** One round of the plan; true when another may find more to do. */
  #step(): boolean {
    const { clock, events } = this.#options
    const plan = planPod(this.#pod, this.records, clock.now())
    let moved = false
    for (const record of plan.start) moved = this.#start(record) || moved
    for (const record of plan.stop) {
      this.#stopContainer(record, (this.#pod.spec.terminationGracePeriodSeconds ?? 30) * 1000)
      moved ||= record.state === 'exited'
    }
    for (const { record, untilMs, delayMs } of plan.backOff) {
      this.wakeAtMs = Math.min(this.wakeAtMs ?? Infinity, untilMs)
      if (record.waiting?.reason === 'CrashLoopBackOff') continue
      record.waiting = { reason: 'CrashLoopBackOff', message: events.backOffMessage(this.#pod, record.name, delayMs) }
      events.backOff(this.#pod, record)
    }
    return moved
  }

  #start(record: ContainerRecord): boolean {
    const { refs, events, random } = this.#options
    const { inFull } = this.node
    const unmet = inFull ? unmetEnvironment(this.#pod, record.container, refs) : undefined
    if (unmet) {
      record.waiting = { reason: 'CreateContainerConfigError', message: unmet.message }
      this.#miss(unmet, () => events.failed(this.#pod, record, `Error: ${unmet.message}`))
      return false
    }
    markStarting(record, random)
    if (inFull) events.pulled(this.#pod, record, this.node)
    const handle = this.runtime.start(this.#request(record), this.#sink(record))
    if (isAlive(record)) record.handle = handle
    return true
  }

  #resume(record: ContainerRecord): void {
    const startedAtMs = Date.parse(record.startedAt ?? '') || this.#options.clock.now()
    this.#advancing = true
    const handle = this.runtime.resume?.(this.#request(record), startedAtMs, this.#sink(record))
    this.#advancing = false
    if (!handle) markExited(record, LOST, this.#options.clock.now())
    else if (isAlive(record)) record.handle = handle
  }

  #request(record: ContainerRecord): StartRequest {
    const { container, role, restartCount } = record
    return { pod: this.#pod, node: this.node.node, container, role, restartCount }
  }

  #sink(record: ContainerRecord) {
    const { clock, events } = this.#options
    const tell = () => {
      if (!this.#advancing) this.#options.changed()
    }
    return {
      running: () => {
        markRunning(record, clock.now())
        if (this.node.inFull) events.started(this.#pod, record)
        tell()
      },
      ready: (isReady: boolean) => {
        markReady(record, isReady)
        tell()
      },
      exited: (exit: Parameters<typeof markExited>[1]) => {
        markExited(record, exit, clock.now())
        tell()
      },
    }
  }

  #stopContainer(record: ContainerRecord, graceMs: number): void {
    if (!record.handle) return
    if (this.node.inFull) this.#options.events.killing(this.#pod, record)
    record.handle.stop(graceMs)
  }

  #miss(need: Need, tell: () => void): void {
    this.needs.push(need)
    if (this.needs.length === 1) this.attempts++
    tell()
  }

  get now(): string {
    return formatTime(this.#options.clock.now())
  }
}

/** Read through a function: the runtime may have changed the state while it started. */
function isAlive(record: ContainerRecord): boolean {
  return record.state === 'running' || record.state === 'starting'
}
