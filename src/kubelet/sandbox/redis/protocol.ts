/** RESP2: how requests and replies of Redis are written. */
import type { RedisValue } from './commands.ts'

export interface Failure {
  error: string
}

export const failure = (error: string): Failure => ({ error })

export function encode(value: RedisValue): string {
  if (value === null || value === undefined) return '$-1\r\n'
  if (typeof value === 'number') return `:${value}\r\n`
  if (typeof value === 'string') return `$${Buffer.byteLength(value)}\r\n${value}\r\n`
  if (Array.isArray(value)) return `*${value.length}\r\n${value.map(encode).join('')}`
  return 'error' in value ? `-${value.error}\r\n` : `+${value.status}\r\n`
}

/** Puts what arrives together; what is not whole waits for the rest. */
export class Reader {
  readonly #maxBytes: number
  #pending: Buffer = Buffer.alloc(0)

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Requests: arrays of texts, or words on a line. @throws Error for what is neither */
  *take(chunk: Buffer): Generator<string[]> {
    this.#add(chunk)
    for (;;) {
      if (this.#pending.length === 0) return
      if (this.#pending[0] !== 42) {
        const end = this.#pending.indexOf('\n')
        if (end < 0) return
        const words = this.#pending.subarray(0, end).toString().trim().split(/\s+/).filter(Boolean)
        this.#pending = this.#pending.subarray(end + 1)
        if (words.length > 0) yield words
        continue
      }
      const read = parse(this.#pending, 0)
      if (!read) return
      this.#pending = this.#pending.subarray(read.next)
      if (Array.isArray(read.value)) yield read.value.map((word) => (typeof word === 'string' ? word : String(word ?? '')))
    }
  }

  replies(chunk: Buffer): RedisValue[] {
    this.#add(chunk)
    const replies: RedisValue[] = []
    for (let read = parse(this.#pending, 0); read; read = parse(this.#pending, 0)) {
      this.#pending = this.#pending.subarray(read.next)
      replies.push(read.value)
    }
    return replies
  }

  #add(chunk: Buffer): void {
    this.#pending = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk
    if (this.#pending.length > this.#maxBytes) throw new Error('too big bulk string')
  }
}

interface Read {
  value: RedisValue
  next: number
}

function parse(bytes: Buffer, at: number, depth = 0): Read | undefined {
  const end = bytes.indexOf('\r\n', at)
  if (end < 0) return undefined
  if (depth > 8) throw new Error('too deep')
  const text = bytes.subarray(at + 1, end).toString()
  const next = end + 2
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case '+':
      return { value: { status: text }, next }
    case '-':
      return { value: { error: text }, next }
    case ':':
      return { value: Number(text), next }
    case '$': {
      const size = Number(text)
      if (size < 0) return { value: null, next }
      if (!Number.isInteger(size)) throw new Error('invalid bulk length')
      return bytes.length < next + size + 2 ? undefined : { value: bytes.subarray(next, next + size).toString(), next: next + size + 2 }
    }
    case '*':
      return parseArray(bytes, { count: Number(text), next, depth })
    default:
      throw new Error(`expected '$', got '${String.fromCharCode(bytes[at] ?? 0)}'`)
  }
}

function parseArray(bytes: Buffer, { count, next, depth }: { count: number; next: number; depth: number }): Read | undefined {
  if (!Number.isInteger(count) || count > 1_048_576) throw new Error('invalid multibulk length')
  const values: RedisValue[] = []
  let at = next
  for (let i = 0; i < count; i++) {
    const read = parse(bytes, at, depth + 1)
    if (!read) return undefined
    values.push(read.value ?? null)
    at = read.next
  }
  return { value: count < 0 ? null : values, next: at }
}

/** As redis-cli prints it: bare where it is piped, told apart on a terminal. */
export function showReply(reply: RedisValue, isRaw: boolean, indent = ''): string {
  if (reply === null || reply === undefined) return isRaw ? '' : '(nil)'
  if (typeof reply === 'number') return isRaw ? String(reply) : `(integer) ${reply}`
  if (typeof reply === 'string') return isRaw ? reply : JSON.stringify(reply)
  if (!Array.isArray(reply)) return 'error' in reply ? (isRaw ? reply.error : `(error) ${reply.error}`) : reply.status
  if (reply.length === 0) return isRaw ? '' : '(empty array)'
  return reply.map((each, i) => (isRaw ? showReply(each, true) : `${i > 0 ? indent : ''}${i + 1}) ${showReply(each, false, `${indent}   `)}`)).join('\n')
}
