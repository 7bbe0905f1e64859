/** Makes room for more important pods by deleting less important ones. Models pkg/scheduler/framework/plugins/defaultpreemption and framework/preemption. */
import type { PodDisruptionBudget } from '../../../schemas/types.ts'
import { podCondition } from '../../controller/pods.ts'
import { fitMessage } from '../fit-error.ts'
import { preemptByExtenders } from '../extenders.ts'
import { definePlugin, messageOf, unresolvable, unschedulable, type Cycle, type PostFilterResult, type Refusals, type Status } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { preemptorOf } from '../preemptor.ts'
import { cheapest, selectVictims, type Victims } from '../victims.ts'

const NAME = 'DefaultPreemption'
const NOT_HELPFUL = unresolvable('Preemption is not helpful for scheduling')
const BUSY = unresolvable('waiting for the preemption for this pod to be finished')

export default definePlugin({
  name: NAME,
  order: 160,
  events: [{ resource: 'AssignedPod', actions: ['delete'], helps: () => false }],
  preEnqueue({ uid }, handle) {
    return preemptorOf(handle).isBusy(uid) ? BUSY : undefined
  },
  postFilter(cycle, pod, refusals) {
    const problem = notEligible(cycle, pod, refusals)
    if (problem) return { status: unschedulable(`preemption: ${problem}`) }
    const { candidates, statuses } = dryRun(cycle, pod, refusals)
    if (candidates.length === 0) {
      const message = fitMessage({ nodeCount: cycle.handle.cache.nodeCount, refusals: { byNode: statuses, others: NOT_HELPFUL } })
      return { status: unschedulable(`preemption: ${message}`), nominatedNodeName: '' }
    }
    const { extenders, log } = cycle.handle
    const asked = extenders.filter((e) => e.supportsPreemption && e.isInterested(pod))
    if (asked.length === 0) return preempt(cycle, pod, candidates)
    return preemptByExtenders({ extenders: asked, pod, log }, candidates).then((left) => ('code' in left ? { status: { ...left, reasons: [`preemption: ${messageOf(left)}`] } } : preempt(cycle, pod, left)))
  },
})

function preempt({ handle }: Cycle, pod: PodInfo, candidates: readonly Victims[]): PostFilterResult {
  const best = cheapest(candidates)
  if (!best) return { status: unschedulable('preemption: no candidate node for preemption') }
  preemptorOf(handle).start(pod, best)
  return { status: undefined, nominatedNodeName: best.node.name }
}

function notEligible({ handle }: Cycle, { pod, priority }: PodInfo, refusals: Refusals): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const node = handle.cache.node(pod.status?.nominatedNodeName ?? '')
  if (!node || statusOf(refusals, node)?.code === 'Unresolvable') return undefined
  const isWaiting = [...node.pods.values()].some((p) => p.priority < priority && p.isTerminating && wasPreempted(p))
  return isWaiting ? 'not eligible due to a terminating pod on the nominated node.' : undefined
}

function wasPreempted({ pod }: PodInfo): boolean {
  const condition = podCondition(pod, 'DisruptionTarget')
  return condition?.status === 'True' && condition.reason === 'PreemptionByScheduler'
}

function statusOf({ byNode, others }: Refusals, node: NodeInfo): Status | undefined {
  return byNode.get(node) ?? others
}

/** Looks at nodes where preemption may help, from a random one on, until there are enough candidates. */
function dryRun(cycle: Cycle, pod: PodInfo, refusals: Refusals): { candidates: Victims[]; statuses: Map<NodeInfo, Status> } {
  const { handle } = cycle
  const statuses = new Map<NodeInfo, Status>()
  const nodes = handle.cache.nodes.filter((node) => statusOf(refusals, node)?.code === 'Unschedulable')
  if (nodes.length === 0) return { candidates: [], statuses }
  const budgets = handle.informers.lister<PodDisruptionBudget>('policy/v1/PodDisruptionBudget').list()
  const { minCandidateNodesPercentage, minCandidateNodesAbsolute } = cycle.args(NAME)
  const share = Math.trunc((nodes.length * minCandidateNodesPercentage) / 100)
  const enough = Math.min(nodes.length, Math.max(minCandidateNodesAbsolute, share))
  const offset = handle.random.int(nodes.length)
  const candidates: Victims[] = []
  let hasGentle = false
  for (let i = 0; i < nodes.length && !(hasGentle && candidates.length >= enough); i++) {
    const node = nodes[(offset + i) % nodes.length]
    if (!node) continue
    const result = selectVictims(cycle, pod, { node, budgets })
    if ('code' in result) {
      statuses.set(node, result)
    } else if (result.pods.length > 0) {
      candidates.push(result)
      hasGentle ||= result.violations === 0
    }
  }
  return { candidates, statuses }
}
