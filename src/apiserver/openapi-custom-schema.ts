/**
 * The schemas of custom resources as OpenAPI documents have them: with the members that every resource has, and for v2
 * without what its readers cannot cope with. Models openapi/builder, openapi/v2 and schema/unfold.go of
 * k8s.io/apiextensions-apiserver/pkg.
 */
import { equalJSON } from '../apimachinery/json.ts'
import { itemsOf, schemaOf, type Schema } from '../apimachinery/structural-schema/schema.ts'
import { validateStructural, whyNotReadable } from '../apimachinery/structural-schema/structural.ts'
import type { GroupVersionKind } from '../registry/kind.ts'
import { describeType } from './descriptions.ts'
import { schemaRef, type JsonSchema, type OpenAPIVersion } from './openapi-schema.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

/** Names of the types of a custom resource and its list: `com.example.v1.Gizmo`. */
export function customTypeName({ group, version, kind }: GroupVersionKind): string {
  return `${group.split('.').reverse().join('.')}.${version}.${kind}`
}

export interface CustomSchemaSource {
  gvk: GroupVersionKind
  listKind: string
  plural: string
  schema: Schema | undefined
  preservesUnknown: boolean
  /** Without the dot in front. */
  selectableFields: readonly string[]
}

/** The schemas of a resource and its list, by name. */
export function customSchemas(source: CustomSchemaSource, version: OpenAPIVersion): Record<string, JsonSchema> {
  const { gvk, listKind, plural } = source
  const extensions = (kind: string): JsonSchema => ({
    'x-kubernetes-group-version-kind': [{ ...gvk, kind }],
    ...(source.selectableFields.length > 0 ? { 'x-kubernetes-selectable-fields': source.selectableFields.map((fieldPath) => ({ fieldPath })) } : {}),
  })
  const list: JsonSchema = {
    description: `${listKind} is a list of ${gvk.kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...typeMeta(),
      items: {
        description: `List of ${plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
        type: 'array',
        items: schemaRef(version, customTypeName(gvk)),
      },
      metadata: metaRef(version, `${META}ListMeta`, describeType('io.k8s.api.core.v1.PodList')['metadata']),
    },
    ...extensions(listKind),
  }
  return {
    [customTypeName(gvk)]: { ...resourceSchema(source, version), ...extensions(gvk.kind) },
    [customTypeName({ ...gvk, kind: listKind })]: list,
  }
}

function resourceSchema({ schema, preservesUnknown }: CustomSchemaSource, version: OpenAPIVersion): JsonSchema {
  // Members may only be told where nothing else is allowed: kubectl takes them for all there are.
  if (!schema || whyNotReadable(schema) || validateStructural(schema, '').length > 0) return { type: 'object' }
  if (version === 'v2' && (preservesUnknown || schema['x-kubernetes-preserve-unknown-fields'])) return { type: 'object' }
  const open = version === 'v2' ? openV2(schema) : openV3(schema)
  return { ...open, properties: { ...(open['properties'] as object | undefined), ...resourceMembers(version) } }
}

function typeMeta(): Record<string, JsonSchema> {
  const { apiVersion, kind } = describeType('io.k8s.api.core.v1.Pod')
  return { apiVersion: { ...described(apiVersion), type: 'string' }, kind: { ...described(kind), type: 'string' } }
}

const described = (description: string | undefined): JsonSchema => (description === undefined ? {} : { description })

function metaRef(version: OpenAPIVersion, typeName: string, description: string | undefined): JsonSchema {
  const ref = schemaRef(version, typeName)
  return { ...described(description), ...(version === 'v2' ? ref : { allOf: [ref] }) }
}

function resourceMembers(version: OpenAPIVersion): Record<string, JsonSchema> {
  return { ...typeMeta(), metadata: metaRef(version, `${META}ObjectMeta`, describeType('io.k8s.api.core.v1.Pod')['metadata']) }
}

const INT_OR_STRING: readonly Schema[] = [{ type: 'integer' }, { type: 'string' }]

function openV3(schema: Schema): JsonSchema {
  const open = withInner(schema, openV3)
  if (schema['x-kubernetes-int-or-string'] && !equalJSON(schema.anyOf, INT_OR_STRING) && !equalJSON(schema.allOf?.[0]?.anyOf, INT_OR_STRING)) {
    if (schema.anyOf) open['allOf'] = [{ anyOf: INT_OR_STRING }, ...(schema.allOf ?? [])]
    else open['anyOf'] = INT_OR_STRING
  }
  return schema['x-kubernetes-embedded-resource'] ? embedded(open, 'v3') : open
}

/** The schema with those of its members and items made anew. */
function withInner(schema: Schema, make: (inner: Schema) => JsonSchema): JsonSchema {
  const open: JsonSchema = { ...schema }
  const items = itemsOf(schema)
  const additional = schemaOf(schema.additionalProperties)
  if (schema.properties) open['properties'] = Object.fromEntries(Object.entries(schema.properties).map(([name, property]) => [name, make(property)]))
  if (items) open['items'] = make(items)
  if (additional) open['additionalProperties'] = make(additional)
  return open
}

function openV2(schema: Schema): JsonSchema {
  const { allOf: _allOf, anyOf: _anyOf, oneOf: _oneOf, not: _not, default: _default, nullable, ...plain } = schema
  const preserves = plain['x-kubernetes-preserve-unknown-fields'] ?? false
  const required = schemaOf(schema.additionalProperties)?.nullable ? [] : (plain.required ?? []).filter((name) => !schema.properties?.[name]?.nullable)
  const kept: Schema = { ...plain }
  delete kept.required
  if (required.length > 0) kept.required = required
  if (nullable || preserves) {
    delete kept.items
    delete kept.properties
  }
  // What kubectl cannot read as a list or object it takes for anything.
  if (nullable || (kept.type === 'array' && !kept.items) || (preserves && kept.type === 'object')) delete kept.type
  const open = withInner(kept, openV2)
  return kept['x-kubernetes-embedded-resource'] && !preserves ? embedded(open, 'v2') : open
}

function embedded(schema: JsonSchema, version: OpenAPIVersion): JsonSchema {
  const required = (schema['required'] as readonly string[] | undefined) ?? []
  return {
    ...schema,
    properties: { ...(schema['properties'] as object | undefined), ...resourceMembers(version) },
    required: [...required, ...['kind', 'apiVersion'].filter((name) => !required.includes(name))],
  }
}
