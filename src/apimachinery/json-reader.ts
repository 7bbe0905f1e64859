/**
 * A JSON reader that keeps what JSON.parse throws away: repeated keys, how numbers were written, and Go's words for
 * what is wrong. Models the scanner of Go's encoding/json.
 */
import { quote } from '../errors.ts'
import { rememberLiteral } from './number-literals.ts'
import { ParseError } from './parse-error.ts'
import type { Parsed } from './parse.ts'

/** Throws ParseError. */
export function readJSON(text: string): Parsed {
  return new JSONReader(text).document()
}

/** Where in a valid document each member stands for the first time, and where for the second, by the text of its path. */
export function memberPositions(text: string): ReadonlyMap<string, { first: number; second?: number }> {
  const positions = new Map<string, { first: number; second?: number }>()
  const note = (path: readonly (string | number)[], at: number) => {
    const key = pathText(path)
    const known = positions.get(key)
    if (!known) positions.set(key, { first: at })
    else known.second ??= at
  }
  new JSONReader(text, note).document()
  return positions
}

class JSONReader {
  readonly #text: string
  #at = 0
  readonly #path: (string | number)[] = []
  readonly #duplicates = new Set<string>()

  readonly #note: ((path: readonly (string | number)[], at: number) => void) | undefined

  constructor(text: string, note?: (path: readonly (string | number)[], at: number) => void) {
    this.#text = text
    this.#note = note
  }

  document(): Parsed {
    const value = this.#value('looking for beginning of value')
    this.#space()
    if (this.#at < this.#text.length) throw this.#unexpected('after top-level value')
    return { value, duplicates: [...this.#duplicates] }
  }

  #value(context: string, holder?: object, key?: string | number): unknown {
    this.#space()
    const c = this.#text[this.#at]
    if (c === '{') return this.#object()
    if (c === '[') return this.#array()
    if (c === '"') return this.#string()
    if (c === 't') return this.#word('true', true)
    if (c === 'f') return this.#word('false', false)
    if (c === 'n') return this.#word('null', null)
    if (c === '-' || (c !== undefined && c >= '0' && c <= '9')) return this.#number(holder, key)
    throw this.#unexpected(context)
  }

  #object(): object {
    this.#at++
    const object: Record<string, unknown> = {}
    this.#space()
    if (this.#text[this.#at] === '}') {
      this.#at++
      return object
    }
    for (;;) {
      this.#space()
      if (this.#text[this.#at] !== '"') throw this.#unexpected('looking for beginning of object key string')
      const key = this.#string()
      this.#space()
      if (this.#text[this.#at] !== ':') throw this.#unexpected('after object key')
      this.#at++
      this.#path.push(key)
      this.#note?.(this.#path, this.#at)
      if (Object.hasOwn(object, key)) this.#duplicates.add(`duplicate field ${quote(pathText(this.#path))}`)
      const value = this.#value('looking for beginning of value', object, key)
      if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
      else object[key] = value
      this.#path.pop()
      this.#space()
      const c = this.#text[this.#at]
      if (c !== ',' && c !== '}') throw this.#unexpected('after object key:value pair')
      this.#at++
      if (c === '}') return object
    }
  }

  #array(): unknown[] {
    this.#at++
    const list: unknown[] = []
    this.#space()
    if (this.#text[this.#at] === ']') {
      this.#at++
      return list
    }
    for (;;) {
      this.#path.push(list.length)
      list.push(this.#value('looking for beginning of value', list, list.length))
      this.#path.pop()
      this.#space()
      const c = this.#text[this.#at]
      if (c !== ',' && c !== ']') throw this.#unexpected('after array element')
      this.#at++
      if (c === ']') return list
    }
  }

  #string(): string {
    const start = this.#at++
    for (;;) {
      const c = this.#text[this.#at]
      if (c === '"') break
      if (c === undefined || c < ' ') throw this.#unexpected('in string literal')
      this.#at++
      if (c !== '\\') continue
      const escape = this.#text[this.#at]
      if (escape === undefined || !'"\\/bfnrtu'.includes(escape)) throw this.#unexpected('in string escape code')
      this.#at++
      if (escape !== 'u') continue
      for (let i = 0; i < 4; i++) {
        if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? '')) throw this.#unexpected('in \\u hexadecimal character escape')
        this.#at++
      }
    }
    this.#at++
    return (JSON.parse(this.#text.slice(start, this.#at)) as string).replace(LONE_SURROGATE, '\ufffd')
  }

  #word<T>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++) {
      if (this.#text[this.#at] !== word[i]) throw this.#unexpected(`in literal ${word} (expecting '${word[i] ?? ''}')`)
      this.#at++
    }
    return value
  }

  #number(holder?: object, key?: string | number): number {
    const start = this.#at
    if (this.#text[this.#at] === '-') this.#at++
    if (this.#text[this.#at] === '0') this.#at++
    else this.#digits('in numeric literal')
    if (this.#text[this.#at] === '.') {
      this.#at++
      this.#digits('after decimal point in numeric literal')
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      this.#at++
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at++
      this.#digits('in exponent of numeric literal')
    }
    const literal = this.#text.slice(start, this.#at)
    const value = Number(literal)
    if (holder && key !== undefined && String(value) !== literal) rememberLiteral(holder, key, literal)
    return Object.is(value, -0) ? 0 : value
  }

  #digits(context: string): void {
    const start = this.#at
    for (;;) {
      const c = this.#text[this.#at]
      if (c === undefined || c < '0' || c > '9') break
      this.#at++
    }
    if (this.#at === start) throw this.#unexpected(context)
  }

  #space(): void {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at)
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return
      this.#at++
    }
  }

  #unexpected(context: string): ParseError {
    const code = this.#text.codePointAt(this.#at)
    // Go ends the text with a space, which only the inside of a token minds.
    if (code === undefined) return new ParseError(INSIDE_TOKEN.test(context) ? `invalid character ' ' ${context}` : 'unexpected end of JSON input')
    return new ParseError(`invalid character ${quoteByte(code)} ${context}`)
  }
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
const INSIDE_TOKEN = /^in (literal|numeric|exponent|string escape|\\u)|^after decimal/

/** The first byte of the character, in single quotes, as the scanner prints the byte it stopped at. */
function quoteByte(codePoint: number): string {
  const byte = Buffer.from(String.fromCodePoint(codePoint))[0] ?? 0
  if (byte === 39) return "'\\''"
  if (byte === 34) return "'\"'"
  const named: Record<number, string> = { 7: '\\a', 8: '\\b', 12: '\\f', 10: '\\n', 13: '\\r', 9: '\\t', 11: '\\v', 92: '\\\\' }
  const name = named[byte]
  if (name !== undefined) return `'${name}'`
  if (byte < 32 || byte === 127) return `'\\x${byte.toString(16).padStart(2, '0')}'`
  // Bytes of other characters are taken for the code points of Latin-1.
  if ((byte > 127 && byte < 161) || byte === 173) return `'\\u${byte.toString(16).padStart(4, '0')}'`
  return `'${String.fromCharCode(byte)}'`
}

/** `a.b[0].c` */
export function pathText(path: readonly (string | number)[]): string {
  let text = ''
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : text === '' ? part : `.${part}`
  return text
}
