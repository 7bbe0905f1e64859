/**
 * What the scheduler knows of the cluster: nodes with the pods on them, pods it has decided about whose binding is still
 * under way ("assumed"), and counts over them. Everything here changes only between decisions, since a decision is made
 * without waiting, so it needs no snapshot. Models pkg/scheduler/backend/cache.
 */
import type { Node, Pod } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { CarriedTerms, PodCounts, type NodeCounts, type PodQuestion } from './counts.ts'
import { NodeInfo } from './node-info.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'
import { zoneInterleaved } from './node-order.ts'

interface Placed {
  info: PodInfo
  nodeName: string
  isAssumed: boolean
}

export interface ImageState {
  /** As the first node that had it told. */
  size: number
  nodes: number
}

export class Cache {
  readonly terms = new CarriedTerms()
  /** Rises when a node comes, goes or changes. */
  nodesVersion = 0
  readonly #nodes = new Map<string, NodeInfo>()
  readonly #placed = new Map<string, Placed>()
  /** Pods of nodes that are not (or no longer) there, by node. */
  readonly #strays = new Map<string, Map<string, PodInfo>>()
  readonly #counts = new PodCounts()
  readonly #images = new Map<string, ImageState>()
  #ordered: readonly NodeInfo[] | undefined
  readonly #freeSlots: number[] = []
  #slots = 0
  readonly #values = new Map<string, ReadonlyMap<string, number>>()

  get nodeCount(): number {
    return this.#nodes.size
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name)
  }

  /** All nodes, those of different zones in turns. */
  get nodes(): readonly NodeInfo[] {
    return (this.#ordered ??= zoneInterleaved([...this.#nodes.values()]))
  }

  counts(question: PodQuestion): NodeCounts {
    return this.#counts.of(question, this.#nodes.values())
  }

  /** How many nodes have each value of a label. */
  topologyValues(key: string): ReadonlyMap<string, number> {
    let values = this.#values.get(key)
    if (values) return values
    const counted = new Map<string, number>()
    for (const { labels } of this.#nodes.values()) {
      const value = labels[key]
      if (value !== undefined) counted.set(value, (counted.get(value) ?? 0) + 1)
    }
    values = counted
    this.#values.set(key, values)
    return values
  }

  /** Undefined when no node has it. */
  image(name: string): Readonly<ImageState> | undefined {
    return this.#images.get(name)
  }

  setNode(node: Node): void {
    const { name = '' } = node.metadata
    const known = this.#nodes.get(name)
    this.nodesVersion++
    if (!known) return this.#addNode(name, node)
    this.#countImages(known, -1)
    const sameLabels = equalJSON(known.labels, node.metadata.labels ?? {})
    known.setNode(node)
    this.#countImages(known, 1)
    if (!sameLabels) this.#forgetTopology()
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name)
    if (!info) return
    this.nodesVersion++
    const strays = new Map(info.pods)
    for (const pod of strays.values()) this.#unplace(pod, info)
    if (strays.size > 0) this.#strays.set(name, strays)
    this.#countImages(info, -1)
    this.#nodes.delete(name)
    this.#freeSlots.push(info.slot)
    info.slot = -1
    this.#forgetTopology()
  }

  isAssumed(uid: string): boolean {
    return this.#placed.get(uid)?.isAssumed ?? false
  }

  /** Counts the pod as on the node though the API does not say so yet. */
  assume(info: PodInfo, nodeName: string): void {
    this.#put({ info, nodeName, isAssumed: true })
  }

  /** The binding failed. */
  forget(uid: string): void {
    if (this.#placed.get(uid)?.isAssumed) this.removePod(uid)
  }

  /** A pod that the API says is bound, new or changed. */
  setPod(pod: Pod): void {
    const { uid = '' } = pod.metadata
    const { nodeName = '' } = pod.spec
    const placed = this.#placed.get(uid)
    if (placed && placed.nodeName === nodeName && countsTheSame(placed.info.pod, pod)) {
      placed.info.pod = pod
      placed.isAssumed = false
      return
    }
    this.#put({ info: podInfoOf(pod), nodeName, isAssumed: false })
  }

  removePod(uid: string): PodInfo | undefined {
    const placed = this.#placed.get(uid)
    if (!placed) return undefined
    this.#placed.delete(uid)
    const node = this.#nodes.get(placed.nodeName)
    if (node) this.#unplace(placed.info, node)
    else this.#dropStray(placed.nodeName, uid)
    return placed.info
  }

  /** What `ask` answers about the cluster as it would be without the pod. It must not wait. */
  without<T>(uid: string, ask: () => T): T {
    const placed = this.#placed.get(uid)
    if (!placed) return ask()
    this.removePod(uid)
    try {
      return ask()
    } finally {
      this.#put(placed)
    }
  }

  #put(placed: Placed): void {
    const { info, nodeName } = placed
    this.removePod(info.uid)
    this.#placed.set(info.uid, placed)
    const node = this.#nodes.get(nodeName)
    if (node) return this.#place(info, node)
    const strays = this.#strays.get(nodeName)
    if (strays) strays.set(info.uid, info)
    else this.#strays.set(nodeName, new Map([[info.uid, info]]))
  }

  #place(info: PodInfo, node: NodeInfo): void {
    node.addPod(info)
    this.#counts.changed(info, node, 1)
    this.terms.changed(info, node, 1)
  }

  #unplace(info: PodInfo, node: NodeInfo): void {
    if (!node.removePod(info.uid)) return
    this.#counts.changed(info, node, -1)
    this.terms.changed(info, node, -1)
  }

  #dropStray(nodeName: string, uid: string): void {
    const strays = this.#strays.get(nodeName)
    strays?.delete(uid)
    if (strays?.size === 0) this.#strays.delete(nodeName)
  }

  #addNode(name: string, node: Node): void {
    const info = new NodeInfo(node)
    info.slot = this.#freeSlots.pop() ?? this.#slots++
    this.#nodes.set(name, info)
    this.#countImages(info, 1)
    this.#forgetTopology()
    const strays = this.#strays.get(name)
    this.#strays.delete(name)
    for (const pod of strays?.values() ?? []) this.#place(pod, info)
  }

  #countImages({ images }: NodeInfo, by: 1 | -1): void {
    for (const [name, size] of images ?? []) {
      const state = this.#images.get(name) ?? { size, nodes: 0 }
      state.nodes += by
      if (state.nodes > 0) this.#images.set(name, state)
      else this.#images.delete(name)
    }
  }

  #forgetTopology(): void {
    this.#ordered = undefined
    this.#values.clear()
    this.#counts.forgetValues()
    this.terms.forgetValues()
  }
}

/** Whether nothing changed that any plugin looks at; statuses of running pods change often and mean nothing here. */
function countsTheSame(a: Pod, b: Pod): boolean {
  if (a.metadata.generation !== b.metadata.generation || a.metadata.deletionTimestamp !== b.metadata.deletionTimestamp) return false
  if (a.metadata.labels !== b.metadata.labels && !equalJSON(a.metadata.labels ?? {}, b.metadata.labels ?? {})) return false
  // A first generation has never been resized.
  return (b.metadata.generation ?? 0) <= 1 || equalJSON(a.status?.containerStatuses?.map(sizeOf), b.status?.containerStatuses?.map(sizeOf))
}

function sizeOf({ resources, allocatedResources }: { resources?: unknown; allocatedResources?: unknown }): unknown {
  return [resources ?? null, allocatedResources ?? null]
}
