/**
 * Parses an expression; macros become what they stand for. Models cel-go's parser/parser.go and its grammar CEL.g4.
 * What ANTLR says of a wrong syntax is found by syntax-errors.ts, only when there is one.
 */
import type { Expr, MapEntry, StructField } from './ast.ts'
import { tokenize, type Token } from './lexer.ts'
import { expandMacro } from './macros.ts'
import { Source } from './source.ts'
import { EXPECTED, reportSyntaxError, SyntaxFailure } from './syntax-errors.ts'
import { unescapeBytes, unescapeString } from './unescape.ts'
import { Uint } from './values.ts'

const MAX_CODE_POINTS = 100_000
const MAX_DEPTH = 250
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n

const RESERVED: ReadonlySet<string> = new Set(
  'as break const continue else false for function if import in let loop package namespace null return true var void while'.split(' '),
)
const RELATIONS: Readonly<Record<string, string>> = { '<': '_<_', '<=': '_<=_', '>=': '_>=_', '>': '_>_', '==': '_==_', '!=': '_!=_', in: '@in' }
const PRODUCTS: Readonly<Record<string, string>> = { '*': '_*_', '/': '_/_', '%': '_%_' }
const SUMS: Readonly<Record<string, string>> = { '+': '_+_', '-': '_-_' }

class TooDeep extends Error {}
/** What nests leftwards is read in one go, and found too deep when it is walked. */
const CHAIN_TOO_LONG = 'max recursion depth exceeded'

/** What an environment adds to the language. */
export interface Syntax {
  hasBindings?: boolean
}

/** Errors are left in `source`; nothing comes back if there is no expression to go on with. */
export function parse(source: Source, syntax: Syntax = {}): Expr | undefined {
  const { text } = source
  const size = text.length > MAX_CODE_POINTS ? [...text].length : text.length
  if (size > MAX_CODE_POINTS) {
    source.report(-1, `expression code point size exceeds limit: size: ${size}, limit ${MAX_CODE_POINTS}`)
    return undefined
  }
  const expr = parseTokens(source, tokenize(source), syntax)
  return source.hasErrors ? undefined : expr
}

/** How often parsing goes on behind an error. */
const MAX_RECOVERIES = 30

function parseTokens(source: Source, given: readonly Token[], syntax: Syntax): Expr | undefined {
  let tokens: readonly Token[] | undefined = given
  for (let i = 0; tokens && i < MAX_RECOVERIES; i++) {
    // Only what is found on the last way through counts, besides syntax.
    const attempt = new Source(source.text)
    try {
      const expr = new Parser(attempt, tokens, syntax).parse()
      source.take(attempt)
      return expr
    } catch (error) {
      if (error instanceof TooDeep) source.report(-1, error.message)
      else if (!(error instanceof SyntaxFailure)) throw error
      if (!(error instanceof SyntaxFailure)) return undefined
      tokens = reportSyntaxError(source, tokens, error)
    }
  }
  return undefined
}

class Parser {
  readonly #source: Source
  readonly #tokens: readonly Token[]
  readonly #syntax: Syntax
  #at = 0
  #depth = 0

  constructor(source: Source, tokens: readonly Token[], syntax: Syntax) {
    this.#source = source
    this.#tokens = tokens
    this.#syntax = syntax
  }

  parse(): Expr {
    const expr = this.#expr()
    this.#take('EOF')
    return expr
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: 'EOF', text: '', offset: 0 }
  }

  #isNext(kind: string): boolean {
    return this.#next.kind === kind
  }

  #take(kind: string, wanted = kind): Token {
    const token = this.#next
    if (token.kind !== kind) throw this.#failure(wanted)
    this.#at++
    return token
  }

  #failure(wanted: string): SyntaxFailure {
    return new SyntaxFailure(this.#at, wanted)
  }

  /** Fails unless one of them comes next. */
  #expect(wanted: string): void {
    if (!EXPECTED[wanted]?.includes(this.#next.kind)) throw this.#failure(wanted)
  }

  #maybe(kind: string): Token | undefined {
    return this.#isNext(kind) ? this.#take(kind) : undefined
  }

  #expr(): Expr {
    if (++this.#depth > MAX_DEPTH) throw new TooDeep(`expression recursion limit exceeded: ${MAX_DEPTH}`)
    const condition = this.#logic("'||'", '_||_', () => this.#logic("'&&'", '_&&_', () => this.#relation()))
    const question = this.#maybe("'?'")
    let expr = condition
    if (question) {
      const ifTrue = this.#logic("'||'", '_||_', () => this.#logic("'&&'", '_&&_', () => this.#relation()))
      this.#take("':'")
      expr = this.#call(question.offset, '_?_:_', [condition, ifTrue, this.#expr()])
    }
    this.#depth--
    return expr
  }

  #call(offset: number, fn: string, args: Expr[]): Expr {
    return { kind: 'call', offset, fn, args }
  }

  /** Chains of one operator become a balanced tree, which shows in costs. */
  #logic(kind: string, fn: string, operand: () => Expr): Expr {
    const terms = [operand()]
    const offsets: number[] = []
    for (let op = this.#maybe(kind); op; op = this.#maybe(kind)) {
      offsets.push(op.offset)
      terms.push(operand())
    }
    const termAt = (i: number): Expr => terms[i] ?? { kind: 'error', offset: 0 }
    const tree = (low: number, high: number): Expr => {
      const mid = Math.floor((low + high + 1) / 2)
      const left = mid === low ? termAt(mid) : tree(low, mid - 1)
      const right = mid === high ? termAt(mid + 1) : tree(mid + 1, high)
      return this.#call(offsets[mid] ?? 0, fn, [left, right])
    }
    return offsets.length ? tree(0, offsets.length - 1) : termAt(0)
  }

  #leftAssociative(operators: Readonly<Record<string, string>>, operand: () => Expr): Expr {
    let left = operand()
    for (let count = 1; ; count++) {
      const op = this.#next
      const fn = op.kind.startsWith("'") ? operators[op.text] : undefined
      if (!fn) return left
      if (count >= MAX_DEPTH) throw new TooDeep(CHAIN_TOO_LONG)
      this.#at++
      left = this.#call(op.offset, fn, [left, operand()])
    }
  }

  #relation(): Expr {
    return this.#leftAssociative(RELATIONS, () => this.#leftAssociative(SUMS, () => this.#leftAssociative(PRODUCTS, () => this.#unary())))
  }

  #unary(): Expr {
    const first = this.#next
    if (first.kind === "'!'") return this.#repeated("'!'", '!_')
    if (first.kind !== "'-'") return this.#member()
    const after = this.#tokens[this.#at + 1]?.kind
    return after === 'NUM_INT' || after === 'NUM_FLOAT' ? this.#member() : this.#repeated("'-'", '-_')
  }

  #repeated(kind: string, fn: string): Expr {
    const { offset } = this.#next
    let count = 0
    while (this.#maybe(kind)) count++
    const member = this.#member()
    return count % 2 ? this.#call(offset, fn, [member]) : member
  }

  #member(): Expr {
    let expr = this.#primary()
    for (let count = 1; ; count++) {
      const dot = this.#maybe("'.'")
      const bracket = dot ? undefined : this.#maybe("'['")
      if (!dot && !bracket) return expr
      if (count >= MAX_DEPTH) throw new TooDeep(CHAIN_TOO_LONG)
      expr = dot ? this.#dotted(expr, dot) : this.#index(expr, bracket?.offset ?? 0)
    }
  }

  #index(operand: Expr, offset: number): Expr {
    this.#expect('index')
    const isOptional = this.#maybe("'?'") !== undefined
    const index = this.#expr()
    this.#take("']'")
    return this.#call(offset, isOptional ? '_[?_]' : '_[_]', [operand, index])
  }

  #dotted(operand: Expr, dot: Token): Expr {
    const isOptional = this.#maybe("'?'") !== undefined
    const name = this.#fieldName(isOptional ? 'fieldName' : 'member')
    if (isOptional) return this.#call(dot.offset, '_?._', [operand, { kind: 'literal', offset: name.offset, value: name.text }])
    const open = this.#isNext("'('") && name.kind === 'IDENTIFIER' ? this.#take("'('") : undefined
    if (!open) return { kind: 'select', offset: dot.offset, operand, field: name.text, testOnly: false }
    return this.#callOrMacro(open.offset, name.text, this.#args(), operand)
  }

  #fieldName(wanted: string): Token {
    const escaped = this.#maybe('ESC_IDENTIFIER')
    if (escaped) this.#source.report(escaped.offset, "unsupported syntax: '`'")
    return escaped ?? this.#take('IDENTIFIER', wanted)
  }

  #args(): Expr[] {
    const args: Expr[] = []
    this.#expect('args')
    if (!this.#isNext("')'")) {
      do args.push(this.#expr())
      while (this.#maybe("','"))
    }
    this.#take("')'")
    return args
  }

  #callOrMacro(offset: number, fn: string, args: Expr[], target?: Expr): Expr {
    const expanded = expandMacro({ source: this.#source, offset, fn, target, args, ...this.#syntax })
    return expanded ?? (target ? { kind: 'call', offset, fn, target, args } : { kind: 'call', offset, fn, args })
  }

  #primary(): Expr {
    const token = this.#next
    switch (token.kind) {
      case "'.'":
      case 'IDENTIFIER':
        return this.#named()
      case "'('": {
        this.#at++
        const expr = this.#expr()
        this.#take("')'")
        return expr
      }
      case "'['":
        return this.#list()
      case "'{'":
        return this.#map()
      default:
        return this.#literal()
    }
  }

  #named(): Expr {
    const lead = this.#maybe("'.'")
    const name = this.#take('IDENTIFIER', lead ? 'member' : 'primary')
    const start = lead ?? name
    const message = this.#messageName(name)
    if (message !== undefined) return this.#message(`${lead ? '.' : ''}${message}`)
    const open = this.#maybe("'('")
    if (RESERVED.has(name.text)) {
      this.#source.report(start.offset, `reserved identifier: ${name.text}`)
      if (open) this.#args()
      return { kind: 'error', offset: start.offset }
    }
    const full = `${lead ? '.' : ''}${name.text}`
    return open ? this.#callOrMacro(open.offset, full, this.#args()) : { kind: 'ident', offset: name.offset, name: full }
  }

  /** The dotted name before a `{`; then the tokens up to it are taken. */
  #messageName(first: Token): string | undefined {
    const names = [first.text]
    let at = this.#at
    while (this.#tokens[at]?.kind === "'.'" && this.#tokens[at + 1]?.kind === 'IDENTIFIER') {
      names.push(this.#tokens[at + 1]?.text ?? '')
      at += 2
    }
    if (this.#tokens[at]?.kind !== "'{'") return undefined
    this.#at = at
    return names.join('.')
  }

  #message(typeName: string): Expr {
    const { offset } = this.#take("'{'")
    const fields: StructField[] = []
    this.#items("'}'", { first: 'fields', end: 'mapEnd' }, () => {
      const optional = this.#maybe("'?'") !== undefined
      const name = this.#fieldName('fieldName').text
      const colon = this.#take("':'")
      fields.push({ offset: colon.offset, name, value: this.#expr(), optional })
    })
    return { kind: 'struct', offset, typeName, fields }
  }

  /** Items with commas between them and maybe one after. */
  #items(close: string, { first, end }: { first: string; end: string }, item: () => void): void {
    this.#expect(first)
    if (!this.#isNext("','") && !this.#isNext(close)) {
      item()
      while (this.#isNext("','") && ![close, "','", 'EOF', undefined].includes(this.#tokens[this.#at + 1]?.kind)) {
        this.#take("','")
        item()
      }
      this.#expect(end)
    }
    this.#maybe("','")
    this.#take(close)
  }

  #list(): Expr {
    const { offset } = this.#take("'['")
    const elements: Expr[] = []
    const optionals = new Set<number>()
    this.#items("']'", { first: 'list', end: 'listEnd' }, () => {
      if (this.#maybe("'?'")) optionals.add(elements.length)
      elements.push(this.#expr())
    })
    return { kind: 'list', offset, elements, optionals }
  }

  #map(): Expr {
    const { offset } = this.#take("'{'")
    const entries: MapEntry[] = []
    this.#items("'}'", { first: 'map', end: 'mapEnd' }, () => {
      const optional = this.#maybe("'?'") !== undefined
      const key = this.#expr()
      const colon = this.#take("':'")
      entries.push({ offset: colon.offset, key, value: this.#expr(), optional })
    })
    return { kind: 'map', offset, entries }
  }

  #literal(): Expr {
    const { offset } = this.#next
    const sign = this.#maybe("'-'") ? '-' : ''
    const token = this.#next
    const value = sign && token.kind !== 'NUM_INT' && token.kind !== 'NUM_FLOAT' ? undefined : literalValue(token, sign)
    if (value === undefined) throw this.#failure('primary')
    this.#at++
    if (typeof value === 'object' && value !== null && 'error' in value) {
      this.#source.report(offset, value.error)
      return { kind: 'error', offset }
    }
    return { kind: 'literal', offset, value }
  }
}

function literalValue({ kind, text }: Token, sign: string): bigint | Uint | number | string | Uint8Array | boolean | null | { error: string } | undefined {
  switch (kind) {
    case 'NUM_INT': {
      const value = BigInt(text) * (sign ? -1n : 1n)
      return value > INT64_MAX || value < -INT64_MAX - 1n ? { error: 'invalid int literal' } : value
    }
    case 'NUM_UINT': {
      const value = BigInt(text.slice(0, -1))
      return value > UINT64_MAX ? { error: 'invalid uint literal' } : new Uint(value)
    }
    case 'NUM_FLOAT': {
      const value = Number(`${sign}${text}`)
      return Number.isFinite(value) ? value : { error: 'invalid double literal' }
    }
    case 'STRING':
      return unescapeString(text)
    case 'BYTES':
      return unescapeBytes(text.slice(1))
    case "'true'":
      return true
    case "'false'":
      return false
    case "'null'":
      return null
    default:
      return undefined
  }
}
