/** Frames of SPDY/3.1 (section 2.2), as far as streams opened by a client need them. */

export const FIN = 1
export const FRAME = { SYN_STREAM: 1, SYN_REPLY: 2, RST_STREAM: 3, PING: 6, GOAWAY: 7 } as const
export const RST_STATUS = { PROTOCOL_ERROR: 1, REFUSED_STREAM: 3, CANCEL: 5 } as const
export const HEAD_BYTES = 8

const CONTROL = 0x80000000
const VERSION = 3

export interface FrameHead {
  /** The type of a control frame; undefined for data. */
  type: number | undefined
  /** Of a data frame. */
  streamId: number
  flags: number
  length: number
}

/** @throws Error for another version of the protocol */
export function parseHead(bytes: Buffer): FrameHead {
  const word = bytes.readUInt32BE(0)
  const isControl = (word & CONTROL) !== 0
  if (isControl && ((word >>> 16) & 0x7fff) !== VERSION) throw new Error('not a SPDY/3.1 frame')
  return { type: isControl ? word & 0xffff : undefined, streamId: isControl ? 0 : word & 0x7fffffff, flags: bytes.readUInt8(4), length: bytes.readUIntBE(5, 3) }
}

export function dataHead(streamId: number, length: number, flags: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(streamId)
  head.writeUInt8(flags, 4)
  head.writeUIntBE(length, 5, 3)
  return head
}

/** A control frame whose body is these words and then, maybe, a header block. */
export function controlFrame(type: number, words: readonly number[], rest?: Buffer): Buffer {
  const bodyBytes = words.length * 4 + (rest?.length ?? 0)
  const frame = Buffer.alloc(HEAD_BYTES + words.length * 4)
  frame.writeUInt32BE((CONTROL | (VERSION << 16) | type) >>> 0)
  frame.writeUIntBE(bodyBytes, 5, 3)
  words.forEach((word, i) => frame.writeUInt32BE(word >>> 0, HEAD_BYTES + i * 4))
  return rest ? Buffer.concat([frame, rest]) : frame
}
