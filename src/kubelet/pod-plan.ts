/**
 * Which containers of a pod start, restart or end next, and which phase the pod is in. Pure.
 * Models computePodActions of pkg/kubelet/kuberuntime/kuberuntime_manager.go and getPhase of pkg/kubelet/kubelet_pods.go.
 */
import type { Container, Pod } from '../../schemas/types.ts'
import type { ContainerRecord } from './container-record.ts'
import { matchingRule } from './restart-all.ts'

export interface PodPlan {
  start: ContainerRecord[]
  /** Sidecars, and who was sent to look at the pod, that go down once the work is done, the last one first. */
  stop: ContainerRecord[]
  /** Containers that must wait before they start again, and until when. */
  backOff: { record: ContainerRecord; untilMs: number; delayMs: number }[]
}

const BACKOFF_START_MS = 10_000
const BACKOFF_MAX_MS = 300_000

export function planPod(pod: Pod, records: readonly ContainerRecord[], nowMs: number): PodPlan {
  const plan: PodPlan = { start: [], stop: [], backOff: [] }
  const phase = podPhase(pod, records)
  if (phase === 'Failed' || phase === 'Succeeded' || isWorkDone(pod, records)) {
    plan.stop = records.filter((r) => (r.role === 'sidecar' || r.role === 'ephemeral') && (r.state === 'running' || r.state === 'starting')).reverse()
    return plan
  }
  const appsStarted = records.some((r) => r.role === 'app' && r.state !== 'waiting')
  for (const record of records) {
    if (record.role !== 'ephemeral') continue
    // Started whatever the others do, and only once.
    if (record.state === 'waiting') plan.start.push(record)
  }
  for (const record of records) {
    if (record.role === 'ephemeral') continue
    if (record.role === 'app') {
      wantRunning(plan, pod, record, nowMs)
    } else if (record.role === 'sidecar') {
      wantRunning(plan, pod, record, nowMs)
      if (!appsStarted && !(record.state === 'running' && record.started)) break
    } else if (!appsStarted && !(record.state === 'exited' && record.exit?.code === 0)) {
      wantRunning(plan, pod, record, nowMs)
      break
    }
  }
  return plan
}

function wantRunning(plan: PodPlan, pod: Pod, record: ContainerRecord, nowMs: number): void {
  if (record.state === 'waiting') plan.start.push(record)
  if (record.state !== 'exited' || !record.exit || !shouldRestart(pod, record, record.exit.code)) return
  const delayMs = backOffMs(record)
  const untilMs = record.exit.finishedAtMs + delayMs
  if (untilMs <= nowMs) plan.start.push(record)
  else plan.backOff.push({ record, untilMs, delayMs })
}

/** The first restart comes at once, then after 10 s, 20 s, … 5 min; a run of ten minutes is forgiven. */
export function backOffMs(record: ContainerRecord): number {
  const ranMs = (record.exit?.finishedAtMs ?? 0) - (Date.parse(record.startedAt ?? '') || 0)
  if (record.mustRestart || record.restartCount === 0 || ranMs >= 2 * BACKOFF_MAX_MS) return 0
  return Math.min(BACKOFF_MAX_MS, BACKOFF_START_MS * 2 ** Math.min(record.restartCount - 1, 10))
}

export function shouldRestart(pod: Pod, record: ContainerRecord, exitCode: number): boolean {
  if (record.mustRestart) return true
  const { container, role } = record
  const byRule = restartByRule(container, exitCode)
  if (byRule !== undefined) return byRule
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always'
  if (policy === 'Never') return false
  if (policy === 'Always') return role === 'init' ? exitCode !== 0 : true
  return exitCode !== 0
}

function restartByRule(container: Container, exitCode: number): boolean | undefined {
  return matchingRule(container, exitCode) === undefined ? undefined : true
}

/** All app containers have ended for good: nothing is left for the sidecars to serve. */
function isWorkDone(pod: Pod, records: readonly ContainerRecord[]): boolean {
  return records.every((r) => r.role !== 'app' || (r.state === 'exited' && r.exit !== undefined && !shouldRestart(pod, r, r.exit.code)))
}

/** @param isEnding nothing will be started any more */
export function podPhase(pod: Pod, records: readonly ContainerRecord[], isEnding = false): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  if (isEnding && records.every((r) => r.handle === undefined)) return records.every((r) => r.role !== 'app' || r.exit?.code === 0) ? 'Succeeded' : 'Failed'
  const appsStarted = records.some((r) => r.role === 'app' && (r.state === 'running' || r.state === 'exited'))
  let running = 0
  for (const r of records) {
    if (r.role === 'init') {
      if (r.state === 'exited' && r.exit) {
        if (r.exit.code !== 0 && !shouldRestart(pod, r, r.exit.code)) return 'Failed'
        if (r.exit.code !== 0 && !appsStarted) return 'Pending'
      } else if (!appsStarted) return 'Pending'
    } else if (r.role === 'sidecar') {
      if (!appsStarted && !(r.state === 'running' && r.started)) return 'Pending'
      if (r.state === 'running') running++
    }
  }
  let ended = 0
  let succeeded = 0
  let apps = 0
  for (const r of records) {
    if (r.role !== 'app') continue
    apps++
    if (r.state === 'running' || (r.state === 'starting' && r.lastState)) running++
    else if (r.state !== 'exited' || !r.exit) return 'Pending'
    else {
      if (r.exit.code === 0) succeeded++
      if (!shouldRestart(pod, r, r.exit.code)) ended++
    }
  }
  if (running > 0 || ended < apps) return 'Running'
  return succeeded === apps ? 'Succeeded' : 'Failed'
}
