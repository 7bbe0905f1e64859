/**
 * Decides for one pod: which nodes will do, which of them is best. Models schedulePod of pkg/scheduler/schedule_one.go.
 */
import type { Random } from '../clock.ts'
import { isRejection, unresolvable, type Refusals, type Status } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import { isPreFilterRejection, type PreFilterOutcome, type Profile, type ProfileCycle } from './profile.ts'

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

export class NodeFinder {
  readonly #random: Random
  /** Where the next search begins, so that all nodes have the same chance when only some are looked at. */
  #start = 0

  constructor(random: Random) {
    this.#random = random
  }

  find(profile: Profile, cycle: ProfileCycle, pod: PodInfo): Decision {
    const { cache } = cycle.handle
    const outcome = profile.preFilter(cycle, pod)
    const rejectedBy = new Set<string>(outcome.narrowedBy)
    if (isPreFilterRejection(outcome)) {
      if (outcome.status.plugin) rejectedBy.add(outcome.status.plugin)
      return { refused: { refusals: { byNode: new Map(), others: outcome.status }, rejectedBy, preFilter: outcome.status } }
    }
    if (outcome.status) return { error: outcome.status.reasons.join(', ') }
    const byNode = new Map<NodeInfo, Status>()
    const nominated = cache.node(pod.pod.status?.nominatedNodeName ?? '')
    const search = { profile, cycle, pod, byNode }
    let feasible = nominated ? passing(search, [nominated], { start: 0, wanted: 1 }) : []
    if (feasible.length === 0) {
      const nodes = outcome.nodes ? [...outcome.nodes].flatMap((name) => cache.node(name) ?? []) : cache.nodes
      feasible = passing(search, nodes, { start: this.#start, wanted: nodesToFind(nodes.length, profile.percentageOfNodesToScore) })
      this.#start = cache.nodeCount > 0 ? (this.#start + feasible.length + byNode.size) % cache.nodeCount : 0
    }
    if (feasible.length > 0) return { node: this.#best(search, feasible) }
    for (const { plugin, code } of byNode.values()) {
      if (code === 'Error') return { error: [...byNode.values()].find((s) => s.code === 'Error')?.reasons.join(', ') ?? '' }
      if (plugin) rejectedBy.add(plugin)
    }
    return { refused: { refusals: { byNode, others: othersOf(outcome) }, rejectedBy } }
  }

  #best({ profile, cycle, pod }: Search, nodes: readonly NodeInfo[]): NodeInfo {
    const [only] = nodes
    if (!only || nodes.length === 1) return only ?? fail()
    const scores = profile.score(cycle, pod, nodes)
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
    return ties[ties.length > 1 ? this.#random.int(ties.length) : 0] ?? only
  }
}

function fail(): never {
  throw new Error('no node to choose from')
}

interface Search {
  profile: Profile
  cycle: ProfileCycle
  pod: PodInfo
  byNode: Map<NodeInfo, Status>
}

function passing({ profile, cycle, pod, byNode }: Search, nodes: readonly NodeInfo[], { start, wanted }: { start: number; wanted: number }): NodeInfo[] {
  const feasible: NodeInfo[] = []
  const { nominator } = cycle.handle
  const { states } = cycle
  const count = nodes.length
  for (let i = 0; i < count && feasible.length < wanted; i++) {
    const node = nodes[(start + i) % count]
    if (!node) continue
    const status = profile.filterWithNominated(nominator, { pod, node, states })
    if (!status) feasible.push(node)
    else {
      byNode.set(node, status)
      if (!isRejection(status)) return []
    }
  }
  return feasible
}

/** Nodes that preFilter left out. */
function othersOf({ nodes, narrowedBy }: PreFilterOutcome): Status | undefined {
  return nodes ? unresolvable(`node(s) didn't satisfy plugin(s) [${[...narrowedBy].sort().join(' ')}]`) : undefined
}

/** On large clusters it is enough to find some of the nodes that will do. */
export function nodesToFind(count: number, percentage: number): number {
  if (count < MIN_NODES_TO_FIND) return count
  const share = percentage || Math.max(MIN_PERCENTAGE, 50 - Math.trunc(count / 125))
  return Math.max(MIN_NODES_TO_FIND, Math.trunc((count * share) / 100))
}
