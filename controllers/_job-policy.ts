/**
 * What a Job's policies say of failed pods and succeeded indexes, and how long it backs off after failures.
 * Pure; models pod_failure_policy.go, success_policy.go and backoff_utils.go of k8s.io/kubernetes/pkg/controller/job.
 */
import type { ContainerStatus, Job, Pod, PodFailurePolicyOnExitCodesRequirement } from '../schemas/types.ts'
import { Indexes } from './_job-indexes.ts'

export const FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count'
export const IGNORED_FAILURE_COUNT = 'batch.kubernetes.io/job-index-ignored-failure-count'
const BACKOFF_MS = 10_000
const MOST_BACKOFF_MS = 600_000

export interface Verdict {
  /** Set when the whole Job is to fail: why. */
  failsJob?: string
  failsIndex: boolean
  /** Whether the failure counts against the back-off limit. */
  counts: boolean
}

export function judgeFailure(job: Job, pod: Pod): Verdict {
  for (const [i, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const container = rule.onExitCodes && failedContainer(pod, rule.onExitCodes)
    const condition = rule.onExitCodes ? undefined : pod.status?.conditions?.find((c) => rule.onPodConditions?.some((p) => p.type === c.type && (p.status ?? 'True') === c.status))
    if (!container && !condition) continue
    const who = `${pod.metadata.namespace}/${pod.metadata.name}`
    if (rule.action === 'Ignore') return { failsIndex: false, counts: false }
    if (rule.action === 'FailIndex') return { failsIndex: true, counts: true }
    if (rule.action === 'Count') return { failsIndex: false, counts: true }
    if (rule.action === 'FailJob') {
      const why = container ? `Container ${container.name} for pod ${who} failed with exit code ${container.state?.terminated?.exitCode}` : `Pod ${who} has condition ${condition?.type}`
      return { failsJob: `${why} matching FailJob rule at index ${i}`, failsIndex: false, counts: true }
    }
  }
  return { failsIndex: false, counts: true }
}

function failedContainer(pod: Pod, rule: PodFailurePolicyOnExitCodesRequirement): ContainerStatus | undefined {
  return [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((c) => {
    const code = c.state?.terminated?.exitCode ?? 0
    if (code === 0 || (rule.containerName !== undefined && rule.containerName !== c.name)) return false
    return rule.operator === 'In' ? rule.values?.includes(code) : rule.operator === 'NotIn' && !rule.values?.includes(code)
  })
}

/** Which rule of the success policy is met, in upstream's words; undefined for none. */
export function successRuleMet(job: Job, succeeded: Indexes): string | undefined {
  if (succeeded.total === 0) return undefined
  for (const [i, rule] of (job.spec.successPolicy?.rules ?? []).entries()) {
    const required = rule.succeededIndexes === undefined ? undefined : Indexes.parse(rule.succeededIndexes, job.spec.completions ?? 0)
    if (required && required.total === 0) continue
    const reached = required ? required.overlap(succeeded) : succeeded.total
    if ((required && reached === required.total) || (rule.succeededCount !== undefined && reached >= rule.succeededCount)) return `Matched rules at index ${i}`
  }
  return undefined
}

export function onlyReplacesFailed(job: Job): boolean {
  return job.spec.podReplacementPolicy === 'Failed' || job.spec.podFailurePolicy !== undefined
}

/** Where terminating pods are replaced at once they count as failed. */
export function isPodFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true
  return !onlyReplacesFailed(job) && pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded'
}

/** When the pod ended, as far as it can be told. */
export function finishedMs(pod: Pod): number {
  const sidecars = new Set((pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? []).filter((c) => sidecars.has(c.name))]
  const ends = statuses.map((c) => Date.parse(c.state?.terminated?.finishedAt ?? ''))
  if (ends.length > 0 && !ends.some(Number.isNaN)) return Math.max(...ends)
  const ready = pod.status?.conditions?.find((c) => c.type === 'Ready')
  if (ready?.status === 'False' && ready.lastTransitionTime) return Date.parse(ready.lastTransitionTime)
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata
  return deletionTimestamp ? Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000 : Date.parse(creationTimestamp ?? '') || 0
}

/** Failures since the last success, and when the last of them was. */
export interface Backoff {
  failures: number
  lastMs: number
}

export function nextBackoff(before: Backoff | undefined, succeeded: readonly Pod[], failed: readonly Pod[]): Backoff {
  const ends = failed.map(finishedMs).sort((a, b) => a - b)
  if (succeeded.length === 0) return ends.length === 0 ? (before ?? { failures: 0, lastMs: 0 }) : { failures: (before?.failures ?? 0) + ends.length, lastMs: ends.at(-1) ?? 0 }
  const success = Math.max(...succeeded.map(finishedMs))
  const after = ends.filter((end) => end > success)
  return { failures: after.length, lastMs: after.at(-1) ?? 0 }
}

export function backoffLeftMs({ failures, lastMs }: Backoff, nowMs: number): number {
  if (failures === 0) return 0
  return Math.max(0, lastMs + Math.min(BACKOFF_MS * 2 ** Math.min(failures - 1, 20), MOST_BACKOFF_MS) - nowMs)
}

function countIn(pod: Pod, annotation: string): number {
  const text = pod.metadata.annotations?.[annotation]
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 0
}

/** Failures of an index before and without this pod's own. */
export function indexFailures(pod: Pod): { counted: number; ignored: number } {
  return { counted: countIn(pod, FAILURE_COUNT), ignored: countIn(pod, IGNORED_FAILURE_COUNT) }
}

export function isIndexFailed(job: Job, pod: Pod): boolean {
  if (!isPodFailed(job, pod)) return false
  const { failsIndex, counts } = judgeFailure(job, pod)
  return failsIndex || (counts && indexFailures(pod).counted >= (job.spec.backoffLimitPerIndex ?? Infinity))
}

/** The annotations of the pod that takes the place of a failed one. */
export function replacementAnnotations(job: Job, replaced: Pod | undefined): Record<string, string> {
  if (!replaced) return { [FAILURE_COUNT]: '0' }
  const { counted, ignored } = indexFailures(replaced)
  const { counts } = judgeFailure(job, replaced)
  const ignoredNow = ignored + (counts ? 0 : 1)
  return { [FAILURE_COUNT]: String(counted + (counts ? 1 : 0)), ...(ignoredNow > 0 ? { [IGNORED_FAILURE_COUNT]: String(ignoredNow) } : {}) }
}
