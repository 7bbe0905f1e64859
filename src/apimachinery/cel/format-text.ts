/** `'%s and %d'.format([…])`. Models cel-go's ext/formatting.go. */
import { quote as quoteGo } from '../../errors.ts'
import { textToDouble, toText } from './functions-conversions.ts'
import { CelError, Duration, ListValue, MapValue, Timestamp, toArray, typeOfValue, Uint, type Value } from './values.ts'
import { CelType } from './types.ts'

const DEFAULT_PRECISION = 6
const MAX_PRECISION = 1000

class FormatFailure extends Error {}
const fail = (message: string): never => {
  throw new FormatFailure(message)
}

export const CLAUSE_ERRORS: Readonly<Record<string, string>> = {
  s: 'string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ',
  d: 'decimal clause can only be used on integers, was given ',
  f: 'fixed-point clause can only be used on doubles, was given ',
  e: 'scientific clause can only be used on doubles, was given ',
  b: 'only integers and bools can be formatted as binary, was given ',
  x: 'only integers, byte buffers, and strings can be formatted as hex, was given ',
  o: 'octal clause can only be used on integers, was given ',
}

export const refuse = (clause: string, type: CelType): never => fail(`error during formatting: ${CLAUSE_ERRORS[clause.toLowerCase()] ?? ''}${type.name}`)

const integerOf = (value: Value): bigint | undefined => (typeof value === 'bigint' ? value : value instanceof Uint ? value.value : undefined)

/** A value within a list or a map. */
function formatMember(value: Value): string {
  if (typeof value === 'string') return quoteGo(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value.toFixed(DEFAULT_PRECISION) : quoteGo(nonFinite(value))
  if (value instanceof Uint8Array) return `b${quoteGo(String(toText(value)))}`
  if (value instanceof Timestamp) return `timestamp(${quoteGo(String(toText(value)))})`
  if (value instanceof Duration) return `duration(${quoteGo(String(toText(value)))})`
  if (integerOf(value) === undefined && !isStringable(value)) return fail(`error during formatting: no formatting function for ${typeOfValue(value).name}`)
  return formatString(value)
}

const nonFinite = (value: number): string => (Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf')

const isStringable = (value: Value): boolean =>
  value === null || typeof value === 'boolean' || value instanceof CelType || value instanceof ListValue || value instanceof MapValue

function formatMap(map: MapValue): string {
  const pairs: [string, string][] = []
  for (const key of map.keys()) {
    if (typeof key !== 'string' && typeof key !== 'boolean' && integerOf(key) === undefined) {
      fail(`error during formatting: no formatting function for map key of type ${typeOfValue(key).name}`)
    }
    pairs.push([typeof key === 'string' ? quoteGo(key) : formatString(key), formatMember(map.find(key) ?? null)])
  }
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${pairs.map(([key, value]) => `${key}:${value}`).join(', ')}}`
}

function formatString(value: Value): string {
  if (value === null) return 'null'
  if (value instanceof ListValue) return `[${toArray(value).map(formatMember).join(', ')}]`
  if (value instanceof MapValue) return formatMap(value)
  if (value instanceof CelType) return value.name
  const text = toText(value)
  if (typeof text === 'string') return text
  return value instanceof Uint8Array ? fail('error during formatting: could not convert argument "invalid UTF-8 in bytes, cannot convert to string" to string') : refuse('s', typeOfValue(value))
}

function doubleOf(clause: string, value: Value): number {
  const isNamed = value === 'NaN' || value === 'Infinity' || value === '-Infinity'
  if (typeof value !== 'number' && !isNamed) refuse(clause, typeOfValue(value))
  return Number(isNamed ? textToDouble(String(value)) : value)
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/** As an American writes it: thousands have commas. */
function formatFixed(value: number, precision: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞'
  return new Intl.NumberFormat('en-US', { minimumFractionDigits: Math.min(precision, 100), maximumFractionDigits: Math.min(precision, 100), roundingMode: 'halfEven' } as Intl.NumberFormatOptions).format(value)
}

function formatScientific(value: number, precision: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞'
  const [mantissa = '', power = '0'] = value.toExponential(Math.min(precision, 100)).split('e')
  const digits = power.replace(/^[+-]/, '').padStart(2, '0')
  const raised = [...digits].map((digit) => SUPERSCRIPTS[Number(digit)] ?? digit).join('')
  return `${mantissa}×10${power.startsWith('-') ? '⁻' : ''}${raised}`
}

function inBase(value: bigint, base: number): string {
  return value.toString(base)
}

function formatHex(clause: string, value: Value): string {
  const number = integerOf(value)
  const isText = typeof value === 'string' || value instanceof Uint8Array
  if (number === undefined && !isText) refuse('x', typeOfValue(value))
  const hex = number === undefined ? Buffer.from(value as string | Uint8Array as Uint8Array).toString('hex') : inBase(number, 16)
  return clause === 'X' ? hex.toUpperCase() : hex
}

function formatClause(clause: string, precision: number | undefined, value: Value): string {
  switch (clause) {
    case 's':
      return formatString(value)
    case 'd':
      return String(integerOf(value) ?? refuse('d', typeOfValue(value)))
    case 'f':
      return formatFixed(doubleOf('f', value), precision ?? DEFAULT_PRECISION)
    case 'e':
      return formatScientific(doubleOf('e', value), precision ?? DEFAULT_PRECISION)
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0'
      return inBase(integerOf(value) ?? refuse('b', typeOfValue(value)), 2)
    case 'x':
    case 'X':
      return formatHex(clause, value)
    default:
      return inBase(integerOf(value) ?? refuse('o', typeOfValue(value)), 8)
  }
}

/** Replaces each clause by what `format` makes of it and the argument at its place. */
export function eachClause(text: string, count: number, format: (clause: string, precision: number | undefined, index: number) => string): { text: string; used: number } {
  let used = 0
  const result = text.replace(/%(%|(?:\.([0-9]*))?([^]?))/gu, (_whole, rest: string, digits: string | undefined, clause: string) => {
    if (rest === '%') return '%'
    if (used >= count) return fail(`index ${used} out of range`)
    if (rest === '') return fail('unexpected end of string')
    if (digits !== undefined && clause === '') return fail('could not parse formatting clause: error while parsing precision: could not find end of precision specifier')
    if (digits === '') return fail('could not parse formatting clause: error while parsing precision: error while converting precision to integer: strconv.Atoi: parsing "": invalid syntax')
    if (!'sdfebxXo'.includes(clause)) return fail(`could not parse formatting clause: unrecognized formatting clause "${clause}"`)
    return format(clause, digits === undefined ? undefined : Math.min(Number(digits), MAX_PRECISION), used++)
  })
  return { text: result, used }
}

export function formatText(text: string, args: readonly Value[]): Value {
  try {
    return eachClause(text, args.length, (clause, precision, index) => formatClause(clause, precision, args[index] ?? null)).text
  } catch (error) {
    if (error instanceof FormatFailure) return new CelError(error.message)
    throw error
  }
}

export const isFormatFailure = (error: unknown): error is Error => error instanceof FormatFailure
