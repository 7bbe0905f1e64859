/**
 * Schedules of cron jobs: five fields or a descriptor, as a set of values for each field.
 * Models the standard parser of github.com/robfig/cron/v3, its leniency and its error texts.
 */
import { parseDuration } from './go-duration.ts'
import { ParseError } from './parse-error.ts'
import { isTimeZone } from './time-zone.ts'

/** Bit n of a field is set when the value n fits. */
export interface CronFields {
  kind: 'fields'
  minute: bigint
  hour: bigint
  dayOfMonth: bigint
  month: bigint
  dayOfWeek: bigint
  /** A field given as `*` or `?`: days then must fit the other field alone. */
  anyDayOfMonth: boolean
  anyDayOfWeek: boolean
  timeZone?: string
}

export type CronSchedule = CronFields | { kind: 'every'; everyMs: number }

interface Bounds {
  min: number
  max: number
  names?: readonly string[]
}

const MINUTES: Bounds = { min: 0, max: 59 }
const HOURS: Bounds = { min: 0, max: 23 }
const DAYS_OF_MONTH: Bounds = { min: 1, max: 31 }
const MONTHS: Bounds = { min: 1, max: 12, names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] }
const DAYS_OF_WEEK: Bounds = { min: 0, max: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] }

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *', '@annually': '0 0 1 1 *', '@monthly': '0 0 1 * *', '@weekly': '0 0 * * 0', '@daily': '0 0 * * *', '@midnight': '0 0 * * *', '@hourly': '0 * * * *',
}

/** Throws ParseError. */
export function parseCron(text: string): CronSchedule {
  if (text === '') throw new ParseError('empty spec string')
  const { spec, timeZone } = splitTimeZone(text)
  if (spec.startsWith('@every ')) return { kind: 'every', everyMs: everyMs(spec) }
  const fields = DESCRIPTORS[spec] ?? spec
  if (fields.startsWith('@')) throw new ParseError(`unrecognized descriptor: ${spec}`)
  const parts = fields.split(/[\t\n\v\f\r \u0085\u00a0]+/).filter(Boolean)
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = ''] = parts
  if (parts.length !== 5) throw new ParseError(`expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`)
  const [m, h, dom, mon, dow] = [parseField(minute, MINUTES), parseField(hour, HOURS), parseField(dayOfMonth, DAYS_OF_MONTH), parseField(month, MONTHS), parseField(dayOfWeek, DAYS_OF_WEEK)]
  return {
    kind: 'fields', minute: m.bits, hour: h.bits, dayOfMonth: dom.bits, month: mon.bits, dayOfWeek: dow.bits, anyDayOfMonth: dom.isAny, anyDayOfWeek: dow.isAny,
    ...(timeZone === undefined ? {} : { timeZone }),
  }
}

function splitTimeZone(text: string): { spec: string; timeZone?: string } {
  if (!/^(CRON_)?TZ=/.test(text)) return { spec: text }
  const space = text.indexOf(' ')
  const from = text.indexOf('=') + 1
  // Upstream slices without looking, and reports the panic.
  if (space < 0) throw new ParseError(`invalid schedule format: runtime error: slice bounds out of range [:-1]`)
  const timeZone = text.slice(from, space)
  if (timeZone !== 'Local' && timeZone !== '' && !isTimeZone(timeZone)) throw new ParseError(`provided bad location ${timeZone}: unknown time zone ${timeZone}`)
  return { spec: text.slice(space).trim(), timeZone }
}

function everyMs(spec: string): number {
  try {
    return Math.max(1000, Number(parseDuration(spec.slice('@every '.length)) / 1_000_000_000n) * 1000)
  } catch (error) {
    if (error instanceof ParseError) throw new ParseError(`failed to parse duration ${spec}: ${error.message}`)
    throw error
  }
}

function parseField(text: string, bounds: Bounds): { bits: bigint; isAny: boolean } {
  let bits = 0n
  let isAny = false
  for (const expression of text.split(',').filter(Boolean)) {
    const range = parseRange(expression, bounds)
    for (let value = range.start; value <= range.end; value += range.step) bits |= 1n << BigInt(value)
    isAny ||= range.isAny
  }
  return { bits, isAny }
}

function parseRange(expression: string, bounds: Bounds): { start: number; end: number; step: number; isAny: boolean } {
  const [span = '', stepText, ...moreSteps] = expression.split('/')
  const [low = '', high, ...moreBounds] = span.split('-')
  const isStar = low === '*' || low === '?'
  let start = bounds.min
  let end = bounds.max
  if (!isStar) {
    start = parseValue(low, bounds)
    end = high === undefined ? start : parseValue(high, bounds)
    if (moreBounds.length) throw new ParseError(`too many hyphens: ${expression}`)
  }
  if (moreSteps.length) throw new ParseError(`too many slashes: ${expression}`)
  const step = stepText === undefined ? 1 : parseNumber(stepText)
  // "N/step" means "N-max/step".
  if (stepText !== undefined && high === undefined) end = bounds.max
  if (start < bounds.min) throw new ParseError(`beginning of range (${start}) below minimum (${bounds.min}): ${expression}`)
  if (end > bounds.max) throw new ParseError(`end of range (${end}) above maximum (${bounds.max}): ${expression}`)
  if (start > end) throw new ParseError(`beginning of range (${start}) beyond end of range (${end}): ${expression}`)
  if (step === 0) throw new ParseError(`step of range should be a positive number: ${expression}`)
  return { start, end, step, isAny: isStar && step === 1 }
}

function parseValue(text: string, { names }: Bounds): number {
  const named = text === '' ? -1 : (names?.indexOf(text.toLowerCase()) ?? -1)
  return named >= 0 ? named : parseNumber(text)
}

function parseNumber(text: string): number {
  const isInteger = /^[+-]?\d+$/.test(text)
  const value = Number(text)
  if (!isInteger || Math.abs(value) >= 2 ** 63) {
    throw new ParseError(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: ${isInteger ? 'value out of range' : 'invalid syntax'}`)
  }
  if (value < 0) throw new ParseError(`negative number (${value}) not allowed: ${text}`)
  return value
}
