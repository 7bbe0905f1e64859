/**
 * One requirement of a label selector and what it may say.
 * Models NewRequirement of k8s.io/apimachinery/pkg/labels/selector.go.
 */
import { aggregateErrors, field, type FieldError } from '../errors.ts'
import { ParseError } from './parse-error.ts'
import { isQualifiedName, isValidLabelValue } from './validation.ts'

export type Operator = 'in' | 'notin' | '=' | '==' | '!=' | 'gt' | 'lt' | 'exists' | '!'

export interface Requirement {
  readonly key: string
  readonly operator: Operator
  readonly values: readonly string[]
}

/** A checked requirement; throws ParseError naming all that is wrong with it. */
export function makeRequirement(key: string, operator: Operator, values: readonly string[], path?: string): Requirement {
  const child = (name: string): string => (path === undefined ? name : `${path}.${name}`)
  const at = child('values')
  const shown = values.length ? values : null
  const errors: FieldError[] = []
  const badKey = labelKeyError(key, child('key'))
  if (badKey) errors.push(badKey)
  if (operator === 'in' || operator === 'notin') {
    if (values.length === 0) errors.push(field.invalid(at, shown, "for 'in', 'notin' operators, values set can't be empty"))
  } else if (operator === 'exists' || operator === '!') {
    if (values.length !== 0) errors.push(field.invalid(at, shown, 'values set must be empty for exists and does not exist'))
  } else if (operator === 'gt' || operator === 'lt') {
    if (values.length !== 1) errors.push(field.invalid(at, shown, "for 'Gt', 'Lt' operators, exactly one value is required"))
    values.forEach((v, i) => {
      if (parseInt64(v) === undefined) errors.push(field.invalid(`${at}[${i}]`, v, "for 'Gt', 'Lt' operators, the value must be an integer"))
    })
  } else if (values.length !== 1) {
    errors.push(field.invalid(at, shown, 'exact-match compatibility requires one single value'))
  }
  values.forEach((v, i) => {
    const wrong = isValidLabelValue(v)
    if (wrong.length) errors.push(field.invalid(`${at}[${i}][${key}]`, v, wrong.join('; ')))
  })
  if (errors.length) throw new ParseError(aggregateErrors(errors))
  return { key, operator, values }
}

export function labelKeyError(key: string, path: string): FieldError | undefined {
  const wrong = isQualifiedName(key)
  return wrong.length ? field.invalid(path, key, wrong.join('; ')) : undefined
}

/** A decimal int64, or nothing. */
export function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined
  const n = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return n === BigInt.asIntN(64, n) ? n : undefined
}
