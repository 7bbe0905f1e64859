/** An answer of somebody else, read whole: never more of it than a bound. */
import type { Readable } from 'node:stream'

/** What comes is thrown away from the bound on, and the connection with it. Rejects with an Error that tells the bound. */
export async function readBounded(stream: Readable, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      stream.destroy()
      throw new Error(`the answer is larger than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}
