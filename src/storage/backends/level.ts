/**
 * Keeps entries in LevelDB: one record a key beside one summary of the whole state, written in the same batch. A batch is
 * synced before it counts, so what was acknowledged survives the process and the machine.
 */
import type { Level } from 'level'
import type { StoredRecord } from '../entry.ts'
import { StorageError, isStorageError } from '../errors.ts'
import { type Backend, type Change, type StateSummary, EMPTY_STATE } from './backend.ts'
import { decodeRecord, decodeSummary, encodeRecord, encodeSummary } from './record.ts'

/** No stored key begins with NUL. */
const SUMMARY_KEY = '\u0000summary'
const READ_BATCH = 1000

type Database = Level<string, Buffer>

export interface LevelOptions {
  directory: string
  /** Whether a write waits for the disk; without it an acknowledged write survives the process, not the machine. */
  sync?: boolean
}

export class LevelBackend implements Backend {
  readonly gathersWrites = true
  readonly #directory: string
  readonly #sync: boolean
  #db: Database | undefined
  #summary: StateSummary = EMPTY_STATE

  constructor({ directory, sync = true }: LevelOptions) {
    this.#directory = directory
    this.#sync = sync
  }

  async open(): Promise<StateSummary> {
    // Native code: loaded only by who keeps state on disk.
    const { Level } = await import('level')
    const db: Database = new Level(this.#directory, { valueEncoding: 'buffer', cacheSize: 1 << 20 })
    try {
      await db.open()
      this.#summary = decodeSummary(await db.get(SUMMARY_KEY))
    } catch (error) {
      await db.close()
      throw this.#explain(error)
    }
    this.#db = db
    return this.#summary
  }

  async *load(): AsyncGenerator<StoredRecord[]> {
    const { count, revisionSum, revision } = this.#summary
    const seen = { count: 0, revisionSum: 0 }
    const iterator = this.#use().iterator({ fillCache: false })
    try {
      for (let rows = await iterator.nextv(READ_BATCH); rows.length > 0; rows = await iterator.nextv(READ_BATCH)) {
        const records: StoredRecord[] = []
        for (const [key, stored] of rows) {
          if (key === SUMMARY_KEY) continue
          const record = decodeRecord(key, stored)
          seen.count++
          seen.revisionSum += record.modRevision
          records.push(record)
        }
        yield records
      }
    } catch (error) {
      throw this.#explain(error)
    } finally {
      await iterator.close()
    }
    if (seen.count !== count || seen.revisionSum !== revisionSum) {
      throw this.#corrupt(`it holds ${seen.count} entries where revision ${revision} left ${count}`)
    }
  }

  commit(changes: readonly Change[], after: StateSummary): Promise<void> {
    this.#summary = after
    // A chained batch takes the bytes at once and costs half of an array of operations.
    const batch = this.#use().batch()
    for (const { type, key, entry } of changes) {
      if (type === 'PUT') batch.put(key, encodeRecord(entry))
      else batch.del(key)
    }
    batch.put(SUMMARY_KEY, encodeSummary(after))
    return batch.write({ sync: this.#sync })
  }

  async close(): Promise<void> {
    await this.#db?.close()
  }

  #use(): Database {
    if (!this.#db) throw new StorageError('CLOSED', 'the backend is not open')
    return this.#db
  }

  #corrupt(what: string, cause?: unknown): StorageError {
    return new StorageError('CORRUPT', `the data directory ${this.#directory} is damaged: ${what}`, { cause })
  }

  #explain(error: unknown): StorageError {
    if (isStorageError(error)) return error.code === 'CORRUPT' ? this.#corrupt(error.message, error) : error
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const code = reason instanceof Error && 'code' in reason ? reason.code : undefined
    const text = reason instanceof Error ? reason.message : String(reason)
    if (code === 'LEVEL_LOCKED') return new StorageError('LOCKED', `the data directory ${this.#directory} is in use by another process`, { cause: error })
    if (code === 'LEVEL_CORRUPTION') return this.#corrupt(text, error)
    return new StorageError('FAILED', `cannot open the data directory ${this.#directory}: ${text}`, { cause: error })
  }
}
