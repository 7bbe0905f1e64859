/**
 * Keeps nothing beside the store's own index, which already holds every entry: the state ends with the process. Forks
 * live here, so that a child costs no copy of what it shares.
 */
import { nextTurn } from '../../clock.ts'
import { type Backend, type StateSummary, EMPTY_STATE } from './backend.ts'

/** How many commits in a row may pass before timers and sockets get their turn. */
const YIELD_EVERY = 128

export class MemoryBackend implements Backend {
  readonly gathersWrites = false
  #untilYield = YIELD_EVERY

  open(): Promise<StateSummary> {
    return Promise.resolve(EMPTY_STATE)
  }

  async *load(): AsyncGenerator<never[]> {}

  commit(): Promise<void> | undefined {
    if (--this.#untilYield > 0) return undefined
    this.#untilYield = YIELD_EVERY
    return nextTurn()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
