/** Numbers: the range of their type and format, and bounds. Models numberValidator of k8s.io/kube-openapi/pkg/validation/validate. */
import { goFloat } from '../go-format.ts'
import type { Schema } from './schema.ts'
import { Findings, invalidValue, isInteger, issueWithoutPlace, typesOf } from './validate.ts'

const FLOAT32_LIMIT = 3.4028235677973366e38
const FORMATS: Readonly<Record<string, readonly string[]>> = { integer: ['int32', 'int64'], number: ['float', 'double'] }

interface Range {
  type: string
  format: string
}

export function validateNumber(value: number, schema: Schema, path: string): Findings {
  const findings = new Findings()
  const [type = '', ...more] = typesOf(schema)
  const isNumeric = more.length === 0 && (type === 'integer' || type === 'number')
  const format = isNumeric && FORMATS[type]?.includes(schema.format ?? '') ? (schema.format ?? '') : ''
  const range = { type: isNumeric ? type : '', format }
  const outside = (number: number, what: string): boolean => {
    const text = rangeProblem(number, range, what, path)
    if (text) findings.add(issueWithoutPlace(text))
    return text !== undefined
  }
  outside(value, 'Checked')
  const { multipleOf, minimum, maximum } = schema
  // a bound of another type than the value is compared as a plain number
  if (multipleOf !== undefined) checkMultiple(value, outside(multipleOf, 'MultipleOf') ? { factor: multipleOf, native: false } : { factor: multipleOf, native: true }, path, findings)
  if (minimum !== undefined) {
    const bound = boundOf(minimum, value, !outside(minimum, 'Minimum boundary'))
    if (schema.exclusiveMinimum ? value <= bound.value : value < bound.value) findings.add(invalidValue(path, value, `should be greater than ${schema.exclusiveMinimum ? '' : 'or equal to '}${bound.text}`))
  }
  if (maximum !== undefined) {
    const bound = boundOf(maximum, value, !outside(maximum, 'Maximum boundary'))
    if (schema.exclusiveMaximum ? value >= bound.value : value > bound.value) findings.add(invalidValue(path, value, `should be less than ${schema.exclusiveMaximum ? '' : 'or equal to '}${bound.text}`))
  }
  findings.matches++
  return findings
}

/** Integers are compared with the whole part of a bound. */
function boundOf(bound: number, value: number, native: boolean): { value: number; text: string } {
  if (!native || !isInteger(value)) return { value: bound, text: goFloat(bound) }
  const whole = Math.trunc(bound)
  return { value: whole, text: String(BigInt(whole)) }
}

function rangeProblem(value: number, { type, format }: Range, what: string, path: string): string | undefined {
  const fits = type === 'integer' ? isInteger(value) && (format !== 'int32' || value === (value | 0)) : format !== 'float' || Math.abs(value) < FLOAT32_LIMIT
  if (fits) return undefined
  return `${what} value must be of type ${type} ${format ? `with format ${format}` : '(default format)'} in ${path}`
}

function checkMultiple(value: number, { factor, native }: { factor: number; native: boolean }, path: string, findings: Findings): void {
  const isWhole = native && isInteger(value)
  const by = isWhole ? Math.trunc(factor) : factor
  const text = isWhole ? String(BigInt(by)) : goFloat(by)
  if (by <= 0) return findings.add({ ...invalidValue(path, by, ''), text: `factor MultipleOf declared for ${path} must be positive: ${text}` })
  const isMultiple = isWhole ? value % by === 0 : isNearlyInteger(by < 1 ? (1 / by) * value : value / by)
  if (!isMultiple) findings.add(invalidValue(path, value, `should be a multiple of ${text}`))
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
