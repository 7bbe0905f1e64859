/** `test`, `[` and `[[`. Models XCU test and bash's conditional expressions. */
import type { TestExpression } from 'unbash'
import { RE2JS } from 're2js'
import type { Process } from '../process.ts'
import { mayAccess } from '../vfs.ts'
import { expandPattern, expandText, type Expander } from './expand.ts'
import { Pattern } from './pattern.ts'
import { ShellError } from './state.ts'

const FILE_TESTS = 'bcdefghkLnOGprsStuwxN'

export function unaryTest(operator: string, operand: string, process: Process): boolean {
  if (operator === '-n') return operand !== ''
  if (operator === '-z') return operand === ''
  if (operator === '-t') return process.isTTY(Number(operand))
  const isLink = operator === '-h' || operator === '-L'
  const found = process.sandbox.fs.tryResolve(process.path(operand), { cred: process.cred, follow: !isLink })
  if (!found || operand === '') return false
  const { node, mount } = found
  switch (operator) {
    case '-f':
      return node.kind === 'file'
    case '-d':
      return node.kind === 'dir'
    case '-h':
    case '-L':
      return node.kind === 'link'
    case '-c':
      return node.kind === 'device' && node.device !== 'fifo' && node.device !== 'socket'
    case '-p':
      return node.kind === 'device' && node.device === 'fifo'
    case '-S':
      return node.kind === 'device' && node.device === 'socket'
    case '-s':
      return node.kind === 'dir' || (node.kind === 'file' && (node.size > 0 || node.source !== undefined))
    case '-r':
      return mayAccess(node, 4, process.cred)
    case '-w':
      return mayAccess(node, 2, process.cred) && !mount.readOnly
    case '-x':
      return mayAccess(node, 1, process.cred)
    case '-O':
      return node.meta.uid === process.cred.uid
    case '-G':
      return node.meta.gid === process.cred.gid
    case '-u':
      return (node.meta.mode & 0o4000) !== 0
    case '-g':
      return (node.meta.mode & 0o2000) !== 0
    case '-k':
      return (node.meta.mode & 0o1000) !== 0
    case '-b':
      return false
    default:
      return operator === '-e' || operator === '-a' || operator === '-N'
  }
}

export function binaryTest(left: string, operator: string, { right, process }: { right: string; process: Process }): boolean | undefined {
  switch (operator) {
    case '=':
    case '==':
      return left === right
    case '!=':
      return left !== right
    case '<':
      return left < right
    case '>':
      return left > right
    case '-nt':
    case '-ot':
    case '-ef': {
      const [a, b] = [left, right].map((p) => process.sandbox.fs.tryResolve(process.path(p), { cred: process.cred })?.node)
      if (operator === '-ef') return a !== undefined && a === b
      const [x, y] = operator === '-nt' ? [a, b] : [b, a]
      return x !== undefined && (!y || x.meta.mtimeMs > y.meta.mtimeMs)
    }
  }
  const compare = NUMERIC[operator]
  return compare?.(toNumber(left), toNumber(right))
}

const NUMERIC: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  '-eq': (a, b) => a === b,
  '-ne': (a, b) => a !== b,
  '-lt': (a, b) => a < b,
  '-le': (a, b) => a <= b,
  '-gt': (a, b) => a > b,
  '-ge': (a, b) => a >= b,
}

function toNumber(text: string): bigint {
  if (!/^\s*[-+]?\d+\s*$/.test(text)) throw new ShellError(`${text}: bad number`, 2)
  return BigInt(text.trim().replace(/^\+/, ''))
}

/** `test ARGS`; a throw of ShellError is status 2. */
export function testArgs(args: readonly string[], process: Process): boolean {
  const parser = new TestParser(args, process)
  return parser.all()
}

class TestParser {
  readonly #args: readonly string[]
  readonly #process: Process
  #at = 0

  constructor(args: readonly string[], process: Process) {
    this.#args = args
    this.#process = process
  }

  all(): boolean {
    if (this.#args.length === 0) return false
    const value = this.#or()
    if (this.#at < this.#args.length) throw new ShellError(`${this.#args[this.#at]}: unknown operand`, 2)
    return value
  }

  #or(): boolean {
    let value = this.#and()
    while (this.#args[this.#at] === '-o') {
      this.#at++
      const right = this.#and()
      value ||= right
    }
    return value
  }

  #and(): boolean {
    let value = this.#not()
    while (this.#args[this.#at] === '-a') {
      this.#at++
      const right = this.#not()
      value &&= right
    }
    return value
  }

  #not(): boolean {
    if (this.#args[this.#at] === '!' && this.#at + 1 < this.#args.length && !this.#isBinaryAt(this.#at + 1)) {
      this.#at++
      return !this.#not()
    }
    return this.#primary()
  }

  #isBinaryAt(at: number): boolean {
    const operator = this.#args[at] ?? ''
    return at + 1 < this.#args.length && at >= 1 && (operator in NUMERIC || ['=', '==', '!=', '<', '>', '-nt', '-ot', '-ef'].includes(operator))
  }

  #primary(): boolean {
    const first = this.#args[this.#at] ?? ''
    if (this.#isBinaryAt(this.#at + 1)) {
      const [, operator = '', right = ''] = this.#args.slice(this.#at, this.#at + 3)
      this.#at += 3
      return binaryTest(first, operator, { right, process: this.#process }) ?? false
    }
    if (first === '(' && this.#args.length - this.#at > 1) {
      this.#at++
      const value = this.#or()
      if (this.#args[this.#at++] !== ')') throw new ShellError('closing paren expected', 2)
      return value
    }
    const operand = this.#args[this.#at + 1]
    if (/^-[a-zA-Z]$/.test(first) && operand !== undefined && (FILE_TESTS.includes(first.charAt(1)) || first === '-z' || first === '-a')) {
      this.#at += 2
      return unaryTest(first, operand, this.#process)
    }
    this.#at++
    return first !== ''
  }
}

export async function testExpression(expression: TestExpression, expander: Expander): Promise<boolean> {
  const { shell } = expander
  switch (expression.type) {
    case 'TestGroup':
      return testExpression(expression.expression, expander)
    case 'TestNot':
      return (await testExpression(expression.operand, expander)) === (expression.negations.length % 2 === 0)
    case 'TestLogical': {
      const isAnd = expression.operator === '&&'
      for (const operand of expression.operands) if ((await testExpression(operand, expander)) !== isAnd) return !isAnd
      return isAnd
    }
    case 'TestUnary': {
      const operand = await expandText(expression.operand, expander)
      return expression.operator === '-v' ? shell.get(operand) !== undefined : unaryTest(expression.operator, operand, shell.process)
    }
    case 'TestBinary': {
      const { operator } = expression
      const left = await expandText(expression.left, expander)
      if (operator === '=~') return matchesRegexp(left, await expandText(expression.right, expander), shell)
      if (operator === '==' || operator === '=' || operator === '!=') return new Pattern(await expandPattern(expression.right, expander)).matches(left) === (operator !== '!=')
      return binaryTest(left, operator, { right: await expandText(expression.right, expander), process: shell.process }) ?? false
    }
  }
}

function matchesRegexp(text: string, source: string, shell: Expander['shell']): boolean {
  const matcher = RE2JS.compile(source).matcher(text)
  if (!matcher.find()) return false
  const groups: string[] = []
  for (let i = 0; i <= matcher.groupCount(); i++) groups.push(matcher.group(i) ?? '')
  shell.set('BASH_REMATCH', groups)
  return true
}
