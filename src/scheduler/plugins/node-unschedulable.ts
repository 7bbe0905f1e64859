/** Refuses cordoned nodes. Models pkg/scheduler/framework/plugins/nodeunschedulable. */
import type { Node } from '../../../schemas/types.ts'
import { isSelf, type ClusterEvent } from '../cluster-events.ts'
import { definePlugin, unresolvable } from '../framework.ts'
import { toleratesTaint } from '../tolerations.ts'

const REFUSED = unresolvable('node(s) were unschedulable')
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export default definePlugin({
  name: 'NodeUnschedulable',
  order: 30,
  events: [
    { resource: 'Node', actions: ['add', 'taints'], helps: (_pod, event) => isCordoned(event, 'object') === false && isCordoned(event, 'old') !== false },
    { resource: 'WaitingPod', actions: ['tolerations'], helps: (pod, event) => isSelf(pod, event) && toleratesTaint(pod.tolerations, TAINT) },
  ],
  filter(_state, pod, { node }) {
    return node.spec.unschedulable && !toleratesTaint(pod.tolerations, TAINT) ? REFUSED : undefined
  },
})

function isCordoned(event: ClusterEvent, which: 'object' | 'old'): boolean | undefined {
  const node: Partial<Node> | undefined = event[which]
  return node && (node.spec?.unschedulable ?? false)
}
