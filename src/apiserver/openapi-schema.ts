/**
 * The schemas of OpenAPI documents, rebuilt from the facts about types. Models what openapi-gen writes into
 * pkg/generated/openapi and what kube-openapi's builders make of it: v3 has defaults and wraps references, v2 does neither.
 */
import { type FieldFacts, mustTypeFacts, typeFacts, type TypeFacts } from '../../schemas/facts.ts'
import { type FieldType, isSpecialScalar, type Scalar, scalarTypeNames, type SpecialScalar } from '../../schemas/field-type.ts'
import { describeType, type TypeDescriptions } from './descriptions.ts'

export type OpenAPIVersion = 'v2' | 'v3'
export type JsonSchema = Record<string, unknown>

const refPrefixes: Readonly<Record<OpenAPIVersion, string>> = { v2: '#/definitions/', v3: '#/components/schemas/' }

export function schemaRef(version: OpenAPIVersion, typeName: string): { $ref: string } {
  return { $ref: refPrefixes[version] + typeName }
}

const dateTime: JsonSchema = { type: 'string', format: 'date-time' }
const anything: JsonSchema = {}

const specialSchemas: Readonly<Record<SpecialScalar, Readonly<Record<OpenAPIVersion, JsonSchema>>>> = {
  Time: { v2: dateTime, v3: dateTime },
  MicroTime: { v2: dateTime, v3: dateTime },
  Duration: { v2: { type: 'string' }, v3: { type: 'string' } },
  Quantity: { v2: { type: 'string' }, v3: { oneOf: [{ type: 'string' }, { type: 'number' }] } },
  IntOrString: {
    v2: { type: 'string', format: 'int-or-string' },
    v3: { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  },
  RawExtension: { v2: { type: 'object' }, v3: { type: 'object' } },
  FieldsV1: { v2: { type: 'object' }, v3: { type: 'object' } },
  JSON: { v2: anything, v3: anything },
  JSONSchemaPropsOrBool: { v2: anything, v3: anything },
  JSONSchemaPropsOrArray: { v2: anything, v3: anything },
  JSONSchemaPropsOrStringArray: { v2: anything, v3: anything },
}

/** The type and format of the scalars that stand in the schema itself. */
const scalarSchemas: Readonly<Record<Exclude<Scalar, SpecialScalar>, { type: string; format?: string }>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int: { type: 'integer', format: 'int32' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  uint8: { type: 'integer', format: 'byte' },
  uint32: { type: 'integer', format: 'int64' },
  uint64: { type: 'integer', format: 'int64' },
  float64: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  any: { type: 'object' },
}

/** What openapi-gen takes for the default of a Go type of its own accord. */
function zeroDefault(type: FieldType, omitEmpty: boolean): unknown {
  if (type.kind === 'ref') return {}
  if (type.kind !== 'scalar' || omitEmpty) return undefined
  switch (type.scalar) {
    case 'string':
      return ''
    case 'bool':
      return false
    case 'int':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint32':
    case 'uint64':
    case 'float64':
      return 0
    default:
      return undefined
  }
}

function fieldDefault(field: FieldFacts): unknown {
  if (field.noDefault) return undefined
  if (field.default !== undefined || field.pointer) return field.default
  return zeroDefault(field.type, field.omitEmpty)
}

/** What openapi-gen adds to the description of an enum; what upstream says of each value is left out. */
function enumText(values: readonly string[] | undefined): string {
  return values === undefined ? '' : `\n\nPossible enum values:\n${values.map((value) => ` - \`${JSON.stringify(value)}\``).join('\n')}`
}

class SchemaBuilder {
  readonly #version: OpenAPIVersion
  readonly #visit: (typeName: string) => void

  constructor(version: OpenAPIVersion, visit: (typeName: string) => void) {
    this.#version = version
    this.#visit = visit
  }

  object(facts: TypeFacts): JsonSchema {
    const descriptions = describeType(facts.name)
    const described = descriptions[''] === undefined ? {} : { description: descriptions[''] }
    if (facts.scalar !== undefined) return { ...described, ...specialSchemas[facts.scalar][this.#version] }
    const schema: JsonSchema = { ...described, type: 'object' }
    const required = [...facts.jsonFields.values()].filter((f) => f.required).map((f) => f.name)
    if (required.length > 0) schema['required'] = required
    if (facts.jsonFields.size > 0) schema['properties'] = this.#properties(facts, descriptions)
    if (facts.gvks.length > 0) schema['x-kubernetes-group-version-kind'] = facts.gvks
    if (facts.mapType !== undefined) schema['x-kubernetes-map-type'] = facts.mapType
    if (facts.unions.length > 0) schema['x-kubernetes-unions'] = facts.unions
    return schema
  }

  #properties(facts: TypeFacts, descriptions: TypeDescriptions): Record<string, JsonSchema> {
    const properties: Record<string, JsonSchema> = {}
    for (const [name, field] of facts.jsonFields) properties[name] = this.#property(field, descriptions[name])
    return properties
  }

  #property(field: FieldFacts, description: string | undefined): JsonSchema {
    const schema = this.#type(field.type, fieldDefault(field), { described: !field.undescribed, itemEnum: field.itemEnum })
    if (description !== undefined) schema['description'] = description + enumText(field.enum)
    if (field.format !== undefined) schema['format'] = field.format
    if (field.enum !== undefined) schema['enum'] = field.enum
    if (field.listMapKeys.length > 0) schema['x-kubernetes-list-map-keys'] = field.listMapKeys
    if (field.listType !== undefined) schema['x-kubernetes-list-type'] = field.listType
    if (field.mapType !== undefined) schema['x-kubernetes-map-type'] = field.mapType
    if (field.patchMergeKey !== undefined) schema['x-kubernetes-patch-merge-key'] = field.patchMergeKey
    if (field.patchStrategy.length > 0) schema['x-kubernetes-patch-strategy'] = field.patchStrategy.join(',')
    return schema
  }

  #type(type: FieldType, byDefault: unknown, options: { described?: boolean; itemEnum?: readonly string[] | undefined } = {}): JsonSchema {
    if (type.kind === 'ref') return this.#reference(type.name, byDefault, options.described ?? false)
    if (type.kind === 'scalar') {
      if (isSpecialScalar(type.scalar)) return this.#reference(scalarTypeNames[type.scalar], byDefault, options.described ?? false)
      return this.#withDefault({ ...scalarSchemas[type.scalar] }, byDefault)
    }
    const items = this.#type(type.of, zeroDefault(type.of, false))
    if (options.itemEnum !== undefined) items['enum'] = options.itemEnum
    return type.kind === 'list' ? { type: 'array', items } : { type: 'object', additionalProperties: items }
  }

  /** In v3 a reference with anything beside it goes into allOf, where it counts; v2 lets both stand side by side. */
  #reference(typeName: string, byDefault: unknown, described: boolean): JsonSchema {
    this.#visit(typeName)
    const ref = schemaRef(this.#version, typeName)
    if (this.#version === 'v2' || (byDefault === undefined && !described)) return ref
    return this.#withDefault({ allOf: [ref] }, byDefault)
  }

  #withDefault(schema: JsonSchema, byDefault: unknown): JsonSchema {
    if (byDefault !== undefined && this.#version === 'v3') schema['default'] = byDefault
    return schema
  }
}

/** Schemas of types that are no built-in ones (custom resources), by name; they are written for the version asked for. */
export type ExtraSchemas = Readonly<Record<string, JsonSchema>>

/** The schemas of the types and of all that they refer to. */
export function collectSchemas(version: OpenAPIVersion, roots: Iterable<string>, extra: ExtraSchemas = {}): Record<string, JsonSchema> {
  const schemas: Record<string, JsonSchema> = {}
  const pending: string[] = []
  const seen = new Set<string>()
  const visit = (typeName: string): void => {
    if (seen.has(typeName)) return
    seen.add(typeName)
    pending.push(typeName)
  }
  const builder = new SchemaBuilder(version, visit)
  for (const root of roots) visit(root)
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const given = extra[name]
    if (given !== undefined) for (const ref of referencesOf(given)) if (Object.hasOwn(extra, ref) || typeFacts(ref) !== undefined) visit(ref)
    schemas[name] = given ?? builder.object(mustTypeFacts(name))
  }
  return schemas
}

/** The names of the types that a schema refers to. */
export function referencesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' && typeof inner === 'string' ? [inner.slice(inner.lastIndexOf('/') + 1)] : referencesOf(inner)))
}
