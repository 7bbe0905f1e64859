/**
 * The spec of a claim, on its own and inside an ephemeral volume.
 * Models ValidatePersistentVolumeClaimSpec of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { PersistentVolumeClaimSpec } from '../../../schemas/types.ts'
import { quantitySign, quantityText } from '../../../src/apimachinery/quantity.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { isDNS1123Label, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { need } from './_path-validation.ts'
import { validateResourceQuantity } from './_resource-names.ts'

export const ACCESS_MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']
export const VOLUME_MODES = ['Block', 'Filesystem']

interface ClaimOptions {
  allowInvalidLabelValueInSelector?: boolean
  allowInvalidAPIGroupInDataSource?: boolean
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, path: string, options: ClaimOptions = {}): FieldError[] {
  const errors = need(spec.accessModes, `${path}.accessModes`, 'at least 1 access mode is required')
  errors.push(...validateLabelSelector(spec.selector, `${path}.selector`, options))
  errors.push(...validateAccessModes(spec.accessModes ?? [], `${path}.accessModes`))
  errors.push(...validateStorage(spec.resources?.requests?.['storage'], `${path}.resources[storage]`))
  errors.push(...validateClassName(spec.storageClassName, `${path}.storageClassName`))
  if (spec.volumeMode !== undefined && !VOLUME_MODES.includes(spec.volumeMode)) errors.push(field.notSupported(`${path}.volumeMode`, spec.volumeMode, VOLUME_MODES))
  if (spec.dataSource) errors.push(...validateDataSource(spec.dataSource, `${path}.dataSource`, options))
  if (spec.dataSourceRef) errors.push(...validateDataSource(spec.dataSourceRef, `${path}.dataSourceRef`, options))
  errors.push(...validateSourcesAgree(spec, path))
  errors.push(...validateClassName(spec.volumeAttributesClassName, `${path}.volumeAttributesClassName`))
  return errors
}

function validateAccessModes(modes: readonly string[], path: string): FieldError[] {
  const errors = modes.filter((m) => !ACCESS_MODES.includes(m)).map((m) => field.notSupported(path, m, ACCESS_MODES))
  if (modes.includes('ReadWriteOncePod') && modes.some((m) => m !== 'ReadWriteOncePod' && ACCESS_MODES.includes(m))) {
    errors.push(field.forbidden(path, 'may not use ReadWriteOncePod with other access modes'))
  }
  return errors
}

function validateStorage(storage: string | undefined, path: string): FieldError[] {
  if (storage === undefined) return [field.required(path)]
  if (quantitySign(storage) <= 0) return [field.invalid(path, quantityText(storage), 'must be greater than zero')]
  return validateResourceQuantity('storage', storage, path)
}

function validateClassName(name: string | undefined, path: string): FieldError[] {
  return name ? isDNS1123Subdomain(name).map((m) => field.invalid(path, name, m)) : []
}

interface DataSource {
  apiGroup?: string
  kind?: string
  name?: string
  namespace?: string
}

function validateDataSource(source: DataSource, path: string, options: ClaimOptions): FieldError[] {
  const { apiGroup = '', kind = '', namespace } = source
  const errors = [...need(source.name, `${path}.name`), ...need(kind, `${path}.kind`)]
  if (!apiGroup && kind !== 'PersistentVolumeClaim') errors.push(field.invalid(path, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
  if (apiGroup && !options.allowInvalidAPIGroupInDataSource) for (const m of isDNS1123Subdomain(apiGroup)) errors.push(field.invalid(`${path}.apiGroup`, apiGroup, m))
  if (namespace) for (const m of isDNS1123Label(namespace)) errors.push(field.invalid(`${path}.namespace`, namespace, m))
  return errors
}

/** Upstream gives a path as the bad value here, which prints as an empty struct. */
function validateSourcesAgree({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, path: string): FieldError[] {
  if (!dataSource || !dataSourceRef) return []
  if (dataSourceRef.namespace) return [field.invalid(path, {}, 'may not be specified when dataSourceRef.namespace is specified')]
  const isSame = dataSource.apiGroup === dataSourceRef.apiGroup && (dataSource.kind ?? '') === (dataSourceRef.kind ?? '') && (dataSource.name ?? '') === (dataSourceRef.name ?? '')
  return isSame ? [] : [field.invalid(path, {}, 'must match dataSourceRef')]
}
