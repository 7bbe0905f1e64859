/**
 * What file descriptors stand for: pipes, files, connections. An end is asked whether it has something now and told to wait
 * otherwise, so that a process which dies while it waits takes nothing away from the next reader.
 */
import type { Duplex, Readable, Writable } from 'node:stream'
import { paced } from './disk-pace.ts'
import { FsError, type FileNode, type Ledger } from './nodes.ts'

export const PIPE_BYTES = 65_536

export interface End {
  readonly isTTY?: boolean
  /** Of which it is an end, where somebody sits at one. */
  readonly terminal?: { rows: number; columns: number; echoes: boolean }
  /** Up to `max` bytes; null at the end, undefined when there is nothing yet. */
  take?(max: number): Buffer | null | undefined
  /** Resolves when `take` may have something. */
  readable?(): Promise<void>
  /** Takes all; @throws FsError EPIPE when nobody reads any more */
  put?(bytes: Buffer): void
  /** Something to wait for before more is written. */
  drained?(): Promise<void> | undefined
  close?(): void
}

/** An open file description: shared by every descriptor that was duplicated from it, closed with the last. */
export class Open {
  readonly end: End
  #count = 1
  #pushedBack: Buffer | undefined

  constructor(end: End) {
    this.end = end
  }

  retain(): this {
    this.#count++
    return this
  }

  release(): void {
    if (--this.#count === 0) this.end.close?.()
  }

  take(max: number): Buffer | null | undefined {
    const back = this.#pushedBack
    if (!back) {
      if (!this.end.take) throw new FsError('EBADF')
      return this.end.take(max)
    }
    this.#pushedBack = back.length > max ? back.subarray(max) : undefined
    return back.subarray(0, max)
  }

  /** What was read too far, for the next who reads. */
  giveBack(bytes: Buffer): void {
    if (bytes.length > 0) this.#pushedBack = this.#pushedBack ? Buffer.concat([bytes, this.#pushedBack]) : bytes
  }
}

/** Wakes all who wait. */
export class Bell {
  #waiting: (() => void)[] = []

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  ring(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}

export class Pipe {
  readonly #chunks: Buffer[] = []
  readonly #filled = new Bell()
  readonly #emptied = new Bell()
  #bytes = 0
  #writers = 1
  #isRead = true

  readonly reader: End = {
    take: (max) => this.#take(max),
    readable: () => this.#filled.wait(),
    close: () => {
      this.#isRead = false
      this.#emptied.ring()
    },
  }

  readonly writer: End = {
    put: (bytes) => this.#put(bytes),
    drained: () => (this.#bytes > PIPE_BYTES && this.#isRead ? this.#emptied.wait() : undefined),
    close: () => {
      this.#writers--
      this.#filled.ring()
    },
  }

  #take(max: number): Buffer | null | undefined {
    const first = this.#chunks[0]
    if (!first) return this.#writers > 0 ? undefined : null
    const part = first.subarray(0, max)
    if (part.length === first.length) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(max)
    this.#bytes -= part.length
    if (this.#bytes <= PIPE_BYTES) this.#emptied.ring()
    return part
  }

  #put(bytes: Buffer): void {
    if (!this.#isRead) throw new FsError('EPIPE')
    if (bytes.length === 0) return
    this.#chunks.push(bytes)
    this.#bytes += bytes.length
    this.#filled.ring()
  }
}

/** A file with a position. */
export function fileEnd(node: FileNode, { ledger, now, content, at = 0, append = false, reads = true, writes = false }: FileOptions): End {
  let position = at
  let unpaced = 0
  const end: End = {}
  if (reads) {
    end.take = (max) => {
      const part = content ? content.subarray(position, position + max) : node.upTo(position, max)
      if (part.length === 0) return null
      position += part.length
      return part
    }
  }
  if (writes) {
    end.put = (bytes) => {
      if (append) position = node.size
      node.write(position, bytes, ledger)
      node.meta.mtimeMs = now()
      position += bytes.length
      unpaced += bytes.length
    }
    end.drained = () => {
      const bytes = unpaced
      unpaced = 0
      return paced(bytes)
    }
  }
  return end
}

export interface FileOptions {
  ledger: Ledger
  now(): number
  /** What a file made at its opening holds. */
  content?: Buffer
  at?: number
  append?: boolean
  reads?: boolean
  writes?: boolean
}

export const nullEnd: End = { take: () => null, put: () => {} }
export const fullEnd: End = {
  take: (max) => Buffer.alloc(Math.min(max, 4096)),
  put: () => {
    throw new FsError('ENOSPC')
  },
}

/** @param fill makes each piece that is read */
export function endlessEnd(fill: (length: number) => Buffer): End {
  return { take: (max) => fill(Math.min(max, 65_536)), put: () => {} }
}

/** Calls `write` with all that is written; for what has a bound of its own. */
export function sinkEnd(write: (bytes: Buffer) => void, close?: () => void): End {
  return { put: write, ...(close ? { close } : {}) }
}

/** @param isTTY whether programs take it for a terminal */
export function readableEnd(stream: Readable, { isTTY = false } = {}): End {
  let isOver = false
  const bell = new Bell()
  stream.on('readable', () => bell.ring())
  const over = () => {
    isOver = true
    bell.ring()
  }
  stream.on('end', over)
  stream.on('close', over)
  stream.on('error', over)
  return {
    isTTY,
    take(max) {
      const got: unknown = stream.read() as unknown
      if (got === null) return isOver || stream.readableEnded || stream.destroyed ? null : undefined
      const bytes = Buffer.isBuffer(got) ? got : Buffer.from(String(got))
      if (bytes.length <= max) return bytes
      stream.unshift(bytes.subarray(max))
      return bytes.subarray(0, max)
    },
    readable: () => bell.wait(),
    close: () => void stream.destroy(),
  }
}

export function writableEnd(stream: Writable, { isTTY = false, ends = true } = {}): End {
  const bell = new Bell()
  for (const event of ['drain', 'close', 'error']) stream.on(event, () => bell.ring())
  return {
    isTTY,
    put(bytes) {
      if (stream.destroyed || stream.writableEnded) throw new FsError('EPIPE')
      stream.write(bytes)
    },
    drained: () => (stream.writableNeedDrain && !stream.destroyed ? bell.wait() : undefined),
    close: () => void (ends && !stream.destroyed && stream.end()),
  }
}

export function duplexEnd(stream: Duplex): End {
  const reader = readableEnd(stream)
  return { ...writableEnd(stream), take: reader.take, readable: reader.readable, close: () => void stream.end() }
}
