/**
 * The probes of one running container: startup first, then liveness and readiness, each with its period and thresholds.
 * Models pkg/kubelet/prober.
 */
import type { Probe } from '../../schemas/types.ts'
import type { Clock, Timer } from '../clock.ts'
import type { ProbeResult } from './probes.ts'

export type ProbeKind = 'Startup' | 'Liveness' | 'Readiness'

export interface ProberOptions {
  clock: Clock
  probes: Partial<Record<ProbeKind, Probe>>
  perform(kind: ProbeKind, probe: Probe): Promise<ProbeResult>
  started(): void
  ready(isReady: boolean): void
  /** One probe was good, but has something to say. */
  warned(kind: ProbeKind, output: string): void
  /** One probe could not be performed. */
  errored(kind: ProbeKind, output: string): void
  /** One probe said no. */
  unhealthy(kind: ProbeKind, output: string): void
  /** So often that the container has to go. */
  failed(kind: ProbeKind, probe: Probe): void
}

export class Prober {
  readonly #options: ProberOptions
  readonly #timers = new Set<Timer>()
  #isOver = false
  #isEnding = false
  readonly #startMs: number

  constructor(options: ProberOptions) {
    this.#options = options
    this.#startMs = options.clock.now()
  }

  begin(): void {
    const { Startup } = this.#options.probes
    if (Startup) this.#loop('Startup', Startup)
    else this.#hasStarted()
  }

  close(): void {
    this.#isOver = true
    for (const timer of this.#timers) timer.cancel()
    this.#timers.clear()
  }

  /** The container is asked to end: whether it still serves is of interest, not whether it lives. */
  ending(): void {
    this.#isEnding = true
  }

  #hasStarted(): void {
    const { Liveness, Readiness } = this.#options.probes
    this.#options.started()
    if (Readiness) this.#loop('Readiness', Readiness)
    else this.#options.ready(true)
    if (Liveness) this.#loop('Liveness', Liveness)
  }

  #loop(kind: ProbeKind, probe: Probe): void {
    let good = 0
    let bad = 0
    let told: boolean | undefined
    const periodMs = (probe.periodSeconds ?? 10) * 1000
    const round = async () => {
      if (this.#isEnding && kind !== 'Readiness') return
      const { isGood, isWarning, isError, output } = await this.#options.perform(kind, probe)
      if (this.#isOver || (this.#isEnding && kind !== 'Readiness')) return
      if (isError) {
        this.#options.errored(kind, output)
        return this.#after(periodMs, round)
      }
      good = isGood ? good + 1 : 0
      bad = isGood ? 0 : bad + 1
      if (isWarning) this.#options.warned(kind, output)
      if (!isGood) this.#options.unhealthy(kind, output)
      const verdict = good >= (probe.successThreshold ?? 1) ? true : bad >= (probe.failureThreshold ?? 3) ? false : told
      const isNews = verdict !== told
      told = verdict
      if (kind === 'Readiness' && isNews && verdict !== undefined) this.#options.ready(verdict)
      if (kind === 'Startup' && verdict === true) return this.#hasStarted()
      if (kind !== 'Readiness' && verdict === false) return this.#options.failed(kind, probe)
      this.#after(periodMs, round)
    }
    const waitMs = this.#startMs + (probe.initialDelaySeconds ?? 0) * 1000 - this.#options.clock.now()
    this.#after(Math.max(0, waitMs), round)
  }

  #after(ms: number, run: () => Promise<void>): void {
    if (this.#isOver) return
    const timer = this.#options.clock.after(ms, () => {
      this.#timers.delete(timer)
      void run()
    })
    this.#timers.add(timer)
  }
}
