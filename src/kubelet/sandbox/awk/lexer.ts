/** The words of an awk program. Models XCU awk, Lexical Conventions. */

export type Token =
  | { kind: 'number'; value: number }
  | { kind: 'string'; value: string }
  | { kind: 'regexp'; value: string }
  /** A function's name directly before its parenthesis. */
  | { kind: 'call'; value: string }
  | { kind: 'name'; value: string }
  | { kind: 'word'; value: string }
  | { kind: 'symbol'; value: string }
  | { kind: 'newline'; value: '\n' }
  | { kind: 'end'; value: '' }

export class AwkError extends Error {}

const WORDS: ReadonlySet<string> = new Set(['BEGIN', 'END', 'function', 'func', 'if', 'else', 'while', 'for', 'do', 'break', 'continue', 'next', 'nextfile', 'exit', 'return', 'delete', 'in', 'getline', 'print', 'printf'])
export const BUILTINS: ReadonlySet<string> = new Set(['length', 'substr', 'index', 'split', 'sub', 'gsub', 'gensub', 'match', 'sprintf', 'sin', 'cos', 'atan2', 'exp', 'log', 'sqrt', 'int', 'rand', 'srand', 'tolower', 'toupper', 'system', 'close', 'fflush', 'strftime', 'systime', 'and', 'or', 'xor', 'lshift', 'rshift', 'compl'])
const SYMBOLS = ['**=', '&&', '||', '++', '--', '+=', '-=', '*=', '/=', '%=', '^=', '**', '==', '!=', '<=', '>=', '!~', '>>', '{', '}', '(', ')', '[', ']', ';', ',', '+', '-', '*', '/', '%', '^', '!', '>', '<', '|', '?', ':', '~', '$', '=']
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', '"': '"', '/': '/', a: '\x07', b: '\b', f: '\f', v: '\v' }

export function unescape(text: string): string {
  return text.replace(/\\(?:([0-7]{1,3})|([\s\S]))/g, (all, octal: string | undefined, char: string | undefined) => (octal ? String.fromCharCode(parseInt(octal, 8)) : char === '\n' ? '' : (ESCAPES[char ?? ''] ?? all)))
}

/** Where a slash begins an expression and no division. */
function takesRegexp(last: Token | undefined): boolean {
  if (!last || last.kind === 'newline') return true
  if (last.kind === 'word') return last.value !== 'getline'
  return last.kind === 'symbol' && ![')', ']', '$', '++', '--'].includes(last.value)
}

/** @throws AwkError */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = []
  const rest = () => source.slice(at)
  let at = 0
  while (at < source.length) {
    const char = source.charAt(at)
    const skipped = /^(?:[ \t\r]+|\\\r?\n|#[^\n]*)/.exec(rest())
    if (skipped) {
      at += skipped[0].length
      continue
    }
    if (char === '\n') {
      tokens.push({ kind: 'newline', value: '\n' })
      at++
      continue
    }
    if (char === '"' || (char === '/' && takesRegexp(tokens.at(-1)))) {
      const end = endOf(source, at, char)
      const text = source.slice(at + 1, end)
      tokens.push(char === '"' ? { kind: 'string', value: unescape(text) } : { kind: 'regexp', value: text.replace(/\\\//g, '/') })
      at = end + 1
      continue
    }
    const number = /^(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/.exec(rest())
    if (number) {
      tokens.push({ kind: 'number', value: Number(number[0]) })
      at += number[0].length
      continue
    }
    const name = /^[A-Za-z_]\w*/.exec(rest())?.[0]
    if (name !== undefined) {
      at += name.length
      tokens.push(WORDS.has(name) ? { kind: 'word', value: name === 'func' ? 'function' : name } : { kind: BUILTINS.has(name) || source.charAt(at) === '(' ? 'call' : 'name', value: name })
      continue
    }
    const symbol = SYMBOLS.find((s) => source.startsWith(s, at))
    if (symbol === undefined) throw new AwkError(`syntax error at source line ${source.slice(0, at).split('\n').length}: unexpected character '${char}'`)
    tokens.push({ kind: 'symbol', value: symbol.startsWith('**') ? symbol.replace('**', '^') : symbol })
    at += symbol.length
  }
  return [...tokens, { kind: 'end', value: '' }]
}

function endOf(source: string, start: number, quote: string): number {
  let inBracket = false
  for (let i = start + 1; i < source.length; i++) {
    const char = source.charAt(i)
    if (char === '\\') i++
    else if (quote === '/' && char === '[') inBracket = true
    else if (char === ']') inBracket = false
    else if (char === '\n' && quote === '/') break
    else if (char === quote && !inBracket) return i
  }
  throw new AwkError(quote === '"' ? 'non-terminated string' : 'non-terminated regular expression')
}
