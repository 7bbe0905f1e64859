/**
 * Decides for one pod: which nodes will do, which of them is best. Models schedulePod of pkg/scheduler/schedule_one.go.
 * Without extenders a decision is made without waiting, so that nothing changes while it is made.
 */
import type { Random } from '../clock.ts'
import type { ProfileCycle } from './cycle.ts'
import type { Extender } from './extender.ts'
import { addExtenderScores, passExtenders } from './extenders.ts'
import { isRejection, messageOf, unresolvable, type Refusals, type Status } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import { isPreFilterRejection, type PreFilterOutcome, type Profile } from './profile.ts'
import { EXTENDER } from './queue.ts'

const MIN_NODES_TO_FIND = 100
const MIN_PERCENTAGE = 5

export interface Refused {
  refusals: Refusals
  /** Names of the plugins that refused. */
  rejectedBy: Set<string>
  preFilter?: Status
}

export type Decision =
  | { node: NodeInfo }
  | { refused: Refused }
  /** Something went wrong that has nothing to do with the nodes. */
  | { error: string }

interface Search {
  profile: Profile
  cycle: ProfileCycle
  pod: PodInfo
  outcome: PreFilterOutcome
  byNode: Map<NodeInfo, Status>
  /** Extenders that care about the pod. */
  extenders: readonly Extender[]
  rejectedBy: Set<string>
}

export class NodeFinder {
  readonly #random: Random
  /** Where the next search begins, so that all nodes have the same chance when only some are looked at. */
  #start = 0

  constructor(random: Random) {
    this.#random = random
  }

  find(profile: Profile, cycle: ProfileCycle, pod: PodInfo): Decision | Promise<Decision> {
    const outcome = profile.preFilter(cycle, pod)
    const rejectedBy = new Set<string>(outcome.narrowedBy)
    if (isPreFilterRejection(outcome)) {
      if (outcome.status.plugin) rejectedBy.add(outcome.status.plugin)
      return { refused: { refusals: { byNode: new Map(), others: outcome.status }, rejectedBy, preFilter: outcome.status } }
    }
    if (outcome.status) return { error: messageOf(outcome.status) }
    const extenders = cycle.handle.extenders.filter((e) => e.isInterested(pod))
    const search: Search = { profile, cycle, pod, outcome, byNode: new Map(), extenders, rejectedBy }
    if (extenders.length > 0) return this.#findWithExtenders(search)
    const nominated = this.#nominated(search)
    const feasible = nominated.length > 0 ? nominated : this.#feasible(search)
    if (feasible.length === 0) return refusedBy(search)
    return { node: feasible.length === 1 ? (feasible[0] ?? fail()) : this.#best(feasible, profile.score(cycle, pod, feasible)) }
  }

  async #findWithExtenders(search: Search): Promise<Decision> {
    const { profile, cycle, pod, byNode, extenders, rejectedBy } = search
    const { log, cache } = cycle.handle
    const asking = { extenders, pod, log }
    try {
      let feasible = await passExtenders(asking, this.#nominated(search), byNode)
      if (feasible.length === 0) {
        const passing = this.#feasible(search)
        feasible = await passExtenders(asking, passing, byNode)
        if (feasible.length !== passing.length) rejectedBy.add(EXTENDER)
      }
      if (feasible.length === 0) return refusedBy(search)
      let node = feasible[0] ?? fail()
      if (feasible.length > 1) {
        const totals = profile.score(cycle, pod, feasible)
        await addExtenderScores(asking, feasible, totals)
        node = this.#best(feasible, totals)
      }
      return cache.node(node.name) === node ? { node } : { error: `nodeinfo not found for node name "${node.name}"` }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }

  /** The node that the pod was promised, when it still fits. */
  #nominated(search: Search): NodeInfo[] {
    const node = search.cycle.handle.cache.node(search.pod.pod.status?.nominatedNodeName ?? '')
    return node ? passing(search, [node], { start: 0, wanted: 1 }) : []
  }

  #feasible(search: Search): NodeInfo[] {
    const { profile, cycle, outcome, byNode, extenders } = search
    const { cache } = cycle.handle
    const nodes = outcome.nodes ? [...outcome.nodes].flatMap((name) => cache.node(name) ?? []) : cache.nodes
    const isIndifferent = !profile.has('score') && !extenders.some((e) => e.isFilter || e.isPrioritizer)
    const feasible = passing(search, nodes, { start: this.#start, wanted: isIndifferent ? 1 : nodesToFind(nodes.length, profile.percentageOfNodesToScore) })
    this.#start = cache.nodeCount > 0 ? (this.#start + feasible.length + byNode.size) % cache.nodeCount : 0
    return feasible
  }

  #best(nodes: readonly NodeInfo[], scores: Float64Array): NodeInfo {
    let highest = -Infinity
    let ties: NodeInfo[] = []
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]
      const score = scores[i] ?? 0
      if (!node || score < highest) continue
      if (score > highest) {
        highest = score
        ties = []
      }
      ties.push(node)
    }
    return ties[ties.length > 1 ? this.#random.int(ties.length) : 0] ?? fail()
  }
}

function fail(): never {
  throw new Error('no node to choose from')
}

function refusedBy({ byNode, outcome, rejectedBy }: Search): Decision {
  for (const status of byNode.values()) {
    if (status.code === 'Error') return { error: `running "${status.plugin ?? ''}" filter plugin: ${messageOf(status)}` }
    if (status.plugin) rejectedBy.add(status.plugin)
  }
  return { refused: { refusals: { byNode, others: othersOf(outcome) }, rejectedBy } }
}

function passing({ profile, cycle, pod, byNode }: Search, nodes: readonly NodeInfo[], { start, wanted }: { start: number; wanted: number }): NodeInfo[] {
  const feasible: NodeInfo[] = []
  const filter = profile.filterOf(cycle.handle.nominator, pod, cycle.states)
  const count = nodes.length
  for (let i = 0; i < count && feasible.length < wanted; i++) {
    const node = nodes[(start + i) % count]
    if (!node) continue
    const status = filter(node)
    if (!status) feasible.push(node)
    else {
      byNode.set(node, status)
      if (!isRejection(status)) return []
    }
  }
  return feasible
}

/** Nodes that preFilter left out. */
export function othersOf({ nodes, narrowedBy }: PreFilterOutcome): Status | undefined {
  return nodes ? unresolvable(`node(s) didn't satisfy plugin(s) [${[...narrowedBy].sort().join(' ')}]`) : undefined
}

/** On large clusters it is enough to find some of the nodes that will do. */
export function nodesToFind(count: number, percentage: number): number {
  if (count < MIN_NODES_TO_FIND) return count
  const share = percentage || Math.max(MIN_PERCENTAGE, 50 - Math.trunc(count / 125))
  return Math.max(MIN_NODES_TO_FIND, Math.trunc((count * share) / 100))
}
