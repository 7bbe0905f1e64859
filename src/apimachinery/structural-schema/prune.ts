/**
 * Removes what a structural schema does not know: fields, and nulls that are no values. Nothing is changed in place; what
 * stays as it is is shared. Models pruning and defaulting/prunenulls.go of k8s.io/apiextensions-apiserver/pkg/apiserver/schema.
 */
import { byBytes } from '../go-format.ts'
import { pathText } from '../json-reader.ts'
import { itemsOf, META_FIELDS, schemaForKey, type Schema } from './schema.ts'

export interface Pruned<T> {
  value: T
  /** The paths of fields that went, sorted; apiVersion, kind and metadata of the value itself go untold. */
  unknown: string[]
  hasUnknown: boolean
}

interface Pruner {
  hasUnknown: boolean
  /** The keys and indexes that lead here. */
  readonly path: (string | number)[]
  readonly unknown: string[]
}

/**
 * Removes fields that the schema does not know, and nulls where it knows no null and no default.
 * @param isResourceRoot the value is a resource: apiVersion, kind and metadata stay
 */
export function prune<T>(value: T, schema: Schema | undefined, isResourceRoot: boolean): Pruned<T> {
  const pruner: Pruner = { path: [], unknown: [], hasUnknown: false }
  const root = isResourceRoot ? { ...schema, 'x-kubernetes-embedded-resource': true } : schema
  const pruned = pruneValue(value, root, pruner) as T
  return { value: pruned, unknown: pruner.unknown.sort(byBytes), hasUnknown: pruner.hasUnknown }
}

function pruneValue(value: unknown, schema: Schema | undefined, pruner: Pruner): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (schema?.['x-kubernetes-preserve-unknown-fields']) return preserveValue(value, schema, pruner)
  if (Array.isArray(value)) return pruneItems(value, schema, pruner, pruneValue)
  return pruneMembers(value as Record<string, unknown>, schema, pruner)
}

/** Where unknown fields are kept, what is specified is still pruned within. */
function preserveValue(value: unknown, schema: Schema | undefined, pruner: Pruner): unknown {
  if (!schema || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return pruneItems(value, schema, pruner, preserveValue)
  return pruneMembers(value as Record<string, unknown>, schema, pruner, true)
}

function pruneItems(items: readonly unknown[], schema: Schema | undefined, pruner: Pruner, prune: typeof pruneValue): unknown {
  const { path } = pruner
  const itemSchema = schema && itemsOf(schema)
  let copy: unknown[] | undefined
  for (let i = 0; i < items.length; i++) {
    path.push(i)
    const item = prune(items[i], itemSchema, pruner)
    path.pop()
    if (item === items[i]) continue
    copy ??= [...items]
    copy[i] = item
  }
  return copy ?? items
}

function pruneMembers(members: Readonly<Record<string, unknown>>, schema: Schema | undefined, pruner: Pruner, preserves = false): unknown {
  const { path } = pruner
  const isResource = schema?.['x-kubernetes-embedded-resource'] ?? false
  let copy: Record<string, unknown> | undefined
  for (const key of Object.keys(members)) {
    const value = members[key]
    const known = schema !== undefined && isKnown(schema, key)
    if (!known && !preserves && !(isResource && META_FIELDS.has(key))) {
      pruner.hasUnknown = true
      if (!META_FIELDS.has(key) || path.length > 0) pruner.unknown.push(pathText([...path, key]))
      copy ??= { ...members }
      delete copy[key]
      continue
    }
    const inner = schema && schemaForKey(schema, key)
    if (value === null && inner && !inner.nullable && (inner.default ?? null) === null) {
      copy ??= { ...members }
      delete copy[key]
      continue
    }
    if (!known || (isResource && META_FIELDS.has(key))) continue
    path.push(key)
    const pruned = pruneValue(value, inner, pruner)
    path.pop()
    if (pruned === value) continue
    copy ??= { ...members }
    copy[key] = pruned
  }
  return copy ?? members
}

function isKnown(schema: Schema, key: string): boolean {
  return schema.additionalProperties !== undefined || (schema.properties !== undefined && Object.hasOwn(schema.properties, key))
}
