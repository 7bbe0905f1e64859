/** Volumes that only one pod may use at a time. Models pkg/scheduler/framework/plugins/volumerestrictions. */
import type { PersistentVolumeClaim, Pod, Volume } from '../../../schemas/types.ts'
import { SKIP, definePlugin, unresolvable, unschedulable } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { isClaimOf } from '../volumes.ts'

const DISK_CONFLICT = unschedulable('node(s) had no available disk')
const CLAIM_IN_USE = unschedulable('node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod')

interface Restrictions {
  disks: readonly Volume[]
  /** `namespace/name` of claims that only one pod may use. */
  exclusive: ReadonlySet<string>
  /** How many uses of these there are. */
  uses: number
}

export default definePlugin<Restrictions>({
  name: 'VolumeRestrictions',
  order: 90,
  events: [
    { resource: 'AssignedPod', actions: ['delete'] },
    { resource: 'Node', actions: ['add'] },
    { resource: 'PersistentVolumeClaim', actions: ['add'], helps: isClaimOf },
  ],
  preFilter({ handle }, { pod, namespace }) {
    if (!pod.spec.volumes?.length) return SKIP
    const claims = handle.informers.lister<PersistentVolumeClaim>('v1/PersistentVolumeClaim')
    const exclusive = new Set<string>()
    for (const { persistentVolumeClaim } of pod.spec.volumes) {
      if (!persistentVolumeClaim) continue
      const { claimName = '' } = persistentVolumeClaim
      const claim = claims.get(namespace, claimName)
      if (!claim) return { status: unresolvable(`persistentvolumeclaim "${claimName}" not found`) }
      if (claim.spec.accessModes?.includes('ReadWriteOncePod')) exclusive.add(`${namespace}/${claimName}`)
    }
    let uses = 0
    for (const key of exclusive) for (const node of handle.cache.nodes) if (node.claims.has(key)) uses++
    const disks = pod.spec.volumes.filter((v) => v.gcePersistentDisk ?? v.awsElasticBlockStore ?? v.rbd ?? v.iscsi)
    return disks.length === 0 && uses === 0 ? SKIP : { state: { disks, exclusive, uses } }
  },
  cloneState: (state) => ({ ...state }),
  addPod: (state, { other }) => void (state.uses += usesOf(state, other)),
  removePod: (state, { other }) => void (state.uses -= usesOf(state, other)),
  filter({ disks, uses }, _pod, node) {
    if (disks.length > 0 && hasConflict(disks, node)) return DISK_CONFLICT
    return uses > 0 ? CLAIM_IN_USE : undefined
  },
})

function usesOf({ exclusive }: Restrictions, { claims }: PodInfo): number {
  return claims.filter((c) => exclusive.has(c)).length
}

function hasConflict(disks: readonly Volume[], { pods }: NodeInfo): boolean {
  for (const { pod } of pods.values()) if (pod.spec.volumes?.length && disks.some((disk) => conflicts(disk, pod))) return true
  return false
}

function conflicts(disk: Volume, { spec }: Pod): boolean {
  return (spec.volumes ?? []).some((other) => {
    const { gcePersistentDisk: gce, awsElasticBlockStore: aws, iscsi, rbd } = disk
    if (gce && other.gcePersistentDisk?.pdName === gce.pdName && !(gce.readOnly && other.gcePersistentDisk?.readOnly)) return true
    if (aws && other.awsElasticBlockStore?.volumeID === aws.volumeID) return true
    if (iscsi && other.iscsi?.iqn === iscsi.iqn && !(iscsi.readOnly && other.iscsi?.readOnly)) return true
    if (!rbd || !other.rbd) return false
    const sharesMonitor = rbd.monitors?.some((m) => other.rbd?.monitors?.includes(m)) ?? false
    return sharesMonitor && rbd.pool === other.rbd.pool && rbd.image === other.rbd.image && !(rbd.readOnly && other.rbd.readOnly)
  })
}
