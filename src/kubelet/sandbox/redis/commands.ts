/** The commands of Redis that programs and their tutorials use: texts, numbers, lists, hashes, sets, expiry. */
import type { Random } from '../../../clock.ts'
import { Pattern } from '../shell/pattern.ts'
import { failure, type Failure } from './protocol.ts'

export type RedisValue = string | number | null | undefined | { status: string } | Failure | RedisValue[]

type Stored = string | string[] | Map<string, string> | Set<string>

export interface Store {
  values: Map<string, Stored>
  expires: Map<string, number>
  channels: Map<string, Set<(channel: string, message: string) => void>>
  now(): number
  startedMs: number
  port: number
  random: Random
  holds(bytes: number): void
  shutdown?(): void
}

interface Command {
  least: number
  run(store: Store, args: string[]): RedisValue
}

const OK = { status: 'OK' }
const WRONG_TYPE = failure('WRONGTYPE Operation against a key holding the wrong kind of value')
const NOT_INTEGER = failure('ERR value is not an integer or out of range')

class WrongType extends Error {}

function read(store: Store, key: string): Stored | undefined {
  if ((store.expires.get(key) ?? Infinity) <= store.now()) {
    store.values.delete(key)
    store.expires.delete(key)
  }
  return store.values.get(key)
}

function text(store: Store, key: string): string | undefined {
  const value = read(store, key)
  if (value !== undefined && typeof value !== 'string') throw new WrongType()
  return value
}

function list(store: Store, key: string): string[] {
  const value = read(store, key) ?? []
  if (!Array.isArray(value)) throw new WrongType()
  return value
}

function hash(store: Store, key: string): Map<string, string> {
  const value = read(store, key) ?? new Map<string, string>()
  if (!(value instanceof Map)) throw new WrongType()
  return value
}

function set(store: Store, key: string): Set<string> {
  const value = read(store, key) ?? new Set<string>()
  if (!(value instanceof Set)) throw new WrongType()
  return value
}

function put(store: Store, key: string, value: Stored): void {
  store.holds(store.values.size * 64 + (typeof value === 'string' ? value.length : 0))
  if (typeof value !== 'string' && (Array.isArray(value) ? value.length : value.size) === 0) store.values.delete(key)
  else store.values.set(key, value)
}

function remove(store: Store, key: string): boolean {
  const had = read(store, key) !== undefined
  store.values.delete(key)
  store.expires.delete(key)
  return had
}

function setText(store: Store, [key = '', value = '', ...options]: string[]): RedisValue {
  const upper = options.map((o) => o.toUpperCase())
  const has = read(store, key) !== undefined
  const old = upper.includes('GET') ? (text(store, key) ?? null) : undefined
  if ((upper.includes('NX') && has) || (upper.includes('XX') && !has)) return old ?? null
  put(store, key, value)
  if (!upper.includes('KEEPTTL')) store.expires.delete(key)
  for (const [unit, ms] of [['EX', 1000], ['PX', 1]] as const) {
    const at = upper.indexOf(unit)
    if (at >= 0) store.expires.set(key, store.now() + Number(options[at + 1]) * ms)
  }
  return upper.includes('GET') ? old : OK
}

function add(store: Store, key: string, by: number): RedisValue {
  const value = Number(text(store, key) ?? '0') + by
  if (!Number.isSafeInteger(value)) return NOT_INTEGER
  put(store, key, String(value))
  return value
}

/** From and to, both in, negative ones from the end. */
function range(values: readonly string[], from: number, to: number): string[] {
  const at = (i: number) => (i < 0 ? Math.max(0, values.length + i) : i)
  return values.slice(at(from), to < 0 ? values.length + to + 1 : to + 1)
}

function push(store: Store, [key = '', ...values]: string[], isLeft: boolean): RedisValue {
  const known = list(store, key)
  put(store, key, isLeft ? [...values.reverse(), ...known] : [...known, ...values])
  return known.length + values.length
}

function pop(store: Store, [key = '', count]: string[], isLeft: boolean): RedisValue {
  const known = [...list(store, key)]
  const n = count === undefined ? 1 : Number(count)
  const taken = isLeft ? known.splice(0, n) : known.splice(Math.max(0, known.length - n)).reverse()
  put(store, key, known)
  return count === undefined ? (taken[0] ?? null) : taken
}

function info({ values, now, startedMs, port }: Store): string {
  const rows = ['# Server', 'redis_version:7.4.6', 'redis_mode:standalone', 'os:Linux x86_64', `tcp_port:${port}`, `uptime_in_seconds:${Math.floor((now() - startedMs) / 1000)}`, '', '# Clients', 'connected_clients:1', '', '# Memory', 'used_memory:1048576', 'used_memory_human:1.00M', '', '# Persistence', 'loading:0', '', '# Replication', 'role:master', 'connected_slaves:0', 'master_repl_offset:0', '', '# Keyspace', ...(values.size > 0 ? [`db0:keys=${values.size},expires=0,avg_ttl=0`] : [])]
  return rows.map((row) => `${row}\r\n`).join('')
}

function ttl(store: Store, key: string, unit: number): number {
  if (read(store, key) === undefined) return -2
  const at = store.expires.get(key)
  return at === undefined ? -1 : Math.ceil((at - store.now()) / unit)
}

function expire(store: Store, key: string, atMs: number): number {
  if (read(store, key) === undefined) return 0
  store.expires.set(key, atMs)
  return 1
}

const TABLE: Readonly<Record<string, readonly [least: number, run: (store: Store, args: string[]) => RedisValue]>> = {
  PING: [0, (_, [message]) => message ?? { status: 'PONG' }],
  ECHO: [1, (_, [message]) => message],
  HELLO: [0, () => ['server', 'redis', 'version', '7.4.6', 'proto', 2, 'id', 1, 'mode', 'standalone', 'role', 'master', 'modules', []]],
  SELECT: [1, () => OK],
  CLIENT: [1, (_, [what = '']) => (/^(?:id)$/i.test(what) ? 1 : /^(?:list|info)$/i.test(what) ? 'id=1 addr=127.0.0.1:0 name= db=0' : /^getname$/i.test(what) ? '' : OK)],
  COMMAND: [0, (_, [what = '']) => (/^count$/i.test(what) ? commands.size : [])],
  CONFIG: [1, (_, [what = '', name = '']) => (/^get$/i.test(what) ? (/^(?:maxmemory|save|appendonly)$/i.test(name) ? [name, name === 'appendonly' ? 'no' : name === 'maxmemory' ? '0' : ''] : []) : OK)],
  INFO: [0, (store) => info(store)],
  ROLE: [0, () => ['master', 0, []]],
  TIME: [0, ({ now }) => [String(Math.floor(now() / 1000)), String((now() % 1000) * 1000)]],
  DBSIZE: [0, ({ values }) => values.size],
  FLUSHALL: [0, ({ values, expires }) => (values.clear(), expires.clear(), OK)],
  FLUSHDB: [0, ({ values, expires }) => (values.clear(), expires.clear(), OK)],
  SAVE: [0, () => OK],
  BGSAVE: [0, () => ({ status: 'Background saving started' })],
  LASTSAVE: [0, ({ startedMs }) => Math.floor(startedMs / 1000)],
  SHUTDOWN: [0, (store) => (store.shutdown?.(), undefined)],
  REPLICAOF: [2, () => OK],
  SLAVEOF: [2, () => OK],
  WAIT: [2, () => 0],
  SET: [2, setText],
  SETNX: [2, (store, [key = '', value = '']) => (read(store, key) === undefined ? (put(store, key, value), 1) : 0)],
  SETEX: [3, (store, [key = '', seconds = '', value = '']) => setText(store, [key, value, 'EX', seconds])],
  GET: [1, (store, [key = '']) => text(store, key) ?? null],
  GETSET: [2, (store, [key = '', value = '']) => setText(store, [key, value, 'GET'])],
  GETDEL: [1, (store, [key = '']) => { const value = text(store, key) ?? null; remove(store, key); return value }],
  MGET: [1, (store, keys) => keys.map((key) => { const value = read(store, key); return typeof value === 'string' ? value : null })],
  MSET: [2, (store, args) => { for (let i = 0; i + 1 < args.length; i += 2) put(store, args[i] ?? '', args[i + 1] ?? ''); return OK }],
  APPEND: [2, (store, [key = '', value = '']) => { const whole = (text(store, key) ?? '') + value; put(store, key, whole); return whole.length }],
  STRLEN: [1, (store, [key = '']) => (text(store, key) ?? '').length],
  INCR: [1, (store, [key = '']) => add(store, key, 1)],
  DECR: [1, (store, [key = '']) => add(store, key, -1)],
  INCRBY: [2, (store, [key = '', by]) => add(store, key, Number(by))],
  DECRBY: [2, (store, [key = '', by]) => add(store, key, -Number(by))],
  DEL: [1, (store, keys) => keys.filter((key) => remove(store, key)).length],
  UNLINK: [1, (store, keys) => keys.filter((key) => remove(store, key)).length],
  EXISTS: [1, (store, keys) => keys.filter((key) => read(store, key) !== undefined).length],
  TYPE: [1, (store, [key = '']) => { const value = read(store, key); return { status: value === undefined ? 'none' : typeof value === 'string' ? 'string' : Array.isArray(value) ? 'list' : value instanceof Set ? 'set' : 'hash' } }],
  KEYS: [1, (store, [pattern = '*']) => { const p = new Pattern(pattern); return [...store.values.keys()].filter((key) => p.matches(key) && read(store, key) !== undefined) }],
  SCAN: [1, (store, args) => { const at = args.findIndex((a) => /^match$/i.test(a)); const p = new Pattern(at < 0 ? '*' : (args[at + 1] ?? '*')); return ['0', [...store.values.keys()].filter((key) => p.matches(key))] }],
  RENAME: [2, (store, [from = '', to = '']) => { const value = read(store, from); if (value === undefined) return failure('ERR no such key'); remove(store, from); put(store, to, value); return OK }],
  EXPIRE: [2, (store, [key = '', seconds]) => expire(store, key, store.now() + Number(seconds) * 1000)],
  PEXPIRE: [2, (store, [key = '', ms]) => expire(store, key, store.now() + Number(ms))],
  PERSIST: [1, (store, [key = '']) => (store.expires.delete(key) ? 1 : 0)],
  TTL: [1, (store, [key = '']) => ttl(store, key, 1000)],
  PTTL: [1, (store, [key = '']) => ttl(store, key, 1)],
  LPUSH: [2, (store, args) => push(store, args, true)],
  RPUSH: [2, (store, args) => push(store, args, false)],
  LPOP: [1, (store, args) => pop(store, args, true)],
  RPOP: [1, (store, args) => pop(store, args, false)],
  LLEN: [1, (store, [key = '']) => list(store, key).length],
  LRANGE: [3, (store, [key = '', from, to]) => range(list(store, key), Number(from), Number(to))],
  LINDEX: [2, (store, [key = '', at]) => list(store, key).at(Number(at)) ?? null],
  LTRIM: [3, (store, [key = '', from, to]) => (put(store, key, range(list(store, key), Number(from), Number(to))), OK)],
  HSET: [3, (store, [key = '', ...pairs]) => { const known = new Map(hash(store, key)); const before = known.size; for (let i = 0; i + 1 < pairs.length; i += 2) known.set(pairs[i] ?? '', pairs[i + 1] ?? ''); put(store, key, known); return known.size - before }],
  HGET: [2, (store, [key = '', field = '']) => hash(store, key).get(field) ?? null],
  HGETALL: [1, (store, [key = '']) => [...hash(store, key)].flat()],
  HDEL: [2, (store, [key = '', ...fields]) => { const known = new Map(hash(store, key)); const gone = fields.filter((f) => known.delete(f)).length; put(store, key, known); return gone }],
  HKEYS: [1, (store, [key = '']) => [...hash(store, key).keys()]],
  HLEN: [1, (store, [key = '']) => hash(store, key).size],
  HEXISTS: [2, (store, [key = '', field = '']) => (hash(store, key).has(field) ? 1 : 0)],
  HINCRBY: [3, (store, [key = '', field = '', by]) => { const known = new Map(hash(store, key)); const value = Number(known.get(field) ?? '0') + Number(by); known.set(field, String(value)); put(store, key, known); return value }],
  SADD: [2, (store, [key = '', ...members]) => { const known = new Set(set(store, key)); const before = known.size; for (const member of members) known.add(member); put(store, key, known); return known.size - before }],
  SREM: [2, (store, [key = '', ...members]) => { const known = new Set(set(store, key)); const gone = members.filter((m) => known.delete(m)).length; put(store, key, known); return gone }],
  SMEMBERS: [1, (store, [key = '']) => [...set(store, key)]],
  SISMEMBER: [2, (store, [key = '', member = '']) => (set(store, key).has(member) ? 1 : 0)],
  SCARD: [1, (store, [key = '']) => set(store, key).size],
  PUBLISH: [2, ({ channels }, [channel = '', message = '']) => { const known = channels.get(channel) ?? new Set(); for (const tell of known) tell(channel, message); return known.size }],
}

export const commands: ReadonlyMap<string, Command> = new Map(Object.entries(TABLE).map(([name, [least, run]]) => [name, { least, run: guarded(run) }]))

function guarded(run: Command['run']): Command['run'] {
  return (store, args) => {
    try {
      return run(store, args)
    } catch (error) {
      if (error instanceof WrongType) return WRONG_TYPE
      throw error
    }
  }
}
