/**
 * Volumes that Kubernetes once handled itself and that CSI drivers have taken over: their sources say which driver has them.
 * Models k8s.io/csi-translation-lib, as far as names go.
 */
import type { PersistentVolume, Volume } from '../../schemas/types.ts'

type Source = keyof PersistentVolume['spec'] & keyof Volume

export interface Migrated {
  readonly source: Source
  /** The former plugin, which is also the provisioner of its classes. */
  readonly plugin: string
  readonly driver: string
  /** The field that tells one volume from another. */
  readonly id: string
}

export const MIGRATED: readonly Migrated[] = [
  { source: 'awsElasticBlockStore', plugin: 'kubernetes.io/aws-ebs', driver: 'ebs.csi.aws.com', id: 'volumeID' },
  { source: 'gcePersistentDisk', plugin: 'kubernetes.io/gce-pd', driver: 'pd.csi.storage.gke.io', id: 'pdName' },
  { source: 'azureDisk', plugin: 'kubernetes.io/azure-disk', driver: 'disk.csi.azure.com', id: 'diskURI' },
  { source: 'azureFile', plugin: 'kubernetes.io/azure-file', driver: 'file.csi.azure.com', id: 'shareName' },
  { source: 'cinder', plugin: 'kubernetes.io/cinder', driver: 'cinder.csi.openstack.org', id: 'volumeID' },
  { source: 'vsphereVolume', plugin: 'kubernetes.io/vsphere-volume', driver: 'csi.vsphere.vmware.com', id: 'volumePath' },
  { source: 'portworxVolume', plugin: 'kubernetes.io/portworx-volume', driver: 'pxd.portworx.com', id: 'volumeID' },
]

/** The driver that has a volume of such a source, and what it calls the volume; undefined for other sources. */
export function migratedFrom(from: Volume | PersistentVolume['spec']): { plugin: string; driver: string; handle: string } | undefined {
  const found = MIGRATED.find(({ source }) => from[source] !== undefined)
  if (!found) return undefined
  const value = (from[found.source] as Readonly<Record<string, unknown>> | undefined)?.[found.id]
  // An EBS volume may be named with its zone before it.
  const name = typeof value === 'string' ? value : ''
  return { plugin: found.plugin, driver: found.driver, handle: found.source === 'awsElasticBlockStore' ? name.slice(name.lastIndexOf('/') + 1) : name }
}
