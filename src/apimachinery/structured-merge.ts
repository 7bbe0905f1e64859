/**
 * Merging an applied configuration into an object, and taking fields out of one.
 * Models Merge and RemoveItems of sigs.k8s.io/structured-merge-diff/typed.
 */
import { below, hasMember, type FieldSet } from './field-set.ts'
import type { MergeList, MergeMap, MergeType } from './merge-type.ts'
import { elementAt } from './structured-compare.ts'
import { asList, asMap, formOf, isEmptyContainer, kindOf, memberOf } from './structured-value.ts'

/** What stands only in the object stays, what stands in both is the configuration's. Parts of both are shared, neither is changed. */
export function mergeValues(type: MergeType, live: unknown, config: unknown): unknown {
  if (config === undefined || live === config) return live
  if (live === undefined) return config
  const was = formOf(type, live)
  const form = formOf(type, config)
  const { map, list } = form
  if (map) {
    const left = kindOf(was) === 'map' ? asMap(live) : undefined
    const right = asMap(config)
    if (map.isAtomic || (isEmptyContainer(left) && isEmptyContainer(right))) return config
    return mergeMembers(map, left ?? {}, right ?? {})
  }
  if (form.scalar || !list) return config
  const left = asList(live)
  const right = asList(config)
  if (list.isAtomic || (isEmptyContainer(left) && isEmptyContainer(right))) return config
  return mergeItems(list, left ?? [], right ?? [])
}

function mergeMembers(map: MergeMap, left: Record<string, unknown>, right: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...left }
  for (const name in right) {
    const member = memberOf(map, name)
    merged[name] = member ? mergeValues(member.type, left[name], right[name]) : right[name]
  }
  return merged
}

/**
 * Items of both come in the configuration's order; those that only the object has stay where they stand between them.
 */
function mergeItems(list: MergeList, left: readonly unknown[], right: readonly unknown[]): unknown[] {
  const leftElements = left.map((item, i) => elementAt(list, item, i))
  const rightElements = right.map((item, i) => elementAt(list, item, i))
  const known = new Map<string, unknown>()
  leftElements.forEach((element, i) => known.set(element, known.has(element) ? null : left[i]))
  const wanted = new Map(rightElements.map((element, i) => [element, right[i]]))
  const shared = rightElements.filter((element) => known.has(element))
  const merged: unknown[] = []
  const done = new Set<string>()
  let next = 0
  const take = (element: string): void => {
    done.add(element)
    merged.push(mergeValues(list.element, known.get(element), wanted.get(element)))
  }
  for (let l = 0, r = 0; l < left.length || r < right.length; ) {
    const ours = leftElements[l]
    const theirs = rightElements[r]
    if (ours !== undefined && theirs !== undefined) {
      if (ours === theirs) {
        take(ours)
        l++
        r++
        next++
        continue
      }
      if (wanted.has(ours) && shared[next] !== undefined && shared[next] !== ours) {
        l++
        continue
      }
    }
    if (ours !== undefined) {
      if (!wanted.has(ours)) {
        merged.push(left[l])
        l++
        continue
      }
      if (done.has(ours)) l++
    }
    if (theirs !== undefined) {
      take(theirs)
      r++
      if (shared[next] === theirs) next++
    }
  }
  return merged
}

/** The value without the fields of the set; a container that loses all becomes null. */
export function removeFields(type: MergeType, value: unknown, fields: FieldSet): unknown {
  const form = formOf(type, value)
  const { map, list } = form
  if (map) return removeMembers(map, value, fields)
  if (form.scalar) return value
  const items = asList(value)
  if (!list || !items || items.length === 0 || list.isAtomic) return null
  const kept: unknown[] = []
  items.forEach((item, i) => {
    const element = elementAt(list, item, i)
    if (hasMember(fields, element)) return
    const inside = below(fields, element)
    kept.push(inside ? removeFields(list.element, item, inside) : item)
  })
  return kept.length > 0 ? kept : null
}

function removeMembers(map: MergeMap, value: unknown, fields: FieldSet): unknown {
  const members = asMap(value)
  if (!members || isEmptyContainer(members) || map.isAtomic) return null
  const kept: Record<string, unknown> = {}
  for (const name in members) {
    const member = memberOf(map, name)
    if (member && hasMember(fields, member.element)) continue
    const inside = member && below(fields, member.element)
    kept[name] = inside ? removeFields(member.type, members[name], inside) : members[name]
  }
  return isEmptyContainer(kept) ? null : kept
}
