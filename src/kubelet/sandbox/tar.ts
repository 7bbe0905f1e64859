/** The tape archive format (ustar), read and written. */
import { FsError } from './nodes.ts'

export interface TarEntry {
  name: string
  type: 'file' | 'dir' | 'link'
  mode: number
  uid: number
  gid: number
  mtimeMs: number
  target?: string
  data: Buffer
}

const BLOCK = 512

export function tarHeader({ name, type, mode, uid, gid, mtimeMs, target = '', data }: TarEntry): Buffer {
  const head = Buffer.alloc(BLOCK)
  const path = type === 'dir' && !name.endsWith('/') ? `${name}/` : name
  const cut = path.length > 100 ? path.lastIndexOf('/', 154) : -1
  head.write(cut > 0 ? path.slice(cut + 1) : path, 0, 100)
  if (cut > 0) head.write(path.slice(0, cut), 345, 155)
  const octal = (value: number, at: number, width: number) => head.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, width)
  octal(mode & 0o7777, 100, 8)
  octal(uid, 108, 8)
  octal(gid, 116, 8)
  octal(data.length, 124, 12)
  octal(Math.floor(mtimeMs / 1000), 136, 12)
  head.write('        ', 148, 8)
  head.write({ file: '0', dir: '5', link: '2' }[type], 156, 1)
  head.write(target, 157, 100)
  head.write('ustar\u000000', 257, 8)
  head.write(`${checksum(head).toString(8).padStart(6, '0')}\0 `, 148, 8)
  return head
}

/** Of the header, its own field taken for blanks. */
function checksum(head: Buffer): number {
  return head.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte), 0)
}

export function tarPadding(length: number): Buffer {
  return Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK)
}

/** What an archive is read from, piece by piece. */
export interface TarSource {
  /** Up to so many bytes; undefined at the end. */
  read(max: number): Promise<Buffer | undefined>
}

/** One entry, whose content is read when it is asked for, or passed over. */
export interface TarMember extends Omit<TarEntry, 'data'> {
  size: number
  pieces(): AsyncIterable<Buffer>
}

export function sourceOf(archive: Buffer): TarSource {
  let at = 0
  return {
    async read(max) {
      const piece = archive.subarray(at, at + max)
      at += piece.length
      return piece.length > 0 ? piece : undefined
    },
  }
}

const PIECE = 65_536

/** @throws FsError EINVAL for what is no archive */
export async function* readTar(source: TarSource): AsyncGenerator<TarMember> {
  let longName: string | undefined
  for (let count = 0; ; count++) {
    const head = await whole(source, BLOCK)
    if (!head && count > 0) return
    if (!head) throw new FsError('EINVAL')
    if (head.every((byte) => byte === 0)) return drain(source)
    const text = (from: number, length: number) => head.subarray(from, from + length).toString().replace(/\0[\s\S]*$/, '')
    const number = (from: number, length: number) => parseInt(text(from, length).trim() || '0', 8)
    const size = number(124, 12)
    if (number(148, 8) !== checksum(head) || Number.isNaN(size)) throw new FsError('EINVAL')
    const flag = text(156, 1)
    if (flag === 'x' || flag === 'g' || flag === 'L') {
      const data = ((size > MAX_NAMES ? undefined : await whole(source, size + tarPadding(size).length)) ?? fail()).subarray(0, size).toString()
      if (flag === 'x') longName = /\d+ path=(.*)\n/.exec(data)?.[1] ?? longName
      if (flag === 'L') longName = data.replace(/\0[\s\S]*$/, '')
      continue
    }
    const prefix = text(257, 5) === 'ustar' ? text(345, 155) : ''
    const name = longName ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100))
    longName = undefined
    let left = size
    const pieces = async function* () {
      while (left > 0) {
        const piece = (await source.read(Math.min(left, PIECE))) ?? fail()
        left -= piece.length
        yield piece
      }
    }
    yield { name, type: flag === '5' ? 'dir' : flag === '2' || flag === '1' ? 'link' : 'file', mode: number(100, 8), uid: number(108, 8), gid: number(116, 8), mtimeMs: number(136, 12) * 1000, target: text(157, 100), size, pieces }
    for await (const piece of pieces()) void piece
    if (size % BLOCK > 0 && !(await whole(source, tarPadding(size).length))) fail()
  }
}

/** What an extended header may come to. */
const MAX_NAMES = 1024 * 1024

function fail(): never {
  throw new FsError('EINVAL')
}

/** Undefined when there is nothing more. @throws FsError EINVAL for what is cut off */
async function whole(source: TarSource, length: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  for (let left = length; left > 0; ) {
    const piece = await source.read(left)
    if (!piece) return pieces.length > 0 ? fail() : undefined
    pieces.push(piece)
    left -= piece.length
  }
  return Buffer.concat(pieces)
}

/** Who writes has more blocks of zeros to say. */
async function drain(source: TarSource): Promise<void> {
  while (await source.read(PIECE)) continue
}
