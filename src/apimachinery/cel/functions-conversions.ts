/** Conversions between types. Models ConvertToType of cel-go's common/types. */
import { parseDuration } from '../go-duration.ts'
import { ParseError } from '../parse-error.ts'
import { plain, formatG } from './go-numbers.ts'
import { INT_OVERFLOW, makeDuration, makeInt, makeTimestamp, TIMESTAMP_OVERFLOW, UINT_OVERFLOW } from './functions-operators.ts'
import { formatTimestamp, parseTimestamp } from './timestamps.ts'
import { CelError, Duration, NONE, Optional, Timestamp, typeOfValue, Uint, type Value } from './values.ts'
import { isZero } from './zero.ts'

const NANOS = 1_000_000_000n
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
const UINT64_MAX = 2n ** 64n - 1n

export const cannotConvert = (value: Value, to: string): CelError => new CelError(`type conversion error from '${typeOfValue(value).name}' to '${to}'`)

/** "1.5s": seconds, as Go's FormatFloat of them. */
export const durationText = ({ nanos }: Duration): string => `${plain(Number(nanos / NANOS) + Number(nanos % NANOS) / 1e9)}s`

export function toText(value: Value): Value {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatG(value)
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Uint) return value.value.toString()
  if (value instanceof Duration) return durationText(value)
  if (value instanceof Timestamp) return formatTimestamp(value)
  if (!(value instanceof Uint8Array)) return cannotConvert(value, 'string')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
  } catch {
    return new CelError('invalid UTF-8 in bytes, cannot convert to string')
  }
}

function textToInt(text: string): Value {
  const value = /^[+-]?[0-9]+$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined
  return value === undefined || value > INT64_MAX || value < INT64_MIN ? cannotConvert(text, 'int') : value
}

function textToUint(text: string): Value {
  const value = /^[0-9]+$/.test(text) ? BigInt(text) : undefined
  return value === undefined || value > UINT64_MAX ? cannotConvert(text, 'uint') : new Uint(value)
}

export function textToDouble(text: string): Value {
  if (/^[+-]?(inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return NaN
  const isDecimal = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(text)
  const value = isDecimal ? Number(text) : NaN
  return Number.isFinite(value) ? value : cannotConvert(text, 'double')
}

const BOOLS: Readonly<Record<string, boolean>> = { 1: true, t: true, T: true, TRUE: true, true: true, True: true, 0: false, f: false, F: false, FALSE: false, false: false, False: false }

function textToDuration(text: string): Value {
  try {
    return makeDuration(parseDuration(text))
  } catch (error) {
    if (error instanceof ParseError) return cannotConvert(text, 'google.protobuf.Duration')
    throw error
  }
}

function doubleToInt(value: number): Value {
  return Number.isNaN(value) || value >= 2 ** 63 || value <= -(2 ** 63) ? INT_OVERFLOW : BigInt(Math.trunc(value))
}

function doubleToUint(value: number): Value {
  return Number.isNaN(value) || value < 0 || value >= 2 ** 64 ? UINT_OVERFLOW : new Uint(BigInt(Math.trunc(value)))
}

const same = (value: Value): Value => value
const epoch = (value: Value): Value => {
  if (!(value instanceof Timestamp)) return cannotConvert(value, 'int')
  return value.nanos >= 0n ? value.nanos / NANOS : -((-value.nanos + NANOS - 1n) / NANOS)
}
const ofText = (convert: (text: string) => Value) => (value: Value): Value => convert(String(value))
const uintValue = (value: Value): bigint => (value instanceof Uint ? value.value : 0n)

export const CONVERSIONS: Readonly<Record<string, (...args: Value[]) => Value>> = {
  type: typeOfValue,
  to_dyn: same,
  bool_to_bool: same,
  string_to_bool: ofText((text) => (Object.hasOwn(BOOLS, text) ? (BOOLS[text] ?? false) : cannotConvert(text, 'bool'))),
  bytes_to_bytes: same,
  string_to_bytes: ofText((text) => new TextEncoder().encode(text)),
  double_to_double: same,
  int64_to_double: (value = 0n) => Number(value),
  uint64_to_double: (value = 0n) => Number(uintValue(value)),
  string_to_double: ofText(textToDouble),
  duration_to_duration: same,
  int64_to_duration: (value = 0n) => (typeof value === 'bigint' ? makeDuration(value) : INT_OVERFLOW),
  string_to_duration: ofText(textToDuration),
  int64_to_int64: same,
  double_to_int64: (value = 0) => doubleToInt(Number(value)),
  duration_to_int64: (value = null) => (value instanceof Duration ? value.nanos : INT_OVERFLOW),
  string_to_int64: ofText(textToInt),
  timestamp_to_int64: epoch,
  uint64_to_int64: (value = 0n) => makeInt(uintValue(value)),
  uint64_to_uint64: same,
  double_to_uint64: (value = 0) => doubleToUint(Number(value)),
  int64_to_uint64: (value = 0n) => (typeof value === 'bigint' && value >= 0n ? new Uint(value) : UINT_OVERFLOW),
  string_to_uint64: ofText(textToUint),
  ...Object.fromEntries(['string', 'bool', 'bytes', 'double', 'duration', 'int64', 'timestamp', 'uint64'].map((from) => [`${from}_to_string`, toText])),
  timestamp_to_timestamp: same,
  int64_to_timestamp: (value = 0n) => (typeof value === 'bigint' ? makeTimestamp(value * NANOS) : TIMESTAMP_OVERFLOW),
  string_to_timestamp: ofText((text) => parseTimestamp(text) ?? cannotConvert(text, 'google.protobuf.Timestamp')),
  optional_none: () => NONE,
  optional_of: (value = null) => new Optional(value),
  optional_ofNonZeroValue: (value = null) => (isZero(value) ? NONE : new Optional(value)),
  optional_value: (value = null) => (value instanceof Optional && value.value !== undefined ? value.value : new CelError('optional.none() dereference')),
  optional_hasValue: (value = null) => value instanceof Optional && value.value !== undefined,
}
