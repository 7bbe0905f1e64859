/** Defaults of a structural schema must be values it would take. Models k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting/validation.go. */
import { field, type FieldError } from '../../errors.ts'
import { cloneJSON, isRecord } from '../json.ts'
import { sortedJSON } from '../sorted-json.ts'
import { coerceEmbedded, MalformedField, validateEmbedded } from './embedded-meta.ts'
import { prune } from './prune.ts'
import { itemsOf, META_FIELDS, schemaOf, someSchema, sortedProperties, type Schema } from './schema.ts'
import { compileRules } from './rules.ts'
import { validateValue } from './validate.ts'

interface Place {
  path: string
  /** The resource, or embedded resource, that the schema is in. */
  root: Schema
  /** The keys from there; null for an index. */
  steps: readonly (string | null)[]
  /** In apiVersion, kind or metadata of that resource. */
  insideMeta: boolean
}

/** @param schema of a resource */
export function validateDefaults(schema: Schema, path: string): FieldError[] {
  const root = { ...schema, 'x-kubernetes-embedded-resource': true }
  return validate(root, { path, root, steps: [], insideMeta: false })
}

function validate(schema: Schema, outer: Place): FieldError[] {
  const isResource = schema['x-kubernetes-embedded-resource'] ?? false
  const place = isResource ? { ...outer, root: schema, steps: [], insideMeta: false } : outer
  const { path, steps, insideMeta } = place
  const errors = isPresent(schema.default) ? validateDefault(schema, place) : []
  const items = itemsOf(schema)
  if (items) errors.push(...validate(items, { ...place, path: `${path}.items`, steps: [...steps, null] }))
  for (const [name, property] of sortedProperties(schema.properties)) {
    const inner = { ...place, path: `${path}.properties[${name}]`, steps: [...steps, name], insideMeta: insideMeta || (isResource && META_FIELDS.has(name)) }
    errors.push(...validate(property, inner))
  }
  return errors
}

const isPresent = (value: unknown): boolean => value !== undefined && value !== null

function validateDefault(schema: Schema, place: Place): FieldError[] {
  const at = `${place.path}.default`
  const value: unknown = schema.default
  if (place.insideMeta) {
    const wrong = whyNotMetadata(value, place)
    return wrong ? [field.invalid(at, value, `must result in valid metadata: ${wrong}`)] : validateValue(value, withoutIntOrString(schema), { base: at })
  }
  const errors: FieldError[] = []
  const isResource = schema['x-kubernetes-embedded-resource'] ?? false
  if (prune(value, schema, isResource).hasUnknown) errors.push(field.invalid(at, sortedJSON(value), 'must not have unknown fields'))
  try {
    coerceEmbedded(value, schema, { dropsMalformed: false, path: at })
  } catch (error) {
    if (error instanceof MalformedField) return [...errors, error.fieldError]
    throw error
  }
  const embedded = validateEmbedded(value, schema, at)
  if (embedded.length > 0) return [...errors, ...embedded]
  const wrong = validateValue(value, withoutIntOrString(schema), { base: at })
  return [...errors, ...(wrong.length > 0 ? wrong : ruleErrors(value, schema, { at, isResource }))]
}

const IS_EITHER = (schema: Schema): boolean => schema['x-kubernetes-int-or-string'] ?? false

/** Upstream takes values for defaults, not for objects, that are neither integers nor strings where they should be either. */
function withoutIntOrString(schema: Schema): Schema {
  if (!someSchema(schema, IS_EITHER)) return schema
  const { 'x-kubernetes-int-or-string': _either, ...rest } = schema
  const [items, others] = [itemsOf(schema), schemaOf(schema.additionalProperties)]
  return {
    ...rest,
    ...(schema.properties ? { properties: Object.fromEntries(Object.entries(schema.properties).map(([name, property]) => [name, withoutIntOrString(property)])) } : {}),
    ...(items ? { items: withoutIntOrString(items) } : {}),
    ...(others ? { additionalProperties: withoutIntOrString(others) } : {}),
  }
}

/** As an update that leaves it as it is, and as a new value. */
function ruleErrors(value: unknown, schema: Schema, { at, isResource }: { at: string; isResource: boolean }): FieldError[] {
  const rules = compileRules(schema, { isResource })
  if (!rules) return []
  const kept = rules.validate(value, value, at)
  return kept.length > 0 ? kept : rules.validate(value, undefined, at)
}

/** What is wrong with a resource that has nothing but this value. */
function whyNotMetadata(value: unknown, { root, steps }: Place): string | undefined {
  const inner = steps.reduceRight<unknown>((built, step) => (step === null ? [built] : { [step]: built }), cloneJSON(value))
  const resource = { apiVersion: 'validation/v1', kind: 'Validation', ...(isRecord(inner) ? inner : {}) }
  const schema = { ...root, 'x-kubernetes-embedded-resource': true }
  try {
    const coerced = coerceEmbedded(resource, schema, { dropsMalformed: false })
    const texts = validateEmbedded(coerced.value, schema).map((e) => `${e.field}: ${e.body}`)
    return texts.length > 1 ? `[${[...new Set(texts)].join(', ')}]` : texts[0]
  } catch (error) {
    if (error instanceof MalformedField) return error.message
    throw error
  }
}
