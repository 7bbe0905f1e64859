/**
 * The pods that are assigned to a node. Models AddPodNodeNameIndexer of k8s.io/kubernetes/pkg/controller.
 */
import type { Pod } from '../../schemas/types.ts'
import type { ControllerContext } from './controller.ts'

const BY_NODE = 'spec.nodeName'

export function indexPodsByNode(ctx: ControllerContext): void {
  ctx.informers.for<Pod>('v1/Pod').addIndex(BY_NODE, (pod) => (pod.spec.nodeName ? [pod.spec.nodeName] : []))
}

/** Needs `indexPodsByNode`. */
export function podsOnNode(ctx: ControllerContext, nodeName: string): Pod[] {
  return ctx.informers.lister<Pod>('v1/Pod').byIndex(BY_NODE, nodeName)
}
