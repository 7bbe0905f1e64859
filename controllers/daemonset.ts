/**
 * One pod on every node that fits. Models k8s.io/kubernetes/pkg/controller/daemon.
 */
import type { ControllerRevision, DaemonSet, Node, Pod } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { applyClaims, controllerRef, isControlledBy, planClaims, refOf } from '../src/controller/owners.ts'
import { all, createPod, deletePod, isNamespaceTerminating, podFromTemplate, slowStart } from '../src/controller/pod-control.ts'
import { indexOrphans, ownedAndOrphans, podStatusChanged, watchOwned } from '../src/controller/pod-index.ts'
import { nextAvailabilityMs } from '../src/controller/pods.ts'
import { REVISION_KIND, createRevision, renumberRevision, revisionName, sameRevision, templateData } from '../src/controller/revision-history.ts'
import { selectorOf } from '../src/controller/selectors.ts'
import { perCluster } from '../src/controller/state.ts'
import { templateHash } from '../src/controller/template-hash.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { REVISION_LABEL, daemonTemplate, pinnedTo, shouldRunOn } from './_daemonset-nodes.ts'
import { planPlacement, planRolling, statusOf, type DaemonInput, type DaemonPlan } from './_daemonset-plan.ts'
import { FailedPodBackoff } from './_failed-pod-backoff.ts'

const KIND = 'apps/v1/DaemonSet'

const selector = (ds: DaemonSet) => selectorOf(ds.spec.selector)
const backoffs = perCluster(() => new FailedPodBackoff())

export default defineController<DaemonSet>({
  name: 'daemonset',
  user: 'system:serviceaccount:kube-system:daemon-set-controller',
  for: KIND,
  watches: { 'v1/Pod': watchOwned<Pod, DaemonSet>(KIND, selector, podStatusChanged), 'v1/Node': concerned },
  setup(ctx) {
    indexOrphans(ctx)
    indexOrphans(ctx, REVISION_KIND)
  },
  reconcile,
})

/** The sets for which a node comes, goes, or changes in labels or taints. */
function concerned(changed: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const node = changed as Node
  const old = before as Node | undefined
  if (old && semanticEqual(node.metadata.labels, old.metadata.labels) && semanticEqual(node.spec?.taints, old.spec?.taints)) return []
  return ctx.informers
    .lister<DaemonSet>(KIND)
    .list()
    .filter((ds) => shouldRunOn(ds, node).run || (old ? !semanticEqual(shouldRunOn(ds, node), shouldRunOn(ds, old)) || (ds.status?.numberMisscheduled ?? 0) > 0 : false))
    .map(keyOf)
}

async function reconcile(ds: DaemonSet, ctx: ControllerContext): Promise<Result | void> {
  if (semanticEqual(ds.spec.selector, {})) return ctx.events.event(ds, 'Warning', 'SelectingAll', 'This daemon set is selecting all pods. A non-empty selector is required.')
  if (ds.metadata.deletionTimestamp) return
  const nodes = ctx.informers.lister<Node>('v1/Node').list()
  const { current, old } = await history(ctx, ds)
  const matches = (pod: Pod) => selector(ds).matches(pod.metadata.labels)
  const pods = await applyClaims(ctx, ds, planClaims(ds, ownedAndOrphans<Pod>(ctx, ds, 'v1/Pod'), matches), { ownerKind: KIND, kind: 'v1/Pod' })
  const input: DaemonInput = { ds, nodes, pods, hash: current.metadata.labels?.[REVISION_LABEL] ?? '', nowMs: ctx.clock.now() }

  const backoff = backoffs(ctx)
  let waitMs: number | undefined
  const placement = planPlacement(input, (node) => {
    const left = backoff.delayLeftMs(backoffKey(ds, node), input.nowMs)
    if (left > 0) waitMs = Math.min(waitMs ?? left, left)
    return left
  })
  tellEnded(ctx, ds, placement)
  let failure: unknown
  try {
    await carryOut(ctx, input, placement)
    const changed = placement.create.length > 0 || placement.delete.length > 0
    if (!changed && ds.spec.updateStrategy?.type === 'RollingUpdate') await carryOut(ctx, input, planRolling(input))
    await cleanUp(ctx, ds, { pods, old })
  } catch (error) {
    failure = error
  }
  const now = ctx.clock.now()
  const after = ownedAndOrphans<Pod>(ctx, ds, 'v1/Pod').filter((pod) => isControlledBy(pod, ds) && matches(pod))
  const status = statusOf({ ...input, pods: after, nowMs: now })
  if (!semanticEqual(ds.status, status)) await ctx.client.updateStatus<DaemonSet>({ ...ds, status })
  if (failure !== undefined) throw failure
  const availableMs = nextAvailabilityMs(after, ds.spec.minReadySeconds ?? 0, now)
  if (availableMs !== undefined) waitMs = Math.min(waitMs ?? Infinity, availableMs)
  return waitMs === undefined ? undefined : { requeueAfterMs: waitMs }
}

function backoffKey(ds: DaemonSet, node: string): string {
  return `${ds.metadata.uid}/${ds.status?.observedGeneration ?? 0}/${node}`
}

function tellEnded(ctx: ControllerContext, ds: DaemonSet, plan: DaemonPlan): void {
  for (const { pod, node, failed } of plan.ended) {
    const where = `daemon pod ${pod.metadata.namespace}/${pod.metadata.name} on node ${node}`
    if (failed) {
      backoffs(ctx).next(backoffKey(ds, node), ctx.clock.now())
      ctx.events.event(ds, 'Warning', 'FailedDaemonPod', `Found failed ${where}, will try to kill it`)
    } else ctx.events.event(ds, 'Normal', 'SucceededDaemonPod', `Found succeeded ${where}, will try to delete it`)
  }
}

async function carryOut(ctx: ControllerContext, { ds, hash }: DaemonInput, plan: Pick<DaemonPlan, 'create' | 'delete'>): Promise<void> {
  let failure: unknown
  try {
    const template = daemonTemplate(ds, hash)
    const pod = podFromTemplate(template, ds, KIND)
    await slowStart(plan.create.length, (i) => createPod(ctx, ds, { ...pod, spec: { ...pod.spec, affinity: pinnedTo(pod.spec.affinity, plan.create[i] ?? '') } }))
  } catch (error) {
    if (!isNamespaceTerminating(error)) failure = error
  }
  await all(plan.delete.map((pod) => deletePod(ctx, ds, pod)))
  if (failure !== undefined) throw failure
}

/** The revision of the present template, made if need be, and the former ones. */
async function history(ctx: ControllerContext, ds: DaemonSet): Promise<{ current: ControllerRevision; old: ControllerRevision[] }> {
  const claims = planClaims(ds, ownedAndOrphans<ControllerRevision>(ctx, ds, REVISION_KIND), (r) => selector(ds).matches(r.metadata.labels))
  const all = await Promise.all((await applyClaims(ctx, ds, claims, { ownerKind: KIND, kind: REVISION_KIND })).map((revision) => labelled(ctx, revision)))
  const data = templateData(ds.spec.template)
  const equal = all.filter((r) => semanticEqual(r.data, data))
  const old = all.filter((r) => !equal.includes(r))
  const number = 1 + old.reduce((max, r) => Math.max(max, r.revision ?? 0), 0)
  if (equal.length === 0) return { current: await snapshot(ctx, ds, { data, number }), old }
  const current = await keepNewest(ctx, ds, equal)
  return { current: (current.revision ?? 0) < number ? await renumberRevision(ctx, current, number) : current, old }
}

async function labelled(ctx: ControllerContext, revision: ControllerRevision): Promise<ControllerRevision> {
  const { labels, name = '' } = revision.metadata
  if (labels?.[REVISION_LABEL] !== undefined) return revision
  return ctx.client.update<ControllerRevision>({ ...revision, metadata: { ...revision.metadata, labels: { ...labels, [REVISION_LABEL]: name } } })
}

async function snapshot(ctx: ControllerContext, ds: DaemonSet, { data, number }: { data: unknown; number: number }): Promise<ControllerRevision> {
  const hash = templateHash(ds.spec.template, ds.status?.collisionCount)
  const { name = '', namespace, annotations } = ds.metadata
  const labels = { ...ds.spec.template?.metadata?.labels, [REVISION_LABEL]: hash }
  const wanted: ControllerRevision = {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name: revisionName(name, hash), namespace, labels, ...(annotations ? { annotations } : {}), ownerReferences: [controllerRef(ds, KIND)] },
    data,
    revision: number,
  }
  const there = await createRevision(ctx, wanted)
  if (sameRevision(there, wanted)) return there
  await ctx.client.updateStatus<DaemonSet>({ ...ds, status: { ...ds.status, collisionCount: (ds.status?.collisionCount ?? 0) + 1 } })
  throw new Error(`the name ${wanted.metadata.name} is taken by another revision`)
}

/** Of several equal revisions the newest stays, and the pods are labelled with it. */
async function keepNewest(ctx: ControllerContext, ds: DaemonSet, equal: readonly ControllerRevision[]): Promise<ControllerRevision> {
  const [newest, ...others] = [...equal].sort((a, b) => (b.revision ?? 0) - (a.revision ?? 0))
  if (!newest) throw new Error('no revision to keep')
  if (others.length === 0) return newest
  const hash = newest.metadata.labels?.[REVISION_LABEL]
  for (const pod of ctx.informers.lister<Pod>('v1/Pod').ownedBy(ds.metadata.uid ?? ''))
    if (pod.metadata.labels?.[REVISION_LABEL] !== hash) await ctx.client.patch('v1/Pod', refOf(pod), { metadata: { labels: { [REVISION_LABEL]: hash } } })
  for (const revision of others) await ctx.client.delete(REVISION_KIND, refOf(revision))
  return newest
}

async function cleanUp(ctx: ControllerContext, ds: DaemonSet, { pods, old }: { pods: readonly Pod[]; old: readonly ControllerRevision[] }): Promise<void> {
  const surplus = old.length - (ds.spec.revisionHistoryLimit ?? 10)
  if (surplus <= 0) return
  const live = new Set(pods.map((pod) => pod.metadata.labels?.[REVISION_LABEL]))
  const dead = [...old].sort((a, b) => (a.revision ?? 0) - (b.revision ?? 0)).filter((r) => !live.has(r.metadata.labels?.[REVISION_LABEL]))
  for (const revision of dead.slice(0, surplus)) await ctx.client.delete(REVISION_KIND, refOf(revision))
}
