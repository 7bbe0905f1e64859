/** The runtime that runs nothing: containers become what the stages say, after their delays. */
import type { Clock, Timer } from '../../clock.ts'
import type { Pod } from '../../../schemas/types.ts'
import type { ContainerOutcome, PodOutcome, Stages } from '../stages.ts'
import type { Pull } from '../images.ts'
import type { ContainerSink, Exit, RunningContainer, Runtime, StartRequest } from './runtime.ts'

/** What a container that is asked to end leaves behind: killed by SIGTERM, or by SIGKILL when it took too long. */
const STOPPED = { code: 143 }
const KILLED = { code: 137 }

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
    container.begin(forContainer(outcome, request))
    return container
  }

  resume(request: StartRequest, startedAtMs: number, sink: ContainerSink): RunningContainer {
    const outcome = this.#outcome(request.pod)
    const container = new StagedContainer(this.#clock, sink, outcome.stopAfterMs)
    container.run(forContainer(outcome, request), Math.max(0, this.#clock.now() - startedAtMs))
    return container
  }

  isQuiet(pod: Pod): boolean {
    const { container, sidecar, containers, pull } = this.#outcome(pod)
    return !pull && [container, sidecar, ...containers.values()].every(({ exitAfterMs }) => exitAfterMs === undefined)
  }

  stopsAtOnce(pod: Pod): boolean {
    return this.#outcome(pod).stopAfterMs === 0
  }

  pull(pod: Pod): Pull | undefined {
    return this.#outcome(pod).pull
  }

  #outcome(pod: Pod): PodOutcome {
    let found = this.#outcomes.get(pod)
    if (!found) this.#outcomes.set(pod, (found = this.#stages.outcomeOf(pod)))
    return found
  }
}

function forContainer(outcome: PodOutcome, { role, container }: StartRequest): ContainerOutcome {
  const told = role === 'app' || role === 'ephemeral' ? outcome.container : outcome[role]
  const own = outcome.containers.get(container.name ?? '')
  return own ? { ...told, ...own } : told
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
  run({ readyAfterMs, exitAfterMs, exitCode: code = 0, exitReason: reason, exitMessage: message }: ContainerOutcome, ranMs: number): void {
    const exit: Exit = { code, ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) }
    if (exitAfterMs !== undefined && exitAfterMs <= ranMs) return this.#exit(exit)
    if (readyAfterMs >= 0) this.#after(readyAfterMs - ranMs, () => this.#sink.ready(true))
    if (exitAfterMs !== undefined) this.#after(exitAfterMs - ranMs, () => this.#exit(exit))
  }

  stop(graceMs: number): void {
    this.#cancel()
    const isLate = this.#stopAfterMs > graceMs
    this.#after(isLate ? graceMs : this.#stopAfterMs, () => this.#exit(isLate ? KILLED : STOPPED))
  }

  close(): void {
    this.#ended = true
    this.#cancel()
  }

  #exit(exit: Exit): void {
    if (this.#ended) return
    this.close()
    this.#sink.exited(exit)
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
