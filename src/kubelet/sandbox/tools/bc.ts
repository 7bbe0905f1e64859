/** bc: arithmetic of any precision, line by line. Models XCU bc: expressions, variables, scale; no functions of its own. */
import { getopt } from '../getopt.ts'
import { eachInput, linesOf } from '../inputs.ts'
import type { Process, Program } from '../process.ts'

/** A number as digits of which `scale` are after the point. */
interface Decimal {
  digits: bigint
  scale: number
}

class BcError extends Error {}

const MAX_SCALE = 1000
const MAX_POWER = 10_000n
const MATH_SCALE = 20

const tenTo = (n: number) => 10n ** BigInt(n)

class Calculator {
  readonly #variables = new Map<string, Decimal>()
  #tokens: string[] = []
  scale = 0

  /** What the line prints. @throws BcError */
  line(text: string): string[] {
    const out: string[] = []
    for (const part of text.replace(/#.*$/, '').split(';')) {
      if (part.trim() === '') continue
      const literal = /^\s*(?:print\s+)?"([^"]*)"\s*$/.exec(part)
      if (literal) {
        out.push(literal[1] ?? '')
        continue
      }
      this.#tokens = part.match(/\d*\.\d+|\d+\.?|[a-z_]\w*|[-+*/%^]=|==|!=|<=|>=|&&|\|\||\+\+|--|[-+*/%^()=<>!]/g) ?? []
      const isAssignment = /^\s*[a-z_]\w*\s*[-+*/%^]?=[^=]/.test(part)
      const value = this.#assignment()
      if (this.#tokens.length > 0) throw new BcError('syntax error')
      if (!isAssignment) out.push(show(value))
    }
    return out
  }

  #assignment(): Decimal {
    const [name = '', operator = ''] = this.#tokens
    if (!/^[a-z_]\w*$/.test(name) || !/^[-+*/%^]?=$/.test(operator)) return this.#comparison()
    this.#tokens.splice(0, 2)
    const right = this.#assignment()
    const value = operator === '=' ? right : this.#apply(operator.charAt(0), this.#read(name), right)
    if (name === 'scale') this.scale = Math.min(MAX_SCALE, Number(value.digits / tenTo(value.scale)))
    else this.#variables.set(name, value)
    return value
  }

  #read(name: string): Decimal {
    return name === 'scale' ? { digits: BigInt(this.scale), scale: 0 } : (this.#variables.get(name) ?? { digits: 0n, scale: 0 })
  }

  #comparison(): Decimal {
    let left = this.#sum()
    while (/^(?:==|!=|<=?|>=?|&&|\|\|)$/.test(this.#tokens[0] ?? '')) {
      const operator = this.#tokens.shift()
      const right = this.#sum()
      const order = subtract(left, right).digits
      const holds = { '==': order === 0n, '!=': order !== 0n, '<': order < 0n, '<=': order <= 0n, '>': order > 0n, '>=': order >= 0n, '&&': left.digits !== 0n && right.digits !== 0n, '||': left.digits !== 0n || right.digits !== 0n }[operator ?? '']
      left = { digits: holds ? 1n : 0n, scale: 0 }
    }
    return left
  }

  #sum(): Decimal {
    let left = this.#product()
    while (this.#tokens[0] === '+' || this.#tokens[0] === '-') left = this.#apply(this.#tokens.shift() ?? '', left, this.#product())
    return left
  }

  #product(): Decimal {
    let left = this.#power()
    while (/^[*/%]$/.test(this.#tokens[0] ?? '')) left = this.#apply(this.#tokens.shift() ?? '', left, this.#power())
    return left
  }

  #power(): Decimal {
    const base = this.#unary()
    if (this.#tokens[0] !== '^') return base
    this.#tokens.shift()
    return this.#apply('^', base, this.#power())
  }

  #unary(): Decimal {
    if (this.#tokens[0] !== '-') return this.#primary()
    this.#tokens.shift()
    const { digits, scale } = this.#unary()
    return { digits: -digits, scale }
  }

  #primary(): Decimal {
    const token = this.#tokens.shift() ?? ''
    if (token === '(') {
      const value = this.#assignment()
      if (this.#tokens.shift() !== ')') throw new BcError('syntax error')
      return value
    }
    if (/^[\d.]/.test(token)) {
      const [whole = '', fraction = ''] = token.split('.')
      return { digits: BigInt(`${whole}${fraction}` || '0'), scale: fraction.length }
    }
    if (!/^[a-z_]/.test(token)) throw new BcError('syntax error')
    if (this.#tokens[0] !== '(') return this.#read(token)
    this.#tokens.shift()
    const argument = this.#assignment()
    if (this.#tokens.shift() !== ')') throw new BcError('syntax error')
    return this.#call(token, argument)
  }

  #call(name: string, value: Decimal): Decimal {
    if (name === 'length') return { digits: BigInt(String(value.digits < 0n ? -value.digits : value.digits).length), scale: 0 }
    if (name === 'scale') return { digits: BigInt(value.scale), scale: 0 }
    if (name === 'sqrt') {
      const scale = Math.max(this.scale, value.scale)
      if (value.digits < 0n) throw new BcError('square root of a negative number')
      return { digits: root(value.digits * tenTo(2 * scale - value.scale)), scale }
    }
    const compute = { s: Math.sin, c: Math.cos, a: Math.atan, l: Math.log, e: Math.exp }[name]
    if (!compute) throw new BcError(`undefined function ${name}`)
    return fromNumber(compute(Number(value.digits) / 10 ** value.scale), this.scale)
  }

  #apply(operator: string, a: Decimal, b: Decimal): Decimal {
    switch (operator) {
      case '+':
        return subtract(a, { digits: -b.digits, scale: b.scale })
      case '-':
        return subtract(a, b)
      case '*': {
        const scale = Math.min(a.scale + b.scale, Math.max(this.scale, a.scale, b.scale))
        return { digits: (a.digits * b.digits) / tenTo(a.scale + b.scale - scale), scale }
      }
      case '/':
        if (b.digits === 0n) throw new BcError('divide by zero')
        return { digits: (a.digits * tenTo(this.scale + b.scale)) / (b.digits * tenTo(a.scale)), scale: this.scale }
      case '%':
        return subtract(a, this.#apply('*', this.#apply('/', a, b), b))
      default: {
        const exponent = b.digits / tenTo(b.scale)
        if (exponent < -MAX_POWER || exponent > MAX_POWER) throw new BcError('exponent too large')
        const size = exponent < 0n ? -exponent : exponent
        const scale = Math.min(a.scale * Number(size), Math.max(this.scale, a.scale))
        const power = { digits: a.digits ** size / tenTo(a.scale * Number(size) - scale), scale }
        return exponent < 0n ? this.#apply('/', { digits: 1n, scale: 0 }, power) : power
      }
    }
  }
}

function subtract(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  return { digits: a.digits * tenTo(scale - a.scale) - b.digits * tenTo(scale - b.scale), scale }
}

function fromNumber(value: number, scale: number): Decimal {
  const [whole = '0', fraction = ''] = value.toFixed(Math.min(MATH_SCALE, scale)).split('.')
  return { digits: BigInt(`${whole}${fraction}`) * tenTo(scale - fraction.length), scale }
}

function root(value: bigint): bigint {
  if (value < 2n) return value
  let guess = BigInt(Math.floor(Math.sqrt(Number(value))))
  while (guess * guess > value) guess--
  while ((guess + 1n) * (guess + 1n) <= value) guess++
  return guess
}

/** Without a zero before the point, as bc writes it. */
function show({ digits, scale }: Decimal): string {
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0')
  const whole = text.slice(0, text.length - scale)
  const shown = scale === 0 ? whole : `${whole === '0' ? '' : whole}.${text.slice(text.length - scale)}`
  return digits === 0n ? '0' : `${digits < 0n ? '-' : ''}${shown}`
}

async function bc(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'lqsw mathlib quiet')
  const calculator = new Calculator()
  if (has('l', 'mathlib')) calculator.scale = MATH_SCALE
  await eachInput(process, rest, async (fd) => {
    for await (const line of linesOf(process, fd)) {
      const tick = process.tick(20)
      if (tick) await tick
      if (line.trim() === 'quit') return
      try {
        for (const text of calculator.line(line)) await process.out(`${text}\n`)
      } catch (error) {
        if (!(error instanceof BcError)) throw error
        await process.err(`bc: ${error.message}\n`)
      }
    }
  })
  return 0
}

export default { bc } satisfies Record<string, Program>
