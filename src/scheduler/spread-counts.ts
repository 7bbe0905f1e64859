/** Where the pods are that a spread constraint counts. Models calPreFilterState of pkg/scheduler/framework/plugins/podtopologyspread. */
import type { Node } from '../../schemas/types.ts'
import type { Selector } from '../apimachinery/labels.ts'
import type { NodeCounts } from './counts.ts'
import type { Handle } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Constraint } from './spread.ts'
import { untoleratedTaint } from '../apimachinery/tolerations.ts'

export function countsFor(handle: Handle, namespace: string, selector: Selector): NodeCounts {
  const id = `spread ${namespace} ${selector.matchesNothing} ${selector.toString()}`
  const matches = (other: PodInfo) => !selector.isEmpty && !other.isTerminating && selector.matches(other.labels)
  return handle.cache.counts({ id, namespaces: new Set([namespace]), matches })
}

/** Whether the pods of a node count for a constraint, by its policies. */
export function isIncluded({ honorsAffinity, honorsTaints }: Constraint, pod: PodInfo, node: Node): boolean {
  if (honorsAffinity && pod.nodeAffinity && !pod.nodeAffinity(node)) return false
  return !honorsTaints || untoleratedTaint(node.spec.taints, pod.tolerations) === undefined
}

/** All nodes are included whatever they are. */
export function includesAll({ honorsAffinity, honorsTaints }: Constraint, pod: PodInfo): boolean {
  return !honorsTaints && !(honorsAffinity && pod.nodeAffinity)
}

export function hasAllKeys(node: NodeInfo, constraints: readonly Constraint[]): boolean {
  for (const { topologyKey } of constraints) if (node.labels[topologyKey] === undefined) return false
  return true
}

interface Counting {
  constraint: Constraint
  /** Whose labels a node must all have. */
  constraints: readonly Constraint[]
  counted: NodeCounts
}

/** Also values without matching pods are in it. */
export function countIncluded(nodes: readonly NodeInfo[], pod: PodInfo, { constraint, constraints, counted }: Counting): Map<string, number> {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    if (!hasAllKeys(node, constraints) || !isIncluded(constraint, pod, node.node)) continue
    const value = node.labels[constraint.topologyKey] ?? ''
    counts.set(value, (counts.get(value) ?? 0) + (counted.byNode.get(node) ?? 0))
  }
  return counts
}
