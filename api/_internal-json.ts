/**
 * Upstream validates internal types, which have no JSON names: where a field error shows a struct, it shows Go's field
 * names and leaves nothing out. This prints a value so, from the facts about its versioned twin, for the groups whose
 * internal types have the same fields in the same order.
 */
import { mustTypeFacts, type FieldFacts } from '../schemas/facts.ts'
import type { FieldType } from '../schemas/field-type.ts'
import { equalJSON } from '../src/apimachinery/json.ts'
import { normalize } from '../src/apimachinery/normalize.ts'

const META_PREFIX = 'io.k8s.apimachinery.'

/** @param typeName the OpenAPI name of the versioned type */
export function internalJSON(typeName: string, value: unknown): unknown {
  const source: Readonly<Record<string, unknown>> = isObject(value) ? value : {}
  const out: Record<string, unknown> = {}
  for (const field of mustTypeFacts(typeName).jsonFields.values()) {
    const member = fieldJSON(field, source[field.name])
    // Embedded metadata has a JSON form of its own, whose members stand in the struct's place.
    if (isEmbeddedMeta(field)) Object.assign(out, member)
    else out[field.goName] = member
  }
  return out
}

const isEmbeddedMeta = ({ name, type }: FieldFacts): boolean => name === 'metadata' && type.kind === 'ref' && type.name === `${META_PREFIX}pkg.apis.meta.v1.ObjectMeta`

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

function fieldJSON(field: FieldFacts, value: unknown): unknown {
  if (value === undefined || value === null) return field.pointer ? null : zero(field.type)
  return typeJSON(field.type, value)
}

function typeJSON(type: FieldType, value: unknown): unknown {
  if (type.kind === 'list') return Array.isArray(value) ? value.map((item) => typeJSON(type.of, item)) : null
  if (type.kind === 'map') return isObject(value) ? Object.fromEntries(Object.entries(value).sort(byKey).map(([key, item]) => [key, typeJSON(type.of, item)])) : null
  if (type.kind !== 'ref') return value
  return type.name.startsWith(META_PREFIX) ? metaJSON(type.name, value) : internalJSON(type.name, value)
}

/** metav1 types are shared by all versions, and keep their JSON form; of maps the keys are sorted. */
export function metaJSON(typeName: string, value: unknown): unknown {
  if (!isObject(value)) return value ?? null
  const normal = normalize(typeName, value)
  const out: Record<string, unknown> = {}
  for (const { name, type } of mustTypeFacts(typeName).jsonFields.values()) if (normal[name] !== undefined) out[name] = typeJSON(type, normal[name])
  return out
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1)

function zero(type: FieldType): unknown {
  if (type.kind === 'ref') return type.name.startsWith(META_PREFIX) ? {} : internalJSON(type.name, {})
  if (type.kind !== 'scalar') return null
  if (type.scalar === 'string') return ''
  if (type.scalar === 'bool') return false
  if (type.scalar === 'Quantity') return '0'
  return /^(u?int|float)/.test(type.scalar) ? 0 : null
}

/** Whether two values mean the same to Go's semantic equality, for which nil and empty are one. */
export function equalInternal(typeName: string, a: unknown, b: unknown): boolean {
  if (equalJSON(a, b)) return true
  const text = (value: unknown): string => JSON.stringify(internalJSON(typeName, value), (_key, v: unknown) => (Array.isArray(v) && v.length === 0 ? null : v))
  return text(a) === text(b)
}
