/**
 * What the metadata of any object may say, on create and on update.
 * Models k8s.io/apimachinery/pkg/api/validation and pkg/apis/meta/v1/validation.
 */
import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../../schemas/types.ts'
import { field, quote, type FieldError } from '../errors.ts'
import { equalJSON } from './json.ts'
import type { Labels, LabelSelector } from './labels.ts'
import { byteLength, isDNS1123Label, isQualifiedName, isValidLabelValue } from './validation.ts'

export const FIELD_IMMUTABLE = 'field is immutable'
export const NOT_NEGATIVE = 'must be greater than or equal to 0'
const MAX_ANNOTATIONS_BYTES = 256 * 1024
const MAX_FIELD_MANAGER_BYTES = 128
const MAX_SUBRESOURCE_BYTES = 256

/** @param prefix that the name is a generateName whose end was made to look like a name's */
export type ValidateName = (name: string, prefix: boolean) => string[]

interface MetaOptions {
  namespaced: boolean
  validateName: ValidateName
  /** Finalizers without a domain must be standard ones, as for every kind of upstream's core validation. */
  strictFinalizers?: boolean
  path?: string
}

export function validateObjectMeta(meta: ObjectMeta, { namespaced, validateName, strictFinalizers = false, path = 'metadata' }: MetaOptions): FieldError[] {
  const errors: FieldError[] = []
  const { name = '', generateName = '', namespace = '' } = meta
  if (generateName) for (const m of validateName(maskTrailingDash(generateName), true)) errors.push(field.invalid(`${path}.generateName`, generateName, m))
  if (!name) errors.push(field.required(`${path}.name`, 'name or generateName is required'))
  else for (const m of validateName(name, false)) errors.push(field.invalid(`${path}.name`, name, m))
  if (!namespaced) {
    if (namespace) errors.push(field.forbidden(`${path}.namespace`, 'not allowed on this type'))
  } else if (!namespace) errors.push(field.required(`${path}.namespace`))
  else for (const m of isDNS1123Label(namespace)) errors.push(field.invalid(`${path}.namespace`, namespace, m))
  errors.push(
    ...validateNonnegativeField(meta.generation ?? 0, `${path}.generation`),
    ...validateLabels(meta.labels, `${path}.labels`),
    ...validateAnnotations(meta.annotations, `${path}.annotations`),
    ...validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`),
    ...validateFinalizers(meta.finalizers, `${path}.finalizers`),
    ...validateManagedFields(meta.managedFields, `${path}.managedFields`),
    ...(strictFinalizers ? validateStandardFinalizers(meta.finalizers, `${path}.finalizers`) : []),
  )
  return errors
}

const IMMUTABLE = ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const
/** Go prints these when empty as null, the others as the empty string. */
const POINTERS: ReadonlySet<string> = new Set(['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'])

export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path = 'metadata'): FieldError[] {
  const errors: FieldError[] = []
  if (old.deletionTimestamp) {
    const before = new Set(old.finalizers)
    const extra = [...new Set(meta.finalizers)].filter((f) => !before.has(f)).sort()
    if (extra.length) {
      const shown = `[]string{${extra.map(quote).join(', ')}}`
      errors.push(field.forbidden(`${path}.finalizers`, `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`))
    }
  }
  if (!meta.resourceVersion) errors.push(field.invalid(`${path}.resourceVersion`, '', 'must be specified for an update'))
  if ((meta.generation ?? 0) < (old.generation ?? 0)) errors.push(field.invalid(`${path}.generation`, meta.generation ?? 0, 'must not be decremented'))
  for (const name of IMMUTABLE) {
    const empty = POINTERS.has(name) ? null : ''
    if ((meta[name] ?? empty) !== (old[name] ?? empty)) errors.push(field.invalid(`${path}.${name}`, meta[name] ?? empty, FIELD_IMMUTABLE))
  }
  errors.push(
    ...validateLabels(meta.labels, `${path}.labels`),
    ...validateAnnotations(meta.annotations, `${path}.annotations`),
    ...validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`),
    ...validateManagedFields(meta.managedFields, `${path}.managedFields`),
  )
  return errors
}

/** A generateName is judged with its last dash, which a suffix will follow, replaced by a letter. */
export function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name
}

export function validateNonnegativeField(value: number, path: string): FieldError[] {
  return value < 0 ? [field.invalid(path, value, NOT_NEGATIVE)] : []
}

export function validateImmutableField(value: unknown, old: unknown, path: string): FieldError[] {
  return equalJSON(value ?? null, old ?? null) ? [] : [field.invalid(path, value, FIELD_IMMUTABLE)]
}

export function validateLabelName(name: string, path: string): FieldError[] {
  return isQualifiedName(name).map((m) => field.invalid(path, name, m))
}

export function validateLabels(labels: Labels | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const key in labels) {
    const value = labels[key] ?? ''
    errors.push(...validateLabelName(key, path))
    for (const m of isValidLabelValue(value)) errors.push(field.invalid(path, value, m))
  }
  return errors
}

interface SelectorOptions {
  /** For objects that were stored before their values were checked. */
  allowInvalidLabelValueInSelector?: boolean
  allowUnknownOperatorInRequirement?: boolean
}

export function validateLabelSelector(selector: LabelSelector | null | undefined, path: string, options: SelectorOptions = {}): FieldError[] {
  if (!selector) return []
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`)
  selector.matchExpressions?.forEach((e, i) => errors.push(...validateLabelSelectorRequirement(e, `${path}.matchExpressions[${i}]`, options)))
  return errors
}

type LabelSelectorRequirement = NonNullable<LabelSelector['matchExpressions']>[number]

export function validateLabelSelectorRequirement(requirement: LabelSelectorRequirement, path: string, options: SelectorOptions = {}): FieldError[] {
  const errors: FieldError[] = []
  const { key = '', operator = '', values = [] } = requirement
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(field.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0) errors.push(field.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
  } else if (!options.allowUnknownOperatorInRequirement) errors.push(field.invalid(`${path}.operator`, operator, 'not a valid selector operator'))
  errors.push(...validateLabelName(key, `${path}.key`))
  if (options.allowInvalidLabelValueInSelector) return errors
  values.forEach((value, i) => errors.push(...isValidLabelValue(value).map((m) => field.invalid(`${path}.values[${i}]`, value, m))))
  return errors
}

/** Whether a stored selector has values that would be refused today. */
export function labelSelectorHasInvalidLabelValue(selector: LabelSelector | null | undefined): boolean {
  return (selector?.matchExpressions ?? []).some((e) => (e.values ?? []).some((v) => isValidLabelValue(v).length > 0))
}

export function validateAnnotations(annotations: Labels | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  let size = 0
  for (const key in annotations) {
    for (const m of isQualifiedName(key.toLowerCase())) errors.push(field.invalid(path, key, m))
    size += byteLength(key) + byteLength(annotations[key] ?? '')
  }
  if (size > MAX_ANNOTATIONS_BYTES) errors.push(field.tooLong(path, MAX_ANNOTATIONS_BYTES))
  return errors
}

export function validateOwnerReferences(references: readonly OwnerReference[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  let controller = ''
  for (const ref of references ?? []) {
    errors.push(...validateOwnerReference(ref, path))
    if (!ref.controller) continue
    const current = `${ref.kind ?? ''}/${ref.name ?? ''}`
    if (!controller) controller = current
    else errors.push(field.invalid(path, references, `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${current}`))
  }
  return errors
}

function validateOwnerReference(ref: OwnerReference, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { apiVersion = '', kind = '', name = '', uid = '' } = ref
  // An apiVersion with two slashes or more parses to none at all, and takes the kind with it.
  const parses = apiVersion.split('/').length <= 2
  const version = parses ? apiVersion.slice(apiVersion.indexOf('/') + 1) : ''
  if (!version) errors.push(field.invalid(`${path}.apiVersion`, apiVersion, 'version must not be empty'))
  if (!kind) errors.push(field.invalid(`${path}.kind`, kind, 'must not be empty'))
  if (!name) errors.push(field.invalid(`${path}.name`, name, 'must not be empty'))
  if (!uid) errors.push(field.invalid(`${path}.uid`, uid, 'must not be empty'))
  if (apiVersion === 'v1' && kind === 'Event') errors.push(field.invalid(path, ref, '/v1, Kind=Event is disallowed from being an owner'))
  return errors
}

export function validateFinalizerName(name: string, path: string): FieldError[] {
  return isQualifiedName(name).map((m) => field.invalid(path, name, m))
}

export const STANDARD_FINALIZERS = ['kubernetes', 'orphan', 'foregroundDeletion']

/** Models validateKubeFinalizerName of k8s.io/kubernetes/pkg/apis/core/validation. */
export function validateStandardFinalizers(finalizers: readonly string[] | undefined, path: string): FieldError[] {
  return (finalizers ?? []).flatMap((name, i) =>
    name.includes('/') || STANDARD_FINALIZERS.includes(name) ? [] : [field.invalid(`${path}[${i}]`, name, 'name is neither a standard finalizer name nor is it fully qualified')],
  )
}

export function validateFinalizers(finalizers: readonly string[] | undefined, path: string): FieldError[] {
  if (!finalizers) return []
  const errors = finalizers.flatMap((name) => validateFinalizerName(name, path))
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(field.invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'))
  }
  return errors
}

export function validateManagedFields(entries: readonly ManagedFieldsEntry[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  entries?.forEach((entry, i) => {
    const at = `${path}[${i}]`
    const { operation = '', fieldsType = '', manager = '', subresource = '' } = entry
    if (operation !== 'Apply' && operation !== 'Update') errors.push(field.invalid(`${at}.operation`, operation, 'must be `Apply` or `Update`'))
    if (fieldsType && fieldsType !== 'FieldsV1') errors.push(field.invalid(`${at}.fieldsType`, fieldsType, 'must be `FieldsV1`'))
    errors.push(...validateFieldManager(manager, `${at}.manager`))
    if (byteLength(subresource) > MAX_SUBRESOURCE_BYTES) errors.push(field.tooLong(`${at}.subresource`, MAX_SUBRESOURCE_BYTES))
  })
  return errors
}

/** What Go's unicode.IsPrint takes: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

export function validateFieldManager(manager: string, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (byteLength(manager) > MAX_FIELD_MANAGER_BYTES) errors.push(field.tooLong(path, MAX_FIELD_MANAGER_BYTES))
  if (!UNPRINTABLE.test(manager)) return errors
  let position = 0
  for (const c of manager) {
    const code = (c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    if (UNPRINTABLE.test(c)) errors.push(field.invalid(path, manager, `invalid character U+${code} (at position ${position})`))
    position += byteLength(c)
  }
  return errors
}
