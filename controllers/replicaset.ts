/**
 * Keeps as many pods of a template running as a ReplicaSet wants. Models k8s.io/kubernetes/pkg/controller/replicaset.
 */
import type { Pod, ReplicaSet } from '../schemas/types.ts'
import { defineController, type ControllerContext } from '../src/controller/controller.ts'
import { controllerOf } from '../src/controller/owners.ts'
import { indexOrphans, podStatusChanged, watchOwned } from '../src/controller/pod-index.ts'
import { selectorOf } from '../src/controller/selectors.ts'
import { reconcileReplicas, type Flavour } from './_replicas.ts'

export { plan, statusOf } from './_replicas.ts'

const KIND = 'apps/v1/ReplicaSet'

const selector = (rs: ReplicaSet) => selectorOf(rs.spec.selector)

const flavour: Flavour<ReplicaSet> = { kind: KIND, selector, related: podsOfSameController, countsTerminating: true }

export default defineController<ReplicaSet>({
  name: 'replicaset',
  for: KIND,
  watches: { 'v1/Pod': watchOwned<Pod, ReplicaSet>(KIND, selector, podStatusChanged) },
  setup: (ctx) => indexOrphans(ctx),
  reconcile: (rs, ctx) => reconcileReplicas(ctx, rs, flavour),
})

/** The pods of all ReplicaSets that one Deployment has. */
function podsOfSameController(ctx: ControllerContext, rs: ReplicaSet): Pod[] {
  const uid = controllerOf(rs)?.uid
  if (!uid) return []
  const pods = ctx.informers.lister<Pod>('v1/Pod')
  return ctx.informers
    .lister<ReplicaSet>(KIND)
    .ownedBy(uid)
    .flatMap((sibling) => pods.ownedBy(sibling.metadata.uid ?? ''))
}
