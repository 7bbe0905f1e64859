/**
 * Keeps as many pods of a template running as a ReplicationController wants; the ReplicaSet's older brother.
 * Models k8s.io/kubernetes/pkg/controller/replication.
 */
import type { Pod, ReplicationController } from '../schemas/types.ts'
import { defineController } from '../src/controller/controller.ts'
import { indexOrphans, podStatusChanged, watchOwned } from '../src/controller/pod-index.ts'
import { setSelectorOf } from '../src/controller/selectors.ts'
import { reconcileReplicas, type Flavour } from './_replicas.ts'

const KIND = 'v1/ReplicationController'

const selector = (rc: ReplicationController) => setSelectorOf(rc.spec.selector)

const flavour: Flavour<ReplicationController> = { kind: KIND, selector, related: () => [], countsTerminating: false }

export default defineController<ReplicationController>({
  name: 'replicationcontroller',
  component: 'replication-controller',
  user: 'system:serviceaccount:kube-system:replication-controller',
  for: KIND,
  watches: { 'v1/Pod': watchOwned<Pod, ReplicationController>(KIND, selector, podStatusChanged) },
  setup: (ctx) => indexOrphans(ctx),
  reconcile: (rc, ctx) => reconcileReplicas(ctx, rc, flavour),
})
