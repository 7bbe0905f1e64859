/** Arithmetic and comparison on whatever values come, with cel-go's errors. Models the traits of cel-go's common/types. */
import { NO_SUCH_OVERLOAD, CelError, compare, Duration, equal, ListValue, MapValue, Timestamp, Uint, type Value } from './values.ts'

const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
const UINT64_MAX = 2n ** 64n - 1n
const NANOS = 1_000_000_000n
/** The years 1 to 9999, in seconds. */
const MIN_TIME = -62_135_596_800n
const MAX_TIME = 253_402_300_799n

export const INT_OVERFLOW = new CelError('integer overflow')
export const UINT_OVERFLOW = new CelError('unsigned integer overflow')
/** Upstream reckons durations as integers. */
export const DURATION_OVERFLOW = INT_OVERFLOW
export const TIMESTAMP_OVERFLOW = new CelError('timestamp overflow')

export const makeInt = (value: bigint): Value => (value > INT64_MAX || value < INT64_MIN ? INT_OVERFLOW : value)
export const makeUint = (value: bigint): Value => (value > UINT64_MAX || value < 0n ? UINT_OVERFLOW : new Uint(value))
export const makeDuration = (nanos: bigint): Value => (nanos > INT64_MAX || nanos < INT64_MIN ? DURATION_OVERFLOW : new Duration(nanos))

export function makeTimestamp(nanos: bigint): Value {
  const seconds = nanos >= 0n ? nanos / NANOS : -((-nanos + NANOS - 1n) / NANOS)
  return seconds < MIN_TIME || seconds > MAX_TIME ? TIMESTAMP_OVERFLOW : new Timestamp(nanos)
}

function add(a: Value, b: Value): Value | undefined {
  if (typeof a === 'bigint') return typeof b === 'bigint' ? makeInt(a + b) : NO_SUCH_OVERLOAD
  if (typeof a === 'string') return typeof b === 'string' ? a + b : NO_SUCH_OVERLOAD
  if (typeof a === 'number') return typeof b === 'number' ? a + b : NO_SUCH_OVERLOAD
  if (a instanceof ListValue) return b instanceof ListValue ? a.add(b) : NO_SUCH_OVERLOAD
  if (a instanceof Uint) return b instanceof Uint ? makeUint(a.value + b.value) : NO_SUCH_OVERLOAD
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? Uint8Array.from([...a, ...b]) : NO_SUCH_OVERLOAD
  if (a instanceof Timestamp) return b instanceof Duration ? makeTimestamp(a.nanos + b.nanos) : NO_SUCH_OVERLOAD
  if (!(a instanceof Duration)) return undefined
  if (b instanceof Duration) return makeDuration(a.nanos + b.nanos)
  return b instanceof Timestamp ? makeTimestamp(a.nanos + b.nanos) : NO_SUCH_OVERLOAD
}

function subtract(a: Value, b: Value): Value | undefined {
  if (typeof a === 'bigint') return typeof b === 'bigint' ? makeInt(a - b) : NO_SUCH_OVERLOAD
  if (typeof a === 'number') return typeof b === 'number' ? a - b : NO_SUCH_OVERLOAD
  if (a instanceof Uint) return b instanceof Uint ? makeUint(a.value - b.value) : NO_SUCH_OVERLOAD
  if (a instanceof Duration) return b instanceof Duration ? makeDuration(a.nanos - b.nanos) : NO_SUCH_OVERLOAD
  if (!(a instanceof Timestamp)) return undefined
  if (b instanceof Duration) return makeTimestamp(a.nanos - b.nanos)
  return b instanceof Timestamp ? makeDuration(a.nanos - b.nanos) : NO_SUCH_OVERLOAD
}

function multiply(a: Value, b: Value): Value | undefined {
  if (typeof a === 'bigint') return typeof b === 'bigint' ? makeInt(a * b) : NO_SUCH_OVERLOAD
  if (typeof a === 'number') return typeof b === 'number' ? a * b : NO_SUCH_OVERLOAD
  if (a instanceof Uint) return b instanceof Uint ? makeUint(a.value * b.value) : NO_SUCH_OVERLOAD
  return undefined
}

function divide(a: Value, b: Value): Value | undefined {
  const byZero = new CelError('division by zero')
  if (typeof a === 'bigint') return typeof b !== 'bigint' ? NO_SUCH_OVERLOAD : b === 0n ? byZero : makeInt(a / b)
  if (typeof a === 'number') return typeof b === 'number' ? a / b : NO_SUCH_OVERLOAD
  if (a instanceof Uint) return !(b instanceof Uint) ? NO_SUCH_OVERLOAD : b.value === 0n ? byZero : new Uint(a.value / b.value)
  return undefined
}

function modulo(a: Value, b: Value): Value | undefined {
  const byZero = new CelError('modulus by zero')
  if (typeof a === 'bigint') {
    if (typeof b !== 'bigint') return NO_SUCH_OVERLOAD
    if (b === 0n) return byZero
    return a === INT64_MIN && b === -1n ? INT_OVERFLOW : a % b
  }
  if (a instanceof Uint) return !(b instanceof Uint) ? NO_SUCH_OVERLOAD : b.value === 0n ? byZero : new Uint(a.value % b.value)
  return undefined
}

function negate(a: Value): Value | undefined {
  if (typeof a === 'bigint') return makeInt(-a)
  if (typeof a === 'number') return -a
  if (typeof a === 'boolean') return !a
  return a instanceof Duration ? makeDuration(-a.nanos) : NO_SUCH_OVERLOAD
}

const isComparable = (a: Value): boolean =>
  ['string', 'bigint', 'number', 'boolean'].includes(typeof a) || a instanceof Uint || a instanceof Timestamp || a instanceof Duration || a instanceof Uint8Array

function ordered(holds: (order: number) => boolean): (a: Value, b: Value) => Value | undefined {
  return (a, b) => {
    if (!isComparable(a)) return undefined
    const result = compare(a, b)
    return typeof result === 'number' ? holds(result) : result
  }
}

export function contains(item: Value, container: Value): Value | undefined {
  if (container instanceof MapValue) {
    const found = container.find(item)
    return found instanceof CelError ? found : found !== undefined
  }
  if (!(container instanceof ListValue)) return NO_SUCH_OVERLOAD
  let error: CelError | undefined
  for (let i = 0; i < container.size; i++) {
    const same = equal(container.at(i), item)
    if (same === true) return true
    if (same instanceof CelError) error ??= NO_SUCH_OVERLOAD
  }
  return error ?? false
}

export function size(value: Value): Value | undefined {
  if (typeof value === 'string') return BigInt([...value].length)
  if (value instanceof Uint8Array) return BigInt(value.length)
  return value instanceof ListValue || value instanceof MapValue ? BigInt(value.size) : undefined
}

export const OPERATORS = {
  '_+_': add,
  '_-_': subtract,
  '_*_': multiply,
  '_/_': divide,
  '_%_': modulo,
  '-_': negate,
  '!_': (a: Value): Value | undefined => (typeof a === 'boolean' ? !a : NO_SUCH_OVERLOAD),
  '_<_': ordered((order) => order < 0),
  '_<=_': ordered((order) => order <= 0),
  '_>_': ordered((order) => order > 0),
  '_>=_': ordered((order) => order >= 0),
  '@in': contains,
  size,
}
