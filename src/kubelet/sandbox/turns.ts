/**
 * Shares the one thread with the server: everything in sandboxes runs in slices of a bounded number of steps, one slice in a
 * turn of the event loop, and who computes for long gives the server half of the time.
 */
import { nextTurn, respite } from '../../clock.ts'

const SLICE_STEPS = 300
/** After that many slices one after the other a sandbox is a busy one. */
const BUSY_SLICES = 100
const RESPITE_MS = 2

export class Turns {
  #last: Promise<void> = Promise.resolve()

  /** Resolves in a turn of its own. */
  next(isBusy: boolean): Promise<void> {
    const turn = this.#last.then(() => (isBusy ? respite(RESPITE_MS) : nextTurn()))
    this.#last = turn
    return turn
  }
}

/** What one sandbox has used up. */
export class Budget {
  readonly #turns: Turns
  #steps = 0
  #slices = 0
  /** All steps ever; what its use of CPU is told from. */
  total = 0

  constructor(turns: Turns) {
    this.#turns = turns
  }

  tick(steps: number): Promise<void> | undefined {
    this.total += steps
    this.#steps += steps
    if (this.#steps < SLICE_STEPS) return undefined
    this.#steps = 0
    this.#slices++
    return this.#turns.next(this.#slices > BUSY_SLICES)
  }

  /** It has waited for something: whoever waits is not busy. */
  rested(): void {
    this.#slices = 0
  }
}
