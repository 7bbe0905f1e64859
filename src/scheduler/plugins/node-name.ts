/** A pod that names its node goes nowhere else. Models pkg/scheduler/framework/plugins/nodename. */
import { definePlugin, unresolvable } from '../framework.ts'

const REFUSED = unresolvable("node(s) didn't match the requested node name")

export default definePlugin({
  name: 'NodeName',
  order: 40,
  isLocal: true,
  events: [{ resource: 'Node', actions: ['add'] }],
  filter(_state, { pod }, node) {
    const { nodeName } = pod.spec
    return nodeName && nodeName !== node.name ? REFUSED : undefined
  },
})
