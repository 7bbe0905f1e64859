/**
 * Checks a value against a schema, in the words of the validator that upstream uses, with its ways of choosing what to say
 * about junctors. Models k8s.io/kube-openapi/pkg/validation/validate and pkg/apiserver/validation of apiextensions-apiserver.
 */
import { field, quote, type FieldError } from '../../errors.ts'
import { goFormat } from '../go-format.ts'
import { equalJSON, isRecord } from '../json.ts'
import { compiledPattern } from './patterns.ts'
import { correlateItem, correlateMember, isUnchanged, type Correlation } from './ratcheting.ts'
import { knownFormat } from './formats.ts'
import { validateNumber } from './validate-number.ts'
import { itemsOf, schemaOf, type Schema } from './schema.ts'
import { hasFormat } from './string-formats.ts'

/** What is wrong, by the validator's own account of it: `name` is where, `text` tells errors apart. */
export interface Issue {
  name: string
  text: string
  toFieldError(path: string): FieldError
}

/** Errors, and how many checks were passed on the way: of several alternatives the one that passed most is told of. */
export class Findings {
  issues: Issue[] = []
  matches = 0

  add(issue: Issue): void {
    if (!this.issues.some((known) => known.text === issue.text)) this.issues.push(issue)
  }

  merge({ issues, matches }: Findings): void {
    for (const issue of issues) this.add(issue)
    this.matches += matches
  }
}

/** What `field` is called where there is no path. */
const NO_PATH = '<nil>'

/** An error about a named value. */
export function issueAt(name: string, text: string, make: (path: string) => FieldError): Issue {
  return { name, text, toFieldError: make }
}

/** An error that has no place of its own. */
export function issueWithoutPlace(text: string): Issue {
  return { name: '', text, toFieldError: () => field.invalid(NO_PATH, '', text) }
}

export function invalidType(name: string, types: string, found: unknown): Issue {
  const text = `${name} in body must be of type ${types}${typeof found === 'string' ? `: ${quote(found)}` : ''}`
  return issueAt(name, text, (path) => field.typeInvalid(path, found, text))
}

export function invalidValue(name: string, value: unknown, what: string): Issue {
  const text = `${name} in body ${what}`
  return issueAt(name, text, (path) => field.invalid(path, value, text))
}

/**
 * The errors of a value.
 * @param base where the value is: '' for a whole resource, `status` for a status
 * @param old what it was before; what was wrong then and has not changed is let pass
 */
export function validateValue(value: unknown, schema: Schema, { base = '', old }: { base?: string; old?: Correlation } = {}): FieldError[] {
  const { issues } = validateNode(value, schema, '', old)
  return issues.map((issue) => {
    const name = issue.name.replace(/^\./, '')
    // what has no place is said of the value itself
    const at = name ? (base ? `${base}.${name}` : name) : base || NO_PATH
    const error = issue.toFieldError(at)
    return error.field === NO_PATH ? { ...error, field: base || NO_PATH } : error
  })
}

/** One value, and all within it. */
function validateNode(value: unknown, schema: Schema, path: string, old?: Correlation): Findings {
  const findings = validatePlain(value, schema, path, old)
  if (findings.issues.length > 0 && old && isUnchanged(value, old)) findings.issues = []
  return findings
}

function validatePlain(value: unknown, schema: Schema, path: string, old?: Correlation): Findings {
  const findings = new Findings()
  if (value === null) {
    checkNull(schema, path, findings)
    checkEnum(value, schema, path, findings)
    return findings
  }
  checkType(value, schema, path, findings)
  checkJunctors(value, schema, path, findings)
  if (typeof value === 'string') checkString(value, schema, path, findings)
  else if (typeof value === 'number') {
    findings.merge(validateNumber(value, schema, path))
    findings.matches++
  } else if (Array.isArray(value)) checkItems(value, schema, path, { findings, old })
  checkEnum(value, schema, path, findings)
  findings.matches++
  if (isRecord(value)) checkMembers(value, schema, path, { findings, old })
  findings.matches++
  return findings
}

interface Context {
  findings: Findings
  old: Correlation | undefined
}

export function typesOf({ type, 'x-kubernetes-int-or-string': isIntOrString }: Schema): readonly string[] {
  return isIntOrString ? INT_OR_STRING : type ? [type] : NONE
}

const INT_OR_STRING = ['integer', 'string']
const NONE: readonly string[] = []

function checkNull(schema: Schema, path: string, findings: Findings): void {
  const types = typesOf(schema)
  if (types.length > 0 && !schema.nullable) findings.add(invalidType(path, types.join(','), 'null'))
  else findings.matches++
}

/** The type of a value, and the number format that goes with it. */
function jsonType(value: unknown): [type: string, format: string] {
  if (typeof value === 'number') return isInteger(value) ? ['integer', 'int64'] : ['number', 'float64']
  if (Array.isArray(value)) return ['array', '']
  return [typeof value, '']
}

/** Whether Go holds the number as an int64. */
export const isInteger = (value: number): boolean => Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63

function checkType(value: unknown, schema: Schema, path: string, findings: Findings): void {
  const types = typesOf(schema)
  const format = knownFormat({ format: schema.format ?? '', ...(types.length === 1 ? { type: types[0] ?? '' } : {}) }) === undefined ? '' : (schema.format ?? '')
  if (types.length === 0 && format === '') return
  findings.matches++
  const [type, ownFormat] = jsonType(value)
  const fits = types.includes(type) || (type === 'integer' && types.includes('number'))
  const isTextual = type === 'string' || type === 'array'
  if (!isTextual && format !== '' && !fits && ownFormat !== format) findings.add(invalidType(path, format, ownFormat))
  else if (format !== '' && isTextual && !types.includes('number') && !types.includes('integer')) findings.matches++
  else if (!fits) findings.add(invalidType(path, types.join(','), type))
  else findings.matches++
}

function checkEnum(value: unknown, { enum: allowed }: Schema, path: string, findings: Findings): void {
  if (!allowed?.length || allowed.some((choice) => isChoice(value, choice))) return
  const text = `${path} in body should be one of ${goFormat(allowed)}`
  const shown = allowed.map((choice) => (typeof choice === 'string' ? choice : JSON.stringify(choice)))
  findings.add(issueAt(path, text, (at) => field.notSupported(at, value, shown)))
}

/** A null is never one of the choices, and a fraction is cut off where the choice has none. */
function isChoice(value: unknown, choice: unknown): boolean {
  if (value === null || choice === null) return false
  if (typeof value === 'number' && typeof choice === 'number' && isInteger(choice)) return Math.trunc(value) === choice
  return equalJSON(value, choice)
}

function checkString(value: string, { maxLength, minLength, pattern, ...schema }: Schema, path: string, findings: Findings): void {
  const wrong = lengthIssue(value, { maxLength, minLength }, path) ?? (pattern ? patternIssue(value, pattern, path) : undefined)
  if (wrong) findings.add(wrong)
  findings.matches++
  const types = typesOf(schema)
  const format = schema.format && knownFormat({ format: schema.format, ...(types.length === 1 ? { type: types[0] ?? '' } : {}) })
  if (!format) return
  if (!hasFormat(value, format)) findings.add(invalidType(path, schema.format ?? '', value))
  findings.matches++
}

function lengthIssue(value: string, { maxLength, minLength }: Pick<Schema, 'maxLength' | 'minLength'>, path: string): Issue | undefined {
  if (maxLength !== undefined && value.length > maxLength && runes(value) > maxLength) {
    const text = `${path} in body should be at most ${maxLength} chars long`
    return issueAt(path, text, (at) => field.tooLong(at, maxLength))
  }
  if (minLength !== undefined && runes(value) < minLength) return invalidValue(path, value, `should be at least ${minLength} chars long`)
  return undefined
}

function runes(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function patternIssue(value: string, pattern: string, path: string): Issue | undefined {
  const compiled = compiledPattern(pattern)
  if ('error' in compiled) return invalidValue(path, value, `should match '${pattern}, but pattern is invalid: ${compiled.error}'`)
  return compiled.test(value) ? undefined : invalidValue(path, value, `should match '${pattern}'`)
}

function checkItems(items: readonly unknown[], schema: Schema, path: string, { findings, old }: Context): void {
  const itemSchema = itemsOf(schema)
  if (itemSchema) items.forEach((item, i) => findings.merge(validateNode(item, itemSchema, `${path}[${i}]`, old && correlateItem(old, item))))
  const { minItems, maxItems } = schema
  const size = items.length
  if (minItems !== undefined && size < minItems) findings.add(invalidValue(path, size, `should have at least ${minItems} items`))
  if (maxItems !== undefined && size > maxItems) {
    findings.add(issueAt(path, `${path} in body should have at most ${maxItems} items`, (at) => field.tooMany(at, size, maxItems)))
  }
  findings.matches += 2
}

function checkMembers(members: Readonly<Record<string, unknown>>, schema: Schema, path: string, { findings, old }: Context): void {
  checkMemberCount(Object.keys(members).length, schema, path, findings)
  const { properties = {}, additionalProperties, required } = schema
  const additional = schemaOf(additionalProperties)
  if (additionalProperties !== undefined && additionalProperties !== true) {
    for (const key of Object.keys(members)) {
      if (Object.hasOwn(properties, key)) continue
      if (additional) findings.merge(validateNode(members[key], additional, `${path}.${key}`, old && correlateMember(old, key)))
      else findings.add(issueAt(path, `${path}.${key} in body is a forbidden property`, (at) => field.invalid(at, key, `${path}.${key} in body is a forbidden property`)))
    }
  }
  for (const key of Object.keys(members)) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined
    if (!property) continue
    const isTypeMeta = path === '' && (key === 'kind' || key === 'apiVersion')
    findings.merge(validateNode(members[key], property, path ? `${path}.${key}` : key, old && !isTypeMeta ? correlateMember(old, key) : undefined))
  }
  for (const key of required ?? []) {
    if (!Object.hasOwn(members, key)) findings.add(issueAt(`${path}.${key}`, `${path}.${key} in body is required`, (at) => field.required(at)))
  }
}

function checkMemberCount(count: number, { minProperties, maxProperties }: Schema, path: string, findings: Findings): void {
  if (minProperties !== undefined && count < minProperties) findings.add(invalidValue(path, count, `should have at least ${minProperties} properties`))
  if (maxProperties !== undefined && count > maxProperties) {
    findings.add(issueAt(path, `${path} in body should have at most ${maxProperties} properties`, (at) => field.tooMany(at, count, maxProperties)))
  }
}

/** Alternatives are judged as if there had been nothing before. */
function checkJunctors(value: unknown, { allOf, anyOf, oneOf, not }: Schema, path: string, findings: Findings): void {
  if (anyOf?.length) checkAnyOf(value, anyOf, path, findings)
  if (oneOf?.length) checkOneOf(value, oneOf, path, findings)
  if (allOf?.length) checkAllOf(value, allOf, path, findings)
  if (not && validatePlain(value, not, path).issues.length === 0) findings.add(issueWithoutPlace(`${quote(path)} must not validate the schema (not)`))
  findings.matches += 2
}

function checkAnyOf(value: unknown, schemas: readonly Schema[], path: string, findings: Findings): void {
  let best: Findings | undefined
  for (const schema of schemas) {
    const found = validatePlain(value, schema, path)
    if (found.issues.length === 0) return findings.merge(found)
    if (!best || found.matches > best.matches) best = found
  }
  findings.add(issueWithoutPlace(`${quote(path)} must validate at least one schema (anyOf)`))
  if (best) findings.merge(best)
}

function checkOneOf(value: unknown, schemas: readonly Schema[], path: string, findings: Findings): void {
  const all = schemas.map((schema) => validatePlain(value, schema, path))
  const valid = all.filter((found) => found.issues.length === 0)
  if (valid.length === 1 && valid[0]) return findings.merge(valid[0])
  const how = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`
  findings.add(issueWithoutPlace(`${quote(path)} must validate one and only one schema (oneOf). ${how}`))
  if (valid.length === 0) findings.merge(all.reduce((best, found) => (found.matches > best.matches ? found : best)))
}

function checkAllOf(value: unknown, schemas: readonly Schema[], path: string, findings: Findings): void {
  let valid = 0
  for (const schema of schemas) {
    const found = validatePlain(value, schema, path)
    if (found.issues.length === 0) valid++
    findings.merge(found)
  }
  if (valid < schemas.length) findings.add(issueWithoutPlace(`${quote(path)} must validate all the schemas (allOf)${valid === 0 ? '. None validated' : ''}`))
}
