/**
 * Times as the wire carries them: RFC 3339 text is checked, and refused in Go's words, and rewritten in UTC.
 * Models time.Parse for the two layouts of metav1.Time and metav1.MicroTime.
 */
import { ParseError } from './parse-error.ts'

const RFC3339 = '2006-01-02T15:04:05Z07:00'
const RFC3339_MICRO = '2006-01-02T15:04:05.000000Z07:00'

/** Already canonical, and of a day that is there every year. */
const CANONICAL = /^[1-9]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{6})?Z$/

/** The text of a metav1.Time; nothing for the zero time. Throws ParseError. */
export function canonicalTime(text: string): string | null {
  const canonical = CANONICAL.exec(text)
  if (canonical && canonical[1] === undefined) return text
  const { ms } = parse(text, RFC3339)
  return ms === ZERO_MS ? null : `${isoText(ms).slice(0, 19)}Z`
}

/** The text of a metav1.MicroTime, with six decimals; nothing for the zero time. Throws ParseError. */
export function canonicalMicroTime(text: string): string | null {
  if (CANONICAL.exec(text)?.[1] !== undefined) return text
  const { ms, nanos } = parse(text, RFC3339_MICRO)
  if (ms === ZERO_MS && nanos === 0) return null
  return `${isoText(ms).slice(0, 19)}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z`
}

const ZERO_MS = -62135596800000
const isoText = (ms: number): string => new Date(ms).toISOString()

interface Reading {
  layout: string
  text: string
  rest: string
}

function parse(text: string, layout: string): { ms: number; nanos: number } {
  const r: Reading = { layout, text, rest: text }
  const year = readYear(r)
  expect(r, '-')
  const month = readNumber(r, { as: '01', low: 1, high: 12, unit: 'month' })
  expect(r, '-')
  const day = readNumber(r, { as: '02', low: 0, high: 99, unit: 'day' })
  expect(r, 'T')
  const hour = readNumber(r, { as: '15', low: 0, high: 23, unit: 'hour', oneDigit: true })
  expect(r, ':')
  const minute = readNumber(r, { as: '04', low: 0, high: 59, unit: 'minute' })
  expect(r, ':')
  const second = readNumber(r, { as: '05', low: 0, high: 59, unit: 'second' })
  const nanos = layout === RFC3339_MICRO ? readMicros(r) : readFraction(r)
  const offsetSeconds = readZone(r)
  if (r.rest) throw new ParseError(`parsing time ${quoteASCII(text)}: extra text: ${quoteASCII(r.rest)}`)
  if (day < 1 || day > daysIn(year, month)) throw outOfRange(r, 'day')
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  return { ms: date.getTime() - offsetSeconds * 1000, nanos }
}

function readYear(r: Reading): number {
  const digits = r.rest.slice(0, 4)
  if (!/^\d{4}$/.test(digits)) throw cannotParse(r, r.rest, '2006')
  r.rest = r.rest.slice(4)
  return Number(digits)
}

function expect(r: Reading, literal: string): void {
  if (!r.rest.startsWith(literal)) throw cannotParse(r, r.rest, literal)
  r.rest = r.rest.slice(1)
}

function readNumber(r: Reading, { as, low, high, unit, oneDigit = false }: { as: string; low: number; high: number; unit: string; oneDigit?: boolean }): number {
  const digits = /^\d\d/.exec(r.rest)?.[0] ?? (oneDigit ? /^\d/.exec(r.rest)?.[0] : undefined)
  if (digits === undefined) throw cannotParse(r, r.rest, as)
  r.rest = r.rest.slice(digits.length)
  const value = Number(digits)
  if (value < low || value > high) throw outOfRange(r, unit)
  return value
}

/** A fraction that the layout does not have is taken all the same. */
function readFraction(r: Reading): number {
  const fraction = /^[.,](\d+)/.exec(r.rest)
  if (!fraction) return 0
  r.rest = r.rest.slice(fraction[0].length)
  return Number((fraction[1] ?? '').slice(0, 9).padEnd(9, '0'))
}

function readMicros(r: Reading): number {
  const fraction = /^[.,](\d{6})/.exec(r.rest)
  if (!fraction) throw cannotParse(r, r.rest, '.000000')
  r.rest = r.rest.slice(7)
  return Number(fraction[1]) * 1000
}

function readZone(r: Reading): number {
  const hold = r.rest
  if (hold.startsWith('Z')) {
    r.rest = hold.slice(1)
    return 0
  }
  const zone = /^([+-])(\d\d):(\d\d)/.exec(hold)
  if (!zone) throw cannotParse(r, hold, 'Z07:00')
  r.rest = hold.slice(6)
  const hours = Number(zone[2])
  const minutes = Number(zone[3])
  if (minutes > 60) throw outOfRange(r, 'time zone offset minute')
  if (hours > 24) throw outOfRange(r, 'time zone offset hour')
  return (zone[1] === '-' ? -60 : 60) * (hours * 60 + minutes)
}

const cannotParse = (r: Reading, value: string, as: string): ParseError =>
  new ParseError(`parsing time ${quoteASCII(r.text)} as ${quoteASCII(r.layout)}: cannot parse ${quoteASCII(value)} as ${quoteASCII(as)}`)
const outOfRange = (r: Reading, unit: string): ParseError => new ParseError(`parsing time ${quoteASCII(r.text)}: ${unit} out of range`)

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** How package time quotes: everything but printable ASCII as bytes in hexadecimal. */
export function quoteASCII(text: string): string {
  return `"${text.replace(/["\\]|[^\x20-\x7f]/gu, (c) => (c === '"' || c === '\\' ? `\\${c}` : [...Buffer.from(c)].map((b) => `\\x${b.toString(16).padStart(2, '0')}`).join('')))}"`
}
