/** v1 ConfigMap. Models k8s.io/kubernetes/pkg/registry/core/configmap and ValidateConfigMap of pkg/apis/core/validation. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { byteLength, isConfigMapKey } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { ConfigMap } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { sortedEntries } from './_resource-names.ts'

/** Also the limit of Secrets. */
export const MAX_DATA_BYTES = 1024 * 1024
export const IMMUTABLE_MESSAGE = 'field is immutable when `immutable` is set'

const sizeOf = (map: object | undefined): number => Object.keys(map ?? {}).length

function validate(configMap: ConfigMap): FieldError[] {
  const errors: FieldError[] = []
  const { data, binaryData } = configMap
  let size = 0
  for (const [key, value] of sortedEntries(data)) {
    const path = `data[${key}]`
    for (const message of isConfigMapKey(key)) errors.push(field.invalid(path, key, message))
    if (binaryData && Object.hasOwn(binaryData, key)) errors.push(field.invalid(path, key, 'duplicate of key present in binaryData'))
    size += byteLength(value)
  }
  for (const [key, value] of sortedEntries(binaryData)) {
    for (const message of isConfigMapKey(key)) errors.push(field.invalid(`binaryData[${key}]`, key, message))
    size += Buffer.byteLength(value, 'base64')
  }
  if (size > MAX_DATA_BYTES) errors.push(field.tooLong('[]', MAX_DATA_BYTES))
  return errors
}

function validateUpdate(configMap: ConfigMap, old: ConfigMap): FieldError[] {
  const errors: FieldError[] = []
  if (old.immutable) {
    if (!configMap.immutable) errors.push(field.forbidden('immutable', IMMUTABLE_MESSAGE))
    if (!equalJSON(configMap.data ?? {}, old.data ?? {})) errors.push(field.forbidden('data', IMMUTABLE_MESSAGE))
    if (!equalJSON(configMap.binaryData ?? {}, old.binaryData ?? {})) errors.push(field.forbidden('binaryData', IMMUTABLE_MESSAGE))
  }
  return [...errors, ...validateMetadataOf(configMap, 'Namespaced'), ...validate(configMap)]
}

export default defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  columns: [nameColumn, { name: 'Data', value: (cm) => sizeOf(cm.data) + sizeOf(cm.binaryData) }, ageColumn],
  validate,
  validateUpdate,
})
