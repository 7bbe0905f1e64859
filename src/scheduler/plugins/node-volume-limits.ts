/**
 * A node takes no more volumes of a CSI driver than its CSINode says; those of former plugins count for the driver that has taken
 * them over. Models pkg/scheduler/framework/plugins/nodevolumelimits.
 */
import type { CSINode, PersistentVolume, PersistentVolumeClaim, StorageClass, Volume, VolumeAttachment } from '../../../schemas/types.ts'
import { MIGRATED, migratedFrom } from '../../controller/csi-migration.ts'
import { SKIP, definePlugin, unschedulable, type Handle } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { classOfClaim, isClaimOf } from '../volumes.ts'

const REFUSED = unschedulable('node(s) exceed max volume count')

interface Limits {
  handle: Handle
  /** Driver of each volume the pod brings, by a name that is the same wherever the volume is used. */
  volumes: ReadonlyMap<string, string>
}

export default definePlugin<Limits>({
  name: 'NodeVolumeLimits',
  order: 100,
  events: [
    { resource: 'CSINode', actions: ['add', 'update'] },
    { resource: 'AssignedPod', actions: ['delete'], helps: (_pod, { oldPod }) => (oldPod?.spec.volumes?.length ?? 0) > 0 },
    { resource: 'PersistentVolumeClaim', actions: ['add', 'update'], helps: isClaimOf },
    { resource: 'PersistentVolume', actions: ['add'] },
    { resource: 'StorageClass', actions: ['add'] },
    { resource: 'VolumeAttachment', actions: ['delete'] },
  ],
  preFilter({ handle }, pod) {
    const volumes = new Map(volumesOf(handle, pod))
    return volumes.size === 0 ? SKIP : { state: { handle, volumes } }
  },
  filter({ handle, volumes }, _pod, node) {
    const drivers = handle.informers.lister<CSINode>('storage.k8s.io/v1/CSINode').get('', node.name)?.spec.drivers
    const limits = new Map<string, number>()
    for (const { name = '', allocatable } of drivers ?? []) if (allocatable?.count !== undefined) limits.set(name, allocatable.count)
    if (limits.size === 0) return undefined
    const used = new Map([...node.pods.values()].flatMap((other) => volumesOf(handle, other)))
    const attached = new Map([...used, ...attachedTo(handle, node.name)])
    for (const [driver, limit] of limits) {
      const wanted = [...volumes].filter(([volume, d]) => d === driver && !used.has(volume)).length
      if (wanted > 0 && countOf(attached, driver) + wanted > limit) return REFUSED
    }
    return undefined
  },
})

function countOf(volumes: ReadonlyMap<string, string>, driver: string): number {
  let count = 0
  for (const d of volumes.values()) if (d === driver) count++
  return count
}

/** Former plugins whose volumes are counted for the driver; those of files have no limits. */
const COUNTED = new Set(['aws-ebs', 'gce-pd', 'azure-disk', 'cinder', 'portworx-volume'].map((name) => `kubernetes.io/${name}`))

/** Volumes that a CSI driver mounts for one pod alone are never attached, so they do not count. */
function volumesOf({ informers }: Handle, { pod, namespace, claims }: PodInfo): [volume: string, driver: string][] {
  const found: [string, string][] = (pod.spec.volumes ?? []).flatMap((volume) => countedOf(volume))
  for (const key of claims) {
    const claim = informers.lister<PersistentVolumeClaim>('v1/PersistentVolumeClaim').get(namespace, key.slice(namespace.length + 1))
    if (!claim) continue
    const volume = informers.lister<PersistentVolume>('v1/PersistentVolume').get('', claim.spec.volumeName ?? '')
    if (volume) found.push(...countedOf(volume.spec))
    // Not provisioned yet: it will be by the driver of its class, if that is one.
    else found.push([key, driverOf(informers.lister<StorageClass>('storage.k8s.io/v1/StorageClass').get('', classOfClaim(claim))?.provisioner)])
  }
  return found
}

function countedOf(spec: PersistentVolume['spec'] | Volume): [volume: string, driver: string][] {
  if ('csi' in spec && spec.csi) return 'volumeHandle' in spec.csi ? [[`${spec.csi.driver}/${spec.csi.volumeHandle}`, spec.csi.driver ?? '']] : []
  const migrated = migratedFrom(spec)
  return migrated && COUNTED.has(migrated.plugin) ? [[`${migrated.driver}/${migrated.handle}`, migrated.driver]] : []
}

const driverOf = (provisioner = ''): string => (COUNTED.has(provisioner) ? (MIGRATED.find(({ plugin }) => plugin === provisioner)?.driver ?? '') : provisioner)

const BY_NODE = 'scheduler/node'

/** What is attached, also while no pod there uses it any more. */
function attachedTo({ informers }: Handle, nodeName: string): [volume: string, driver: string][] {
  const attachments = informers.for<VolumeAttachment>('storage.k8s.io/v1/VolumeAttachment')
  attachments.addIndex(BY_NODE, ({ spec }) => [spec.nodeName ?? ''])
  return attachments.lister.byIndex(BY_NODE, nodeName).flatMap(({ spec: { attacher, source } }): [string, string][] => {
    const volume = informers.lister<PersistentVolume>('v1/PersistentVolume').get('', source?.persistentVolumeName ?? '')
    return attacher && volume ? countedOf(volume.spec).filter(([, driver]) => driver === attacher) : []
  })
}
