/** The types of the values that a schema describes, with how large they may be. Models SchemaDeclType of k8s.io/apiserver/pkg/cel/common/schemas.go. */
import type { JSONSchemaProps } from '../../../schemas/types.ts'
import type { SizeEstimator } from './cost-estimate.ts'
import type { TypeProvider } from './environment.ts'
import { escapeName } from './escape.ts'
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, DYN, INT, listOf, mapOf, STRING, structType, TIMESTAMP } from './types.ts'

type Schema = JSONSchemaProps

export interface SchemaType {
  readonly type: CelType
  /** By escaped names. */
  readonly fields?: ReadonlyMap<string, SchemaType>
  /** Of a list or map. */
  readonly element?: SchemaType
  readonly isMap?: boolean
  readonly maxElements: number
  /** The least number of bytes in JSON. */
  readonly minSize: number
}

const MAX_REQUEST = 3 * 1024 * 1024
const NO_LIMIT = 0
const MAX_TEXT = MAX_REQUEST - 2

const schemaOf = (value: Schema | boolean | undefined): Schema | undefined => (typeof value === 'object' ? value : undefined)
const notNegative = (value: number): number => Math.max(0, value)

/** With type and metadata, which every resource has; as they are where the schema has them. */
export function withObjectMeta(schema: Schema): Schema {
  const text: Schema = { type: 'string' }
  const own = schema.properties ?? {}
  if ([own.kind, own.apiVersion, own.metadata?.properties?.name, own.metadata?.properties?.generateName].every((member) => member?.type === 'string')) return schema
  const metadata: Schema = { type: 'object', properties: { name: text, generateName: text } }
  return { ...schema, properties: { ...schema.properties, kind: text, apiVersion: text, metadata } }
}

/** undefined: expressions cannot see such a value. `name` is that of the type in errors. */
export function schemaType(given: Schema | undefined, name: string, isResource = false): SchemaType | undefined {
  if (!given) return undefined
  if (given['x-kubernetes-int-or-string']) return { type: DYN, maxElements: given.maxLength === undefined ? MAX_TEXT : notNegative(given.maxLength) * 4, minSize: 1 }
  const schema = isResource ? withObjectMeta(given) : given
  switch (schema.type) {
    case 'array':
      return listType(schema, name)
    case 'object':
      return schemaOf(schema.additionalProperties) ? mapType(schema, name) : objectType(schema, name)
    case 'string':
      return textType(schema)
    case 'boolean':
      return { type: BOOL, maxElements: NO_LIMIT, minSize: 4 }
    case 'number':
      return { type: DOUBLE, maxElements: NO_LIMIT, minSize: 1 }
    case 'integer':
      return { type: INT, maxElements: NO_LIMIT, minSize: 1 }
    default:
      return undefined
  }
}

const nested = (schema: Schema | undefined, name: string): SchemaType | undefined => schemaType(schema, name, schema?.['x-kubernetes-embedded-resource'] ?? false)

function listType(schema: Schema, name: string): SchemaType | undefined {
  const element = nested(Array.isArray(schema.items) ? undefined : schema.items, `${name}.@idx`)
  if (!element) return undefined
  const maxElements = schema.maxItems === undefined ? Math.floor(MAX_TEXT / (element.minSize + 1)) : notNegative(schema.maxItems)
  return { type: listOf(element.type), element, maxElements, minSize: 2 }
}

function mapType(schema: Schema, name: string): SchemaType | undefined {
  const element = nested(schemaOf(schema.additionalProperties), `${name}.@elem`)
  if (!element) return undefined
  const maxElements = schema.maxProperties === undefined ? Math.floor(MAX_TEXT / (element.minSize + 6)) : notNegative(schema.maxProperties)
  return { type: mapOf(STRING, element.type), element, isMap: true, maxElements, minSize: 2 }
}

function objectType(schema: Schema, name: string): SchemaType {
  const fields = new Map<string, SchemaType>()
  const required = new Set(schema.required ?? [])
  let minSize = 2
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeName(key)
    const field = nested(property, `${name}.${escaped ?? key}`)
    if (!field) continue
    if (escaped !== undefined) fields.set(escaped, field)
    if (required.has(key) && property.default === undefined) minSize += Buffer.byteLength(key) + field.minSize + 4
  }
  return { type: structType(name), fields, maxElements: NO_LIMIT, minSize }
}

function textType({ format, maxLength, enum: values }: Schema): SchemaType {
  if (format === 'byte') return { type: BYTES, maxElements: maxLength === undefined ? MAX_TEXT : notNegative(maxLength), minSize: 2 }
  if (format === 'duration') return { type: DURATION, maxElements: 32, minSize: 3 }
  if (format === 'date') return { type: TIMESTAMP, maxElements: 12, minSize: 12 }
  if (format === 'date-time') return { type: TIMESTAMP, maxElements: 32, minSize: 21 }
  if (maxLength !== undefined) return { type: STRING, maxElements: notNegative(maxLength) * 4, minSize: 2 }
  const lengths = values?.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)) ?? []
  return { type: STRING, maxElements: lengths.length ? Math.max(...lengths) : MAX_TEXT, minSize: 2 }
}

/** How often a rule under unbounded lists or maps may run at most. */
export const maxCardinality = ({ minSize }: SchemaType): number => Math.floor(MAX_REQUEST / (minSize + 1))

/** Knows the object types within. */
export function schemaTypes(root: SchemaType): TypeProvider {
  const known = new Map<string, SchemaType>()
  const pending: SchemaType[] = [root]
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (next.fields) known.set(next.type.name, next)
    pending.push(...(next.fields?.values() ?? []))
    if (next.element) pending.push(next.element)
  }
  return {
    find: (name) => known.get(name)?.type,
    // A reserved word may be written as it is.
    field: (type, field) => (known.get(type)?.fields?.get(field) ?? known.get(type)?.fields?.get(escapeName(field) ?? field))?.type,
  }
}

/** The sizes of what stands below a variable of this type. Upstream takes any name for the variable's, even that of items of a list without one. */
export function schemaSizes(root: SchemaType): SizeEstimator {
  return ([variable, ...path]) => {
    if (variable === undefined) return undefined
    let at: SchemaType | undefined = root
    for (const part of path) {
      if (part === '@keys') return at.isMap ? { min: 0n, max: BigInt(NO_LIMIT) } : undefined
      at = part === '@items' || part === '@values' ? at.element : at.fields?.get(part)
      if (!at) return undefined
    }
    return { min: 0n, max: BigInt(at.maxElements) }
  }
}
