/** What a kubelet counts from its beginning on. Models the counters of pkg/kubelet/metrics and pkg/kubelet/prober. */
import type { Pod } from '../../schemas/types.ts'
import type { ContainerRecord } from './container-record.ts'

/** Sets of labels beyond that are not counted. */
const MAX_SERIES = 10_000

const TYPES = { app: 'container', init: 'init_container', sidecar: 'init_container', ephemeral: 'ephemeral_container' } as const

class Counter {
  readonly #counts = new Map<string, number>()

  add(labels: Readonly<Record<string, string>>): void {
    const key = JSON.stringify(labels)
    const known = this.#counts.get(key)
    if (known !== undefined || this.#counts.size < MAX_SERIES) this.#counts.set(key, (known ?? 0) + 1)
  }

  samples(): [Record<string, string>, number][] {
    return [...this.#counts].map(([key, count]) => [JSON.parse(key) as Record<string, string>, count])
  }

  forget(text: string): void {
    for (const key of this.#counts.keys()) if (key.includes(text)) this.#counts.delete(key)
  }
}

export class NodeCounters {
  readonly terminated = new Counter()
  readonly started = new Counter()
  readonly probes = new Counter()
  readonly evictions = new Counter()

  /** Pods with users of their own, and those of them that could not begin. */
  readonly ownUsers = { started: new Set<string>(), failed: new Set<string>(), past: { started: 0, failed: 0 } }

  podBegins({ metadata, spec }: Pod): void {
    if (spec.hostUsers === false) this.ownUsers.started.add(metadata.uid ?? '')
  }

  podFailsToBegin({ metadata, spec }: Pod): void {
    if (spec.hostUsers === false) this.ownUsers.failed.add(metadata.uid ?? '')
  }

  userNamespaced(kind: 'started' | 'failed'): number {
    return this.ownUsers.past[kind] + this.ownUsers[kind].size
  }

  containerStarted({ role }: ContainerRecord): void {
    this.started.add({ container_type: TYPES[role] })
  }

  containerEnded({ role, exit }: ContainerRecord): void {
    this.terminated.add({ container_type: TYPES[role], exit_code: String(exit?.code ?? 0), reason: exit?.reason ?? '' })
  }

  probed({ metadata }: Pod, { name }: ContainerRecord, { kind, isGood }: { kind: string; isGood: boolean }): void {
    const { name: pod = '', namespace = '', uid = '' } = metadata
    this.probes.add({ container: name, namespace, pod, pod_uid: uid, probe_type: kind, result: isGood ? 'successful' : 'failed' })
  }

  forget(uid: string): void {
    this.probes.forget(uid)
    for (const kind of ['started', 'failed'] as const) if (this.ownUsers[kind].delete(uid)) this.ownUsers.past[kind]++
  }
}
