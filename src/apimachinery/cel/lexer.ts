/** Cuts an expression into tokens. Models the lexer rules of cel-go's parser/gen/CEL.g4, with ANTLR's errors. */
import type { Source } from './source.ts'

/** Names as ANTLR shows them: what is quoted there stands for its own text. */
export type TokenKind = 'EOF' | 'IDENTIFIER' | 'ESC_IDENTIFIER' | 'NUM_INT' | 'NUM_UINT' | 'NUM_FLOAT' | 'STRING' | 'BYTES' | (string & {})

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  readonly offset: number
}

const ESCAPE = String.raw`\\(?:[abfnrtv"'\\?${'`'}]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})`
const STRINGS = [
  String.raw`"""(?:${ESCAPE}|[^\\])*?"""`,
  String.raw`'''(?:${ESCAPE}|[^\\])*?'''`,
  String.raw`"(?:${ESCAPE}|[^\\"\n\r])*"`,
  String.raw`'(?:${ESCAPE}|[^\\'\n\r])*'`,
]
const RAW_STRINGS = [String.raw`[rR]"""[^]*?"""`, String.raw`[rR]'''[^]*?'''`, String.raw`[rR]"[^"\n\r]*"`, String.raw`[rR]'[^'\n\r]*'`]
const STRING = [...STRINGS, ...RAW_STRINGS].join('|')

const BLANK = /(?:[\t \r\n\f]+|\/\/[^\n]*)+/y
const RULES: readonly [TokenKind, RegExp][] = [
  ['BYTES', new RegExp(`[bB](?:${STRING})`, 'y')],
  ['STRING', new RegExp(STRING, 'y')],
  ['IDENTIFIER', /[A-Za-z_][A-Za-z0-9_]*/y],
  ['NUM_FLOAT', /[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?/y],
  ['NUM_UINT', /0x[0-9a-fA-F]+[uU]|[0-9]+[uU]/y],
  ['NUM_INT', /0x[0-9a-fA-F]+|[0-9]+/y],
  ['ESC_IDENTIFIER', /`[A-Za-z0-9_.\-/ ]+`/y],
  ['', /==|!=|<=|>=|&&|\|\||[<>[\]{}().,\-!?:+*/%]/y],
]
const KEYWORDS: ReadonlySet<string> = new Set(['in', 'true', 'false', 'null'])
/** The start of a token that never ended. */
const UNFINISHED = [
  new RegExp(String.raw`"(?:${ESCAPE}|[^\\"\n\r])*(?:\\(?:[0-3][0-7]?|[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?)?`, 'y'),
  new RegExp(String.raw`'(?:${ESCAPE}|[^\\'\n\r])*(?:\\(?:[0-3][0-7]?|[xX][0-9a-fA-F]?|u[0-9a-fA-F]{0,3}|U[0-9a-fA-F]{0,7})?)?`, 'y'),
  /`[A-Za-z0-9_.\-/ ]*/y,
  /[=&|]/y,
]

function matchAt(pattern: RegExp, text: string, offset: number): string | undefined {
  pattern.lastIndex = offset
  return pattern.exec(text)?.[0]
}

function tokenAt(text: string, offset: number): Token | undefined {
  let best: Token | undefined
  for (const [kind, pattern] of RULES) {
    const found = matchAt(pattern, text, offset)
    if (found !== undefined && (!best || found.length > best.text.length)) best = { kind: kind || `'${found}'`, text: found, offset }
  }
  return best?.kind === 'IDENTIFIER' && KEYWORDS.has(best.text) ? { ...best, kind: `'${best.text}'` } : best
}

/** What cannot be read is reported and left out, as ANTLR does. The last token is EOF. */
export function tokenize(source: Source): Token[] {
  const { text } = source
  const tokens: Token[] = []
  let offset = 0
  while (offset < text.length) {
    const blank = matchAt(BLANK, text, offset)
    if (blank !== undefined) {
      offset += blank.length
      continue
    }
    const token = tokenAt(text, offset)
    if (token) {
      tokens.push(token)
      offset += token.text.length
      continue
    }
    const end = offset + Math.max(...UNFINISHED.map((pattern) => matchAt(pattern, text, offset)?.length ?? 0))
    const stop = end + (String.fromCodePoint(text.codePointAt(end) ?? 0).length || 1)
    source.report(offset, `Syntax error: token recognition error at: '${text.slice(offset, stop)}'`)
    offset = stop
  }
  tokens.push({ kind: 'EOF', text: '<EOF>', offset: text.length })
  return tokens
}
