/**
 * Sets of fields, as tries in the very form of FieldsV1: a member without children is `{}`, one with children has a
 * `.` besides them, and a node without a `.` only leads to members below. Sets are never changed; what operations leave
 * alone is shared. Models Set of sigs.k8s.io/structured-merge-diff/fieldpath.
 */
import { isRecord } from './json.ts'
import type { MergeType } from './merge-type.ts'
import { ParseError } from './parse-error.ts'
import { canonicalElement, compareElements } from './path-element.ts'

/** As a whole set, `{}` is empty; as a node in one, `{}` is a member without children. */
export interface FieldSet {
  readonly [element: string]: FieldSet
}

export const SELF = '.'
export const LEAF: FieldSet = Object.freeze({})
export const EMPTY: FieldSet = LEAF

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false
  return true
}

const isMember = (node: FieldSet): boolean => isEmptySet(node) || SELF in node

/** A node that is a member and has these children. */
function memberWith(children: FieldSet): FieldSet {
  return isEmptySet(children) || SELF in children ? children : { [SELF]: LEAF, ...children }
}

/** A set under construction. */
export type MutableFieldSet = Record<string, FieldSet>

export function unionSets(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a
  if (isEmptySet(a)) return b
  let merged: MutableFieldSet | undefined
  for (const element in b) {
    const theirs = b[element] ?? LEAF
    const ours = a[element]
    const node = ours === undefined ? theirs : unionNodes(ours, theirs)
    if (node !== ours) (merged ??= { ...a })[element] = node
  }
  return merged ?? a
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a
  if (isEmptySet(a)) return memberWith(b)
  if (isEmptySet(b)) return memberWith(a)
  const merged = unionSets(a, b)
  return SELF in merged ? memberFirst(merged) : merged
}

/** A `.` stands in front of the children. */
function memberFirst(node: FieldSet): FieldSet {
  for (const first in node) {
    if (first === SELF) return node
    break
  }
  const { [SELF]: _, ...children } = node
  return { [SELF]: LEAF, ...children }
}

export function intersectSets(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a
  const common: MutableFieldSet = {}
  for (const element in a) {
    const ours = a[element]
    const theirs = b[element]
    if (element === SELF || ours === undefined || theirs === undefined) continue
    const node = intersectNodes(ours, theirs)
    if (node) common[element] = node
  }
  return common
}

function intersectNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  if (a === b) return a
  const children = intersectSets(a, b)
  if (isMember(a) && isMember(b)) return memberWith(children)
  return isEmptySet(children) ? undefined : children
}

/** Without the members of `b`; what lies below a member stays. */
export function subtractSet(a: FieldSet, b: FieldSet): FieldSet {
  return without(a, b, subtractNodes)
}

function subtractNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const children = childrenOf(a)
  const left = isEmptySet(children) || isEmptySet(b) ? children : subtractSet(children, b)
  const was = isMember(a)
  const stays = was && !isMember(b)
  if (left === children && stays === was) return a
  return stays ? memberWith(left) : isEmptySet(left) ? undefined : left
}

/** Without the members of `b` and all that lies below them. */
export function subtractTrees(a: FieldSet, b: FieldSet): FieldSet {
  return without(a, b, (ours, theirs) => {
    if (isMember(theirs)) return undefined
    const children = subtractTrees(childrenOf(ours), theirs)
    return isMember(ours) ? memberWith(children) : isEmptySet(children) ? undefined : children
  })
}

/** What an endpoint for status that leaves metadata alone too takes no notice of. */
export const ALL_BUT_STATUS: FieldSet = { 'f:metadata': LEAF, 'f:spec': LEAF }

function without(a: FieldSet, b: FieldSet, remaining: (ours: FieldSet, theirs: FieldSet) => FieldSet | undefined): FieldSet {
  if (isEmptySet(a) || isEmptySet(b)) return a
  let left: MutableFieldSet | undefined
  for (const element in a) {
    const ours = a[element]
    const theirs = b[element]
    if (element === SELF || ours === undefined || theirs === undefined) continue
    const node = remaining(ours, theirs)
    if (node === ours) continue
    left ??= { ...a }
    if (node) left[element] = node
    else delete left[element]
  }
  return left ?? a
}

function childrenOf(node: FieldSet): FieldSet {
  if (!(SELF in node)) return node
  const { [SELF]: _, ...children } = node
  return children
}

export function hasPath(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set
  for (const element of path) node = node?.[element]
  return node !== undefined && path.length > 0 && isMember(node)
}

/** Whether the element is a member of the set. */
export function hasMember(set: FieldSet, element: string): boolean {
  const node = set[element]
  return node !== undefined && isMember(node)
}

/** What the set says about the children of an element; nothing if it says nothing. */
export function below(set: FieldSet, element: string): FieldSet | undefined {
  const node = set[element]
  if (node === undefined) return undefined
  const children = childrenOf(node)
  return isEmptySet(children) ? undefined : children
}

/** Every member, those of a level before those below. */
export function membersOf(set: FieldSet, prefix: readonly string[] = []): string[][] {
  const elements = Object.keys(set).filter((e) => e !== SELF).sort(compareElements)
  const here = elements.filter((e) => hasMember(set, e)).map((e) => [...prefix, e])
  return here.concat(elements.flatMap((e) => membersOf(childrenOf(set[e] ?? LEAF), [...prefix, e])))
}

/** Makes declared fields members where only something below them is. */
export function withNamedFields(set: FieldSet, type: MergeType | undefined): FieldSet {
  const named: MutableFieldSet = {}
  for (const element in set) {
    const node = set[element] ?? LEAF
    if (element === SELF || isEmptySet(node)) {
      named[element] = node
      continue
    }
    const name = element.startsWith('f:') ? element.slice(2) : undefined
    const field = name === undefined ? undefined : type?.map?.fields.get(name)
    const childType = name === undefined ? (element.startsWith('k:') ? type?.list?.element : undefined) : (field?.type ?? type?.map?.element)
    const children = withNamedFields(node, childType)
    named[element] = field ? memberWith(children) : children
  }
  return named
}

/** The set as upstream writes it: itself first, then its elements in order. The same object where it is already. */
export function inOrderOfElements(set: FieldSet): FieldSet {
  let changed: MutableFieldSet | undefined
  let isInOrder = true
  let last: string | undefined
  for (const element in set) {
    const node = set[element] ?? LEAF
    const ordered = inOrderOfElements(node)
    if (ordered !== node) (changed ??= { ...set })[element] = ordered
    if (last !== undefined && compareNodes(last, element) > 0) isInOrder = false
    last = element
  }
  return isInOrder ? (changed ?? set) : arranged(changed ?? set)
}

function arranged(set: FieldSet): FieldSet {
  const nodes: MutableFieldSet = {}
  for (const element of sorted(Object.keys(set))) nodes[element] = set[element] ?? LEAF
  return nodes
}

const FEW = 32

/** In place. It runs on every write, and sort takes far more memory than the few elements of most nodes. */
function sorted(elements: string[]): string[] {
  if (elements.length > FEW) return elements.sort(compareNodes)
  for (let i = 1; i < elements.length; i++) {
    const element = elements[i] ?? ''
    let at = i
    for (let before = elements[at - 1]; before !== undefined && compareNodes(before, element) > 0; before = elements[at - 1]) elements[at--] = before
    elements[at] = element
  }
  return elements
}

function compareNodes(a: string, b: string): number {
  return a === SELF ? -1 : b === SELF ? 1 : compareElements(a, b)
}

/** A set as it came from outside, its elements in canonical form. Throws ParseError. */
export function decodeSet(fields: unknown): FieldSet {
  if (fields === undefined || fields === null) return EMPTY
  if (!isRecord(fields)) throw new ParseError('expect { or n, but found something else')
  return decodeNode(fields)
}

/** The same object where all is in canonical form. */
function decodeNode(fields: Record<string, unknown>): FieldSet {
  const set: MutableFieldSet = {}
  let isSame = true
  for (const element of Object.keys(fields)) {
    const given = fields[element]
    const canonical = element === SELF ? SELF : canonicalElement(element)
    const below = canonical !== SELF && isRecord(given) && !isEmptySet(given as FieldSet) ? decodeNode(given) : isRecord(given) ? (given as FieldSet) : LEAF
    if (canonical !== undefined) set[canonical] = below
    if (canonical !== element || below !== given) isSame = false
  }
  return isSame ? (fields as FieldSet) : set
}
