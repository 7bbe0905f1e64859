/** Lists, sets and maps. Models k8s.io/apiserver/pkg/cel/library/lists.go and cel-go's ext/lists.go, ext/sets.go and ext/comprehensions.go. */
import { CostLimitExceeded } from './frame.ts'
import { contains, OPERATORS } from './functions-operators.ts'
import { CelError, compare, Duration, equal, ListValue, MapValue, NativeList, NativeMap, NO_SUCH_OVERLOAD, NONE, Optional, show, toArray, typeOfValue, Uint, type Value } from './values.ts'

/** No longer list could be paid for. */
const MAX_RANGE = 10_000_000n

type ListFunction = (list: ListValue, ...args: Value[]) => Value
const onList = (run: ListFunction) => (list: Value = null, ...args: Value[]): Value => (list instanceof ListValue ? run(list, ...args) : NO_SUCH_OVERLOAD)
const asInt = (value: Value | undefined): bigint => (typeof value === 'bigint' ? value : 0n)

function isSorted(list: ListValue): Value {
  const items = toArray(list)
  for (let i = 1; i < items.length; i++) {
    const order = compare(items[i - 1] ?? null, items[i] ?? null)
    if (typeof order === 'number' && order > 0) return false
  }
  return true
}

function sum(zero: Value): ListFunction {
  return (list) => {
    let total = zero
    for (const item of toArray(list)) {
      total = OPERATORS['_+_'](total, item) ?? NO_SUCH_OVERLOAD
      if (total instanceof CelError) return total
    }
    return total
  }
}

function best(name: string, isBetter: (order: number) => boolean): ListFunction {
  return (list) => {
    let result: Value | undefined
    for (const item of toArray(list)) {
      if (item instanceof CelError) return item
      const order = result === undefined ? undefined : compare(result, item)
      if (result === undefined || (typeof order === 'number' && isBetter(order))) result = item
    }
    return result ?? new CelError(`${name} called on empty list`)
  }
}

const find = (list: ListValue, item: Value): bigint => BigInt(toArray(list).findIndex((other) => equal(other, item) === true))
const findLast = (list: ListValue, item: Value): bigint => BigInt(toArray(list).findLastIndex((other) => equal(other, item) === true))

function slice(list: ListValue, start: bigint, end: bigint): Value {
  const call = `cannot slice(${start}, ${end})`
  if (start < 0n || end < 0n) return new CelError(`${call}, negative indexes not supported`)
  if (start > end) return new CelError(`${call}, start index must be less than or equal to end index`)
  if (BigInt(list.size) < end) return new CelError(`${call}, list is length ${list.size}`)
  return new NativeList(toArray(list).slice(Number(start), Number(end)))
}

function flatten(list: ListValue, depth: bigint): Value[] {
  return toArray(list).flatMap((item) => (item instanceof ListValue && depth > 0n ? flatten(item, depth - 1n) : [item]))
}

function distinct(list: ListValue): Value {
  const kept: Value[] = []
  for (const item of toArray(list)) if (!kept.some((other) => equal(item, other) === true)) kept.push(item)
  return new NativeList(kept)
}

function sortBy(list: ListValue, keys: ListValue): Value {
  if (list.size !== keys.size) {
    return new CelError(`@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got ${list.size} and ${keys.size} elements respectively`)
  }
  if (list.size === 0) return list
  const type = typeOfValue(keys.at(0))
  const pairs = toArray(list).map((item, i) => ({ item, key: keys.at(i) }))
  if (pairs.some(({ key }) => typeOfValue(key) !== type)) return new CelError('list elements must have the same type')
  pairs.sort((a, b) => Number(compare(a.key, b.key)))
  return new NativeList(pairs.map(({ item }) => item))
}

function range(count: bigint): Value {
  if (count > MAX_RANGE) throw new CostLimitExceeded()
  return new NativeList(Array.from({ length: Math.max(0, Number(count)) }, (_, i) => BigInt(i)))
}

function containsAll(list: ListValue, part: ListValue): Value {
  for (const item of toArray(part)) {
    const found = contains(item, list)
    if (found !== true) return found ?? false
  }
  return true
}

const intersects = (a: ListValue, b: ListValue): Value => toArray(a).some((item) => contains(item, b) === true)

function isEquivalent(a: ListValue, b: ListValue): Value {
  const contained = containsAll(a, b)
  return contained === true ? containsAll(b, a) : contained
}

const onLists = (run: (a: ListValue, b: ListValue) => Value) => (a: Value = null, b: Value = null): Value =>
  a instanceof ListValue && b instanceof ListValue ? run(a, b) : NO_SUCH_OVERLOAD

function insert(map: MapValue, key: Value, value: Value): CelError | NativeMap {
  if (map.find(key) !== undefined) return new CelError(`insert failed: key ${show(key)} already exists`)
  const copy = new NativeMap()
  for (const known of map.keys()) copy.set(known, map.find(known) ?? null)
  return copy.set(key, value)
}

function insertAll(map: Value, more: Value): Value {
  if (!(map instanceof MapValue) || !(more instanceof MapValue)) return NO_SUCH_OVERLOAD
  let result: MapValue = map
  for (const key of more.keys()) {
    const next = insert(result, key, more.find(key) ?? null)
    if (next instanceof CelError) return next
    result = next
  }
  return result
}

function unwrap(list: ListValue): Value {
  const values: Value[] = []
  for (const item of toArray(list)) {
    if (!(item instanceof Optional)) return new CelError(`value ${show(item)} is not optional`)
    if (item.value !== undefined) values.push(item.value)
  }
  return new NativeList(values)
}

const COMPARABLE = ['int', 'uint', 'double', 'bool', 'duration', 'timestamp', 'string', 'bytes']
const SORTABLE = ['int', 'uint', 'double', 'bool', 'google.protobuf.Duration', 'google.protobuf.Timestamp', 'string', 'bytes']
const ZEROS: Readonly<Record<string, Value>> = { int: 0n, uint: new Uint(0n), double: 0, duration: new Duration(0n) }
const each = (types: readonly string[], entry: (type: string) => [string, (...args: Value[]) => Value]): Record<string, (...args: Value[]) => Value> =>
  Object.fromEntries(types.map(entry))

const item = (index: (size: number) => number): ((...args: Value[]) => Value) => onList((list) => (list.size ? new Optional(list.at(index(list.size))) : NONE))

export const LISTS: Readonly<Record<string, (...args: Value[]) => Value>> = {
  ...each(COMPARABLE, (type) => [`list_${type}_is_sorted_bool`, onList(isSorted)]),
  ...each(Object.keys(ZEROS), (type) => [`list_${type}_sum_${type}`, onList(sum(ZEROS[type] ?? 0n))]),
  ...each(COMPARABLE, (type) => [`list_${type}_max_${type}`, onList(best('max', (order) => order < 0))]),
  ...each(COMPARABLE, (type) => [`list_${type}_min_${type}`, onList(best('min', (order) => order > 0))]),
  ...each(SORTABLE, (type) => [`list_${type}_sort`, onList((list) => sortBy(list, list))]),
  ...each(SORTABLE, (type) => [`list_${type}_sortByAssociatedKeys`, onLists(sortBy)]),
  list_a_index_of_int: onList((list, wanted = null) => find(list, wanted)),
  list_a_last_index_of_int: onList((list, wanted = null) => findLast(list, wanted)),
  list_slice: onList((list, start, end) => slice(list, asInt(start), asInt(end))),
  list_flatten: onList((list) => new NativeList(flatten(list, 1n))),
  list_flatten_int: onList((list, depth) => (asInt(depth) < 0n ? new CelError('level must be non-negative') : new NativeList(flatten(list, asInt(depth))))),
  lists_range: (count) => range(asInt(count)),
  list_reverse: onList((list) => new NativeList([...toArray(list)].reverse())),
  list_distinct: onList(distinct),
  list_first: item(() => 0),
  list_last: item((size) => size - 1),
  optional_unwrap: onList(unwrap),
  optional_unwrapOpt: onList(unwrap),
  list_sets_contains_list: onLists(containsAll),
  list_sets_intersects_list: onLists(intersects),
  list_sets_equivalent_list: onLists(isEquivalent),
  '@mapInsert_map_key_value': (map, key = null, value = null) => (map instanceof MapValue ? insert(map, key, value) : NO_SUCH_OVERLOAD),
  '@mapInsert_map_map': (map = null, more = null) => insertAll(map, more),
}
