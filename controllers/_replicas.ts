/**
 * What ReplicaSets and ReplicationControllers share: as many pods as wanted, and a status that counts them.
 * Models k8s.io/kubernetes/pkg/controller/replicaset, on which upstream builds both as well.
 */
import type { Pod, PodTemplateSpec, ReplicaSetStatus } from '../schemas/types.ts'
import { selectorFromSet, type Selector } from '../src/apimachinery/labels.ts'
import { formatTime } from '../src/clock.ts'
import type { ControllerContext, Result } from '../src/controller/controller.ts'
import { conditionOf, withCondition, withoutCondition } from '../src/controller/conditions.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { applyClaims, isControlledBy, planClaims } from '../src/controller/owners.ts'
import { all, createPod, deletePod, isNamespaceTerminating, messageOf, podFromTemplate, slowStart } from '../src/controller/pod-control.ts'
import { ownedAndOrphans } from '../src/controller/pod-index.ts'
import { isPodActive, isPodAvailable, isPodReady, isPodTerminating, nextAvailabilityMs, rankForDeletion } from '../src/controller/pods.ts'
import { omitZero } from '../src/controller/wire.ts'
import type { KubeObject } from '../src/registry/kind.ts'

/** How many pods one reconcile creates or deletes at most. */
const BURST = 500

export interface Replicated extends KubeObject {
  spec: { replicas?: number; minReadySeconds?: number; template?: PodTemplateSpec }
  status?: ReplicaSetStatus
}

export interface Flavour<T> {
  /** `apps/v1/ReplicaSet` */
  kind: string
  selector(owner: T): Selector
  /** Pods of the same application as the owner's: nodes that run more of them lose theirs first. */
  related(ctx: ControllerContext, owner: T): Pod[]
  countsTerminating: boolean
}

export interface ReplicaPlan {
  create: number
  delete: Pod[]
}

/** @param pods the active pods that the owner claims */
export function plan(owner: Replicated, pods: readonly Pod[], options: { related: () => readonly Pod[]; nowMs: number }): ReplicaPlan {
  if (owner.metadata.deletionTimestamp) return { create: 0, delete: [] }
  const surplus = pods.length - (owner.spec.replicas ?? 1)
  if (surplus < 0) return { create: Math.min(-surplus, BURST), delete: [] }
  if (surplus === 0) return { create: 0, delete: [] }
  if (surplus >= pods.length) return { create: 0, delete: pods.slice(0, BURST) }
  const crowd = new Map<string, number>()
  for (const pod of options.related()) {
    if (!isPodActive(pod)) continue
    const node = pod.spec.nodeName ?? ''
    crowd.set(node, (crowd.get(node) ?? 0) + 1)
  }
  return { create: 0, delete: rankForDeletion(pods, crowd, options.nowMs).slice(0, Math.min(surplus, BURST)) }
}

export interface Observed {
  active: readonly Pod[]
  /** Undefined where the status does not count them. */
  terminating: number | undefined
  /** What creating or deleting ended with. */
  failure?: unknown
  nowMs: number
}

export function statusOf(owner: Replicated, { active, terminating, failure, nowMs }: Observed): ReplicaSetStatus {
  const { template, minReadySeconds = 0, replicas = 1 } = owner.spec
  const fully = selectorFromSet(template?.metadata?.labels)
  let labelled = 0
  let ready = 0
  let available = 0
  for (const pod of active) {
    if (fully.matches(pod.metadata.labels)) labelled++
    if (!isPodReady(pod)) continue
    ready++
    if (isPodAvailable(pod, minReadySeconds, nowMs)) available++
  }
  return {
    replicas: active.length,
    ...omitZero({ fullyLabeledReplicas: labelled, readyReplicas: ready, availableReplicas: available }),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...omitZero({ observedGeneration: owner.metadata.generation, conditions: conditionsOf(owner, { failure, nowMs, surplus: active.length - replicas }) }),
  }
}

function conditionsOf(owner: Replicated, { failure, nowMs, surplus }: { failure: unknown; nowMs: number; surplus: number }) {
  const current = owner.status?.conditions
  if (failure === undefined) return withoutCondition(current, 'ReplicaFailure')
  if (current && conditionOf(current, 'ReplicaFailure')) return current
  const reason = surplus < 0 ? 'FailedCreate' : surplus > 0 ? 'FailedDelete' : ''
  return withCondition(current, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: formatTime(nowMs), ...(reason ? { reason } : {}), message: messageOf(failure) })
}

export async function reconcileReplicas<T extends Replicated>(ctx: ControllerContext, owner: T, flavour: Flavour<T>): Promise<Result | void> {
  const { kind } = flavour
  const selector = flavour.selector(owner)
  const matches = (pod: Pod) => selector.matches(pod.metadata.labels)
  const candidates = ownedAndOrphans<Pod>(ctx, owner, 'v1/Pod')
  const claims = planClaims(owner, candidates.filter(isPodActive), matches)
  const pods = await applyClaims(ctx, owner, claims, { ownerKind: kind, kind: 'v1/Pod' })

  const wanted = plan(owner, pods, { related: () => flavour.related(ctx, owner), nowMs: ctx.clock.now() })
  const failure = await carryOut(ctx, owner, { kind, plan: wanted })

  const changed = wanted.create > 0 || wanted.delete.length > 0
  const after = changed ? ctx.informers.lister<Pod>('v1/Pod').ownedBy(owner.metadata.uid ?? '').filter(matches) : undefined
  const active = after ? after.filter(isPodActive) : pods
  const terminating = flavour.countsTerminating ? (after ?? candidates).filter((pod) => isPodTerminating(pod) && isControlledBy(pod, owner) && matches(pod)).length : undefined
  const nowMs = ctx.clock.now()
  // A failure is reported by what was there when it happened, as upstream counts.
  const status = statusOf(owner, { active: failure === undefined ? active : pods, terminating, failure, nowMs })
  if (!semanticEqual(owner.status, status)) await ctx.client.updateStatus<Replicated>({ ...owner, status })
  if (failure !== undefined) throw failure

  const { minReadySeconds = 0 } = owner.spec
  if (minReadySeconds > 0 && status.readyReplicas !== status.availableReplicas) return { requeueAfterMs: nextAvailabilityMs(active, minReadySeconds, nowMs) ?? minReadySeconds * 1000 }
}

/** Resolves to what went wrong, if anything did. */
async function carryOut(ctx: ControllerContext, owner: Replicated, { kind, plan }: { kind: string; plan: ReplicaPlan }): Promise<unknown> {
  try {
    if (plan.create > 0) {
      const pod = podFromTemplate(owner.spec.template, owner, kind)
      await slowStart(plan.create, () => createPod(ctx, owner, pod))
    }
    if (plan.delete.length > 0) await all(plan.delete.map((pod) => deletePod(ctx, owner, pod)))
  } catch (error) {
    return isNamespaceTerminating(error) ? undefined : error
  }
}
