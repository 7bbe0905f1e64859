/**
 * Looks every ten seconds at what the pods of our own nodes use, and sends away who has to go: everybody beyond a limit of its
 * own, and one at a time where a node runs out. Models pkg/kubelet/eviction/eviction_manager.go.
 */
import type { ControllerContext } from '../controller/controller.ts'
import { formatTime, type Timer } from '../clock.ts'
import { limitEviction, pressureEviction, rankForEviction, thresholdsMet, type Eviction, type Threshold } from './eviction.ts'
import { aboutNode } from './node-events.ts'
import type { KeptNode, NodePressure } from './node-keeper.ts'
import type { PodUsage } from './pod-usage.ts'

const PERIOD_MS = 10_000
/** A condition stays so long after its cause has gone. */
const TRANSITION_MS = 300_000
/** What the processes of a node itself hold. */
const NODE_OVERHEAD_BYTES = 300 * 1024 * 1024

const CONDITIONS = { memory: 'MemoryPressure', 'ephemeral-storage': 'DiskPressure' } as const

export interface EvictionParts {
  ctx: ControllerContext
  /** The nodes that report in full. */
  nodes(): Iterable<KeptNode>
  usages(nodeName: string): PodUsage[]
  /** Removes images that nobody uses; the bytes that are free then. */
  freeImages(node: KeptNode): number
  evict(usage: PodUsage, eviction: Eviction): void
  /** The node's conditions are others now. */
  changed(node: KeptNode): void
}

export class EvictionManager {
  readonly #parts: EvictionParts
  /** When a condition was last seen, by node. */
  readonly #seen = new Map<string, Map<NodePressure, number>>()
  #timer: Timer | undefined

  constructor(parts: EvictionParts) {
    this.#parts = parts
    this.#arm()
  }

  close(): void {
    this.#timer?.cancel()
  }

  #arm(): void {
    this.#timer = this.#parts.ctx.clock.after(PERIOD_MS, () => {
      for (const node of this.#parts.nodes()) this.#synchronize(node)
      this.#arm()
    })
  }

  #synchronize(kept: KeptNode): void {
    const usages = this.#parts.usages(kept.name)
    const met = this.#met(kept, usages)
    this.#condition(kept, met)
    const beyond = usages.flatMap((usage): [PodUsage, Eviction][] => {
      const eviction = limitEviction(usage)
      return eviction ? [[usage, eviction]] : []
    })
    for (const [usage, eviction] of beyond) this.#parts.evict(usage, eviction)
    const [threshold] = met
    if (threshold && beyond.length === 0) this.#reclaim(kept, usages, threshold)
  }

  #met({ node, images }: KeptNode, usages: readonly PodUsage[]): Threshold[] {
    return usages.length > 0 ? thresholdsMet(node.status?.capacity ?? {}, usages, { overheadBytes: NODE_OVERHEAD_BYTES, imageBytes: images.bytes }) : []
  }

  /** Memory first; images that nobody uses before pods, and those one at a time. */
  #reclaim(kept: KeptNode, usages: readonly PodUsage[], threshold: Threshold): void {
    const { ctx, evict, freeImages } = this.#parts
    const { node } = kept
    const { signal } = threshold
    ctx.events.event(aboutNode(node), 'Warning', 'EvictionThresholdMet', `Attempting to reclaim ${signal}`, { host: node.metadata.name })
    if (signal === 'ephemeral-storage' && freeImages(kept) > 0 && this.#met(kept, usages).length === 0) return
    const [first] = rankForEviction(usages, signal)
    if (first) evict(first, pressureEviction(first, threshold, formatTime(ctx.clock.now())))
  }

  #condition(kept: KeptNode, met: readonly Threshold[]): void {
    const now = this.#parts.ctx.clock.now()
    let seen = this.#seen.get(kept.name)
    if (!seen && met.length === 0) return
    if (!seen) this.#seen.set(kept.name, (seen = new Map()))
    for (const { signal } of met) seen.set(CONDITIONS[signal], now)
    for (const [type, atMs] of seen) if (now - atMs >= TRANSITION_MS) seen.delete(type)
    const before = [...kept.pressures]
    kept.pressures = new Set(seen.keys())
    if (seen.size === 0) this.#seen.delete(kept.name)
    if (before.length !== kept.pressures.size || before.some((type) => !kept.pressures.has(type))) this.#parts.changed(kept)
  }
}
