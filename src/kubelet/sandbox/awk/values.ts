/** What awk's variables hold: numbers, texts, and texts of the input that look like numbers. Models XCU awk, Expressions. */

import { general } from '../printf.ts'

/** Of the input: compared as a number where the other side is one as well. */
export class Numeric {
  readonly text: string
  readonly value: number

  constructor(text: string, value: number) {
    this.text = text
    this.value = value
  }
}

/** Undefined has not been set: '' and 0. */
export type Value = string | number | Numeric | undefined

const NUMBER = /^\s*[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|0[xX][\da-fA-F]+)\s*$/
const PREFIX = /^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)/

export function fromInput(text: string): Value {
  return NUMBER.test(text) ? new Numeric(text, Number(text)) : text
}

export function numberOf(value: Value): number {
  if (typeof value === 'number') return value
  if (value instanceof Numeric) return value.value
  return value === undefined ? 0 : Number(PREFIX.exec(value)?.[1] ?? 0)
}

export function textOf(value: Value, format = '%.6g'): string {
  if (typeof value === 'string') return value
  if (value instanceof Numeric) return value.text
  if (value === undefined) return ''
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? String(value) : formatNumber(value, format)
}

function formatNumber(value: number, format: string): string {
  const [, digits = '6', conversion = 'g'] = /^%\.?(\d*)([gf])$/.exec(format) ?? []
  return conversion === 'f' && Number.isFinite(value) ? value.toFixed(Math.min(100, Number(digits))) : general(value, Number(digits))
}

export function isTrue(value: Value): boolean {
  if (value instanceof Numeric) return value.value !== 0
  return typeof value === 'number' ? value !== 0 : value !== undefined && value !== ''
}

/** Negative, zero or positive. */
export function compare(a: Value, b: Value): number {
  const isNumber = (v: Value) => typeof v !== 'string'
  if (isNumber(a) && isNumber(b)) return numberOf(a) - numberOf(b)
  const [left, right] = [textOf(a), textOf(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
