/** Refuses nodes with taints that the pod does not tolerate. Models pkg/scheduler/framework/plugins/tainttoleration. */
import type { Node, Toleration } from '../../../schemas/types.ts'
import { isSelf } from '../cluster-events.ts'
import { definePlugin, unresolvable } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { normalizeToMax } from '../scores.ts'
import { toleratesTaint, untoleratedTaint } from '../../apimachinery/tolerations.ts'

const REFUSED = unresolvable('node(s) had untolerated taint(s)')

export default definePlugin<undefined, readonly Toleration[]>({
  name: 'TaintToleration',
  order: 50,
  isLocal: true,
  weight: 3,
  events: [
    { resource: 'Node', actions: ['add', 'taints'], helps: (pod, { node, oldNode }) => isTolerated(pod, node) && !isTolerated(pod, oldNode) },
    { resource: 'WaitingPod', actions: ['tolerations'], helps: isSelf },
  ],
  filter(_state, pod, { taints }) {
    return taints && untoleratedTaint(taints, pod.tolerations) ? REFUSED : undefined
  },
  why(pod, { taints }) {
    const taint = untoleratedTaint(taints, pod.tolerations)
    return taint && `${taint.key}${taint.value ? `=${taint.value}` : ''}:${taint.effect}`
  },
  preScore(_cycle, pod) {
    return { state: (pod.tolerations ?? []).filter((t) => !t.effect || t.effect === 'PreferNoSchedule') }
  },
  score(tolerations, _pod, { taints }) {
    let intolerable = 0
    if (taints) for (const taint of taints) if (taint.effect === 'PreferNoSchedule' && !toleratesTaint(tolerations, taint)) intolerable++
    return intolerable
  },
  normalize(_state, scores) {
    normalizeToMax(scores, { reverse: true })
  },
})

/** A node that was not there before was not tolerated. */
function isTolerated(pod: PodInfo, node: Node | undefined): boolean {
  return node !== undefined && untoleratedTaint(node.spec.taints, pod.tolerations) === undefined
}
