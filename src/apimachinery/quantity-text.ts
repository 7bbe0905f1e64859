/**
 * The two texts of a quantity: reading what a user wrote, printing the canonical form.
 * Models ParseQuantity and CanonicalizeBytes of k8s.io/apimachinery/pkg/api/resource/quantity.go and suffix.go.
 */
import { ParseError } from './parse-error.ts'
import type { Quantity, QuantityFormat } from './quantity.ts'

const WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const WRONG_NUMBER = 'unable to parse numeric part of quantity'
const WRONG_SUFFIX = "unable to parse quantity's suffix"

const DECIMAL_SUFFIXES = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const BINARY_SUFFIXES = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const MIN_DECIMAL_EXPONENT = -9
const INT64_MAX = 2n ** 63n - 1n

interface Suffix {
  format: QuantityFormat
  /** Of 2 for BinarySI, else of 10. */
  exponent: number
}

const SUFFIXES: ReadonlyMap<string, Suffix> = new Map<string, Suffix>([
  ...DECIMAL_SUFFIXES.map((s, i): [string, Suffix] => [s, { format: 'DecimalSI', exponent: MIN_DECIMAL_EXPONENT + 3 * i }]),
  ...BINARY_SUFFIXES.slice(1).map((s, i): [string, Suffix] => [s, { format: 'BinarySI', exponent: 10 * (i + 1) }]),
])

export function parseQuantityText(text: string): Quantity {
  const match = /^([+-]?)0*([0-9]*)(?:(\.)([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text)
  if (!match || text === '') throw new ParseError(WRONG_FORMAT)
  const [, sign, digits = '', dot, denominator = '', suffixText = ''] = match
  const integer = digits || '0'
  const { format, exponent } = suffix(suffixText)
  const negative = sign === '-'
  const small = format === 'BinarySI' ? smallBinary(integer, denominator, exponent) : smallDecimal(integer, denominator, exponent)
  if (small) {
    const unscaled = negative ? -small.unscaled : small.unscaled
    return { unscaled, scale: small.scale, format, isDecimal: false, ...(small.isCanonical ? { text } : {}) }
  }
  if (dot && !digits && !denominator && !/0\./.test(text)) throw new ParseError(WRONG_NUMBER)
  return rounded(BigInt(integer + denominator), denominator.length, { format, exponent, negative })
}

function suffix(text: string): Suffix {
  const known = SUFFIXES.get(text)
  if (known) return known
  if (!/^[eE][-+]?[0-9]+$/.test(text)) throw new ParseError(WRONG_SUFFIX)
  const exponent = BigInt(text.slice(1).replace('+', ''))
  if (exponent !== BigInt.asIntN(64, exponent)) throw new ParseError(WRONG_SUFFIX)
  return { format: 'DecimalExponent', exponent: Number(BigInt.asIntN(32, exponent)) }
}

interface Small {
  unscaled: bigint
  scale: number
  isCanonical: boolean
}

/** Numbers of at most 18 digits and no finer than nano stay exact, and their text may be kept. */
function smallDecimal(integer: string, denominator: string, exponent: number): Small | undefined {
  const scale = exponent - denominator.length
  if (integer.length + denominator.length > 18 || scale < MIN_DECIMAL_EXPONENT) return undefined
  const shifted = integer + denominator
  return { unscaled: BigInt(shifted), scale, isCanonical: scale % 3 === 0 && !shifted.endsWith('000') && !shifted.startsWith('0') }
}

function smallBinary(integer: string, denominator: string, exponent: number): Small | undefined {
  if (denominator !== '' || 15 - integer.length - Math.trunc(Math.fround(Math.fround(exponent) * 3) / 10) - 1 < 0) return undefined
  const value = BigInt(integer)
  return { unscaled: value << BigInt(exponent), scale: 0, isCanonical: (value & 7n) !== 0n }
}

/** Everything else: rounded up to nano, binary quantities capped at the largest int64. */
function rounded(digits: bigint, decimals: number, { format, exponent, negative }: Suffix & { negative: boolean }): Quantity {
  let unscaled = digits
  let scale = -decimals
  if (format === 'BinarySI') unscaled <<= BigInt(exponent)
  else scale += exponent
  if (scale < MIN_DECIMAL_EXPONENT && unscaled !== 0n) {
    const divisor = 10n ** BigInt(Math.min(MIN_DECIMAL_EXPONENT - scale, unscaled.toString().length + 1))
    unscaled = unscaled / divisor + (unscaled % divisor === 0n ? 0n : 1n)
    scale = MIN_DECIMAL_EXPONENT
  }
  let shown = format
  if (format === 'BinarySI' && unscaled !== 0n) {
    const one = 10n ** BigInt(-scale)
    if (unscaled > INT64_MAX * one) {
      unscaled = INT64_MAX
      scale = 0
    } else if (unscaled < one) shown = 'DecimalSI'
  }
  return { unscaled: negative ? -unscaled : unscaled, scale, format: shown, isDecimal: true }
}

export function formatQuantity(q: Quantity): string {
  if (q.text !== undefined) return q.text
  if (q.unscaled === 0n) return '0'
  if (q.format === 'BinarySI') {
    const whole = wholeUnits(q)
    if (whole !== undefined && (whole >= 1024n || whole <= -1024n)) return binaryText(whole)
  }
  return decimalText(q)
}

/** The value in whole units, or nothing when it has a fraction. */
function wholeUnits({ unscaled, scale }: Quantity): bigint | undefined {
  if (scale >= 0) return unscaled * 10n ** BigInt(Math.min(scale, 2000))
  const divisor = 10n ** BigInt(-scale)
  return unscaled % divisor === 0n ? unscaled / divisor : undefined
}

function binaryText(value: bigint): string {
  let mantissa = value
  let power = 0
  while (mantissa % 1024n === 0n) {
    mantissa /= 1024n
    power++
  }
  return `${mantissa}${BINARY_SUFFIXES[power] ?? ''}`
}

/** Exponents are multiples of three; one that has no suffix is left out, as upstream does. */
function decimalText({ unscaled, scale, format }: Quantity): string {
  const digits = unscaled.toString()
  const trimmed = digits.replace(/0+$/, '')
  const exponent = scale + digits.length - trimmed.length
  const excess = ((exponent % 3) + 3) % 3
  const mantissa = trimmed + '0'.repeat(excess)
  const power = exponent - excess
  if (format === 'DecimalExponent') return power === 0 ? mantissa : `${mantissa}e${power}`
  return mantissa + (DECIMAL_SUFFIXES[(power - MIN_DECIMAL_EXPONENT) / 3] ?? '')
}
