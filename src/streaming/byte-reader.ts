/** Exactly so many bytes at a time from a stream that comes in pieces; the stream waits while nobody asks. */
import type { Readable } from 'node:stream'

export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>
  #pending: Buffer = Buffer.alloc(0)

  constructor(source: Readable, head: Buffer) {
    this.#chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>
    this.#pending = head
  }

  /** `count` bytes, or undefined when the stream ends before. Rejects when it fails. */
  async read(count: number): Promise<Buffer | undefined> {
    if (this.#pending.length < count) {
      const parts = [this.#pending]
      for (let bytes = this.#pending.length; bytes < count; ) {
        const next = await this.#chunks.next()
        if (next.done) return undefined
        parts.push(next.value)
        bytes += next.value.length
      }
      this.#pending = Buffer.concat(parts)
    }
    const wanted = this.#pending.subarray(0, count)
    this.#pending = this.#pending.subarray(count)
    return wanted
  }
}
