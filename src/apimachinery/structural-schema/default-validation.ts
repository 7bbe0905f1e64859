/** Defaults of a structural schema must be values it would take. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go. */
import { field, type FieldError } from '../../errors.ts'
import { cloneJSON, equalJSON, sortMembers } from '../json.ts'
import { prune } from './prune.ts'
import { validateValue } from './validate-value.ts'
import { itemsOf, sortedProperties, type Schema } from './schema.ts'

const META_FIELDS = ['metadata', 'apiVersion', 'kind']

/** @param schema of a resource */
export function validateDefaults(schema: Schema, path: string): FieldError[] {
  return validate({ ...schema, 'x-kubernetes-embedded-resource': true }, path, false)
}

function validate(schema: Schema, path: string, insideMeta: boolean): FieldError[] {
  const errors: FieldError[] = []
  const isEmbedded = schema['x-kubernetes-embedded-resource'] ?? false
  const inMeta = insideMeta && !isEmbedded
  if (schema.default !== undefined && schema.default !== null && !inMeta) {
    const pruned = cloneJSON(schema.default)
    prune(pruned, schema, isEmbedded)
    if (!equalJSON(pruned, schema.default)) errors.push(field.invalid(`${path}.default`, sortMembers(schema.default), 'must not have unknown fields'))
  }
  if (schema.default !== undefined && schema.default !== null) errors.push(...validateValue(schema.default, schema, { path: `${path}.default` }))
  const items = itemsOf(schema)
  if (items) errors.push(...validate(items, `${path}.items`, inMeta))
  for (const [name, property] of sortedProperties(schema.properties)) {
    errors.push(...validate(property, `${path}.properties[${name}]`, inMeta || (isEmbedded && META_FIELDS.includes(name))))
  }
  return errors
}
