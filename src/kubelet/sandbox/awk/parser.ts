/** An awk program as a tree. Models XCU awk, Grammar. */
import { AwkError, tokenize, type Token } from './lexer.ts'

export type Expression =
  | { type: 'number'; value: number }
  | { type: 'string'; value: string }
  | { type: 'regexp'; value: string }
  | { type: 'variable'; name: string }
  | { type: 'field'; index: Expression }
  | { type: 'element'; name: string; keys: Expression[] }
  | { type: 'group'; inner: Expression }
  | { type: 'unary'; operator: string; operand: Expression }
  | { type: 'step'; by: 1 | -1; prefix: boolean; target: Expression }
  | { type: 'binary'; operator: string; left: Expression; right: Expression }
  | { type: 'match'; negated: boolean; left: Expression; right: Expression }
  | { type: 'conditional'; test: Expression; yes: Expression; no: Expression }
  | { type: 'assign'; operator: string; target: Expression; value: Expression }
  | { type: 'in'; keys: Expression[]; name: string }
  | { type: 'call'; name: string; args: Expression[] }
  | { type: 'getline'; from?: { kind: 'file' | 'command'; source: Expression }; target?: Expression }

export type Statement =
  | { type: 'expression'; expression: Expression }
  | { type: 'print'; format: boolean; args: Expression[]; to?: { operator: string; target: Expression } }
  | { type: 'if'; test: Expression; yes: Statement; no?: Statement }
  | { type: 'while'; test: Expression; body: Statement; first: boolean }
  | { type: 'for'; init?: Statement; test?: Expression; step?: Statement; body: Statement }
  | { type: 'each'; variable: string; name: string; body: Statement }
  | { type: 'block'; body: Statement[] }
  | { type: 'jump'; kind: 'break' | 'continue' | 'next' | 'nextfile' }
  | { type: 'exit' | 'return'; value?: Expression }
  | { type: 'delete'; name: string; keys?: Expression[] }

export interface Rule {
  kind: 'BEGIN' | 'END' | 'pattern'
  pattern?: Expression
  until?: Expression
  /** Absent: the record is printed. */
  body?: Statement
}

export interface AwkFunction {
  parameters: string[]
  body: Statement
}

export interface AwkProgram {
  rules: Rule[]
  functions: Map<string, AwkFunction>
}

const ASSIGNMENTS: ReadonlySet<string> = new Set(['=', '+=', '-=', '*=', '/=', '%=', '^='])
const COMPARISONS: ReadonlySet<string> = new Set(['<', '<=', '==', '!=', '>', '>='])

/** @throws AwkError */
export function parseAwk(source: string): AwkProgram {
  return new Parser(tokenize(source)).program()
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  /** `>` is a redirection, `in` ends a loop's head. */
  #noGreater = false
  #noIn = false

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  program(): AwkProgram {
    const program: AwkProgram = { rules: [], functions: new Map() }
    for (this.#newlines(';'); this.#peek().kind !== 'end'; this.#newlines(';')) {
      if (this.#take('function')) this.#function(program)
      else program.rules.push(this.#rule())
    }
    return program
  }

  #function({ functions }: AwkProgram): void {
    const { value: name } = this.#next()
    const parameters: string[] = []
    this.#expect('(')
    while (!this.#take(')')) {
      parameters.push(String(this.#next().value))
      this.#take(',')
      this.#newlines()
    }
    this.#newlines()
    functions.set(String(name), { parameters, body: this.#block() })
  }

  #rule(): Rule {
    if (this.#take('BEGIN')) return { kind: 'BEGIN', body: this.#block() }
    if (this.#take('END')) return { kind: 'END', body: this.#block() }
    if (this.#is('{')) return { kind: 'pattern', body: this.#block() }
    const pattern = this.#expression()
    if (this.#take(',')) this.#newlines()
    const until = this.#tokens[this.#at - 1]?.value === '\n' || this.#previousIs(',') ? this.#expression() : undefined
    const rule: Rule = { kind: 'pattern', pattern, ...(until ? { until } : {}) }
    return this.#is('{') ? { ...rule, body: this.#block() } : rule
  }

  #block(): Statement {
    this.#expect('{')
    const body: Statement[] = []
    for (this.#newlines(';'); !this.#take('}'); this.#newlines(';')) body.push(this.#statement())
    return { type: 'block', body }
  }

  #statement(): Statement {
    if (this.#is('{')) return this.#block()
    if (this.#take('if')) return this.#if()
    if (this.#take('while')) {
      const test = this.#parenthesized()
      return { type: 'while', test, first: false, body: this.#take(';') ? { type: 'block', body: [] } : this.#body() }
    }
    if (this.#take('do')) {
      const body = this.#body()
      this.#newlines(';')
      this.#expect('while')
      const test = this.#parenthesized()
      this.#end()
      return { type: 'while', test, body, first: true }
    }
    if (this.#take('for')) return this.#for()
    const simple = this.#simple()
    this.#end()
    return simple
  }

  #if(): Statement {
    const test = this.#parenthesized()
    const yes = this.#take(';') ? { type: 'block' as const, body: [] } : this.#body()
    const before = this.#at
    this.#newlines(';')
    if (this.#take('else')) return { type: 'if', test, yes, no: this.#body() }
    this.#at = before
    return { type: 'if', test, yes }
  }

  #for(): Statement {
    this.#expect('(')
    const [variable, word, array, close] = this.#tokens.slice(this.#at, this.#at + 4)
    if (variable?.kind === 'name' && word?.value === 'in' && array?.kind === 'name' && close?.value === ')') {
      this.#at += 4
      return { type: 'each', variable: variable.value, name: array.value, body: this.#body() }
    }
    const init = this.#is(';') ? undefined : this.#simple()
    this.#expect(';')
    this.#newlines()
    const test = this.#is(';') ? undefined : this.#expression()
    this.#expect(';')
    this.#newlines()
    const step = this.#is(')') ? undefined : this.#simple()
    this.#expect(')')
    const body = this.#take(';') ? { type: 'block' as const, body: [] } : this.#body()
    return { type: 'for', ...(init ? { init } : {}), ...(test ? { test } : {}), ...(step ? { step } : {}), body }
  }

  #body(): Statement {
    this.#newlines()
    return this.#statement()
  }

  #simple(): Statement {
    const { kind, value } = this.#peek()
    if (kind === 'word' && (value === 'print' || value === 'printf')) return this.#print()
    if (kind === 'word' && (value === 'break' || value === 'continue' || value === 'next' || value === 'nextfile')) {
      this.#at++
      return { type: 'jump', kind: value }
    }
    if (kind === 'word' && (value === 'exit' || value === 'return')) {
      this.#at++
      return this.#atEnd() ? { type: value } : { type: value, value: this.#expression() }
    }
    if (this.#take('delete')) {
      const name = String(this.#next().value)
      return this.#take('[') ? { type: 'delete', name, keys: this.#list(']') } : { type: 'delete', name }
    }
    return { type: 'expression', expression: this.#expression() }
  }

  #print(): Statement {
    const format = this.#next().value === 'printf'
    const args: Expression[] = []
    this.#noGreater = true
    const open = this.#at
    if (this.#take('(')) {
      this.#noGreater = false
      args.push(...this.#list(')'))
      this.#noGreater = true
      // `print (a)(b)`, `print (a) > "f"`: only when nothing goes on the parenthesis was that of the arguments.
      if (!this.#atEnd() && !['>', '>>', '|'].includes(String(this.#peek().value))) {
        this.#at = open
        args.length = 0
      }
    }
    if (args.length === 0 && !this.#atEnd() && !['>', '>>', '|'].includes(String(this.#peek().value))) {
      do {
        this.#newlines()
        args.push(this.#expression())
      } while (this.#take(','))
    }
    const operator = ['>', '>>', '|'].find((o) => this.#take(o))
    const to = operator === undefined ? undefined : { operator, target: this.#concatenation() }
    this.#noGreater = false
    return { type: 'print', format, args, ...(to ? { to } : {}) }
  }

  #parenthesized(): Expression {
    this.#expect('(')
    const expression = this.#expression()
    this.#expect(')')
    return expression
  }

  /** Expressions up to what closes them. */
  #list(close: string): Expression[] {
    const list: Expression[] = []
    const [noIn, noGreater] = [this.#noIn, this.#noGreater]
    this.#noIn = this.#noGreater = false
    this.#newlines()
    while (!this.#take(close)) {
      list.push(this.#expression())
      this.#newlines()
      if (!this.#is(close)) this.#expect(',')
      this.#newlines()
    }
    this.#noIn = noIn
    this.#noGreater = noGreater
    return list
  }

  #expression(): Expression {
    const left = this.#conditional()
    const operator = String(this.#peek().value)
    if (this.#peek().kind !== 'symbol' || !ASSIGNMENTS.has(operator) || !isTarget(left)) return left
    this.#at++
    this.#newlines()
    return { type: 'assign', operator, target: left, value: this.#expression() }
  }

  #conditional(): Expression {
    const test = this.#or()
    if (!this.#take('?')) return test
    this.#newlines()
    const yes = this.#expression()
    this.#newlines()
    this.#expect(':')
    this.#newlines()
    return { type: 'conditional', test, yes, no: this.#expression() }
  }

  #or(): Expression {
    let left = this.#and()
    while (this.#take('||')) left = { type: 'binary', operator: '||', left, right: this.#after(() => this.#and()) }
    return left
  }

  #and(): Expression {
    let left = this.#membership()
    while (this.#take('&&')) left = { type: 'binary', operator: '&&', left, right: this.#after(() => this.#membership()) }
    return left
  }

  #after(parse: () => Expression): Expression {
    this.#newlines()
    return parse()
  }

  #membership(): Expression {
    let left = this.#matching()
    while (!this.#noIn && this.#take('in')) left = { type: 'in', keys: [left], name: String(this.#next().value) }
    return left
  }

  #matching(): Expression {
    let left = this.#comparison()
    for (;;) {
      const operator = ['~', '!~'].find((o) => this.#take(o))
      if (operator === undefined) return left
      left = { type: 'match', negated: operator === '!~', left, right: this.#comparison() }
    }
  }

  #comparison(): Expression {
    const left = this.#concatenation()
    const { kind, value } = this.#peek()
    if (kind === 'symbol' && COMPARISONS.has(value) && !(value === '>' && this.#noGreater)) {
      this.#at++
      return { type: 'binary', operator: value, left, right: this.#concatenation() }
    }
    if (kind === 'symbol' && value === '|' && this.#tokens[this.#at + 1]?.value === 'getline') return this.#commandGetline(left)
    return left
  }

  #commandGetline(source: Expression): Expression {
    this.#at += 2
    const target = this.#startsTarget() ? this.#primary() : undefined
    return { type: 'getline', from: { kind: 'command', source }, ...(target ? { target } : {}) }
  }

  #concatenation(): Expression {
    let left = this.#additive()
    while (this.#startsOperand()) left = { type: 'binary', operator: ' ', left, right: this.#additive() }
    return left
  }

  #startsOperand(): boolean {
    const { kind, value } = this.#peek()
    if (kind === 'word') return false
    if (kind !== 'symbol') return kind !== 'newline' && kind !== 'end'
    return ['$', '!', '(', '-', '+', '++', '--'].includes(value) && !(value === '!' && false)
  }

  #additive(): Expression {
    let left = this.#multiplicative()
    for (let operator = this.#symbolOf('+', '-'); operator !== undefined; operator = this.#symbolOf('+', '-')) left = { type: 'binary', operator, left, right: this.#multiplicative() }
    return left
  }

  #multiplicative(): Expression {
    let left = this.#unary()
    for (let operator = this.#symbolOf('*', '/', '%'); operator !== undefined; operator = this.#symbolOf('*', '/', '%')) left = { type: 'binary', operator, left, right: this.#unary() }
    return left
  }

  #unary(): Expression {
    const operator = this.#symbolOf('!', '-', '+')
    return operator === undefined ? this.#power() : { type: 'unary', operator, operand: this.#unary() }
  }

  #power(): Expression {
    const base = this.#postfix()
    return this.#symbolOf('^') === undefined ? base : { type: 'binary', operator: '^', left: base, right: this.#unary() }
  }

  #postfix(): Expression {
    const prefix = this.#symbolOf('++', '--')
    if (prefix !== undefined) return { type: 'step', by: prefix === '++' ? 1 : -1, prefix: true, target: this.#primary() }
    const target = this.#primary()
    const operator = isTarget(target) ? this.#symbolOf('++', '--') : undefined
    return operator === undefined ? target : { type: 'step', by: operator === '++' ? 1 : -1, prefix: false, target }
  }

  #primary(): Expression {
    const token = this.#next()
    switch (token.kind) {
      case 'number':
        return { type: 'number', value: token.value }
      case 'string':
        return { type: 'string', value: token.value }
      case 'regexp':
        return { type: 'regexp', value: token.value }
      case 'call':
        return this.#call(token.value)
      case 'name':
        return this.#take('[') ? { type: 'element', name: token.value, keys: this.#list(']') } : { type: 'variable', name: token.value }
      default:
        return this.#other(String(token.value))
    }
  }

  #other(value: string): Expression {
    if (value === '$') return { type: 'field', index: this.#symbolOf('++') !== undefined ? { type: 'step', by: 1, prefix: true, target: this.#primary() } : this.#symbolOf('-') !== undefined ? { type: 'unary', operator: '-', operand: this.#primary() } : this.#primary() }
    if (value === '(') return this.#group()
    if (value === 'getline') {
      const target = this.#startsTarget() ? this.#primary() : undefined
      const from = this.#take('<') ? { kind: 'file' as const, source: this.#primary() } : undefined
      return { type: 'getline', ...(from ? { from } : {}), ...(target ? { target } : {}) }
    }
    throw new AwkError(`syntax error near ${value === '\n' ? 'end of line' : value === '' ? 'end of file' : `'${value}'`}`)
  }

  #group(): Expression {
    const inner = this.#list(')')
    if (inner.length > 1 || this.#is('in')) {
      if (inner.length > 1) {
        this.#expect('in')
        return { type: 'in', keys: inner, name: String(this.#next().value) }
      }
    }
    const [only] = inner
    if (!only) throw new AwkError("syntax error near ')'")
    return { type: 'group', inner: only }
  }

  #call(name: string): Expression {
    if (this.#take('(')) return { type: 'call', name, args: this.#list(')') }
    return { type: 'call', name, args: [] }
  }

  #startsTarget(): boolean {
    const { kind, value } = this.#peek()
    return kind === 'name' || (kind === 'symbol' && value === '$')
  }

  #symbolOf(...symbols: readonly string[]): string | undefined {
    const { kind, value } = this.#peek()
    if (kind !== 'symbol' || !symbols.includes(value)) return undefined
    this.#at++
    return value
  }

  #peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', value: '' }
  }

  #next(): Token {
    const token = this.#peek()
    this.#at++
    return token
  }

  #previousIs(value: string): boolean {
    return this.#tokens[this.#at - 1]?.value === value
  }

  #is(value: string): boolean {
    const token = this.#peek()
    return token.value === value && (token.kind === 'symbol' || token.kind === 'word')
  }

  #take(value: string): boolean {
    if (!this.#is(value)) return false
    this.#at++
    return true
  }

  #expect(value: string): void {
    if (this.#take(value)) return
    const { value: found } = this.#peek()
    throw new AwkError(`syntax error near ${found === '\n' ? 'end of line' : found === '' ? 'end of file' : `'${String(found)}'`}: '${value}' expected`)
  }

  #newlines(also = ''): void {
    while (this.#peek().kind === 'newline' || (also !== '' && this.#is(also))) this.#at++
  }

  #atEnd(): boolean {
    const { kind, value } = this.#peek()
    return kind === 'newline' || kind === 'end' || (kind === 'symbol' && (value === ';' || value === '}'))
  }

  #end(): void {
    if (this.#is('}')) return
    if (!this.#atEnd()) this.#expect(';')
    if (!this.#is('}')) this.#at++
  }
}

function isTarget({ type }: Expression): boolean {
  return type === 'variable' || type === 'field' || type === 'element'
}
