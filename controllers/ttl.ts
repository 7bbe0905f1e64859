/**
 * Tells kubelets by an annotation for how long they may keep Secrets and ConfigMaps, longer in larger clusters.
 * Models k8s.io/kubernetes/pkg/controller/ttl.
 */
import type { Node } from '../schemas/types.ts'
import { defineController, type ControllerContext } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { perCluster } from '../src/controller/state.ts'

const KIND = 'v1/Node'
const ANNOTATION = 'node.alpha.kubernetes.io/ttl'

/** Steps overlap, so that a cluster at a border does not go up and down. */
const STEPS: readonly { min: number; max: number; seconds: number }[] = [
  { min: 0, max: 100, seconds: 0 },
  { min: 90, max: 500, seconds: 15 },
  { min: 450, max: 1000, seconds: 30 },
  { min: 900, max: 2000, seconds: 60 },
  { min: 1800, max: Infinity, seconds: 300 },
]

const steps = perCluster(() => ({ current: 0 }))

export default defineController<Node>({
  name: 'ttl',
  for: KIND,
  wakes: (node, old) => node.metadata.annotations?.[ANNOTATION] === undefined || old?.metadata.annotations?.[ANNOTATION] !== node.metadata.annotations[ANNOTATION],
  async reconcile(node, ctx) {
    const seconds = String(ttlSeconds(ctx))
    if (Number(node.metadata.annotations?.[ANNOTATION] ?? NaN) === Number(seconds)) return
    await ctx.client.patch(KIND, refOf(node), { metadata: { annotations: { [ANNOTATION]: seconds } } }, { type: 'strategic' })
  },
  async deleted(_key, ctx) {
    ttlSeconds(ctx)
  },
})

/** The step for a number of nodes, coming from another step. */
export function nextStep(step: number, nodes: number): number {
  let next = step
  while (nodes > (STEPS[next]?.max ?? Infinity)) next++
  while (nodes < (STEPS[next]?.min ?? 0)) next--
  return next
}

function ttlSeconds(ctx: ControllerContext): number {
  const state = steps(ctx)
  state.current = nextStep(state.current, ctx.informers.lister(KIND).size)
  return STEPS[state.current]?.seconds ?? 0
}
