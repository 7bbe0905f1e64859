/** Keeps pods with scheduling gates out of the queue. Models pkg/scheduler/framework/plugins/schedulinggates. */
import { isSelf } from '../cluster-events.ts'
import { definePlugin, unresolvable } from '../framework.ts'

export default definePlugin({
  name: 'SchedulingGates',
  order: 10,
  events: [{ resource: 'WaitingPod', actions: ['gates'], helps: isSelf }],
  preEnqueue({ pod }) {
    const gates = pod.spec.schedulingGates
    return gates?.length ? unresolvable(`waiting for scheduling gates: [${gates.map((g) => g.name).join(' ')}]`) : undefined
  },
})
