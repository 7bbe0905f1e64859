/**
 * One step of a path to a field, in the text that FieldsV1 uses for it: `f:spec`, `k:{"name":"a"}`, `v:"x"`, `i:0`.
 * The text is canonical, so that equal elements have equal texts. Models sigs.k8s.io/structured-merge-diff/fieldpath.
 */
import { goJSON, quote } from '../errors.ts'
import { byBytes, goFormat } from './go-format.ts'
import { isRecord } from './json.ts'
import { ParseError } from './parse-error.ts'
import type { MergeList } from './merge-type.ts'

export const fieldElement = (name: string): string => `f:${name}`
const valueElement = (value: unknown): string => `v:${jsonText(value)}`

/** What Go's encoder would escape in a string. */
const ESCAPED = /[^ !#-%'-;=?-[\]-\u2027\u202a-\ud7ff]/

/** JSON as Go writes it, quick for plain strings. */
export function jsonText(value: unknown): string {
  return typeof value === 'string' && !ESCAPED.test(value) ? `"${value}"` : goJSON(value)
}

function keyElement(fields: readonly (readonly [string, unknown])[]): string {
  return `k:{${fields.map(([name, value]) => `${jsonText(name)}:${jsonText(value)}`).join(',')}}`
}

/** How a set or a keyed list calls its item. Throws ParseError for an item that it cannot have. */
export function itemElement(list: MergeList, item: unknown): string {
  if (list.keys.length === 0) {
    if (typeof item !== 'object') return valueElement(item)
    if (item === null) throw new ParseError("associative list without keys has an element that's an explicit null")
    throw new ParseError(Array.isArray(item) ? 'not supported: associative list with lists as elements' : "associative list without keys has an element that's a map type")
  }
  if (item === null) throw new ParseError('associative list with keys may not have a null element')
  if (!isRecord(item)) throw new ParseError('associative list with keys may not have non-map elements')
  const [only] = list.keys
  if (list.keys.length === 1 && only !== undefined && typeof item[only] === 'string') return `k:{"${only}":${jsonText(item[only])}}`
  return keyElement(keyFields(list, item))
}

function keyFields(list: MergeList, item: Record<string, unknown>): [string, unknown][] {
  const fields: [string, unknown][] = []
  for (const name of list.keys) {
    const value = Object.hasOwn(item, name) ? item[name] : list.element.map?.fields.get(name)?.default
    if (value !== undefined) fields.push([name, value])
  }
  if (fields.length > 0) return fields.length === 1 ? fields : fields.sort(([a], [b]) => byBytes(a, b))
  throw new ParseError(`associative list with keys has an element that omits all key fields [${list.keys.map(quote).join(' ')}] (and doesn't have default values for any key fields)`)
}

/** An element as messages show it: `.spec`, `[name="a"]`, `[="x"]`, `[0]`. */
export function elementText(element: string): string {
  const content = element.slice(2)
  if (element.startsWith('f:')) return `.${content}`
  if (element.startsWith('i:')) return `[${content}]`
  const value: unknown = JSON.parse(content)
  if (element.startsWith('v:') || !isRecord(value)) return `[=${valueText(value)}]`
  return `[${Object.entries(value).map(([name, v]) => `${name}=${valueText(v)}`).join(',')}]`
}

export function pathText(path: readonly string[]): string {
  return path.map(elementText).join('')
}

function valueText(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return `[${value.map(valueText).join(',')}]`
  if (isRecord(value)) return Object.entries(value).map(([key, member]) => `${key}=${valueText(member)}`).join('')
  return goFormat(value)
}

/** An element that came from outside in canonical form; nothing for a kind that is not known. Throws ParseError. */
export function canonicalElement(element: string): string | undefined {
  if (element.length < 2) throw new ParseError('key must be 2 characters long:')
  if (element[1] !== ':') throw new ParseError(`missing colon: ${element}`)
  const content = element.slice(2)
  switch (element[0]) {
    case 'f':
      return element
    case 'i':
      if (!/^[-+]?\d+$/.test(content)) throw new ParseError(`strconv.Atoi: parsing ${quote(content)}: invalid syntax`)
      return `i:${Number(content)}`
    case 'v':
      return valueElement(parse(content))
    case 'k': {
      const fields = parse(content)
      if (!isRecord(fields)) throw new ParseError('expect { or n, but found something else')
      return keyElement(Object.entries(fields).sort(([a], [b]) => byBytes(a, b)))
    }
    default:
      return undefined
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new ParseError(`invalid path element: ${json}`, { cause })
  }
}

/** Keys whose text is in the order of their values. */
const PLAIN_KEY = /^k:\{"\w+":"[\w./-]*"\}$/

const RANKS: Readonly<Record<string, number>> = { f: 0, k: 1, v: 2, i: 3 }

/** The order of elements: by kind, then by name or value. */
export function compareElements(a: string, b: string): number {
  if (a === b) return 0
  const kind = a.charAt(0)
  if (kind !== b.charAt(0)) return (RANKS[kind] ?? 4) - (RANKS[b.charAt(0)] ?? 4)
  if (kind === 'f' || (PLAIN_KEY.test(a) && PLAIN_KEY.test(b))) return byBytes(a, b)
  const x: unknown = JSON.parse(a.slice(2))
  const y: unknown = JSON.parse(b.slice(2))
  return kind === 'k' && isRecord(x) && isRecord(y) ? compareFields(Object.entries(x), Object.entries(y)) : compareValues(x, y)
}

function compareFields(a: readonly [string, unknown][], b: readonly [string, unknown][]): number {
  for (let i = 0; ; i++) {
    const x = a[i]
    const y = b[i]
    if (!x || !y) return (x ? 1 : 0) - (y ? 1 : 0)
    const order = byBytes(x[0], y[0]) || compareValues(x[1], y[1])
    if (order !== 0) return order
  }
}

/** Numbers come before texts, these before booleans, then lists, maps and null. */
function compareValues(a: unknown, b: unknown): number {
  const rank = (v: unknown): number => (typeof v === 'number' ? 0 : typeof v === 'string' ? 1 : typeof v === 'boolean' ? 2 : Array.isArray(v) ? 3 : v === null ? 5 : 4)
  if (rank(a) !== rank(b)) return rank(a) - rank(b)
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return byBytes(a, b)
  return byBytes(String(JSON.stringify(a)), String(JSON.stringify(b)))
}
