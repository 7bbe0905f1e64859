/**
 * What ANTLR says of a wrong syntax, and how it goes on: a token too many is skipped and a missing one thought of, so that
 * later errors are found, too. Models DefaultErrorStrategy of ANTLR as cel-go's parser uses it.
 */
import type { Token } from './lexer.ts'
import type { Source } from './source.ts'

const PRIMARY = ["'['", "'{'", "'('", "'.'", "'-'", "'!'", "'true'", "'false'", "'null'", 'NUM_FLOAT', 'NUM_INT', 'NUM_UINT', 'STRING', 'BYTES', 'IDENTIFIER']
/** In the order of ANTLR's numbers for them. */
const ORDER = ["'['", "']'", "'{'", "'}'", "'('", "')'", "'.'", "','", "'-'", "'!'", "'?'", "':'", "'true'", "'false'", "'null'", 'NUM_FLOAT', 'NUM_INT', 'NUM_UINT', 'STRING', 'BYTES', 'IDENTIFIER', 'ESC_IDENTIFIER']
const among = (...kinds: string[]): readonly string[] => ORDER.filter((kind) => kinds.includes(kind))

/** What may stand where. */
export const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  primary: PRIMARY,
  args: among(...PRIMARY, "')'"),
  index: among(...PRIMARY, "'?'"),
  list: among(...PRIMARY, "']'", "','", "'?'"),
  map: among(...PRIMARY, "'}'", "','", "'?'"),
  fields: among("'}'", "','", "'?'", 'IDENTIFIER', 'ESC_IDENTIFIER'),
  fieldName: among('IDENTIFIER', 'ESC_IDENTIFIER'),
  listEnd: among("']'", "','"),
  mapEnd: among("'}'", "','"),
}

/** Where the parser stopped, and what it wanted: a key of EXPECTED, a kind of token, or 'member' after a dot. */
export class SyntaxFailure extends Error {
  readonly at: number
  readonly wanted: string
  constructor(at: number, wanted: string) {
    super(wanted)
    this.at = at
    this.wanted = wanted
  }
}

/** Ends of things that may be thought of where they are missing. */
const INSERTABLE: ReadonlySet<string> = new Set(["')'", "']'"])
const LITERAL_NAMES: ReadonlySet<string> = new Set(["'true'", "'false'", "'null'"])
const EOF: Token = { kind: 'EOF', text: '<EOF>', offset: 0 }

const listed = (kinds: readonly string[]): string => (kinds.length === 1 ? (kinds[0] ?? '') : `{${kinds.join(', ')}}`)

/** Reports the error; the tokens to go on with, if ANTLR would. */
export function reportSyntaxError(source: Source, tokens: readonly Token[], { at, wanted }: SyntaxFailure): Token[] | undefined {
  const token = tokens[at] ?? EOF
  const next = tokens[at + 1]
  const report = (message: string): void => source.report(token.offset, `Syntax error: ${message}`)
  if (wanted === 'member') {
    const isName = LITERAL_NAMES.has(token.kind)
    report(isName ? `mismatched input '${token.text}' expecting IDENTIFIER` : `no viable alternative at input '.${token.kind === 'EOF' ? '' : token.text}'`)
    return undefined
  }
  const before = tokens[at - 1]?.kind
  const isEnd = token.kind === 'EOF'
  if (wanted === 'primary' && isEnd && before === "'-'" && isNegation(tokens, at - 1)) report("no viable alternative at input '-'")
  const expected = EXPECTED[wanted] ?? [wanted === 'EOF' ? '<EOF>' : wanted]
  const kinds = wanted === 'EOF' ? ['EOF'] : expected
  const isExtra = !isEnd && next !== undefined && kinds.includes(next.kind)
  if (isExtra || (isEnd && before === "'!'")) {
    report(`extraneous input '${token.text}' expecting ${listed(expected)}`)
    return isEnd ? undefined : [...tokens.slice(0, at), ...tokens.slice(at + 1)]
  }
  if (isEnd && INSERTABLE.has(wanted)) {
    report(`missing ${wanted} at '<EOF>'`)
    return [...tokens.slice(0, at), { kind: wanted, text: wanted.slice(1, -1), offset: token.offset }, ...tokens.slice(at)]
  }
  report(`mismatched input '${token.text}' expecting ${listed(expected)}`)
  if (wanted === 'fieldName') source.report(token.offset, 'unsupported ident kind')
  return undefined
}

/** Whether the minus stands where a value begins. */
function isNegation(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]
  return before === undefined || /^'(?:[[({,:?<>!=&|+\-*/%]|[<>=!]=|&&|\|\||in)'$/.test(before.kind)
}
