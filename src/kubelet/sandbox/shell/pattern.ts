/** Shell patterns (`*`, `?`, brackets) in time linear in the text for each star. Models fnmatch(3). */
import { RE2JS } from 're2js'

type Token = { kind: 'char'; char: string } | { kind: 'any' } | { kind: 'star' } | { kind: 'set'; matches: (char: string) => boolean }

const CLASSES: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/,
  alpha: /[A-Za-z]/,
  blank: /[ \t]/,
  digit: /[0-9]/,
  lower: /[a-z]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /\s/,
  upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
}

export class Pattern {
  readonly #tokens: Token[]
  /** For those with groups, which only bash has. */
  readonly #groups: ((text: string) => boolean) | undefined

  /** A backslash takes the meaning away from what follows it. */
  constructor(source: string) {
    this.#groups = hasGroups(source) ? groupMatcher(source) : undefined
    this.#tokens = this.#groups ? [] : tokenize(source)
  }

  matches(text: string): boolean {
    if (this.#groups) return this.#groups(text)
    const tokens = this.#tokens
    let t = 0
    let c = 0
    let starToken = -1
    let starChar = 0
    while (c < text.length) {
      const token = tokens[t]
      if (token?.kind === 'star') {
        starToken = t++
        starChar = c
      } else if (token && accepts(token, text.charAt(c))) {
        t++
        c++
      } else if (starToken >= 0) {
        t = starToken + 1
        c = ++starChar
      } else return false
    }
    while (tokens[t]?.kind === 'star') t++
    return t === tokens.length
  }
}

function accepts(token: Token, char: string): boolean {
  if (token.kind === 'char') return token.char === char
  return token.kind === 'any' || (token.kind === 'set' && token.matches(char))
}

function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  for (let i = 0; i < source.length; i++) {
    const char = source.charAt(i)
    if (char === '\\' && i + 1 < source.length) tokens.push({ kind: 'char', char: source.charAt(++i) })
    else if (char === '?') tokens.push({ kind: 'any' })
    else if (char === '*') {
      if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' })
    } else if (char === '[') {
      const set = bracket(source, i)
      if (set) {
        tokens.push({ kind: 'set', matches: set.matches })
        i = set.end
      } else tokens.push({ kind: 'char', char })
    } else tokens.push({ kind: 'char', char })
  }
  return tokens
}

function bracket(source: string, start: number): { matches: (char: string) => boolean; end: number } | undefined {
  let i = start + 1
  const isNegated = source[i] === '!' || source[i] === '^'
  if (isNegated) i++
  const tests: ((char: string) => boolean)[] = []
  for (let first = true; ; first = false, i++) {
    const char = source[i]
    if (char === undefined) return undefined
    if (char === ']' && !first) break
    const named = source.startsWith('[:', i) ? /^\[:(\w+):\]/.exec(source.slice(i)) : null
    if (named) {
      const regexp = CLASSES[named[1] ?? '']
      if (regexp) tests.push((c) => regexp.test(c))
      i += named[0].length - 1
      continue
    }
    const low = char === '\\' ? (source[++i] ?? '') : char
    const high = source[i + 1] === '-' && source[i + 2] !== ']' && source[i + 2] !== undefined ? source[(i += 2)] : low
    tests.push((c) => c >= low && c <= (high ?? low))
  }
  return { matches: (char) => tests.some((test) => test(char)) !== isNegated, end: i }
}

/** Takes the meaning away from all that has one. */
export function escapePattern(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&')
}

export function hasPattern(source: string): boolean {
  return /(^|[^\\])(\\\\)*[*?[]/.test(source)
}

export function unescapePattern(source: string): string {
  return source.replace(/\\([\s\S])/g, '$1')
}

function hasGroups(source: string): boolean {
  return /(^|[^\\])(\\\\)*[@?*+!]\([^)]*\)/.test(source)
}

/** `@(a|b)`, `*(x)`, `!(y)`: as an expression, or its opposite where the whole is a negation. */
function groupMatcher(source: string): ((text: string) => boolean) | undefined {
  const [, negated] = /^!\((.*)\)$/.exec(source) ?? []
  try {
    const pattern = RE2JS.compile(`^(?:${groupsToRe2(negated === undefined ? source : `@(${negated})`)})$`, RE2JS.DOTALL)
    return (text) => pattern.matcher(text).find() === (negated === undefined)
  } catch {
    return undefined
  }
}

function groupsToRe2(source: string): string {
  const suffixes: Readonly<Record<string, string>> = { '@': '', '?': '?', '*': '*', '+': '+', '!': '' }
  const open: string[] = []
  let out = ''
  for (let i = 0; i < source.length; i++) {
    const char = source.charAt(i)
    if (char === '\\') out += RE2JS.quote(source.charAt(++i))
    else if (char in suffixes && source.charAt(i + 1) === '(') {
      open.push(suffixes[char] ?? '')
      out += '(?:'
      i++
    } else if (char === ')' && open.length > 0) out += `)${open.pop() ?? ''}`
    else if (char === '|' && open.length > 0) out += '|'
    else if (char === '*') out += '.*'
    else if (char === '?') out += '.'
    else if (char === '[') {
      const end = source.indexOf(']', i + 2)
      out += end < 0 ? '\\[' : source.slice(i, end + 1).replace(/^\[!/, '[^')
      if (end >= 0) i = end
    } else out += RE2JS.quote(char)
  }
  return out
}
