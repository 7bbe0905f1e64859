/**
 * How many pods of a PodDisruptionBudget may be evicted now. Models k8s.io/kubernetes/pkg/controller/disruption.
 */
import type { Condition, Deployment, OwnerReference, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus, ReplicaSet } from '../schemas/types.ts'
import { goLabelSelector } from '../src/apimachinery/go-format.ts'
import { everything, selectorFromLabelSelector } from '../src/apimachinery/labels.ts'
import { formatTime } from '../src/clock.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import { defineController, keyOf, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { scaled } from '../src/controller/int-or-percent.ts'
import { indexLabels, indexSelectors, selectIndexed, selecting } from '../src/controller/label-index.ts'
import { controllerOf, groupOf } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { isPodReady } from '../src/controller/pods.ts'
import { selectorOf } from '../src/controller/selectors.ts'
import { isStatusError, qualified } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'

const KIND = 'policy/v1/PodDisruptionBudget'
/** How long an evicted pod may take to get its deletionTimestamp. */
const DELETION_TIMEOUT_MS = 2 * 60_000

const selector = (pdb: PodDisruptionBudget) => selectorOf(pdb.spec.selector)

export default defineController<PodDisruptionBudget>({
  name: 'disruption',
  component: 'controllermanager',
  for: KIND,
  watches: { 'v1/Pod': budgetsOfPod },
  setup(ctx) {
    indexLabels(ctx.informers, 'v1/Pod')
    indexSelectors<PodDisruptionBudget>(ctx.informers, KIND, selector)
  },
  wakes: (pdb, old) => !old || pdb.metadata.generation !== old.metadata.generation || !semanticEqual(pdb.status, old.status),
  reconcile,
})

function budgetsOfPod(changed: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const pod = changed as Pod
  const old = before as Pod | undefined
  const find = (labels: Pod['metadata']['labels']) => {
    const { namespace = '', name } = pod.metadata
    const found = selecting<PodDisruptionBudget>(ctx.informers, KIND, { namespace, labels, selector })
    // Each of them counts it, but none lets it be evicted.
    if (found.length > 1) ctx.events.event(pod, 'Warning', 'MultiplePodDisruptionBudgets', `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${found[0]?.metadata.name}" arbitrarily.`)
    return found.map(keyOf)
  }
  if (!old) return find(pod.metadata.labels)
  const relabelled = pod.metadata.labels !== old.metadata.labels && !semanticEqual(pod.metadata.labels, old.metadata.labels)
  if (relabelled) return [...find(pod.metadata.labels), ...find(old.metadata.labels)]
  const same = pod.metadata.deletionTimestamp === old.metadata.deletionTimestamp && isPodReady(pod) === isPodReady(old)
  return same ? [] : find(pod.metadata.labels)
}

/** How many pods the controllers of these pods want together. */
export interface Scale {
  expected: number
  /** Names of pods that nobody controls. */
  unmanaged: string[]
}

/** @param scale asked only where the budget is a share of the whole */
export async function expectedPods(pdb: PodDisruptionBudget, pods: readonly Pod[], scale: () => Promise<Scale>): Promise<Scale & { desiredHealthy: number }> {
  const { maxUnavailable, minAvailable } = pdb.spec
  if (maxUnavailable !== undefined) {
    const whole = await scale()
    return { ...whole, desiredHealthy: Math.max(0, whole.expected - (scaled(maxUnavailable, whole.expected, 'up') ?? 0)) }
  }
  if (typeof minAvailable === 'string') {
    const whole = await scale()
    return { ...whole, desiredHealthy: scaled(minAvailable, whole.expected, 'up') ?? 0 }
  }
  return minAvailable === undefined ? { expected: 0, unmanaged: [], desiredHealthy: 0 } : { expected: pods.length, unmanaged: [], desiredHealthy: minAvailable }
}

export interface Disrupted {
  /** Evicted pods that are yet to be deleted, and since when. */
  pods: Record<string, string>
  late: Pod[]
  recheckMs: number | undefined
}

export function stillDisrupted(pdb: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Disrupted {
  const out: Disrupted = { pods: {}, late: [], recheckMs: undefined }
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata
    const since = pdb.status?.disruptedPods?.[name]
    if (deletionTimestamp || since === undefined) continue
    const leftMs = Date.parse(since) + DELETION_TIMEOUT_MS - nowMs
    if (leftMs < 0) out.late.push(pod)
    else {
      out.pods[name] = since
      out.recheckMs = Math.min(out.recheckMs ?? leftMs, leftMs)
    }
  }
  return out
}

interface Counted {
  pods: readonly Pod[]
  disrupted: Record<string, string>
  expected: number
  desiredHealthy: number
  nowMs: number
}

export function statusOf(pdb: PodDisruptionBudget, { pods, disrupted, expected, desiredHealthy, nowMs }: Counted): PodDisruptionBudgetStatus {
  const currentHealthy = pods.filter((pod) => !pod.metadata.deletionTimestamp && disrupted[pod.metadata.name ?? ''] === undefined && isPodReady(pod)).length
  const disruptionsAllowed = expected <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy)
  const { generation } = pdb.metadata
  const condition = disruptionsAllowed > 0 ? { status: 'True', reason: 'SufficientPods' } : { status: 'False', reason: 'InsufficientPods' }
  return {
    currentHealthy,
    desiredHealthy,
    expectedPods: expected,
    disruptionsAllowed,
    ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
    observedGeneration: generation,
    conditions: withAllowed(pdb.status?.conditions, { ...condition, message: '', observedGeneration: generation }, nowMs),
  }
}

function withAllowed(conditions: Condition[] | undefined, wanted: Omit<Condition, 'type' | 'lastTransitionTime'>, nowMs: number): Condition[] {
  const type = 'DisruptionAllowed'
  const current = conditionOf(conditions, type)
  const fresh = { type, ...wanted, lastTransitionTime: current?.status === wanted.status ? current?.lastTransitionTime : formatTime(nowMs) }
  return current ? (conditions ?? []).map((c) => (c === current ? fresh : c)) : [...(conditions ?? []), fresh]
}

async function reconcile(pdb: PodDisruptionBudget, ctx: ControllerContext): Promise<Result | void> {
  try {
    return await sync(pdb, ctx)
  } catch (error) {
    if (isStatusError(error, 'Conflict')) throw error
    const { observedGeneration } = pdb.status ?? {}
    const conditions = withAllowed(pdb.status?.conditions, { status: 'False', reason: 'SyncFailed', message: messageOf(error), observedGeneration }, ctx.clock.now())
    const status = { ...pdb.status, disruptionsAllowed: 0, conditions }
    if (!semanticEqual(status, pdb.status)) await ctx.client.updateStatus<PodDisruptionBudget>({ ...pdb, status })
  }
}

async function sync(pdb: PodDisruptionBudget, ctx: ControllerContext): Promise<Result | void> {
  const pods = selectIndexed<Pod>(ctx.informers, 'v1/Pod', { namespace: pdb.metadata.namespace ?? '', selector: pdb.spec.selector ? selectorFromLabelSelector(pdb.spec.selector) : everything })
  if (pods.length === 0) ctx.events.event(pdb, 'Normal', 'NoPods', 'No matching pods found')
  const { expected, desiredHealthy, unmanaged } = await expectedOrTell(pdb, pods, ctx)
  if (unmanaged.length > 0) {
    const message = `Pods selected by this PodDisruptionBudget (selector: ${goLabelSelector(pdb.spec.selector)}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`
    ctx.events.event(pdb, 'Warning', 'UnmanagedPods', message)
  }
  const nowMs = ctx.clock.now()
  const disrupted = stillDisrupted(pdb, pods, nowMs)
  // The namespace is named twice there, as upstream does.
  for (const pod of disrupted.late) ctx.events.event(pod, 'Warning', 'NotDeleted', `Pod was expected by PDB ${pdb.metadata.namespace}/${pdb.metadata.namespace} to be deleted but it wasn't`)
  const status = statusOf(pdb, { pods, disrupted: disrupted.pods, expected, desiredHealthy, nowMs })
  if (!semanticEqual(status, pdb.status)) await ctx.client.updateStatus<PodDisruptionBudget>({ ...pdb, status })
  if (disrupted.recheckMs !== undefined) return { requeueAfterMs: disrupted.recheckMs }
}

async function expectedOrTell(pdb: PodDisruptionBudget, pods: readonly Pod[], ctx: ControllerContext) {
  try {
    return await expectedPods(pdb, pods, () => scaleOf(pods, ctx))
  } catch (error) {
    ctx.events.event(pdb, 'Warning', 'CalculateExpectedPodCountFailed', `Failed to calculate the number of expected pods: ${messageOf(error)}`)
    throw error
  }
}

async function scaleOf(pods: readonly Pod[], ctx: ControllerContext): Promise<Scale> {
  const counts = new Map<string, number>()
  const asked = new Set<string>()
  const unmanaged: string[] = []
  for (const pod of pods) {
    const ref = controllerOf(pod)
    if (!ref) unmanaged.push(pod.metadata.name ?? '')
    else if (!asked.has(ref.uid ?? '')) {
      asked.add(ref.uid ?? '')
      const found = await controllerScale(pod, ctx)
      if (!found) throw new Error(`found no controllers for pod "${pod.metadata.name}"`)
      counts.set(found.uid, found.replicas)
    }
  }
  return { expected: [...counts.values()].reduce((sum, n) => sum + n, 0), unmanaged }
}

/** The wanted size of what controls a pod: of the Deployment rather than of its ReplicaSet. */
async function controllerScale(pod: Pod, ctx: ControllerContext): Promise<{ uid: string; replicas: number } | undefined> {
  const { namespace = '' } = pod.metadata
  const ref = controllerOf(pod)
  if (!ref) return undefined
  const kind = `${ref.apiVersion}/${ref.kind}`
  if (kind === 'apps/v1/ReplicaSet') {
    const set = ctx.informers.lister<ReplicaSet>(kind).get(namespace, ref.name ?? '')
    const above = set && set.metadata.uid === ref.uid ? controllerOf(set) : undefined
    if (above?.kind === 'Deployment') {
      const deployment = ctx.informers.lister<Deployment>('apps/v1/Deployment').get(namespace, above.name ?? '')
      return deployment?.metadata.uid === above.uid && deployment ? { uid: above.uid ?? '', replicas: deployment.spec.replicas ?? 1 } : undefined
    }
  }
  return scaleOfOwner(ref, namespace, ctx)
}

async function scaleOfOwner({ apiVersion = '', kind = '', name = '', uid = '' }: OwnerReference, namespace: string, ctx: ControllerContext): Promise<{ uid: string; replicas: number } | undefined> {
  const full = `${apiVersion}/${kind}`
  const served = ctx.kinds?.().find((k) => k.kind === full)
  if (ctx.kinds && !served) throw new Error(`no matches for kind "${kind}" in version "${apiVersion}"`)
  try {
    const { metadata, spec } = await ctx.client.getScale(full, { namespace, name })
    return metadata.uid === uid ? { uid, replicas: spec.replicas ?? 0 } : undefined
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
    if (error.details?.name) return undefined
    const resource = qualified({ group: groupOf(apiVersion), resource: served?.plural ?? kind })
    throw new Error(`${resource} does not implement the scale subresource`, { cause: error })
  }
}
