/**
 * Fills in the defaults of a structural schema, also where a null stands that the schema does not allow. Nothing is changed
 * in place. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/algorithm.go.
 */
import { cloneJSON, isRecord } from '../json.ts'
import { itemsOf, schemaForKey, schemaOf, type Schema } from './schema.ts'

const isPresent = (value: unknown): boolean => value !== undefined && value !== null

/** By schema, whether it or one within it has a default; most have none, and their values need no look. */
const known = new WeakMap<Schema, boolean>()

function hasDefaults(schema: Schema): boolean {
  let has = known.get(schema)
  if (has === undefined) {
    const inner = [itemsOf(schema), schemaOf(schema.additionalProperties), ...Object.values(schema.properties ?? {})]
    has = isPresent(schema.default) || inner.some((s) => s !== undefined && hasDefaults(s))
    known.set(schema, has)
  }
  return has
}

export function withDefaults<T>(value: T, schema: Schema | undefined): T {
  return (schema && hasDefaults(schema) ? fill(value, schema) : value) as T
}

function fill(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (!items) return value
    const filled = value.map((item: unknown) => withDefaults(replaced(item, items), items))
    return filled.every((item, i) => item === value[i]) ? value : filled
  }
  return isRecord(value) ? fillMembers(value, schema) : value
}

function fillMembers(members: Readonly<Record<string, unknown>>, schema: Schema): unknown {
  const { properties = {} } = schema
  let copy: Record<string, unknown> | undefined
  for (const key of Object.keys(properties)) {
    const property = properties[key]
    if (!property || !isPresent(property.default)) continue
    const has = Object.hasOwn(members, key) && members[key] !== undefined
    if (has && (members[key] !== null || property.nullable)) continue
    copy ??= { ...members }
    copy[key] = cloneJSON(property.default)
  }
  const current = copy ?? members
  for (const key of Object.keys(current)) {
    const inner = schemaForKey(schema, key)
    if (!inner) continue
    const isProperty = Object.hasOwn(properties, key)
    const filled = withDefaults(isProperty ? current[key] : replaced(current[key], inner), inner)
    if (filled === current[key]) continue
    copy ??= { ...members }
    copy[key] = filled
  }
  return copy ?? members
}

/** What stands in place of a null that may not be. */
function replaced(value: unknown, schema: Schema): unknown {
  return value === null && !schema.nullable ? (cloneJSON(schema.default) ?? null) : value
}
