/**
 * What admission does to volumes and claims: the default storage class, and finalizers that keep what is in use. Models
 * plugin/pkg/admission/storage/{storageclass/setdefault,storageobjectinuseprotection}.
 */
import type { PersistentVolumeClaim, StorageClass } from '../../schemas/types.ts'
import type { AdmissionPlugin } from './chain.ts'
import { newestDefault } from './newest-default.ts'

const IS_DEFAULT = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
const CLASS_BETA = 'volume.beta.kubernetes.io/storage-class'

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  mutate({ operation, kind, subresource, object, ctx }) {
    if (operation !== 'CREATE' || kind.ref !== 'v1/PersistentVolumeClaim' || subresource || !object) return
    const claim = object as PersistentVolumeClaim
    if (claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[CLASS_BETA] !== undefined) return
    const found = newestDefault(ctx.system.list<StorageClass>('storage.k8s.io/v1/StorageClass'), IS_DEFAULT)
    if (found?.metadata.name) claim.spec.storageClassName = found.metadata.name
  },
}

const PROTECTED: Readonly<Record<string, string>> = {
  'v1/PersistentVolumeClaim': 'kubernetes.io/pvc-protection',
  'v1/PersistentVolume': 'kubernetes.io/pv-protection',
  'storage.k8s.io/v1/VolumeAttributesClass': 'kubernetes.io/vac-protection',
}

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  mutate({ operation, kind, subresource, object }) {
    const finalizer = PROTECTED[kind.ref]
    if (operation !== 'CREATE' || !finalizer || subresource || !object || object.metadata.finalizers?.includes(finalizer)) return
    object.metadata.finalizers = [...(object.metadata.finalizers ?? []), finalizer]
  },
}
