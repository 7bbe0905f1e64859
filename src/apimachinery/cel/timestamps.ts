/** Timestamps as text, and their parts in a time zone. Models cel-go's common/types/timestamp.go. */
import { TIMESTAMP_OVERFLOW, makeTimestamp } from './functions-operators.ts'
import { Timestamp, type Value } from './values.ts'

const MILLION = 1_000_000n

export function floorMillis(nanos: bigint): number {
  return Number(nanos >= 0n ? nanos / MILLION : -((-nanos + MILLION - 1n) / MILLION))
}

/** RFC 3339, in UTC unless an offset was kept; with no more digits than needed. */
export function formatTimestamp({ nanos }: Timestamp): string {
  const millis = floorMillis(nanos)
  const date = new Date(millis)
  const seconds = `${String(date.getUTCFullYear()).padStart(4, '0')}-${date.toISOString().replace(/^[+-]?\d+-/, '').slice(0, 14)}`
  const fraction = String(((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, '0').replace(/0+$/, '')
  return `${seconds}${fraction ? `.${fraction}` : ''}Z`
}

const PATTERN = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:Z|([+-])(\d{2}):(\d{2}))$/

/** undefined: no RFC 3339 time. */
export function parseTimestamp(text: string): Value | undefined {
  const found = PATTERN.exec(text)
  if (!found) return undefined
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1, 7).map(Number)
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (month < 1 || month > 12 || day < 1 || date.getUTCDate() !== day || hours > 23 || minutes > 59 || seconds > 59) return undefined
  const [, , , , , , , fraction = '', sign, zoneHours = '0', zoneMinutes = '0'] = found
  if (Number(zoneHours) > 24 || Number(zoneMinutes) > 60) return undefined
  const offset = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === '-' ? -1 : 1)
  date.setUTCHours(hours, minutes, seconds)
  const result = BigInt(date.getTime() - offset * 60_000) * MILLION + BigInt(fraction.padEnd(9, '0').slice(0, 9) || '0')
  const made = makeTimestamp(result)
  return made instanceof Timestamp ? made : TIMESTAMP_OVERFLOW
}

const formats = new Map<string, Intl.DateTimeFormat | undefined>()
const MAX_FORMATS = 700

/** Go knows zones by the case of their letters; undefined: there is no such zone. */
function zoneFormat(timeZone: string): Intl.DateTimeFormat | undefined {
  if (formats.has(timeZone)) return formats.get(timeZone)
  let format: Intl.DateTimeFormat | undefined
  try {
    const options = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const
    format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', era: 'short', ...options })
  } catch {
    format = undefined
  }
  if (formats.size >= MAX_FORMATS) formats.clear()
  formats.set(timeZone, format)
  return format
}

/** The wall clock's time in a zone, as if it were UTC; a text is an error. */
export function inZone(nanos: bigint, zone: string): Date | { error: string } {
  const millis = floorMillis(nanos)
  const at = zone.indexOf(':')
  if (at < 0) {
    if (zone === '' || zone === 'UTC') return new Date(millis)
    const format = /^[A-Za-z0-9_+\-/]+$/.test(zone) && zone !== 'Local' ? zoneFormat(zone) : undefined
    return format ? wallClock(format, millis) : { error: `unknown time zone ${zone}` }
  }
  const [hours, minutes] = [zone.slice(0, at), zone.slice(at + 1)]
  for (const part of [hours, minutes]) if (!/^[+-]?\d+$/.test(part)) return { error: `strconv.Atoi: parsing "${part}": invalid syntax` }
  const offset = Number(hours) * 60 + (zone.startsWith('-') ? -Number(minutes) : Number(minutes))
  return new Date(millis + offset * 60_000)
}

function wallClock(format: Intl.DateTimeFormat, millis: number): Date {
  const parts = Object.fromEntries(format.formatToParts(new Date(millis)).map(({ type, value }) => [type, Number(value)]))
  const date = new Date(0)
  date.setUTCFullYear(parts['year'] ?? 1970, (parts['month'] ?? 1) - 1, parts['day'] ?? 1)
  date.setUTCHours(parts['hour'] ?? 0, parts['minute'] ?? 0, parts['second'] ?? 0, ((millis % 1000) + 1000) % 1000)
  return date
}
