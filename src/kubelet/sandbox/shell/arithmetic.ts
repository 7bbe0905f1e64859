/** Arithmetic expansion in 64-bit integers. Models XCU 2.6.4 as bash extends it. */
import { parse, type ArithmeticBinary, type ArithmeticExpression, type ArithmeticUnary } from 'unbash'
import { parameter } from './parameters.ts'
import { ShellError, type ShellState } from './state.ts'

export interface ArithmeticContext {
  shell: ShellState
  expandWord(word: { value: string; text?: string; parts?: readonly unknown[] | undefined }): Promise<string>
  substitute(script: unknown): Promise<string>
}

const MAX_DEPTH = 50

const BINARY: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / nonZero(b),
  '%': (a, b) => a % nonZero(b),
  '<<': (a, b) => a << (b & 63n),
  '>>': (a, b) => a >> (b & 63n),
  '&': (a, b) => a & b,
  '|': (a, b) => a | b,
  '^': (a, b) => a ^ b,
  '<': (a, b) => truth(a < b),
  '>': (a, b) => truth(a > b),
  '<=': (a, b) => truth(a <= b),
  '>=': (a, b) => truth(a >= b),
  '==': (a, b) => truth(a === b),
  '!=': (a, b) => truth(a !== b),
  ',': (_, b) => b,
  '**': power,
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw new ShellError('divide by zero', 2)
  return value
}

function truth(is: boolean): bigint {
  return is ? 1n : 0n
}

function power(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) throw new ShellError('exponent less than 0', 2)
  let result = 1n
  let square = base
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = BigInt.asIntN(64, result * square)
    square = BigInt.asIntN(64, square * square)
  }
  return result
}

export async function evaluate(expression: ArithmeticExpression | undefined, context: ArithmeticContext, depth = 0): Promise<bigint> {
  if (!expression) return 0n
  if (depth > MAX_DEPTH) throw new ShellError('expression recursion level exceeded', 2)
  const next = (e: ArithmeticExpression) => evaluate(e, context, depth + 1)
  switch (expression.type) {
    case 'ArithmeticGroup':
      return next(expression.expression)
    case 'ArithmeticTernary':
      return (await next(expression.test)) !== 0n ? next(expression.consequent) : next(expression.alternate)
    case 'ArithmeticCommandExpansion':
      return valueOf(await context.substitute(expression.script), context, depth)
    case 'ArithmeticWord':
      return valueOf(expression.parts ? await context.expandWord(expression) : expression.value, context, depth)
    case 'ArithmeticUnary':
      return unary(expression, context, depth)
    case 'ArithmeticBinary':
      return binary(expression, context, depth)
  }
}

async function unary({ operator, operand, prefix }: ArithmeticUnary, context: ArithmeticContext, depth: number): Promise<bigint> {
  const value = await evaluate(operand, context, depth + 1)
  if (operator === '++' || operator === '--') {
    const changed = operator === '++' ? value + 1n : value - 1n
    assign(operand, changed, context)
    return prefix ? changed : value
  }
  if (operator === '-') return BigInt.asIntN(64, -value)
  if (operator === '!') return truth(value === 0n)
  return operator === '~' ? ~value : value
}

async function binary({ operator, left, right }: ArithmeticBinary, context: ArithmeticContext, depth: number): Promise<bigint> {
  if (operator === '=') return assign(left, await evaluate(right, context, depth + 1), context)
  const a = await evaluate(left, context, depth + 1)
  if (operator === '&&') return a === 0n ? 0n : truth((await evaluate(right, context, depth + 1)) !== 0n)
  if (operator === '||') return a !== 0n ? 1n : truth((await evaluate(right, context, depth + 1)) !== 0n)
  const isAssignment = /^(?:[-+*/%&|^]|<<|>>)=$/.test(operator)
  const compute = BINARY[isAssignment ? operator.slice(0, -1) : operator]
  if (!compute) throw new ShellError(`arithmetic syntax error`, 2)
  const value = BigInt.asIntN(64, compute(a, await evaluate(right, context, depth + 1)))
  return isAssignment ? assign(left, value, context) : value
}

function assign(target: ArithmeticExpression, value: bigint, { shell }: ArithmeticContext): bigint {
  const [, array, index] = target.type === 'ArithmeticWord' ? (/^([A-Za-z_]\w*)\[(\w+)\]$/.exec(target.value) ?? []) : []
  if (array !== undefined && index !== undefined) return assignElement(array, index, { value, shell })
  if (target.type !== 'ArithmeticWord' || !/^[A-Za-z_]\w*$/.test(target.value)) throw new ShellError('arithmetic syntax error', 2)
  shell.set(target.value, value.toString())
  return value
}

function assignElement(array: string, index: string, { value, shell }: { value: bigint; shell: ShellState }): bigint {
  const stored = shell.stored(array)
  if (stored instanceof Map) shell.set(array, new Map(stored).set(index, value.toString()))
  else {
    const list = Array.isArray(stored) ? [...stored] : stored === undefined ? [] : [stored]
    const at = Number(/^\d+$/.test(index) ? index : (shell.get(index) ?? '0'))
    if (!(at >= 0 && at < 1_000_000)) throw new ShellError('bad array subscript', 2)
    list[at] = value.toString()
    shell.set(array, list)
  }
  return value
}

function valueOf(text: string, context: ArithmeticContext, depth: number): bigint | Promise<bigint> {
  const word = text.trim()
  if (word === '') return 0n
  if (/^(?:0[xX][0-9a-fA-F]+|[1-9]\d*|0)$/.test(word)) return BigInt.asIntN(64, BigInt(word))
  if (/^0[0-7]+$/.test(word)) return BigInt(`0o${word.slice(1)}`)
  const [, base, digits = ''] = /^(\d+)#([\da-zA-Z@_]+)$/.exec(word) ?? []
  if (base !== undefined) return inBase(digits, Number(base))
  const { shell } = context
  const [, array, index] = /^([A-Za-z_]\w*)\[(.*)\]$/.exec(word) ?? []
  if (array !== undefined && index !== undefined) return elementValue(array, index, { context, depth })
  if (/^[A-Za-z_]\w*$/.test(word)) {
    const value = parameter(word, shell)
    if (value === undefined && shell.options.nounset) throw new ShellError(`${word}: parameter not set`, 2)
    return valueOf(value === word ? '' : (value ?? ''), context, depth + 1)
  }
  return evaluate(parseArithmetic(word), context, depth + 1)
}

async function elementValue(name: string, index: string, { context, depth }: { context: ArithmeticContext; depth: number }): Promise<bigint> {
  const stored = context.shell.stored(name)
  const value = stored instanceof Map ? stored.get(index) : Array.isArray(stored) ? stored.at(Number(await valueOf(index, context, depth + 1))) : stored
  return valueOf(value ?? '', context, depth + 1)
}

function inBase(digits: string, base: number): bigint {
  let value = 0n
  for (const digit of digits) {
    const n = parseInt(digit, 36) < 10 ? Number(digit) : base <= 36 ? parseInt(digit, 36) : '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_'.indexOf(digit)
    if (!(n >= 0 && n < base)) throw new ShellError('value too great for base', 2)
    value = value * BigInt(base) + BigInt(n)
  }
  return BigInt.asIntN(64, value)
}

/** A text that is arithmetic. @throws ShellError */
export function parseArithmetic(text: string): ArithmeticExpression | undefined {
  const script = parse(`$((${text}))`)
  const command = script.commands[0]?.command
  const part = command?.type === 'Command' ? command.name?.parts?.[0] : undefined
  if (script.errors?.length || part?.type !== 'ArithmeticExpansion') throw new ShellError('arithmetic syntax error', 2)
  if (part.expression?.type === 'ArithmeticWord' && !part.expression.parts && !/^(?:\w+|\d+#[\w@]+|\w+\[.*\])$/.test(part.expression.value)) throw new ShellError('arithmetic syntax error', 2)
  return part.expression
}
