/**
 * The pods and claims of a StatefulSet: names, ordinals, identity, storage, and who owns the claims under its retention
 * policy. Pure; models k8s.io/kubernetes/pkg/controller/statefulset/stateful_set_utils.go.
 */
import type { OwnerReference, PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, Volume } from '../schemas/types.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { controllerRef } from '../src/controller/owners.ts'
import { podFromTemplate } from '../src/controller/pod-control.ts'

export const KIND = 'apps/v1/StatefulSet'
export const REVISION_LABEL = 'controller-revision-hash'
const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name'
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index'

/** The set's name and the ordinal in a pod's name; -1 when it has none. */
export function parentAndOrdinal(pod: Pod): { parent: string; ordinal: number } {
  const match = /^(.*)-([0-9]+)$/.exec(pod.metadata.name ?? '')
  const ordinal = Number(match?.[2])
  return match && ordinal <= 2147483647 ? { parent: match[1] ?? '', ordinal } : { parent: '', ordinal: -1 }
}

export function ordinalOf(pod: Pod): number {
  return parentAndOrdinal(pod).ordinal
}

export function isMemberOf(set: StatefulSet, pod: Pod): boolean {
  return parentAndOrdinal(pod).parent === set.metadata.name
}

export function startOf(set: StatefulSet): number {
  return set.spec.ordinals?.start ?? 0
}

export function replicasOf(set: StatefulSet): number {
  return set.spec.replicas ?? 1
}

export function isInRange(pod: Pod, set: StatefulSet): boolean {
  const index = ordinalOf(pod) - startOf(set)
  return index >= 0 && index < replicasOf(set)
}

export function revisionOf(pod: Pod): string {
  return pod.metadata.labels?.[REVISION_LABEL] ?? ''
}

export function claimName(template: PersistentVolumeClaim, set: StatefulSet, ordinal: number): string {
  return `${template.metadata.name}-${set.metadata.name}-${ordinal}`
}

/** The claims that a pod of this ordinal needs. */
export function claimsOf(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { name: _, ...metadata } = template.metadata
    const labels = { ...template.metadata.labels, ...set.spec.selector?.matchLabels }
    return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { ...metadata, name: claimName(template, set, ordinal), namespace: set.metadata.namespace, labels }, spec: template.spec }
  })
}

/** @param revision name of the ControllerRevision whose template this is */
export function newPod(set: StatefulSet, ordinal: number, { template, revision }: { template: PodTemplateSpec | undefined; revision: string }): Pod {
  const { metadata } = podFromTemplate(template, set, KIND)
  const name = `${set.metadata.name}-${ordinal}`
  const made: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name, labels: { ...metadata.labels, [REVISION_LABEL]: revision } },
    spec: { ...template?.spec, hostname: name, ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}) },
  }
  return withIdentity(set, made)
}

/** The pod with the labels and volumes that its place in the set gives it; the same object when it has them. */
export function withIdentity(set: StatefulSet, pod: Pod): Pod {
  const ordinal = ordinalOf(pod)
  let fixed = pod
  if (pod.metadata.labels?.[POD_NAME_LABEL] !== pod.metadata.name) {
    const labels = { ...pod.metadata.labels, [POD_NAME_LABEL]: pod.metadata.name ?? '', [POD_INDEX_LABEL]: String(ordinal) }
    fixed = { ...fixed, metadata: { ...fixed.metadata, labels } }
  }
  const templates = set.spec.volumeClaimTemplates ?? []
  const own: Volume[] = templates.map((template) => ({ name: template.metadata.name, persistentVolumeClaim: { claimName: claimName(template, set, ordinal) } }))
  const volumes = pod.spec.volumes ?? []
  const stored = own.every((v) => volumes.some((w) => w.name === v.name && w.persistentVolumeClaim?.claimName === v.persistentVolumeClaim?.claimName))
  if (!stored) fixed = { ...fixed, spec: { ...fixed.spec, volumes: [...own, ...volumes.filter((v) => !own.some((o) => o.name === v.name))] } }
  return fixed
}

export interface ClaimRefs {
  /** The owner references the claim should have. */
  references: OwnerReference[]
  /** Another controller holds the claim, so that the retention policy does not count for it. */
  conflicting: boolean
}

/** What is to change about a claim's owners, undefined for nothing. */
export function claimRefs(claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): ClaimRefs | undefined {
  const refs = claim.metadata.ownerReferences ?? []
  if (refs.some((ref) => isStale(ref, set, KIND) || isStale(ref, pod, 'v1/Pod'))) return undefined
  const conflicting = hasForeignController(refs, set, pod)
  const others = refs.filter((ref) => !names(ref, set, KIND) && !names(ref, pod, 'v1/Pod'))
  const references = conflicting ? others : [...others, ...wantedRefs(set, pod)]
  const keep = (list: readonly OwnerReference[]) => list.map((ref) => [ref.uid, ref.controller === true]).sort()
  return semanticEqual(keep(refs), keep(references)) ? undefined : { references, conflicting }
}

/** True when a claim is bound to a former pod of the same name and will be deleted with it. */
export function isClaimStale(claim: PersistentVolumeClaim, pod: Pod): boolean {
  return claim.metadata.ownerReferences?.some((ref) => isStale(ref, pod, 'v1/Pod')) ?? false
}

export function retention(set: StatefulSet): { deletesWhenScaled: boolean; deletesWhenDeleted: boolean } {
  const { whenScaled, whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  return { deletesWhenScaled: whenScaled === 'Delete', deletesWhenDeleted: whenDeleted === 'Delete' }
}

function wantedRefs(set: StatefulSet, pod: Pod): OwnerReference[] {
  const { deletesWhenScaled, deletesWhenDeleted } = retention(set)
  if (deletesWhenScaled && !isInRange(pod, set)) return [controllerRef(pod, 'v1/Pod')]
  return deletesWhenDeleted ? [controllerRef(set, KIND)] : []
}

type Named = { metadata: { name?: string; uid?: string } }

function names(ref: OwnerReference, owner: Named, kind: string): boolean {
  return `${ref.apiVersion}/${ref.kind}` === kind && ref.name === owner.metadata.name
}

function isStale(ref: OwnerReference, owner: Named, kind: string): boolean {
  return names(ref, owner, kind) && ref.uid !== owner.metadata.uid
}

function hasForeignController(refs: readonly OwnerReference[], set: StatefulSet, pod: Pod): boolean {
  const { deletesWhenScaled, deletesWhenDeleted } = retention(set)
  if (!deletesWhenScaled && !deletesWhenDeleted) return false
  return refs.some((ref) => ref.controller === true && !names(ref, set, KIND) && !names(ref, pod, 'v1/Pod'))
}
