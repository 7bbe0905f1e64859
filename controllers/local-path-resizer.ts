/**
 * Lets volumes of the local provisioner grow with their claims, where their class allows it. A directory has no file system
 * of its own, so there is nothing left to do for the node. Models kubernetes-csi/external-resizer.
 */
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimStatus } from '../schemas/types.ts'
import { compareQuantities, parseQuantity } from '../src/apimachinery/quantity.ts'
import { formatTime } from '../src/clock.ts'
import { defineController } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { PROVISIONER } from './_local-path.ts'
import { CLAIM, PROVISIONED_BY, VOLUME } from './_volumes.ts'

/** Conditions that tell of growth. */
const OF_RESIZING = new Set(['Resizing', 'FileSystemResizePending'])

export default defineController<PersistentVolumeClaim>({
  name: 'local-path-resizer',
  program: 'local-path-provisioner',
  component: `external-resizer ${PROVISIONER}`,
  user: 'system:serviceaccount:kube-system:expand-controller',
  for: CLAIM,
  wakes: (claim) => claim.status?.phase === 'Bound' && wantedSize(claim) !== undefined,
  async reconcile(claim, { client, clock, events, informers }) {
    const volume = informers.lister<PersistentVolume>(VOLUME).get('', claim.spec.volumeName ?? '')
    const size = wantedSize(claim)
    if (!volume || size === undefined || claim.status?.phase !== 'Bound' || !isOurs(volume, claim)) return
    const growing = await client.updateStatus<PersistentVolumeClaim>({ ...claim, status: inProgress(claim.status, size, clock.now()) })
    events.event(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${volume.metadata.name}`)
    await client.patch(VOLUME, refOf(volume), { spec: { capacity: { storage: size } } })
    await client.updateStatus<PersistentVolumeClaim>({ ...growing, status: finished(growing.status ?? {}, size) })
    events.event(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded')
  },
})

/** What the claim is to have; undefined when it has as much. */
export function wantedSize({ spec, status }: PersistentVolumeClaim): string | undefined {
  const asked = spec.resources?.requests?.storage
  return asked !== undefined && compareQuantities(parseQuantity(asked), parseQuantity(status?.capacity?.storage ?? '0')) > 0 ? asked : undefined
}

function isOurs({ metadata, spec }: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return metadata.annotations?.[PROVISIONED_BY] === PROVISIONER && spec.claimRef?.uid === claim.metadata.uid
}

function withoutResizing(conditions: PersistentVolumeClaimStatus['conditions']): NonNullable<PersistentVolumeClaimStatus['conditions']> {
  return conditions?.filter(({ type }) => !OF_RESIZING.has(type ?? '')) ?? []
}

export function inProgress(status: PersistentVolumeClaimStatus, size: string, nowMs: number): PersistentVolumeClaimStatus {
  return {
    ...status,
    conditions: [...withoutResizing(status.conditions), { type: 'Resizing', status: 'True', lastTransitionTime: formatTime(nowMs) }],
    allocatedResources: { ...status.allocatedResources, storage: size },
    allocatedResourceStatuses: { ...status.allocatedResourceStatuses, storage: 'ControllerResizeInProgress' },
  }
}

export function finished({ conditions, allocatedResourceStatuses = {}, ...status }: PersistentVolumeClaimStatus, size: string): PersistentVolumeClaimStatus {
  const { storage: _, ...others } = allocatedResourceStatuses
  const left = withoutResizing(conditions)
  return { ...status, capacity: { ...status.capacity, storage: size }, ...(left.length > 0 ? { conditions: left } : {}), ...(Object.keys(others).length > 0 ? { allocatedResourceStatuses: others } : {}) }
}
