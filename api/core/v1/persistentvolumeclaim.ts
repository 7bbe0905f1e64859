/** v1 PersistentVolumeClaim. Models k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim and pkg/api/persistentvolumeclaim. */
import { defineKind, type Column } from '../../../src/registry/kind.ts'
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec, TypedLocalObjectReference } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateClaimSpec } from './_claim-spec-validation.ts'
import { validateClaimStatus, validateClaimUpdate } from './_claim-validation.ts'
import { defaultClaimSpec } from './_pod-defaults.ts'
import { claimSpecWarnings } from './_pod-warnings.ts'
import { roundUpResources } from './_resource-names.ts'
import { accessModesText, BETA_CLASS } from './_volume-columns.ts'

function isClaimOrSnapshot({ apiGroup = '', kind }: TypedLocalObjectReference): boolean {
  return (kind === 'PersistentVolumeClaim' && apiGroup === '') || (kind === 'VolumeSnapshot' && apiGroup === 'snapshot.storage.k8s.io')
}

/** dataSource and dataSourceRef say the same; what the older field cannot name is left out of it. */
function settleDataSources(spec: PersistentVolumeClaimSpec, old?: PersistentVolumeClaimSpec): void {
  if (spec.dataSourceRef?.namespace && !old?.dataSourceRef) delete spec.dataSourceRef
  const isInUse = old?.dataSource ?? old?.dataSourceRef
  if (!isInUse && !spec.dataSourceRef && spec.dataSource && !isClaimOrSnapshot(spec.dataSource)) delete spec.dataSource
  const { dataSource, dataSourceRef } = spec
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource }
  else if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
    const { namespace: _, ...local } = dataSourceRef
    spec.dataSource = local
  }
}

const columns: Column<PersistentVolumeClaim>[] = [
  nameColumn,
  { name: 'Status', value: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')) },
  { name: 'Volume', value: ({ spec }) => spec.volumeName ?? '' },
  { name: 'Capacity', value: ({ spec, status }) => (spec.volumeName ? (status?.capacity?.storage ?? '0') : '') },
  { name: 'Access Modes', value: ({ spec, status }) => (spec.volumeName ? accessModesText(status?.accessModes) : '') },
  { name: 'StorageClass', value: ({ metadata, spec }) => metadata.annotations?.[BETA_CLASS] ?? spec.storageClassName ?? '' },
  { name: 'VolumeAttributesClass', value: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>' },
  ageColumn,
  { name: 'VolumeMode', priority: 1, value: ({ spec }) => spec.volumeMode ?? '<unset>' },
]

export default defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  shortNames: ['pvc'],
  namespaced: true,
  returnsDeletedObject: true,
  subresources: { status: { validateUpdate: validateClaimStatus } },
  columns,
  default(claim) {
    claim.status = { ...claim.status, phase: claim.status?.phase || 'Pending' }
    defaultClaimSpec(claim.spec)
    roundUpResources(claim.status.capacity)
    roundUpResources(claim.status.allocatedResources)
  },
  prepareForCreate(claim) {
    claim.status = { phase: 'Pending' }
    settleDataSources(claim.spec)
  },
  prepareForUpdate: (claim, old) => settleDataSources(claim.spec, old.spec),
  validate: ({ spec }) => validateClaimSpec(spec, 'spec'),
  validateUpdate: validateClaimUpdate,
  warnings({ metadata, spec }) {
    const texts = metadata.annotations?.[BETA_CLASS] === undefined ? [] : [`metadata.annotations[${BETA_CLASS}]: deprecated since v1.8; use "storageClassName" attribute instead`]
    return [...texts, ...claimSpecWarnings(spec, 'spec')]
  },
})
