/** Validation of definitions as a whole. Models k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { validateDefaults } from '../../../src/apimachinery/structural-schema/default-validation.ts'
import { someSchema, type Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import { validateStructural, whyNotReadable } from '../../../src/apimachinery/structural-schema/structural.ts'
import { validateImmutableField } from '../../../src/apimachinery/validate-meta.ts'
import { byteLength, isDNS1035Label, isDNS1123Subdomain } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { APPROVAL_ANNOTATION, approvalOf, isProtectedGroup } from './_approval.ts'
import { internalSchema, internalSpec, internalVersions, type InternalSpec, type VersionParts } from './_internal-spec.ts'
import { hasNonAtomicSet } from './_list-type-validation.ts'
import { MAX_SELECTABLE_FIELDS, REVIEW_VERSIONS, validateColumns, validateConversion, validateNames, validateSelectableFields, validateSubresources } from './_names-validation.ts'
import { hasInvalidMapListKeys, hasInvalidTypes, validateSchema } from './_schema-validation.ts'
import { whyNoAuthority } from './_webhook-authority.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../../../schemas/types.ts'

const SCOPES = ['Cluster', 'Namespaced']
const MAX_DEPRECATION_WARNING = 256

/** What is asked of a definition; an update lets pass what the stored one does wrong already. */
interface Options {
  requireKnownReviewVersion: boolean
  /** Of conversion webhooks: what is established must not lose it. */
  requireAuthority: boolean
  requireOpenAPISchema: boolean
  requireValidPropertyType: boolean
  requireStructuralSchema: boolean
  requireAtomicSetType: boolean
  requireMapListKeys: boolean
  old?: CustomResourceDefinition
}

const STRICT: Options = {
  requireKnownReviewVersion: true,
  requireAuthority: false,
  requireOpenAPISchema: true,
  requireValidPropertyType: true,
  requireStructuralSchema: true,
  requireAtomicSetType: true,
  requireMapListKeys: true,
}

const schemasOf = (spec: CustomResourceDefinitionSpec): Schema[] => (spec.versions ?? []).flatMap((v) => v.schema?.openAPIV3Schema ?? [])

export const isEstablished = (crd: CustomResourceDefinition): boolean => crd.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false

export function validateDefinition(crd: CustomResourceDefinition): FieldError[] {
  return [...validateSpec(crd.spec, STRICT), ...validateRest(crd, undefined)]
}

export function validateDefinitionUpdate(crd: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const schemas = schemasOf(old.spec)
  const reviewVersions = old.spec.conversion?.webhook?.conversionReviewVersions ?? []
  const errors = validateSpec(crd.spec, {
    requireKnownReviewVersion: reviewVersions.length === 0 || reviewVersions.some((v) => REVIEW_VERSIONS.includes(v)),
    requireAuthority: isEstablished(old) && !whyNoAuthority(old.spec.conversion?.webhook?.clientConfig?.caBundle),
    requireOpenAPISchema: schemas.length === (old.spec.versions?.length ?? 0),
    requireValidPropertyType: !schemas.some(hasInvalidTypes),
    requireStructuralSchema: schemas.every((s) => !whyNotReadable(s) && validateStructural(s, '').length === 0),
    requireAtomicSetType: !schemas.some(hasNonAtomicSet),
    requireMapListKeys: !schemas.some(hasInvalidMapListKeys),
    old,
  })
  const { spec } = crd
  if (isEstablished(old)) {
    errors.push(...validateImmutableField(spec.scope, old.spec.scope, 'spec.scope'))
    errors.push(...validateImmutableField(spec.names?.kind, old.spec.names?.kind, 'spec.names.kind'))
  }
  errors.push(...validateImmutableField(spec.group, old.spec.group, 'spec.group'))
  errors.push(...validateImmutableField(spec.names?.plural, old.spec.names?.plural, 'spec.names.plural'))
  return [...errors, ...validateRest(crd, old)]
}

export const validateStatus = ({ status }: CustomResourceDefinition): FieldError[] => validateNames(status?.acceptedNames ?? {}, 'status.acceptedNames')

/** What is generated from must be the whole name already, so nothing can be. */
export function validateDefinitionName(name: string, _prefix: boolean, crd?: CustomResourceDefinition): string[] {
  const isRight = !crd || name === `${crd.spec.names?.plural ?? ''}.${crd.spec.group ?? ''}`
  return [...isDNS1123Subdomain(name), ...(isRight ? [] : ['must be spec.names.plural+"."+spec.group'])]
}

/** What follows the spec in the order of errors. */
function validateRest(crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  const errors = [...validateStatus(crd), ...validateStoredVersions(crd), ...validateApproval(crd, old)]
  if (crd.spec.preserveUnknownFields && !old?.spec.preserveUnknownFields) {
    errors.push(field.invalid('spec.preserveUnknownFields', true, 'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead'))
  }
  return errors
}

function validateStoredVersions({ status, spec }: CustomResourceDefinition): FieldError[] {
  const path = 'status.storedVersions'
  const stored = status?.storedVersions
  if (!stored?.length) return [field.invalid(path, stored ?? null, 'must have at least one stored version')]
  const errors: FieldError[] = []
  const left = new Set(stored)
  for (const { name = '', storage } of spec.versions ?? []) {
    // A version that is there twice is missing the second time.
    if (!left.delete(name) && storage) errors.push(field.invalid(path, stored, `must have the storage version ${name}`))
  }
  stored.forEach((v, i) => {
    if (spec.versions?.some(({ name = '' }) => name === v)) return
    const until = `until a storage migration ensures no data remains persisted in ${v} and removes ${v} from status.storedVersions`
    const why = `missing from spec.versions; ${v} was previously a storage version, and must remain in spec.versions ${until}`
    errors.push(field.invalid(`${path}[${i}]`, v, why))
  })
  return errors
}

function validateApproval(crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (!isProtectedGroup(crd.spec.group ?? '')) return []
  const { state, message } = approvalOf(crd)
  if ((old && approvalOf(old).state === state) || state === 'approved' || state === 'bypassed') return []
  const path = `metadata.annotations[${APPROVAL_ANNOTATION}]`
  return [state === 'missing' ? field.required(path, message) : field.invalid(path, crd.metadata.annotations?.[APPROVAL_ANNOTATION], message)]
}

function validateSpec(spec: CustomResourceDefinitionSpec, options: Options): FieldError[] {
  const errors = validateGroupAndScope(spec)
  const internal = internalSpec(spec)
  const { shared, versions } = internal
  if (!shared.schema?.openAPIV3Schema) errors.push(...validateSchemasGiven(spec, internal, options))
  const structural = !spec.preserveUnknownFields || options.requireStructuralSchema || schemasOf(spec).some(hasExtensions)
  if (spec.preserveUnknownFields && schemasOf(spec).some(hasDefaults)) errors.push(field.invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema'))
  const checks = { ...options, requireStructuralSchema: structural }
  versions.forEach((version, i) => errors.push(...validateVersion(version, `spec.versions[${i}]`, { options: checks, shared })))
  if (new Set(versions.map((v) => v.name)).size < versions.length) errors.push(field.invalid('spec.versions', internalVersions(versions), 'must contain unique version names'))
  if (versions.filter((v) => v.storage).length !== 1) errors.push(field.invalid('spec.versions', spec.versions ? internalVersions(versions) : null, 'must have exactly one version marked as storage version'))
  const [first] = versions
  const wrong = first?.name ? isDNS1035Label(first.name) : []
  if (wrong.length) errors.push(field.invalid('spec.version', first?.name, wrong.join(',')))
  const names = spec.names ?? {}
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const) if (!names[name]) errors.push(field.required(`spec.names.${name}`))
  errors.push(...validateNames(names, 'spec.names'))
  errors.push(...validateShared(spec, internal, checks))
  if (spec.conversion && spec.conversion.strategy !== 'None' && spec.preserveUnknownFields) {
    errors.push(field.invalid('spec.conversion.strategy', spec.conversion.strategy ?? '', 'must be None if spec.preserveUnknownFields is true'))
  }
  errors.push(...validateConversion(spec.conversion, 'spec.conversion', { requireKnownVersion: options.requireKnownReviewVersion, requireAuthority: options.requireAuthority }))
  return errors
}

function validateGroupAndScope({ group = '', scope = '' }: CustomResourceDefinitionSpec): FieldError[] {
  const errors: FieldError[] = []
  const wrong = group ? isDNS1123Subdomain(group) : []
  if (!group) errors.push(field.required('spec.group'))
  else if (wrong.length) errors.push(field.invalid('spec.group', group, wrong.join(',')))
  else if (!group.includes('.')) errors.push(field.invalid('spec.group', group, 'should be a domain with at least one dot'))
  if (!scope) errors.push(field.required('spec.scope'))
  else if (!SCOPES.includes(scope)) errors.push(field.notSupported('spec.scope', scope, SCOPES))
  return errors
}

function validateSchemasGiven(spec: CustomResourceDefinitionSpec, { versions }: InternalSpec, { requireOpenAPISchema }: Options): FieldError[] {
  return versions.flatMap((version, i) => {
    if (version.schema?.openAPIV3Schema) return []
    const path = `spec.versions[${i}].schema.openAPIV3Schema`
    if (requireOpenAPISchema) return [field.required(path)]
    return version.served && !spec.preserveUnknownFields ? [field.required(path, 'because otherwise all fields are pruned')] : []
  })
}

function validateVersion(version: CustomResourceDefinitionVersion, path: string, { options, shared }: { options: Options; shared: VersionParts }): FieldError[] {
  const errors: FieldError[] = []
  const name = version.name ?? ''
  const wrong = isDNS1035Label(name)
  if (wrong.length) errors.push(field.invalid(`${path}.name`, name, wrong.join(',')))
  const { deprecationWarning } = version
  for (const message of whyNotDeprecationWarning(version)) errors.push(field.invalid(`${path}.deprecationWarning`, { toJSON: () => deprecationWarning }, message))
  const hasStatus = Boolean((version.subresources ?? shared.subresources)?.status)
  errors.push(...validateOpenAPISchema(version.schema?.openAPIV3Schema, `${path}.schema.openAPIV3Schema`, { hasStatus, options }))
  errors.push(...validateSubresources(version.subresources, `${path}.subresources`))
  errors.push(...validateColumns(version.additionalPrinterColumns, `${path}.additionalPrinterColumns`))
  errors.push(
    ...validateSelectableFields(version.selectableFields, version.schema, `${path}.selectableFields`, {
      schemaPath: `${path}.schema.openAPIV3Schema`,
      missing: 'may only be set when `version.schema.openAPIV3Schema` is not included',
      allowTooMany: hadTooManyFields(options.old, version),
    }),
  )
  return errors
}

/** What all versions share, under the names of the top level. */
function validateShared(spec: CustomResourceDefinitionSpec, { shared }: InternalSpec, options: Options): FieldError[] {
  const hasStatus = (spec.versions ?? []).some((v) => v.subresources?.status)
  const [first] = spec.versions ?? []
  return [
    ...validateOpenAPISchema(shared.schema?.openAPIV3Schema, 'spec.validation.openAPIV3Schema', { hasStatus, options }),
    ...validateSubresources(shared.subresources, 'spec.subresources'),
    ...validateColumns(shared.additionalPrinterColumns, 'spec.additionalPrinterColumns'),
    ...validateSelectableFields(shared.selectableFields, shared.schema, 'spec.selectableFields', {
      schemaPath: 'spec.schema.openAPIV3Schema',
      missing: 'may only be set when validations.schema is included',
      allowTooMany: first !== undefined && hadTooManyFields(options.old, first),
    }),
  ]
}

function hadTooManyFields(old: CustomResourceDefinition | undefined, version: CustomResourceDefinitionVersion): boolean {
  const before = old?.spec.versions?.find((v) => v.name === version.name)?.selectableFields ?? []
  return before.length > MAX_SELECTABLE_FIELDS && equalJSON(before, version.selectableFields)
}

function whyNotDeprecationWarning({ deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion): string[] {
  if (text === undefined) return []
  if (!deprecated) return ['can only be set for deprecated versions']
  const why: string[] = []
  if (byteLength(text) > MAX_DEPRECATION_WARNING) why.push('must be <= 256 characters long')
  if (text === '') why.push('must not be an empty string')
  const odd = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(text)
  if (odd) why.push(`must only contain printable UTF-8 characters; non-printable character found at index ${byteLength(text.slice(0, odd.index))}`)
  return why
}

const hasDefaults = (schema: Schema): boolean => someSchema(schema, (s) => s.default !== undefined)
const EXTENSIONS = [
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-list-type',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
] as const
const hasExtensions = (schema: Schema): boolean => someSchema(schema, (s) => EXTENSIONS.some((name) => s[name] !== undefined && s[name] !== false))

/** Members of the root that may stand beside a status subresource, in upstream's names and order. */
const ROOT_MEMBERS = [
  ...['Description', 'Type', 'Format', 'Title', 'Maximum', 'ExclusiveMaximum', 'Minimum', 'ExclusiveMinimum', 'MaxLength', 'MinLength', 'Pattern', 'MaxItems', 'MinItems'],
  ...['UniqueItems', 'MultipleOf', 'Required', 'Items', 'Properties', 'ExternalDocs', 'Example', 'XPreserveUnknownFields', 'XValidations'],
]

function validateOpenAPISchema(schema: Schema | undefined, path: string, { hasStatus, options }: { hasStatus: boolean; options: Options }): FieldError[] {
  if (!schema) return []
  const errors = hasStatus ? validateRootWithStatus(schema, path) : []
  if (schema.nullable) errors.push(field.forbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  const unreadable = options.requireStructuralSchema ? whyNotReadable(schema) : undefined
  const structuralErrors = options.requireStructuralSchema && !unreadable ? validateStructural(schema, path) : []
  const isStructural = options.requireStructuralSchema && !unreadable && structuralErrors.length === 0
  const defaultErrors = isStructural ? validateDefaults(schema, path) : []
  errors.push(...structuralErrors, ...defaultErrors)
  errors.push(...validateSchema(schema, path, { ...options, compilesRules: isStructural && defaultErrors.length === 0 }))
  // what keeps it from being read shows in the errors of the schema, if any
  if (errors.length === 0 && unreadable) errors.push(field.invalid(path, '', unreadable))
  return errors
}

function validateRootWithStatus(schema: Schema, path: string): FieldError[] {
  // Its members, without what is in them: mostly they are all right, and there is much in them.
  const { properties, items, ...flat } = schema
  const members = internalSchema({ ...flat, ...(properties ? { properties: {} } : {}), ...(items ? { items: {} } : {}) })
  for (const [name, value] of Object.entries(members)) {
    if (value === null || value === '' || value === false) continue
    if (name === 'Type') {
      if (value !== 'object') return [field.invalid(`${path}.type`, value, 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled')]
    } else if (!ROOT_MEMBERS.includes(name)) {
      return [field.invalid(path, internalSchema(schema), `only [${ROOT_MEMBERS.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`)]
    }
  }
  return []
}
