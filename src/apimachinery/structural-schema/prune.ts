/**
 * Gives a resource the form that its structural schema lets it have: unknown fields go, nulls that are no values go, and
 * metadata is decoded as ObjectMeta wherever a resource is embedded. Nothing is changed in place; what stays as it is is
 * shared. Models pruning, defaulting/prunenulls.go and objectmeta of k8s.io/apiextensions-apiserver/pkg/apiserver/schema.
 */
import { field, type FieldError } from '../../errors.ts'
import { byBytes } from '../go-format.ts'
import { isRecord } from '../json.ts'
import { childPath, keyPath, META_FIELDS, schemaForKey } from './path.ts'
import { decodeEmbeddedMeta } from './embedded-meta.ts'
import { itemsOf, schemaOf, type Schema } from './schema.ts'

export interface Pruned<T> {
  value: T
  /** The paths of fields that went, sorted. */
  unknown: string[]
}

interface Pruner {
  /** The keys and indexes that lead here. */
  readonly path: (string | number)[]
  readonly unknown: string[]
}

/**
 * Removes fields that the schema does not know, and nulls where it knows no null and no default.
 * @param isResourceRoot the value is a resource: apiVersion, kind and metadata stay
 */
export function prune<T>(value: T, schema: Schema | undefined, isResourceRoot: boolean): Pruned<T> {
  const pruner: Pruner = { path: [], unknown: [] }
  const root = isResourceRoot ? { ...schema, 'x-kubernetes-embedded-resource': true } : schema
  const pruned = pruneValue(value, root, pruner) as T
  return { value: pruned, unknown: pruner.unknown.sort(byBytes) }
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

function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : text ? `${text}.${step}` : step), '')
}
