/**
 * Lets a deleted volume go once it is not bound. Models k8s.io/kubernetes/pkg/controller/volume/pvprotection.
 */
import type { PersistentVolume } from '../schemas/types.ts'
import { defineController } from '../src/controller/controller.ts'
import { VOLUME } from './_volumes.ts'

const FINALIZER = 'kubernetes.io/pv-protection'

export default defineController<PersistentVolume>({
  name: 'persistentvolume-protection',
  user: 'system:serviceaccount:kube-system:pv-protection-controller',
  for: VOLUME,
  async reconcile(volume, { client }) {
    const { finalizers = [], deletionTimestamp } = volume.metadata
    const has = finalizers.includes(FINALIZER)
    if (!deletionTimestamp && !has) await client.update<PersistentVolume>({ ...volume, metadata: { ...volume.metadata, finalizers: [...finalizers, FINALIZER] } })
    if (deletionTimestamp && has && volume.status?.phase !== 'Bound')
      await client.update<PersistentVolume>({ ...volume, metadata: { ...volume.metadata, finalizers: finalizers.filter((f) => f !== FINALIZER) } })
  },
})
