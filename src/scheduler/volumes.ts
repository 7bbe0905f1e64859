/**
 * Claims and volumes as the scheduler sees them. Models k8s.io/component-helpers/storage/volume.
 */
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../schemas/types.ts'
import { selectorFromLabelSelector } from '../apimachinery/labels.ts'
import { compareQuantities, quantityValue } from '../apimachinery/quantity.ts'
import type { ClusterEvent } from './cluster-events.ts'
import { compileNodeSelector } from '../apimachinery/node-affinity.ts'
import type { PodInfo } from './pod-info.ts'

export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed'
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller'
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class'
export const NO_PROVISIONER = 'kubernetes.io/no-provisioner'

export interface ClaimOfPod {
  name: string
  /** Made from the pod's own volume by the ephemeral volume controller. */
  isEphemeral: boolean
}

export function claimNames({ spec, metadata }: Pod): ClaimOfPod[] {
  const claims: ClaimOfPod[] = []
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim) claims.push({ name: persistentVolumeClaim.claimName ?? '', isEphemeral: false })
    else if (ephemeral) claims.push({ name: `${metadata.name}-${name}`, isEphemeral: true })
  }
  return claims
}

export function isFullyBound({ spec, metadata }: PersistentVolumeClaim): boolean {
  return Boolean(spec.volumeName) && metadata.annotations?.[BIND_COMPLETED] !== undefined
}

export function classOfClaim({ spec, metadata }: PersistentVolumeClaim): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? ''
}

export function classOfVolume({ spec, metadata }: PersistentVolume): string {
  return metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? ''
}

export function requestedBytes(claim: PersistentVolumeClaim): number {
  return quantityValue(claim.spec.resources?.requests?.storage ?? '0')
}

const affinities = new WeakMap<object, (node: Node) => boolean>()

export function isVolumeOnNode(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec.nodeAffinity?.required
  if (!required) return true
  let matches = affinities.get(required)
  if (!matches) affinities.set(required, (matches = compileNodeSelector(required)))
  return matches(node)
}

export function allowsTopology({ allowedTopologies }: StorageClass, node: Node): boolean {
  if (!allowedTopologies?.length) return true
  return allowedTopologies.some((term) => (term.matchLabelExpressions ?? []).every(({ key = '', values = [] }) => values.includes(node.metadata.labels?.[key] ?? '')))
}

export interface VolumeSearch {
  node: Node
  /** Volumes that another claim has been promised. */
  taken(name: string): boolean
}

/** The smallest volume that a claim could take on a node, or the one that is kept for it. */
export function findVolume(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], { node, taken }: VolumeSearch): PersistentVolume | undefined {
  const wanted = claim.spec.resources?.requests?.storage ?? '0'
  const selector = claim.spec.selector ? selectorFromLabelSelector(claim.spec.selector) : undefined
  let smallest: PersistentVolume | undefined
  for (const volume of volumes) {
    const { spec, metadata, status } = volume
    if (taken(metadata.name ?? '') || metadata.deletionTimestamp || !isSameMode(claim, volume)) continue
    const size = spec.capacity?.storage ?? '0'
    if (compareQuantities(size, wanted) < 0 || !isVolumeOnNode(volume, node)) continue
    if (spec.claimRef) {
      if (isKeptFor(volume, claim)) return volume
      continue
    }
    if (status?.phase !== 'Available' || (selector && !selector.matches(metadata.labels))) continue
    if (classOfVolume(volume) !== classOfClaim(claim) || !(claim.spec.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode))) continue
    if (!smallest || compareQuantities(smallest.spec.capacity?.storage ?? '0', size) > 0) smallest = volume
  }
  return smallest
}

function isSameMode(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return (claim.spec.volumeMode ?? 'Filesystem') === (volume.spec.volumeMode ?? 'Filesystem')
}

function isKeptFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { namespace, name, uid } = spec.claimRef ?? {}
  return namespace === metadata.namespace && name === metadata.name && (!uid || uid === metadata.uid)
}

/** For plugins: whether the claim that changed is one the pod uses. */
export function isClaimOf({ claims }: PodInfo, { object }: ClusterEvent): boolean {
  return claims.includes(`${object?.metadata.namespace}/${object?.metadata.name}`)
}
