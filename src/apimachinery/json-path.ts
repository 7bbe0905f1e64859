/**
 * JSONPath as printer columns write it: `.spec.list[0]`, `.status.conditions[?(@.type=="Ready")].status`, `..name`,
 * `['a','b']`. Compiled once and followed through plain JSON. Models k8s.io/client-go/util/jsonpath with missing keys allowed.
 */
import { isRecord } from './json.ts'
import { parseJSONPath, type PathNode } from './json-path-parser.ts'

/** What a path finds. @throws PathError where upstream gives an error */
export type JSONPath = (data: unknown) => unknown[]

export class PathError extends Error {}

/** Undefined for a text that is no path. */
export function compileJSONPath(text: string): JSONPath | undefined {
  const nodes = parseJSONPath(text)
  return nodes && ((data) => follow(nodes, [data]))
}

function follow(nodes: readonly PathNode[], start: unknown[]): unknown[] {
  let values = start
  for (const node of nodes) values = step(node, values)
  return values
}

function step(node: PathNode, values: unknown[]): unknown[] {
  switch (node.kind) {
    case 'field':
      return values.flatMap((value) => (isRecord(value) && Object.hasOwn(value, node.name) ? [value[node.name]] : []))
    case 'slice':
      return values.flatMap((value) => (value === null ? [] : sliceOf(value, node)))
    case 'wildcard':
      return values.flatMap(childrenOf)
    case 'recursive':
      return values.flatMap(descend)
    case 'filter':
      return values.flatMap((value) => filtered(value, node))
    case 'union':
      return node.alternatives.flatMap((nodes) => follow(nodes, values))
    case 'literal':
      // a text stands for itself, whatever there is; numbers and booleans for each value
      return typeof node.value === 'string' ? [node.value] : values.map(() => node.value)
  }
}

function childrenOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  if (isRecord(value)) return Object.values(value)
  return typeof value === 'string' ? [...Buffer.from(value)] : []
}

/** Everything that holds something, from the outside in. */
function descend(value: unknown): unknown[] {
  const children = childrenOf(value)
  return children.length > 0 ? [value, ...children.flatMap(descend)] : []
}

type Slice = Extract<PathNode, { kind: 'slice' }>

function sliceOf(value: unknown, { from, to, step, isIndex }: Slice): unknown[] {
  if (!Array.isArray(value)) throw new PathError('not an array')
  const { length } = value
  const first = from === undefined ? 0 : from < 0 ? from + length : from
  // the end of an index is one behind it, which for the last item counted from the end is 0
  const last = to === undefined ? length : to < 0 || (to === 0 && isIndex) ? to + length : to
  if (first === last) return []
  if (first < 0 || first >= length || last < 0 || last > length || first > last) throw new PathError('array index out of bounds')
  if (step !== undefined && step <= 0) throw new PathError('step must be > 0')
  return value.slice(first, last).filter((_, i) => i % (step ?? 1) === 0) as unknown[]
}

type Filter = Extract<PathNode, { kind: 'filter' }>

function filtered(value: unknown, { left, operator, right }: Filter): unknown[] {
  if (!Array.isArray(value)) throw new PathError('not an array and cannot be filtered')
  return value.filter((item: unknown) => {
    if (operator === 'exists') return exists(left, item)
    const [a, ...moreLeft] = follow(left, [item])
    const [b, ...moreRight] = follow(right, [item])
    if (moreLeft.length > 0 || moreRight.length > 0) throw new PathError('can only compare one element at a time')
    return a !== undefined && b !== undefined && compare(a, operator, b)
  }) as unknown[]
}

function exists(nodes: readonly PathNode[], item: unknown): boolean {
  try {
    return follow(nodes, [item]).length > 0
  } catch (error) {
    if (error instanceof PathError) return false
    throw error
  }
}

type Comparable = 'boolean' | 'string' | 'integer' | 'float'

function comparableType(value: unknown): Comparable {
  if (typeof value === 'boolean' || typeof value === 'string') return typeof value as 'boolean' | 'string'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'float'
  throw new PathError('invalid type for comparison')
}

function compare(a: unknown, operator: string, b: unknown): boolean {
  const type = comparableType(a)
  if (type !== comparableType(b)) throw new PathError('incompatible types for comparison')
  if (operator === '==') return a === b
  if (operator === '!=') return a !== b
  if (type === 'boolean') throw new PathError('invalid type for comparison')
  const [x, y] = [a as string | number, b as string | number]
  switch (operator) {
    case '<':
      return x < y
    case '<=':
      return x <= y
    case '>':
      return x > y
    case '>=':
      return x >= y
    default:
      throw new PathError(`unrecognized filter operator ${operator}`)
  }
}
