/** What a claim may change and what its status may say. Models ValidatePersistentVolumeClaimUpdate and …StatusUpdate of k8s.io/kubernetes/pkg/apis/core/validation. */
import { equalJSON } from '../../../src/apimachinery/json.ts'
import { compareQuantities, quantityValue } from '../../../src/apimachinery/quantity.ts'
import { jsonDiff } from '../../../src/apimachinery/unified-diff.ts'
import { validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { isQualifiedName } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { PersistentVolumeClaim } from '../../../schemas/types.ts'
import { invalids } from '../../_field-errors.ts'
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { validateClaimSpec } from './_claim-spec-validation.ts'
import { toInternal } from './_pod-internal.ts'
import { isNativeResource, sortedEntries, validateResourceQuantity } from './_resource-names.ts'
import { BETA_CLASS } from './_volume-columns.ts'

const SIZE = 'spec.resources.requests.storage'
const ATTRIBUTES_CLASS = 'spec.volumeAttributesClassName'
const RESIZE_STATUSES = ['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizeInProgress', 'NodeResizeInfeasible', 'NodeResizePending']

/** Rules that came after the old object was stored are not held against it. */
function specOptions({ spec }: PersistentVolumeClaim) {
  const groups = [spec.dataSource?.apiGroup, spec.dataSourceRef?.apiGroup]
  return {
    allowInvalidLabelValueInSelector: validateLabelSelector(spec.selector, '').length > 0,
    allowInvalidAPIGroupInDataSource: groups.some((group) => (group ?? undefined) !== undefined),
  }
}

const betaClass = (claim: PersistentVolumeClaim): string | undefined => claim.metadata.annotations?.[BETA_CLASS]

/** The class may move from the annotation to the field. */
function isClassMoved(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const was = betaClass(old)
  const is = betaClass(claim)
  return was !== undefined && old.spec.storageClassName === undefined && claim.spec.storageClassName === was && (is === undefined || is === was)
}

/** A claim without a class may be given one. */
function isClassGiven(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): boolean {
  const { storageClassName: name } = claim.spec
  return name !== undefined && old.spec.storageClassName === undefined && (betaClass(old) === undefined || betaClass(old) === name)
}

function validateFixedSpec(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors: FieldError[] = []
  const after = { ...claim.spec }
  const before = { ...old.spec }
  if (!before.volumeName) before.volumeName = after.volumeName
  if (isClassMoved(claim, old)) {
    after.storageClassName = undefined
  } else {
    const [is = '', was = ''] = [betaClass(claim), betaClass(old)]
    if (is !== was) errors.push(field.invalid(`metadata.annotations.${BETA_CLASS}`, is, 'field is immutable'))
    if (isClassGiven(claim, old)) after.storageClassName = before.storageClassName
  }
  if (claim.status?.phase === 'Bound') {
    if (after.resources?.requests) {
      const storage = before.resources?.requests?.storage ?? '0'
      after.resources = { ...after.resources, requests: { ...after.resources.requests, storage } }
    }
    after.volumeAttributesClassName = before.volumeAttributesClassName
  }
  const [printedBefore, printedAfter] = [toInternal('PersistentVolumeClaimSpec', before), toInternal('PersistentVolumeClaimSpec', after)]
  if (equalJSON(printedBefore, printedAfter)) return errors
  const rule = 'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
  return [...errors, field.forbidden('spec', `${rule}\n${jsonDiff(printedBefore, printedAfter)}`)]
}

export function validateClaimUpdate(claim: PersistentVolumeClaim, old: PersistentVolumeClaim): FieldError[] {
  const errors = [
    ...validateMetadataOf(claim, 'Namespaced'),
    ...validateClaimSpec(claim.spec, 'spec', specOptions(old)),
    ...validateFixedSpec(claim, old),
  ]
  const sizeOf = (c: PersistentVolumeClaim): string => c.spec.resources?.requests?.storage ?? '0'
  if (compareQuantities(sizeOf(claim), sizeOf(old)) < 0 && compareQuantities(sizeOf(claim), old.status?.capacity?.storage ?? '0') <= 0) {
    errors.push(field.forbidden(SIZE, 'field can not be less than status.capacity'))
  }
  const { volumeMode, volumeAttributesClassName: attributes } = claim.spec
  if (volumeMode !== old.spec.volumeMode) errors.push(field.invalid('volumeMode', volumeMode ?? null, 'field is immutable'))
  if (attributes !== old.spec.volumeAttributesClassName && old.status?.currentVolumeAttributesClassName !== undefined && !attributes) {
    const to = attributes === undefined ? 'nil' : 'empty string'
    errors.push(field.forbidden(ATTRIBUTES_CLASS, `update to ${to} is forbidden when status.currentVolumeAttributesClassName is not nil`))
  }
  return errors
}

function validateKey(name: string, path: string): FieldError[] {
  const errors = invalids(path, name, isQualifiedName(name))
  return errors.length > 0 || !isNativeResource(name) || name === 'storage' ? errors : [field.notSupported(path, name, ['storage'])]
}

function validateBasicQuantity(quantity: string, path: string): FieldError[] {
  const value = quantityValue(quantity)
  return value < 0 ? [field.invalid(path, value, 'must be a valid resource quantity')] : []
}

export function validateClaimStatus({ spec, status = {} }: PersistentVolumeClaim): FieldError[] {
  const errors = spec.accessModes?.length ? [] : [field.required('Spec.accessModes')]
  for (const [name, quantity] of sortedEntries(status.capacity)) errors.push(...validateBasicQuantity(quantity, `status.capacity[${name}]`))
  const resizing = 'status.allocatedResourceStatuses'
  for (const [name, state] of sortedEntries(status.allocatedResourceStatuses)) {
    errors.push(...validateKey(name, resizing))
    if (!RESIZE_STATUSES.includes(state)) errors.push(field.notSupported(resizing, name, RESIZE_STATUSES))
  }
  const allocated = 'status.allocatedResources'
  for (const [name, quantity] of sortedEntries(status.allocatedResources)) {
    const wrongKey = validateKey(name, allocated)
    const wrong = wrongKey.length > 0 ? wrongKey : validateBasicQuantity(quantity, `${allocated}[${name}]`)
    errors.push(...(wrong.length > 0 ? wrong : validateResourceQuantity('storage', quantity, `${allocated}[${name}]`)))
  }
  return errors
}
