/**
 * Which pods would have to go from a node so that another fits, and which node it costs least on. Pure but for the cycle's
 * filters. Models SelectVictimsOnNode of plugins/defaultpreemption and pickOneNodeForPreemption of framework/preemption.
 */
import type { Pod, PodDisruptionBudget } from '../../schemas/types.ts'
import { selectorOf } from '../controller/selectors.ts'
import { unresolvable, type Cycle, type Status } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

export interface Victims {
  node: NodeInfo
  /** The most important first. */
  pods: PodInfo[]
  /** How many of them a disruption budget would rather keep. */
  violations: number
}

const NONE_FOUND = unresolvable('No preemption victims found for incoming pod')

export function selectVictims(cycle: Cycle, pod: PodInfo, { node: real, budgets }: { node: NodeInfo; budgets: readonly PodDisruptionBudget[] }): Victims | Status {
  const candidates = [...real.pods.values()].filter((other) => other.priority < pod.priority)
  if (candidates.length === 0) return NONE_FOUND
  const node = real.clone()
  const states = cycle.states.clone()
  const remove = (other: PodInfo) => {
    node.removePod(other.uid)
    states.removePod({ pod, other, node })
  }
  for (const other of candidates) remove(other)
  const refusal = cycle.filter(pod, node, states)
  if (refusal) return refusal
  candidates.sort(byImportance)
  const { violating, others } = splitByBudgets(candidates, budgets)
  const victims: PodInfo[] = []
  let violations = 0
  for (const other of [...violating, ...others]) {
    node.addPod(other)
    states.addPod({ pod, other, node })
    if (!cycle.filter(pod, node, states)) continue
    remove(other)
    victims.push(other)
    if (violating.includes(other)) violations++
  }
  return { node: real, pods: victims.sort(byImportance), violations }
}

/** Higher priority first, then those that have run longer. */
export function byImportance(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startMs(a.pod) - startMs(b.pod)
}

function startMs({ status, metadata }: Pod): number {
  return Date.parse(status?.startTime ?? '') || Date.parse(metadata.creationTimestamp ?? '') || 0
}

export function splitByBudgets(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]): { violating: PodInfo[]; others: PodInfo[] } {
  const allowed = new Map(budgets.map((b) => [b, b.status?.disruptionsAllowed ?? 0]))
  const violating: PodInfo[] = []
  const others: PodInfo[] = []
  for (const info of pods) {
    let violates = false
    for (const budget of budgets) {
      if (!covers(budget, info)) continue
      const left = (allowed.get(budget) ?? 0) - 1
      allowed.set(budget, left)
      if (left < 0) violates = true
    }
    if (violates) violating.push(info)
    else others.push(info)
  }
  return { violating, others }
}

function covers({ metadata, spec, status }: PodDisruptionBudget, { namespace, name, labels }: PodInfo): boolean {
  if (metadata.namespace !== namespace || !labels || Object.keys(labels).length === 0) return false
  const selector = selectorOf(spec?.selector)
  return !selector.isEmpty && selector.matches(labels) && status?.disruptedPods?.[name] === undefined
}

/** Fewest violations, then the least important most important victim, least importance in all, fewest, youngest. */
export function cheapest(candidates: readonly Victims[]): Victims | undefined {
  let left = [...candidates]
  const costs: ((v: Victims) => number)[] = [
    (v) => v.violations,
    (v) => v.pods[0]?.priority ?? 0,
    (v) => v.pods.reduce((sum, p) => sum + p.priority + 2 ** 31, 0),
    (v) => v.pods.length,
    (v) => -earliestStartOfMostImportant(v),
  ]
  for (const cost of costs) {
    if (left.length <= 1) break
    const lowest = left.reduce((min, v) => Math.min(min, cost(v)), Infinity)
    left = left.filter((v) => cost(v) === lowest)
  }
  return left[0]
}

function earliestStartOfMostImportant({ pods }: Victims): number {
  const highest = pods[0]?.priority
  return pods.reduce((min, p) => (p.priority === highest ? Math.min(min, startMs(p.pod)) : min), Infinity)
}
