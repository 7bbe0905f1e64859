/** How the schemas of custom resources are walked. Models SchemaHas of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation. */
import type { JSONSchemaProps } from '../../../schemas/types.ts'

export type Schema = JSONSchemaProps

/** The schema that stands where a boolean may stand, too. */
export const schemaOf = (value: Schema | boolean | undefined): Schema | undefined => (typeof value === 'object' ? value : undefined)

/** The one schema of all items; none for a list of schemas. */
export const itemsOf = (schema: Schema): Schema | undefined => (Array.isArray(schema.items) ? undefined : schema.items)

/** Members that every resource has, whatever its schema says. */
export const META_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

/** The schema of a member: its own, or that of all members that have none. */
export function schemaForKey({ properties, additionalProperties }: Schema, key: string): Schema | undefined {
  return properties && Object.hasOwn(properties, key) ? properties[key] : schemaOf(additionalProperties)
}

/** Members in the order of their names, so that errors come in the same order each time. */
export const sortedProperties = (properties: Readonly<Record<string, Schema>> | undefined): [string, Schema][] =>
  Object.entries(properties ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))

/** Whether `predicate` holds for the schema or for one within it. */
export function someSchema(schema: Schema | undefined, predicate: (schema: Schema) => boolean): boolean {
  if (!schema) return false
  if (predicate(schema)) return true
  const some = (inner: Schema | undefined): boolean => someSchema(inner, predicate)
  const { items, allOf = [], anyOf = [], oneOf = [], dependencies = {} } = schema
  return (
    (Array.isArray(items) ? items.some(some) : some(items)) ||
    [...allOf, ...anyOf, ...oneOf].some(some) ||
    some(schema.not) ||
    Object.values(schema.properties ?? {}).some(some) ||
    some(schemaOf(schema.additionalProperties)) ||
    Object.values(schema.patternProperties ?? {}).some(some) ||
    some(schemaOf(schema.additionalItems)) ||
    Object.values(schema.definitions ?? {}).some(some) ||
    Object.values(dependencies).some((d) => !Array.isArray(d) && some(d))
  )
}
