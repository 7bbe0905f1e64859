/** v1 PersistentVolume. Models k8s.io/kubernetes/pkg/registry/core/persistentvolume. */
import { formatTime } from '../../../src/clock.ts'
import { defineKind, type Column } from '../../../src/registry/kind.ts'
import type { PersistentVolume } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { nodeSelectorTermWarnings } from './_node-labels.ts'
import { defaultVolumeSource } from './_persistent-volume-defaults.ts'
import { validateMountOptions, validatePersistentVolume, validatePersistentVolumeChange } from './_persistent-volume-validation.ts'
import { accessModesText, BETA_CLASS } from './_volume-columns.ts'

const DEPRECATED_ANNOTATIONS = {
  [BETA_CLASS]: 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
}
const DEPRECATED_SOURCES = [
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
] as const

function warnings({ metadata, spec }: PersistentVolume): string[] {
  const texts: string[] = []
  for (const [key, message] of Object.entries(DEPRECATED_ANNOTATIONS)) {
    if (metadata.annotations?.[key] !== undefined) texts.push(`metadata.annotations[${key}]: ${message}`)
  }
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    texts.push('spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.')
  }
  spec.nodeAffinity?.required?.nodeSelectorTerms?.forEach((term, i) => texts.push(...nodeSelectorTermWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${i}]`)))
  for (const [member, name, message] of DEPRECATED_SOURCES) if (spec[member]) texts.push(`spec.${name}: ${message}`)
  return texts
}

const columns: Column<PersistentVolume>[] = [
  nameColumn,
  { name: 'Capacity', value: ({ spec }) => spec.capacity?.storage ?? '0' },
  { name: 'Access Modes', value: ({ spec }) => accessModesText(spec.accessModes) },
  { name: 'Reclaim Policy', value: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '' },
  { name: 'Status', value: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')) },
  { name: 'Claim', value: ({ spec }) => (spec.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '') },
  { name: 'StorageClass', value: ({ metadata, spec }) => metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? '' },
  { name: 'VolumeAttributesClass', value: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>' },
  { name: 'Reason', value: ({ status }) => status?.reason ?? '' },
  ageColumn,
  { name: 'VolumeMode', priority: 1, value: ({ spec }) => spec.volumeMode ?? '<unset>' },
]

export default defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  shortNames: ['pv'],
  namespaced: false,
  repeatsMetadataUpdate: false,
  returnsDeletedObject: true,
  subresources: {
    status: {
      prepareForUpdate(volume, old, ctx) {
        const [before, status] = [old.status ?? {}, (volume.status ??= {})]
        const { lastPhaseTransitionTime: time } = status
        if (before.phase === status.phase) {
          if (!time && before.lastPhaseTransitionTime) status.lastPhaseTransitionTime = before.lastPhaseTransitionTime
        } else if (!time || time === before.lastPhaseTransitionTime) {
          status.lastPhaseTransitionTime = formatTime(ctx.clock.now())
        }
      },
    },
  },
  columns,
  default(volume) {
    const { spec } = volume
    volume.status = { ...volume.status, phase: volume.status?.phase || 'Pending' }
    spec.persistentVolumeReclaimPolicy ||= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    defaultVolumeSource(spec)
  },
  prepareForCreate(volume, ctx) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: formatTime(ctx.clock.now()) }
  },
  validate: (volume) => [...validatePersistentVolume(volume), ...validateMountOptions(volume)],
  validateUpdate: (volume, old) => [
    ...validateMetadataOf(volume, 'Cluster'),
    ...validatePersistentVolume(volume, old),
    ...validateMountOptions(volume),
    ...validateMetadataOf(volume, 'Cluster'),
    ...validatePersistentVolume(volume, old),
    ...validatePersistentVolumeChange(volume, old),
  ],
  warnings: (volume) => warnings(volume),
})
