/**
 * YAML to JSON as sigs.k8s.io/yaml does it: the first document, scalars by YAML 1.1, keys as text, merge keys, and a
 * list of the keys given twice.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, parseAllDocuments, type Document, type Node, type YAMLMap } from 'yaml'
import { quote } from '../errors.ts'
import { canonicalBase64 } from './base64.ts'
import { rememberLiteral } from './number-literals.ts'
import { ParseError } from './parse-error.ts'
import type { Parsed } from './parse.ts'
import { sortMembers } from './sort-members.ts'
import { goYAMLError } from './yaml-errors.ts'
import { resolvePlain, type YAMLScalar } from './yaml-scalars.ts'

/** Throws ParseError. */
export function readYAML(text: string): Parsed {
  const documents = parseAllDocuments(text, { version: '1.1', schema: 'failsafe', uniqueKeys: false, logLevel: 'silent' })
  const [first] = documents
  if (!first || 'empty' in documents) return { value: null, duplicates: [] }
  if (first.errors.length > 0) throw goYAMLError(first.errors, text)
  return new YAMLReader(first, text).document()
}

type Holder = Record<string, unknown> | unknown[]

class YAMLReader {
  readonly #doc: Document.Parsed
  readonly #text: string
  readonly #duplicates: string[] = []
  #nodes = 0
  #aliased = 0
  #aliasDepth = 0

  constructor(doc: Document.Parsed, text: string) {
    this.#doc = doc
    this.#text = text
  }

  document(): Parsed {
    const value = this.#value(this.#doc.contents, [], 0)
    sortMembers(value)
    const duplicates = this.#duplicates.length ? [`yaml: unmarshal errors:\n${this.#duplicates.map((d) => `  ${d}`).join('\n')}`] : []
    return { value, duplicates }
  }

  #value(node: unknown, holder: Holder, key: string | number): unknown {
    this.#count()
    if (isAlias(node)) {
      const target = node.resolve(this.#doc)
      if (!target) throw new ParseError(`yaml: unknown anchor '${node.source}' referenced`)
      this.#aliasDepth++
      const value = this.#value(target, holder, key)
      this.#aliasDepth--
      return value
    }
    if (isMap(node)) return this.#map(node)
    if (isSeq(node)) {
      const list: unknown[] = []
      for (const item of node.items) list.push(this.#value(item, list, list.length))
      return list
    }
    const { value, literal } = scalar(node)
    if (literal !== undefined) rememberLiteral(holder, key, literal)
    return typeof value === 'string' && this.#endsAbruptly(node) ? value.replace(/\n$/, '') : value
  }

  #map(node: YAMLMap): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    const seen = new Set<string>()
    for (const pair of node.items) {
      if (isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.value === '<<') {
        this.#merge(object, pair.value)
        continue
      }
      const key = this.#key(pair.key, pair.value)
      if (seen.has(key)) this.#duplicates.push(`line ${this.#lineOf(pair.value, pair.key)}: key ${quote(key)} already set in map`)
      seen.add(key)
      const value = this.#value(pair.value, object, key)
      if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
      else object[key] = value
    }
    return object
  }

  /** A block whose last line has no end gets none. */
  #endsAbruptly(node: unknown): boolean {
    return isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') && !this.#text.endsWith('\n') && (node.range?.[1] ?? 0) >= this.#text.length
  }

  #merge(object: Record<string, unknown>, node: unknown): void {
    const source = isAlias(node) ? node.resolve(this.#doc) : node
    const maps: unknown[] = isSeq(source) ? [...source.items].reverse() : [source]
    for (const map of maps) {
      const target = isAlias(map) ? map.resolve(this.#doc) : map
      if (!isMap(target)) throw new ParseError('yaml: map merge requires map or sequence of maps as the value')
      this.#count()
      Object.assign(object, this.#map(target))
    }
  }

  #key(node: unknown, member: unknown): string {
    const target = isAlias(node) ? node.resolve(this.#doc) : node
    if (isMap(target) || isSeq(target)) throw new ParseError(`yaml: invalid map key: ${JSON.stringify(this.#value(target, [], 0))}`)
    const { value, literal } = scalar(target)
    if (value === null) throw new ParseError(`unsupported map key of type: %!s(<nil>), key: <nil>, value: ${isScalar(member) ? shown(scalar(member).value) : '<nil>'}`)
    return literal ?? String(value)
  }

  /** Where a value begins, or its key where there is none. */
  #lineOf(value: unknown, key: unknown): number {
    const offset = (isNode(value) && value.range?.[0]) || (isNode(key) && key.range?.[0]) || 0
    return this.#text.slice(0, offset).split('\n').length
  }

  /** Refuses documents that grow without bounds through aliases of aliases. */
  #count(): void {
    this.#nodes++
    if (this.#aliasDepth > 0) this.#aliased++
    if (this.#aliased <= 100 || this.#nodes <= 1000) return
    const allowed = this.#nodes <= 400_000 ? 0.99 : this.#nodes >= 4_000_000 ? 0.1 : 0.99 - (0.89 * (this.#nodes - 400_000)) / 3_600_000
    if (this.#aliased / this.#nodes > allowed) throw new ParseError('yaml: document contains excessive aliasing')
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? quote(value) : value === null ? '<nil>' : String(value))

function scalar(node: unknown): YAMLScalar {
  if (!isScalar(node)) return { value: null }
  const text = typeof node.value === 'string' ? node.value : String(node.value ?? '')
  const tag = tagOf(node)
  if (tag === 'str') return { value: text }
  if (tag === 'binary') return { value: binary(text) }
  if (tag === '' ? node.type === 'PLAIN' || node.type === undefined : KNOWN_TAGS.has(tag)) {
    const resolved = resolvePlain(text)
    if (tag !== '' && !fitsTag(tag, resolved.value)) throw new ParseError(`yaml: cannot decode !!${tagName(resolved.value)} \`${text}\` as a !!${tag}`)
    return resolved
  }
  return { value: text }
}

function binary(text: string): string {
  try {
    return Buffer.from(canonicalBase64(text), 'base64').toString()
  } catch (error) {
    throw new ParseError('yaml: !!binary value contains invalid base64 data', { cause: error })
  }
}

const KNOWN_TAGS: ReadonlySet<string> = new Set(['bool', 'int', 'float', 'null'])

function tagOf(node: Node): string {
  const tag = node.tag ?? ''
  const prefix = 'tag:yaml.org,2002:'
  return tag.startsWith(prefix) ? tag.slice(prefix.length) : tag === '' ? '' : tag === '!' ? 'str' : 'other'
}

function tagName(value: YAMLScalar['value']): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return 'bool'
  return typeof value === 'string' ? 'str' : Number.isInteger(value) ? 'int' : 'float'
}

function fitsTag(tag: string, value: YAMLScalar['value']): boolean {
  const name = tagName(value)
  return name === tag || (tag === 'float' && name === 'int')
}
