/** Runs an awk program over its input. Models XCU awk. */
import { RE2JS } from 're2js'
import { linesOf } from '../inputs.ts'
import { FsError } from '../nodes.ts'
import { openFile } from '../open-file.ts'
import type { Process } from '../process.ts'
import { PURE, regexp, splitFields, sprintf, substitute } from './functions.ts'
import { AwkError } from './lexer.ts'
import type { AwkProgram, Expression, Rule, Statement } from './parser.ts'
import { Streams } from './streams.ts'
import { compare, fromInput, isTrue, numberOf, textOf, type Value } from './values.ts'

type AwkArray = Map<string, Value>
type Cell = { value: Value } | { array: AwkArray }

/** Ways out of statements. */
class Jump extends Error {
  readonly kind: string
  readonly value: Value

  constructor(kind: string, value?: Value) {
    super(kind)
    this.kind = kind
    this.value = value
  }
}

const MAX_DEPTH = 200
const MAX_FIELDS = 100_000
const INPUT_FD = 899

export class Awk {
  readonly #process: Process
  readonly #program: AwkProgram
  readonly #streams: Streams
  readonly #globals = new Map<string, Cell>()
  readonly #frames: Map<string, Cell>[] = []
  readonly #within = new Set<Rule>()
  readonly #operands: string[]
  #record = ''
  #fields: string[] | undefined
  #lines: AsyncGenerator<string> | undefined
  #seed = 0

  constructor(process: Process, program: AwkProgram, { separator, operands, assigned }: { separator?: string | undefined; operands: readonly string[]; assigned: readonly string[] }) {
    this.#process = process
    this.#program = program
    this.#streams = new Streams(process)
    this.#operands = [...operands]
    const initial: Readonly<Record<string, Value>> = { FS: separator ?? ' ', OFS: ' ', ORS: '\n', RS: '\n', NR: 0, FNR: 0, SUBSEP: '\x1c', CONVFMT: '%.6g', OFMT: '%.6g', RSTART: 0, RLENGTH: -1, FILENAME: '', ARGC: operands.length + 1 }
    for (const [name, value] of Object.entries(initial)) this.#globals.set(name, { value })
    this.#globals.set('ENVIRON', { array: new Map([...process.env].map(([name, value]) => [name, fromInput(value)])) })
    this.#globals.set('ARGV', { array: new Map(['awk', ...operands].map((word, i) => [String(i), word])) })
    for (const text of assigned) this.#assignOperand(text)
  }

  async run(): Promise<number> {
    let status = 0
    let isLeaving = false
    const phase = async (run: () => Promise<void>) => {
      try {
        await run()
      } catch (error) {
        if (!(error instanceof Jump)) throw error
        if (error.kind !== 'exit') return
        isLeaving = true
        status = error.value === undefined ? status : numberOf(error.value)
      }
    }
    const rules = (kind: Rule['kind']) => this.#program.rules.filter((rule) => rule.kind === kind)
    for (const { body } of rules('BEGIN')) if (body && !isLeaving) await phase(() => this.#execute(body))
    if (!isLeaving && (rules('pattern').length > 0 || rules('END').length > 0)) await phase(() => this.#main(rules('pattern')))
    // An exit before the end leads to it; one in it is the end.
    isLeaving = false
    for (const { body } of rules('END')) if (body && !isLeaving) await phase(() => this.#execute(body))
    await this.#streams.closeAll()
    return status & 255
  }

  async #main(rules: readonly Rule[]): Promise<void> {
    for (let line = await this.#nextRecord(); line !== undefined; line = await this.#nextRecord()) {
      this.#setRecord(line)
      try {
        for (const rule of rules) if (await this.#applies(rule)) await this.#execute(rule.body ?? { type: 'print', format: false, args: [] })
      } catch (error) {
        if (!(error instanceof Jump) || (error.kind !== 'next' && error.kind !== 'nextfile')) throw error
        if (error.kind === 'nextfile') this.#closeInput()
      }
    }
  }

  async #applies(rule: Rule): Promise<boolean> {
    const { pattern, until } = rule
    if (!pattern) return true
    if (!until) return this.#test(pattern)
    if (!this.#within.has(rule)) {
      if (!(await this.#test(pattern))) return false
      this.#within.add(rule)
    }
    if (await this.#test(until)) this.#within.delete(rule)
    return true
  }

  /** The main input: the operands one after the other, or standard input. */
  async #nextRecord(): Promise<string | undefined> {
    for (;;) {
      if (!this.#lines && !(await this.#openNext())) return undefined
      const got = await this.#lines?.next()
      if (got && !got.done) {
        for (const name of ['NR', 'FNR']) this.#setVariable(name, numberOf(this.#variable(name)) + 1)
        return got.value
      }
      this.#closeInput()
    }
  }

  #isDone = false

  async #openNext(): Promise<boolean> {
    while (this.#operands.length > 0) {
      const operand = this.#operands.shift() ?? ''
      if (operand === '') continue
      if (/^[A-Za-z_]\w*=/.test(operand)) {
        this.#assignOperand(operand)
        continue
      }
      this.#isDone = true
      this.#setVariable('FILENAME', operand)
      this.#setVariable('FNR', 0)
      try {
        if (operand === '-') this.#lines = this.#records(0)
        else {
          this.#process.setFd(INPUT_FD, await openFile(this.#process, operand, { reads: true }))
          this.#lines = this.#records(INPUT_FD)
        }
        return true
      } catch (error) {
        if (!(error instanceof FsError)) throw error
        await this.#process.err(`awk: ${operand}: ${error.message}\n`)
        throw new Jump('exit', 2)
      }
    }
    if (this.#isDone) return false
    this.#isDone = true
    this.#lines = this.#records(0)
    return true
  }

  /** Lines, paragraphs, or what another separator makes of the whole input. */
  async *#records(fd: number): AsyncGenerator<string> {
    const separator = textOf(this.#variable('RS'))
    if (separator === '\n') return yield* linesOf(this.#process, fd)
    const text = (await this.#process.readAll(fd)).toString()
    const parts = separator === '' ? text.replace(/^\n+|\n+$/g, '').split(/\n\n+/) : splitFields(text.replace(/\n$/, ''), separator === ' ' ? '[ ]' : separator)
    yield* parts
  }

  #closeInput(): void {
    this.#lines = undefined
    this.#process.closeFd(INPUT_FD)
  }

  #assignOperand(text: string): void {
    const at = text.indexOf('=')
    this.#setVariable(text.slice(0, at), fromInput(text.slice(at + 1).replace(/\\n/g, '\n').replace(/\\t/g, '\t')))
  }

  async #execute(statement: Statement): Promise<void> {
    const tick = this.#process.tick()
    if (tick) await tick
    switch (statement.type) {
      case 'block':
        for (const each of statement.body) await this.#execute(each)
        return
      case 'expression':
        await this.#evaluate(statement.expression)
        return
      case 'print':
        return this.#print(statement)
      case 'if':
        if (await this.#test(statement.test)) return this.#execute(statement.yes)
        return statement.no ? this.#execute(statement.no) : undefined
      case 'while':
        if (statement.first && !(await this.#loop(statement.body))) return
        while (await this.#test(statement.test)) if (!(await this.#loop(statement.body))) return
        return
      case 'for':
        return this.#for(statement)
      case 'each':
        for (const key of [...this.#array(statement.name).keys()]) {
          this.#setVariable(statement.variable, fromInput(key))
          if (!(await this.#loop(statement.body))) return
        }
        return
      case 'delete':
        if (statement.keys) this.#array(statement.name).delete(await this.#key(statement.keys))
        else this.#array(statement.name).clear()
        return
      case 'jump':
        throw new Jump(statement.kind)
      case 'exit':
      case 'return':
        throw new Jump(statement.type, statement.value ? await this.#evaluate(statement.value) : undefined)
    }
  }

  async #for({ init, test, step, body }: Extract<Statement, { type: 'for' }>): Promise<void> {
    if (init) await this.#execute(init)
    while (!test || (await this.#test(test))) {
      if (!(await this.#loop(body))) return
      if (step) await this.#execute(step)
      else {
        const tick = this.#process.tick()
        if (tick) await tick
      }
    }
  }

  /** @returns whether the loop goes on */
  async #loop(body: Statement): Promise<boolean> {
    try {
      await this.#execute(body)
      return true
    } catch (error) {
      if (!(error instanceof Jump) || (error.kind !== 'break' && error.kind !== 'continue')) throw error
      return error.kind === 'continue'
    }
  }

  async #print({ format, args, to }: Extract<Statement, { type: 'print' }>): Promise<void> {
    const values: Value[] = []
    for (const arg of args) values.push(await this.#evaluate(arg))
    const shown = (value: Value) => textOf(value, textOf(this.#variable('OFMT')))
    const line = values.length === 0 ? this.#record : values.map(shown).join(textOf(this.#variable('OFS')))
    const text = format ? sprintf(values).toString() : `${line}${textOf(this.#variable('ORS'))}`
    if (!to) return this.#process.out(text)
    const target = textOf(await this.#evaluate(to.target))
    if (target === '/dev/stdout') return this.#process.out(text)
    if (target === '/dev/stderr') return this.#process.err(text)
    await this.#streams.write(to.operator, target, text)
  }

  async #test(expression: Expression): Promise<boolean> {
    return isTrue(await this.#evaluate(expression))
  }

  async #evaluate(expression: Expression): Promise<Value> {
    switch (expression.type) {
      case 'number':
      case 'string':
        return expression.value
      case 'regexp':
        return regexp(expression.value).matcher(this.#record).find() ? 1 : 0
      case 'variable':
        return this.#variable(expression.name)
      case 'field':
        return this.#field(numberOf(await this.#evaluate(expression.index)))
      case 'element': {
        const [array, key] = [this.#array(expression.name), await this.#key(expression.keys)]
        if (!array.has(key)) this.#put(array, key, undefined)
        return array.get(key)
      }
      case 'group':
        return this.#evaluate(expression.inner)
      case 'unary':
        return this.#unary(expression.operator, await this.#evaluate(expression.operand))
      case 'step': {
        const before = numberOf(await this.#evaluate(expression.target))
        await this.#assign(expression.target, before + expression.by)
        return expression.prefix ? before + expression.by : before
      }
      case 'binary':
        return this.#binary(expression)
      case 'match':
        return (await this.#pattern(expression.right)).matcher(textOf(await this.#evaluate(expression.left))).find() === expression.negated ? 0 : 1
      case 'conditional':
        return this.#evaluate((await this.#test(expression.test)) ? expression.yes : expression.no)
      case 'assign': {
        const value = await this.#evaluate(expression.value)
        const operator = expression.operator.slice(0, -1)
        const result = operator === '' ? value : arithmetic(operator, numberOf(await this.#evaluate(expression.target)), numberOf(value))
        await this.#assign(expression.target, result)
        return result
      }
      case 'in':
        return this.#array(expression.name).has(await this.#key(expression.keys)) ? 1 : 0
      case 'call':
        return this.#call(expression.name, expression.args)
      case 'getline':
        return this.#getline(expression)
    }
  }

  #unary(operator: string, value: Value): Value {
    if (operator === '!') return isTrue(value) ? 0 : 1
    return operator === '-' ? -numberOf(value) : numberOf(value)
  }

  async #binary({ operator, left, right }: Extract<Expression, { type: 'binary' }>): Promise<Value> {
    if (operator === '&&') return (await this.#test(left)) && (await this.#test(right)) ? 1 : 0
    if (operator === '||') return (await this.#test(left)) || (await this.#test(right)) ? 1 : 0
    const [a, b] = [await this.#evaluate(left), await this.#evaluate(right)]
    switch (operator) {
      case ' ':
        return this.#text(a) + this.#text(b)
      case '<':
        return compare(a, b) < 0 ? 1 : 0
      case '<=':
        return compare(a, b) <= 0 ? 1 : 0
      case '==':
        return compare(a, b) === 0 ? 1 : 0
      case '!=':
        return compare(a, b) === 0 ? 0 : 1
      case '>':
        return compare(a, b) > 0 ? 1 : 0
      case '>=':
        return compare(a, b) >= 0 ? 1 : 0
      default:
        return arithmetic(operator, numberOf(a), numberOf(b))
    }
  }

  async #pattern(expression: Expression): Promise<RE2JS> {
    return regexp(expression.type === 'regexp' ? expression.value : textOf(await this.#evaluate(expression)))
  }

  async #getline({ from, target }: Extract<Expression, { type: 'getline' }>): Promise<Value> {
    let line: string | undefined
    try {
      line = from ? await this.#streams.read(from.kind, textOf(await this.#evaluate(from.source))) : await this.#nextRecord()
    } catch (error) {
      if (!(error instanceof FsError)) throw error
      return -1
    }
    if (line === undefined) return 0
    if (from?.kind === 'command') for (const name of ['NR']) this.#setVariable(name, numberOf(this.#variable(name)) + 1)
    if (target) await this.#assign(target, fromInput(line))
    else this.#setRecord(line)
    return 1
  }

  async #call(name: string, args: readonly Expression[]): Promise<Value> {
    const own = this.#program.functions.get(name)
    if (own) return this.#callOwn(name, args)
    switch (name) {
      case 'length':
        return this.#length(args[0])
      case 'split':
        return this.#split(args)
      case 'sub':
      case 'gsub':
      case 'gensub':
        return this.#substitute(name, args)
      case 'match':
        return this.#match(args)
      case 'rand':
        return this.#process.sandbox.random.float()
      case 'srand': {
        const before = this.#seed
        this.#seed = args[0] ? numberOf(await this.#evaluate(args[0])) : Math.floor(this.#process.clock.now() / 1000)
        return before
      }
      case 'close':
        return this.#streams.close(args[0] ? textOf(await this.#evaluate(args[0])) : '')
      case 'system':
        return this.#streams.system(args[0] ? textOf(await this.#evaluate(args[0])) : '')
    }
    const pure = PURE[name]
    if (!pure) throw new AwkError(`calling undefined function ${name}`)
    const values: Value[] = []
    for (const arg of args) values.push(await this.#evaluate(arg))
    return pure(values, this.#process.clock.now())
  }

  async #callOwn(name: string, args: readonly Expression[]): Promise<Value> {
    const own = this.#program.functions.get(name)
    if (!own) return undefined
    if (this.#frames.length >= MAX_DEPTH) throw new AwkError(`function ${name}: too many levels of calls`)
    const frame = new Map<string, Cell>()
    for (const [i, parameter] of own.parameters.entries()) {
      const arg = args[i]
      const cell = arg?.type === 'variable' ? this.#cell(arg.name) : undefined
      if (arg?.type === 'variable' && (!cell || 'array' in cell)) frame.set(parameter, cell ?? this.#shared(arg.name))
      else frame.set(parameter, { value: arg ? await this.#evaluate(arg) : undefined })
    }
    this.#frames.push(frame)
    try {
      await this.#execute(own.body)
      return undefined
    } catch (error) {
      if (!(error instanceof Jump) || error.kind !== 'return') throw error
      return error.value
    } finally {
      this.#frames.pop()
    }
  }

  /** A variable that is not set may become an array in the function it is handed to. */
  #shared(name: string): Cell {
    const cell: Cell = { array: new Map() }
    const frame = this.#frames.at(-1)
    if (frame?.has(name)) frame.set(name, cell)
    else this.#globals.set(name, cell)
    return cell
  }

  async #length(arg: Expression | undefined): Promise<number> {
    const cell = arg?.type === 'variable' ? this.#cell(arg.name) : undefined
    if (cell && 'array' in cell) return cell.array.size
    return [...(arg ? this.#text(await this.#evaluate(arg)) : this.#record)].length
  }

  async #split([text, array, separator]: readonly Expression[]): Promise<number> {
    if (!text || array?.type !== 'variable') throw new AwkError('split: second argument must be an array')
    const by = separator ? (separator.type === 'regexp' ? separator.value : textOf(await this.#evaluate(separator))) : textOf(this.#variable('FS'))
    const parts = splitFields(textOf(await this.#evaluate(text)), by)
    const into = this.#array(array.name)
    into.clear()
    for (const [i, part] of parts.entries()) this.#put(into, String(i + 1), fromInput(part))
    return parts.length
  }

  async #substitute(name: 'sub' | 'gsub' | 'gensub', [pattern, replacement, third, fourth]: readonly Expression[]): Promise<Value> {
    if (!pattern || !replacement) throw new AwkError(`${name}: too few arguments`)
    const how = name === 'gensub' ? textOf(third ? await this.#evaluate(third) : 'g') : name
    const target = name === 'gensub' ? fourth : third
    const text = target ? textOf(await this.#evaluate(target)) : this.#record
    const done = substitute(text, { pattern: await this.#pattern(pattern), replacement: textOf(await this.#evaluate(replacement)), which: how === 'gsub' || /^[gG]/.test(how) ? 'all' : Math.max(1, Number(how) || 1), groups: name === 'gensub' })
    if (name === 'gensub') return done.text
    if (done.count > 0) await this.#assign(target ?? { type: 'field', index: { type: 'number', value: 0 } }, done.text)
    return done.count
  }

  async #match([text, pattern, groups]: readonly Expression[]): Promise<number> {
    if (!text || !pattern) throw new AwkError('match: too few arguments')
    const matcher = (await this.#pattern(pattern)).matcher(textOf(await this.#evaluate(text)))
    const found = matcher.find()
    this.#setVariable('RSTART', found ? matcher.start() + 1 : 0)
    this.#setVariable('RLENGTH', found ? matcher.end() - matcher.start() : -1)
    if (groups?.type === 'variable') {
      const into = this.#array(groups.name)
      into.clear()
      if (found) for (let i = 0; i <= matcher.groupCount(); i++) into.set(String(i), fromInput(matcher.group(i) ?? ''))
    }
    return found ? matcher.start() + 1 : 0
  }

  #text(value: Value): string {
    return textOf(value, textOf(this.#variable('CONVFMT')))
  }

  async #key(keys: readonly Expression[]): Promise<string> {
    const parts: string[] = []
    for (const key of keys) parts.push(this.#text(await this.#evaluate(key)))
    return parts.join(textOf(this.#variable('SUBSEP')))
  }

  #cell(name: string): Cell | undefined {
    const frame = this.#frames.at(-1)
    return frame?.has(name) ? frame.get(name) : this.#globals.get(name)
  }

  #variable(name: string): Value {
    if (name === 'NF') return this.#split0().length
    const cell = this.#cell(name)
    if (cell && 'array' in cell) throw new AwkError(`can't use array ${name} in scalar context`)
    return cell?.value
  }

  #setVariable(name: string, value: Value): void {
    if (name === 'NF') return this.#setLength(numberOf(value))
    if (typeof value === 'string') this.#process.sandbox.holds(value.length)
    const frame = this.#frames.at(-1)
    if (frame?.has(name)) frame.set(name, { value })
    else this.#globals.set(name, { value })
  }

  #array(name: string): AwkArray {
    const cell = this.#cell(name)
    if (cell && 'array' in cell) return cell.array
    if (cell?.value !== undefined) throw new AwkError(`can't use scalar ${name} as array`)
    const array: AwkArray = new Map()
    const frame = this.#frames.at(-1)
    if (frame?.has(name)) frame.set(name, { array })
    else this.#globals.set(name, { array })
    return array
  }

  #put(array: AwkArray, key: string, value: Value): void {
    array.set(key, value)
    this.#process.sandbox.holds(array.size * 64)
  }

  async #assign(target: Expression, value: Value): Promise<void> {
    if (target.type === 'variable') return this.#setVariable(target.name, value)
    if (target.type === 'element') return this.#put(this.#array(target.name), await this.#key(target.keys), value)
    if (target.type !== 'field') throw new AwkError('assignment to a non-lvalue')
    const index = numberOf(await this.#evaluate(target.index))
    if (index === 0) return this.#setRecord(textOf(value))
    if (index < 0 || index > MAX_FIELDS) throw new AwkError(`trying to access out of range field ${index}`)
    const fields = this.#split0()
    while (fields.length < index) fields.push('')
    fields[index - 1] = this.#text(value)
    this.#record = fields.join(textOf(this.#variable('OFS')))
  }

  #setRecord(line: string): void {
    this.#record = line
    this.#fields = undefined
  }

  #split0(): string[] {
    return (this.#fields ??= splitFields(this.#record, textOf(this.#variable('FS'))))
  }

  #setLength(length: number): void {
    const fields = this.#split0()
    while (fields.length < Math.min(length, MAX_FIELDS)) fields.push('')
    fields.length = Math.max(0, Math.min(fields.length, length))
    this.#record = fields.join(textOf(this.#variable('OFS')))
  }

  #field(index: number): Value {
    if (index === 0) return fromInput(this.#record)
    if (index < 0) throw new AwkError(`trying to access out of range field ${index}`)
    const text = this.#split0()[Math.trunc(index) - 1]
    return text === undefined ? undefined : fromInput(text)
  }
}

function arithmetic(operator: string, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '^':
      return a ** b
    default:
      if (b === 0) throw new AwkError(operator === '/' ? 'division by zero' : 'division by zero in %')
      return operator === '/' ? a / b : a % b
  }
}
