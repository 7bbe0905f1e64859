/**
 * Changes in the cluster that may make a waiting pod schedulable, and which plugins care about which.
 * Models pkg/scheduler/framework/events.go and the EventsToRegister of plugins.
 */
import type { Node, Pod } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { Handle } from './framework.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'

/** Pods that are bound, pods that wait, and the kinds that plugins look at. */
export type EventResource = 'AssignedPod' | 'WaitingPod' | 'Node' | WatchedResource
export type WatchedResource =
  | 'PersistentVolume'
  | 'PersistentVolumeClaim'
  | 'StorageClass'
  | 'CSINode'
  | 'CSIDriver'
  | 'CSIStorageCapacity'
  | 'VolumeAttachment'
  | 'ResourceClaim'
  | 'ResourceSlice'
  | 'DeviceClass'

export type EventAction = 'add' | 'delete' | 'update' | PodChangeAction | NodeChangeAction
type PodChangeAction = 'labels' | 'scaleDown' | 'tolerations' | 'gates' | 'resourceClaims'
type NodeChangeAction = 'labels' | 'allocatable' | 'taints' | 'condition' | 'annotations' | 'features'

export interface ClusterEvent {
  resource: EventResource
  action: EventAction
  /** What it is now; absent on delete. */
  object?: KubeObject
  /** What it was; absent on add. */
  old?: KubeObject
  /** The same, where it is a pod or a node. */
  pod?: Pod
  oldPod?: Pod
  node?: Node
  oldNode?: Node
}

export interface EventInterest {
  resource: EventResource
  actions: readonly EventAction[]
  /** Whether the change may help this waiting pod; yes unless told. */
  helps?(pod: PodInfo, event: ClusterEvent, handle: Handle): boolean
}

/** The waiting pod itself changed, as opposed to another one. */
export function isSelf(pod: PodInfo, event: ClusterEvent): boolean {
  return (event.object ?? event.old)?.metadata.uid === pod.uid
}

export function podChanges(pod: Pod, old: Pod): EventAction[] {
  const actions: EventAction[] = []
  if (!equalJSON(pod.metadata.labels ?? {}, old.metadata.labels ?? {})) actions.push('labels')
  if (isScaledDown(pod, old)) actions.push('scaleDown')
  if (!pod.spec.schedulingGates?.length && old.spec.schedulingGates?.length) actions.push('gates')
  if ((pod.spec.tolerations?.length ?? 0) !== (old.spec.tolerations?.length ?? 0)) actions.push('tolerations')
  if (!equalJSON(pod.status?.resourceClaimStatuses ?? [], old.status?.resourceClaimStatuses ?? [])) actions.push('resourceClaims')
  else if (!equalJSON(pod.status?.extendedResourceClaimStatus ?? {}, old.status?.extendedResourceClaimStatus ?? {})) actions.push('resourceClaims')
  return actions.length > 0 ? actions : ['update']
}

function isScaledDown(pod: Pod, old: Pod): boolean {
  // Requests change by resize only, which raises the generation before it shows in the status.
  if (pod.metadata.generation === old.metadata.generation && (pod.metadata.generation ?? 0) <= 1) return false
  const now = podInfoOf(pod).effective
  const before = podInfoOf(old).effective
  if (now.milliCPU < before.milliCPU || now.memory < before.memory || now.ephemeralStorage < before.ephemeralStorage) return true
  for (const [name, value] of before.scalar ?? []) if ((now.scalar?.get(name) ?? 0) < value) return true
  return false
}

export function nodeChanges(node: Node, old: Node): EventAction[] {
  const actions: EventAction[] = []
  if (old.spec.unschedulable && !node.spec.unschedulable) actions.push('taints')
  if (!equalJSON(node.status?.allocatable ?? {}, old.status?.allocatable ?? {})) actions.push('allocatable')
  if (!equalJSON(node.metadata.labels ?? {}, old.metadata.labels ?? {})) actions.push('labels')
  if (!actions.includes('taints') && !equalJSON(node.spec.taints ?? [], old.spec.taints ?? [])) actions.push('taints')
  if (conditionsOf(node) !== conditionsOf(old)) actions.push('condition')
  if (!equalJSON(node.metadata.annotations ?? {}, old.metadata.annotations ?? {})) actions.push('annotations')
  if (!equalJSON(node.status?.declaredFeatures ?? [], old.status?.declaredFeatures ?? [])) actions.push('features')
  return actions
}

function conditionsOf(node: Node): string {
  return (node.status?.conditions ?? []).map((c) => `${c.type}=${c.status}`).sort().join()
}
