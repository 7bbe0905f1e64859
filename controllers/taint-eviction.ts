/**
 * Deletes pods from nodes that got a NoExecute taint, at once or when their toleration runs out.
 * Models k8s.io/kubernetes/pkg/controller/tainteviction.
 */
import type { Node, Pod, Taint, Toleration } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { indexPodsByNode, podsOnNode } from '../src/controller/node-pods.ts'
import { evict } from '../src/controller/pod-status.ts'
import { perCluster } from '../src/controller/state.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { tolerates } from '../src/apimachinery/tolerations.ts'

/** By node, the pods whose time runs and since when. */
const pending = perCluster(() => new Map<string, Map<Key, number>>())

export default defineController<Node>({
  name: 'taint-eviction',
  user: 'system:serviceaccount:kube-system:node-controller',
  for: 'v1/Node',
  watches: { 'v1/Pod': taintedNodeOf },
  setup: indexPodsByNode,
  wakes: (node, old) => (old ? !semanticEqual(node.spec?.taints, old.spec?.taints) : noExecute(node).length > 0),
  reconcile,
  async deleted(name, ctx) {
    pending(ctx).delete(name)
  },
})

/** A pod that comes to a tainted node, or changes its tolerations there. */
function taintedNodeOf(changed: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const pod = changed as Pod
  const old = before as Pod | undefined
  const { nodeName, tolerations } = pod.spec
  if (!nodeName || (old && old.spec.nodeName === nodeName && (old.spec === pod.spec || semanticEqual(old.spec.tolerations, tolerations)))) return []
  const node = ctx.informers.lister<Node>('v1/Node').get('', nodeName)
  return node && noExecute(node).length > 0 ? [nodeName] : []
}

function noExecute(node: Node): Taint[] {
  return node.spec?.taints?.filter((taint) => taint.effect === 'NoExecute') ?? []
}

/** For how long a pod may stay on a node with these taints; Infinity for ever. */
export function toleratedMs(tolerations: readonly Toleration[] | undefined, taints: readonly Taint[]): number {
  let seconds = Infinity
  for (const taint of taints) {
    const used = tolerations?.find((t) => tolerates(t, taint))
    if (!used) return 0
    if (used.tolerationSeconds !== undefined) seconds = Math.min(seconds, Math.max(0, used.tolerationSeconds))
  }
  return seconds * 1000
}

export interface EvictionPlan {
  evict: Pod[]
  /** Pods whose time no longer runs. */
  cancelled: Key[]
  /** Pods whose time runs, and since when. */
  running: Map<Key, number>
  nextMs: number | undefined
}

export function plan(node: Node, pods: readonly Pod[], { running, nowMs }: { running: ReadonlyMap<Key, number>; nowMs: number }): EvictionPlan {
  const taints = noExecute(node)
  const out: EvictionPlan = { evict: [], cancelled: [], running: new Map(), nextMs: undefined }
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp) continue
    const key = keyOf(pod)
    const stay = taints.length === 0 ? Infinity : toleratedMs(pod.spec.tolerations, taints)
    const since = running.get(key)
    if (stay === Infinity) {
      if (since !== undefined) out.cancelled.push(key)
      continue
    }
    const leftMs = (since ?? nowMs) + stay - nowMs
    if (leftMs <= 0) out.evict.push(pod)
    else {
      out.running.set(key, since ?? nowMs)
      out.nextMs = Math.min(out.nextMs ?? leftMs, leftMs)
    }
  }
  return out
}

async function reconcile(node: Node, ctx: ControllerContext): Promise<Result | void> {
  const { name = '' } = node.metadata
  const pods = podsOnNode(ctx, name)
  const wanted = plan(node, pods, { running: pending(ctx).get(name) ?? new Map<Key, number>(), nowMs: ctx.clock.now() })
  if (wanted.running.size > 0) pending(ctx).set(name, wanted.running)
  else pending(ctx).delete(name)
  for (const pod of pods) if (wanted.cancelled.includes(keyOf(pod))) ctx.events.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of Pod ${keyOf(pod)}`)
  for (const pod of wanted.evict) {
    ctx.events.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${keyOf(pod)}`)
    await evict(ctx, pod, { reason: 'DeletionByTaintManager', message: 'Taint manager: deleting due to NoExecute taint' })
  }
  return wanted.nextMs === undefined ? undefined : { requeueAfterMs: wanted.nextMs }
}
