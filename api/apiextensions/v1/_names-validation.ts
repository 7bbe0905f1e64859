/** Names, printer columns, subresources, selectable fields and conversion of definitions. Models k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation. */
import { field, type FieldError } from '../../../src/errors.ts'
import { findField } from '../../../src/apimachinery/structural-schema/field-path.ts'
import { whyNotReadable } from '../../../src/apimachinery/structural-schema/structural.ts'
import { isDNS1035Label } from '../../../src/apimachinery/validation.ts'
import { validateWebhookService, validateWebhookURL } from '../../_webhook-client.ts'
import { whyNoAuthority } from './_webhook-authority.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinitionNames,
  CustomResourceSubresources,
  CustomResourceValidation,
  SelectableField,
} from '../../../schemas/types.ts'

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string']
const COLUMN_FORMATS = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const STRATEGIES = ['None', 'Webhook']
export const REVIEW_VERSIONS = ['v1', 'v1beta1']
export const MAX_SELECTABLE_FIELDS = 8

export function validateNames(names: CustomResourceDefinitionNames, path: string): FieldError[] {
  const errors: FieldError[] = []
  const label = (value: string | undefined, at: string): void => {
    const wrong = value ? isDNS1035Label(value) : []
    if (wrong.length) errors.push(field.invalid(at, value, wrong.join(',')))
  }
  label(names.plural, `${path}.plural`)
  label(names.singular, `${path}.singular`)
  for (const name of ['kind', 'listKind'] as const) {
    const value = names[name]
    const wrong = value ? isDNS1035Label(value.toLowerCase()) : []
    if (wrong.length) errors.push(field.invalid(`${path}.${name}`, value, `may have mixed case, but should otherwise match: ${wrong.join(',')}`))
  }
  names.shortNames?.forEach((name, i) => errors.push(...labelItem(name, `${path}.shortNames[${i}]`)))
  if (names.kind && names.kind === names.listKind) errors.push(field.invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  names.categories?.forEach((name, i) => errors.push(...labelItem(name, `${path}.categories[${i}]`)))
  return errors
}

/** In lists the empty string is wrong, too. */
function labelItem(value: string, path: string): FieldError[] {
  const wrong = isDNS1035Label(value)
  return wrong.length ? [field.invalid(path, value, wrong.join(','))] : []
}

export function validateColumns(columns: readonly CustomResourceColumnDefinition[] | undefined, path: string): FieldError[] {
  return (columns ?? []).flatMap((column, i) => validateColumn(column, `${path}[${i}]`))
}

function validateColumn({ name, type, format, jsonPath }: CustomResourceColumnDefinition, path: string): FieldError[] {
  const errors: FieldError[] = []
  const types = `must be one of ${COLUMN_TYPES.join(',')}`
  if (!name) errors.push(field.required(`${path}.name`))
  if (!type) errors.push(field.required(`${path}.type`, types))
  else if (!COLUMN_TYPES.includes(type)) errors.push(field.invalid(`${path}.type`, type, types))
  if (format && !COLUMN_FORMATS.includes(format)) errors.push(field.invalid(`${path}.format`, format, `must be one of ${COLUMN_FORMATS.join(',')}`))
  if (!jsonPath) errors.push(field.required(`${path}.JSONPath`))
  else errors.push(...validateSimplePath(jsonPath, `${path}.JSONPath`))
  return errors
}

function validateSimplePath(text: string, path: string): FieldError[] {
  return text.startsWith('.') ? [] : [field.invalid(path, text, 'must be a simple json path starting with .')]
}

export function validateSubresources(subresources: CustomResourceSubresources | undefined, path: string): FieldError[] {
  const scale = subresources?.scale
  if (!scale) return []
  const { specReplicasPath = '', statusReplicasPath = '', labelSelectorPath } = scale
  const errors = [...validateReplicasPath(specReplicasPath, `${path}.scale.specReplicasPath`, 'spec'), ...validateReplicasPath(statusReplicasPath, `${path}.scale.statusReplicasPath`, 'status')]
  if (!labelSelectorPath) return errors
  const at = `${path}.scale.labelSelectorPath`
  const wrong = validateSimplePath(labelSelectorPath, at)
  if (wrong.length) return [...errors, ...wrong]
  if (!/^\.(spec|status)\./.test(labelSelectorPath)) errors.push(field.invalid(at, labelSelectorPath, 'should be a json path under either .spec or .status'))
  return errors
}

function validateReplicasPath(text: string, path: string, under: string): FieldError[] {
  if (!text) return [field.required(path)]
  const wrong = validateSimplePath(text, path)
  if (wrong.length) return wrong
  return text.startsWith(`.${under}.`) ? [] : [field.invalid(path, text, `should be a json path under .${under}`)]
}

interface SelectableOptions {
  /** Where the schema is in error texts. */
  schemaPath: string
  /** Said when there is no schema to select from. */
  missing: string
  allowTooMany: boolean
}

export function validateSelectableFields(fields: readonly SelectableField[] | undefined, validation: CustomResourceValidation | undefined, path: string, options: SelectableOptions): FieldError[] {
  if (!fields?.length) return []
  const schema = validation?.openAPIV3Schema
  if (!schema) return [field.invalid(path, '', options.missing)]
  const unreadable = whyNotReadable(schema)
  const errors: FieldError[] = unreadable ? [field.invalid(options.schemaPath, '', unreadable)] : []
  const seen = new Set<string>()
  fields.forEach(({ jsonPath }, i) => {
    const at = `${path}[${i}].jsonPath`
    if (!jsonPath) return errors.push(field.required(at))
    const found = findField(unreadable ? {} : schema, jsonPath, { allowsBrackets: false })
    if ('error' in found) return errors.push(field.invalid(at, jsonPath, `is an invalid path: ${found.error}`))
    if (found.path.split('.', 1)[0] === 'metadata') errors.push(field.invalid(at, jsonPath, 'must not point to fields in metadata'))
    if (!['string', 'boolean', 'integer'].includes(found.schema?.type ?? '')) {
      errors.push(field.invalid(at, jsonPath, 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'))
    }
    if (seen.has(found.path)) errors.push(field.duplicate(at, jsonPath))
    seen.add(found.path)
  })
  if (seen.size > MAX_SELECTABLE_FIELDS && !options.allowTooMany) errors.push(field.tooMany(path, seen.size, MAX_SELECTABLE_FIELDS))
  return errors
}

export function validateConversion(conversion: CustomResourceConversion | undefined, path: string, { requireKnownVersion, requireAuthority }: { requireKnownVersion: boolean; requireAuthority: boolean }): FieldError[] {
  if (!conversion) return []
  const errors: FieldError[] = []
  const { strategy = '', webhook } = conversion
  const client = webhook?.clientConfig
  const versions = webhook?.conversionReviewVersions ?? []
  const at = `${path}.webhookClientConfig`
  if (!strategy) errors.push(field.required(`${path}.strategy`))
  else if (!STRATEGIES.includes(strategy)) errors.push(field.notSupported(`${path}.strategy`, strategy, STRATEGIES))
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook'
    if (client) errors.push(field.forbidden(at, why))
    if (versions.length) errors.push(field.forbidden(`${path}.conversionReviewVersions`, why))
    return errors
  }
  if (!client) errors.push(field.required(at, 'required when strategy is set to Webhook'))
  else if ((client.url === undefined) === (client.service === undefined)) errors.push(field.required(at, 'exactly one of url or service is required'))
  else if (client.url !== undefined) errors.push(...validateWebhookURL(`${at}.url`, client.url))
  else if (client.service) errors.push(...validateWebhookService(`${at}.service`, client.service))
  const untrusted = requireAuthority ? whyNoAuthority(client?.caBundle) : undefined
  if (untrusted) errors.push(field.invalid(`${at}.caBundle`, client?.caBundle, untrusted))
  errors.push(...validateReviewVersions(versions, `${path}.conversionReviewVersions`, requireKnownVersion))
  return errors
}

function validateReviewVersions(versions: readonly string[], path: string, requireKnown: boolean): FieldError[] {
  if (versions.length === 0) return [field.required(path)]
  const errors: FieldError[] = []
  versions.forEach((version, i) => {
    if (versions.indexOf(version) < i) errors.push(field.invalid(`${path}[${i}]`, version, 'duplicate version'))
    else for (const message of isDNS1035Label(version)) errors.push(field.invalid(`${path}[${i}]`, version, message))
  })
  if (requireKnown && !versions.some((v) => REVIEW_VERSIONS.includes(v))) errors.push(field.invalid(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`))
  return errors
}
