/**
 * What is found wrong with a value, in the words of k8s.io/kube-openapi/pkg/validation/errors, and how the API server turns it
 * into field errors (kubeOpenAPIResultToFieldErrors of k8s.io/apiextensions-apiserver/pkg/apiserver/validation).
 */
import { field, quote, type FieldError } from '../../errors.ts'

export interface Finding {
  /** Where, as validators count it: '' is the value itself; null for what upstream tells of no place. */
  name: string | null
  message: string
  build(path: string, message: string): FieldError
}

/** All findings of a value, each text once, and how much of the schema was met: the best of several alternatives is told. */
export class Findings {
  readonly list: Finding[] = []
  matched = 0

  get isValid(): boolean {
    return this.list.length === 0
  }

  add(...findings: readonly Finding[]): void {
    for (const finding of findings) if (!this.list.some(({ message }) => message === finding.message)) this.list.push(finding)
  }

  merge(other: Findings): void {
    this.add(...other.list)
    this.matched += other.matched
  }
}

/** @param base path of the value; undefined for a whole resource */
export function fieldErrorsOf(findings: Findings, base: string | undefined): FieldError[] {
  return findings.list.map(({ name, message, build }) => build(pathOf(name, base), message))
}

function pathOf(name: string | null, base: string | undefined): string {
  const member = (name ?? '').replace(/^\./, '')
  if (member === '') return base ?? '<nil>'
  return base === undefined ? member : `${base}.${member}`
}

const told = (value: unknown): unknown => value ?? ''
const inBody = (name: string, rule: string): string => `${name} in body ${rule}`

const invalid = (name: string, rule: string, value?: unknown): Finding => ({ name, message: inBody(name, rule), build: (path, message) => field.invalid(path, told(value), message) })
const general = (message: string): Finding => ({ name: null, message, build: (path) => field.invalid(path, '', message) })

/** A text as Go's `%v` prints a float64. */
export function goFloat(value: number): string {
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power >= -4 && power < 6) return value.toString()
  return `${mantissa}e${power < 0 ? '-' : '+'}${Math.abs(power).toString().padStart(2, '0')}`
}

export const finding = {
  /** @param given the value's type, or the value where its format is wrong */
  wrongType: (name: string, type: string, given: string): Finding => ({
    name,
    message: inBody(name, `must be of type ${type}: ${quote(given)}`),
    build: (path, message) => field.typeInvalid(path, given, message),
  }),
  required: (name: string): Finding => ({ name, message: inBody(name, 'is required'), build: (path) => field.required(path) }),
  notInEnum: (name: string, value: unknown, allowed: readonly unknown[]): Finding => ({
    name,
    message: inBody(name, `should be one of ${JSON.stringify(allowed)}`),
    build: (path) => field.notSupported(path, value, allowed.map((v) => (typeof v === 'string' ? v : JSON.stringify(v)))),
  }),
  tooLong: (name: string, most: number): Finding => ({ name, message: inBody(name, `should be at most ${most} chars long`), build: (path) => field.tooLong(path, most) }),
  tooShort: (name: string, least: number, value: string): Finding => invalid(name, `should be at least ${least} chars long`, value),
  noMatch: (name: string, pattern: string, value: string): Finding => invalid(name, `should match '${pattern}'`, value),
  tooMany: (name: string, unit: 'items' | 'properties', { most, size }: { most: number; size: number }): Finding => ({
    name,
    message: inBody(name, `should have at most ${most} ${unit}`),
    build: (path) => field.tooMany(path, size, most),
  }),
  tooFew: (name: string, unit: 'items' | 'properties', { least, size }: { least: number; size: number }): Finding => invalid(name, `should have at least ${least} ${unit}`, size),
  duplicates: (name: string): Finding => invalid(name, "shouldn't contain duplicates"),
  forbiddenProperty: (name: string, key: string): Finding => ({
    name,
    message: `${name}.${key} in body is a forbidden property`,
    build: (path, message) => field.invalid(path, key, message),
  }),
  outOfBounds: (name: string, rule: string, value: number): Finding => invalid(name, `should be ${rule}`, value),
  factorNotPositive: (name: string, factor: string, value: number): Finding => ({
    name,
    message: `factor MultipleOf declared for ${name} must be positive: ${factor}`,
    build: (path, message) => field.invalid(path, value, message),
  }),
  /** @param what 'Checked', 'Maximum boundary', … */
  notOfRange: (name: string, what: string, type: string): Finding => general(`${what} value must be of type ${type} in ${name}`),
  noneOfAny: (name: string): Finding => general(`${quote(name)} must validate at least one schema (anyOf)`),
  notOneOf: (name: string, valid: number): Finding =>
    general(`${quote(name)} must validate one and only one schema (oneOf). ${valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`}`),
  notAllOf: (name: string, valid: number): Finding => general(`${quote(name)} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`),
  notAllowed: (name: string): Finding => general(`${quote(name)} must not validate the schema (not)`),
}
