/** x-kubernetes-list-type, -list-map-keys and -map-type. Models the list parts of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation. */
import { field, type FieldError } from '../../../src/errors.ts'
import { itemsOf, someSchema, type Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import { internalItems } from './_internal-spec.ts'

const LIST_TYPES = ['atomic', 'set', 'map']
export const MAP_TYPES = ['atomic', 'granular']

export function validateListAndMapTypes(schema: Schema, path: string, requireAtomicSetType: boolean): FieldError[] {
  const errors: FieldError[] = []
  const listType = schema['x-kubernetes-list-type']
  const mapType = schema['x-kubernetes-map-type']
  if (mapType !== undefined && schema.type !== 'object') errors.push(wrongType(schema, path, 'must be object if x-kubernetes-map-type is specified'))
  if (mapType !== undefined && !MAP_TYPES.includes(mapType)) errors.push(field.notSupported(`${path}.x-kubernetes-map-type`, mapType, MAP_TYPES))
  if (listType !== undefined && schema.type !== 'array') errors.push(wrongType(schema, path, 'must be array if x-kubernetes-list-type is specified'))
  else if (requireAtomicSetType && listType === 'set') errors.push(...validateSetItems(itemsOf(schema), path))
  if (listType !== undefined && !LIST_TYPES.includes(listType)) errors.push(field.notSupported(`${path}.x-kubernetes-list-type`, listType, LIST_TYPES))
  if (schema['x-kubernetes-list-map-keys']?.length && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty'
    errors.push(listType === undefined ? field.required(`${path}.x-kubernetes-list-type`, why) : field.invalid(`${path}.x-kubernetes-list-type`, listType, why))
  }
  if (listType === 'map') errors.push(...validateMapList(schema, path))
  return errors
}

function wrongType({ type }: Schema, path: string, why: string): FieldError {
  return type ? field.invalid(`${path}.type`, type, why) : field.required(`${path}.type`, why)
}

const ATOMIC_ITEM = 'must be atomic as item of a list with x-kubernetes-list-type=set'

function validateSetItems(items: Schema | undefined, path: string): FieldError[] {
  const listType = items?.['x-kubernetes-list-type']
  if (!isNonAtomic(items)) return []
  const name = items?.type === 'array' ? 'x-kubernetes-list-type' : 'x-kubernetes-map-type'
  // upstream shows the list type for both
  return [field.invalid(`${path}.items.${name}`, listType ?? null, ATOMIC_ITEM)]
}

function isNonAtomic(items: Schema | undefined): boolean {
  if (items?.type === 'array') return (items['x-kubernetes-list-type'] ?? 'atomic') !== 'atomic'
  return items?.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic'
}

/** Whether a schema has sets of items that are not atomic, which older servers let through. */
export const hasNonAtomicSet = (schema: Schema | undefined): boolean => someSchema(schema, (s) => s['x-kubernetes-list-type'] === 'set' && isNonAtomic(itemsOf(s)))

function validateMapList(schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = []
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const at = `${path}.x-kubernetes-list-map-keys`
  if (keys.length === 0) errors.push(field.required(at, 'must not be empty if x-kubernetes-list-type is map'))
  const items = itemsOf(schema)
  if (schema.items === undefined) errors.push(field.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
  else if (!items) errors.push(field.invalid(`${path}.items`, internalItems(schema.items), 'must only have a single schema if x-kubernetes-list-type is map'))
  if (!items) return errors
  if (items.type !== 'object') return [...errors, field.invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map")]
  keys.forEach((key, i) => {
    const property = items.properties?.[key]
    if (!property) errors.push(field.invalid(at, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object') {
      errors.push(field.invalid(`${path}.items.properties[${key}].type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"))
    }
    if (keys.indexOf(key) < i) errors.push(field.invalid(at, keys, 'must not contain duplicate entries'))
  })
  return errors
}

/** Keys of maps are there, and items of maps and sets are never null. */
export function validateMapListKeys(schema: Schema, path: string): FieldError[] {
  const listType = schema['x-kubernetes-list-type']
  const items = itemsOf(schema)
  if (!items || (listType !== 'set' && listType !== 'map')) return []
  const errors: FieldError[] = []
  if (items.nullable) errors.push(field.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
  for (const key of listType === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : []) {
    const property = items.properties?.[key]
    if (!property) continue
    const at = `${path}.items.properties[${key}]`
    if (!items.required?.includes(key) && property.default === undefined) {
      errors.push(field.required(`${at}.default`, 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'))
    }
    if (property.nullable) errors.push(field.forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'))
  }
  return errors
}
