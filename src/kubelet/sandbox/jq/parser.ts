/** A jq program as a tree. Models the language of jq 1.7. */

export type Filter =
  | { type: 'identity' | 'recurse' }
  | { type: 'literal'; value: unknown }
  | { type: 'text'; parts: (string | Filter)[]; format: string | undefined }
  | { type: 'format'; name: string }
  | { type: 'field'; of: Filter; key: Filter }
  | { type: 'slice'; of: Filter; from: Filter | undefined; to: Filter | undefined }
  | { type: 'each'; of: Filter }
  | { type: 'optional'; of: Filter }
  | { type: 'array'; of: Filter | undefined }
  | { type: 'object'; entries: [Filter, Filter][] }
  | { type: 'negate'; of: Filter }
  | { type: 'binary'; operator: string; left: Filter; right: Filter }
  | { type: 'if'; test: Filter; yes: Filter; no: Filter | undefined }
  | { type: 'try'; body: Filter; handler: Filter | undefined }
  | { type: 'reduce'; source: Filter; pattern: Pattern; init: Filter; update: Filter }
  | { type: 'foreach'; source: Filter; pattern: Pattern; init: Filter; update: Filter; extract: Filter | undefined }
  | { type: 'as'; source: Filter; pattern: Pattern; body: Filter }
  | { type: 'variable'; name: string }
  | { type: 'call'; name: string; args: Filter[] }
  | { type: 'def'; name: string; parameters: string[]; body: Filter; rest: Filter }

export type Pattern = { type: 'name'; name: string } | { type: 'list'; items: Pattern[] } | { type: 'fields'; fields: [Filter, Pattern][] }

export class JqError extends Error {}

interface Token {
  kind: 'number' | 'string' | 'name' | 'field' | 'variable' | 'format' | 'symbol' | 'end'
  text: string
  /** Of a string: texts and programs in turn. */
  parts?: string[]
}

const SYMBOLS = ['?//=', '?//', '//=', '|=', '+=', '-=', '*=', '/=', '%=', '==', '!=', '<=', '>=', '//', '..', 'and', 'or', '|', ',', '.', '[', ']', '(', ')', '{', '}', ':', ';', '=', '<', '>', '+', '-', '*', '/', '%', '?']
const LEVELS: readonly (readonly string[])[] = [['//'], ['=', '|=', '+=', '-=', '*=', '/=', '%=', '//='], ['or'], ['and'], ['==', '!=', '<', '<=', '>', '>='], ['+', '-'], ['*', '/', '%']]
const MAX_DEPTH = 200

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < source.length) {
    const rest = source.slice(at)
    const skipped = /^(?:\s+|#[^\n]*)/.exec(rest)?.[0]
    const number = /^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/.exec(rest)?.[0]
    const word = /^(?:[A-Za-z_]\w*(?:::[A-Za-z_]\w*)*)/.exec(rest)?.[0]
    const field = /^\.([A-Za-z_]\w*)/.exec(rest)
    const variable = /^\$(__loc__|[A-Za-z_]\w*)/.exec(rest)
    const format = /^@[a-z0-9]+/.exec(rest)?.[0]
    if (skipped !== undefined) at += skipped.length
    else if (rest.startsWith('"')) {
      const { parts, end } = stringParts(source, at)
      tokens.push({ kind: 'string', text: parts.join(''), parts })
      at = end
    } else if (number !== undefined) {
      tokens.push({ kind: 'number', text: number })
      at += number.length
    } else if (field) {
      tokens.push({ kind: 'field', text: field[1] ?? '' })
      at += field[0].length
    } else if (variable) {
      tokens.push({ kind: 'variable', text: variable[1] ?? '' })
      at += variable[0].length
    } else if (format !== undefined) {
      tokens.push({ kind: 'format', text: format })
      at += format.length
    } else if (word !== undefined && word !== 'and' && word !== 'or') {
      tokens.push({ kind: 'name', text: word })
      at += word.length
    } else {
      const symbol = SYMBOLS.find((s) => rest.startsWith(s))
      if (symbol === undefined) throw new JqError(`syntax error, unexpected '${rest.charAt(0)}'`)
      tokens.push({ kind: 'symbol', text: symbol })
      at += symbol.length
    }
  }
  return [...tokens, { kind: 'end', text: '' }]
}

/** Texts and, between them, the programs of `\( )`. */
function stringParts(source: string, start: number): { parts: string[]; end: number } {
  const parts: string[] = []
  let raw = ''
  const close = () => {
    try {
      parts.push(JSON.parse(`"${raw.replace(/\n/g, '\\n').replace(/\t/g, '\\t').replace(/\r/g, '\\r')}"`) as string)
    } catch {
      throw new JqError('syntax error: invalid escape in a string literal')
    }
    raw = ''
  }
  for (let i = start + 1; i < source.length; i++) {
    const char = source.charAt(i)
    if (char === '"') {
      close()
      return { parts, end: i + 1 }
    }
    if (char !== '\\') raw += char
    else if (source.charAt(i + 1) !== '(') raw += char + source.charAt(++i)
    else {
      close()
      const end = closing(source, i + 1)
      parts.push(source.slice(i + 2, end))
      i = end
    }
  }
  throw new JqError('syntax error, unexpected end of file in a string')
}

function closing(source: string, open: number): number {
  let depth = 0
  for (let i = open; i < source.length; i++) {
    const char = source.charAt(i)
    if (char === '"') i = stringParts(source, i).end - 1
    else if (char === '(') depth++
    else if (char === ')' && --depth === 0) return i
  }
  throw new JqError('syntax error, unexpected end of file')
}

/** @throws JqError */
export function parseJq(source: string): Filter {
  return new Parser(tokenize(source)).whole()
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Filter {
    if (this.#peek().kind === 'end') return { type: 'identity' }
    const filter = this.#pipe()
    if (this.#peek().kind !== 'end') throw this.#unexpected()
    return filter
  }

  #pipe(): Filter {
    if (++this.#depth > MAX_DEPTH) throw new JqError('syntax error, too deep')
    try {
      if (this.#name('def')) return this.#def()
      const left = this.#comma()
      if (this.#name('as')) {
        const pattern = this.#pattern()
        this.#expect('|')
        return { type: 'as', source: left, pattern, body: this.#pipe() }
      }
      return this.#take('|') ? { type: 'binary', operator: '|', left, right: this.#pipe() } : left
    } finally {
      this.#depth--
    }
  }

  #def(): Filter {
    const name = this.#next().text
    const parameters: string[] = []
    if (this.#take('(')) {
      do {
        const { kind, text } = this.#next()
        parameters.push(kind === 'variable' ? `$${text}` : text)
      } while (this.#take(';'))
      this.#expect(')')
    }
    this.#expect(':')
    const body = this.#pipe()
    this.#expect(';')
    const atEnd = this.#peek().kind === 'end' || this.#peek().text === ')'
    return { type: 'def', name, parameters, body, rest: atEnd ? { type: 'identity' } : this.#pipe() }
  }

  #comma(): Filter {
    let left = this.#binary(0)
    while (this.#take(',')) left = { type: 'binary', operator: ',', left, right: this.#binary(0) }
    return left
  }

  #binary(level: number): Filter {
    const operators = LEVELS[level]
    if (!operators) return this.#unary()
    const left = this.#binary(level + 1)
    const operator = this.#operator(operators)
    if (operator === undefined) return left
    // `//` and assignments go to the right, the others to the left.
    if (level < 2) return { type: 'binary', operator, left, right: this.#binary(operator === '//' ? 0 : level + 1) }
    let whole: Filter = { type: 'binary', operator, left, right: this.#binary(level + 1) }
    for (let next = this.#operator(operators); next !== undefined; next = this.#operator(operators)) whole = { type: 'binary', operator: next, left: whole, right: this.#binary(level + 1) }
    return whole
  }

  #unary(): Filter {
    return this.#take('-') ? { type: 'negate', of: this.#postfix() } : this.#postfix()
  }

  #postfix(): Filter {
    let of = this.#term()
    for (;;) {
      const token = this.#peek()
      if (token.kind === 'field') {
        this.#at++
        of = { type: 'field', of, key: { type: 'literal', value: token.text } }
      } else if (this.#take('?')) of = { type: 'optional', of }
      else if (this.#take('[')) of = this.#brackets(of)
      else if (token.text === '.' && token.kind === 'symbol' && (this.#tokens[this.#at + 1]?.text === '[' || this.#tokens[this.#at + 1]?.kind === 'string')) {
        this.#at++
        if (this.#peek().kind === 'string') of = { type: 'field', of, key: this.#text(this.#next(), undefined) }
      } else return of
    }
  }

  #brackets(of: Filter): Filter {
    if (this.#take(']')) return { type: 'each', of }
    if (this.#take(':')) {
      const to = this.#pipe()
      this.#expect(']')
      return { type: 'slice', of, from: undefined, to }
    }
    const key = this.#pipe()
    if (this.#take(':')) {
      const to = this.#peek().text === ']' ? undefined : this.#pipe()
      this.#expect(']')
      return { type: 'slice', of, from: key, to }
    }
    this.#expect(']')
    return { type: 'field', of, key }
  }

  #term(): Filter {
    const token = this.#next()
    switch (token.kind) {
      case 'number':
        return { type: 'literal', value: Number(token.text) }
      case 'string':
        return this.#text(token, undefined)
      case 'format':
        return this.#peek().kind === 'string' ? this.#text(this.#next(), token.text) : { type: 'format', name: token.text }
      case 'variable':
        return { type: 'variable', name: token.text }
      case 'field':
        return { type: 'field', of: { type: 'identity' }, key: { type: 'literal', value: token.text } }
      case 'name':
        return this.#named(token.text)
      default:
        return this.#symbol(token.text)
    }
  }

  #symbol(text: string): Filter {
    if (text === '..') return { type: 'recurse' }
    if (text === '.') {
      if (this.#peek().kind === 'string') return { type: 'field', of: { type: 'identity' }, key: this.#text(this.#next(), undefined) }
      return { type: 'identity' }
    }
    if (text === '(') {
      const inner = this.#pipe()
      this.#expect(')')
      return inner
    }
    if (text === '[') {
      if (this.#take(']')) return { type: 'array', of: undefined }
      const of = this.#pipe()
      this.#expect(']')
      return { type: 'array', of }
    }
    if (text === '{') return this.#object()
    this.#at--
    throw this.#unexpected()
  }

  #named(name: string): Filter {
    switch (name) {
      case 'if':
        return this.#if()
      case 'try': {
        const body = this.#postfix()
        return { type: 'try', body, handler: this.#name('catch') ? this.#postfix() : undefined }
      }
      case 'reduce':
      case 'foreach':
        return this.#fold(name)
      case 'true':
      case 'false':
        return { type: 'literal', value: name === 'true' }
      case 'null':
        return { type: 'literal', value: null }
    }
    const args: Filter[] = []
    if (this.#take('(')) {
      do args.push(this.#pipe())
      while (this.#take(';'))
      this.#expect(')')
    }
    return { type: 'call', name, args }
  }

  #if(): Filter {
    const test = this.#pipe()
    if (!this.#name('then')) throw this.#unexpected()
    const yes = this.#pipe()
    if (this.#name('elif')) return { type: 'if', test, yes, no: this.#if() }
    const no = this.#name('else') ? this.#pipe() : undefined
    if (!this.#name('end')) throw this.#unexpected()
    return { type: 'if', test, yes, no }
  }

  #fold(type: 'reduce' | 'foreach'): Filter {
    const source = this.#postfix()
    if (!this.#name('as')) throw this.#unexpected()
    const pattern = this.#pattern()
    this.#expect('(')
    const init = this.#pipe()
    this.#expect(';')
    const update = this.#pipe()
    const extract = type === 'foreach' && this.#take(';') ? this.#pipe() : undefined
    this.#expect(')')
    return type === 'reduce' ? { type, source, pattern, init, update } : { type, source, pattern, init, update, extract }
  }

  #pattern(): Pattern {
    const { kind, text } = this.#next()
    if (kind === 'variable') return { type: 'name', name: text }
    if (text === '[') {
      const items: Pattern[] = []
      do items.push(this.#pattern())
      while (this.#take(','))
      this.#expect(']')
      return { type: 'list', items }
    }
    if (text !== '{') throw this.#unexpected()
    const fields: [Filter, Pattern][] = []
    do {
      const key = this.#next()
      if (key.kind === 'variable') fields.push([{ type: 'literal', value: key.text }, { type: 'name', name: key.text }])
      else {
        this.#expect(':')
        fields.push([{ type: 'literal', value: key.text }, this.#pattern()])
      }
    } while (this.#take(','))
    this.#expect('}')
    return { type: 'fields', fields }
  }

  #object(): Filter {
    const entries: [Filter, Filter][] = []
    while (!this.#take('}')) {
      const token = this.#next()
      const literal: Filter = { type: 'literal', value: token.text }
      const key = token.kind === 'string' ? this.#text(token, undefined) : token.text === '(' ? this.#closed() : token.kind === 'format' ? this.#text(this.#next(), token.text) : literal
      const short: Filter = token.kind === 'variable' ? { type: 'variable', name: token.text } : { type: 'field', of: { type: 'identity' }, key }
      entries.push([key, this.#take(':') ? this.#objectValue() : short])
      if (!this.#take(',') && this.#peek().text !== '}') throw this.#unexpected()
    }
    return { type: 'object', entries }
  }

  #closed(): Filter {
    const inner = this.#pipe()
    this.#expect(')')
    return inner
  }

  #objectValue(): Filter {
    let left = this.#binary(2)
    while (this.#take('|')) left = { type: 'binary', operator: '|', left, right: this.#binary(2) }
    return this.#take('//') ? { type: 'binary', operator: '//', left, right: this.#objectValue() } : left
  }

  #text({ parts = [''] }: Token, format: string | undefined): Filter {
    if (parts.length === 1) return { type: 'literal', value: parts[0] ?? '' }
    return { type: 'text', format, parts: parts.map((part, i) => (i % 2 === 0 ? part : parseJq(part))) }
  }

  #operator(operators: readonly string[]): string | undefined {
    const { kind, text } = this.#peek()
    if (kind !== 'symbol' || !operators.includes(text)) return undefined
    this.#at++
    return text
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '' }
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }

  #name(name: string): boolean {
    const { kind, text } = this.#peek()
    if (kind !== 'name' || text !== name) return false
    this.#at++
    return true
  }

  #take(symbol: string): boolean {
    const { kind, text } = this.#peek()
    if (kind !== 'symbol' || text !== symbol) return false
    this.#at++
    return true
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) throw this.#unexpected()
  }

  #unexpected(): JqError {
    const { kind, text } = this.#peek()
    return new JqError(`syntax error, unexpected ${kind === 'end' ? 'end of file' : `'${text}'`}`)
  }
}
