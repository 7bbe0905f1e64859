/**
 * How custom resources merge, by the schema of their definition.
 * Models k8s.io/kube-openapi/pkg/schemaconv/openapi.go over what the apiextensions server publishes.
 */
import { deduced, mergeTypeOf, untypedAtomic, type MergeField, type MergeList, type MergeMap, type MergeScalar, type MergeType } from './merge-type.ts'
import type { Schema } from './structural-schema/schema.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/**
 * @param schema of the resource's version; nothing where it has none, and all its fields merge by their form
 * @param preserveUnknownFields spec.preserveUnknownFields of the definition
 */
export function mergeTypeFromSchema(schema: Schema | undefined, preserveUnknownFields = false): MergeType {
  if (!schema || schema['x-kubernetes-preserve-unknown-fields'] === true && !schema.properties) return resourceType(deduced.map ?? { fields: new Map(), isAtomic: false })
  // The header that every resource has makes an object without properties one that has some.
  return resourceType(typeFrom({ ...schema, properties: { metadata: {}, ...schema.properties } }, preserveUnknownFields).map ?? { fields: new Map(), isAtomic: false })
}

/** Every resource has its header, whatever its schema says of it. */
function resourceType(map: MergeMap): MergeType {
  const text: MergeType = { scalar: 'string' }
  const header: [string, MergeType][] = [['apiVersion', text], ['kind', text], ['metadata', mergeTypeOf(OBJECT_META)]]
  const fields = new Map<string, MergeField>([...map.fields, ...header.map(([name, type]): [string, MergeField] => [name, { type, element: `f:${name}` }])])
  return { map: { ...map, element: map.element, fields } }
}

function typeFrom(schema: Schema, inherited: boolean): MergeType {
  const preserves = inherited || schema['x-kubernetes-preserve-unknown-fields'] === true
  switch (schema.type ?? '') {
    case 'object':
      return { map: mapFrom(schema, preserves) }
    case 'array':
      return { list: listFrom(schema, preserves) }
    case '':
      return { scalar: 'untyped', list: listFrom(schema, preserves), map: mapFrom(schema, preserves) }
    default:
      return { scalar: scalarFrom(schema) }
  }
}

function scalarFrom({ type, format }: Schema): MergeScalar {
  if (type === 'integer' || type === 'number') return 'numeric'
  if (type === 'boolean') return 'boolean'
  // Values with a form of their own are not looked at.
  return type === 'string' && (!format || format === 'byte') ? 'string' : 'untyped'
}

function mapFrom(schema: Schema, preserves: boolean): MergeMap {
  const fields = new Map<string, MergeField>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    fields.set(name, { type: typeFrom(property, preserves), element: `f:${name}`, ...(property.default === undefined ? {} : { default: property.default }) })
  }
  if (schema['x-kubernetes-embedded-resource'] === true) {
    for (const [name, field] of resourceType({ fields: new Map(), isAtomic: false }).map?.fields ?? []) if (name === 'metadata' || !fields.has(name)) fields.set(name, field)
  }
  const element = elementFrom(schema, preserves)
  return { fields, isAtomic: schema['x-kubernetes-map-type'] === 'atomic', ...(element ? { element } : {}) }
}

function elementFrom(schema: Schema, preserves: boolean): MergeType | undefined {
  const additional = schema.additionalProperties
  if (additional === undefined) return preserves || Object.keys(schema.properties ?? {}).length === 0 ? deduced : undefined
  if (additional === true) return deduced
  return additional === false ? undefined : typeFrom(additional, preserves)
}

function listFrom(schema: Schema, preserves: boolean): MergeList {
  const items = Array.isArray(schema.items) ? schema.items[0] : schema.items
  const listType = schema['x-kubernetes-list-type']
  return {
    element: items ? typeFrom(items, preserves) : untypedAtomic,
    isAtomic: listType !== 'set' && listType !== 'map',
    keys: listType === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [],
  }
}
