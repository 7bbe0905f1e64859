/**
 * How fast nodes in trouble may lose their pods: one after the other, slower or not at all where a large part of a zone is in
 * trouble, and never while no node of the cluster is well, since then it is more likely that nobody is heard.
 * Models handleDisruption of k8s.io/kubernetes/pkg/controller/nodelifecycle.
 */
import type { Node } from '../schemas/types.ts'
import { conditionOf } from '../src/controller/conditions.ts'

/** node-eviction-rate, secondary-node-eviction-rate: one node in so long. */
const PERIOD_MS = 10_000
const SLOW_PERIOD_MS = 100_000
/** large-cluster-size-threshold, unhealthy-zone-threshold. */
const LARGE_ZONE = 50
const UNHEALTHY = 0.55

export type Eviction = 'now' | 'later' | 'never'

export function zoneOf({ metadata }: Node): string {
  const { labels = {} } = metadata
  const zone = labels['failure-domain.beta.kubernetes.io/zone'] ?? labels['topology.kubernetes.io/zone'] ?? ''
  const region = labels['failure-domain.beta.kubernetes.io/region'] ?? labels['topology.kubernetes.io/region'] ?? ''
  return region === '' && zone === '' ? '' : `${region}:\0:${zone}`
}

export function isReady(node: Node): boolean {
  return conditionOf(node.status?.conditions, 'Ready')?.status === 'True'
}

/** In which time one node of a zone may be evicted; Infinity for none. */
export function evictionPeriodMs(nodes: readonly Node[]): number {
  const notReady = nodes.filter((node) => !isReady(node)).length
  const isPartly = notReady > 2 && notReady < nodes.length && notReady / nodes.length >= UNHEALTHY
  if (!isPartly) return PERIOD_MS
  return nodes.length > LARGE_ZONE ? SLOW_PERIOD_MS : Infinity
}

/** Remembers for each zone when the next node may be evicted. */
export class ZoneEvictions {
  readonly #nextMs = new Map<string, number>()

  /** May the node be evicted, and if not yet, how long until it is worth another look? */
  ask(node: Node, nodes: readonly Node[], nowMs: number): { eviction: Eviction; waitMs?: number } {
    if (!nodes.some(isReady)) return { eviction: 'never' }
    const zone = zoneOf(node)
    const periodMs = evictionPeriodMs(nodes.filter((other) => zoneOf(other) === zone))
    if (periodMs === Infinity) return { eviction: 'later' }
    const waitMs = (this.#nextMs.get(zone) ?? 0) - nowMs
    if (waitMs > 0) return { eviction: 'later', waitMs }
    this.#nextMs.set(zone, nowMs + periodMs)
    return { eviction: 'now' }
  }
}
