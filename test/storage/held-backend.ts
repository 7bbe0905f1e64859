import { nextTurn as settle } from '../../src/clock.ts'
import { type Backend, type Change, EMPTY_STATE, type StateSummary } from '../../src/storage/backends/backend.ts'

/** A backend whose commits end when they are told to. */
export class HeldBackend implements Backend {
  readonly gathersWrites = false
  readonly commits: { changes: readonly Change[]; after: StateSummary; finish(error?: Error): Promise<void> }[] = []

  open = () => Promise.resolve(EMPTY_STATE)
  async *load() {}
  close = () => Promise.resolve()

  commit(changes: readonly Change[], after: StateSummary): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = async (error?: Error) => {
        if (error) reject(error)
        else resolve()
        await settle()
      }
      this.commits.push({ changes: [...changes], after, finish })
    })
  }
}

export { settle }
