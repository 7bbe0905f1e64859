/** Bound volumes that carry zone labels must be in the node's zone. Models pkg/scheduler/framework/plugins/volumezone. */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../../schemas/types.ts'
import { SKIP, definePlugin, unresolvable, type Handle, type Status } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { classOfClaim, isClaimOf } from '../volumes.ts'

const REFUSED = unresolvable('node(s) had no available volume zone')
const NO_NAME = unresolvable('PersistentVolumeClaim had no name')
const NO_VOLUME_OR_CLASS = unresolvable('PersistentVolumeClaim had no pv name and storageClass name')
const NO_VOLUME = unresolvable('PersistentVolume had no name')

const GA_LABELS: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
}
const LABELS = [...Object.keys(GA_LABELS), ...Object.values(GA_LABELS)]

interface Topology {
  key: string
  values: ReadonlySet<string>
}

export default definePlugin<readonly Topology[]>({
  name: 'VolumeZone',
  order: 120,
  events: [
    { resource: 'StorageClass', actions: ['add'] },
    { resource: 'Node', actions: ['add', 'labels'] },
    { resource: 'PersistentVolumeClaim', actions: ['add', 'update'], helps: isClaimOf },
    { resource: 'PersistentVolume', actions: ['add', 'update'] },
  ],
  preFilter({ handle }, pod) {
    const topologies: Topology[] = []
    for (const { persistentVolumeClaim } of pod.pod.spec.volumes ?? []) {
      if (!persistentVolumeClaim) continue
      const found = topologiesOf(handle, pod, persistentVolumeClaim.claimName ?? '')
      if (!Array.isArray(found)) return { status: found }
      topologies.push(...found)
    }
    return topologies.length === 0 ? SKIP : { state: topologies }
  },
  filter(topologies, _pod, { labels }) {
    if (!LABELS.some((key) => labels[key] !== undefined)) return undefined
    for (const { key, values } of topologies) {
      const value = labels[key] ?? labels[GA_LABELS[key] ?? key]
      if (value === undefined || !values.has(value)) return REFUSED
    }
    return undefined
  },
})

function topologiesOf({ informers }: Handle, { namespace }: PodInfo, claimName: string): Topology[] | Status {
  if (!claimName) return NO_NAME
  const claim = informers.lister<PersistentVolumeClaim>('v1/PersistentVolumeClaim').get(namespace, claimName)
  if (!claim) return unresolvable(`persistentvolumeclaim "${claimName}" not found`)
  const { volumeName } = claim.spec
  if (!volumeName) {
    const className = classOfClaim(claim)
    if (!className) return NO_VOLUME_OR_CLASS
    const storageClass = informers.lister<StorageClass>('storage.k8s.io/v1/StorageClass').get('', className)
    if (!storageClass) return unresolvable(`storageclass.storage.k8s.io "${className}" not found`)
    if (!storageClass.volumeBindingMode) return unresolvable(`VolumeBindingMode not set for StorageClass "${className}"`)
    return storageClass.volumeBindingMode === 'WaitForFirstConsumer' ? [] : NO_VOLUME
  }
  const volume = informers.lister<PersistentVolume>('v1/PersistentVolume').get('', volumeName)
  if (!volume) return unresolvable(`persistentvolume "${volumeName}" not found`)
  return LABELS.flatMap((key) => {
    const value = volume.metadata.labels?.[key]
    return value === undefined ? [] : [{ key, values: new Set(value.split('__')) }]
  })
}
