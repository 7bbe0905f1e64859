/** Takes one file out of a ZIP archive; enough for archives without encryption, ZIP64 or several disks. */
import fs from 'node:fs'
import { inflateRawSync } from 'node:zlib'

const END_SIGNATURE = 0x06054b50
const ENTRY_SIGNATURE = 0x02014b50
const END_SIZE = 22
const ENTRY_SIZE = 46
const LOCAL_SIZE = 30
const STORED = 0
const DEFLATED = 8

export function readZipEntry(archive: string, name: string): Buffer {
  const bytes = fs.readFileSync(archive)
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]), bytes.length - END_SIZE)
  if (end < 0 || bytes.readUInt32LE(end) !== END_SIGNATURE) throw new Error(`${archive} is not a ZIP archive`)
  let at = bytes.readUInt32LE(end + 16)
  for (let left = bytes.readUInt16LE(end + 10); left > 0 && bytes.readUInt32LE(at) === ENTRY_SIGNATURE; left--) {
    const [nameLength, extraLength, commentLength] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30), bytes.readUInt16LE(at + 32)]
    if (bytes.toString('utf8', at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength) === name) return content(bytes, at)
    at += ENTRY_SIZE + nameLength + extraLength + commentLength
  }
  throw new Error(`${archive} has no file ${name}`)
}

function content(bytes: Buffer, entry: number): Buffer {
  const method = bytes.readUInt16LE(entry + 10)
  const size = bytes.readUInt32LE(entry + 20)
  const local = bytes.readUInt32LE(entry + 42)
  const start = local + LOCAL_SIZE + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
  const packed = bytes.subarray(start, start + size)
  if (method === STORED) return Buffer.from(packed)
  if (method === DEFLATED) return inflateRawSync(packed)
  throw new Error(`ZIP compression method ${method} is not supported`)
}
