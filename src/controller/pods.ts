/**
 * What controllers ask about pods: active, ready, available since when, and which of several goes first when there are
 * too many. Models k8s.io/kubernetes/pkg/controller/controller_utils.go and pkg/api/v1/pod/util.go.
 */
import type { Pod, PodCondition } from '../../schemas/types.ts'

export function isPodTerminal(pod: Pod): boolean {
  const phase = pod.status?.phase
  return phase === 'Succeeded' || phase === 'Failed'
}

export function isPodActive(pod: Pod): boolean {
  return !pod.metadata.deletionTimestamp && !isPodTerminal(pod)
}

export function isPodTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined && !isPodTerminal(pod)
}

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  const conditions = pod.status?.conditions
  if (conditions) for (const c of conditions) if (c.type === type) return c
  return undefined
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True'
}

/** When the pod became ready, 0 when the time is unknown; undefined when it is not ready. */
export function readySinceMs(pod: Pod): number | undefined {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return undefined
  return ready.lastTransitionTime ? Date.parse(ready.lastTransitionTime) : 0
}

export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const since = readySinceMs(pod)
  if (since === undefined) return false
  return minReadySeconds === 0 || (since > 0 && since + minReadySeconds * 1000 <= nowMs)
}

/** How long until the first of the pods that are ready but not yet available becomes available. */
export function nextAvailabilityMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  if (minReadySeconds <= 0) return undefined
  let next: number | undefined
  for (const pod of pods) {
    const since = readySinceMs(pod)
    if (!since) continue
    const left = since + minReadySeconds * 1000 - nowMs
    if (left > 0 && (next === undefined || left < next)) next = left
  }
  return next
}

const PHASE_ORDER: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/**
 * The pods in the order in which a scale-down takes them: unassigned, then pending, then not ready; then the cheaper by
 * annotation, those whose node has more of their kind, the younger (by orders of magnitude of age), the more restarted.
 * @param crowd how many related active pods a node has
 * @param nowMs without it ages are compared exactly and costs do not count (Jobs)
 */
export function rankForDeletion(pods: readonly Pod[], crowd?: ReadonlyMap<string, number>, nowMs?: number): Pod[] {
  return pods
    .map((pod) => rank(pod, crowd, nowMs))
    .sort(compareRanks)
    .map((r) => r.pod)
}

interface Rank {
  pod: Pod
  /** Most significant first; the smaller goes first. */
  order: number[]
  readyMs: number | undefined
  readyAge: number
  restarts: number
  sidecarRestarts: number
  created: number
  age: number
}

function rank(pod: Pod, crowd: ReadonlyMap<string, number> | undefined, nowMs: number | undefined): Rank {
  const node = pod.spec?.nodeName ?? ''
  const readyMs = readySinceMs(pod)
  const created = Date.parse(pod.metadata.creationTimestamp ?? '') || 0
  return {
    pod,
    order: [node ? 1 : 0, PHASE_ORDER[pod.status?.phase ?? ''] ?? 0, readyMs === undefined ? 0 : 1, nowMs === undefined ? 0 : deletionCost(pod), -(crowd?.get(node) ?? 0)],
    readyMs,
    readyAge: nowMs === undefined ? -(readyMs ?? 0) : magnitude(nowMs - (readyMs ?? 0)),
    ...maxRestarts(pod),
    created,
    age: nowMs === undefined ? -created : magnitude(nowMs - created),
  }
}

function compareRanks(a: Rank, b: Rank): number {
  for (let i = 0; i < a.order.length; i++) {
    const difference = (a.order[i] ?? 0) - (b.order[i] ?? 0)
    if (difference !== 0) return difference
  }
  if (a.readyMs !== undefined && b.readyMs !== undefined && a.readyMs !== b.readyMs) return byAge(a, b, [a.readyMs, b.readyMs, a.readyAge, b.readyAge])
  if (a.restarts !== b.restarts) return b.restarts - a.restarts
  if (a.sidecarRestarts !== b.sidecarRestarts) return b.sidecarRestarts - a.sidecarRestarts
  if (a.created !== b.created) return byAge(a, b, [a.created, b.created, a.age, b.age])
  return 0
}

/** Unknown times go first; ages of the same magnitude count as equal, and the uid decides. */
function byAge(a: Rank, b: Rank, [timeA, timeB, ageA, ageB]: [number, number, number, number]): number {
  if (timeA === 0 || timeB === 0) return timeA === 0 ? -1 : 1
  if (ageA !== ageB) return ageA - ageB
  return (a.pod.metadata.uid ?? '') < (b.pod.metadata.uid ?? '') ? -1 : 1
}

/** The whole part of the binary logarithm of an age in nanoseconds, -1 for none. */
function magnitude(ageMs: number): number {
  return ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1
}

function deletionCost(pod: Pod): number {
  const cost = pod.metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost']
  return cost !== undefined && /^(0|-?[1-9]\d*)$/.test(cost) ? Number(cost) : 0
}

function maxRestarts(pod: Pod): { restarts: number; sidecarRestarts: number } {
  let restarts = 0
  let sidecarRestarts = 0
  for (const c of pod.status?.containerStatuses ?? []) restarts = Math.max(restarts, c.restartCount ?? 0)
  const sidecars = pod.spec?.initContainers?.filter((c) => c.restartPolicy === 'Always')
  if (sidecars?.length) for (const c of pod.status?.initContainerStatuses ?? []) if (sidecars.some((s) => s.name === c.name)) sidecarRestarts = Math.max(sidecarRestarts, c.restartCount ?? 0)
  return { restarts, sidecarRestarts }
}
