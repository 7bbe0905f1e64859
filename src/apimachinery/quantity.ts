/**
 * Quantities ("100m", "1.5Gi"): parsing, canonical text and arithmetic, exact by BigInt. Objects carry quantities as
 * text, so every function here takes text as well as a parsed Quantity, and what was parsed is remembered.
 * Models k8s.io/apimachinery/pkg/api/resource.
 */
import { ParseError } from './parse-error.ts'
import { formatQuantity, parseQuantityText } from './quantity-text.ts'

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

/** `unscaled` × 10^`scale`; immutable. */
export interface Quantity {
  readonly unscaled: bigint
  readonly scale: number
  readonly format: QuantityFormat
  /** Upstream holds small values as an int64 and others as a decimal; the two round and overflow differently. */
  readonly isDecimal: boolean
  /** The text as it was given, where upstream takes it for canonical already. */
  readonly text?: string
}

export type QuantityLike = Quantity | string

/** Past this many texts the memory of parsed ones starts anew. */
const MAX_REMEMBERED = 20_000
const INT64_MAX = 2n ** 63n - 1n

function remembered<T>(make: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const found = known.get(text)
    if (found !== undefined) return found
    const made = make(text)
    if (known.size >= MAX_REMEMBERED) known.clear()
    known.set(text, made)
    return made
  }
}

/** Throws ParseError. */
export const parseQuantity: (text: string) => Quantity = remembered(parseQuantityText)
const valueOfText = remembered((text) => Number(scaledValue(parseQuantity(text), 0)))
const milliValueOfText = remembered((text) => Number(scaledValue(parseQuantity(text), -3)))
/** The text as a decode and encode of it gives; throws ParseError. */
export const canonicalQuantity: (text: string) => string = remembered((text) => formatQuantity(parseQuantity(text)))

const parsed = (q: QuantityLike): Quantity => (typeof q === 'string' ? parseQuantity(q) : q)

export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text)
    return true
  } catch (error) {
    if (error instanceof ParseError) return false
    throw error
  }
}

export function makeQuantity(value: bigint | number, format: QuantityFormat = 'DecimalSI', scale = 0): Quantity {
  return made(BigInt(value), scale, format)
}

export function makeMilliQuantity(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return makeQuantity(value, format, -3)
}

function made(unscaled: bigint, scale: number, format: QuantityFormat): Quantity {
  return { unscaled, scale, format, isDecimal: BigInt.asIntN(64, unscaled) !== unscaled }
}

/** In whole units, rounded away from zero. */
export function quantityValue(q: QuantityLike): number {
  return typeof q === 'string' ? valueOfText(q) : Number(scaledValue(q, 0))
}

/** In thousandths, rounded away from zero. */
export function quantityMilliValue(q: QuantityLike): number {
  return typeof q === 'string' ? milliValueOfText(q) : Number(scaledValue(q, -3))
}

export function quantityText(q: QuantityLike): string {
  return typeof q === 'string' ? canonicalQuantity(q) : formatQuantity(q)
}

export function quantitySign(q: QuantityLike): -1 | 0 | 1 {
  const { unscaled } = parsed(q)
  return unscaled === 0n ? 0 : unscaled < 0n ? -1 : 1
}

export function isZeroQuantity(q: QuantityLike): boolean {
  return parsed(q).unscaled === 0n
}

export function compareQuantities(a: QuantityLike, b: QuantityLike): -1 | 0 | 1 {
  const x = parsed(a)
  const y = parsed(b)
  const bySign = quantitySign(x) - quantitySign(y)
  if (bySign !== 0) return bySign < 0 ? -1 : 1
  if (x.unscaled === 0n) return 0
  // Sizes first, so that an absurd exponent is never multiplied out.
  const bySize = magnitude(x) - magnitude(y)
  const sign = quantitySign(x)
  if (bySize !== 0) return bySize < 0 === sign > 0 ? -1 : 1
  const scale = Math.min(x.scale, y.scale)
  const difference = rescaled(x, scale) - rescaled(y, scale)
  return difference === 0n ? 0 : difference < 0n ? -1 : 1
}

/** Takes the format of `b` where `a` is zero, as upstream does. */
export function addQuantities(a: QuantityLike, b: QuantityLike): Quantity {
  return sum(parsed(a), parsed(b), 1n)
}

/** Upstream adds what is negated, and the least int64 has no opposite. */
export function subtractQuantities(a: QuantityLike, b: QuantityLike): Quantity {
  const subtrahend = parsed(b)
  return sum(parsed(a), subtrahend, !subtrahend.isDecimal && subtrahend.unscaled === -(2n ** 63n) ? 1n : -1n)
}

export function multiplyQuantity(q: QuantityLike, factor: bigint | number): Quantity {
  const { unscaled, scale, format } = parsed(q)
  return made(unscaled * BigInt(factor), scale, format)
}

export function negateQuantity(q: QuantityLike): Quantity {
  const { unscaled, scale, format } = parsed(q)
  return made(-unscaled, scale, format)
}

/** An approximation, for ratios. */
export function quantityToNumber(q: QuantityLike): number {
  const { unscaled, scale } = parsed(q)
  return scale < 0 ? Number(unscaled) / 10 ** -scale : Number(unscaled) * 10 ** scale
}

function sum(a: Quantity, b: Quantity, sign: 1n | -1n): Quantity {
  const format = a.unscaled === 0n ? b.format : a.format
  if (b.unscaled === 0n) return made(a.unscaled, a.scale, format)
  if (a.unscaled === 0n) return made(sign * b.unscaled, b.scale, format)
  const scale = Math.min(a.scale, b.scale)
  return made(rescaled(a, scale) + sign * rescaled(b, scale), scale, format)
}

/** Exponents beyond this are cut off where they would have to be multiplied out. */
const MAX_SHIFT = 2000

function rescaled(q: Quantity, scale: number): bigint {
  return q.unscaled * 10n ** BigInt(Math.min(q.scale - scale, MAX_SHIFT))
}

function magnitude(q: Quantity): number {
  return (q.unscaled < 0n ? -q.unscaled : q.unscaled).toString().length + q.scale
}

/**
 * The quantity in units of 10^`scale` as an int64, rounded away from zero; what does not fit comes out as upstream's
 * arithmetic leaves it.
 */
export function scaledValue(q: QuantityLike, scale: number): bigint {
  const { unscaled, scale: own, isDecimal } = parsed(q)
  const shift = own - scale
  if (isDecimal) return scaledDecimal(unscaled, shift)
  if (shift >= 0) {
    const scaled = unscaled * 10n ** BigInt(Math.min(shift, 40))
    return scaled === BigInt.asIntN(64, scaled) || shift <= 3 || shift === 6 || shift === 9 ? BigInt.asIntN(64, scaled) : 0n
  }
  const divisor = 10n ** BigInt(Math.min(-shift, MAX_SHIFT))
  const rest = unscaled % divisor
  return unscaled / divisor + (rest === 0n ? 0n : rest > 0n ? 1n : -1n)
}

/** The decimal form wraps around, and adds one for a rest whatever the sign; big numbers it divides downwards before. */
function scaledDecimal(unscaled: bigint, shift: number): bigint {
  if (shift >= 0) return BigInt.asIntN(64, BigInt.asIntN(64, unscaled) * 10n ** BigInt(Math.min(shift, 64)))
  const divisor = 10n ** BigInt(Math.min(-shift, MAX_SHIFT))
  const isSmall = unscaled < INT64_MAX && -shift < 19
  const dividend = isSmall ? BigInt.asIntN(64, unscaled) : unscaled
  const rest = dividend % divisor
  const down = !isSmall && rest < 0n ? 1n : 0n
  return BigInt.asIntN(64, dividend / divisor - down + (rest === 0n ? 0n : 1n))
}

/** The text with anything finer than a thousandth rounded away from zero, as stored resource lists have it. */
export const roundUpToMilli: (text: string) => string = remembered((text) => {
  const q = parseQuantity(text)
  if (q.scale >= -3) return formatQuantity(q)
  const divisor = 10n ** BigInt(-3 - q.scale)
  const rest = q.unscaled % divisor
  const unscaled = q.unscaled / divisor + (rest === 0n ? 0n : rest > 0n ? 1n : -1n)
  return formatQuantity({ unscaled, scale: -3, format: q.format, isDecimal: q.isDecimal })
})
