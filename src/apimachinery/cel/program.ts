/** Compiles expressions and runs them: what the rest of Orrery sees of CEL. Models env.Compile, env.Program and Program.Eval of cel-go's cel. */
import { childrenOf, type Expr } from './ast.ts'
import { check } from './checker.ts'
import { type CostEstimate, estimateCost, type SizeEstimator } from './cost-estimate.ts'
import type { Environment } from './environment.ts'
import { type Activation, type Eval, Frame } from './frame.ts'
import { parse } from './parser.ts'
import { planExpression } from './plan.ts'
import { Source } from './source.ts'
import { type CelType, DYN } from './types.ts'
import { validate } from './validators.ts'
import { CelError, type Value } from './values.ts'

/** The costs that one call may have. Models PerCallLimit of k8s.io/apiserver/pkg/apis/cel. */
export const PER_CALL_LIMIT = 1_000_000
/** The costs of all the rules of one object, or of one policy binding. */
export const RUNTIME_COST_BUDGET = 10_000_000
export const MATCH_CONDITIONS_COST_BUDGET = 2_500_000

const OPTIONAL_SELECT = '_?._'

/** An expression that fails when it runs; the message is cel-go's. */
export class CelEvaluationError extends Error {
  /** What it had cost until then. */
  readonly cost: number
  constructor(message: string, cost: number) {
    super(message)
    this.name = 'CelEvaluationError'
    this.cost = cost
  }
}

export interface Evaluation {
  value: Value
  cost: number
}

export interface EvaluateOptions {
  costLimit?: number
}

export class Program {
  readonly outputType: CelType
  readonly #expr: Expr
  readonly #eval: Eval

  constructor(expr: Expr, environment: Environment) {
    this.#expr = expr
    this.outputType = expr.type ?? DYN
    this.#eval = planExpression(expr, environment)
  }

  /** Throws CelEvaluationError, or CostLimitExceeded past the limit. */
  evaluate(activation: Activation, { costLimit = PER_CALL_LIMIT }: EvaluateOptions = {}): Evaluation {
    const frame = new Frame(activation, costLimit)
    const value = this.#eval(frame)
    if (value instanceof CelError) throw new CelEvaluationError(value.message, frame.cost)
    return { value, cost: frame.cost }
  }

  /** The least and the most that it may cost for data of the sizes that `sizes` knows. */
  estimateCost(sizes?: SizeEstimator): CostEstimate {
    return estimateCost(this.#expr, sizes)
  }

  /** Whether the variable occurs. */
  refersTo(variable: string): boolean {
    return this.#some((e) => (e.kind === 'ident' && e.name === variable) || (e.kind === 'select' && e.ident === variable))
  }

  /** Whether a field of that name is selected, of that variable or of anything: `claims.email`, `claims.?email`, `has(claims.email)`. */
  selects(field: string, variable?: string): boolean {
    const isVariable = (e: Expr | undefined) => variable === undefined || (e?.kind === 'ident' && e.name === variable)
    return this.#some((e) => {
      if (e.kind === 'select') return e.field === field && isVariable(e.operand)
      if (e.kind !== 'call' || e.fn !== OPTIONAL_SELECT || e.target) return false
      const [operand, name] = e.args
      return name?.kind === 'literal' && name.value === field && isVariable(operand)
    })
  }

  #some(matches: (e: Expr) => boolean): boolean {
    const pending: Expr[] = [this.#expr]
    for (let e = pending.pop(); e; e = pending.pop()) {
      if (matches(e)) return true
      pending.push(...childrenOf(e))
    }
    return false
  }
}

const MAX_REMEMBERED = 500
const remembered = new WeakMap<Environment, Map<string, Program>>()

/** Throws CelCompileError, whose message is cel-go's, or CelProgramError. What compiled once is remembered with its environment. */
export function compile(expression: string, environment: Environment): Program {
  const known = remembered.get(environment) ?? new Map<string, Program>()
  remembered.set(environment, known)
  const found = known.get(expression)
  if (found) return found
  const program = new Program(checked(expression, environment), environment)
  if (known.size >= MAX_REMEMBERED) known.clear()
  known.set(expression, program)
  return program
}

/** What type the expression has. Throws CelCompileError. */
export const typeOfExpression = (expression: string, environment: Environment): CelType => checked(expression, environment).type ?? DYN

function checked(expression: string, environment: Environment): Expr {
  const source = new Source(expression)
  const expr = parse(source, environment)
  source.throwIfFailed()
  if (!expr) throw new Error('nothing was parsed')
  check(expr, environment, source)
  source.throwIfFailed()
  validate(expr, source)
  source.throwIfFailed()
  return expr
}
