/**
 * Shares the one thread with the server. Whatever runs in sandboxes has a millisecond in a turn of the event loop, all
 * together; who wants more waits in a line, a sandbox after the other, whatever number of processes it has. All of them may
 * use half of the thread in the long run, with some credit for who has been quiet; a sandbox with a limit of processor time
 * waits as much longer as its limit is smaller.
 */
import { monotonicMs, nextTurn, respite } from '../../clock.ts'

const SLICE_MS = 1
/** What may be used at once after a rest. */
const CREDIT_MS = 60
/** Of the thread, in the long run. */
const SHARE = 0.5
const RESPITE_MS = 2
/** Sandboxes that get their turn in one turn of the event loop, unless its millisecond is over before. */
const AT_ONCE = 4

export class Turns {
  readonly #line: Budget[] = []
  #sliceStartMs: number | undefined
  #creditMs = CREDIT_MS
  #refilledMs = monotonicMs()
  #isPumping = false

  /** Whether this turn's time is used up. Begins the count with the first who asks. */
  isOver(): boolean {
    const now = monotonicMs()
    if (this.#sliceStartMs === undefined) {
      this.#sliceStartMs = now
      void nextTurn().then(() => this.#settle())
      return false
    }
    return now - this.#sliceStartMs >= SLICE_MS
  }

  /** Resolves when the sandbox has its turn. */
  wait(budget: Budget): Promise<void> {
    return new Promise((resolve) => {
      if (budget.waiting.length === 0) this.#line.push(budget)
      budget.waiting.push(resolve)
      if (!this.#isPumping) void this.#pump()
    })
  }

  #settle(): void {
    const now = monotonicMs()
    const usedMs = now - (this.#sliceStartMs ?? now)
    this.#sliceStartMs = undefined
    this.#creditMs = Math.min(CREDIT_MS, this.#creditMs + (now - this.#refilledMs) * SHARE) - usedMs
    this.#refilledMs = now
  }

  async #pump(): Promise<void> {
    this.#isPumping = true
    while (this.#line.length > 0) {
      await (this.#creditMs > 0 ? nextTurn() : respite(RESPITE_MS))
      if (this.#creditMs <= 0) this.#settle()
      else if (!this.#serve()) await respite(RESPITE_MS)
    }
    this.#isPumping = false
  }

  /** False when nobody may go yet. */
  #serve(): boolean {
    const now = monotonicMs()
    const later: Budget[] = []
    let served = 0
    for (const budget of this.#line.splice(0)) {
      const isIts = served < AT_ONCE && budget.notBeforeMs <= now
      if (!isIts) this.#line.push(budget)
      else {
        served++
        budget.waiting.shift()?.()
        if (budget.waiting.length > 0) later.push(budget)
      }
    }
    this.#line.push(...later)
    return served > 0
  }
}

/** A step of the interpreter, as processor time. */
const STEP_NANOS = 500
/** Time is looked at after so many. */
const LOOK_STEPS = 4
/** Slices that come as close as this belong to one computation. */
const TOGETHER_MS = 1000

/** What one sandbox has used up. */
export class Budget {
  readonly waiting: (() => void)[] = []
  /** It has used what it may until then. */
  notBeforeMs = 0
  readonly #turns: Turns
  readonly #now: () => number
  readonly #cores: () => number | undefined
  #steps = 0
  #unseen = 0
  #lastMs: number | undefined
  #nanos = 0

  /** @param limits the time, and how many cores it may use */
  constructor(turns: Turns, { now, cores }: { now(): number; cores(): number | undefined }) {
    this.#turns = turns
    this.#now = now
    this.#cores = cores
  }

  /** Processor time: of who computes all the time all of it, as far as it may; else what its steps would take. */
  get nanos(): number {
    return this.#nanos + this.#steps * STEP_NANOS
  }

  tick(steps: number): Promise<void> | undefined {
    this.#steps += steps
    this.#unseen += steps
    if (this.#unseen < LOOK_STEPS) return undefined
    this.#unseen = 0
    if (!this.#turns.isOver()) return undefined
    const cores = Math.min(1, this.#cores() ?? 1)
    this.#account(cores)
    if (cores < 1) this.notBeforeMs = monotonicMs() + SLICE_MS * (1 / cores - 1)
    return this.#turns.wait(this)
  }

  /** It has waited for something: whoever waits is not busy. */
  rested(): void {
    this.#lastMs = undefined
  }

  #account(cores: number): void {
    const now = this.#now()
    const sinceMs = this.#lastMs === undefined ? 0 : now - this.#lastMs
    const own = this.#steps * STEP_NANOS
    this.#nanos += sinceMs < TOGETHER_MS ? Math.max(own, sinceMs * 1e6 * cores) : own
    this.#lastMs = now
    this.#steps = 0
  }
}
