/** What is filled in where a volume is described: in a PersistentVolume, and inline in a VolumeAttachment. */
import type { PersistentVolumeSpec } from '../../../schemas/types.ts'
import { roundUpResources } from './_resource-names.ts'

/** In place: the capacity is rounded, the source filled in. */
export function defaultVolumeSource({ capacity, hostPath, rbd, iscsi, azureDisk, scaleIO }: PersistentVolumeSpec): void {
  roundUpResources(capacity)
  if (hostPath) hostPath.type ??= ''
  if (rbd) {
    rbd.pool ||= 'rbd'
    rbd.user ||= 'admin'
    rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (iscsi) iscsi.iscsiInterface ||= 'default'
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite'
    azureDisk.fsType ??= 'ext4'
    azureDisk.readOnly ??= false
    azureDisk.kind ??= 'Shared'
  }
  if (scaleIO) {
    scaleIO.storageMode ||= 'ThinProvisioned'
    scaleIO.fsType ||= 'xfs'
  }
}
