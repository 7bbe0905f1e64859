/**
 * The conditions a kubelet keeps in a pod's status, from what it knows of the containers. Pure.
 * Models pkg/kubelet/status/generate.go.
 */
import type { Pod, PodCondition } from '../../schemas/types.ts'
import type { ContainerRecord } from './container-record.ts'
import { restartingCondition } from './restart-all.ts'

export const KUBELET_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodResizePending', 'PodResizeInProgress', 'AllContainersRestarting'])

interface Verdict {
  status: 'True' | 'False'
  reason?: string
  message?: string
}

const TRUE: Verdict = { status: 'True' }

export interface ConditionInput {
  pod: Pod
  records: readonly ContainerRecord[]
  phase: string
  /** A sandbox with an address exists. */
  hasSandbox: boolean
  now: string
  /** Also those conditions that only a node which reports in full keeps. */
  inFull: boolean
  /** Of resources that are to be others. */
  resize?: readonly PodCondition[]
}

export function podConditions(input: ConditionInput): PodCondition[] {
  const { pod, records, phase, hasSandbox, inFull } = input
  const old = pod.status?.conditions ?? []
  const conditions = old.filter((c) => !KUBELET_CONDITIONS.has(c.type ?? '') || (!inFull && c.type === 'PodScheduled'))
  conditions.push(...(input.resize ?? []))
  const put = (type: string, verdict: Verdict) => conditions.push(condition(input, old, { type, ...verdict }))
  const containersReady = containersReadyVerdict(records, phase)
  if (inFull) put('PodReadyToStartContainers', hasSandbox ? TRUE : { status: 'False' })
  put('Initialized', initializedVerdict(records, phase))
  put('Ready', readyVerdict(pod, containersReady))
  put('ContainersReady', containersReady)
  if (inFull) put('PodScheduled', TRUE)
  const restarting = inFull ? restartingCondition(pod, records, phase) : undefined
  if (restarting) put('AllContainersRestarting', restarting)
  return conditions
}

function condition({ pod, now }: ConditionInput, old: readonly PodCondition[], wanted: Verdict & { type: string }): PodCondition {
  const before = old.find((c) => c.type === wanted.type)
  return {
    lastProbeTime: before?.lastProbeTime,
    lastTransitionTime: before?.status === wanted.status ? before.lastTransitionTime : now,
    ...wanted,
    observedGeneration: pod.metadata.generation,
  }
}

export function containersReadyVerdict(records: readonly ContainerRecord[], phase: string): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  const unready: string[] = []
  for (const r of records) if ((r.role === 'app' || r.role === 'sidecar') && !r.ready) unready.push(r.name)
  if (unready.length === 0) return TRUE
  return { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` }
}

export function initializedVerdict(records: readonly ContainerRecord[], phase: string): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  const incomplete: string[] = []
  for (const r of records) {
    if (r.role === 'app' && (r.state === 'running' || r.state === 'exited')) return TRUE
    if ((r.role === 'init' && !r.ready) || (r.role === 'sidecar' && !r.started)) incomplete.push(r.name)
  }
  if (incomplete.length === 0) return TRUE
  return { status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${incomplete.join(' ')}]` }
}

export function readyVerdict(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== 'True') return containersReady
  const gates = pod.spec.readinessGates
  if (!gates?.length) return TRUE
  const messages: string[] = []
  for (const { conditionType = '' } of gates) {
    const found = pod.status?.conditions?.find((c) => c.type === conditionType)
    if (!found) messages.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`)
    else if (found.status !== 'True') messages.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`)
  }
  return messages.length === 0 ? TRUE : { status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') }
}
