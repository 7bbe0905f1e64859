/** Pods of higher priority first, then those that have waited longer. Models pkg/scheduler/framework/plugins/queuesort. */
import { definePlugin } from '../framework.ts'

export default definePlugin({
  name: 'PrioritySort',
  order: 20,
  less(a, b) {
    if (a.info.priority !== b.info.priority) return a.info.priority > b.info.priority
    if (a.timestampMs !== b.timestampMs) return a.timestampMs < b.timestampMs
    return a.sequence < b.sequence
  },
})
