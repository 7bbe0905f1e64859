/**
 * Whether a value is what its structural schema asks for: types, bounds, patterns, formats, enums, required members and
 * junctors. Models k8s.io/kube-openapi/pkg/validation/validate with the ratcheting of k8s.io/apiextensions-apiserver.
 */
import { equalJSON, isRecord } from '../json.ts'
import { compileGoRegexp, type GoRegexp } from '../go-regexp.ts'
import type { FieldError } from '../../errors.ts'
import { knownFormat } from './formats.ts'
import { itemsOf, schemaOf, sortedProperties, type Schema } from './schema.ts'
import { fieldErrorsOf, finding, Findings } from './value-findings.ts'
import { validateNumber } from './value-numbers.ts'
import { hasFormat } from './value-formats.ts'

export interface ValueOptions {
  /** Where the value stands; left out for a whole resource. */
  path?: string
  /** The value before; what is wrong with parts that did not change is let pass. */
  old?: unknown
}

export function validateValue(value: unknown, schema: Schema, { path, old }: ValueOptions = {}): FieldError[] {
  return fieldErrorsOf(check(value, schema, { path: '', old, ratchets: old !== undefined }), path)
}

interface Place {
  path: string
  /** The value that this one was before, if it can be told. */
  old?: unknown
  /** Whether an unchanged value is let pass as a whole; not so within junctors. */
  ratchets: boolean
}

const MAX_PATTERNS = 1000
const patterns = new Map<string, GoRegexp | { error: string }>()

function patternOf(source: string): GoRegexp | { error: string } {
  let compiled = patterns.get(source)
  if (!compiled) {
    if (patterns.size >= MAX_PATTERNS) patterns.clear()
    patterns.set(source, (compiled = compileGoRegexp(source)))
  }
  return compiled
}

const INT_OR_STRING = ['integer', 'string']
const typesOf = (schema: Schema): readonly string[] => (schema['x-kubernetes-int-or-string'] ? INT_OR_STRING : schema.type ? [schema.type] : [])
/** The format as far as it means anything; that of values that may be of several types is one of texts. */
const formatOf = (schema: Schema): string => (knownFormat(schema['x-kubernetes-int-or-string'] ? { format: schema.format ?? '' } : schema) === undefined ? '' : (schema.format ?? ''))

function check(value: unknown, schema: Schema, place: Place): Findings {
  const found = new Findings()
  if (value === null) checkNull(schema, place, found)
  else checkPresent(value, schema, place, found)
  if (found.isValid || !place.ratchets || !equalJSON(value, place.old)) return found
  const passed = new Findings()
  passed.matched = found.matched
  return passed
}

function checkNull(schema: Schema, { path }: Place, found: Findings): void {
  const types = typesOf(schema)
  if (types.length > 0 && !schema.nullable) found.add(finding.wrongType(path, types.join(','), 'null'))
  else found.matched++
  // null is none of the values of an enum, even if it stands there
  if (schema.enum?.length) found.add(finding.notInEnum(path, null, schema.enum))
}

/** The order is that of upstream's validators; each that applies counts, as does each that is content. */
function checkPresent(value: unknown, schema: Schema, place: Place, found: Findings): void {
  const { path } = place
  const type = typeOf(value)
  const types = typesOf(schema)
  const format = formatOf(schema)
  if (types.length > 0 || format !== '') {
    found.matched++
    checkType(type, { types, format, path }, found)
  }
  found.matched++
  checkJunctors(value, schema, place, found)
  if (typeof value === 'string') {
    found.matched++
    checkString(value, schema, path, found)
    if (format !== '' && knownFormat({ format }) !== undefined) {
      found.matched++
      if (!hasFormat(format, value)) found.add(finding.wrongType(path, format, value))
    }
  }
  if (typeof value === 'number') {
    found.matched += 2
    found.add(...validateNumber(value, schema, { path, type: types.length === 1 ? (types[0] ?? '') : '', format }))
  }
  if (Array.isArray(value)) {
    found.matched += 2
    checkList(value, schema, place, found)
  }
  found.matched++
  if (schema.enum?.length && !schema.enum.some((allowed) => equalJSON(allowed, value))) found.add(finding.notInEnum(path, value, schema.enum))
  if (isRecord(value)) {
    found.matched++
    checkObject(value, schema, place, found)
  }
  found.matched++
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function checkType(type: string, { types, format, path }: { types: readonly string[]; format: string; path: string }, found: Findings): void {
  const fits = types.includes(type) || (type === 'integer' && types.includes('number'))
  const isTextual = type === 'string' || type === 'array'
  const typeFormat = type === 'integer' ? 'int64' : type === 'number' ? 'float64' : ''
  if (!isTextual && format !== '' && !fits && format !== typeFormat) found.add(finding.wrongType(path, format, typeFormat))
  // texts with a format are judged by it alone
  else if ((isTextual && format !== '' && !types.includes('number') && !types.includes('integer')) || fits) found.matched++
  else found.add(finding.wrongType(path, types.join(','), type))
}

function checkString(value: string, { maxLength, minLength, pattern }: Schema, path: string, found: Findings): void {
  const length = maxLength === undefined && minLength === undefined ? 0 : [...value].length
  if (maxLength !== undefined && length > maxLength) return found.add(finding.tooLong(path, maxLength))
  if (minLength !== undefined && length < minLength) return found.add(finding.tooShort(path, minLength, value))
  if (!pattern) return
  const compiled = patternOf(pattern)
  if ('error' in compiled) found.add(finding.noMatch(path, `${pattern}, but pattern is invalid: ${compiled.error}`, value))
  else if (!compiled.test(value)) found.add(finding.noMatch(path, pattern, value))
}

function checkJunctors(value: unknown, { anyOf = [], oneOf = [], allOf = [], not }: Schema, place: Place, found: Findings): void {
  const { path } = place
  const inner = { ...place, ratchets: false }
  if (anyOf.length > 0) checkAnyOf(value, anyOf, inner, found)
  if (oneOf.length > 0) checkOneOf(value, oneOf, inner, found)
  if (allOf.length > 0) {
    const results = allOf.map((schema) => check(value, schema, inner))
    for (const result of results) found.merge(result)
    const valid = results.filter((r) => r.isValid).length
    if (valid < allOf.length) found.add(finding.notAllOf(path, valid))
  }
  if (not && check(value, not, inner).isValid) found.add(finding.notAllowed(path))
  found.matched++
}

function checkAnyOf(value: unknown, schemas: readonly Schema[], place: Place, found: Findings): void {
  let best: Findings | undefined
  for (const schema of schemas) {
    const result = check(value, schema, place)
    if (result.isValid) return found.merge(result)
    if (!best || result.matched > best.matched) best = result
  }
  found.add(finding.noneOfAny(place.path))
  if (best) found.merge(best)
}

function checkOneOf(value: unknown, schemas: readonly Schema[], place: Place, found: Findings): void {
  const results = schemas.map((schema) => check(value, schema, place))
  const valid = results.filter((r) => r.isValid)
  const [first] = valid
  if (valid.length === 1 && first) return found.merge(first)
  found.add(finding.notOneOf(place.path, valid.length))
  if (valid.length === 0) found.merge(results.reduce((best, r) => (r.matched > best.matched ? r : best)))
}

function checkList(list: readonly unknown[], schema: Schema, place: Place, found: Findings): void {
  const { path } = place
  const items = itemsOf(schema)
  if (items) {
    const oldItem = correlate(schema, place)
    list.forEach((item, i) => found.merge(check(item, items, childPlace(`${path}[${i}]`, oldItem(item)))))
  }
  const { minItems, maxItems, uniqueItems } = schema
  if (minItems !== undefined && list.length < minItems) found.add(finding.tooFew(path, 'items', { least: minItems, size: list.length }))
  if (maxItems !== undefined && list.length > maxItems) found.add(finding.tooMany(path, 'items', { most: maxItems, size: list.length }))
  if (uniqueItems && list.some((item, i) => list.slice(0, i).some((before) => equalJSON(before, item)))) found.add(finding.duplicates(path))
}

const childPlace = (path: string, old: unknown): Place => ({ path, old, ratchets: old !== undefined })

/** Finds what an item was before; only items of maps have an identity. */
function correlate(schema: Schema, { old }: Place): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined
  const identity = (item: unknown): string => JSON.stringify(keys.map((key) => (isRecord(item) ? item[key] : undefined)))
  const known = new Map(old.map((item: unknown) => [identity(item), item]))
  return (item) => known.get(identity(item))
}

function checkObject(object: Readonly<Record<string, unknown>>, schema: Schema, place: Place, found: Findings): void {
  const { path } = place
  const { minProperties, maxProperties, properties = {}, additionalProperties, required = [] } = schema
  const size = Object.keys(object).length
  if (minProperties !== undefined && size < minProperties) found.add(finding.tooFew(path, 'properties', { least: minProperties, size }))
  if (maxProperties !== undefined && size > maxProperties) found.add(finding.tooMany(path, 'properties', { most: maxProperties, size }))
  const additional = schemaOf(additionalProperties)
  if (additional || additionalProperties === false) {
    for (const key of Object.keys(object).filter((k) => !Object.hasOwn(properties, k)).sort()) {
      if (!additional) found.add(finding.forbiddenProperty(path, key))
      else found.merge(check(object[key], additional, childPlace(`${path}.${key}`, oldMember(key, place))))
    }
  }
  for (const [name, property] of sortedProperties(properties)) {
    if (Object.hasOwn(object, name)) found.merge(check(object[name], property, childPlace(path ? `${path}.${name}` : name, oldMember(name, place))))
  }
  for (const name of required) if (!Object.hasOwn(object, name)) found.add(finding.required(`${path}.${name}`))
}

/** What names a resource's type is never let pass. */
function oldMember(name: string, { path, old }: Place): unknown {
  if (!isRecord(old) || !Object.hasOwn(old, name) || (path === '' && (name === 'kind' || name === 'apiVersion'))) return undefined
  return old[name]
}
