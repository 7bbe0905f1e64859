/** The state of one evaluation: what it has cost so far, and the values of the variables of comprehensions. */
import type { Value } from './values.ts'

/** Past its cost limit an evaluation ends at once; no operator swallows that. */
export class CostLimitExceeded extends Error {
  /** What it had cost until then; unless told, more than any budget allows. */
  readonly cost: number
  constructor(cost = Infinity) {
    super('operation cancelled: actual cost limit exceeded')
    this.name = 'CostLimitExceeded'
    this.cost = cost
  }
}

/** Gives the value of a variable; undefined where there is none. */
export type Activation = (name: string) => Value | undefined

export class Frame {
  cost = 0
  readonly #limit: number
  readonly activation: Activation
  readonly slots: (Value | undefined)[] = []

  constructor(activation: Activation, limit: number) {
    this.activation = activation
    this.#limit = limit
  }

  charge(cost: number): void {
    this.cost += cost
    if (this.cost > this.#limit) throw new CostLimitExceeded(this.cost)
  }
}

export type Eval = (frame: Frame) => Value
