/**
 * Which pods have to go because they use more than they may, or because their node runs out of something. Pure.
 * Models pkg/kubelet/eviction, in its words.
 */
import type { Pod, PodCondition } from '../../schemas/types.ts'
import { compareQuantities, makeQuantity, quantityText, quantityValue } from '../apimachinery/quantity.ts'
import { podResources } from '../apimachinery/resource-list.ts'
import { diskOf, memoryOf, type PodUsage } from './pod-usage.ts'

export interface Eviction {
  /** Of the event and the status; Evicted unless told. */
  reason?: string
  message: string
  /** What it is counted by. */
  signal: string
  /** Told of who goes for the node's sake. */
  condition?: PodCondition
  annotations?: Record<string, string>
}

const EPHEMERAL_STORAGE = 'ephemeral-storage'

/** A byte count as Go prints a binary quantity. */
export function bytesText(bytes: number): string {
  return quantityText(makeQuantity(Math.trunc(bytes), 'BinarySI'))
}

/** A pod that has passed a limit of its own. */
export function limitEviction(usage: PodUsage): Eviction | undefined {
  const { pod, volumes, containers } = usage
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit
    const used = volumes.find((v) => v.name === name)?.bytes ?? 0
    if (limit !== undefined && quantityValue(limit) > 0 && used > quantityValue(limit)) return { message: `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `, signal: 'emptydirfs.limit' }
  }
  const ofPod = podResources(pod, 'limits')[EPHEMERAL_STORAGE]
  if (ofPod !== undefined && diskOf(usage) > quantityValue(ofPod)) return { message: `Pod ephemeral local storage usage exceeds the total limit of containers ${quantityText(ofPod)}. `, signal: 'ephemeralpodfs.limit' }
  for (const { name, rootfsBytes, logBytes } of containers) {
    const limit = pod.spec.containers?.find((c) => c.name === name)?.resources?.limits?.[EPHEMERAL_STORAGE]
    if (limit !== undefined && quantityValue(limit) > 0 && rootfsBytes + logBytes > quantityValue(limit)) return { message: `Container ${name} exceeded its local ephemeral storage limit "${limit}". `, signal: 'ephemeralcontainerfs.limit' }
  }
  return undefined
}

export type Signal = 'memory' | 'ephemeral-storage'

export interface Threshold {
  signal: Signal
  thresholdBytes: number
  availableBytes: number
}

const MEMORY_AVAILABLE = 100 * 1024 * 1024
/** Of the disk that must be left for everything, and for images: they share it. */
const NODEFS_SHARE = 0.1
const IMAGEFS_SHARE = 0.15

/** What is met of the thresholds that a kubelet has by default: memory.available<100Mi, nodefs.available<10%, imagefs.available<15%. */
export function thresholdsMet(capacity: Readonly<Record<string, string>>, usages: readonly PodUsage[], { overheadBytes = 0, imageBytes = 0 }: { overheadBytes?: number; imageBytes?: number } = {}): Threshold[] {
  const met: Threshold[] = []
  const memory = quantityValue(capacity.memory ?? '0')
  const memoryLeft = memory - Math.min(overheadBytes, memory / 10) - usages.reduce((sum, u) => sum + memoryOf(u), 0)
  if (memory > MEMORY_AVAILABLE && memoryLeft < MEMORY_AVAILABLE) met.push({ signal: 'memory', thresholdBytes: MEMORY_AVAILABLE, availableBytes: Math.max(0, memoryLeft) })
  const disk = quantityValue(capacity[EPHEMERAL_STORAGE] ?? '0')
  const diskLeft = disk - imageBytes - usages.reduce((sum, u) => sum + diskOf(u), 0)
  const share = diskLeft < disk * NODEFS_SHARE ? NODEFS_SHARE : IMAGEFS_SHARE
  if (disk > 0 && diskLeft < disk * share) met.push({ signal: EPHEMERAL_STORAGE, thresholdBytes: disk * share, availableBytes: Math.max(0, diskLeft) })
  return met
}

/** Who goes first: who uses more than was asked for, then the lesser priority, then the most beyond the request. */
export function rankForEviction(usages: readonly PodUsage[], signal: Signal): PodUsage[] {
  const used = (u: PodUsage) => (signal === 'memory' ? memoryOf(u) : diskOf(u))
  const requested = ({ pod }: PodUsage) => quantityValue(podResources(pod, 'requests')[signal] ?? '0')
  const beyond = (u: PodUsage) => used(u) - requested(u)
  const exceeds = (u: PodUsage) => (beyond(u) > 0 ? 0 : 1)
  const priority = ({ pod }: PodUsage) => pod.spec.priority ?? 0
  return usages.filter(({ pod }) => !isCritical(pod)).sort((a, b) => exceeds(a) - exceeds(b) || priority(a) - priority(b) || beyond(b) - beyond(a))
}

const SYSTEM_CRITICAL = 2_000_000_000

/** Static and mirror pods, and those of the system. */
export function isCritical({ metadata, spec }: Pod): boolean {
  return metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined || (spec.priority ?? 0) >= SYSTEM_CRITICAL
}

/** The eviction of one pod for the sake of its node. */
export function pressureEviction({ pod, containers }: PodUsage, { signal, thresholdBytes, availableBytes }: Threshold, now: string): Eviction {
  let message = `The node was low on resource: ${signal}. Threshold quantity: ${bytesText(thresholdBytes)}, available: ${availableText(availableBytes)}. `
  const offending: { name: string; used: string }[] = []
  const specs = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])]
  for (const { name, memoryBytes, rootfsBytes, logBytes } of containers) {
    const spec = specs.find((c) => c.name === name)
    if (!spec) continue
    const request = spec.resources?.requests?.[signal] ?? '0'
    const used = makeQuantity(Math.trunc(signal === 'memory' ? memoryBytes : rootfsBytes + logBytes), 'BinarySI')
    if (compareQuantities(used, request) <= 0) continue
    message += `Container ${name} was using ${quantityText(used)}, request is ${request}, has larger consumption of ${signal}. `
    offending.push({ name, used: quantityText(used) })
  }
  return {
    message,
    signal: signal === 'memory' ? 'memory.available' : 'nodefs.available',
    condition: { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message, lastTransitionTime: now, observedGeneration: pod.metadata.generation },
    annotations: { offending_containers: offending.map((o) => o.name).join(','), offending_containers_usage: offending.map((o) => o.used).join(','), starved_resource: signal },
  }
}

/** The kernel counts in pages; so do statistics. */
function availableText(bytes: number): string {
  return bytesText(Math.floor(bytes / 1024) * 1024)
}
