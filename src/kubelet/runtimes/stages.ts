/** The runtime that runs nothing: containers become what the stages say, after their delays. */
import type { Clock, Timer } from '../../clock.ts'
import type { Pod } from '../../../schemas/types.ts'
import type { ContainerOutcome, PodOutcome, Stages } from '../stages.ts'
import type { ContainerRole, ContainerSink, RunningContainer, Runtime, StartRequest } from './runtime.ts'

/** What a container that is asked to end leaves behind: killed by SIGTERM. */
const STOPPED = { code: 143 }

export class StagesRuntime implements Runtime {
  readonly name = 'stages'
  readonly runsImages = false
  readonly #stages: Stages
  readonly #clock: Clock
  /** Outcomes by pod object: a sync asks several times about the same one. */
  readonly #outcomes = new WeakMap<Pod, PodOutcome>()

  constructor(stages: Stages, clock: Clock) {
    this.#stages = stages
    this.#clock = clock
  }

  start(request: StartRequest, sink: ContainerSink): RunningContainer {
    const outcome = this.#outcome(request.pod)
    const container = new StagedContainer(this.#clock, sink, outcome.stopAfterMs)
    container.begin(forRole(outcome, request.role))
    return container
  }

  resume(request: StartRequest, startedAtMs: number, sink: ContainerSink): RunningContainer {
    const outcome = this.#outcome(request.pod)
    const container = new StagedContainer(this.#clock, sink, outcome.stopAfterMs)
    container.run(forRole(outcome, request.role), Math.max(0, this.#clock.now() - startedAtMs))
    return container
  }

  isQuiet(pod: Pod): boolean {
    const { container, sidecar } = this.#outcome(pod)
    return container.exitAfterMs === undefined && sidecar.exitAfterMs === undefined
  }

  stopsAtOnce(pod: Pod): boolean {
    return this.#outcome(pod).stopAfterMs === 0
  }

  #outcome(pod: Pod): PodOutcome {
    let found = this.#outcomes.get(pod)
    if (!found) this.#outcomes.set(pod, (found = this.#stages.outcomeOf(pod)))
    return found
  }
}

function forRole(outcome: PodOutcome, role: ContainerRole): ContainerOutcome {
  return role === 'app' || role === 'ephemeral' ? outcome.container : outcome[role]
}

class StagedContainer implements RunningContainer {
  readonly #clock: Clock
  readonly #sink: ContainerSink
  readonly #stopAfterMs: number
  #timers: Timer[] = []
  #ended = false

  constructor(clock: Clock, sink: ContainerSink, stopAfterMs: number) {
    this.#clock = clock
    this.#sink = sink
    this.#stopAfterMs = stopAfterMs
  }

  begin(outcome: ContainerOutcome): void {
    this.#after(outcome.startAfterMs, () => {
      this.#sink.running()
      this.run(outcome, 0)
    })
  }

  /** @param ranMs how long it has been running already */
  run({ readyAfterMs, exitAfterMs, exitCode = 0 }: ContainerOutcome, ranMs: number): void {
    if (exitAfterMs !== undefined && exitAfterMs <= ranMs) return this.#exit(exitCode)
    if (readyAfterMs >= 0) this.#after(readyAfterMs - ranMs, () => this.#sink.ready(true))
    if (exitAfterMs !== undefined) this.#after(exitAfterMs - ranMs, () => this.#exit(exitCode))
  }

  stop(graceMs: number): void {
    this.#cancel()
    this.#after(Math.min(graceMs, this.#stopAfterMs), () => this.#exit(STOPPED.code))
  }

  close(): void {
    this.#ended = true
    this.#cancel()
  }

  #exit(code: number): void {
    if (this.#ended) return
    this.close()
    this.#sink.exited({ code })
  }

  /** No delay means now: most pods go through all their stages within one sync. */
  #after(delayMs: number, fn: () => void): void {
    if (this.#ended) return
    if (delayMs <= 0) fn()
    else this.#timers.push(this.#clock.after(delayMs, fn))
  }

  #cancel(): void {
    for (const timer of this.#timers) timer.cancel()
    this.#timers = []
  }
}
