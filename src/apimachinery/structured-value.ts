/** What the walks over values of a merge type share. Models sigs.k8s.io/structured-merge-diff/typed/helpers.go. */
import { equalJSON, isRecord } from './json.ts'
import type { MergeType } from './merge-type.ts'

/** The one form of the type that the value has; all forms for a null or for a value that fits none. */
export function formOf(type: MergeType, value: unknown): MergeType {
  if (value === null || value === undefined) return type
  if (Array.isArray(value)) return type.list && (type.map ?? type.scalar) ? { list: type.list } : type
  if (typeof value === 'object') return type.map && (type.list ?? type.scalar) ? { map: type.map } : type
  return type.scalar && (type.list ?? type.map) ? { scalar: type.scalar } : type
}

/** Which form counts: a map before a scalar before a list. */
export function kindOf(type: MergeType): 'map' | 'scalar' | 'list' {
  return type.map ? 'map' : type.scalar ? 'scalar' : 'list'
}

/** Null, an empty list and an empty map are leaves. */
export function isEmptyContainer(value: unknown): boolean {
  if (value === null || value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  if (typeof value !== 'object') return true
  for (const key in value) if ((value as Record<string, unknown>)[key] !== undefined) return false
  return true
}

export const asMap = (value: unknown): Record<string, unknown> | undefined => (isRecord(value) ? value : undefined)
export const asList = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined)

/** The type of a map's member. */
export function memberType(type: MergeType, name: string): MergeType | undefined {
  return type.map?.fields.get(name)?.type ?? type.map?.element
}

export const isSame = (a: unknown, b: unknown): boolean => a === b || equalJSON(a, b)
