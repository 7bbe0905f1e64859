/**
 * The bytes of a file. Small ones lie together; large ones in blocks, so that no write copies more than a block however large
 * the file has become, and what is shared with another file is copied block by block, when it is written.
 */
const BLOCK = 256 * 1024
const ZEROS = Buffer.alloc(BLOCK)
/** Blocks given back, for the next who writes: a guest that fills its disk again and again must not keep the collector busy. */
const spares: Buffer[] = []
const MAX_SPARES = 256

interface Block {
  bytes: Buffer
  /** No other file has these bytes. They may have room for more than the file holds. */
  isOwn: boolean
  /** Somebody may still read what they were. */
  isLent?: boolean
}

export class FileBytes {
  /** All but the last are of a block's length. */
  #blocks: Block[]
  #size: number

  constructor(bytes: Buffer) {
    this.#size = bytes.length
    this.#blocks = blocksOf(bytes)
  }

  get size(): number {
    return this.#size
  }

  /** All together; of a large file the blocks are joined once. */
  all(): Buffer {
    const [first, ...rest] = this.#blocks
    if (rest.length === 0) return first ? first.bytes.subarray(0, this.#size) : Buffer.alloc(0)
    const whole = Buffer.concat(this.#blocks.map(({ bytes }) => bytes), this.#size)
    this.#blocks = blocksOf(whole)
    return whole
  }

  /** What there is from `from` on, up to `to`: a view within a block, a copy over several. */
  slice(from: number, to: number): Buffer {
    const end = Math.min(to, this.#size)
    if (from >= end) return Buffer.alloc(0)
    const parts: Buffer[] = []
    for (let at = from; at < end; ) {
      const part = this.upTo(at, end - at)
      parts.push(part)
      at += part.length
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
  }

  /** Up to `max` bytes from `from` on that lie together; empty at the end. */
  upTo(from: number, max: number): Buffer {
    const index = Math.floor(from / BLOCK)
    const start = from - index * BLOCK
    const end = Math.min(BLOCK, this.#size - index * BLOCK, start + max)
    const block = this.#blocks[index]
    if (!block) return Buffer.alloc(0)
    block.isLent = true
    return block.bytes.subarray(start, Math.max(start, end))
  }

  write(at: number, bytes: Buffer): void {
    if (at > this.#size) this.#put(this.#size, at - this.#size)
    if (bytes.length > 0) this.#put(at, bytes.length, bytes)
  }

  truncate(size: number): void {
    if (size > this.#size) return this.#put(this.#size, size - this.#size)
    for (const { bytes, isOwn, isLent } of this.#blocks.splice(Math.ceil(size / BLOCK))) if (isOwn && !isLent && bytes.length === BLOCK && spares.length < MAX_SPARES) spares.push(bytes)
    this.#size = size
  }

  /** Without bytes: zeros. */
  #put(at: number, length: number, bytes?: Buffer): void {
    for (let done = 0; done < length; ) {
      const index = Math.floor((at + done) / BLOCK)
      const start = at + done - index * BLOCK
      const count = Math.min(BLOCK - start, length - done)
      if (!bytes && start === 0 && count === BLOCK) this.#blocks[index] = { bytes: ZEROS, isOwn: false }
      else {
        const block = this.#own(index, start + count)
        if (bytes) bytes.copy(block, start, done, done + count)
        else block.fill(0, start, start + count)
      }
      done += count
      this.#size = Math.max(this.#size, at + done)
    }
  }

  /** A block to write to, with room up to `end`. */
  #own(index: number, end: number): Buffer {
    const known = this.#blocks[index]
    if (known?.isOwn && known.bytes.length >= end) return known.bytes
    const used = Math.max(0, Math.min(BLOCK, this.#size - index * BLOCK))
    // With room for more, for most that grow go on growing; a file of several blocks fills them.
    const room = end > used ? Math.min(BLOCK, Math.max(end, index > 0 ? BLOCK : Math.ceil(used * 1.5))) : used
    const bytes = (room === BLOCK ? spares.pop() : undefined) ?? Buffer.allocUnsafe(room)
    known?.bytes.copy(bytes, 0, 0, used)
    this.#blocks[index] = { bytes, isOwn: true }
    return bytes
  }
}

function blocksOf(whole: Buffer): Block[] {
  if (whole.length <= BLOCK) return whole.length === 0 ? [] : [{ bytes: whole, isOwn: false }]
  return Array.from({ length: Math.ceil(whole.length / BLOCK) }, (_, i) => ({ bytes: whole.subarray(i * BLOCK, (i + 1) * BLOCK), isOwn: false }))
}
