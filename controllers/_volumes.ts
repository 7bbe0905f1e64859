/**
 * What is known of claims and volumes: classes, binding, which volume suits a claim best, which pods use a claim.
 * Pure but for the indexes; models k8s.io/component-helpers/storage/volume and pkg/controller/volume/persistentvolume/index.go.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../schemas/types.ts'
import { compareQuantities, parseQuantity } from '../src/apimachinery/quantity.ts'
import { keyOf, type ControllerContext } from '../src/controller/controller.ts'
import { selectorOf } from '../src/controller/selectors.ts'

export const CLAIM = 'v1/PersistentVolumeClaim'
export const VOLUME = 'v1/PersistentVolume'
export const STORAGE_CLASS = 'storage.k8s.io/v1/StorageClass'

export const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed'
export const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller'
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
export const STORAGE_PROVISIONER = 'volume.kubernetes.io/storage-provisioner'
export const BETA_STORAGE_PROVISIONER = 'volume.beta.kubernetes.io/storage-provisioner'
const BETA_CLASS = 'volume.beta.kubernetes.io/storage-class'
const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class'
const BETA_DEFAULT_CLASS = 'storageclass.beta.kubernetes.io/is-default-class'

type Annotated = { metadata: { annotations?: Record<string, string> } }

export function hasAnnotation(object: Annotated, name: string): boolean {
  return object.metadata.annotations?.[name] !== undefined
}

/** The class a claim or a volume names; '' for none. */
export function classOf(object: PersistentVolumeClaim | PersistentVolume): string {
  return object.metadata.annotations?.[BETA_CLASS] ?? object.spec.storageClassName ?? ''
}

/** Whether the claim says anything about its class, be it that it wants none. */
export function namesClass(claim: PersistentVolumeClaim): boolean {
  return hasAnnotation(claim, BETA_CLASS) || claim.spec.storageClassName !== undefined
}

/** Of several default classes the youngest, then the first by name. */
export function defaultClass(classes: readonly StorageClass[]): StorageClass | undefined {
  const defaults = classes.filter((c) => c.metadata.annotations?.[DEFAULT_CLASS] === 'true' || c.metadata.annotations?.[BETA_DEFAULT_CLASS] === 'true')
  const time = (c: StorageClass) => c.metadata.creationTimestamp ?? ''
  return defaults.sort((a, b) => (time(a) !== time(b) ? (time(a) > time(b) ? -1 : 1) : (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))[0]
}

export function waitsForConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
}

/** Whether the volume is meant for this claim, which need not know of it yet. */
export function isBoundTo(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const ref = volume.spec.claimRef
  return ref !== undefined && ref.name === claim.metadata.name && ref.namespace === claim.metadata.namespace && (!ref.uid || ref.uid === claim.metadata.uid)
}

const storageIn = (list: Record<string, string> | undefined) => parseQuantity(list?.storage ?? '0')
const modeOf = (spec: { volumeMode?: string }) => spec.volumeMode ?? 'Filesystem'
const hasModes = (volume: PersistentVolume, claim: PersistentVolumeClaim) => (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode))

function fits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  if (volume.spec.claimRef && !isBoundTo(volume, claim)) return false
  if (compareQuantities(storageIn(volume.spec.capacity), storageIn(claim.spec.resources?.requests)) < 0) return false
  return modeOf(volume.spec) === modeOf(claim.spec) && (claim.spec.volumeAttributesClassName ?? '') === (volume.spec.volumeAttributesClassName ?? '') && !volume.metadata.deletionTimestamp
}

/** The volume to bind: one meant for the claim, or the smallest free one with the fewest access modes beyond those wanted. */
export function bestMatch(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], delayed: boolean): PersistentVolume | undefined {
  const byModes = volumes.filter((v) => hasModes(v, claim)).sort((a, b) => (a.spec.accessModes?.length ?? 0) - (b.spec.accessModes?.length ?? 0))
  let best: PersistentVolume | undefined
  for (const volume of byModes) {
    if (best && (volume.spec.accessModes?.length ?? 0) > (best.spec.accessModes?.length ?? 0)) break
    if (!fits(volume, claim)) continue
    if (isBoundTo(volume, claim)) return volume
    if (delayed || volume.status?.phase !== 'Available' || classOf(volume) !== classOf(claim)) continue
    if (claim.spec.selector && !selectorOf(claim.spec.selector).matches(volume.metadata.labels)) continue
    if (!best || compareQuantities(storageIn(volume.spec.capacity), storageIn(best.spec.capacity)) < 0) best = volume
  }
  return best
}

/** Why a claim cannot have the volume that it names, in upstream's words; undefined when it can. */
export function whyUnsuitable(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(storageIn(volume.spec.capacity), storageIn(claim.spec.resources?.requests)) < 0) return 'requested PV is too small'
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match'
  if ((claim.spec.volumeAttributesClassName ?? '') !== (volume.spec.volumeAttributesClassName ?? '')) return 'volumeAttributesClassName does not match'
  if (modeOf(volume.spec) !== modeOf(claim.spec)) return 'incompatible volumeMode'
  return hasModes(volume, claim) ? undefined : 'incompatible accessMode'
}

const PODS_BY_CLAIM = 'claims'

/** Keys of the claims that a pod mounts, its generic ephemeral volumes included. */
export function claimsOfPod(pod: Pod): string[] {
  const { namespace, name } = pod.metadata
  return (pod.spec.volumes ?? []).flatMap((v) => {
    const claimName = v.persistentVolumeClaim?.claimName ?? (v.ephemeral ? `${name}-${v.name}` : undefined)
    return claimName ? [keyOf({ metadata: { namespace, name: claimName } })] : []
  })
}

export function indexPodsByClaim(ctx: ControllerContext): void {
  ctx.informers.for<Pod>('v1/Pod').addIndex(PODS_BY_CLAIM, claimsOfPod)
}

/** Needs `indexPodsByClaim`. */
export function podsOfClaim(ctx: ControllerContext, claim: Pick<PersistentVolumeClaim, 'metadata'>): Pod[] {
  return ctx.informers.lister<Pod>('v1/Pod').byIndex(PODS_BY_CLAIM, keyOf(claim))
}

const PENDING_BY_CLASS = 'pending-class'

export function indexPendingClaims(ctx: ControllerContext): void {
  ctx.informers.for<PersistentVolumeClaim>(CLAIM).addIndex(PENDING_BY_CLASS, (claim) => (claim.spec.volumeName ? [] : [classOf(claim)]))
}

/** Claims of a class that have no volume yet. Needs `indexPendingClaims`. */
export function pendingClaims(ctx: ControllerContext, className: string): PersistentVolumeClaim[] {
  return ctx.informers.lister<PersistentVolumeClaim>(CLAIM).byIndex(PENDING_BY_CLASS, className)
}

const BY_BINDING = 'binding'

export function indexVolumes(ctx: ControllerContext): void {
  ctx.informers.for<PersistentVolume>(VOLUME).addIndex(BY_BINDING, (volume) => {
    const ref = volume.spec.claimRef
    return [ref ? `claim ${keyOf({ metadata: { namespace: ref.namespace, name: ref.name } })}` : `class ${classOf(volume)}`]
  })
}

/** Volumes that name this claim, whatever its uid. Needs `indexVolumes`. */
export function volumesNaming(ctx: ControllerContext, claimKey: string): PersistentVolume[] {
  return ctx.informers.lister<PersistentVolume>(VOLUME).byIndex(BY_BINDING, `claim ${claimKey}`)
}

/** Volumes of a class that no claim has. Needs `indexVolumes`. */
export function freeVolumes(ctx: ControllerContext, className: string): PersistentVolume[] {
  return ctx.informers.lister<PersistentVolume>(VOLUME).byIndex(BY_BINDING, `class ${className}`)
}
