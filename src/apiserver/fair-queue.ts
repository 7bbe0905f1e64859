/**
 * The seats of one priority level and who waits for them: requests are dealt to queues by their flow, the shortest of a
 * hand, and leave these in turn, so that one flow cannot keep all others waiting. A simple form of
 * k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing: every request takes one seat.
 */
import type { Clock } from '../clock.ts'

export interface LevelLimits {
  /** Seats; Infinity where nothing is limited. */
  seats: number
  /** Without it, what finds no seat is refused. */
  queuing: { queues: number; handSize: number; queueLength: number } | undefined
}

/** How long a request may wait for its seat: a quarter of what a request may take, as upstream. */
const MAX_WAIT_MS = 15_000

interface Waiting {
  /** true: has a seat; false: has waited too long. */
  settle(seated: boolean): void
}

export class FairQueue {
  readonly #clock: Clock
  #limits: LevelLimits
  #queues: Waiting[][] = []
  #turn = 0
  #inUse = 0
  #waiting = 0

  constructor(clock: Clock, limits: LevelLimits) {
    this.#clock = clock
    this.#limits = limits
  }

  get inUse(): number {
    return this.#inUse
  }

  get waiting(): number {
    return this.#waiting
  }

  /** New limits hold from now on; what waits keeps its place. */
  set limits(limits: LevelLimits) {
    this.#limits = limits
    this.#dispatch()
  }

  /** True: has a seat, to be given back by `leave`. False: refused. A promise of either for one that waits. */
  enter(flow: string): boolean | Promise<boolean> {
    if (this.#inUse < this.#limits.seats) {
      this.#inUse++
      return true
    }
    const { queuing } = this.#limits
    if (!queuing) return false
    const queue = this.#shortest(flow, queuing)
    return queue.length < queuing.queueLength && this.#wait(queue)
  }

  leave(): void {
    this.#inUse--
    if (this.#waiting > 0) this.#dispatch()
  }

  #wait(queue: Waiting[]): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(MAX_WAIT_MS, () => {
        queue.splice(queue.indexOf(waiting), 1)
        waiting.settle(false)
      })
      const waiting: Waiting = {
        settle: (seated) => {
          timer.cancel()
          this.#waiting--
          resolve(seated)
        },
      }
      this.#waiting++
      queue.push(waiting)
    })
  }

  #dispatch(): void {
    for (let empty = 0; this.#waiting > 0 && this.#inUse < this.#limits.seats && empty < this.#queues.length; this.#turn++) {
      const next = this.#queues[this.#turn % this.#queues.length]?.shift()
      empty = next ? 0 : empty + 1
      if (!next) continue
      this.#inUse++
      next.settle(true)
    }
  }

  /** The shortest queue of the hand that the flow is dealt. Queues that a smaller number leaves over empty by themselves. */
  #shortest(flow: string, { queues, handSize }: { queues: number; handSize: number }): Waiting[] {
    while (this.#queues.length < queues) this.#queues.push([])
    let best: Waiting[] | undefined
    for (const index of deal(flow, queues, handSize)) {
      const queue = this.#queues[index]
      if (queue && (!best || queue.length < best.length)) best = queue
    }
    return best ?? []
  }
}

/** Different queues, the same each time for the same flow. Models shufflesharding.Dealer. */
export function deal(flow: string, queues: number, handSize: number): number[] {
  const hand: number[] = []
  let hash = hashOf(flow)
  for (let left = queues; hand.length < Math.min(handSize, queues); left--) {
    let card = hash % left
    hash = Math.imul(hash, 0x9e3779b1) >>> 0
    for (const taken of [...hand].sort((a, b) => a - b)) if (card >= taken) card++
    hand.push(card)
  }
  return hand
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
