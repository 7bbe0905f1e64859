/** Ranges of costs and sizes in unsigned 64 bits that do not overflow. Models SizeEstimate and CostEstimate of cel-go's checker/cost.go. */

export interface Range {
  readonly min: bigint
  readonly max: bigint
}
export type CostEstimate = Range

export const MAX_UINT64 = 2n ** 64n - 1n
export const UNKNOWN_SIZE: Range = { min: 0n, max: MAX_UINT64 }

const capped = (value: bigint): bigint => (value > MAX_UINT64 ? MAX_UINT64 : value)

export const fixed = (value: number | bigint): Range => ({ min: BigInt(value), max: BigInt(value) })
export const add = (a: Range, b: Range): Range => ({ min: capped(a.min + b.min), max: capped(a.max + b.max) })
export const addSizes = add
export const multiply = (a: Range, b: Range): Range => ({ min: capped(a.min * b.min), max: capped(a.max * b.max) })
export const union = (a: Range, b: Range): Range => ({ min: a.min < b.min ? a.min : b.min, max: a.max > b.max ? a.max : b.max })

/** In doubles, as upstream reckons. */
export function scaleNumber(value: bigint, factor: number): bigint {
  const product = Number(value) * factor
  const rounded = Math.ceil(product)
  return rounded >= 2 ** 64 ? MAX_UINT64 : BigInt(rounded)
}
export const scale = (range: Range, factor: number): Range => ({ min: scaleNumber(range.min, factor), max: scaleNumber(range.max, factor) })
