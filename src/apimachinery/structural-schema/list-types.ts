/** Items of sets and maps are there once. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype. */
import { field, type FieldError } from '../../errors.ts'
import { byBytes } from '../go-format.ts'
import { isRecord } from '../json.ts'
import { itemsOf, schemaForKey, schemaOf, someSchema, type Schema } from './schema.ts'

const listing = new WeakMap<Schema, boolean>()

function hasListTypes(schema: Schema): boolean {
  let has = listing.get(schema)
  if (has === undefined) listing.set(schema, (has = someSchema(schema, (s) => s['x-kubernetes-list-type'] === 'set' || s['x-kubernetes-list-type'] === 'map')))
  return has
}

export function validateListTypes(value: unknown, schema: Schema | undefined, path = ''): FieldError[] {
  if (!schema || typeof value !== 'object' || value === null || !hasListTypes(schema)) return []
  if (Array.isArray(value)) return validateList(value, schema, path)
  const members = value as Record<string, unknown>
  const { properties = {} } = schema
  return Object.keys(members).flatMap((key) => {
    const isProperty = Object.hasOwn(properties, key)
    const at = isProperty ? (path ? `${path}.${key}` : key) : `${path}[${key}]`
    return validateListTypes(members[key], isProperty ? schemaForKey(schema, key) : schemaOf(schema.additionalProperties), at)
  })
}

function validateList(items: readonly unknown[], schema: Schema, path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type']
  const errors: FieldError[] = []
  if (type === 'set') for (const i of repeated(items.map(identity))) errors.push(field.duplicate(`${path}[${i}]`, items[i]))
  if (type === 'map') errors.push(...validateMap(items, schema['x-kubernetes-list-map-keys'] ?? [], path))
  const itemSchema = itemsOf(schema)
  if (itemSchema) items.forEach((item, i) => errors.push(...validateListTypes(item, itemSchema, `${path}[${i}]`)))
  return errors
}

function validateMap(items: readonly unknown[], names: readonly string[], path: string): FieldError[] {
  const odd = items.findIndex((item) => item !== null && !isRecord(item))
  if (odd >= 0) return [field.invalid(`${path}[${odd}]`, items[odd], 'must be an object for an array of list-type map')]
  const keys = items.map((item) => {
    const record = isRecord(item) ? item : {}
    return Object.fromEntries([...names].sort(byBytes).filter((name) => Object.hasOwn(record, name)).map((name) => [name, record[name]]))
  })
  return repeated(keys.map(identity)).map((i) => field.duplicate(`${path}[${i}]`, keys[i]))
}

/** The same text for the same value. */
function identity(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (isRecord(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => byBytes(a, b))) : inner))
}

/** Where something stands for the second time; further times are not told. */
function repeated(texts: readonly string[]): number[] {
  const seen = new Map<string, number>()
  return texts.flatMap((text, i) => {
    const times = (seen.get(text) ?? 0) + 1
    seen.set(text, times)
    return times === 2 ? [i] : []
  })
}
