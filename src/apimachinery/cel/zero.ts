/** Whether a value is as good as none. Models IsZeroValue of cel-go's common/types. */
import { Duration, ListValue, MapValue, Optional, Timestamp, Uint, type Value } from './values.ts'

/** Midnight of the first day of year 1. */
const ZERO_TIME = -62_135_596_800_000_000_000n

export function isZero(value: Value): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true
  if (value instanceof ListValue || value instanceof MapValue) return value.size === 0
  if (value instanceof Uint) return value.value === 0n
  if (value instanceof Uint8Array) return value.length === 0
  if (value instanceof Duration) return value.nanos === 0n
  if (value instanceof Timestamp) return value.nanos === ZERO_TIME
  return value instanceof Optional && (value.value === undefined || isZero(value.value))
}
