/**
 * What is to be done so that a pod's running containers have the resources that were granted to it. Pure.
 * Models computePodResizeAction and validateMemoryResizeAction of pkg/kubelet/kuberuntime/kuberuntime_manager.go.
 */
import type { Pod } from '../../schemas/types.ts'
import { quantityValue } from '../apimachinery/quantity.ts'
import { effectiveResources, podLevelResources, resizeOf, sameResources } from './allocation.ts'
import type { ContainerRecord } from './container-record.ts'

export interface ResizePlan {
  restart: ContainerRecord[]
  update: ContainerRecord[]
  /** Why nothing of it can be done now. */
  problem?: string
}

/** @param pod with what was granted */
export function planResize(pod: Pod, records: readonly ContainerRecord[]): ResizePlan {
  const plan: ResizePlan = { restart: [], update: [] }
  for (const record of records) {
    if (record.role === 'ephemeral' || record.state !== 'running' || record.mustRestart) continue
    const kind = resizeOf(record.container, record.actual)
    if (kind !== 'nothing') plan[kind].push(record)
  }
  const problems = plan.update.length > 0 ? tooLow(pod, records, plan.update) : []
  if (problems.length > 0) plan.problem = `cannot decrease memory limits: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`
  return plan
}

export function isResized(records: readonly ContainerRecord[]): boolean {
  return records.every((r) => r.role === 'ephemeral' || r.state !== 'running' || sameResources(r.container.resources, r.actual))
}

function tooLow(pod: Pod, records: readonly ContainerRecord[], updates: readonly ContainerRecord[]): string[] {
  const problems: string[] = []
  const used = (all: readonly ContainerRecord[]) => all.reduce((sum, { handle }) => sum + (handle?.usage?.().memoryBytes ?? 0), 0)
  const usedByPod = used(records)
  const limit = bytes(podLevelResources(pod).limits.memory)
  const before = bytes(podLevelResources(withActual(pod, records)).limits.memory)
  if (limit > 0 && (before === 0 || limit < before) && usedByPod >= limit) problems.push(`attempting to set pod memory limit (${limit}) below current usage (${usedByPod})`)
  for (const record of updates) {
    const wanted = bytes(effectiveResources(pod, record.container).limits?.memory)
    const had = bytes(record.actual?.limits?.memory)
    if (wanted > 0 && (had === 0 || wanted < had) && used([record]) >= wanted) problems.push(`attempting to set container "${record.name}" memory limit (${wanted}) below current usage (${usedByPod})`)
  }
  return problems
}

function bytes(quantity: string | undefined): number {
  return quantity === undefined ? 0 : quantityValue(quantity)
}

function withActual(pod: Pod, records: readonly ContainerRecord[]): Pod {
  const containers = (pod.spec.containers ?? []).map((c) => ({ ...c, resources: records.find((r) => r.role === 'app' && r.name === c.name)?.actual ?? c.resources ?? {} }))
  return { ...pod, spec: { ...pod.spec, containers } }
}
