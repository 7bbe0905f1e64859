/** Numbers: the range of their type and format, and bounds. Models numberValidator of k8s.io/kube-openapi/pkg/validation/validate. */
import { field, goFloat } from '../../errors.ts'
import type { Schema } from './schema.ts'
import { Findings, invalidValue, isInteger, issueAt, issueWithoutPlace, typesOf, type Issue } from './validate.ts'

const FLOAT32_LIMIT = 3.4028235677973366e38
const FORMATS: Readonly<Record<string, readonly string[]>> = { integer: ['int32', 'int64'], number: ['float', 'double'] }

interface Range {
  type: string
  format: string
}

export function validateNumber(value: number, schema: Schema, path: string): Findings {
  const findings = new Findings()
  const range = rangeOf(schema)
  const outside = (number: number, what: string): boolean => {
    const text = rangeProblem(number, range, what, path)
    if (text) findings.add(issueWithoutPlace(text))
    return text !== undefined
  }
  outside(value, 'Checked')
  const { multipleOf, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema
  if (multipleOf !== undefined) {
    const factor = boundOf(multipleOf, value, outside(multipleOf, 'MultipleOf'))
    const wrong = multipleIssue(value, factor, path)
    if (wrong) findings.add(wrong)
  }
  if (minimum !== undefined) {
    const bound = boundOf(minimum, value, outside(minimum, 'Minimum boundary'))
    if (exclusiveMinimum ? value <= bound.value : value < bound.value) findings.add(wrongNumber(value, bound, path, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${bound.text}`))
  }
  if (maximum !== undefined) {
    const bound = boundOf(maximum, value, outside(maximum, 'Maximum boundary'))
    if (exclusiveMaximum ? value >= bound.value : value > bound.value) findings.add(wrongNumber(value, bound, path, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${bound.text}`))
  }
  findings.matches++
  return findings
}

/** The format counts only where the type is a single numeric one that knows it. */
function rangeOf(schema: Schema): Range {
  const [type = '', ...more] = typesOf(schema)
  if (more.length > 0 || (type !== 'integer' && type !== 'number')) return { type: '', format: '' }
  return { type, format: FORMATS[type]?.includes(schema.format ?? '') ? (schema.format ?? '') : '' }
}

function rangeProblem(value: number, { type, format }: Range, what: string, path: string): string | undefined {
  const fits = type === 'integer' ? isInteger(value) && (format !== 'int32' || value === (value | 0)) : format !== 'float' || Math.abs(value) < FLOAT32_LIMIT
  if (fits) return undefined
  return `${what} value must be of type ${type} ${format ? `with format ${format}` : '(default format)'} in ${path}`
}

interface Bound {
  value: number
  text: string
  /** Compared as integers, not as plain numbers. */
  isInteger: boolean
}

/** Integers are compared with the whole part of a bound, unless it does not fit their type. */
function boundOf(bound: number, value: number, isOutside: boolean): Bound {
  if (isOutside || !isInteger(value)) return { value: bound, text: goFloat(bound), isInteger: false }
  const whole = Math.trunc(bound)
  return { value: whole, text: String(BigInt(whole)), isInteger: true }
}

/** As a plain number the value is shown as one. */
function wrongNumber(value: number, bound: Bound, path: string, what: string): Issue {
  if (bound.isInteger) return invalidValue(path, value, what)
  const text = `${path} in body ${what}`
  return issueAt(path, text, (at) => ({ ...field.invalid(at, value, text), body: `Invalid value: ${goFloat(value)}: ${text}` }))
}

function multipleIssue(value: number, factor: Bound, path: string): Issue | undefined {
  if (factor.value <= 0) {
    const text = `factor MultipleOf declared for ${path} must be positive: ${factor.text}`
    return issueAt(path, text, (at) => field.invalid(at, factor.value, text))
  }
  const { value: by } = factor
  const isMultiple = factor.isInteger ? value % by === 0 : isNearlyInteger(by < 1 ? (1 / by) * value : value / by)
  return isMultiple ? undefined : wrongNumber(value, factor, path, `should be a multiple of ${factor.text}`)
}

const EPSILON = 1e-9

/** What fractions that a double cannot hold leave behind does not count. */
function isNearlyInteger(value: number): boolean {
  if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false
  const whole = Math.trunc(value)
  if (value === whole) return true
  const difference = Math.abs(value - whole)
  return whole !== 0 && difference / (Math.abs(value) + Math.abs(whole)) < EPSILON
}
