/** Evaluates the expressions of a policy within its budget. Models activation.go, condition.go and composition.go of k8s.io/apiserver/pkg/admission/plugin/cel. */
import type { AdmissionExpression } from '../../apimachinery/cel/admission-expressions.ts'
import { type Activation, CostLimitExceeded } from '../../apimachinery/cel/frame.ts'
import { CelEvaluationError } from '../../apimachinery/cel/program.ts'
import { CelError, MapValue, type Value } from '../../apimachinery/cel/values.ts'
import { activationOf, type RequestView } from './activation.ts'
import { Pending } from './authorizer.ts'

/** No further expression may run. */
export class OutOfBudget extends Error {
  constructor() {
    super('validation failed due to running out of cost budget, no further validation rules will be run')
  }
}

export interface Outcome {
  /** undefined where there was nothing to evaluate, or an error. */
  readonly value?: Value
  readonly error?: string
}

export type Variables = ReadonlyMap<string, AdmissionExpression>

/** Evaluates until the authorizer has answered all it is asked. */
export async function evaluate<T>(run: () => T): Promise<T> {
  for (;;) {
    try {
      return run()
    } catch (error) {
      if (!(error instanceof Pending)) throw error
      await error.done
    }
  }
}

/** @throws OutOfBudget, Pending */
export function evaluateAll(expressions: readonly (AdmissionExpression | undefined)[], view: RequestView, { variables, budget }: { variables: Variables | undefined; budget: number }): { outcomes: Outcome[]; remaining: number } {
  const plain = activationOf(view)
  const composed = variables && new ComposedVariables(variables, plain)
  const activation: Activation = composed?.activation ?? plain
  let remaining = budget
  const outcomes = expressions.map((expression): Outcome => {
    if (!expression) return {}
    if (!expression.program) return { error: `compilation error: ${expression.error ?? ''}` }
    const { outcome, cost } = runProgram(expression, activation)
    for (const spent of [composed?.takeCost() ?? 0, cost]) {
      if (spent > remaining) throw new OutOfBudget()
      remaining -= spent
    }
    return outcome.error === undefined ? outcome : { error: `expression '${expression.expression}' resulted in error: ${outcome.error}` }
  })
  return { outcomes, remaining }
}

function runProgram({ program }: AdmissionExpression, activation: Activation): { outcome: Outcome; cost: number } {
  if (!program) return { outcome: {}, cost: 0 }
  try {
    const { value, cost } = program.evaluate(activation)
    return { outcome: { value }, cost }
  } catch (error) {
    if (error instanceof CostLimitExceeded || error instanceof CelEvaluationError) return { outcome: { error: error.message }, cost: error.cost }
    throw error
  }
}

/** `variables`: each is evaluated when it is first asked for, and pays for itself. */
class ComposedVariables extends MapValue {
  readonly #variables: Variables
  readonly #plain: Activation
  readonly #known = new Map<string, Value>()
  #cost = 0

  constructor(variables: Variables, plain: Activation) {
    super()
    this.#variables = variables
    this.#plain = plain
  }

  readonly activation: Activation = (name) => (name === 'variables' ? this : this.#plain(name))

  get size(): number {
    return this.#variables.size
  }

  keys(): Iterable<Value> {
    return this.#variables.keys()
  }

  find(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const variable = this.#variables.get(key)
    if (!variable) return undefined
    const value = this.#evaluate(key, variable)
    this.#known.set(key, value)
    return value
  }

  /** What variables have cost since this was asked last. */
  takeCost(): number {
    const cost = this.#cost
    this.#cost = 0
    return cost
  }

  #evaluate(name: string, variable: AdmissionExpression): Value {
    if (!variable.program) return new CelError(`composited variable "${name}" fails to compile: ${variable.error ?? ''}`)
    const { outcome, cost } = runProgram(variable, this.activation)
    this.#cost += cost
    return outcome.value ?? (outcome.error === undefined ? null : new CelError(`composited variable "${name}" fails to evaluate: ${outcome.error}`))
  }
}
