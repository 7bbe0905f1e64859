/**
 * The sizes a Deployment gives its ReplicaSets: rolling, recreating, scaling in proportion, and which it no longer keeps.
 * Pure; models rolling.go, recreate.go and scale/cleanupDeployment of sync.go in k8s.io/kubernetes/pkg/controller/deployment.
 */
import type { Deployment, ReplicaSet } from '../schemas/types.ts'
import { scaled } from '../src/controller/int-or-percent.ts'
import { DESIRED_REPLICAS, MAX_REPLICAS, isRollingUpdate, maxSurge, maxUnavailable, olderFirst, revisionOf, sizeOf, type Sets } from './_deployment-revision.ts'

/** A write to a ReplicaSet. One with the size it has only refreshes the annotations about replicas. */
export interface Scale {
  set: ReplicaSet
  replicas: number
}

const UNLIMITED = 2147483647

const total = (sets: readonly ReplicaSet[]) => sets.reduce((sum, rs) => sum + sizeOf(rs), 0)
const available = (sets: readonly ReplicaSet[]) => sets.reduce((sum, rs) => sum + (rs.status?.availableReplicas ?? 0), 0)
const isActive = (rs: ReplicaSet) => sizeOf(rs) > 0

export function allSets({ current, old }: Sets): ReplicaSet[] {
  return current ? [...old, current] : old
}

/** How many replicas the current set can have now. */
export function currentSize(d: Deployment, others: readonly ReplicaSet[], size: number): number {
  if (!isRollingUpdate(d)) return sizeOf(d)
  const surge = scaled(d.spec.strategy?.rollingUpdate?.maxSurge, sizeOf(d), 'up') ?? 0
  const room = sizeOf(d) + surge - total(others) - size
  return room <= 0 ? size : size + Math.min(room, sizeOf(d) - size)
}

/** One step of a rolling update: the new set grows, or else the old ones shrink. */
export function planRolling(d: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Scale[] {
  const size = sizeOf(current)
  const wanted = size > sizeOf(d) ? sizeOf(d) : size < sizeOf(d) ? currentSize(d, old, size) : size
  if (wanted !== size) return [{ set: current, replicas: wanted }]
  return shrinkOld(d, current, old.filter(isActive))
}

function shrinkOld(d: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Scale[] {
  const minAvailable = sizeOf(d) - maxUnavailable(d)
  const unavailable = sizeOf(current) - (current.status?.availableReplicas ?? 0)
  const most = total(old) + sizeOf(current) - minAvailable - unavailable
  if (old.length === 0 || most <= 0) return []
  const sizes = new Map(old.map((rs) => [rs, sizeOf(rs)]))
  const scales: Scale[] = []
  const shrink = (left: number, surplus: (rs: ReplicaSet, size: number) => number) => {
    for (const rs of [...old].sort(olderFirst)) {
      const size = sizes.get(rs) ?? 0
      const by = Math.min(left, surplus(rs, size))
      if (by <= 0) continue
      left -= by
      sizes.set(rs, size - by)
      scales.push({ set: rs, replicas: size - by })
    }
  }
  // First the replicas that serve nobody, then available ones as far as enough others are.
  shrink(most, (rs, size) => size - (rs.status?.availableReplicas ?? 0))
  shrink(available(old) + available([current]) - minAvailable, (_, size) => size)
  return scales
}

/** Old sets to nothing first; the new one only once none of their pods is left. */
export function planRecreate(d: Deployment, { current, old }: Sets, oldPodsRun: boolean): Scale[] {
  const shrink = old.filter(isActive).map((set) => ({ set, replicas: 0 }))
  if (shrink.length > 0 || oldPodsRun || !current || sizeOf(current) === sizeOf(d)) return shrink
  return [{ set: current, replicas: sizeOf(d) }]
}

/** True when the Deployment was scaled since its active sets were last annotated. */
export function isScaling(d: Deployment, sets: Sets): boolean {
  return allSets(sets).some((rs) => {
    const desired = isActive(rs) ? countOf(rs, DESIRED_REPLICAS) : undefined
    return desired !== undefined && desired !== sizeOf(d)
  })
}

/** Spreads a change of the Deployment's size over its sets. */
export function planScaling(d: Deployment, sets: Sets): Scale[] {
  const { current, old } = sets
  const active = allSets(sets).filter(isActive)
  if (active.length < 2) {
    const only = active[0] ?? current ?? [...old].sort(olderFirst).at(-1)
    return only && sizeOf(only) !== sizeOf(d) ? [{ set: only, replicas: sizeOf(d) }] : []
  }
  if (current && isSaturated(d, current)) return active.filter((rs) => rs !== current).map((set) => ({ set, replicas: 0 }))
  return isRollingUpdate(d) ? proportional(d, active) : []
}

function isSaturated(d: Deployment, rs: ReplicaSet): boolean {
  return sizeOf(rs) === sizeOf(d) && Number(rs.metadata.annotations?.[DESIRED_REPLICAS]) === sizeOf(d) && rs.status?.availableReplicas === sizeOf(d)
}

function proportional(d: Deployment, active: readonly ReplicaSet[]): Scale[] {
  const toAdd = (sizeOf(d) > 0 ? sizeOf(d) + maxSurge(d) : 0) - total(active)
  const sets = [...active].sort((a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? olderFirst(b, a) : olderFirst(a, b)))
  let added = 0
  const scales = sets.map((set) => {
    const share = toAdd === 0 || added === toAdd ? 0 : proportionOf(d, set, toAdd - added)
    added += share
    return { set, replicas: sizeOf(set) + share }
  })
  const first = scales[0]
  if (first && toAdd !== 0) first.replicas = Math.max(0, first.replicas + toAdd - added)
  return scales
}

function proportionOf(d: Deployment, rs: ReplicaSet, allowed: number): number {
  const fraction = fractionOf(d, rs)
  return allowed > 0 ? Math.min(fraction, allowed) : Math.max(fraction, allowed)
}

function fractionOf(d: Deployment, rs: ReplicaSet): number {
  const size = sizeOf(rs)
  if (sizeOf(d) === 0) return -size
  const before = countOf(rs, MAX_REPLICAS) || d.status?.replicas || 0
  return before === 0 ? 0 : Math.round((size * (sizeOf(d) + maxSurge(d))) / before) - size
}

function countOf(rs: ReplicaSet, annotation: string): number | undefined {
  const text = rs.metadata.annotations?.[annotation]
  return text !== undefined && /^\d+$/.test(text) && Number(text) <= UNLIMITED ? Number(text) : undefined
}

/** The oldest revisions beyond the limit, if nothing of them runs. */
export function planCleanup(d: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = d.spec.revisionHistoryLimit
  if (limit === undefined || limit === UNLIMITED) return []
  const alive = old.filter((rs) => !rs.metadata.deletionTimestamp)
  if (alive.length <= limit) return []
  const byRevision = [...alive].sort((a, b) => compareRevisions(a, b) || olderFirst(a, b))
  return byRevision
    .slice(0, alive.length - limit)
    .filter((rs) => sizeOf(rs) === 0 && !rs.status?.replicas && (rs.metadata.generation ?? 0) <= (rs.status?.observedGeneration ?? 0))
}

function compareRevisions(a: ReplicaSet, b: ReplicaSet): number {
  const [x, y] = [revisionOf(a) ?? 0n, revisionOf(b) ?? 0n]
  return x < y ? -1 : x > y ? 1 : 0
}
