/**
 * Deletes the volumes that local-path-provisioner.ts made once they are released and their policy says so.
 */
import type { PersistentVolume } from '../schemas/types.ts'
import { defineController } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { isStatusError } from '../src/errors.ts'
import { PROVISIONER } from './_local-path.ts'
import { PROVISIONED_BY, VOLUME } from './_volumes.ts'

export default defineController<PersistentVolume>({
  name: 'local-path-provisioner',
  program: 'local-path-provisioner',
  component: PROVISIONER,
  user: 'system:serviceaccount:kube-system:persistent-volume-binder',
  for: VOLUME,
  wakes: (volume) => volume.status?.phase === 'Released',
  async reconcile(volume, { client }) {
    if (volume.status?.phase !== 'Released' || volume.metadata.deletionTimestamp) return
    if (volume.metadata.annotations?.[PROVISIONED_BY] !== PROVISIONER || volume.spec.persistentVolumeReclaimPolicy !== 'Delete') return
    try {
      await client.delete(VOLUME, refOf(volume))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  },
})
