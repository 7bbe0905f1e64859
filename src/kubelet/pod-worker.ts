/**
 * One pod on its way through its containers: starts what the plan says through the runtime, keeps the records that the
 * status is made of, tells events. It holds no timers of its own; whoever owns it calls `advance` whenever something may
 * have changed. Models podWorkerLoop and SyncPod of pkg/kubelet.
 */
import type { Container, Pod } from '../../schemas/types.ts'
import { formatTime, type Clock, type Random } from '../clock.ts'
import { addEphemeral, changedContainers, markExited, markReady, markRunning, markStarting, newRecords, type ContainerRecord } from './container-record.ts'
import { ProcessNamespaces } from './process-namespaces.ts'
import { planPod } from './pod-plan.ts'
import { unmetEnvironment, unmetRuntime, unmetVolume, type Need, type References } from './pod-needs.ts'
import type { Rejection } from './pod-admission.ts'
import type { PodEvents } from './pod-events.ts'
import { Allocation, effectiveResources } from './allocation.ts'
import { ConfigError } from './container-config.ts'
import { ContainerCare } from './container-care.ts'
import { isResized, planResize } from './container-resize.ts'
import { makeExecution, type Surroundings } from './execution.ts'
import { ImagePuller } from './image-puller.ts'
import type { Pull } from './images.ts'
import { mustRestartAll, resetForRestart } from './restart-all.ts'
import { StartError, type Execution, type Exit, type Runtime, type StartRequest } from './runtimes/runtime.ts'
import type { KeptNode } from './node-keeper.ts'
import { misunderstood } from './stage-annotations.ts'
import { terminationMessage } from './termination-message.ts'

export interface PodWorkerOptions {
  pod: Pod
  node: KeptNode
  runtime: Runtime
  events: PodEvents
  refs: References
  clock: Clock
  random: Random
  /** For runtimes that run images. */
  surroundings: Surroundings
  /** The pod's addresses; it gets them with its first container. */
  podIPs(): readonly string[]
  /** Why its node has no room for it with other resources. */
  reject(pod: Pod): Rejection | undefined
  /** Something happened outside `advance`: it should be called. */
  changed(): void
}

/** What a container that a past process ran is reported as when its runtime cannot take it up again. */
const LOST = { code: 137, reason: 'ContainerStatusUnknown', message: 'The container could not be located when the pod was terminated' }

const CONFIG_RETRY_MS = 10_000
const RESIZE_RETRY_MS = 180_000

export class PodWorker {
  readonly runtime: Runtime
  readonly allocation: Allocation
  readonly node: KeptNode
  /** What the pod waits for that it refers to; empty when nothing is missing. */
  needs: Need[] = []
  /** A status write is under way. */
  isWriting = false
  /** When to look again without being told, by the pod's own back-offs. */
  wakeAtMs: number | undefined
  /** How often it was found that something is missing. */
  attempts = 0
  readonly #options: PodWorkerOptions
  readonly #puller: ImagePuller
  readonly #records: ContainerRecord[]
  readonly #executions = new Map<ContainerRecord, Execution>()
  readonly #cares = new Map<ContainerRecord, ContainerCare>()
  readonly #namespaces = new ProcessNamespaces()
  /** Who is to be told of a container's end. */
  readonly #ends = new Map<ContainerRecord, (() => void)[]>()
  #pod: Pod
  #advancing = false
  #stopping = false

  constructor(options: PodWorkerOptions) {
    this.#options = options
    this.runtime = options.runtime
    this.node = options.node
    this.allocation = new Allocation(options.pod, options.events)
    this.#pod = this.allocation.pod
    this.#records = newRecords(this.#pod)
    this.#puller = new ImagePuller({ images: options.surroundings.images, events: options.events, clock: options.clock, refs: options.refs })
    for (const problem of misunderstood(options.pod)) options.events.annotation(options.pod, problem)
    for (const record of this.records) if (record.state === 'running') this.#resume(record)
  }

  get records(): readonly ContainerRecord[] {
    return this.#records
  }

  /** Everything that can happen now happens. */
  advance(pod: Pod): void {
    this.needs = []
    this.wakeAtMs = undefined
    this.#advancing = true
    try {
      this.#follow(pod)
      const { refs, events } = this.#options
      const unmet = this.node.inFull && !this.hasStarted ? (unmetVolume(pod, refs) ?? unmetRuntime(pod, this.node.node, refs)) : undefined
      if (unmet) this.#miss(unmet, () => events.failedMount(pod, unmet))
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
      for (const record of [...this.records].reverse()) this.#stopContainer(record, graceMs, { inTurn: true })
    }
    return !this.isRunning
  }

  close(): void {
    for (const care of this.#cares.values()) care.close()
    for (const record of this.records) {
      record.handle?.close()
      delete record.handle
    }
  }

  get pod(): Pod {
    return this.#pod
  }

  get podIPs(): readonly string[] {
    return this.#options.podIPs()
  }

  /** Takes over what has changed in the pod: resources as far as they are granted, images, ephemeral containers. */
  #follow(pod: Pod): void {
    const { allocation, node, now } = this
    const { clock, reject } = this.#options
    if (node.inFull) {
      if (isResized(this.#records)) allocation.completed()
      allocation.follow(pod, reject, now)
      if (allocation.isPending) this.#wakeAt(clock.now() + RESIZE_RETRY_MS)
    }
    this.#pod = node.inFull ? allocation.pod : pod
    addEphemeral(this.#records, this.#pod)
    for (const [record, container] of changedContainers(this.#pod, this.#records)) {
      const isOther = record.container.image !== container.image
      record.container = container
      if (isOther && record.role !== 'init') this.#restart(record, `${record.role === 'sidecar' ? 'Init container' : 'Container'} ${record.name} definition changed${record.role === 'app' ? ', will be restarted' : ''}`)
    }
    if (node.inFull) this.#resize()
  }

  #resize(): void {
    const { clock } = this.#options
    const { restart, update, problem } = planResize(this.#pod, this.#records)
    if (problem !== undefined) {
      this.allocation.failed(problem, this.now)
      return this.#wakeAt(clock.now() + CONFIG_RETRY_MS)
    }
    for (const record of restart) this.#restart(record, `Container ${record.name} resize requires restart`)
    for (const record of update) {
      record.actual = record.container.resources ?? {}
      record.handle?.resize?.(this.#limited(record))
    }
    // That it is done is found out with the next look.
    if (this.allocation.isInProgress) this.#wakeAt(clock.now())
  }

  /** With its pod's limits where it has none of its own. */
  #limited({ container }: ContainerRecord): Container {
    return this.#pod.spec.resources ? { ...container, resources: effectiveResources(this.#pod, container) } : container
  }

  /** Ends a container to begin it again at once. */
  #restart(record: ContainerRecord, message: string): void {
    if (!record.handle || record.mustRestart) return
    record.mustRestart = true
    this.#stopContainer(record, (this.#pod.spec.terminationGracePeriodSeconds ?? 30) * 1000, { message })
  }

  /** One round of the plan; true when another may find more to do. */
  #step(): boolean {
    const { clock, events } = this.#options
    if (mustRestartAll(this.#records)) return this.#restartAll()
    const plan = planPod(this.#pod, this.records, clock.now())
    let moved = false
    for (const record of plan.start) moved = this.#start(record) || moved
    for (const record of plan.stop) {
      this.#stopContainer(record, (this.#pod.spec.terminationGracePeriodSeconds ?? 30) * 1000, { inTurn: true })
      moved ||= record.state === 'exited'
    }
    for (const { record, untilMs, delayMs } of plan.backOff) {
      this.#wakeAt(untilMs)
      if (record.waiting?.reason === 'CrashLoopBackOff') continue
      record.waiting = { reason: 'CrashLoopBackOff', message: events.backOffMessage(this.#pod, record.name, delayMs) }
      events.backOff(this.#pod, record)
    }
    return moved
  }

  /** Everything ends, then begins with the first init container. True once it has ended. */
  #restartAll(): boolean {
    const own = this.#records.filter((r) => r.role !== 'ephemeral')
    for (const record of own) this.#restart(record, `Stopping container ${record.name}`)
    if (own.some((r) => r.handle !== undefined)) return false
    for (const record of own) resetForRestart(record)
    return true
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
    const { runsImages } = this.runtime
    const pull = this.runtime.pull?.(this.#pod)
    if ((runsImages || pull) && !this.#hasImage(record, pull)) return false
    if (!this.#makeExecution(record)) return false
    markStarting(record, random)
    if (inFull && !runsImages && !pull) this.#puller.presume(this.#pod, record, this.node)
    this.#begin(record)
    return true
  }

  #hasImage(record: ContainerRecord, pull: Pull | undefined): boolean {
    const absent = this.#puller.ensure(this.#pod, record, { node: this.node, pull })
    if (!absent) return true
    const { reason, message, wakeAtMs } = absent
    if (reason === 'ContainerCreating') delete record.waiting
    else record.waiting = { reason, ...(message === undefined ? {} : { message }) }
    if (wakeAtMs !== undefined) this.#wakeAt(wakeAtMs)
    return false
  }

  /** What the container is to run with; false when that cannot be made. */
  #makeExecution(record: ContainerRecord): boolean {
    const { events, clock, surroundings } = this.#options
    if (!this.runtime.runsImages) return true
    const { podIPs } = this
    const { node } = this
    try {
      const execution = makeExecution(surroundings, { itself: { pod: this.#pod, node: node.node, podIPs, hostIPs: node.hostIPs }, node, record, pids: this.#namespaces.of(this.#pod, record) })
      this.#executions.set(record, execution)
      record.user = execution.config.cred
      return true
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      const isNews = record.waiting?.message !== error.message
      record.waiting = { reason: error.reason, message: error.message }
      if (isNews) events.failed(this.#pod, record, `Error: ${error.message}`)
      this.#wakeAt(clock.now() + CONFIG_RETRY_MS)
      return false
    }
  }

  #begin(record: ContainerRecord): void {
    const { counters } = this.node
    counters.podBegins(this.#pod)
    try {
      const handle = this.runtime.start(this.#request(record), this.#sink(record))
      if (!isAlive(record)) return
      record.handle = handle
      if (this.runtime.runsImages) this.#care(record)
    } catch (error) {
      if (!(error instanceof StartError)) throw error
      counters.podFailsToBegin(this.#pod)
      this.#options.events.created(this.#pod, record)
      this.#options.events.failed(this.#pod, record, `Error: ${error.message}`)
      markExited(record, { code: 128, reason: 'StartError', message: error.message }, this.#options.clock.now())
    }
  }

  /** Hooks and probes, as long as the container runs. */
  #care(record: ContainerRecord): void {
    const { handle } = record
    if (!handle) return
    const { clock, events, surroundings, changed } = this.#options
    const care = new ContainerCare({ record, handle, node: this.node, clock, events, network: surroundings.network, worker: this, changed: () => { if (!this.#advancing) changed() } })
    this.#cares.set(record, care)
    care.begin()
  }

  #wakeAt(ms: number): void {
    this.wakeAtMs = Math.min(this.wakeAtMs ?? Infinity, ms)
  }

  #resume(record: ContainerRecord): void {
    const startedAtMs = Date.parse(record.startedAt ?? '') || this.#options.clock.now()
    this.#advancing = true
    try {
      const handle = this.#makeExecution(record) ? this.runtime.resume?.(this.#request(record), startedAtMs, this.#sink(record)) : undefined
      if (!handle) markExited(record, LOST, this.#options.clock.now())
      else if (isAlive(record)) {
        record.handle = handle
        if (this.runtime.runsImages) this.#care(record)
      }
    } catch (error) {
      if (!(error instanceof StartError)) throw error
      markExited(record, LOST, this.#options.clock.now())
    } finally {
      this.#advancing = false
    }
  }

  #request(record: ContainerRecord): StartRequest {
    const { role, restartCount } = record
    const execution = () => {
      const made = this.#executions.get(record)
      if (!made) throw new Error(`container ${record.name} has nothing to run with`)
      return made
    }
    return { pod: this.#pod, node: this.node.node, container: this.#limited(record), role, restartCount, execution }
  }

  #sink(record: ContainerRecord) {
    const { clock, events } = this.#options
    const tell = () => {
      if (!this.#advancing) this.#options.changed()
    }
    return {
      running: () => {
        markRunning(record, clock.now())
        if (this.runtime.runsImages) record.started = false
        this.node.counters.containerStarted(record)
        if (this.node.inFull) events.started(this.#pod, record)
        tell()
      },
      ready: (isReady: boolean) => {
        markReady(record, isReady)
        tell()
      },
      exited: (exit: Exit) => {
        this.#cares.get(record)?.close()
        this.#cares.delete(record)
        markExited(record, this.#withMessage(record, exit), clock.now())
        for (const told of this.#ends.get(record) ?? []) told()
        this.#ends.delete(record)
        this.node.counters.containerEnded(record)
        tell()
      },
    }
  }

  #withMessage(record: ContainerRecord, exit: Exit): Exit {
    const execution = this.#executions.get(record)
    this.#executions.delete(record)
    if (!execution) return exit
    const message = terminationMessage(record.container, { file: execution.config.terminationMessage, log: execution.log, code: exit.code })
    return message === '' ? exit : { ...exit, message }
  }

  /** Sidecars serve the others until these have ended, the last of them first. */
  #turnOf(record: ContainerRecord): Promise<void> | undefined {
    if (record.role !== 'sidecar') return undefined
    const after = this.#records.slice(this.#records.indexOf(record) + 1)
    const before = after.filter((r) => r.handle && (r.role === 'app' || r.role === 'sidecar'))
    if (before.length === 0) return undefined
    return Promise.all(before.map((r) => new Promise<void>((resolve) => this.#ends.set(r, [...(this.#ends.get(r) ?? []), resolve])))).then(() => {})
  }

  #stopContainer(record: ContainerRecord, graceMs: number, { message, inTurn = false }: { message?: string | undefined; inTurn?: boolean } = {}): void {
    if (!record.handle) return
    const care = this.#cares.get(record)
    if (care?.isStopping) return
    if (care) return care.stop(graceMs, message, inTurn ? this.#turnOf(record) : undefined)
    if (this.node.inFull) this.#options.events.killing(this.#pod, record, message)
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
