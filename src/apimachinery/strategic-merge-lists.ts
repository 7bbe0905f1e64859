/** The lists of a strategic merge patch: merged by key or as sets, and put in order. Models mergeSlice of strategicpatch/patch.go. */
import { goFormat, goTypeOf } from './go-format.ts'
import { isRecord } from './json.ts'
import { badPatchType, keyOf, StrategicMergeError } from './strategic-merge-error.ts'
import { mergeMaps } from './strategic-merge.ts'
import type { PatchField } from './strategic-merge-schema.ts'

/** Merges a list of maps by their key, or of scalars as a set. Items of the patch come in its order, before others where they can. */
export function mergeLists(current: readonly unknown[], change: readonly unknown[], field: PatchField): unknown[] {
  if (current.length === 0 && change.length === 0) return []
  const { mergeKey } = field
  if (elementType(current, change) !== 'map[string]interface {}') {
    const merged = [...new Set([...current, ...change])]
    return inOrder(merged, change, { order: change, serverOrder: current, mergeKey })
  }
  if (mergeKey === '') throw new StrategicMergeError(`cannot merge lists without merge key for ${field.schema.name}`)
  const { kept, items } = obeyDirectives(current, change, mergeKey)
  const merged = mergeItems(kept, items, field)
  return inOrder(merged, items, { order: items, serverOrder: merged.slice(0, kept.length), mergeKey })
}

/** `$deleteFromPrimitiveList`: a list of maps has no such items, and is merged instead. */
export function removeFromList(current: readonly unknown[], change: readonly unknown[], field: PatchField): unknown[] {
  if (current.length === 0 && change.length === 0) return []
  if (elementType(current, change) === 'map[string]interface {}') return mergeLists(current, change, field)
  const gone = new Set(change)
  return current.filter((item) => !gone.has(item))
}

/** A merged list in the order of `$setElementOrder`; items that it does not name keep theirs. */
export function reorder(list: readonly unknown[], order: readonly unknown[], { current, change, field }: { current: readonly unknown[]; change: readonly unknown[]; field: PatchField }): unknown[] {
  elementType(current, change)
  return inOrder(list, order, { order, serverOrder: current, mergeKey: field.mergeKey })
}

interface Order {
  order: readonly unknown[]
  serverOrder: readonly unknown[]
  mergeKey: string
}

/** Splits a list into the items that `named` has and the others, sorts each by its own order and zips them together. */
function inOrder(list: readonly unknown[], named: readonly unknown[], { order, serverOrder, mergeKey }: Order): unknown[] {
  const identity = (item: unknown): unknown => (mergeKey === '' ? item : keyOf(item, mergeKey))
  const names = new Set(named.map(identity))
  const ours: unknown[] = []
  const theirs: unknown[] = []
  for (const item of list) (names.has(identity(item)) ? ours : theirs).push(item)
  const serverRank = rankIn(serverOrder, identity)
  const left = sorted(theirs, serverRank)
  const right = sorted(ours, rankIn(order, identity))
  const zipped: unknown[] = []
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    const leftRank = i < left.length ? serverRank(left[i]) : -1
    const rightRank = j < right.length ? serverRank(right[j]) : -1
    const takeLeft = j >= right.length || (i < left.length && leftRank >= 0 && rightRank >= 0 && leftRank < rightRank)
    zipped.push(takeLeft ? left[i++] : right[j++])
  }
  return zipped
}

/** Where an item stands in a list, or -1. */
function rankIn(list: readonly unknown[], identity: (item: unknown) => unknown): (item: unknown) => number {
  const ranks = new Map<unknown, number>()
  list.forEach((item, i) => {
    if (!ranks.has(identity(item))) ranks.set(identity(item), i)
  })
  return (item) => ranks.get(identity(item)) ?? -1
}

/** An insertion sort whose order holds only between ranked items: an item without a rank goes before those in front of it. */
function sorted(items: readonly unknown[], rank: (item: unknown) => number): unknown[] {
  const list = [...items]
  const less = (a: unknown, b: unknown): boolean => rank(a) < 0 || rank(b) < 0 || rank(a) < rank(b)
  for (let i = 1; i < list.length; i++) {
    for (let j = i; j > 0 && less(list[j], list[j - 1]); j--) [list[j], list[j - 1]] = [list[j - 1], list[j]]
  }
  return list
}

function obeyDirectives(current: readonly unknown[], change: readonly unknown[], mergeKey: string): { kept: readonly unknown[]; items: readonly unknown[] } {
  const items: unknown[] = []
  let kept = current
  let isReplaced = false
  for (const item of change) {
    const directive = isRecord(item) && Object.hasOwn(item, '$patch') ? item.$patch : undefined
    if (directive === undefined) items.push(item)
    else if (directive === 'delete') {
      const key = keyOf(item, mergeKey)
      kept = kept.filter((other) => !isRecord(other) || !Object.hasOwn(other, mergeKey) || other[mergeKey] !== key)
    } else if (directive === 'replace') isReplaced = true
    else if (directive === 'merge') throw new StrategicMergeError('merging lists cannot yet be specified in the patch')
    else throw new StrategicMergeError(badPatchType(directive, item))
  }
  return isReplaced ? { kept: items, items: [] } : { kept, items }
}

function mergeItems(current: readonly unknown[], items: readonly unknown[], field: PatchField): unknown[] {
  const merged = [...current]
  for (const item of items) {
    const key = keyOf(item, field.mergeKey)
    const at = merged.findIndex((other) => isRecord(other) && Object.hasOwn(other, field.mergeKey) && other[field.mergeKey] === key)
    const known = merged[at]
    if (isRecord(known) && isRecord(item)) merged[at] = mergeMaps(known, item, field.schema)
    else merged.push(item)
  }
  return merged
}

/** The Go type that all items have. */
function elementType(...lists: readonly (readonly unknown[])[]): string {
  const types = new Set(lists.flat().map(goTypeOf))
  const [first] = types
  if (first === undefined) throw new StrategicMergeError('no elements in any of the given slices')
  if (goTypeOf(lists.flat()[0]) === '[]interface {}') throw new StrategicMergeError('lists of lists are not supported', 422)
  if (types.size > 1) throw new StrategicMergeError(`list element types are not identical: [${lists.map(goFormat).join(' ')}]`)
  return first
}
