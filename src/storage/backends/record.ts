/**
 * How an entry lies on disk: a header of fixed size and the entry's bytes. LevelDB checks its log, but not every block it reads;
 * the checksum does.
 *
 *   0  u32  format
 *   4  u32  CRC-32 of all that follows
 *   8  f64  create revision, mod revision, version, expiry (0: none)
 *  40       bytes
 */
import { crc32 } from 'node:zlib'
import type { StoredRecord } from '../entry.ts'
import { StorageError } from '../errors.ts'
import { EMPTY_STATE, type StateSummary } from './backend.ts'

const FORMAT = 1
const CHECKED_FROM = 8
const HEADER_LENGTH = 40

export function encodeRecord(record: StoredRecord): Buffer {
  const { bytes } = record
  const out = Buffer.allocUnsafe(HEADER_LENGTH + bytes.length)
  writeNumbers(out, [record.createRevision, record.modRevision, record.version, record.expiresAt ?? 0])
  out.set(bytes, HEADER_LENGTH)
  return seal(out)
}

export function decodeRecord(key: string, stored: Buffer): StoredRecord {
  check(key, stored)
  const expiresAt = stored.readDoubleLE(32)
  return {
    key,
    createRevision: stored.readDoubleLE(8),
    modRevision: stored.readDoubleLE(16),
    version: stored.readDoubleLE(24),
    expiresAt: expiresAt === 0 ? undefined : expiresAt,
    bytes: stored.subarray(HEADER_LENGTH),
  }
}

export function encodeSummary({ revision, count, revisionSum }: StateSummary): Buffer {
  const out = Buffer.alloc(HEADER_LENGTH)
  writeNumbers(out, [revision, count, revisionSum])
  return seal(out)
}

export function decodeSummary(stored: Buffer | undefined): StateSummary {
  if (!stored) return EMPTY_STATE
  check('summary', stored)
  return { revision: stored.readDoubleLE(8), count: stored.readDoubleLE(16), revisionSum: stored.readDoubleLE(24) }
}

function writeNumbers(out: Buffer, numbers: number[]): void {
  let at = CHECKED_FROM
  for (const n of numbers) at = out.writeDoubleLE(n, at)
}

function seal(out: Buffer): Buffer {
  out.writeUInt32LE(FORMAT, 0)
  out.writeUInt32LE(crc32(out.subarray(CHECKED_FROM)), 4)
  return out
}

function check(key: string, stored: Buffer): void {
  if (stored.length < HEADER_LENGTH) throw new StorageError('CORRUPT', `the record of ${key} is cut off`)
  const format = stored.readUInt32LE(0)
  if (format !== FORMAT) throw new StorageError('CORRUPT', `the record of ${key} has the unknown format ${format}`)
  if (stored.readUInt32LE(4) !== crc32(stored.subarray(CHECKED_FROM))) throw new StorageError('CORRUPT', `the record of ${key} does not match its checksum`)
}
