/** storage.k8s.io/v1 StorageClass. Models k8s.io/kubernetes/pkg/registry/storage/storageclass and ValidateStorageClass. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { StorageClass, TopologySelectorTerm } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateQualifiedName } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { deprecatedNodeLabel } from '../../core/v1/_node-labels.ts'
import { sorted } from '../../core/v1/_pod-internal.ts'
import { IMMUTABLE, STORAGE_GROUP, validateParameters, validateProvisioner } from './_parameters.ts'

const IS_DEFAULT = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']
const RECLAIM_POLICIES = ['Delete', 'Retain']
const BINDING_MODES = ['Immediate', 'WaitForFirstConsumer']

function validateTerm(term: TopologySelectorTerm, path: string): FieldError[] {
  const keys = new Set<string>()
  return (term.matchLabelExpressions ?? []).flatMap(({ key = '', values: given }, i) => {
    const at = `${path}.matchLabelExpressions[${i}]`
    const values = given ?? []
    const errors = values.length === 0 ? [field.required(`${at}.values`)] : []
    values.forEach((value, j) => {
      if (values.indexOf(value) < j) errors.push(field.duplicate(`${at}.values[${j}]`, value))
    })
    errors.push(...validateQualifiedName(`${at}.key`, key))
    if (keys.has(key)) errors.push(field.duplicate(`${at}.key`, key))
    keys.add(key)
    return errors
  })
}

/** What a term selects, whatever the order it is written in. */
function meaningOf(term: TopologySelectorTerm): Record<string, string[]> {
  return Object.fromEntries((term.matchLabelExpressions ?? []).map(({ key = '', values }) => [key, [...new Set(values ?? [])].sort()]))
}

function validateTopologies(terms: readonly TopologySelectorTerm[] | undefined): FieldError[] {
  const seen: Record<string, string[]>[] = (terms ?? []).map(() => ({}))
  return (terms ?? []).flatMap((term, i) => {
    const path = `allowedTopologies[${i}]`
    const meaning = meaningOf(term)
    // Upstream compares with as many empty terms as there are, so that an empty one is never alone.
    const repeats = seen.filter((other) => equalJSON(other, meaning)).map(() => field.duplicate(`${path}.matchLabelExpressions`, ''))
    seen.push(meaning)
    return [...validateTerm(term, path), ...repeats]
  })
}

function validate(storageClass: StorageClass): FieldError[] {
  const { reclaimPolicy, volumeBindingMode } = storageClass
  const errors = [...validateProvisioner(storageClass.provisioner, 'provisioner'), ...validateParameters(storageClass.parameters, true)]
  if (reclaimPolicy && !RECLAIM_POLICIES.includes(reclaimPolicy)) errors.push(field.notSupported('reclaimPolicy', reclaimPolicy, RECLAIM_POLICIES))
  if (volumeBindingMode === undefined) errors.push(field.required('volumeBindingMode'))
  else if (!BINDING_MODES.includes(volumeBindingMode)) errors.push(field.notSupported('volumeBindingMode', volumeBindingMode, BINDING_MODES))
  return [...errors, ...validateTopologies(storageClass.allowedTopologies)]
}

function validateChange(storageClass: StorageClass, old: StorageClass): FieldError[] {
  const errors: FieldError[] = []
  if (!equalJSON(storageClass.parameters ?? {}, old.parameters ?? {})) errors.push(field.invalid('parameters', sorted(storageClass.parameters), IMMUTABLE))
  for (const member of ['provisioner', 'reclaimPolicy', 'volumeBindingMode'] as const) {
    if (storageClass[member] !== old[member]) errors.push(field.invalid(member, storageClass[member] ?? (member === 'provisioner' ? '' : null), IMMUTABLE))
  }
  return errors
}

export function isDefaultClass({ metadata }: StorageClass): boolean {
  return IS_DEFAULT.some((key) => metadata.annotations?.[key] === 'true')
}

export default defineKind<StorageClass>({
  group: STORAGE_GROUP,
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  shortNames: ['sc'],
  namespaced: false,
  repeatsMetadataUpdate: 'last',
  returnsDeletedObject: true,
  columns: [
    { ...nameColumn, value: (sc) => `${sc.metadata.name ?? ''}${isDefaultClass(sc) ? ' (default)' : ''}` },
    { name: 'Provisioner', value: (sc) => sc.provisioner ?? '' },
    { name: 'ReclaimPolicy', value: (sc) => sc.reclaimPolicy ?? 'Delete' },
    { name: 'VolumeBindingMode', value: (sc) => sc.volumeBindingMode ?? 'Immediate' },
    { name: 'AllowVolumeExpansion', value: (sc) => sc.allowVolumeExpansion ?? false },
    ageColumn,
  ],
  default(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete'
    storageClass.volumeBindingMode ??= 'Immediate'
  },
  validate,
  validateUpdate: (storageClass, old) => [...validateMetadataOf(storageClass, 'Cluster'), ...validate(storageClass), ...validateChange(storageClass, old)],
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, i) =>
      matchLabelExpressions.flatMap(({ key }, j) => {
        const message = deprecatedNodeLabel(key)
        return message ? [`allowedTopologies[${i}].matchLabelExpressions[${j}].key: ${message}`] : []
      }),
    ),
})
