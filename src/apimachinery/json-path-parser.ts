/** Reads a JSONPath into steps. Models the parser of k8s.io/client-go/util/jsonpath, without its templates around paths. */

export type PathNode =
  | { kind: 'field'; name: string }
  /** From and up to which item; an index is a slice of one. */
  | { kind: 'slice'; from: number | undefined; to: number | undefined; step: number | undefined; isIndex: boolean }
  | { kind: 'wildcard' }
  | { kind: 'recursive' }
  | { kind: 'filter'; left: PathNode[]; operator: string; right: PathNode[] }
  | { kind: 'union'; alternatives: PathNode[][] }
  | { kind: 'literal'; value: string | number | boolean }

/** Thrown and caught within: a path is right or not, nobody is told why. */
class Unreadable extends Error {}

export function parseJSONPath(text: string): PathNode[] | undefined {
  try {
    return new Parser(text).parse()
  } catch (error) {
    if (error instanceof Unreadable) return undefined
    throw error
  }
}

const FIELD = /(?:\\[\s\S]|[^\\\s.,[\]$@{}])*/y
const QUOTED = /(["'])(?:\\[^\n]|(?!\1)[^\\\n])*\1/y
const NUMBER = /[+-]?[\d.]+/y
const WORD = /[\p{L}\d_][^\s.,[\]$@{}]*/uy
const SLICE = /^(-?\d*)(:-?\d*)?(:-?\d*)?$/
const COMPARISON = /^([^!<>=]+)([!<>=]+)([\s\S]+?)$/

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): PathNode[] {
    const nodes: PathNode[] = []
    // a closing brace ends the path; what follows is text of a template
    while (this.#at < this.#text.length && this.#text[this.#at] !== '}') nodes.push(...this.#next(nodes.at(-1)))
    return nodes
  }

  #next(previous: PathNode | undefined): PathNode[] {
    const rest = this.#text[this.#at] ?? ''
    if (this.#skip('[?(')) return [this.#filter()]
    if (this.#skip('..')) {
      if (previous?.kind === 'recursive') throw new Unreadable()
      return [{ kind: 'recursive' }, ...(/^[\p{L}\d_]/u.test(this.#text.slice(this.#at)) ? [this.#field()] : [])]
    }
    if (rest === ' ' || rest === '@' || rest === '$') {
      this.#at++
      return []
    }
    if (this.#skip('[')) return this.#brackets()
    if (rest === '"' || rest === "'") return [{ kind: 'literal', value: unquote(this.#take(QUOTED)) }]
    if (this.#skip('.')) return [this.#field()]
    if (/[+\-\d]/.test(rest)) return [{ kind: 'literal', value: number(this.#take(NUMBER)) }]
    const word = this.#take(WORD)
    if (word !== 'true' && word !== 'false') throw new Unreadable()
    return [{ kind: 'literal', value: word === 'true' }]
  }

  #skip(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false
    this.#at += token.length
    return true
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) throw new Unreadable()
    this.#at += found.length
    return found
  }

  #field(): PathNode {
    const name = this.#take(FIELD)
    return name === '*' ? { kind: 'wildcard' } : { kind: 'field', name: name.replaceAll('\\', '') }
  }

  #brackets(): PathNode[] {
    const end = this.#text.indexOf(']', this.#at)
    if (end < 0) throw new Unreadable()
    const inside = this.#text.slice(this.#at, end)
    this.#at = end + 1
    const parts = inside.split(',')
    if (parts.length > 1) return [{ kind: 'union', alternatives: parts.map((part) => new Parser(`[${part.replace(/^ +| +$/g, '')}]`).parse()) }]
    const key = /^'([^']*)'$/.exec(inside)?.[1]
    return key === undefined ? [slice(inside === '*' ? ':' : inside)] : new Parser(`.${key}`).parse()
  }

  #filter(): PathNode {
    const end = this.#filterEnd()
    const inside = this.#text.slice(this.#at, end)
    this.#at = end + 1
    if (!this.#skip(']')) throw new Unreadable()
    const [, left, operator, right] = COMPARISON.exec(inside) ?? []
    if (left === undefined || operator === undefined || right === undefined) return { kind: 'filter', left: new Parser(inside).parse(), operator: 'exists', right: [] }
    return { kind: 'filter', left: new Parser(left).parse(), operator, right: new Parser(right).parse() }
  }

  /** Where the parenthesis closes that is not within quotes. */
  #filterEnd(): number {
    let quote = ''
    let closed = false
    for (let i = this.#at; i < this.#text.length; i++) {
      const c = this.#text[i] ?? ''
      if (c === '\n') break
      if ((c === '"' || c === "'") && !quote) quote = c
      else if (c === quote && this.#text[i - 1] !== '\\') closed = true
      else if (c === ')' && (quote !== '') === closed) return i
    }
    throw new Unreadable()
  }
}

function slice(text: string): PathNode {
  const [whole, first = '', second, third] = SLICE.exec(text) ?? []
  if (whole === undefined) throw new Unreadable()
  const from = first === '' ? undefined : number(first)
  const isIndex = second === undefined
  const end = second === undefined || second === ':' ? undefined : number(second.slice(1))
  const step = third === undefined || third === ':' ? undefined : number(third.slice(1))
  return { kind: 'slice', from, to: isIndex ? (from ?? 0) + 1 : end, step, isIndex }
}

function number(text: string): number {
  const value = Number(text)
  if (Number.isNaN(value) || text === '') throw new Unreadable()
  return value
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function unquote(quoted: string): string {
  const inside = quoted.slice(1, -1)
  return inside.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/g, (_, x?: string, u?: string, c = '') => {
    const code = x ?? u
    return code === undefined ? (ESCAPES[c as string] ?? (c as string)) : String.fromCharCode(Number.parseInt(code, 16))
  })
}
