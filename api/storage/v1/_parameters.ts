/** What storage classes and volume attributes classes share. Models k8s.io/kubernetes/pkg/apis/storage/validation. */
import { byteLength } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateQualifiedName } from '../../_field-errors.ts'

export const STORAGE_GROUP = 'storage.k8s.io'
export const IMMUTABLE = 'field is immutable'
const MAX_BYTES = 256 * 1024
const MAX_COUNT = 512

export function validateProvisioner(provisioner: string | undefined, path: string): FieldError[] {
  return provisioner ? validateQualifiedName(path, provisioner.toLowerCase()) : [field.required(path)]
}

export function validateParameters(parameters: Record<string, string> = {}, isEmptyAllowed: boolean): FieldError[] {
  const path = 'parameters'
  const entries = Object.entries(parameters)
  if (entries.length > MAX_COUNT) return [field.tooLong(path, MAX_COUNT)]
  const errors = entries.filter(([key]) => key === '').map(([key]) => field.invalid(path, key, 'field can not be empty.'))
  if (entries.reduce((size, [key, value]) => size + byteLength(key) + byteLength(value), 0) > MAX_BYTES) errors.push(field.tooLong(path, MAX_BYTES))
  if (!isEmptyAllowed && entries.length === 0) errors.push(field.required(path, 'must contain at least one key/value pair'))
  return errors
}
