/** What the walks over values of a merge type share. Models sigs.k8s.io/structured-merge-diff/typed/helpers.go. */
import { equalJSON, isRecord } from './json.ts'
import type { MergeMap, MergeType } from './merge-type.ts'

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

/** A member of a map that its type allows, declared or not. */
export function memberOf(map: MergeMap, name: string): { readonly type: MergeType; readonly element: string } | undefined {
  const declared = map.fields.get(name)
  if (declared) return declared
  return map.element ? { type: map.element, element: `f:${name}` } : undefined
}

export const isSame = (a: unknown, b: unknown): boolean => a === b || equalJSON(a, b)
