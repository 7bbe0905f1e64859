/**
 * The OpenAPI schemas of definitions. Models ValidateCustomResourceDefinitionOpenAPISchema of
 * k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go.
 */
import { field, type FieldError } from '../../../src/errors.ts'
import { itemsOf, schemaOf, someSchema, sortedProperties, type Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import { RuleCosts, validateRuleExpressions } from './_cel.ts'
import { MAP_TYPES, validateListAndMapTypes, validateMapListKeys } from './_list-type-validation.ts'
import { validateRules } from './_rule-validation.ts'

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const META_FIELDS = ['metadata', 'kind', 'apiVersion']

export interface SchemaOptions {
  requireValidPropertyType: boolean
  requireAtomicSetType: boolean
  requireMapListKeys: boolean
  /** Rules are compiled only when the schema was found structural. */
  compilesRules: boolean
}

export const hasInvalidTypes = (schema: Schema | undefined): boolean => someSchema(schema, (s) => Boolean(s.type) && !TYPES.includes(s.type ?? ''))
export const hasInvalidMapListKeys = (schema: Schema | undefined): boolean => someSchema(schema, (s) => validateMapListKeys(s, '').length > 0)

interface Place {
  path: string
  isRoot: boolean
  /** Why defaults are not allowed here. */
  forbidsDefaults?: string
  /** In apiVersion, kind or metadata of the resource or of an embedded one. */
  insideMeta: boolean
  uncorrelatablePath?: string
  /** Under a junctor rules are not compiled. */
  compilesRules: boolean
  /** How often values of the schema may occur; undefined below an unbounded list or map. */
  cardinality: bigint | undefined
}

/** The number of values within a list or map of at most `limit`. */
const within = (cardinality: bigint | undefined, limit: number | undefined): bigint | undefined => (cardinality === undefined || limit === undefined ? undefined : cardinality * BigInt(limit))

export function validateSchema(schema: Schema, path: string, options: SchemaOptions): FieldError[] {
  const costs = new RuleCosts()
  const { schemaErrors, celErrors } = new SchemaValidation(options, costs).run(schema, { path, isRoot: true, insideMeta: false, compilesRules: options.compilesRules, cardinality: 1n })
  return [...schemaErrors, ...celErrors, ...costs.errors(path)]
}

/** Members of maps of either type are found again after an update. */
const isCorrelatable = (mapType: string | undefined): boolean => mapType === undefined || MAP_TYPES.includes(mapType)

interface Found {
  schemaErrors: FieldError[]
  celErrors: FieldError[]
}

class SchemaValidation {
  readonly #options: SchemaOptions
  readonly #costs: RuleCosts

  constructor(options: SchemaOptions, costs: RuleCosts) {
    this.#options = options
    this.#costs = costs
  }

  run(schema: Schema, place: Place): Found {
    const { path } = place
    const found: Found = { schemaErrors: this.#validateMembers(schema, place), celErrors: [] }
    this.#descend(schema, place, (inner, at, changes) => {
      const { schemaErrors, celErrors } = this.run(inner, { ...place, isRoot: false, ...changes, path: `${path}.${at}` })
      found.schemaErrors.push(...schemaErrors)
      found.celErrors.push(...celErrors)
    })
    if (schema['x-kubernetes-preserve-unknown-fields'] === false) found.schemaErrors.push(field.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
    found.schemaErrors.push(...validateListAndMapTypes(schema, path, this.#options.requireAtomicSetType))
    if (this.#options.requireMapListKeys) found.schemaErrors.push(...validateMapListKeys(schema, path))
    if (!schema['x-kubernetes-validations']?.length) return found
    found.schemaErrors.push(...validateRules(schema, path))
    if (found.schemaErrors.length || !place.compilesRules) return found
    const { uncorrelatablePath, cardinality, isRoot } = place
    const isResource = isRoot || (schema['x-kubernetes-embedded-resource'] ?? false)
    found.celErrors.push(...validateRuleExpressions(schema, path, { uncorrelatablePath, cardinality, isResource, costs: this.#costs }))
    return found
  }

  #validateMembers(schema: Schema, { path, forbidsDefaults, insideMeta }: Place): FieldError[] {
    const errors: FieldError[] = []
    const { type = '' } = schema
    const forbid = (name: string, why = `${name} is not supported`): void => {
      errors.push(field.forbidden(`${path}.${name}`, why))
    }
    if (this.#options.requireValidPropertyType && type && !TYPES.includes(type)) errors.push(field.notSupported(`${path}.type`, type, TYPES))
    if (schema.default !== undefined && forbidsDefaults) forbid('default', `must not be set ${forbidsDefaults}`)
    if (schema.id) forbid('id')
    if (schema.additionalItems !== undefined) forbid('additionalItems')
    if (Object.keys(schema.patternProperties ?? {}).length) forbid('patternProperties')
    if (Object.keys(schema.definitions ?? {}).length) forbid('definitions')
    if (schema.dependencies) forbid('dependencies')
    if (schema.$ref !== undefined) forbid('$ref')
    if (type === 'null') forbid('type', 'type cannot be set to null, use nullable as an alternative')
    if (Array.isArray(schema.items) && schema.items.length) forbid('items', 'items must be a schema object and not an array')
    if (insideMeta && schema['x-kubernetes-embedded-resource']) forbid('x-kubernetes-embedded-resource', 'must not be used inside of resource meta')
    if (schema.uniqueItems) forbid('uniqueItems', 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')
    const { additionalProperties } = schema
    if (additionalProperties !== undefined && additionalProperties !== true && Object.keys(schema.properties ?? {}).length) {
      forbid('additionalProperties', 'additionalProperties and properties are mutual exclusive')
    }
    return errors
  }

  #descend(schema: Schema, place: Place, visit: (inner: Schema, at: string, changes: Partial<Place>) => void): void {
    const underJunctor = { compilesRules: false }
    const additional = schemaOf(schema.additionalProperties)
    const inMap = { cardinality: within(place.cardinality, schema.maxProperties) }
    if (additional) visit(additional, 'additionalProperties', place.insideMeta ? { ...inMap, forbidsDefaults: 'inside additionalProperties applying to object metadata' } : inMap)
    const uncorrelated = { uncorrelatablePath: place.uncorrelatablePath ?? place.path }
    for (const [name, property] of sortedProperties(schema.properties)) {
      const isMeta = (place.isRoot || (schema['x-kubernetes-embedded-resource'] ?? false)) && META_FIELDS.includes(name)
      visit(property, `properties[${name}]`, {
        ...(isCorrelatable(schema['x-kubernetes-map-type']) ? {} : uncorrelated),
        ...(isMeta ? { insideMeta: true } : {}),
        ...(isMeta && place.isRoot ? { forbidsDefaults: `in top-level ${name}` } : {}),
      })
    }
    if (schema.not) visit(schema.not, 'not', underJunctor)
    for (const junctor of ['allOf', 'oneOf', 'anyOf'] as const) schema[junctor]?.forEach((s, i) => visit(s, `${junctor}[${i}]`, underJunctor))
    for (const [name, definition] of sortedProperties(schema.definitions)) visit(definition, `definitions[${name}]`, underJunctor)
    const inList = { cardinality: within(place.cardinality, schema.maxItems) }
    const changes = schema['x-kubernetes-list-type'] === 'map' ? inList : { ...inList, ...uncorrelated }
    const items = itemsOf(schema)
    if (items) visit(items, 'items', changes)
    if (Array.isArray(schema.items)) schema.items.forEach((s, i) => visit(s, `items[${i}]`, changes))
    for (const [name, dependency] of Object.entries(schema.dependencies ?? {})) if (!Array.isArray(dependency)) visit(dependency, `dependencies[${name}]`, underJunctor)
  }
}
