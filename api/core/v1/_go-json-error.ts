/**
 * What Go's encoding/json says of a text that should hold a JSON object. Only as much as configuration files inside Secrets
 * need: where the text goes wrong and how, for the usual mistakes.
 */

const GO_TYPE = 'map[string]interface {}'

/** undefined: the text is a JSON object or null. */
export function goJSONObjectError(text: string): string | undefined {
  try {
    return typeError(JSON.parse(text))
  } catch {
    return syntaxError(text)
  }
}

function typeError(value: unknown): string | undefined {
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined
  const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  return `json: cannot unmarshal ${kind} into Go value of type ${GO_TYPE}`
}

const SPACE = /[\t\n\r ]*/y
const SCALAR = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y
const END = 'unexpected end of JSON input'
const MAX_DEPTH = 10_000

type State = 'value' | 'first element' | 'key' | 'first key' | 'after'

/** Walks the text as the grammar goes and names the first character that does not fit. */
function syntaxError(text: string): string {
  /** Of the objects and lists around, what closes each. */
  const open: string[] = []
  let state: State = 'value'
  let at = 0
  const eat = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const fits = pattern.test(text)
    if (fits) at = pattern.lastIndex
    return fits
  }
  const peek = (): string => {
    eat(SPACE)
    return text.charAt(at)
  }
  const wrong = (context: string): string => {
    const char = text.charAt(at)
    return char === '' ? END : `invalid character ${quoteChar(char)} ${context}`
  }
  const wrongScalar = (): string => {
    const problem = scalarProblem(text.slice(at))
    at += problem.length
    return wrong(problem.context)
  }
  for (;;) {
    const char = peek()
    const closing = open.at(-1)
    if (state !== 'value' && state !== 'key' && char !== '' && char === closing) {
      open.pop()
      at++
      state = 'after'
    } else if (state === 'after') {
      if (closing === undefined || char !== ',') return wrong(AFTER[closing ?? ''] ?? '')
      at++
      state = closing === '}' ? 'key' : 'value'
    } else if (state === 'key' || state === 'first key') {
      if (char !== '"') return wrong('looking for beginning of object key string')
      if (!eat(SCALAR)) return wrongScalar()
      if (peek() !== ':') return wrong('after object key')
      at++
      state = 'value'
    } else if (char === '{' || char === '[') {
      if (open.length === MAX_DEPTH) return 'exceeded max depth'
      open.push(char === '{' ? '}' : ']')
      at++
      state = char === '{' ? 'first key' : 'first element'
    } else {
      if (!eat(SCALAR)) return wrongScalar()
      state = 'after'
    }
  }
}

/** What follows a value, by what closes the object or list around it. */
const AFTER: Readonly<Record<string, string>> = { '}': 'after object key:value pair', ']': 'after array element', '': 'after top-level value' }

const LITERALS = ['true', 'false', 'null']

/** How many characters of a broken scalar fit, and what is said of the next one. */
function scalarProblem(text: string): { length: number; context: string } {
  const first = text.charAt(0)
  if (first === '"') return stringProblem(text)
  const literal = LITERALS.find((word) => word.startsWith(first)) ?? ''
  if (first === '' || literal === '') return first === '-' ? { length: 1, context: 'in numeric literal' } : { length: 0, context: 'looking for beginning of value' }
  let length = 1
  while (text.charAt(length) === literal.charAt(length)) length++
  return { length, context: `in literal ${literal} (expecting ${quoteChar(literal.charAt(length))})` }
}

const GOOD_TEXT = /^"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/

function stringProblem(text: string): { length: number; context: string } {
  const { length } = GOOD_TEXT.exec(text)?.[0] ?? ''
  if (text.charAt(length) !== '\\') return { length, context: 'in string literal' }
  if (text.charAt(length + 1) !== 'u') return { length: length + 1, context: 'in string escape code' }
  const digits = /^[0-9a-fA-F]*/.exec(text.slice(length + 2))?.[0] ?? ''
  return { length: length + 2 + digits.length, context: 'in \\u hexadecimal character escape' }
}

function quoteChar(char: string): string {
  if (char === "'") return `'\\''`
  if (char === '"') return `'"'`
  return `'${JSON.stringify(char).slice(1, -1)}'`
}
