/**
 * The values that expressions work with. Plain JavaScript where that is exact: bigint is int, number is double, Uint8Array is bytes.
 * An error is a value, too, for `||` and `&&` may swallow it. Models cel-go's common/types.
 */
import { formatGoDouble } from './go-numbers.ts'
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, ERROR, INT, LIST, MAP, NULL, OPTIONAL, STRING, TIMESTAMP, TYPE, CelType as Type, UINT } from './types.ts'

export class Uint {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

export class Duration {
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

export class Timestamp {
  /** Since 1970. */
  readonly nanos: bigint
  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

export class Optional {
  readonly value: Value | undefined
  constructor(value: Value | undefined) {
    this.value = value
  }
}
export const NONE = new Optional(undefined)

export class CelError {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}
export const NO_SUCH_OVERLOAD = new CelError('no such overload')

export abstract class ListValue {
  abstract readonly size: number
  /** Only called with an index within the list. */
  abstract at(index: number): Value
  /** Not an own kind of equality unless a schema says so. */
  equals(other: Value): Value {
    if (!(other instanceof ListValue) || other.size !== this.size) return false
    for (let i = 0; i < this.size; i++) {
      const same = equal(this.at(i), other.at(i))
      if (same !== true) return same
    }
    return true
  }
  add(other: ListValue): Value {
    return new NativeList([...toArray(this), ...toArray(other)])
  }
}

export class NativeList extends ListValue {
  readonly items: Value[]
  constructor(items: Value[]) {
    super()
    this.items = items
  }
  get size(): number {
    return this.items.length
  }
  at(index: number): Value {
    return this.items[index] ?? null
  }
}

export function toArray(list: ListValue): Value[] {
  if (list instanceof NativeList) return list.items
  return Array.from({ length: list.size }, (_, i) => list.at(i))
}

export abstract class MapValue {
  abstract readonly size: number
  abstract find(key: Value): Value | undefined
  abstract keys(): Iterable<Value>
  equals(other: Value): Value {
    if (!(other instanceof MapValue) || other.size !== this.size) return false
    for (const key of this.keys()) {
      const mine = this.find(key)
      const theirs = other.find(key)
      const same = mine === undefined || theirs === undefined ? mine === theirs : equal(mine, theirs)
      if (same !== true) return same
    }
    return true
  }
}

/** Numbers that are equal are one key, whatever their types. */
export function keyOf(key: Value): string | bigint | number | boolean | undefined {
  if (typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean') return key
  if (key instanceof Uint) return key.value
  if (typeof key === 'number') return Number.isInteger(key) ? BigInt(key) : key
  return undefined
}

export class NativeMap extends MapValue {
  readonly #entries = new Map<unknown, [Value, Value]>()

  get size(): number {
    return this.#entries.size
  }
  set(key: Value, value: Value): this {
    this.#entries.set(keyOf(key) ?? key, [key, value])
    return this
  }
  delete(key: Value): void {
    this.#entries.delete(keyOf(key) ?? key)
  }
  find(key: Value): Value | undefined {
    const plain = keyOf(key)
    return plain === undefined ? undefined : this.#entries.get(plain)?.[1]
  }
  *keys(): Iterable<Value> {
    for (const [key] of this.#entries.values()) yield key
  }
  static from(object: Readonly<Record<string, Value>>): NativeMap {
    const map = new NativeMap()
    for (const [key, value] of Object.entries(object)) map.set(key, value)
    return map
  }
}

/** Values of libraries: quantities, addresses, what the authorizer hands out. */
export abstract class OpaqueValue {
  abstract readonly type: CelType
  /** true, false or an error. */
  abstract equals(other: Value): Value
  /** For costs; undefined: it has no size. */
  readonly size: number | undefined = undefined
}

export type Literal = bigint | number | string | boolean | null | Uint | Uint8Array
export type Value = Literal | Duration | Timestamp | Optional | CelError | ListValue | MapValue | OpaqueValue | CelType

export function typeOfValue(value: Value): CelType {
  switch (typeof value) {
    case 'string':
      return STRING
    case 'bigint':
      return INT
    case 'number':
      return DOUBLE
    case 'boolean':
      return BOOL
  }
  if (value === null) return NULL
  if (value instanceof MapValue) return MAP
  if (value instanceof ListValue) return LIST
  if (value instanceof Uint) return UINT
  if (value instanceof Optional) return OPTIONAL
  if (value instanceof Timestamp) return TIMESTAMP
  if (value instanceof Duration) return DURATION
  if (value instanceof Uint8Array) return BYTES
  if (value instanceof Type) return TYPE
  return value instanceof OpaqueValue ? value.type : ERROR
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

/** A number whatever its type; NaN is none. */
const numberOf = (value: Value): bigint | number | undefined => {
  if (typeof value === 'bigint' || typeof value === 'number') return value
  return value instanceof Uint ? value.value : undefined
}

/** true, false, or an error from within. */
export function equal(a: Value, b: Value): Value {
  if (a instanceof CelError) return a
  if (b instanceof CelError) return b
  const left = numberOf(a)
  if (left !== undefined) {
    const right = numberOf(b)
    // Comparing a bigint with a number is exact; NaN is neither more nor less.
    return right !== undefined && left >= right && left <= right
  }
  if (typeof a !== 'object' || a === null) return a === b
  if (a instanceof ListValue || a instanceof MapValue || a instanceof OpaqueValue) return a.equals(b)
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos
  if (a instanceof Uint8Array) return b instanceof Uint8Array && sameBytes(a, b)
  if (a instanceof Type) return b instanceof Type && a.name === b.name
  if (!(a instanceof Optional) || !(b instanceof Optional)) return false
  if (a.value === undefined || b.value === undefined) return a.value === b.value
  return equal(a.value, b.value)
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** By code points, as Go's UTF-8 compares. */
function compareText(a: string, b: string): number {
  if (a === b) return 0
  const isPlain = !/[\ud800-\udfff]/.test(a) && !/[\ud800-\udfff]/.test(b)
  return isPlain ? (a < b ? -1 : 1) : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

const NOT_ORDERED = new CelError('NaN values cannot be ordered')

const order = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

/** Negative, zero or positive; an error where the two have no order. */
export function compare(a: Value, b: Value): number | CelError {
  const left = numberOf(a)
  if (left !== undefined) {
    const right = numberOf(b)
    if (right === undefined) return NO_SUCH_OVERLOAD
    if (Number.isNaN(left) || Number.isNaN(right)) return NOT_ORDERED
    return order<bigint | number>(left, right)
  }
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Timestamp && b instanceof Timestamp) return order(a.nanos, b.nanos)
  if (a instanceof Duration && b instanceof Duration) return order(a.nanos, b.nanos)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  return NO_SUCH_OVERLOAD
}

/** The number of code points, which is what size() and costs count. */
export function codePoints(text: string): number {
  let count = text.length
  for (let i = 0; i < text.length - 1; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0xd800 && code <= 0xdbff) {
      count--
      i++
    }
  }
  return count
}

/** What costs reckon with; 1 for what has no size. */
export function actualSize(value: Value): number {
  if (typeof value === 'string') return codePoints(value)
  if (value instanceof ListValue || value instanceof MapValue) return value.size
  if (value instanceof Uint8Array) return value.length
  if (value instanceof OpaqueValue) return value.size ?? 1
  if (value instanceof Optional && value.value !== undefined) return actualSize(value.value)
  return 1
}

/** As Go's %v shows it in error texts. */
export function show(value: Value): string {
  if (typeof value === 'number') return formatGoDouble(value)
  if (value instanceof Uint) return value.value.toString()
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `[${value.join(' ')}]`
  if (value instanceof CelError) return value.message
  if (value instanceof Type) return value.name
  if (value instanceof ListValue) return `[${toArray(value).map(show).join(', ')}]`
  if (value instanceof MapValue) return `{${[...value.keys()].map((key) => `${show(key)}: ${show(value.find(key) ?? null)}`).join(', ')}}`
  return typeof value === 'object' ? typeOfValue(value).name : String(value)
}
