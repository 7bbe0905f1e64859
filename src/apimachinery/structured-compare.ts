/**
 * Which fields of an object were added, changed or removed. It runs on every write: what is the same object on both
 * sides is not looked into. Models Compare of sigs.k8s.io/structured-merge-diff/typed.
 */
import { itemElement } from './path-element.ts'
import { EMPTY, isEmptySet, LEAF, SELF, subtractTrees, unionSets, type FieldSet, type MutableFieldSet } from './field-set.ts'
import { ParseError } from './parse-error.ts'
import type { MergeList, MergeMap, MergeType } from './merge-type.ts'
import { asList, asMap, formOf, isEmptyContainer, isSame, kindOf, memberOf } from './structured-value.ts'

export interface Comparison {
  readonly added: FieldSet
  readonly modified: FieldSet
  readonly removed: FieldSet
}

/** Throws ParseError for lists whose items cannot be told apart. */
export function compareValues(type: MergeType, before: unknown, after: unknown): Comparison {
  const changes = new Changes()
  compare(type, before, after, changes)
  return { added: changes.added, modified: changes.modified, removed: changes.removed }
}

export function isUnchanged({ added, modified, removed }: Comparison): boolean {
  return isEmptySet(added) && isEmptySet(modified) && isEmptySet(removed)
}

/** Leaves out the fields that another part of the API owns, and all below them. */
export function excludeFields(comparison: Comparison, fields: FieldSet): Comparison {
  if (isEmptySet(fields)) return comparison
  return { added: subtractTrees(comparison.added, fields), modified: subtractTrees(comparison.modified, fields), removed: subtractTrees(comparison.removed, fields) }
}

/** Collects what differs under the path that the walk is on. */
class Changes {
  readonly added: MutableFieldSet = {}
  readonly modified: MutableFieldSet = {}
  readonly removed: MutableFieldSet = {}
  readonly path: string[] = []

  add(node: FieldSet): void {
    this.#insert(this.added, node)
  }

  modify(): void {
    this.#insert(this.modified, LEAF)
  }

  remove(node: FieldSet): void {
    this.#insert(this.removed, node)
  }

  #insert(root: MutableFieldSet, node: FieldSet): void {
    const last = this.path.length - 1
    if (last < 0) return
    let parent = root
    for (let i = 0; i < last; i++) {
      const element = this.path[i] ?? ''
      const child = parent[element]
      // Nodes on the way are made here and may still grow, but for leaves, which are shared.
      const grown: MutableFieldSet = child === undefined ? {} : isEmptySet(child) ? { [SELF]: LEAF } : child
      parent[element] = grown
      parent = grown
    }
    const element = this.path[last] ?? ''
    const known = parent[element]
    parent[element] = known === undefined ? node : (unionSets({ [element]: known }, { [element]: node })[element] ?? node)
  }
}

function compare(type: MergeType, before: unknown, after: unknown, changes: Changes): void {
  if (before === after) return
  if (before === undefined) return changes.add(allFields(type, after))
  if (after === undefined) return changes.remove(allFields(type, before))
  const was = formOf(type, before)
  const is = formOf(type, after)
  if (kindOf(was) !== kindOf(is)) compareForm(was, before, after, changes)
  compareForm(is, before, after, changes)
}

function compareForm(form: MergeType, before: unknown, after: unknown, changes: Changes): void {
  const { map, scalar, list } = form
  if (map) {
    if (map.isAtomic) return compareLeaf(before, after, changes)
    const left = asMap(before)
    const right = asMap(after)
    if (isEmptyContainer(left) && isEmptyContainer(right)) return compareLeaf(before, after, changes)
    compareMembers(map, left ?? {}, right ?? {}, changes)
  } else if (scalar) compareLeaf(before, after, changes)
  else if (list) {
    if (list.isAtomic) return compareLeaf(before, after, changes)
    const left = asList(before)
    const right = asList(after)
    if (isEmptyContainer(left) && isEmptyContainer(right)) return compareLeaf(before, after, changes)
    compareItems(list, left ?? [], right ?? [], changes)
  }
}

function compareLeaf(before: unknown, after: unknown, changes: Changes): void {
  if (!isSame(before, after)) changes.modify()
}

function compareMembers(map: MergeMap, left: Record<string, unknown>, right: Record<string, unknown>, changes: Changes): void {
  for (const name in right) if (left[name] !== right[name]) compareMember(map, name, { before: left[name], after: right[name] }, changes)
  for (const name in left) if (right[name] === undefined && left[name] !== undefined) compareMember(map, name, { before: left[name], after: undefined }, changes)
}

function compareMember(map: MergeMap, name: string, { before, after }: { before: unknown; after: unknown }, changes: Changes): void {
  const member = memberOf(map, name)
  if (!member) throw new ParseError('schema error: invalid atom: inlined')
  changes.path.push(member.element)
  compare(member.type, before, after, changes)
  changes.path.pop()
}

function compareItems(list: MergeList, left: readonly unknown[], right: readonly unknown[], changes: Changes): void {
  if (left.length === 1 && right.length === 1 && elementAt(list, left[0], 0) === elementAt(list, right[0], 0)) return compareItem(list, [left, right], elementAt(list, left[0], 0), changes)
  const before = itemsByElement(list, left)
  const after = itemsByElement(list, right)
  for (const [element, is] of after) compareItem(list, [before.get(element) ?? NONE, is], element, changes)
  for (const [element, was] of before) if (!after.has(element)) compareItem(list, [was, NONE], element, changes)
}

const NONE: readonly unknown[] = []

function compareItem(list: MergeList, [was, is]: readonly [readonly unknown[], readonly unknown[]], element: string, changes: Changes): void {
  changes.path.push(element)
  compareSiblings(list.element, was, is, changes)
  changes.path.pop()
}

/** Items with the same key stand for each other only where there is one of them; several count as one atomic whole. */
function compareSiblings(type: MergeType, was: readonly unknown[], is: readonly unknown[], changes: Changes): void {
  if (was.length <= 1 && is.length <= 1) return compare(type, was[0], is[0], changes)
  if (was.length >= 2 && is.length >= 2) return compareLeaf(was, is, changes)
  if (was.length >= 2) {
    if (is.length !== 0) changes.add(allFields(type, is[0]))
    changes.remove(LEAF)
  } else {
    if (was.length !== 0) changes.remove(allFields(type, was[0]))
    changes.add(LEAF)
  }
}

function itemsByElement(list: MergeList, items: readonly unknown[]): Map<string, unknown[]> {
  const found = new Map<string, unknown[]>()
  items.forEach((item, i) => {
    const element = elementAt(list, item, i)
    const siblings = found.get(element)
    if (siblings) siblings.push(item)
    else found.set(element, [item])
  })
  return found
}

export function elementAt(list: MergeList, item: unknown, index: number): string {
  try {
    return itemElement(list, item)
  } catch (error) {
    throw error instanceof ParseError ? new ParseError(`element ${index}: ${error.message}`) : error
  }
}

/** All fields of a value that stands only on one side, containers included. */
function allFields(type: MergeType, value: unknown): FieldSet {
  if (typeof value !== 'object' || value === null) return LEAF
  const { map, list } = formOf(type, value)
  if (map) {
    const members = asMap(value)
    if (map.isAtomic || !members || isEmptyContainer(members)) return LEAF
    const node: MutableFieldSet = { [SELF]: LEAF }
    for (const name in members) {
      const member = members[name] === undefined ? undefined : memberOf(map, name)
      if (member) node[member.element] = allFields(member.type, members[name])
    }
    return node
  }
  const items = asList(value)
  if (!list || list.isAtomic || !items || items.length === 0) return LEAF
  const node: MutableFieldSet = { [SELF]: LEAF }
  items.forEach((item, i) => {
    const element = elementAt(list, item, i)
    // What stands there twice counts as one.
    node[element] = node[element] === undefined ? allFields(list.element, item) : LEAF
  })
  return node
}

/** The fields that an applied configuration names: its leaves, and the items of its lists. */
export function fieldsOf(type: MergeType, value: unknown): FieldSet {
  return namedFields(type, value) ?? EMPTY
}

/** A node for the value, or nothing where it names no field. `LEAF` for a member. */
function namedFields(type: MergeType, value: unknown): FieldSet | undefined {
  const form = formOf(type, value)
  const { map, list } = form
  if (map) {
    if (map.isAtomic) return LEAF
    const members = asMap(value)
    if (!members) return undefined
    const node: MutableFieldSet = {}
    for (const name in members) {
      const value = members[name]
      const member = value === undefined ? undefined : memberOf(map, name)
      if (!member) continue
      const isNamed = value === null || (asMap(value) !== undefined && isEmptyContainer(value)) || !map.fields.has(name)
      const below = namedFields(member.type, value)
      const child = isNamed ? withSelf(below) : below
      if (child) node[member.element] = child
    }
    return isEmptySet(node) ? undefined : node
  }
  if (form.scalar) return LEAF
  if (!list || list.isAtomic) return LEAF
  const items = asList(value)
  if (!items) return undefined
  const node: MutableFieldSet = {}
  for (const [element, siblings] of itemsByElement(list, items)) node[element] = siblings.length > 1 ? LEAF : withSelf(namedFields(list.element, siblings[0]))
  return isEmptySet(node) ? undefined : node
}

function withSelf(node: FieldSet | undefined): FieldSet {
  return node === undefined || isEmptySet(node) || SELF in node ? (node ?? LEAF) : { [SELF]: LEAF, ...node }
}
