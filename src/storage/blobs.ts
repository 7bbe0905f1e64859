/**
 * Named bytes that outlive the process and need none of what the store gives: no revisions, no watches, nothing kept in memory.
 * What is written survives `kill -9`; it is not synced, as the files of a program are not unless it asks.
 */
import fs from 'node:fs'
import type { Level } from 'level'
import { StorageError } from './errors.ts'

const READ_BATCH = 1000

export interface BlobChange {
  readonly key: string
  /** Undefined removes it. */
  readonly bytes: Buffer | undefined
}

type Database = Level<string, Buffer>

export class Blobs {
  readonly #directory: string
  #opening: Promise<Database> | undefined

  constructor(directory: string) {
    this.#directory = directory
  }

  /** All there are, in the order of their keys, some at a time; a directory that was never written to has none. */
  async *load(): AsyncGenerator<[string, Buffer][]> {
    if (!fs.existsSync(this.#directory)) return
    const iterator = (await this.#open()).iterator({ fillCache: false })
    try {
      for (let rows = await iterator.nextv(READ_BATCH); rows.length > 0; rows = await iterator.nextv(READ_BATCH)) yield rows
    } finally {
      await iterator.close()
    }
  }

  /** All changes or, after a crash, none. */
  async write(changes: readonly BlobChange[]): Promise<void> {
    const batch = (await this.#open()).batch()
    for (const { key, bytes } of changes) {
      if (bytes) batch.put(key, bytes)
      else batch.del(key)
    }
    await batch.write()
  }

  async close(): Promise<void> {
    await (await this.#opening)?.close()
  }

  #open(): Promise<Database> {
    return (this.#opening ??= open(this.#directory))
  }
}

async function open(directory: string): Promise<Database> {
  // Native code: loaded only by who keeps files on disk.
  const { Level } = await import('level')
  const db: Database = new Level(directory, { valueEncoding: 'buffer', cacheSize: 1 << 20 })
  try {
    await db.open()
  } catch (error) {
    await db.close()
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new StorageError('FAILED', `cannot open the data directory ${directory}: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: error })
  }
  return db
}
