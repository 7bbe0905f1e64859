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

/** @throws FsError EINVAL for what is no archive */
export function* readTar(archive: Buffer): Generator<TarEntry> {
  let longName: string | undefined
  if (archive.length < BLOCK) throw new FsError('EINVAL')
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const head = archive.subarray(at, at + BLOCK)
    if (head.every((byte) => byte === 0)) return
    const text = (from: number, length: number) => head.subarray(from, from + length).toString().replace(/\0[\s\S]*$/, '')
    const number = (from: number, length: number) => parseInt(text(from, length).trim() || '0', 8)
    const size = number(124, 12)
    if (number(148, 8) !== checksum(head)) throw new FsError('EINVAL')
    if (Number.isNaN(size) || at + BLOCK + size > archive.length) throw new FsError('EINVAL')
    const data = archive.subarray(at + BLOCK, at + BLOCK + size)
    at += BLOCK + size + tarPadding(size).length
    const flag = text(156, 1)
    if (flag === 'x' || flag === 'g') {
      if (flag === 'x') longName = /\d+ path=(.*)\n/.exec(data.toString())?.[1] ?? longName
      continue
    }
    if (flag === 'L') {
      longName = data.toString().replace(/\0[\s\S]*$/, '')
      continue
    }
    const prefix = text(257, 5) === 'ustar' ? text(345, 155) : ''
    const name = longName ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100))
    longName = undefined
    yield { name, type: flag === '5' ? 'dir' : flag === '2' || flag === '1' ? 'link' : 'file', mode: number(100, 8), uid: number(108, 8), gid: number(116, 8), mtimeMs: number(136, 12) * 1000, target: text(157, 100), data }
  }
}
