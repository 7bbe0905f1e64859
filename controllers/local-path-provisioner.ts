/**
 * Makes volumes for claims of classes whose provisioner is ours; see _local-path.ts.
 */
import type { PersistentVolumeClaim, StorageClass } from '../schemas/types.ts'
import { defineController } from '../src/controller/controller.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { isStatusError } from '../src/errors.ts'
import { PROVISIONER, shouldProvision, volumeFor } from './_local-path.ts'
import { CLAIM, STORAGE_CLASS, VOLUME, classOf } from './_volumes.ts'

export default defineController<PersistentVolumeClaim>({
  name: 'local-path-provisioner',
  program: 'local-path-provisioner',
  component: PROVISIONER,
  user: 'system:serviceaccount:kube-system:persistent-volume-binder',
  for: CLAIM,
  wakes: (claim) => !claim.spec.volumeName,
  async reconcile(claim, { client, events, informers }) {
    const storageClass = informers.lister<StorageClass>(STORAGE_CLASS).get('', classOf(claim))
    if (!storageClass || !shouldProvision(claim, storageClass)) return
    const volume = volumeFor(claim, storageClass)
    if (informers.lister(VOLUME).get('', volume.metadata.name ?? '')) return
    const { namespace, name } = claim.metadata
    events.event(claim, 'Normal', 'Provisioning', `External provisioner is provisioning volume for claim "${namespace}/${name}"`)
    try {
      await client.create(volume)
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists')) return
      events.event(claim, 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${messageOf(error)}`)
      throw error
    }
    events.event(claim, 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${volume.metadata.name}`)
  },
})
