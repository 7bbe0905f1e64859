/**
 * The schema of a built-in kind with all that it refers to, as far as the types of expressions go by it. Models
 * PopulateRefs and DefinitionsSchemaResolver of k8s.io/apiserver/pkg/cel/openapi/resolver.
 */
import { mustTypeFacts, typeNameFor, type FieldFacts, type GroupVersionKind } from '../../../schemas/facts.ts'
import type { FieldType, Scalar } from '../../../schemas/field-type.ts'
import type { JSONSchemaProps } from '../../../schemas/types.ts'

type Schema = JSONSchemaProps

const SCALARS: Readonly<Partial<Record<Scalar, Schema>>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  bytes: { type: 'string', format: 'byte' },
  float64: { type: 'number' },
  any: { type: 'object' },
  Time: { type: 'string', format: 'date-time' },
  MicroTime: { type: 'string', format: 'date-time' },
  Duration: { type: 'string' },
  RawExtension: { type: 'object' },
  FieldsV1: { type: 'object' },
  IntOrString: { 'x-kubernetes-int-or-string': true },
}
const INTEGER: Schema = { type: 'integer' }
/** Quantities and JSON have no type that expressions could see. */
const UNTYPED: Schema = {}

export function builtInSchema({ group, version, kind }: GroupVersionKind): Schema | undefined {
  const typeName = typeNameFor(group, version, kind)
  return typeName === undefined ? undefined : objectSchema(typeName, new Set())
}

/** @param inside the types that this one stands in: one that stands in itself is an object without members there */
function objectSchema(typeName: string, inside: ReadonlySet<string>): Schema {
  if (inside.has(typeName)) return { type: 'object' }
  const facts = mustTypeFacts(typeName)
  if (facts.scalar !== undefined) return SCALARS[facts.scalar] ?? UNTYPED
  const within = new Set(inside).add(typeName)
  const properties: Record<string, Schema> = {}
  for (const [name, field] of facts.jsonFields) properties[name] = fieldSchema(field, within)
  return { type: 'object', properties }
}

function fieldSchema({ type, format }: FieldFacts, inside: ReadonlySet<string>): Schema {
  const schema = typeSchema(type, inside)
  return format === undefined ? schema : { ...schema, format }
}

function typeSchema(type: FieldType, inside: ReadonlySet<string>): Schema {
  switch (type.kind) {
    case 'ref':
      return objectSchema(type.name, inside)
    case 'list':
      return { type: 'array', items: typeSchema(type.of, inside) }
    case 'map':
      return { type: 'object', additionalProperties: typeSchema(type.of, inside) }
    case 'scalar':
      return SCALARS[type.scalar] ?? (/int/.test(type.scalar) ? INTEGER : UNTYPED)
  }
}
