/**
 * The Node objects of the nodes a cluster is configured with. They differ from Nodes that clients create in one thing:
 * their kubelet reports all that a real one does (events, container details, missing volumes), while a client's Node is
 * taken for a mere place on which pods become what their stages say.
 * Models what pkg/kubelet/kubelet_node_status.go registers.
 */
import type { Node, Taint } from '../../schemas/types.ts'

/** Node annotation: `kubelet` reports in full, anything else (or none) outcomes only. */
export const REPORTING_ANNOTATION = 'orrery.io/reporting'
/** Node annotation: `stopped` makes the node's kubelet fall silent, as if the machine had died. */
export const KUBELET_ANNOTATION = 'orrery.io/kubelet'

export interface VirtualNodeOptions {
  /** Over the defaults of stages/node-ready.yaml. */
  capacity?: Readonly<Record<string, string>>
  labels?: Readonly<Record<string, string>>
  annotations?: Readonly<Record<string, string>>
  taints?: readonly Taint[]
}

export function virtualNode(name: string, options: VirtualNodeOptions = {}): Node {
  const { capacity, labels, annotations, taints } = options
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        ...labels,
      },
      annotations: { [REPORTING_ANNOTATION]: 'kubelet', 'volumes.kubernetes.io/controller-managed-attach-detach': 'true', ...annotations },
    },
    spec: taints?.length ? { taints: [...taints] } : {},
    ...(capacity ? { status: { capacity: { ...capacity }, allocatable: { ...capacity } } } : {}),
  }
}

export function reportsInFull(node: Node): boolean {
  return node.metadata.annotations?.[REPORTING_ANNOTATION] === 'kubelet'
}

export function isKubeletStopped(node: Node): boolean {
  return node.metadata.annotations?.[KUBELET_ANNOTATION] === 'stopped'
}
