/** Why a pod fits nowhere, in the words of events and conditions. Models FitError of pkg/scheduler/framework/types.go. */
import { messageOf, type Refusals, type Status } from './framework.ts'

export interface FitProblem {
  nodeCount: number
  refusals: Refusals
  /** All nodes were refused at once, before any was looked at. */
  preFilter?: Status
  postFilterMessage?: string
}

export function fitMessage({ nodeCount, refusals, preFilter, postFilterMessage }: FitProblem): string {
  let message = `0/${nodeCount} nodes are available:`
  if (preFilter) {
    message += ` ${messageOf(preFilter)}.`
  } else {
    const histogram = reasonHistogram(nodeCount, refusals)
    if (histogram.length > 0) message += ` ${histogram.join(', ')}.`
  }
  return postFilterMessage ? `${message} ${postFilterMessage}` : message
}

function reasonHistogram(nodeCount: number, { byNode, others }: Refusals): string[] {
  const counts = new Map<string, number>()
  const add = (status: Status, by: number) => {
    for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + by)
  }
  for (const status of byNode.values()) add(status, 1)
  if (others && byNode.size < nodeCount) add(others, nodeCount - byNode.size)
  return [...counts].map(([reason, count]) => `${count} ${reason}`).sort()
}
