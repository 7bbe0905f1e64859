/**
 * Resources inside of resources (x-kubernetes-embedded-resource): their metadata is decoded as ObjectMeta, and checked.
 * Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta.
 */
import { field, type FieldError } from '../../errors.ts'
import type { ObjectMeta } from '../../../schemas/types.ts'
import { decodeObject } from '../decode.ts'
import { byBytes } from '../go-format.ts'
import { isRecord } from '../json.ts'
import { ParseError } from '../parse-error.ts'
import { validateObjectMeta } from '../validate-meta.ts'
import { isDNS1035Label, isPathSegmentName, isPathSegmentPrefix } from '../validation.ts'
import { itemsOf, schemaForKey, someSchema, type Schema } from './schema.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

export interface DecodedMeta {
  metadata: ObjectMeta
  /** `labels.a` … as strict decoding names them, without the word metadata. */
  unknown: string[]
}

/**
 * Metadata as a resource holds it, zero values left out.
 * @throws ParseError in Go's words when a type does not fit
 */
export function decodeMeta(json: unknown): DecodedMeta {
  const { object, strictErrors } = decodeObject(OBJECT_META, json)
  return { metadata: object, unknown: strictErrors.map((text) => text.slice('unknown field "'.length, -1)) }
}

/** The same for what was stored before it was checked: what does not fit its type is left out. */
export function decodeMetaLeniently(json: unknown): DecodedMeta {
  try {
    return decodeMeta(json)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
  }
  const metadata: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(isRecord(json) ? json : {})) {
    try {
      Object.assign(metadata, decodeMeta({ [key]: value }).metadata)
    } catch (error) {
      if (!(error instanceof ParseError)) throw error
    }
  }
  return { metadata, unknown: [] }
}

const embedding = new WeakMap<Schema, boolean>()

/** Whether a schema has embedded resources anywhere within it. */
function embeds(schema: Schema): boolean {
  let found = embedding.get(schema)
  if (found === undefined) embedding.set(schema, (found = someSchema(schema, (s) => s['x-kubernetes-embedded-resource'] ?? false)))
  return found
}

export interface CoerceOptions {
  /** What is malformed goes, instead of failing. */
  dropsMalformed: boolean
  /** Where the value is. */
  path?: string
}

/** A field that does not fit; it makes the whole resource unreadable. */
export class MalformedField extends Error {
  constructor(readonly fieldError: FieldError) {
    super(`${fieldError.field}: ${fieldError.body}`)
  }
}

/**
 * Decodes the metadata of all embedded resources; what stays as it is is shared.
 * @throws MalformedField
 */
export function coerceEmbedded<T>(value: T, schema: Schema | undefined, options: CoerceOptions): { value: T; unknown: string[] } {
  if (!schema || !embeds(schema)) return { value, unknown: [] }
  const unknown: string[] = []
  const coerced = coerce(value, schema, options.path ?? '', { ...options, unknown }) as T
  return { value: coerced, unknown: unknown.sort(byBytes) }
}

type Coercion = CoerceOptions & { unknown: string[] }

const childOf = (path: string, key: string): string => (path ? `${path}.${key}` : key)

function coerce(value: unknown, schema: Schema, path: string, coercion: Coercion): unknown {
  if (typeof value !== 'object' || value === null || !embeds(schema)) return value
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (!items) return value
    const coerced = value.map((item: unknown, i) => coerce(item, items, `${path}[${i}]`, coercion))
    return coerced.every((item, i) => item === value[i]) ? value : coerced
  }
  const members = schema['x-kubernetes-embedded-resource'] ? coerceResource(value as Record<string, unknown>, path, coercion) : (value as Record<string, unknown>)
  const { properties = {} } = schema
  let copy: Record<string, unknown> | undefined
  for (const key of Object.keys(members)) {
    const inner = schemaForKey(schema, key)
    if (!inner) continue
    const coerced = coerce(members[key], inner, Object.hasOwn(properties, key) ? childOf(path, key) : `${path}[${key}]`, coercion)
    if (coerced !== members[key]) (copy ??= { ...members })[key] = coerced
  }
  return copy ?? members
}

function coerceResource(resource: Record<string, unknown>, path: string, { dropsMalformed, unknown }: Coercion): Record<string, unknown> {
  const copy = { ...resource }
  for (const key of ['apiVersion', 'kind']) {
    if (!Object.hasOwn(copy, key) || typeof copy[key] === 'string') continue
    if (!dropsMalformed) throw new MalformedField(field.invalid(childOf(path, key), copy[key], 'must be a string'))
    delete copy[key]
  }
  if (!Object.hasOwn(copy, 'metadata')) return copy
  const at = childOf(path, 'metadata')
  try {
    const decoded = dropsMalformed ? decodeMetaLeniently(copy.metadata) : decodeMeta(copy.metadata)
    copy.metadata = decoded.metadata
    unknown.push(...decoded.unknown.map((name) => `${at}.${name}`))
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    throw new MalformedField(field.invalid(at, copy.metadata, error.message))
  }
  return copy
}

/** The errors of embedded resources. */
export function validateEmbedded(value: unknown, schema: Schema | undefined, path = ''): FieldError[] {
  if (!schema || typeof value !== 'object' || value === null || !embeds(schema)) return []
  if (Array.isArray(value)) return value.flatMap((item, i) => validateEmbedded(item, itemsOf(schema), `${path}[${i}]`))
  const members = value as Record<string, unknown>
  const errors = schema['x-kubernetes-embedded-resource'] ? validateResource(members, path) : []
  const { properties = {} } = schema
  for (const key of Object.keys(members)) {
    const at = Object.hasOwn(properties, key) ? childOf(path, key) : `${path}[${key}]`
    errors.push(...validateEmbedded(members[key], schemaForKey(schema, key), at))
  }
  return errors
}

function validateResource(resource: Record<string, unknown>, path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const key of ['apiVersion', 'kind']) if (!Object.hasOwn(resource, key)) errors.push(field.required(childOf(path, key)))
  for (const [key, value] of Object.entries(resource)) {
    const at = childOf(path, key)
    if (key === 'metadata') errors.push(...validateMeta(value, at))
    else if (key !== 'apiVersion' && key !== 'kind') continue
    else if (typeof value !== 'string') errors.push(field.invalid(at, value, 'must be a string'))
    else if (value === '') errors.push(field.invalid(at, value, 'must not be empty'))
    else if (key === 'apiVersion' && value.split('/').length > 2) errors.push(field.invalid(at, value, `unexpected GroupVersion string: ${value}`))
    else if (key === 'kind') {
      const wrong = isDNS1035Label(value.toLowerCase())
      if (wrong.length > 0) errors.push(field.invalid(at, value, `may have mixed case, but should otherwise match: ${wrong.join(',')}`))
    }
  }
  return errors
}

function validateMeta(value: unknown, path: string): FieldError[] {
  try {
    const { metadata } = decodeMeta(value)
    // without a name there would be nothing but that to say
    const named = metadata.name ? metadata : { ...metadata, name: 'fakename' }
    return validateObjectMeta(named, { namespaced: Boolean(metadata.namespace), validateName: (name, prefix) => (prefix ? isPathSegmentPrefix(name) : isPathSegmentName(name)), path })
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    return [field.invalid(path, value, error.message)]
  }
}
