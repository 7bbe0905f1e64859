/** Passwords as `htpasswd` and `openssl passwd` write them down. Models apr_md5_encode and what the C library of nginx' image knows. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { compare } from 'bcryptjs'

/** The users of a file, by name. */
export function parseHtpasswd(text: string): Map<string, string> {
  const lines = text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).split(':')[0] ?? '']))
}

/** Undefined for a hash of a kind that is not known. */
export async function verifyPassword(password: string, hash: string): Promise<boolean | undefined> {
  if (/^\$2[aby]\$/.test(hash)) return compare(password, hash.replace(/^\$2y\$/, '$2b$')).catch(() => undefined)
  const [, magic, salt = ''] = /^(\$apr1\$|\$1\$)([^$]{0,8})\$/.exec(hash) ?? []
  if (magic !== undefined) return same(md5Crypt(password, magic, salt), hash)
  if (hash.startsWith('{SHA}')) return same(createHash('sha1').update(password).digest('base64'), hash.slice('{SHA}'.length))
  if (hash.startsWith('{PLAIN}')) return same(password, hash.slice('{PLAIN}'.length))
  return undefined
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const md5 = (...parts: readonly (Buffer | string)[]): Buffer => parts.reduce((hash, part) => hash.update(part), createHash('md5')).digest()

const ROUNDS = 1000
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Which bytes of the result make a group of four characters, the first one highest. */
const GROUPS = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5], [-1, -1, 11]] as const

/** The whole text, as it stands in a file. */
export function md5Crypt(password: string, magic: string, salt: string): string {
  const key = Buffer.from(password)
  const inner = md5(key, salt, key)
  const repeated = Buffer.concat(Array<Buffer>(Math.ceil(key.length / 16)).fill(inner)).subarray(0, key.length)
  const bits: Buffer[] = []
  for (let i = key.length; i > 0; i >>= 1) bits.push(i & 1 ? Buffer.alloc(1) : key.subarray(0, 1))
  let sum = md5(key, magic, salt, repeated, ...bits)
  for (let round = 0; round < ROUNDS; round++) {
    sum = md5(round % 2 ? key : sum, round % 3 ? salt : '', round % 7 ? key : '', round % 2 ? sum : key)
  }
  const byte = (at: number) => (at < 0 ? 0 : (sum[at] ?? 0))
  const text = GROUPS.map(([high, middle, low]) => encode((byte(high) << 16) | (byte(middle) << 8) | byte(low), high < 0 ? 2 : 4)).join('')
  return `${magic}${salt}$${text}`
}

function encode(value: number, length: number): string {
  return Array.from({ length }, (_, i) => ALPHABET[(value >> (6 * i)) & 63]).join('')
}
