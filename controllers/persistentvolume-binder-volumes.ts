/**
 * The volumes' side of binding: their phase, and what becomes of one whose claim is gone.
 * Models syncVolume of k8s.io/kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go.
 */
import type { PersistentVolume, PersistentVolumeClaim } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { BOUND_BY_CONTROLLER, CLAIM, PROVISIONED_BY, VOLUME, hasAnnotation, indexVolumes, volumesNaming } from './_volumes.ts'

const IN_TREE_FINALIZER = 'kubernetes.io/pv-controller'

export default defineController<PersistentVolume>({
  name: 'persistentvolume-binder',
  component: 'persistentvolume-controller',
  user: 'system:serviceaccount:kube-system:persistent-volume-binder',
  for: VOLUME,
  watches: { [CLAIM]: volumesOfClaim },
  setup: indexVolumes,
  reconcile,
})

function volumesOfClaim(claim: KubeObject, ctx: ControllerContext): readonly Key[] {
  return volumesNaming(ctx, keyOf(claim)).map(keyOf)
}

export type VolumeAction =
  | { do: 'phase'; phase: 'Available' | 'Bound' | 'Released' | 'Failed'; event?: { reason: string; message: string } }
  | { do: 'delete' }
  | { do: 'recycle' }
  | { do: 'unbind' }
  | { do: 'nothing' }

export function plan(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumeAction {
  const ref = volume.spec.claimRef
  if (!ref?.uid) return phase(volume, 'Available')
  if (!claim || claim.metadata.uid !== ref.uid) return planReleased(volume)
  if (!claim.spec.volumeName) return { do: 'nothing' }
  if (claim.spec.volumeName === volume.metadata.name) return phase(volume, 'Bound')
  return hasAnnotation(volume, PROVISIONED_BY) && volume.spec.persistentVolumeReclaimPolicy === 'Delete' ? planReleased(volume) : { do: 'unbind' }
}

function phase(volume: PersistentVolume, wanted: 'Available' | 'Bound' | 'Released'): VolumeAction {
  return volume.status?.phase === wanted ? { do: 'nothing' } : { do: 'phase', phase: wanted }
}

/** First it is released, then what its policy says. */
function planReleased(volume: PersistentVolume): VolumeAction {
  const current = volume.status?.phase
  if (current !== 'Released' && current !== 'Failed') return { do: 'phase', phase: 'Released' }
  const policy = volume.spec.persistentVolumeReclaimPolicy
  if (policy === undefined || policy === 'Retain') return { do: 'nothing' }
  if (policy === 'Recycle') return volume.spec.hostPath || volume.spec.nfs ? { do: 'recycle' } : failed(volume, 'VolumeFailedRecycle', 'No recycler plugin found for the volume!')
  if (policy !== 'Delete') return failed(volume, 'VolumeUnknownReclaimPolicy', 'Volume has unrecognized PersistentVolumeReclaimPolicy')
  const provisioner = volume.metadata.annotations?.[PROVISIONED_BY]
  if (provisioner ? !provisioner.startsWith('kubernetes.io/') : volume.spec.csi || hasAnnotation(volume, 'pv.kubernetes.io/migrated-to')) return { do: 'nothing' }
  const { hostPath } = volume.spec
  if (!hostPath) return failed(volume, 'VolumeFailedDelete', `error getting deleter volume plugin for volume "${volume.metadata.name}": no deletable volume plugin matched`)
  if (!/\/tmp\/.+/.test(hostPath.path ?? '')) return failed(volume, 'VolumeFailedDelete', `host_path deleter only supports /tmp/.+ but received provided ${hostPath.path}`)
  return { do: 'delete' }
}

function failed(volume: PersistentVolume, reason: string, message: string): VolumeAction {
  return volume.status?.phase === 'Failed' ? { do: 'nothing' } : { do: 'phase', phase: 'Failed', event: { reason, message } }
}

async function reconcile(volume: PersistentVolume, ctx: ControllerContext): Promise<void> {
  const { claimRef } = volume.spec
  const claim = claimRef && ctx.informers.lister<PersistentVolumeClaim>(CLAIM).get(claimRef.namespace ?? '', claimRef.name ?? '')
  const action = plan(volume, claim)
  if (action.do === 'phase') {
    const { event } = action
    const after = await setPhase(ctx, volume, action.phase, event?.message)
    if (event) ctx.events.event(after, 'Warning', event.reason, event.message)
  } else if (action.do === 'unbind') await unbind(ctx, volume)
  else if (action.do === 'recycle') {
    ctx.events.event(volume, 'Normal', 'VolumeRecycled', 'Volume recycled')
    await unbind(ctx, volume)
  } else if (action.do === 'delete') await remove(ctx, volume)
}

async function setPhase(ctx: ControllerContext, volume: PersistentVolume, phase: string, message: string | undefined): Promise<PersistentVolume> {
  return ctx.client.updateStatus<PersistentVolume>({ ...volume, status: { ...volume.status, phase, message } })
}

/** A volume that the controller bound is free for anyone again; one that a user bound stays meant for its claim. */
async function unbind(ctx: ControllerContext, volume: PersistentVolume): Promise<void> {
  const { [BOUND_BY_CONTROLLER]: byController, ...annotations } = volume.metadata.annotations ?? {}
  const claimRef = byController === undefined ? { ...volume.spec.claimRef, uid: undefined } : undefined
  const freed = await ctx.client.update<PersistentVolume>({ ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } })
  if (freed.status?.phase !== 'Available') await setPhase(ctx, freed, 'Available', undefined)
}

async function remove(ctx: ControllerContext, volume: PersistentVolume): Promise<void> {
  try {
    if (volume.metadata.finalizers?.includes(IN_TREE_FINALIZER))
      await ctx.client.change<PersistentVolume>(VOLUME, refOf(volume), (copy) => void (copy.metadata.finalizers = copy.metadata.finalizers?.filter((f) => f !== IN_TREE_FINALIZER)))
    if (!volume.metadata.deletionTimestamp) await ctx.client.delete(VOLUME, refOf(volume))
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}
