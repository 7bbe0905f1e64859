/** The events a kubelet tells about its own node, in its words. Models recordNodeStatusEvent of pkg/kubelet/kubelet_node_status.go. */
import type { Node, NodeCondition } from '../../schemas/types.ts'
import type { EventRecorder } from '../client/events.ts'

const REASONS: Readonly<Record<string, string>> = {
  'MemoryPressure=False': 'NodeHasSufficientMemory',
  'MemoryPressure=True': 'NodeHasInsufficientMemory',
  'DiskPressure=False': 'NodeHasNoDiskPressure',
  'DiskPressure=True': 'NodeHasDiskPressure',
  'PIDPressure=False': 'NodeHasSufficientPID',
  'Ready=True': 'NodeReady',
}

export function tellStarting(events: EventRecorder, node: Node): void {
  events.event(aboutNode(node), 'Normal', 'Starting', 'Starting kubelet.', { host: node.metadata.name })
}

/** One event for each condition that is not what it was. */
export function tellConditions(events: EventRecorder, node: Node, conditions: readonly NodeCondition[]): void {
  const { name } = node.metadata
  for (const { type, status } of conditions) {
    const reason = REASONS[`${type}=${status}`]
    const old = node.status?.conditions?.find((c) => c.type === type)
    if (reason && old?.status !== status) events.event(aboutNode(node), 'Normal', reason, `Node ${name} status is now: ${reason}`, { host: name })
  }
}

/** A kubelet refers to its node by name where others give the uid. */
export function aboutNode({ metadata }: Node): Node {
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: metadata.name, uid: metadata.name }, spec: {} }
}
