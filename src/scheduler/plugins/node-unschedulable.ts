/** Refuses cordoned nodes. Models pkg/scheduler/framework/plugins/nodeunschedulable. */
import { isSelf } from '../cluster-events.ts'
import { definePlugin, unresolvable } from '../framework.ts'
import { toleratesTaint } from '../../apimachinery/tolerations.ts'

const REFUSED = unresolvable('node(s) were unschedulable')
const TAINT = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export default definePlugin({
  name: 'NodeUnschedulable',
  order: 30,
  isLocal: true,
  events: [
    { resource: 'Node', actions: ['add', 'taints'], helps: (_pod, { node, oldNode }) => !node?.spec.unschedulable && (oldNode?.spec.unschedulable ?? true) },
    { resource: 'WaitingPod', actions: ['tolerations'], helps: (pod, event) => isSelf(pod, event) && toleratesTaint(pod.tolerations, TAINT) },
  ],
  filter(_state, pod, { node }) {
    return node.spec.unschedulable && !toleratesTaint(pod.tolerations, TAINT) ? REFUSED : undefined
  },
})
