/** Host ports must be free. Models pkg/scheduler/framework/plugins/nodeports. */
import { definePlugin, SKIP, unschedulable } from '../framework.ts'

const REFUSED = unschedulable("node(s) didn't have free ports for the requested pod ports")

export default definePlugin({
  name: 'NodePorts',
  order: 70,
  isLocal: true,
  events: [
    { resource: 'AssignedPod', actions: ['delete'] },
    { resource: 'Node', actions: ['add'] },
  ],
  preFilter(_cycle, pod) {
    return pod.hostPorts.length === 0 ? SKIP : { state: undefined }
  },
  filter(_state, pod, node) {
    for (const port of pod.hostPorts) if (node.isPortUsed(port)) return REFUSED
    return undefined
  },
  why(pod, node) {
    const taken = pod.hostPorts.filter((port) => node.isPortUsed(port))
    const users = [...node.pods.values()].filter((other) => other.hostPorts.some(({ port }) => taken.some((t) => t.port === port)))
    return `${taken.map(({ port, protocol }) => `${port}/${protocol}`).join(', ')} used by ${users.map(({ key }) => key).join(', ')}`
  },
})
