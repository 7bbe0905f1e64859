/** Parts of timestamps and durations. Models cel-go's common/types/timestamp.go and duration.go. */
import { inZone } from './timestamps.ts'
import { CelError, Duration, NO_SUCH_OVERLOAD, Timestamp, type Value } from './values.ts'

const DAY_MS = 86_400_000

const dayOfYear = (date: Date): number => {
  const start = new Date(0)
  start.setUTCFullYear(date.getUTCFullYear(), 0, 1)
  return Math.floor((date.getTime() - start.getTime()) / DAY_MS)
}

const PARTS: Readonly<Record<string, (date: Date) => number>> = {
  year: (date) => date.getUTCFullYear(),
  month: (date) => date.getUTCMonth(),
  day_of_year: dayOfYear,
  day_of_month: (date) => date.getUTCDate() - 1,
  day_of_month_1_based: (date) => date.getUTCDate(),
  day_of_week: (date) => date.getUTCDay(),
  hours: (date) => date.getUTCHours(),
  minutes: (date) => date.getUTCMinutes(),
  seconds: (date) => date.getUTCSeconds(),
  milliseconds: (date) => date.getUTCMilliseconds(),
}

function partOf(part: (date: Date) => number): (...args: Value[]) => Value {
  return (time, zone = 'UTC') => {
    if (!(time instanceof Timestamp) || typeof zone !== 'string') return NO_SUCH_OVERLOAD
    const date = inZone(time.nanos, zone)
    return 'error' in date ? new CelError(date.error) : BigInt(part(date))
  }
}

const inUnits = (nanosPerUnit: bigint) => (value: Value = null): Value => (value instanceof Duration ? value.nanos / nanosPerUnit : NO_SUCH_OVERLOAD)

export const TIMES: Readonly<Record<string, (...args: Value[]) => Value>> = {
  ...Object.fromEntries(
    Object.entries(PARTS).flatMap(([name, part]) => {
      const run = partOf(part)
      return [
        [`timestamp_to_${name}`, run],
        [`timestamp_to_${name}${name === 'seconds' ? '_tz' : '_with_tz'}`, run],
      ]
    }),
  ),
  duration_to_hours: inUnits(3_600_000_000_000n),
  duration_to_minutes: inUnits(60_000_000_000n),
  duration_to_seconds: inUnits(1_000_000_000n),
  duration_to_milliseconds: inUnits(1_000_000n),
}
