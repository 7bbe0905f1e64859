/**
 * Follows the pods of all virtual nodes: gives each one that needs attention a worker, writes its status when that
 * changes, lets go of it once nothing is left to happen, and removes it when it has been deleted and has ended.
 * One pod costs one status write per transition and, once it runs, no memory here but its address.
 * Models pkg/kubelet/pod_workers.go and status/status_manager.go.
 */
import type { Pod, PodStatus } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import type { Lister } from '../client/lister.ts'
import { keyOf, splitKey, type ControllerContext } from '../controller/controller.ts'
import { isPodTerminal } from '../controller/pods.ts'
import { formatTime } from '../clock.ts'
import { isStatusError } from '../errors.ts'
import { podLevelResources } from './allocation.ts'
import { hostCgroups } from './host-cgroups.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { isCritical, type Eviction } from './eviction.ts'
import { NeedsIndex } from './needs-index.ts'
import type { KeptNode, NodeListener } from './node-keeper.ts'
import { PodAddresses } from './pod-addresses.ts'
import { PodEvents } from './pod-events.ts'
import { rejectionOf, rejectionOfCritical, shortages, underPressure, type AdmissionInput, type Rejection } from './pod-admission.ts'
import { podsToPreempt, preempted } from './preemption.ts'
import { evictedStatus, podStatus, refusedStatus } from './pod-status.ts'
import { podUsage, type PodUsage } from './pod-usage.ts'
import { deadlineLeftMs, failedByDeadline } from './deadline.ts'
import { PodWorker } from './pod-worker.ts'
import type { References } from './pod-needs.ts'
import type { Surroundings } from './execution.ts'
import type { DirNode } from './sandbox/nodes.ts'
import type { StaticPods } from './static-pods.ts'
import type { StaticPod } from './static-manifests.ts'
import type { Runtime } from './runtimes/runtime.ts'

/** Index over pods by the node they are bound to. */
export const BY_NODE = 'spec.nodeName'

const RETRY_START_MS = 500
const RETRY_MAX_MS = 122_000

export interface PodWorkersOptions {
  ctx: ControllerContext
  /** The kept node of this name, if its kubelet is at work. */
  nodeOf(name: string): KeptNode | undefined
  runtimeFor(pod: Pod, node: KeptNode): Runtime
  refs: References
  surroundings: Surroundings
  statics: Pick<StaticPods, 'view' | 'isStatic' | 'isEnding' | 'told' | 'ended'>
}

export class PodWorkers implements NodeListener {
  readonly #options: PodWorkersOptions
  readonly #pods: Lister<Pod>
  readonly #workers = new Map<string, PodWorker>()
  readonly #addresses = new PodAddresses()
  readonly #needs: NeedsIndex
  readonly #events: PodEvents
  readonly #refs: References
  readonly #queue: KeyedQueue
  /** Who has to go, by uid. */
  readonly #evictions = new Map<string, Eviction>()
  /** Pods that wait for room, to begin or to have other resources. */
  readonly #waitingForRoom = new Set<string>()
  #unsubscribe = () => {}

  constructor(options: PodWorkersOptions) {
    this.#options = options
    const { informers, clock, log, events } = options.ctx
    this.#pods = informers.lister<Pod>('v1/Pod')
    this.#events = new PodEvents(events)
    const failed = (pod: string, error: unknown) => log.warn({ pod, err: error }, 'pod status was not written')
    this.#queue = new KeyedQueue({ clock, concurrency: 64, work: (key) => this.#sync(key), failed })
    this.#needs = new NeedsIndex(informers, (key) => this.#queue.add(key))
    this.#refs = options.refs
  }

  start(): void {
    const pods = this.#options.ctx.informers.for<Pod>('v1/Pod')
    pods.addIndex(BY_NODE, (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []))
    this.#unsubscribe = pods.subscribe({ add: (pod) => this.#changed(pod), update: (pod) => this.#changed(pod), delete: (pod) => this.#gone(pod) })
  }

  began(nodeName: string): void {
    for (const pod of this.#pods.byIndex(BY_NODE, nodeName)) this.#changed(pod)
  }

  /** The pods stay as they are: of a dead node's pods others decide. */
  ended(nodeName: string): void {
    for (const [uid, worker] of this.#workers) {
      if (worker.node.name !== nodeName) continue
      worker.close()
      this.#workers.delete(uid)
    }
  }

  /** Ends a pod for good, at once. */
  evict(pod: Pod, eviction: Eviction): void {
    const { uid = '' } = pod.metadata
    if (this.#evictions.has(uid)) return
    this.#evictions.set(uid, eviction)
    const { reason = 'Evicted', signal } = eviction
    if (signal !== '') this.#options.nodeOf(pod.spec.nodeName ?? '')?.counters.evictions.add({ eviction_signal: signal })
    this.#events.pod(pod, { type: 'Warning', reason, message: eviction.message, ...(eviction.annotations ? { annotations: eviction.annotations } : {}) })
    this.#queue.add(keyOf(pod))
  }

  /** What the pods of a node hold that are at work. */
  usages(nodeName: string): PodUsage[] {
    const used: PodUsage[] = []
    for (const worker of this.#workers.values()) if (worker.node.name === nodeName && !worker.pod.metadata.deletionTimestamp) used.push(podUsage(worker, this.#options.surroundings))
    return used.filter(({ containers }) => containers.length > 0)
  }

  /** Those bound to a node. */
  podsOf(nodeName: string): readonly Pod[] {
    return this.#pods.byIndex(BY_NODE, nodeName).map((pod) => this.#options.statics.view(pod))
  }

  /** A static pod has to end, whether or not a mirror shows it. */
  remove({ uid, namespace, name }: StaticPod): void {
    if (this.#pods.get(namespace, name)) this.#queue.add(`${namespace}/${name}`)
    else this.#drop(uid)
  }

  /** The worker of a pod that is at work. */
  workerOf(pod: Pod): PodWorker | undefined {
    return this.#workers.get(this.#options.statics.view(pod).metadata.uid ?? '')
  }

  cgroupsOf(nodeName: string): DirNode {
    const pods = this.podsOf(nodeName)
    const resourcesOf = (uid: string) => {
      const granted = this.#workers.get(uid)?.allocation.pod
      return granted ? podLevelResources(granted) : {}
    }
    return hostCgroups(pods, resourcesOf, this.#options.ctx.clock.now())
  }

  close(): void {
    this.#unsubscribe()
    this.#needs.close()
    this.#queue.close()
    for (const worker of this.#workers.values()) worker.close()
    this.#workers.clear()
  }

  #changed(shown: Pod): void {
    const { nodeName } = shown.spec
    if (!nodeName) return
    const pod = this.#options.statics.view(shown)
    const node = this.#options.nodeOf(nodeName)
    const { uid = '', deletionTimestamp, generation } = pod.metadata
    const { phase, podIP, observedGeneration } = pod.status ?? {}
    // Even without its node, which may come back.
    if (podIP && !pod.spec.hostNetwork) this.#addresses.claim(uid, node?.podCIDRs ?? [], ipsOf(pod))
    if (!node) return
    this.#options.surroundings.volumes.refresh(pod)
    const worker = this.#workers.get(uid)
    // Our own write: what it says is known.
    if (worker?.isWriting && !deletionTimestamp && observedGeneration === generation) return
    const isCurrent = phase === 'Running' && observedGeneration === generation && !pod.spec.readinessGates?.length
    const isAtRest = !worker && isCurrent && this.#options.runtimeFor(pod, node).isQuiet(pod)
    if (deletionTimestamp || !(isAtRest || (isPodTerminal(pod) && !worker))) this.#queue.add(keyOf(pod))
  }

  #gone(shown: Pod): void {
    const { statics } = this.#options
    if (!shown.spec.nodeName) return
    // The mirror alone: another will show the same containers.
    if (statics.isStatic(shown) && !statics.isEnding(shown)) return
    const pod = statics.view(shown)
    const { uid = '' } = pod.metadata
    statics.ended(shown)
    this.#drop(uid)
    this.#addresses.release(uid)
    this.#evictions.delete(uid)
    this.#options.nodeOf(shown.spec.nodeName)?.counters.forget(uid)
    this.#options.surroundings.logs.forget(uid)
    this.#options.surroundings.volumes.forget(uid)
    this.#needs.forget(keyOf(pod))
    this.#queue.forget(keyOf(pod))
    this.#waitingForRoom.delete(keyOf(pod))
    this.#roomMade()
  }

  #rest(pod: Pod): void {
    this.#drop(pod.metadata.uid ?? '')
    this.#roomMade()
  }

  #drop(uid: string): void {
    this.#workers.get(uid)?.close()
    this.#workers.delete(uid)
  }

  async #sync(key: string): Promise<void> {
    const { statics, nodeOf } = this.#options
    const { namespace, name } = splitKey(key)
    const shown = this.#pods.get(namespace, name)
    const node = shown && nodeOf(shown.spec.nodeName ?? '')
    if (!shown || !node) return
    const pod = statics.view(shown)
    try {
      if (statics.isEnding(shown)) await this.#endStatic(pod, node, key)
      // The mirror of one that goes on: another takes its place.
      else if (pod.metadata.deletionTimestamp) await (statics.isStatic(shown) ? undefined : this.#end(pod, node, key))
      else if (isPodTerminal(pod)) this.#rest(pod)
      else await this.#run(pod, node, key)
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return
      // Somebody else wrote meanwhile; their write has woken us already.
      if (!isStatusError(error, 'Conflict')) throw error
      this.#queue.add(key)
    }
  }

  #workerFor(pod: Pod, node: KeptNode, key: string): PodWorker {
    const { uid = '' } = pod.metadata
    const known = this.#workers.get(uid)
    if (known) return known
    const { clock, random } = this.#options.ctx
    const runtime = this.#options.runtimeFor(pod, node)
    const worker = new PodWorker({ pod, node, runtime, events: this.#events, refs: this.#refs, clock, random, surroundings: this.#options.surroundings, podIPs: () => this.#addressesOf(pod, node), reject: (wanted) => rejectionOf({ pod: wanted, node: node.node, others: this.#othersOf(wanted) }), changed: () => this.#queue.add(key) })
    this.#workers.set(uid, worker)
    return worker
  }

  async #run(pod: Pod, node: KeptNode, key: string): Promise<void> {
    const { clock } = this.#options.ctx
    if (node.inFull && !this.#workers.has(pod.metadata.uid ?? '') && (await this.#refuse(pod, node))) return
    const worker = this.#workerFor(pod, node, key)
    const leftMs = deadlineLeftMs(pod, clock.now())
    const eviction = this.#evictions.get(pod.metadata.uid ?? '')
    if (eviction) return this.#finish(pod, worker, { key, graceMs: eviction.reason === undefined ? 0 : (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000, end: (status) => evictedStatus(status, eviction) })
    if (leftMs !== undefined && leftMs <= 0) return this.#finish(pod, worker, { key, graceMs: (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000, end: failedByDeadline })
    const { allocation } = worker
    worker.advance(pod)
    this.#waitForRoom(key, allocation.isPending)
    this.#needs.set(key, worker.needs)
    this.#wake(key, worker, leftMs)
    await this.#write(pod, worker, key)
    if (worker.isSettled && leftMs === undefined) this.#drop(pod.metadata.uid ?? '')
  }

  /** Pods of a node that are there, each with what it was granted. */
  #othersOf({ metadata, spec }: Pod): Pod[] {
    const others: Pod[] = []
    for (const other of this.podsOf(spec.nodeName ?? '')) {
      const { uid = '' } = other.metadata
      if (uid === metadata.uid || isPodTerminal(other)) continue
      const worker = this.#workers.get(uid)
      if (worker !== undefined || other.status?.startTime !== undefined) others.push(worker?.allocation.pod ?? other)
    }
    return others
  }

  /** A pod that the node does not take has failed before it began. */
  async #refuse(pod: Pod, { node, client, pressures }: KeptNode): Promise<boolean> {
    if (pod.status?.startTime !== undefined || node.status?.allocatable === undefined) return false
    const input = { pod, node, others: this.#othersOf(pod) }
    let rejection = underPressure(pod, pressures) ?? rejectionOf(input)
    if (rejection && isCritical(pod)) {
      const made = this.#makeRoom(input)
      if (made === 'pending') return true
      rejection = made ?? rejection
    }
    if (!rejection) return false
    this.#events.pod(pod, { type: 'Warning', ...rejection })
    await client.updateStatus<Pod>({ ...pod, status: refusedStatus(pod, rejection, formatTime(this.#options.ctx.clock.now())) })
    return true
  }

  /** Others go for a critical pod; what keeps it out all the same. */
  #makeRoom(input: AdmissionInput): Rejection | 'pending' | undefined {
    const { pod, others } = input
    const lacking = shortages(input)
    const rejection = rejectionOfCritical(input)
    if (rejection || lacking.length === 0) return rejection
    const victims = podsToPreempt(pod, others, lacking)
    if (!victims) return { reason: 'UnexpectedAdmissionError', message: `Unexpected error while attempting to recover from admission failure: preemption: error finding a set of pods to preempt: no set of running pods found to reclaim resources: [${lacking.map(({ resource, requested, used, capacity }) => `(res: ${resource}, q: ${requested + used - capacity}), `).join('')}]` }
    for (const victim of victims) this.evict(victim, preempted(victim, formatTime(this.#options.ctx.clock.now())))
    this.#waitingForRoom.add(keyOf(pod))
    return 'pending'
  }

  #waitForRoom(key: string, isPending: boolean): void {
    if (isPending) this.#waitingForRoom.add(key)
    else this.#waitingForRoom.delete(key)
  }

  /** Something has gone or needs less. */
  #roomMade(): void {
    for (const key of this.#waitingForRoom) this.#queue.add(key)
  }

  #wake(key: string, worker: PodWorker, deadlineMs: number | undefined): void {
    if (worker.needs.length > 0) this.#queue.addAfter(key, Math.min(RETRY_MAX_MS, RETRY_START_MS * 2 ** Math.min(worker.attempts - 1, 10)))
    if (worker.wakeAtMs !== undefined) this.#queue.addAfter(key, worker.wakeAtMs - this.#options.ctx.clock.now())
    if (deadlineMs !== undefined) this.#queue.addAfter(key, deadlineMs)
  }

  /** Ends a pod that has had its time, or that has to go. */
  async #finish(pod: Pod, worker: PodWorker, { key, graceMs, end }: { key: string; graceMs: number; end(status: PodStatus): PodStatus }): Promise<void> {
    if (!worker.stop(graceMs)) return
    await this.#put(pod, worker, { key, status: end(this.#statusOf(pod, worker)) })
    this.#rest(pod)
  }

  #statusOf(pod: Pod, worker: PodWorker): PodStatus {
    const { node } = worker
    const podIPs = pod.spec.hostNetwork ? node.hostIPs : pod.status?.podIP ? ipsOf(pod) : this.#newIPs(pod, worker)
    const isEnding = pod.metadata.deletionTimestamp !== undefined
    return podStatus({ pod, records: worker.records, now: worker.now, podIPs, hostIPs: node.hostIPs, inFull: node.inFull, isEnding, allocation: worker.allocation })
  }

  /** A pod gets its addresses with its sandbox, when nothing it mounts is missing. */
  #newIPs({ metadata }: Pod, { hasStarted, node }: PodWorker): readonly string[] {
    return hasStarted ? this.#addresses.take(metadata.uid ?? '', node.podCIDRs) : []
  }

  #addressesOf(pod: Pod, { hostIPs, podCIDRs }: KeptNode): readonly string[] {
    if (pod.spec.hostNetwork) return hostIPs
    return pod.status?.podIP ? ipsOf(pod) : this.#addresses.take(pod.metadata.uid ?? '', podCIDRs)
  }

  #write(pod: Pod, worker: PodWorker, key: string): Promise<void> {
    return this.#put(pod, worker, { key, status: this.#statusOf(pod, worker) })
  }

  async #put(pod: Pod, worker: PodWorker, { key, status }: { key: string; status: PodStatus }): Promise<void> {
    const { statics } = this.#options
    const { namespace = '', name = '' } = pod.metadata
    const shown = statics.isStatic(pod) ? this.#pods.get(namespace, name) : pod
    if (!shown || equalJSON(status, shown.status ?? {})) return
    worker.isWriting = true
    try {
      const written = await worker.node.client.updateStatus<Pod>({ ...shown, status })
      statics.told(pod, status)
      const seen = this.#pods.get(namespace, name)
      if (seen && seen.metadata.resourceVersion !== written.metadata.resourceVersion) this.#queue.add(key)
    } finally {
      worker.isWriting = false
    }
  }

  /** Of a pod whose manifest has gone the mirror shows the end. */
  async #endStatic(pod: Pod, node: KeptNode, key: string): Promise<void> {
    const { namespace, name = '', deletionTimestamp } = pod.metadata
    const worker = isPodTerminal(pod) ? undefined : this.#workerFor(pod, node, key)
    const isOver = !worker || worker.stop((pod.spec.terminationGracePeriodSeconds ?? 30) * 1000)
    if (worker && !deletionTimestamp) await this.#write(pod, worker, key)
    if (isOver) await node.client.delete('v1/Pod', { namespace, name }, { gracePeriodSeconds: 0 })
  }

  async #end(pod: Pod, node: KeptNode, key: string): Promise<void> {
    const { uid = '', namespace, name = '', finalizers, deletionGracePeriodSeconds: grace = 0 } = pod.metadata
    const worker = isPodTerminal(pod) ? undefined : this.#workerFor(pod, node, key)
    if (worker) {
      if (!worker.stop(grace * 1000)) return this.#write(pod, worker, key)
      // What remains for a while is seen in its last state.
      if (finalizers?.length || !worker.runtime.stopsAtOnce(pod)) await this.#write(pod, worker, key)
    }
    this.#drop(uid)
    if (grace === 0 && finalizers?.length) return
    await node.client.delete('v1/Pod', { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } })
  }
}

function ipsOf({ status }: Pod): string[] {
  return (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? [])
}
