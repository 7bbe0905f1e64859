/**
 * The options of requests and the conditions of a status.
 * Models k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go.
 */
import type { Condition, DeleteOptions } from '../../schemas/types.ts'
import { field, type FieldError } from '../errors.ts'
import { validateFieldManager, validateLabelName } from './validate-meta.ts'
import { byteLength, isValidConditionReason } from './validation.ts'

export interface WriteOptions {
  fieldManager?: string
  dryRun?: readonly string[]
  fieldValidation?: string
  force?: boolean
}

export function validateDeleteOptions(options: DeleteOptions): FieldError[] {
  const errors: FieldError[] = []
  const { propagationPolicy, orphanDependents, dryRun } = options
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    errors.push(field.invalid('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set'))
  }
  if (propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) {
    errors.push(field.notSupported('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']))
  }
  return [...errors, ...validateDryRun(dryRun), ...validateIgnoreStoreReadError(options)]
}

function validateIgnoreStoreReadError(options: DeleteOptions): FieldError[] {
  if (!options.ignoreStoreReadErrorWithClusterBreakingPotential) return []
  const at = 'ignoreStoreReadErrorWithClusterBreakingPotential'
  const names = ['propagationPolicy', 'orphanDependents', 'gracePeriodSeconds', 'preconditions'] as const
  const clashing = [...(options.dryRun?.length ? ['dryRun'] : []), ...names.filter((name) => options[name] !== undefined)]
  return clashing.map((name) => field.invalid(at, true, `cannot be set together with .${name}`))
}

export function validateWriteOptions(options: WriteOptions): FieldError[] {
  return [...validateFieldManager(options.fieldManager ?? '', 'fieldManager'), ...validateDryRun(options.dryRun), ...validateFieldValidation(options.fieldValidation ?? '')]
}

/** @param isApply whether the patch is a server-side apply, which needs a manager and may force */
export function validatePatchOptions(options: WriteOptions, isApply: boolean): FieldError[] {
  const errors: FieldError[] = []
  if (isApply) {
    if (!options.fieldManager) errors.push(field.required('fieldManager', 'is required for apply patch'))
  } else if (options.force !== undefined) errors.push(field.forbidden('force', 'may not be specified for non-apply patch'))
  return [...errors, ...validateWriteOptions(options)]
}

export function validateDryRun(dryRun: readonly string[] | undefined, path = 'dryRun'): FieldError[] {
  return dryRun?.some((v) => v !== 'All') ? [field.notSupported(path, dryRun, ['All'])] : []
}

function validateFieldValidation(value: string): FieldError[] {
  const allowed = ['', 'Ignore', 'Strict', 'Warn']
  return allowed.includes(value) ? [] : [field.notSupported('fieldValidation', value, allowed)]
}

const MAX_REASON_BYTES = 1024
const MAX_MESSAGE_BYTES = 32 * 1024

export function validateConditions(conditions: readonly Condition[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  const seen = new Set<string>()
  conditions?.forEach((condition, i) => {
    const type = condition.type ?? ''
    if (seen.has(type)) errors.push(field.duplicate(`${path}[${i}].type`, type))
    seen.add(type)
    errors.push(...validateCondition(condition, `${path}[${i}]`))
  })
  return errors
}

function validateCondition(condition: Condition, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { type = '', status = '', reason = '', message = '', observedGeneration = 0, lastTransitionTime } = condition
  errors.push(...validateLabelName(type, `${path}.type`))
  if (!['True', 'False', 'Unknown'].includes(status)) errors.push(field.notSupported(`${path}.status`, status, ['False', 'True', 'Unknown']))
  if (observedGeneration < 0) errors.push(field.invalid(`${path}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'))
  if (!lastTransitionTime) errors.push(field.required(`${path}.lastTransitionTime`))
  if (!reason) errors.push(field.required(`${path}.reason`))
  else {
    for (const m of isValidConditionReason(reason)) errors.push(field.invalid(`${path}.reason`, reason, m))
    if (byteLength(reason) > MAX_REASON_BYTES) errors.push(field.tooLong(`${path}.reason`, MAX_REASON_BYTES))
  }
  if (byteLength(message) > MAX_MESSAGE_BYTES) errors.push(field.tooLong(`${path}.message`, MAX_MESSAGE_BYTES))
  return errors
}
