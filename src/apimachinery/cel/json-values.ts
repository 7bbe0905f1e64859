/** Plain JSON as expressions see it without a schema, and values as JSON. Models the default type adapter of cel-go's common/types and its ConvertToNative for JSON. */
import { isRecord } from '../json.ts'
import { PatchObject } from './patch-types.ts'
import { CelType } from './types.ts'
import { CelError, Duration, ListValue, MapValue, Optional, Timestamp, toArray, Uint, type Value } from './values.ts'

export function jsonValue(value: unknown): Value {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return new JSONList(value)
  return isRecord(value) ? new JSONMap(value) : null
}

class JSONList extends ListValue {
  readonly #items: readonly unknown[]
  constructor(items: readonly unknown[]) {
    super()
    this.#items = items
  }
  get size(): number {
    return this.#items.length
  }
  at(index: number): Value {
    return jsonValue(this.#items[index])
  }
}

/** Members that are undefined are not there. */
class JSONMap extends MapValue {
  readonly #members: Readonly<Record<string, unknown>>
  readonly #seen = new Map<string, Value>()
  #size: number | undefined
  constructor(members: Readonly<Record<string, unknown>>) {
    super()
    this.#members = members
  }
  get size(): number {
    return (this.#size ??= Object.values(this.#members).reduce<number>((n, value) => (value === undefined ? n : n + 1), 0))
  }
  find(key: Value): Value | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#members, key)) return undefined
    const known = this.#seen.get(key)
    if (known !== undefined) return known
    const raw = this.#members[key]
    if (raw === undefined) return undefined
    const value = jsonValue(raw)
    this.#seen.set(key, value)
    return value
  }
  *keys(): Iterable<Value> {
    for (const key of Object.keys(this.#members)) if (this.#members[key] !== undefined) yield key
  }
}

/** A value that JSON does not have. */
export class NotJSON extends Error {}

const SECOND = 1_000_000_000n

function secondsText(nanos: bigint): string {
  const sign = nanos < 0n ? '-' : ''
  const absolute = nanos < 0n ? -nanos : nanos
  const fraction = String(absolute % SECOND).padStart(9, '0').replace(/0+$/, '')
  return `${sign}${absolute / SECOND}${fraction ? `.${fraction}` : ''}s`
}

function timeText(nanos: bigint): string {
  const fraction = ((nanos % SECOND) + SECOND) % SECOND
  const date = new Date(Number((nanos - fraction) / 1_000_000n)).toISOString().slice(0, 19)
  return `${date}${fraction ? `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}` : ''}Z`
}

/** Past this, integers are text in JSON made of protobuf values. */
const MAX_SAFE = 2n ** 53n - 1n

const integer = (value: bigint): number | string => (value > MAX_SAFE || value < -MAX_SAFE ? String(value) : Number(value))

/** @throws NotJSON */
export function toJSON(value: Value): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint') return integer(value)
  if (value instanceof Uint) return integer(value.value)
  if (value instanceof ListValue) return toArray(value).map(toJSON)
  if (value instanceof MapValue) return Object.fromEntries([...value.keys()].map((key) => [keyText(key), toJSON(value.find(key) ?? null)]))
  if (value instanceof PatchObject) return Object.fromEntries([...value.fields].map(([name, field]) => [name, toJSON(field)]))
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Duration) return secondsText(value.nanos)
  if (value instanceof Timestamp) return timeText(value.nanos)
  if (value instanceof Optional) return value.value === undefined ? null : toJSON(value.value)
  if (value instanceof CelType) throw new NotJSON("type conversion not supported for 'type'")
  throw new NotJSON(value instanceof CelError ? value.message : `type conversion error from '${value.type.name.replace(/.*\./, '')}' to '*structpb.Value'`)
}

function keyText(key: Value): string {
  if (typeof key === 'string') return key
  if (typeof key === 'bigint' || typeof key === 'boolean') return String(key)
  if (key instanceof Uint) return String(key.value)
  throw new NotJSON('unsupported map key type')
}
