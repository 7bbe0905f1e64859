/**
 * What containers have printed, of the run that is and the one before, each up to a bound. Models the CRI's log files as
 * k8s.io/cri-client/pkg/logs reads them.
 */
import type { Clock } from '../clock.ts'
import type { LogOptions } from '../streaming/node-api.ts'

/** Of one run; what is oldest goes. */
const MAX_BYTES = 2 * 1024 * 1024
/** A line longer than this is kept in pieces, as containerd does. */
const MAX_LINE = 16_384

/** Lines are kept together in blocks: a guest that prints forever must not make a million objects. */
const BLOCK_BYTES = 16_384
/** What an entry costs besides its bytes. */
const ENTRY_BYTES = 64

/** What was printed in the same millisecond: whole lines, or one piece of a line. */
interface Entry {
  timeMs: number
  stream: 'Stdout' | 'Stderr'
  block: Buffer
  start: number
  end: number
  lines: number
}

export class ContainerLog {
  readonly #clock: Clock
  #entries: Entry[] = []
  /** How many entries went away at the beginning. */
  #dropped = 0
  #bytes = 0
  #block = Buffer.alloc(0)
  #used = 0
  /** Somebody has read the last entry: what follows is another. */
  #isRead = false
  readonly #partial = new Map<Entry['stream'], Buffer[]>()
  readonly #waiting = new Set<() => void>()
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Kept of it. */
  get bytes(): number {
    return this.#bytes
  }

  write(stream: Entry['stream'], data: Buffer): void {
    const last = data.lastIndexOf(10)
    if (last >= 0) this.#addLines(stream, data.subarray(0, last + 1))
    if (last + 1 < data.length) this.#hold(stream, data.subarray(last + 1))
    this.#wake()
  }

  /** The container has ended. */
  end(): void {
    for (const stream of this.#partial.keys()) this.#flush(stream)
    this.#isOver = true
    this.#wake()
  }

  /** The last of what was printed, for a termination message. */
  tail(maxLines: number, maxBytes: number): string {
    const { from, skip } = this.#fromEnd(maxLines)
    const text = Buffer.concat(this.#entries.slice(from).map((e, i) => (i === 0 ? afterLines(bytesOf(e), skip) : bytesOf(e))))
    return text.subarray(Math.max(0, text.length - maxBytes)).toString()
  }

  async *read({ follow = false, sinceMs, timestamps = false, tailLines, limitBytes = Infinity, stream = 'All', signal }: LogOptions): AsyncGenerator<Buffer> {
    let left = limitBytes
    if (!follow) for (const s of this.#partial.keys()) this.#flush(s)
    const { from, skip } = tailLines === undefined ? { from: 0, skip: 0 } : this.#fromEnd(tailLines)
    let next = this.#dropped + from
    let skipped = skip
    for (;;) {
      const chunks: Buffer[] = []
      next = Math.max(next, this.#dropped)
      for (; next - this.#dropped < this.#entries.length; next++) {
        const entry = this.#entries[next - this.#dropped]
        const lost = skipped
        skipped = 0
        if (!entry || (stream !== 'All' && entry.stream !== stream) || (sinceMs !== undefined && entry.timeMs < sinceMs)) continue
        const bytes = afterLines(bytesOf(entry), lost)
        chunks.push(timestamps ? withTime(bytes, `${timestamp(entry.timeMs)} `) : bytes)
      }
      this.#isRead = true
      if (chunks.length > 0) {
        const all = Buffer.concat(chunks)
        yield all.subarray(0, left)
        left -= all.length
      }
      if (left <= 0 || !follow || this.#isOver || signal?.aborted) return
      await this.#changed(signal)
    }
  }

  /** The entry where the last lines begin, and how many of its lines are before them. */
  #fromEnd(lines: number): { from: number; skip: number } {
    let left = lines
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const count = this.#entries[i]?.lines ?? 0
      if (count >= left) return left === 0 ? { from: i + 1, skip: 0 } : { from: i, skip: count - left }
      left -= count
    }
    return { from: 0, skip: 0 }
  }

  #addLines(stream: Entry['stream'], data: Buffer): void {
    const held = this.#partial.get(stream)
    let rest = data
    if (held) {
      const end = data.indexOf(10) + 1
      this.#partial.delete(stream)
      this.#append(stream, Buffer.concat([...held, data.subarray(0, end)]), 1)
      rest = data.subarray(end)
    }
    if (rest.length > 0) this.#append(stream, rest, countLines(rest))
  }

  /** A copy: what is written may be a view of something larger. */
  #append(stream: Entry['stream'], bytes: Buffer, lines: number): void {
    const timeMs = this.#clock.now()
    const last = this.#entries.at(-1)
    if (this.#used + bytes.length > this.#block.length) {
      this.#block = Buffer.allocUnsafe(Math.max(bytes.length, Math.min(BLOCK_BYTES, Math.max(256, this.#block.length * 2))))
      this.#used = 0
    }
    const start = this.#used
    bytes.copy(this.#block, start)
    this.#used += bytes.length
    if (last && !this.#isRead && last.block === this.#block && last.end === start && last.timeMs === timeMs && last.stream === stream) {
      last.end = this.#used
      last.lines += lines
      this.#bytes += bytes.length
    } else {
      this.#entries.push({ timeMs, stream, block: this.#block, start, end: this.#used, lines })
      this.#bytes += bytes.length + ENTRY_BYTES
      this.#isRead = false
    }
    if (this.#bytes > MAX_BYTES) this.#shorten()
  }

  #hold(stream: Entry['stream'], bytes: Buffer): void {
    const held = this.#partial.get(stream) ?? []
    held.push(Buffer.from(bytes))
    this.#partial.set(stream, held)
    if (held.reduce((sum, b) => sum + b.length, 0) >= MAX_LINE) this.#flush(stream)
  }

  #flush(stream: Entry['stream']): void {
    const held = this.#partial.get(stream)
    this.#partial.delete(stream)
    if (held) this.#append(stream, Buffer.concat(held), 1)
  }

  #shorten(): void {
    let count = 0
    for (; this.#bytes > MAX_BYTES * 0.75 && count < this.#entries.length - 1; count++) {
      const entry = this.#entries[count]
      this.#bytes -= entry ? entry.end - entry.start + ENTRY_BYTES : 0
    }
    this.#entries = this.#entries.slice(count)
    this.#dropped += count
  }

  #wake(): void {
    if (this.#waiting.size === 0) return
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #changed(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal?.addEventListener('abort', done, { once: true })
    })
  }
}

function bytesOf({ block, start, end }: Entry): Buffer {
  return block.subarray(start, end)
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++
  return count
}

function afterLines(bytes: Buffer, lines: number): Buffer {
  let from = 0
  for (let i = 0; i < lines; i++) from = bytes.indexOf(10, from) + 1
  return bytes.subarray(from)
}

/** Each line behind the time. */
function withTime(bytes: Buffer, time: string): Buffer {
  const pieces: Buffer[] = []
  const prefix = Buffer.from(time)
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(10, from)
    const end = newline < 0 ? bytes.length : newline + 1
    pieces.push(prefix, bytes.subarray(from, end))
    from = end
  }
  return Buffer.concat(pieces)
}

/** RFC 3339 with nine decimals. */
function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000000Z`
}

/** The logs of a node's containers, by pod and container. */
export class ContainerLogs {
  readonly #clock: Clock
  readonly #pods = new Map<string, Map<string, { current: ContainerLog; previous?: ContainerLog }>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** For a container that begins; what there was becomes the previous. */
  begin(uid: string, container: string): ContainerLog {
    const current = new ContainerLog(this.#clock)
    let pod = this.#pods.get(uid)
    if (!pod) this.#pods.set(uid, (pod = new Map()))
    const previous = pod.get(container)?.current
    pod.set(container, previous ? { current, previous } : { current })
    return current
  }

  get(uid: string, container: string, { previous = false } = {}): ContainerLog | undefined {
    const logs = this.#pods.get(uid)?.get(container)
    return previous ? logs?.previous : logs?.current
  }

  forget(uid: string): void {
    this.#pods.delete(uid)
  }
}
