/**
 * The pods that are assigned to a node, and whether they can still be reached there. Models AddPodNodeNameIndexer of
 * k8s.io/kubernetes/pkg/controller and the taint's meaning in its podgc and attachdetach.
 */
import type { Node, Pod } from '../../schemas/types.ts'
import type { ControllerContext } from './controller.ts'

const BY_NODE = 'spec.nodeName'

export function indexPodsByNode(ctx: ControllerContext): void {
  ctx.informers.for<Pod>('v1/Pod').addIndex(BY_NODE, (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []))
}

/** Needs `indexPodsByNode`. */
export function podsOnNode(ctx: ControllerContext, nodeName: string): Pod[] {
  return ctx.informers.lister<Pod>('v1/Pod').byIndex(BY_NODE, nodeName)
}

/** Whether somebody has said that the node is shut down and will not come back by itself. */
export function isOutOfService({ spec }: Node): boolean {
  return (spec.taints ?? []).some(({ key }) => key === 'node.kubernetes.io/out-of-service')
}
