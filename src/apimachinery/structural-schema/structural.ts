/**
 * Whether a schema is structural: every value has its type stated outside of logical junctors, so that pruning, defaulting
 * and merging know it. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema (convert.go, validation.go, complete.go).
 */
import { equalJSON } from '../json.ts'
import { field, type FieldError } from '../../errors.ts'
import { compileGoRegexp } from '../go-regexp.ts'
import { itemsOf, schemaOf, sortedProperties, type Schema } from './schema.ts'

const INT_OR_STRING: readonly Schema[] = [{ type: 'integer' }, { type: 'string' }]

/** What keeps a schema from being read as a structural one at all. */
export function whyNotReadable(schema: Schema | undefined): string | undefined {
  if (!schema) return undefined
  const unsupported = unsupportedField(schema)
  if (unsupported) return `OpenAPIV3Schema '${unsupported}' is not supported`
  const { not, allOf = [], anyOf = [], oneOf = [], items, properties } = schema
  const nested = firstUnreadable([not, ...allOf, ...anyOf, ...oneOf])
  if (nested) return nested
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
  if (Array.isArray(items) && items.length > 0) return "OpenAPIV3Schema 'items' must be a schema, but is an array"
  return firstUnreadable([itemsOf(schema), ...Object.values(properties ?? {}), schemaOf(schema.additionalProperties)])
}

function firstUnreadable(schemas: readonly (Schema | undefined)[]): string | undefined {
  for (const schema of schemas) {
    const why = whyNotReadable(schema)
    if (why) return why
  }
  return undefined
}

function unsupportedField(schema: Schema): string | undefined {
  if (schema.id) return 'id'
  if (schema.$schema) return 'schema'
  if (schema.$ref) return '$ref'
  if (Object.keys(schema.patternProperties ?? {}).length) return 'patternProperties'
  if (Object.keys(schema.dependencies ?? {}).length) return 'dependencies'
  if (schema.additionalItems !== undefined) return 'additionalItems'
  return Object.keys(schema.definitions ?? {}).length ? 'definitions' : undefined
}

type Level = 'root' | 'item' | 'field'

/** The errors of a readable schema, sorted by their texts as upstream does. */
export function validateStructural(schema: Schema, path: string): FieldError[] {
  const errors = [...validateInvariants(schema, 'root', path), ...validateCompleteness(schema, { structural: schema, path, from: path })]
  const text = (e: FieldError): string => `${e.field}: ${e.body}`
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0))
}

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

function validateInvariants(schema: Schema, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = []
  const items = itemsOf(schema)
  const { type = '', properties, additionalProperties } = schema
  if (type === 'array' && !schema.items) errors.push(field.required(`${path}.items`, 'must be specified'))
  if (items) errors.push(...validateInvariants(items, 'item', `${path}.items`))
  for (const [name, property] of sortedProperties(properties)) errors.push(...validateInvariants(property, 'field', `${path}.properties[${name}]`))
  if (additionalProperties !== undefined) {
    if (level === 'root') errors.push(field.forbidden(`${path}.additionalProperties`, 'must not be used at the root'))
    const inner = schemaOf(additionalProperties)
    if (inner) errors.push(...validateInvariants(inner, 'field', `${path}.additionalProperties`))
  }
  errors.push(...validateExtensions(schema, path))
  const isIntOrString = equalJSON(schema.anyOf, INT_OR_STRING)
  errors.push(...validateJunctors(schema, { skipAnyOf: isIntOrString, skipFirstAllOf: equalJSON(schema.allOf?.[0]?.anyOf, INT_OR_STRING), level, path }))
  errors.push(...validateType(schema, level, path))
  errors.push(...validateMetaFields(schema, level, path))
  return errors
}

function validateExtensions(schema: Schema, path: string): FieldError[] {
  if (!schema['x-kubernetes-int-or-string']) return []
  const why = 'must be false if x-kubernetes-int-or-string is true'
  return ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'].flatMap((name) =>
    (schema as Record<string, unknown>)[name] ? [field.invalid(`${path}.${name}`, true, why)] : [],
  )
}

function validateType(schema: Schema, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { type = '' } = schema
  const isEmbedded = schema['x-kubernetes-embedded-resource'] ?? false
  if (isEmbedded && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type ? field.invalid(`${path}.type`, type, why) : field.required(`${path}.type`, why))
  } else if (!type && !schema['x-kubernetes-int-or-string'] && !schema['x-kubernetes-preserve-unknown-fields']) {
    errors.push(field.required(`${path}.type`, EMPTY_TYPE[level]))
  }
  if (isEmbedded && schema.additionalProperties !== undefined) errors.push(field.forbidden(`${path}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'))
  if (level === 'root' && type && type !== 'object') errors.push(field.invalid(`${path}.type`, type, 'must be object at the root'))
  return errors
}

function validateMetaFields(schema: Schema, level: Level, path: string): FieldError[] {
  const errors: FieldError[] = []
  const isEmbedded = schema['x-kubernetes-embedded-resource'] ?? false
  const isResource = level === 'root' || isEmbedded
  const { kind, apiVersion, metadata } = schema.properties ?? {}
  const must = (name: string, given: Schema, type: string): void => {
    if (given.type !== type) errors.push(field.invalid(`${path}.properties[${name}].type`, given.type ?? '', `must be ${type}`))
  }
  if (kind && isResource) must('kind', kind, 'string')
  if (apiVersion && isResource) must('apiVersion', apiVersion, 'string')
  if (metadata && isResource) must('metadata', metadata, 'object')
  if (metadata && level === 'root' && restrictsMore(metadata)) {
    errors.push(field.forbidden(`${path}.properties[metadata]`, 'must not specify anything other than name and generateName, but metadata is implicitly specified'))
  }
  if (isEmbedded && !schema['x-kubernetes-preserve-unknown-fields'] && !Object.keys(schema.properties ?? {}).length) {
    errors.push(field.required(`${path}.properties`, 'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'))
  }
  return errors
}

const TAKEN_OVER: ReadonlySet<string> = new Set(['required', 'x-kubernetes-list-map-keys', 'x-kubernetes-validations'])

/** At the root metadata may say something of name and generateName only. */
function restrictsMore(metadata: Schema): boolean {
  // Of these a structural schema has none, whatever is made of them elsewhere.
  const { definitions: _definitions, dependencies: _dependencies, patternProperties: _patterns, type: _type, default: _default, properties, ...rest } = metadata
  // An empty schema or document is something; an empty list is only where upstream takes it over as it is.
  const isEmpty = ([name, value]: [string, unknown]): boolean =>
    value === undefined || value === false || (value === '' && !name.startsWith('x-')) || (Array.isArray(value) && value.length === 0 && !TAKEN_OVER.has(name))
  return Object.keys(properties ?? {}).some((name) => name !== 'name' && name !== 'generateName') || !Object.entries(rest).every(isEmpty)
}

interface JunctorOptions {
  skipAnyOf: boolean
  skipFirstAllOf: boolean
  level: Level
  path: string
}

function validateJunctors(schema: Schema, { skipAnyOf, skipFirstAllOf, level, path }: JunctorOptions): FieldError[] {
  const errors: FieldError[] = []
  const nested = (inner: Schema, at: string, skips = false): void => {
    errors.push(...validateNested(inner, { skipAnyOf: skips, skipFirstAllOf: false, level, path: at }))
  }
  if (!skipAnyOf) schema.anyOf?.forEach((s, i) => nested(s, `${path}.anyOf[${i}]`))
  schema.allOf?.forEach((s, i) => nested(s, `${path}.allOf[${i}]`, skipFirstAllOf && i === 0))
  schema.oneOf?.forEach((s, i) => nested(s, `${path}.oneOf[${i}]`))
  if (schema.not) nested(schema.not, `${path}.not`)
  if (schema.pattern) {
    const regexp = compileGoRegexp(schema.pattern)
    if ('error' in regexp) errors.push(field.invalid(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${regexp.error}`))
  }
  return errors
}

/** Members that must not stand inside of a junctor, and how that is said. */
const FORBIDDEN_NESTED = [
  ['type', 'empty'],
  ['additionalProperties', 'undefined'],
  ['default', 'undefined'],
  ['title', 'empty'],
  ['description', 'empty'],
  ['nullable', 'false'],
  ['x-kubernetes-preserve-unknown-fields', 'false'],
  ['x-kubernetes-embedded-resource', 'false'],
  ['x-kubernetes-int-or-string', 'false'],
  ['x-kubernetes-list-map-keys', 'empty'],
  ['x-kubernetes-list-type', 'undefined'],
  ['x-kubernetes-map-type', 'undefined'],
  ['x-kubernetes-validations', 'empty'],
] as const

/** What upstream holds by reference is there even when it says nothing. */
const BY_REFERENCE: ReadonlySet<string> = new Set(['default', 'x-kubernetes-list-type', 'x-kubernetes-map-type'])

function isGiven(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  return BY_REFERENCE.has(name) || (Array.isArray(value) ? value.length > 0 : value !== '' && value !== false)
}

function validateNested(schema: Schema, options: JunctorOptions): FieldError[] {
  const { level, path } = options
  const errors = validateJunctors(schema, options)
  const items = itemsOf(schema)
  if (items) errors.push(...validateNested(items, { skipAnyOf: false, skipFirstAllOf: false, level, path: `${path}.items` }))
  for (const [name, property] of sortedProperties(schema.properties)) {
    errors.push(...validateNested(property, { skipAnyOf: false, skipFirstAllOf: false, level: 'field', path: `${path}.properties[${name}]` }))
  }
  for (const [name, how] of FORBIDDEN_NESTED) {
    if (isGiven(schema[name], name)) errors.push(field.forbidden(`${path}.${name}`, `must be ${how} to be structural`))
  }
  if (schema.properties?.metadata) errors.push(field.forbidden(`${path}.properties[metadata]`, 'must not be specified in a nested context'))
  return errors
}

interface Counterpart {
  structural: Schema | undefined
  path: string
  /** Where the nested schema stands that asks for it. */
  from: string
}

/** Every value that a junctor speaks of must be specified outside of it. */
function validateCompleteness(schema: Schema, { structural, path, from }: Counterpart): FieldError[] {
  const errors: FieldError[] = []
  const nested = (inner: Schema, at: string): void => {
    errors.push(...validateNestedCompleteness(inner, { structural, path, from: at }))
  }
  if (schema.not) nested(schema.not, `${from}.not`)
  schema.allOf?.forEach((s, i) => nested(s, `${from}.allOf[${i}]`))
  schema.anyOf?.forEach((s, i) => nested(s, `${from}.anyOf[${i}]`))
  schema.oneOf?.forEach((s, i) => nested(s, `${from}.oneOf[${i}]`))
  return errors
}

function validateNestedCompleteness(schema: Schema, { structural, path, from }: Counterpart): FieldError[] {
  if (!structural) return [field.required(path, `because it is defined in ${from}`)]
  const errors = validateCompleteness(schema, { structural, path, from })
  const items = itemsOf(schema)
  if (items) errors.push(...validateNestedCompleteness(items, { structural: itemsOf(structural), path: `${path}.items`, from: `${from}.items` }))
  for (const [name, property] of sortedProperties(schema.properties)) {
    const at = `.properties[${name}]`
    errors.push(...validateNestedCompleteness(property, { structural: structural.properties?.[name], path: path + at, from: from + at }))
  }
  return errors
}
