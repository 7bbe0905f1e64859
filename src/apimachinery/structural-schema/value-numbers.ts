/** Bounds of numbers, with what upstream makes of bounds that are no integers. Models the numberValidator of k8s.io/kube-openapi/pkg/validation/validate. */
import type { Schema } from './schema.ts'
import { finding, goFloat, type Finding } from './value-findings.ts'

interface NumberPlace {
  path: string
  /** '' where several types are allowed. */
  type: string
  format: string
}

const MAX_INT64 = 2 ** 63
const MAX_FLOAT32 = 3.4028235677973366e38
const EPSILON = 1e-9

export function validateNumber(value: number, schema: Schema, place: NumberPlace): Finding[] {
  const { maximum, minimum, multipleOf, exclusiveMaximum = false, exclusiveMinimum = false } = schema
  const found = outOfRange(value, 'Checked', place)
  const constrain = (limit: number | undefined, what: string, judge: (value: number, limit: number, isInt: boolean) => Finding | undefined): void => {
    if (limit === undefined) return
    const unfit = outOfRange(limit, what, place)
    // integers are compared with the integer part of a limit that is fit
    const isInt = unfit.length === 0 && isInt64(value)
    const broken = judge(value, isInt ? Math.trunc(limit) : limit, isInt)
    found.push(...unfit, ...(broken ? [broken] : []))
  }
  const { path } = place
  const shown = (limit: number, isInt: boolean): string => (isInt ? BigInt(limit).toString() : goFloat(limit))
  constrain(multipleOf, 'MultipleOf', (v, factor, isInt) => {
    if (factor <= 0) return finding.factorNotPositive(path, shown(factor, isInt), factor)
    const isMultiple = isInt ? v % factor === 0 : isNearInteger(factor < 1 ? (1 / factor) * v : v / factor)
    return isMultiple ? undefined : finding.outOfBounds(path, `a multiple of ${shown(factor, isInt)}`, v)
  })
  constrain(minimum, 'Minimum boundary', (v, limit, isInt) =>
    v > limit || (v === limit && !exclusiveMinimum) ? undefined : finding.outOfBounds(path, `greater than ${exclusiveMinimum ? '' : 'or equal to '}${shown(limit, isInt)}`, v),
  )
  constrain(maximum, 'Maximum boundary', (v, limit, isInt) =>
    v < limit || (v === limit && !exclusiveMaximum) ? undefined : finding.outOfBounds(path, `less than ${exclusiveMaximum ? '' : 'or equal to '}${shown(limit, isInt)}`, v),
  )
  return found
}

const isInt64 = (value: number): boolean => Number.isInteger(value) && value >= -MAX_INT64 && value < MAX_INT64

function outOfRange(value: number, what: string, { path, type, format }: NumberPlace): Finding[] {
  if (fits(value, type, format)) return []
  return [finding.notOfRange(path, what, `${type} ${format ? `with format ${format}` : '(default format)'}`)]
}

function fits(value: number, type: string, format: string): boolean {
  if (type === 'integer') return isInt64(value) && (format !== 'int32' || (value >= -(2 ** 31) && value < 2 ** 31))
  return type !== 'number' || format !== 'float' || Math.abs(value) < MAX_FLOAT32
}

/** Whether a quotient is whole but for what floats lose. */
function isNearInteger(value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false
  const whole = Math.trunc(value)
  if (value === whole) return true
  if (whole === 0) return false
  return Math.abs(value - whole) / (Math.abs(value) + Math.abs(whole)) < EPSILON
}
