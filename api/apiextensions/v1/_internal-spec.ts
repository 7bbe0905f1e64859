/**
 * Upstream judges definitions in their internal form: what is the same in all versions stands at the top, and errors name it
 * there. Models k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/conversion.go and types_jsonschema.go.
 */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { sortedJSON } from '../../../src/apimachinery/sorted-json.ts'
import type { Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  CustomResourceValidation,
  SelectableField,
  ValidationRule,
} from '../../../schemas/types.ts'

/** What versions may differ in, and share when they do not. */
export interface VersionParts {
  schema?: CustomResourceValidation
  subresources?: CustomResourceSubresources
  additionalPrinterColumns?: CustomResourceColumnDefinition[]
  selectableFields?: SelectableField[]
}

const PARTS = ['schema', 'subresources', 'additionalPrinterColumns', 'selectableFields'] as const

export interface InternalSpec {
  /** The parts that all versions share; `schema` is called validation there. */
  shared: VersionParts
  /** The versions with the parts that they do not share. */
  versions: CustomResourceDefinitionVersion[]
}

export function internalSpec(spec: CustomResourceDefinitionSpec): InternalSpec {
  const versions = (spec.versions ?? []).map((version) => ({ ...version }))
  const shared: VersionParts = {}
  const [first] = spec.versions ?? []
  for (const part of PARTS) {
    if (!versions.every((version) => equalJSON(version[part], first?.[part]))) continue
    Object.assign(shared, { [part]: first?.[part] })
    for (const version of versions) delete version[part]
  }
  return { shared, versions }
}

export const internalVersions = (versions: readonly CustomResourceDefinitionVersion[]): object[] =>
  versions.map((v) => ({
    Name: v.name ?? '',
    Served: v.served ?? false,
    Storage: v.storage ?? false,
    Deprecated: v.deprecated ?? false,
    DeprecationWarning: v.deprecationWarning ?? null,
    Schema: v.schema ? { OpenAPIV3Schema: v.schema.openAPIV3Schema ? internalSchema(v.schema.openAPIV3Schema) : null } : null,
    Subresources: v.subresources ? internalSubresources(v.subresources) : null,
    AdditionalPrinterColumns:
      v.additionalPrinterColumns?.map((c) => ({
        Name: c.name ?? '',
        Type: c.type ?? '',
        Format: c.format ?? '',
        Description: c.description ?? '',
        Priority: c.priority ?? 0,
        JSONPath: c.jsonPath ?? '',
      })) ?? null,
    SelectableFields: v.selectableFields?.map((f) => ({ JSONPath: f.jsonPath ?? '' })) ?? null,
  }))

const internalSubresources = ({ status, scale }: CustomResourceSubresources): object => ({
  Status: status ? {} : null,
  Scale: scale ? { SpecReplicasPath: scale.specReplicasPath ?? '', StatusReplicasPath: scale.statusReplicasPath ?? '', LabelSelectorPath: scale.labelSelectorPath ?? null } : null,
})

export const internalRule = (rule: ValidationRule): object => ({
  Rule: rule.rule ?? '',
  Message: rule.message ?? '',
  MessageExpression: rule.messageExpression ?? '',
  Reason: rule.reason ?? null,
  FieldPath: rule.fieldPath ?? '',
  OptionalOldSelf: rule.optionalOldSelf ?? null,
})

const listOf = (schemas: readonly Schema[] | undefined): object[] | null => schemas?.map(internalSchema) ?? null
const mapOf = (schemas: Readonly<Record<string, Schema>> | undefined): object | null =>
  schemas ? Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, schema]) => [key, internalSchema(schema)])) : null
const orBool = (value: Schema | boolean | undefined): object | null =>
  value === undefined ? null : typeof value === 'boolean' ? { Allows: value, Schema: null } : { Allows: true, Schema: internalSchema(value) }
export const internalItems = (items: Schema | readonly Schema[] | undefined): object | null =>
  items === undefined ? null : Array.isArray(items) ? { Schema: null, JSONSchemas: listOf(items) } : { Schema: internalSchema(items as Schema), JSONSchemas: null }

/** A schema as Go prints the internal type: members in its order, nothing left out. */
export function internalSchema(s: Schema): object {
  return {
    ...{ ID: s.id ?? '', Schema: s.$schema ?? '', Ref: s.$ref ?? null, Description: s.description ?? '', Type: s.type ?? '', Nullable: s.nullable ?? false },
    ...{ Format: s.format ?? '', Title: s.title ?? '', Default: sortedJSON(s.default ?? null), Maximum: s.maximum ?? null, ExclusiveMaximum: s.exclusiveMaximum ?? false },
    ...{ Minimum: s.minimum ?? null, ExclusiveMinimum: s.exclusiveMinimum ?? false, MaxLength: s.maxLength ?? null, MinLength: s.minLength ?? null, Pattern: s.pattern ?? '' },
    ...{ MaxItems: s.maxItems ?? null, MinItems: s.minItems ?? null, UniqueItems: s.uniqueItems ?? false, MultipleOf: s.multipleOf ?? null, Enum: sortedJSON(s.enum ?? null) },
    ...{ MaxProperties: s.maxProperties ?? null, MinProperties: s.minProperties ?? null, Required: s.required ?? null, Items: internalItems(s.items) },
    ...{ AllOf: listOf(s.allOf), OneOf: listOf(s.oneOf), AnyOf: listOf(s.anyOf), Not: s.not ? internalSchema(s.not) : null, Properties: mapOf(s.properties) },
    ...{ AdditionalProperties: orBool(s.additionalProperties), PatternProperties: mapOf(s.patternProperties), Dependencies: dependencies(s.dependencies) },
    ...{ AdditionalItems: orBool(s.additionalItems), Definitions: mapOf(s.definitions) },
    ...{ ExternalDocs: s.externalDocs ? { Description: s.externalDocs.description ?? '', URL: s.externalDocs.url ?? '' } : null, Example: sortedJSON(s.example ?? null) },
    ...{ XPreserveUnknownFields: s['x-kubernetes-preserve-unknown-fields'] ?? null, XEmbeddedResource: s['x-kubernetes-embedded-resource'] ?? false },
    ...{ XIntOrString: s['x-kubernetes-int-or-string'] ?? false, XListMapKeys: s['x-kubernetes-list-map-keys'] ?? null },
    ...{ XListType: s['x-kubernetes-list-type'] ?? null, XMapType: s['x-kubernetes-map-type'] ?? null, XValidations: s['x-kubernetes-validations']?.map(internalRule) ?? null },
  }
}

function dependencies(all: Schema['dependencies']): object | null {
  if (!all) return null
  return Object.fromEntries(Object.entries(all).map(([key, d]) => [key, Array.isArray(d) ? { Schema: null, Property: d } : { Schema: internalSchema(d), Property: null }]))
}
