/**
 * The provisioner of the class `standard`: a directory on the node, which the simulated nodes always have room for.
 * Models rancher's local-path-provisioner as kind ships it, and the events of sig-storage-lib-external-provisioner.
 */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../schemas/types.ts'
import { PROVISIONED_BY, SELECTED_NODE, STORAGE_PROVISIONER, waitsForConsumer } from './_volumes.ts'

export const PROVISIONER = 'orrery.io/local-path'
const ROOT = '/opt/local-path-provisioner'

/** The default class of a cluster whose nodes have disks: volumes are made where their first pod goes, as kind and k3s do. */
export function standardStorageClass(): StorageClass {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: PROVISIONER,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
  }
}

/** Whether the claim asks this provisioner, and is far enough to be served. */
export function shouldProvision(claim: PersistentVolumeClaim, storageClass: StorageClass | undefined): boolean {
  const { annotations } = claim.metadata
  if (claim.spec.volumeName || claim.metadata.deletionTimestamp || annotations?.[STORAGE_PROVISIONER] !== PROVISIONER || !storageClass) return false
  return !waitsForConsumer(storageClass) || annotations[SELECTED_NODE] !== undefined
}

export function volumeFor(claim: PersistentVolumeClaim, storageClass: StorageClass): PersistentVolume {
  const { name = '', namespace = '', uid = '', resourceVersion, annotations } = claim.metadata
  const node = annotations?.[SELECTED_NODE]
  const volumeName = `pvc-${uid}`
  const required = node ? { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] } : undefined
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName, annotations: { ...(node ? { 'local.path.provisioner/selected-node': node } : {}), [PROVISIONED_BY]: PROVISIONER } },
    spec: {
      accessModes: claim.spec.accessModes,
      capacity: { storage: claim.spec.resources?.requests?.storage ?? '0' },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid, resourceVersion },
      hostPath: { path: `${ROOT}/${volumeName}_${namespace}_${name}`, type: 'DirectoryOrCreate' },
      ...(required ? { nodeAffinity: { required } } : {}),
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      volumeMode: claim.spec.volumeMode ?? 'Filesystem',
      ...(storageClass.mountOptions ? { mountOptions: storageClass.mountOptions } : {}),
    },
  }
}
