/** Values as the tables of cases write them. */
import { formatDuration } from '../../../src/apimachinery/go-duration.ts'
import { formatGoDouble } from '../../../src/apimachinery/cel/go-numbers.ts'
import { formatTimestamp } from '../../../src/apimachinery/cel/timestamps.ts'
import { CelType } from '../../../src/apimachinery/cel/types.ts'
import { Duration, ListValue, MapValue, Optional, Timestamp, toArray, typeOfValue, Uint, type Value } from '../../../src/apimachinery/cel/values.ts'
import { quote } from '../../../src/errors.ts'

export function show(value: Value): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return `d${formatGoDouble(value)}`
  if (value === null || typeof value !== 'object') return String(value)
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('hex')}`
  if (value instanceof Uint) return `${value.value}u`
  if (value instanceof Duration) return `dur:${formatDuration(value.nanos)}`
  if (value instanceof Timestamp) return `ts:${formatTimestamp(value)}`
  if (value instanceof CelType) return `type:${value.name}`
  if (value instanceof Optional) return value.value === undefined ? 'opt.none' : `opt(${show(value.value)})`
  if (value instanceof ListValue) return `[${toArray(value).map(show).join(',')}]`
  if (value instanceof MapValue) return `{${[...value.keys()].map((key) => `${show(key)}:${show(value.find(key) ?? null)}`).sort().join(',')}}`
  return typeOfValue(value).name
}
