/**
 * What a Deployment's status says: counts over its ReplicaSets, and whether it is available, progressing or stuck.
 * Pure; models k8s.io/kubernetes/pkg/controller/deployment/progress.go and calculateStatus of sync.go.
 */
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { conditionOf, withCondition, withoutCondition } from '../src/controller/conditions.ts'
import { omitZero } from '../src/controller/wire.ts'
import { allSets } from './_deployment-plan.ts'
import { maxUnavailable, sizeOf, type Sets } from './_deployment-revision.ts'

const UNLIMITED = 2147483647
const DONE = 'NewReplicaSetAvailable'
const TIMED_OUT = 'ProgressDeadlineExceeded'

export function hasProgressDeadline(d: Deployment): boolean {
  return d.spec.progressDeadlineSeconds !== undefined && d.spec.progressDeadlineSeconds !== UNLIMITED
}

export function progressing(status: 'True' | 'False' | 'Unknown', reason: string, [message, nowMs]: [string, number]): DeploymentCondition {
  return condition('Progressing', status, { reason, message, nowMs })
}

function condition(type: string, status: string, { reason, message, nowMs }: { reason: string; message: string; nowMs: number }): DeploymentCondition {
  const now = formatTime(nowMs)
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message }
}

/** The conditions with what pausing or resuming has to say. */
export function pausedConditions(d: Deployment, nowMs: number): DeploymentCondition[] | undefined {
  const conditions = d.status?.conditions
  const current = conditionOf(conditions, 'Progressing')
  if (!hasProgressDeadline(d) || current?.reason === TIMED_OUT) return conditions
  const wasPaused = current?.reason === 'DeploymentPaused'
  if (d.spec.paused && !wasPaused) return withCondition(conditions, progressing('Unknown', 'DeploymentPaused', ['Deployment is paused', nowMs]), true)
  if (!d.spec.paused && wasPaused) return withCondition(conditions, progressing('Unknown', 'DeploymentResumed', ['Deployment is resumed', nowMs]), true)
  return conditions
}

const sum = (sets: readonly ReplicaSet[], of: (rs: ReplicaSet) => number | undefined) => sets.reduce((n, rs) => n + (of(rs) ?? 0), 0)

/** @param d with the conditions it is to start from */
export function plainStatus(d: Deployment, sets: Sets, nowMs: number): DeploymentStatus {
  const every = allSets(sets)
  const available = sum(every, (rs) => rs.status?.availableReplicas)
  const isAvailable = available >= sizeOf(d) - maxUnavailable(d)
  const conditions = withCondition(
    d.status?.conditions,
    isAvailable
      ? condition('Available', 'True', { reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.', nowMs })
      : condition('Available', 'False', { reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.', nowMs }),
    true,
  )
  const terminating = terminatingOf(every)
  return {
    ...omitZero({
      observedGeneration: d.metadata.generation,
      replicas: sum(every, (rs) => rs.status?.replicas),
      updatedReplicas: sets.current?.status?.replicas,
      readyReplicas: sum(every, (rs) => rs.status?.readyReplicas),
      availableReplicas: available,
      unavailableReplicas: Math.max(0, sum(every, sizeOf) - available),
      conditions,
    }),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...(d.status?.collisionCount === undefined ? {} : { collisionCount: d.status.collisionCount }),
  }
}

/** Undefined while a set that was observed before this was counted has not told. */
function terminatingOf(sets: readonly ReplicaSet[]): number | undefined {
  let count = 0
  for (const { status } of sets) {
    if (status?.terminatingReplicas !== undefined) count += status.terminatingReplicas
    else if (status?.observedGeneration) return undefined
  }
  return count
}

export function isComplete(d: Deployment, status: DeploymentStatus | undefined): boolean {
  const size = sizeOf(d)
  return (status?.updatedReplicas ?? 0) === size && (status?.replicas ?? 0) === size && (status?.availableReplicas ?? 0) === size && (status?.observedGeneration ?? 0) >= (d.metadata.generation ?? 0)
}

function hasProgressed(before: DeploymentStatus | undefined, after: DeploymentStatus): boolean {
  const of = (s: DeploymentStatus | undefined) => ({ updated: s?.updatedReplicas ?? 0, old: (s?.replicas ?? 0) - (s?.updatedReplicas ?? 0), ready: s?.readyReplicas ?? 0, available: s?.availableReplicas ?? 0 })
  const [was, is] = [of(before), of(after)]
  return is.updated > was.updated || is.old < was.old || is.ready > was.ready || is.available > was.available
}

/** The status during and after a rollout. @param d with the conditions it is to start from */
export function rolloutStatus(d: Deployment, sets: Sets, nowMs: number): DeploymentStatus {
  const status = plainStatus(d, sets, nowMs)
  const current = conditionOf(d.status?.conditions, 'Progressing')
  let { conditions } = status
  if (!hasProgressDeadline(d)) conditions = withoutCondition(conditions, 'Progressing')
  else if (!(status.replicas === status.updatedReplicas && current?.reason === DONE)) conditions = progressConditions(d, { status, current, name: sets.current?.metadata.name, nowMs })
  const failure = failureOf(sets)
  conditions = failure ? withCondition(conditions, failure, true) : withoutCondition(conditions, 'ReplicaFailure')
  const { conditions: _, ...counts } = status
  return { ...counts, ...omitZero({ conditions }) }
}

function progressConditions(d: Deployment, p: { status: DeploymentStatus; current: DeploymentCondition | undefined; name: string | undefined; nowMs: number }): DeploymentCondition[] | undefined {
  const { status, current, nowMs } = p
  const who = p.name === undefined ? `Deployment "${d.metadata.name}"` : `ReplicaSet "${p.name}"`
  if (isComplete(d, status)) return withCondition(status.conditions, progressing('True', DONE, [`${who} has successfully progressed.`, nowMs]), true)
  if (hasProgressed(d.status, status)) {
    const fresh = progressing('True', 'ReplicaSetUpdated', [`${who} is progressing.`, nowMs])
    if (current?.status === 'True') fresh.lastTransitionTime = current.lastTransitionTime
    return [...withoutCondition(status.conditions, 'Progressing'), fresh]
  }
  if (isTimedOut(d, current, nowMs)) return withCondition(status.conditions, progressing('False', TIMED_OUT, [`${who} has timed out progressing.`, nowMs]), true)
  return status.conditions
}

function isTimedOut(d: Deployment, current: DeploymentCondition | undefined, nowMs: number): boolean {
  if (!current || current.reason === DONE) return false
  if (current.reason === TIMED_OUT) return true
  return Date.parse(current.lastUpdateTime ?? '') + (d.spec.progressDeadlineSeconds ?? 0) * 1000 < nowMs
}

/** The current set's failure comes before those of others. */
function failureOf(sets: Sets): DeploymentCondition | undefined {
  for (const rs of [sets.current, ...sets.old]) {
    const c = conditionOf(rs?.status?.conditions, 'ReplicaFailure')
    if (c) return { type: c.type, status: c.status, lastUpdateTime: c.lastTransitionTime, lastTransitionTime: c.lastTransitionTime, reason: c.reason, message: c.message }
  }
  return undefined
}

/** When to look again whether the deadline has passed; undefined when there is nothing to wait for. */
export function deadlineCheckMs(d: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const current = conditionOf(status.conditions, 'Progressing')
  if (!hasProgressDeadline(d) || !current || isComplete(d, status) || current.reason === TIMED_OUT) return undefined
  const after = Date.parse(current.lastUpdateTime ?? '') + (d.spec.progressDeadlineSeconds ?? 0) * 1000 - nowMs
  return Math.max(0, after) + 1000
}
