/** Claims grow only when bound and where their class allows it. Models k8s.io/kubernetes/plugin/pkg/admission/storage/persistentvolume/resize. */
import type { PersistentVolumeClaim, StorageClass } from '../../schemas/types.ts'
import { compareQuantities } from '../apimachinery/quantity.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { isFor } from './subject.ts'

const CLASS_BETA = 'volume.beta.kubernetes.io/storage-class'

export const persistentVolumeClaimResize: AdmissionPlugin = {
  name: 'PersistentVolumeClaimResize',
  validate(attributes) {
    if (attributes.operation !== 'UPDATE' || !isFor(attributes, 'persistentvolumeclaims') || !attributes.object || !attributes.oldObject) return
    const claim = attributes.object as PersistentVolumeClaim
    const old = attributes.oldObject as PersistentVolumeClaim
    if (compareQuantities(sizeOf(claim), sizeOf(old)) <= 0) return
    if (old.status?.phase !== 'Bound') throw refuse(attributes, 'Only bound persistent volume claims can be expanded')
    if (!allowsExpansion(classOf(claim), classOf(old), attributes)) {
      throw refuse(attributes, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize')
    }
  },
}

function sizeOf({ spec }: PersistentVolumeClaim): string {
  return spec.resources?.requests?.storage ?? '0'
}

function classOf({ metadata, spec }: PersistentVolumeClaim): string {
  return metadata.annotations?.[CLASS_BETA] ?? spec.storageClassName ?? ''
}

function allowsExpansion(name: string, oldName: string, { ctx }: AdmissionAttributes): boolean {
  if (!name || name !== oldName) return false
  return ctx.system.get<StorageClass>('storage.k8s.io/v1/StorageClass', '', name)?.allowVolumeExpansion === true
}
