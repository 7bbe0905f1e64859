/** Spreads pods over zones, hosts and other topologies. Models pkg/scheduler/framework/plugins/podtopologyspread. */
import type { TopologySpreadConstraint } from '../../../schemas/types.ts'
import type { Cache } from '../cache.ts'
import { isSelf, type ClusterEvent } from '../cluster-events.ts'
import { MAX_NODE_SCORE, SKIP, definePlugin, unresolvable, unschedulable, type Cycle, type Handle } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { HOSTNAME, SYSTEM_DEFAULTS, defaultConstraints, impliedSelector, ownConstraints, type Constraint } from '../spread.ts'
import { countIncluded, countsFor, hasAllKeys, includesAll, isIncluded } from '../spread-counts.ts'

const NAME = 'PodTopologySpread'
const REFUSED = unschedulable("node(s) didn't match pod topology spread constraints")
const LABEL_MISSING = unresolvable("node(s) didn't match pod topology spread constraints (missing required label)")

interface Hard {
  constraint: Constraint
  /** Matching pods by topology value; values without any may be absent. */
  counts: ReadonlyMap<string, number>
  /** How many values there are. */
  domains: number
  selfMatches: number
  min: number
}

interface Soft {
  constraints: readonly Constraint[]
  ignored: ReadonlySet<NodeInfo>
  /** How many matching pods count for a node, by constraint. */
  countOn: readonly ((node: NodeInfo) => number)[]
  weights: readonly number[]
}

export default definePlugin<readonly Hard[], Soft>({
  name: NAME,
  order: 130,
  weight: 2,
  events: [
    { resource: 'AssignedPod', actions: ['add', 'labels', 'delete'], helps: mayEvenOut },
    { resource: 'WaitingPod', actions: ['labels', 'tolerations'], helps: isSelf },
    { resource: 'Node', actions: ['add', 'delete', 'labels', 'taints'], helps: isDomainOf },
  ],
  preFilter(cycle, pod) {
    const constraints = hardConstraints(cycle, pod)
    return constraints.length === 0 ? SKIP : { state: hardState(cycle.handle, pod, constraints) }
  },
  cloneState: (state) => state.map((hard) => ({ ...hard, counts: new Map(hard.counts) })),
  addPod: (state, { pod, other, node }) => changeBy(state, pod, { other, node, by: 1 }),
  removePod: (state, { pod, other, node }) => changeBy(state, pod, { other, node, by: -1 }),
  filter(state, _pod, { labels }) {
    for (const { constraint, counts, domains, selfMatches, min } of state) {
      const value = labels[constraint.topologyKey]
      if (value === undefined) return LABEL_MISSING
      const least = domains < constraint.minDomains ? 0 : min
      if ((counts.get(value) ?? 0) + selfMatches - least > constraint.maxSkew) return REFUSED
    }
    return undefined
  },
  preScore(cycle, pod, nodes) {
    const { handle } = cycle
    const own = pod.pod.spec.topologySpreadConstraints?.length
    const { constraints: defaults, isSystem } = defaultsOf(cycle)
    const constraints = own ? ownConstraints(pod, 'ScheduleAnyway') : defaultConstraints(defaults, 'ScheduleAnyway', impliedSelector(pod.pod, handle.informers))
    return constraints.length === 0 ? SKIP : { state: softState(handle, pod, { constraints, nodes, needsAllKeys: own ? true : !isSystem }) }
  },
  score({ constraints, ignored, countOn, weights }, _pod, node) {
    if (ignored.has(node)) return 0
    let score = 0
    for (let i = 0; i < constraints.length; i++) {
      const constraint = constraints[i]
      if (constraint && node.labels[constraint.topologyKey] !== undefined) score += (countOn[i]?.(node) ?? 0) * (weights[i] ?? 0) + (constraint.maxSkew - 1)
    }
    return Math.round(score)
  },
  normalize({ ignored }, scores, nodes) {
    let min = Infinity
    let max = 0
    nodes.forEach((node, i) => {
      if (ignored.has(node)) return
      min = Math.min(min, scores[i] ?? 0)
      max = Math.max(max, scores[i] ?? 0)
    })
    nodes.forEach((node, i) => {
      if (ignored.has(node)) scores[i] = 0
      else scores[i] = max === 0 ? MAX_NODE_SCORE : Math.trunc((MAX_NODE_SCORE * (max + min - (scores[i] ?? 0))) / max)
    })
  },
})

function defaultsOf(cycle: Cycle): { constraints: readonly TopologySpreadConstraint[]; isSystem: boolean } {
  const { defaultingType, defaultConstraints: given = [] } = cycle.args(NAME)
  return defaultingType === 'List' ? { constraints: given, isSystem: false } : { constraints: SYSTEM_DEFAULTS, isSystem: true }
}

function hardConstraints(cycle: Cycle, pod: PodInfo): readonly Constraint[] {
  if (pod.pod.spec.topologySpreadConstraints?.length) return ownConstraints(pod, 'DoNotSchedule')
  const { constraints, isSystem } = defaultsOf(cycle)
  return isSystem ? [] : defaultConstraints(constraints, 'DoNotSchedule', impliedSelector(pod.pod, cycle.handle.informers))
}

function hardState(handle: Handle, pod: PodInfo, constraints: readonly Constraint[]): Hard[] {
  const { cache } = handle
  const isComplete = constraints.length === 1 || allHaveKeys(cache, constraints)
  return constraints.map((constraint) => {
    const { topologyKey, selector } = constraint
    const counted = countsFor(handle, pod.namespace, selector)
    const isWhole = includesAll(constraint, pod) && isComplete
    const counts = isWhole ? counted.byValue(topologyKey) : countIncluded(cache.nodes, pod, { constraint, constraints, counted })
    const domains = isWhole ? cache.topologyValues(topologyKey).size : counts.size
    return { constraint, counts, domains, selfMatches: selector.matches(pod.labels) ? 1 : 0, min: leastOf(counts, domains) }
  })
}

function leastOf(counts: ReadonlyMap<string, number>, domains: number): number {
  if (counts.size < domains) return 0
  let min = Infinity
  for (const count of counts.values()) if (count < min) min = count
  return min
}

/** Otherwise the nodes that lack one of the keys count for none of the constraints. */
function allHaveKeys(cache: Cache, constraints: readonly Constraint[]): boolean {
  return constraints.every(({ topologyKey }) => {
    let nodes = 0
    for (const count of cache.topologyValues(topologyKey).values()) nodes += count
    return nodes === cache.nodeCount
  })
}

function changeBy(state: readonly Hard[], pod: PodInfo, { other, node, by }: { other: PodInfo; node: NodeInfo; by: number }): void {
  const constraints = state.map((h) => h.constraint)
  if (other.namespace !== pod.namespace || !hasAllKeys(node, constraints)) return
  for (const hard of state) {
    const { constraint, counts } = hard
    if (!constraint.selector.matches(other.labels) || !isIncluded(constraint, pod, node.node)) continue
    const value = node.labels[constraint.topologyKey] ?? ''
    hard.counts = new Map(counts).set(value, (counts.get(value) ?? 0) + by)
    hard.min = leastOf(hard.counts, hard.domains)
  }
}

interface SoftInput {
  constraints: readonly Constraint[]
  /** The candidates. */
  nodes: readonly NodeInfo[]
  /** Nodes that lack one of the labels are left out. */
  needsAllKeys: boolean
}

function softState(handle: Handle, pod: PodInfo, { constraints, nodes, needsAllKeys }: SoftInput): Soft {
  const ignored = new Set(needsAllKeys ? nodes.filter((n) => !hasAllKeys(n, constraints)) : [])
  const isComplete = !needsAllKeys || constraints.length === 1 || allHaveKeys(handle.cache, constraints)
  const weights: number[] = []
  const countOn = constraints.map((constraint) => {
    const { topologyKey } = constraint
    const counted = countsFor(handle, pod.namespace, constraint.selector)
    if (topologyKey === HOSTNAME) {
      weights.push(Math.log(nodes.length - ignored.size + 2))
      return (node: NodeInfo) => counted.byNode.get(node) ?? 0
    }
    const values = new Set(nodes.filter((n) => !ignored.has(n)).map((n) => n.labels[topologyKey] ?? ''))
    weights.push(Math.log(values.size + 2))
    const isWhole = includesAll(constraint, pod) && isComplete
    const counts = isWhole ? counted.byValue(topologyKey) : countIncluded(handle.cache.nodes, pod, { constraint, constraints: needsAllKeys ? constraints : [], counted })
    return (node: NodeInfo) => counts.get(node.labels[topologyKey] ?? '') ?? 0
  })
  return { constraints, ignored, countOn, weights }
}

function mayEvenOut(pod: PodInfo, { pod: now, oldPod: before }: ClusterEvent): boolean {
  if ((now ?? before)?.metadata.namespace !== pod.namespace) return false
  const constraints = ownConstraints(pod, 'DoNotSchedule')
  if (constraints.length === 0) return true
  return constraints.some(({ selector }) => {
    const matches = now !== undefined && selector.matches(now.metadata.labels)
    const matched = before !== undefined && selector.matches(before.metadata.labels)
    return now && before ? matches !== matched : matches || matched
  })
}

function isDomainOf(pod: PodInfo, { node, oldNode }: ClusterEvent): boolean {
  const constraints = ownConstraints(pod, 'DoNotSchedule')
  const has = (n: typeof node) => n !== undefined && constraints.every(({ topologyKey }) => n.metadata.labels?.[topologyKey] !== undefined)
  return has(node) || has(oldNode)
}
