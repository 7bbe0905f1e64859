/**
 * Looks after one container that runs: its postStart hook, its probes, and its end with preStop and a grace period.
 * Models startContainer's post-start, prober/worker.go and killContainer of pkg/kubelet/kuberuntime.
 */
import type { Pod, Probe } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import type { Network } from '../network/network.ts'
import { markReady, type ContainerRecord } from './container-record.ts'
import { nodeParty } from './execution.ts'
import { runHook, type HookHow } from './hooks.ts'
import type { KeptNode } from './node-keeper.ts'
import type { PodEvents } from './pod-events.ts'
import { Prober, type ProbeKind } from './prober.ts'
import { performProbe, type ProbeSurroundings, type ProbeTarget } from './probes.ts'
import type { RunningContainer } from './runtimes/runtime.ts'

export interface ContainerCareOptions {
  record: ContainerRecord
  handle: RunningContainer
  node: KeptNode
  clock: Clock
  events: PodEvents
  network: Network
  worker: { readonly pod: Pod; readonly podIPs: readonly string[] }
  changed(): void
}

/** What is left for the container itself when a preStop hook took all of the grace period. */
const MIN_GRACE_MS = 2000

export class ContainerCare {
  readonly #options: ContainerCareOptions
  readonly #prober: Prober
  #isStopping = false
  #isOver = false

  constructor(options: ContainerCareOptions) {
    this.#options = options
    const { record, clock, events, worker } = options
    const { container } = record
    this.#prober = new Prober({
      clock,
      probes: {
        ...(container.startupProbe ? { Startup: container.startupProbe } : {}),
        ...(container.livenessProbe ? { Liveness: container.livenessProbe } : {}),
        ...(container.readinessProbe ? { Readiness: container.readinessProbe } : {}),
      },
      perform: async (kind, probe) => {
        const result = await performProbe(probe, this.#target, { surroundings: this.#surroundings, timeoutMs: (probe.timeoutSeconds ?? 1) * 1000 })
        if (!result.isError) options.node.counters.probed(worker.pod, record, { kind, isGood: result.isGood })
        return result
      },
      started: () => {
        record.started = true
        options.changed()
      },
      ready: (isReady) => {
        if (record.role === 'init' || record.role === 'ephemeral') return
        markReady(record, isReady)
        options.changed()
      },
      warned: (kind, output) => events.warn(worker.pod, record, 'ProbeWarning', `${kind} probe warning: ${output}`),
      errored: (kind, output) => events.unhealthy(worker.pod, record, `${kind} probe errored and resulted in unknown state: ${output}`),
      unhealthy: (kind, output) => events.unhealthy(worker.pod, record, `${kind} probe failed: ${output}`),
      failed: (kind, probe) => this.#failed(kind, probe),
    })
  }

  begin(): void {
    const postStart = this.#options.record.container.lifecycle?.postStart
    if (!postStart) return this.#prober.begin()
    void runHook(postStart, this.#target, this.#hook).then((problem) => {
      if (this.#isOver) return
      if (problem === undefined) return this.#prober.begin()
      const { events, worker, record } = this.#options
      events.warn(worker.pod, record, 'FailedPostStartHook', 'PostStartHook failed')
      this.#kill('FailedPostStartHook', this.#graceMs)
    })
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** Asks the container to end, its preStop hook first, and not before its turn, as long as there is time. */
  stop(graceMs: number, message?: string, turn?: Promise<void>): void {
    this.#kill(message, graceMs, turn)
  }

  close(): void {
    this.#isOver = true
    this.#prober.close()
  }

  get #graceMs(): number {
    return (this.#options.worker.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
  }

  get #target(): ProbeTarget {
    const { worker, record, handle } = this.#options
    return { pod: worker.pod, container: record.container, handle, podIP: worker.podIPs[0] ?? '' }
  }

  get #surroundings(): ProbeSurroundings {
    const { network, node, clock } = this.#options
    return { network, from: nodeParty(node), clock }
  }

  #failed(kind: ProbeKind, probe: Probe): void {
    const { record } = this.#options
    const graceMs = probe.terminationGracePeriodSeconds === undefined ? this.#graceMs : probe.terminationGracePeriodSeconds * 1000
    this.#kill(`Container ${record.name} failed ${kind.toLowerCase()} probe, will be restarted`, graceMs)
  }

  #kill(message: string | undefined, graceMs: number, turn?: Promise<void>): void {
    if (this.#isStopping) return
    this.#isStopping = true
    const { record, handle, events, worker, clock, changed } = this.#options
    events.killing(worker.pod, record, message)
    if (message === undefined) this.#prober.ending()
    else this.#prober.close()
    if (message !== undefined && record.ready) {
      markReady(record, false)
      changed()
    }
    const preStop = record.container.lifecycle?.preStop
    if (graceMs === 0 || (!preStop && !turn)) return handle.stop(graceMs)
    const startMs = clock.now()
    const leftMs = () => graceMs - (clock.now() - startMs)
    void (async () => {
      const problem = preStop && (await runHook(preStop, this.#target, { ...this.#hook, timeoutMs: graceMs }))
      if (problem !== undefined && !this.#isOver) events.warn(worker.pod, record, 'FailedPreStopHook', 'PreStopHook failed')
      if (turn && !this.#isOver && leftMs() > 0) await inTime(turn, clock, leftMs())
      if (!this.#isOver) handle.stop(Math.max(MIN_GRACE_MS, leftMs()))
    })()
  }

  get #hook(): HookHow {
    const { events, worker } = this.#options
    const message = (host: string) => `request to HTTPS lifecycle hook ${host} got HTTP response, retry with HTTP succeeded`
    return { surroundings: this.#surroundings, fellBack: (host) => events.pod(worker.pod, { type: 'Warning', reason: 'LifecycleHTTPFallback', message: message(host) }) }
  }
}

/** Until it has happened, or the time is over. */
function inTime(event: Promise<void>, clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, resolve)
    void event.then(() => {
      timer.cancel()
      resolve()
    })
  })
}
