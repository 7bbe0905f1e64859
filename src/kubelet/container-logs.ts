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

interface Entry {
  timeMs: number
  stream: 'Stdout' | 'Stderr'
  /** With its newline, unless it is a piece of a line. */
  bytes: Buffer
}

export class ContainerLog {
  readonly #clock: Clock
  #entries: Entry[] = []
  /** How many entries went away at the beginning. */
  #dropped = 0
  #bytes = 0
  readonly #partial = new Map<Entry['stream'], Buffer[]>()
  readonly #waiting = new Set<() => void>()
  #isOver = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  write(stream: Entry['stream'], data: Buffer): void {
    let from = 0
    for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, from)) {
      this.#add(stream, data.subarray(from, at + 1))
      from = at + 1
    }
    if (from < data.length) this.#hold(stream, data.subarray(from))
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
    const text = Buffer.concat(this.#entries.slice(-maxLines).map((e) => e.bytes))
    return text.subarray(Math.max(0, text.length - maxBytes)).toString()
  }

  async *read({ follow = false, sinceMs, timestamps = false, tailLines, limitBytes = Infinity, stream = 'All', signal }: LogOptions): AsyncGenerator<Buffer> {
    let left = limitBytes
    let next = this.#dropped
    if (!follow) for (const s of this.#partial.keys()) this.#flush(s)
    if (tailLines !== undefined) next = Math.max(next, this.#dropped + this.#entries.length - tailLines)
    for (;;) {
      const chunks: Buffer[] = []
      for (; next - this.#dropped < this.#entries.length; next++) {
        const entry = this.#entries[Math.max(0, next - this.#dropped)]
        if (!entry || (stream !== 'All' && entry.stream !== stream) || (sinceMs !== undefined && entry.timeMs < sinceMs)) continue
        chunks.push(timestamps ? Buffer.concat([Buffer.from(`${timestamp(entry.timeMs)} `), entry.bytes]) : entry.bytes)
      }
      if (chunks.length > 0) {
        const all = Buffer.concat(chunks)
        yield all.subarray(0, left)
        left -= all.length
      }
      if (left <= 0 || !follow || this.#isOver || signal?.aborted) return
      await this.#changed(signal)
    }
  }


  #add(stream: Entry['stream'], bytes: Buffer): void {
    const held = this.#partial.get(stream)
    this.#partial.delete(stream)
    // A copy: what is written may be a view of something larger.
    const line = held ? Buffer.concat([...held, bytes]) : Buffer.from(bytes)
    this.#entries.push({ timeMs: this.#clock.now(), stream, bytes: line })
    this.#bytes += line.length + 64
    if (this.#bytes > MAX_BYTES) this.#shorten()
  }

  #hold(stream: Entry['stream'], bytes: Buffer): void {
    const held = this.#partial.get(stream) ?? []
    held.push(Buffer.from(bytes))
    this.#partial.set(stream, held)
    if (held.reduce((sum, b) => sum + b.length, 0) >= MAX_LINE) this.#flush(stream)
  }

  #flush(stream: Entry['stream']): void {
    if (this.#partial.has(stream)) this.#add(stream, Buffer.alloc(0))
  }

  #shorten(): void {
    let count = 0
    while (this.#bytes > MAX_BYTES * 0.75 && count < this.#entries.length - 1) this.#bytes -= (this.#entries[count++]?.bytes.length ?? 0) + 64
    this.#entries = this.#entries.slice(count)
    this.#dropped += count
  }

  #wake(): void {
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
