/** Removes what a structural schema does not know. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning/algorithm.go. */
import { itemsOf, schemaOf, type Schema } from './schema.ts'

const META_FIELDS = new Set(['apiVersion', 'kind', 'metadata'])
const PRESERVE = 'x-kubernetes-preserve-unknown-fields'
const EMBEDDED = 'x-kubernetes-embedded-resource'

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Prunes `value` in place.
 * @param isResourceRoot the value is a resource: apiVersion, kind and metadata stay
 * @returns the paths of what was removed, sorted
 */
export function prune(value: unknown, schema: Schema, isResourceRoot: boolean): string[] {
  const removed: string[] = []
  pruneValue(value, isResourceRoot ? { ...schema, [EMBEDDED]: true } : schema, { path: '', removed })
  return removed.sort()
}

interface Place {
  path: string
  removed: string[]
}

const child = (place: Place, key: string): Place => ({ ...place, path: place.path ? `${place.path}.${key}` : key })

function pruneValue(value: unknown, schema: Schema | undefined, place: Place): void {
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema)
    const visit = schema?.[PRESERVE] ? preserveValue : pruneValue
    value.forEach((item, i) => visit(item, items, { ...place, path: `${place.path}[${i}]` }))
    return
  }
  if (!isObject(value)) return
  if (schema?.[PRESERVE]) return preserveValue(value, schema, place)
  for (const key of Object.keys(value)) {
    if (schema?.[EMBEDDED] && META_FIELDS.has(key)) continue
    const property = schema?.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined
    if (property) pruneValue(value[key], property, child(place, key))
    else if (schema?.additionalProperties !== undefined) pruneValue(value[key], schemaOf(schema.additionalProperties), child(place, key))
    else {
      if (!META_FIELDS.has(key) || place.path) place.removed.push(child(place, key).path)
      delete value[key]
    }
  }
}

/** Where unknown fields are kept, what is specified is still pruned within. */
function preserveValue(value: unknown, schema: Schema | undefined, place: Place): void {
  if (!schema) return
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    value.forEach((item, i) => preserveValue(item, items, { ...place, path: `${place.path}[${i}]` }))
    return
  }
  if (!isObject(value)) return
  for (const key of Object.keys(value)) {
    if (schema[EMBEDDED] && META_FIELDS.has(key)) continue
    const property = schema.properties && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined
    if (property) pruneValue(value[key], property, child(place, key))
    else if (schema.additionalProperties !== undefined) pruneValue(value[key], schemaOf(schema.additionalProperties), child(place, key))
  }
}
