/** A file of lines that is put aside when it is large; what was put aside goes with age and number. Models gopkg.in/natefinch/lumberjack as kube-apiserver uses it. */
import fs from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '../../clock.ts'

export interface RotationOptions {
  /** 0: it is never put aside. */
  maxSizeMB: number
  /** 0: age does not matter. */
  maxAgeDays: number
  /** 0: their number does not matter. */
  maxBackups: number
  compress: boolean
}

const MEGABYTE = 1024 * 1024
const DAY_MS = 24 * 60 * 60 * 1000
const COMPRESSED = '.gz'

interface Backup {
  name: string
  timeMs: number
}

export class RotatedFile {
  readonly #path: string
  readonly #options: RotationOptions
  readonly #clock: Clock
  #fd: number
  #bytes: number
  #tidying: Promise<void> = Promise.resolve()

  /** @throws the system's error when the file cannot be opened */
  constructor(file: string, options: RotationOptions, clock: Clock) {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    this.#path = file
    this.#options = options
    this.#clock = clock
    this.#fd = fs.openSync(file, 'a', 0o600)
    this.#bytes = fs.fstatSync(this.#fd).size
  }

  /** @throws the system's error when the disk does not take it */
  write(line: string): void {
    const bytes = Buffer.from(line)
    const limit = this.#options.maxSizeMB * MEGABYTE
    if (limit > 0 && bytes.length > limit) throw new Error(`write length ${bytes.length} exceeds maximum file size ${limit}`)
    if (limit > 0 && this.#bytes + bytes.length > limit) this.#rotate()
    // Unlike writeSync, until all is written.
    fs.writeFileSync(this.#fd, bytes)
    this.#bytes += bytes.length
  }

  async close(): Promise<void> {
    fs.closeSync(this.#fd)
    await this.#tidying
  }

  #rotate(): void {
    fs.renameSync(this.#path, path.join(path.dirname(this.#path), this.#backupName()))
    fs.closeSync(this.#fd)
    this.#fd = fs.openSync(this.#path, 'a', 0o600)
    this.#bytes = 0
    // What was put aside is nothing that a request waits for.
    this.#tidying = this.#tidying.then(() => this.#tidy()).catch(() => undefined)
  }

  #parts(): { prefix: string; extension: string } {
    const extension = path.extname(this.#path)
    return { prefix: `${path.basename(this.#path, extension)}-`, extension }
  }

  /** `audit-2026-01-01T00-00-00.000.log` */
  #backupName(): string {
    const { prefix, extension } = this.#parts()
    return `${prefix}${new Date(this.#clock.now()).toISOString().slice(0, -1).replaceAll(':', '-')}${extension}`
  }

  /** The newest first. */
  async #backups(): Promise<Backup[]> {
    const { prefix, extension } = this.#parts()
    const names = await fs.promises.readdir(path.dirname(this.#path))
    const backups = names.flatMap((name) => {
      const plain = name.endsWith(COMPRESSED) ? name.slice(0, -COMPRESSED.length) : name
      if (!plain.startsWith(prefix) || !plain.endsWith(extension)) return []
      const stamp = plain.slice(prefix.length, plain.length - extension.length).replace(/T(\d\d)-(\d\d)-/, 'T$1:$2:')
      const timeMs = Date.parse(`${stamp}Z`)
      return Number.isNaN(timeMs) ? [] : [{ name, timeMs }]
    })
    return backups.sort((a, b) => b.timeMs - a.timeMs)
  }

  async #tidy(): Promise<void> {
    const { maxBackups, maxAgeDays, compress } = this.#options
    const oldestMs = maxAgeDays > 0 ? this.#clock.now() - maxAgeDays * DAY_MS : -Infinity
    for (const [i, { name, timeMs }] of (await this.#backups()).entries()) {
      const file = path.join(path.dirname(this.#path), name)
      if ((maxBackups > 0 && i >= maxBackups) || timeMs < oldestMs) await fs.promises.rm(file, { force: true })
      else if (compress && !name.endsWith(COMPRESSED)) await compressed(file)
    }
  }
}

async function compressed(file: string): Promise<void> {
  await pipeline(fs.createReadStream(file), createGzip(), fs.createWriteStream(file + COMPRESSED, { mode: 0o600 }))
  await fs.promises.rm(file, { force: true })
}
