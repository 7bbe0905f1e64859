/**
 * The printed columns of pods, and the cells that kinds with a pod template share.
 * Models printPod and layoutContainerCells of k8s.io/kubernetes/pkg/printers/internalversion/printers.go.
 */
import type { Container, ContainerStatus, Pod, PodTemplateSpec } from '../../../schemas/types.ts'
import type { Column, ColumnContext, RowCondition } from '../../../src/registry/kind.ts'

export interface PodSummary {
  ready: string
  status: string
  restarts: number
  /** When a container last ended before it was restarted. */
  lastRestart: string | undefined
}

const NONE = '<none>'

export const podColumns: readonly Column<Pod>[] = [
  { name: 'Name', format: 'name', value: (pod) => pod.metadata.name ?? '' },
  { name: 'Ready', value: (pod) => summarizePod(pod).ready },
  { name: 'Status', value: (pod) => summarizePod(pod).status },
  { name: 'Restarts', value: restartsCell },
  { name: 'Age', value: (pod, ctx) => ctx.age(pod.metadata.creationTimestamp) },
  { name: 'IP', priority: 1, value: (pod) => pod.status?.podIPs?.[0]?.ip || NONE },
  { name: 'Node', priority: 1, value: (pod) => pod.spec?.nodeName || NONE },
  { name: 'Nominated Node', priority: 1, value: (pod) => pod.status?.nominatedNodeName || NONE },
  { name: 'Readiness Gates', priority: 1, value: readinessGatesCell },
]

export function podRowConditions(pod: Pod): RowCondition[] {
  const phase = pod.status?.phase
  if (phase === 'Succeeded') return [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }]
  if (phase === 'Failed') return [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }]
  return []
}

/** What kubectl shows of a pod: the state of its containers where they say more than its phase. */
export function summarizePod(pod: Pod): PodSummary {
  const initial = summarizeInit(pod)
  let { status, restarts, lastRestart } = initial
  let ready = initial.sidecarsReady
  if (!initial.isInitializing || hasCondition(pod, 'Initialized')) {
    const main = summarizeContainers(pod, status)
    status = main.status
    ready += main.ready
    restarts = initial.sidecarRestarts + main.restarts
    lastRestart = later(initial.lastSidecarRestart, main.lastRestart)
  }
  const phase = pod.status?.phase
  if (pod.metadata.deletionTimestamp) {
    if (pod.status?.reason === 'NodeLost') status = 'Unknown'
    else if (phase !== 'Succeeded' && phase !== 'Failed') status = 'Terminating'
  }
  return { ready: `${ready}/${initial.total}`, status, restarts, lastRestart }
}

function initialStatus(pod: Pod): string {
  if (pod.status?.conditions?.some((c) => c.type === 'PodScheduled' && c.reason === 'SchedulingGated')) return 'SchedulingGated'
  return pod.status?.reason || (pod.status?.phase ?? '')
}

function isSidecar(container: Container | undefined): boolean {
  return container?.restartPolicy === 'Always'
}

/** What the init containers say: the first that is not done hides the main containers. */
function summarizeInit(pod: Pod) {
  const inits = pod.spec?.initContainers ?? []
  const out = {
    total: (pod.spec?.containers?.length ?? 0) + inits.filter(isSidecar).length,
    status: initialStatus(pod), isInitializing: false, restarts: 0, sidecarRestarts: 0, sidecarsReady: 0,
    lastRestart: undefined as string | undefined, lastSidecarRestart: undefined as string | undefined,
  }
  for (const [i, s] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(inits.find((c) => c.name === s.name))
    const ended = s.lastState?.terminated?.finishedAt
    out.restarts += s.restartCount ?? 0
    out.lastRestart = later(out.lastRestart, ended)
    if (sidecar) {
      out.sidecarRestarts += s.restartCount ?? 0
      out.lastSidecarRestart = later(out.lastSidecarRestart, ended)
    }
    if (s.state?.terminated && !s.state.terminated.exitCode) continue
    if (sidecar && s.started) {
      if (s.ready) out.sidecarsReady++
      continue
    }
    const waiting = s.state?.waiting?.reason
    out.isInitializing = true
    if (s.state?.terminated) out.status = `Init:${terminatedReason(s)}`
    else out.status = waiting && waiting !== 'PodInitializing' ? `Init:${waiting}` : `Init:${i}/${inits.length}`
    break
  }
  return out
}

/** What the main containers say; the first in the list has the last word. */
function summarizeContainers(pod: Pod, initial: string) {
  let status = initial
  let failure = ''
  let isRunning = false
  let ready = 0
  let restarts = 0
  let lastRestart: string | undefined
  for (const s of [...(pod.status?.containerStatuses ?? [])].reverse()) {
    restarts += s.restartCount ?? 0
    lastRestart = later(lastRestart, s.lastState?.terminated?.finishedAt)
    if (s.state?.waiting?.reason) status = s.state.waiting.reason
    else if (s.state?.terminated) {
      status = terminatedReason(s)
      if (s.state.terminated.exitCode) failure = status
    } else if (s.ready && s.state?.running) {
      isRunning = true
      ready++
    }
  }
  if (status === 'Completed') {
    if (isRunning && pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')) status = 'Running'
    else if (failure) status = failure
    else if (isRunning) status = 'NotReady'
  }
  return { status, ready, restarts, lastRestart }
}

function terminatedReason(status: ContainerStatus): string {
  const ended = status.state?.terminated
  if (ended?.reason) return ended.reason
  return ended?.signal ? `Signal:${ended.signal}` : `ExitCode:${ended?.exitCode ?? 0}`
}

function hasCondition(pod: Pod, type: string): boolean {
  const condition = pod.status?.conditions?.find((c) => c.type === type)
  return condition?.status === 'True'
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  return b && (!a || a < b) ? b : a
}

function restartsCell(pod: Pod, ctx: ColumnContext): string {
  const { restarts, lastRestart } = summarizePod(pod)
  return restarts && lastRestart ? `${restarts} (${ctx.age(lastRestart)} ago)` : String(restarts)
}

function readinessGatesCell(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? []
  if (gates.length === 0) return NONE
  return `${gates.filter((g) => g.conditionType && hasCondition(pod, g.conditionType)).length}/${gates.length}`
}

/** Names and images of a template's containers, as wide columns show them. */
export function containerColumns<T>(template: (object: T) => PodTemplateSpec | undefined, options?: { priority: number }): Column<T>[] {
  const priority = options?.priority ?? 1
  const list = (object: T, key: 'name' | 'image') => (template(object)?.spec?.containers ?? []).map((c) => c[key] ?? '').join(',')
  return [
    { name: 'Containers', priority, value: (o) => list(o, 'name') },
    { name: 'Images', priority, value: (o) => list(o, 'image') },
  ]
}

/** A map of labels as columns show it. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(labels ?? {}).sort().map((key) => `${key}=${labels?.[key] ?? ''}`).join(',') || NONE
}
