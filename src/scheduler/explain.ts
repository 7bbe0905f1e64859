/**
 * Why a pod can or cannot go to each node, as the scheduler sees it now: which plugin refuses, in its words, and what each
 * plugin's score would be. Asks the same plugins as a decision does and leaves no trace.
 */
import { fitMessage } from './fit-error.ts'
import { ProfileCycle } from './cycle.ts'
import { othersOf } from './find-node.ts'
import { messageOf, type Handle, type Status } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'
import type { Profile } from './profile.ts'

export interface NodeVerdict {
  node: string
  /** Who refuses it, absent where the pod would fit. */
  plugin?: string
  reasons?: readonly string[]
  /** What exactly is in the way, where the plugin can tell. */
  detail?: string
  /** Whether preempting other pods could not help either. */
  unresolvable?: boolean
  /** Weighted, as they are added up; only for nodes where the pod would fit. */
  scores?: Readonly<Record<string, number>>
  total?: number
}

export interface Explanation {
  schedulerName: string
  /** Where it is, or is promised to go. */
  nodeName?: string
  nominatedNodeName?: string
  /** A plugin that keeps it from being looked at, or refuses all nodes at once. */
  held?: { plugin: string; message: string }
  /** In the words of events; absent when some node would do. */
  message?: string
  nodes: readonly NodeVerdict[]
}

interface Asking {
  profile: Profile
  handle: Handle
  pod: PodInfo
}

export function explain(profile: Profile, handle: Handle, pod: PodInfo): Explanation {
  return handle.cache.without(pod.uid, () => explainPlacing(profile, handle, pod))
}

function explainPlacing(profile: Profile, handle: Handle, { pod: given }: PodInfo): Explanation {
  const { nodeName } = given.spec
  const { nominatedNodeName } = given.status ?? {}
  // A pod that is placed is asked about as if it were not: other nodes are of interest too.
  const pod = podInfoOf({ ...given, spec: { ...given.spec, nodeName: undefined } })
  const about = { schedulerName: profile.name, ...(nodeName ? { nodeName } : {}), ...(nominatedNodeName ? { nominatedNodeName } : {}) }
  const gate = nodeName ? undefined : profile.preEnqueue(pod, handle)
  if (gate) return { ...about, held: heldBy(gate), nodes: [] }
  const { cache } = handle
  if (cache.nodeCount === 0) return { ...about, message: 'no nodes available to schedule pods', nodes: [] }
  const cycle = new ProfileCycle(profile, handle)
  const outcome = profile.preFilter(cycle, pod)
  if (outcome.status) return { ...about, held: heldBy(outcome.status), message: fitMessage({ nodeCount: cache.nodeCount, refusals: { byNode: new Map(), others: undefined }, preFilter: outcome.status }), nodes: [] }
  const others = othersOf(outcome)
  const byNode = new Map<NodeInfo, Status>()
  for (const node of cache.nodes) {
    const isLeftOut = outcome.nodes !== undefined && !outcome.nodes.has(node.name)
    const status = isLeftOut ? others : profile.filterWithNominated(handle.nominator, { pod, node, states: cycle.states })
    if (status) byNode.set(node, isLeftOut ? { ...status, plugin: outcome.narrowedBy.join(', ') } : status)
  }
  const fitting = cache.nodes.filter((node) => !byNode.has(node))
  const message = fitting.length === 0 ? fitMessage({ nodeCount: cache.nodeCount, refusals: { byNode, others: undefined } }) : undefined
  const nodes = [...scored(profile, cycle, { pod, nodes: fitting }), ...[...byNode].map(([node, status]) => refused({ profile, handle, pod }, node, status))]
  return { ...about, ...(message ? { message } : {}), nodes }
}

function heldBy(status: Status): { plugin: string; message: string } {
  return { plugin: status.plugin ?? '', message: messageOf(status) }
}

function refused({ profile, handle, pod }: Asking, node: NodeInfo, status: Status): NodeVerdict {
  const detail = profile.plugins.find(({ name }) => name === status.plugin)?.why?.(pod, node, handle)
  return { node: node.name, plugin: status.plugin ?? '', reasons: status.reasons, ...(detail ? { detail } : {}), ...(status.code === 'Unresolvable' ? { unresolvable: true } : {}) }
}

/** The best first. */
function scored(profile: Profile, cycle: ProfileCycle, { pod, nodes }: { pod: PodInfo; nodes: readonly NodeInfo[] }): NodeVerdict[] {
  const given = nodes.length > 0 ? profile.scores(cycle, pod, nodes) : []
  const verdicts = nodes.map((node, i) => {
    const scores = Object.fromEntries(given.map(({ plugin, weight, scores: all }) => [plugin, (all[i] ?? 0) * weight]))
    return { node: node.name, scores, total: Object.values(scores).reduce((a, b) => a + b, 0) }
  })
  return verdicts.sort((a, b) => b.total - a.total)
}
