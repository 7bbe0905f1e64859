/**
 * Which old value a new one corresponds to, so that an update may leave alone what was wrong before. Models
 * k8s.io/apiserver/pkg/cel/common (CorrelatedObject) as pkg/apiserver/validation/ratcheting.go of apiextensions-apiserver uses it.
 */
import { equalJSON, isRecord } from '../json.ts'
import { itemsOf, schemaForKey, type Schema } from './schema.ts'

export interface Correlation {
  old: unknown
  schema: Schema
}

/** Members are told by their names; what the schema says nothing of has no counterpart. */
export function correlateMember({ old, schema }: Correlation, key: string): Correlation | undefined {
  const inner = schemaForKey(schema, key)
  return inner && isRecord(old) && Object.hasOwn(old, key) ? { old: old[key], schema: inner } : undefined
}

/** Items of lists are told by their keys; other lists count as a whole. */
export function correlateItem({ old, schema }: Correlation, item: unknown): Correlation | undefined {
  const items = itemsOf(schema)
  if (!items || schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old) || !isRecord(item)) return undefined
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (keys.length === 0 || !keys.every((key) => isScalar(item[key]))) return undefined
  const before: unknown = old.find((candidate) => isRecord(candidate) && keys.every((key) => candidate[key] === item[key]))
  return before === undefined ? undefined : { old: before, schema: items }
}

const isScalar = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

export function isUnchanged(value: unknown, correlation: Correlation): boolean {
  const { old, schema } = correlation
  if (Array.isArray(value)) {
    if (!Array.isArray(old) || old.length !== value.length) return false
    if (schema['x-kubernetes-list-type'] !== 'map') return equalJSON(value, old)
    return value.every((item) => {
      const inner = correlateItem(correlation, item)
      return inner !== undefined && isUnchanged(item, inner)
    })
  }
  if (!isRecord(value)) return equalJSON(value, old)
  if (!isRecord(old) || Object.keys(old).length !== Object.keys(value).length) return false
  return Object.keys(value).every((key) => {
    const inner = correlateMember(correlation, key)
    return inner !== undefined && isUnchanged(value[key], inner)
  })
}
