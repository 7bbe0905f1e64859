/** When a job fails or succeeds before all its pods are done. Models validatePodFailurePolicy and validateSuccessPolicy of k8s.io/kubernetes/pkg/apis/batch/validation/validation.go. */
import type { JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule, SuccessPolicy, SuccessPolicyRule } from '../../../schemas/types.ts'
import { validateNonnegativeField } from '../../../src/apimachinery/validate-meta.ts'
import { byteLength, isQualifiedName } from '../../../src/apimachinery/validation.ts'
import { field, quote, type FieldError } from '../../../src/errors.ts'
import { countIndexes } from './_job-indexes.ts'

const ACTIONS = ['Count', 'FailIndex', 'FailJob', 'Ignore']
const OPERATORS = ['In', 'NotIn']
const STATUSES = ['False', 'True', 'Unknown']
const MAX_RULES = 20
const MAX_EXIT_CODES = 255
const MAX_CONDITIONS = 20
const MAX_INDEXES_LENGTH = 64 * 1024

const validValues = (values: readonly string[]): string => `valid values: [${values.map(quote).join(' ')}]`

/** A field error that shows no value. */
export function invalidWithoutValue(path: string, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field: path, body: `Invalid value: ${detail}` }
}

export function validateFailurePolicy(spec: JobSpec, policy: PodFailurePolicy, path: string): FieldError[] {
  const { rules = [] } = policy
  const template = spec.template?.spec
  const names = new Set([...(template?.containers ?? []), ...(template?.initContainers ?? [])].map((c) => c.name ?? ''))
  const errors = rules.length > MAX_RULES ? [field.tooMany(`${path}.rules`, rules.length, MAX_RULES)] : []
  return [...errors, ...rules.flatMap((rule, i) => validateFailureRule(rule, `${path}.rules[${i}]`, { names, spec }))]
}

function validateFailureRule({ action = '', onExitCodes, onPodConditions = [] }: PodFailurePolicyRule, path: string, { names, spec }: { names: ReadonlySet<string>; spec: JobSpec }): FieldError[] {
  const errors: FieldError[] = []
  if (!action) errors.push(field.required(`${path}.action`, validValues(ACTIONS)))
  else if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) errors.push(field.invalid(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set'))
  } else if (!ACTIONS.includes(action)) errors.push(field.notSupported(`${path}.action`, action, ACTIONS))
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, `${path}.onExitCodes`, names))
  errors.push(...validateConditions(onPodConditions, `${path}.onPodConditions`))
  if (onExitCodes && onPodConditions.length) errors.push(invalidWithoutValue(path, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  if (!onExitCodes && !onPodConditions.length) errors.push(invalidWithoutValue(path, 'specifying one of OnExitCodes and OnPodConditions is required'))
  return errors
}

function validateConditions(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], path: string): FieldError[] {
  const errors = patterns.length > MAX_CONDITIONS ? [field.tooMany(path, patterns.length, MAX_CONDITIONS)] : []
  for (const [i, { type = '', status = '' }] of patterns.entries()) {
    for (const m of isQualifiedName(type)) errors.push(field.invalid(`${path}[${i}].type`, type, m))
    if (!status) errors.push(field.required(`${path}[${i}].status`, validValues(STATUSES)))
    else if (!STATUSES.includes(status)) errors.push(field.notSupported(`${path}[${i}].status`, status, STATUSES))
  }
  return errors
}

function validateExitCodes(codes: PodFailurePolicyOnExitCodesRequirement, path: string, names: ReadonlySet<string>): FieldError[] {
  const { operator = '', containerName } = codes
  const values = codes.values ?? []
  const errors: FieldError[] = []
  if (!operator) errors.push(field.required(`${path}.operator`, validValues(OPERATORS)))
  else if (!OPERATORS.includes(operator)) errors.push(field.notSupported(`${path}.operator`, operator, OPERATORS))
  if (containerName !== undefined && !names.has(containerName)) {
    errors.push(field.invalid(`${path}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template'))
  }
  if (values.length === 0) errors.push(field.invalid(`${path}.values`, codes.values ?? null, 'at least one value is required'))
  else if (values.length > MAX_EXIT_CODES) errors.push(field.tooMany(`${path}.values`, values.length, MAX_EXIT_CODES))
  for (const [i, value] of values.entries()) {
    if (operator === 'In' && value === 0) errors.push(field.invalid(`${path}.values[${i}]`, value, 'must not be 0 for the In operator'))
    if (values.indexOf(value) < i) errors.push(field.duplicate(`${path}.values[${i}]`, value))
  }
  if (values.some((value, i) => i > 0 && (values[i - 1] ?? 0) > value)) errors.push(field.invalid(`${path}.values`, values, 'must be ordered'))
  return errors
}

export function validateSuccessPolicy(spec: JobSpec, { rules = [] }: SuccessPolicy, path: string): FieldError[] {
  const errors = rules.length === 0 ? [field.required(`${path}.rules`, 'at least one rules must be specified when the successPolicy is specified')] : []
  if (rules.length > MAX_RULES) errors.push(field.tooMany(`${path}.rules`, rules.length, MAX_RULES))
  return [...errors, ...rules.flatMap((rule, i) => validateSuccessRule(rule, `${path}.rules[${i}]`, spec.completions ?? 0))]
}

function validateSuccessRule({ succeededIndexes: indexes, succeededCount: count }: SuccessPolicyRule, path: string, completions: number): FieldError[] {
  if (indexes === undefined && count === undefined) return [field.required(path, 'at least one of succeededCount or succeededIndexes must be specified')]
  const errors: FieldError[] = []
  let total = 0
  if (indexes !== undefined) {
    if (byteLength(indexes) > MAX_INDEXES_LENGTH) errors.push(field.tooLong(`${path}.succeededIndexes`, MAX_INDEXES_LENGTH))
    const counted = countIndexes(indexes, completions)
    if (typeof counted === 'string') errors.push(field.invalid(`${path}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${counted}`))
    else total = counted
  }
  if (count === undefined) return errors
  const at = `${path}.succeededCount`
  errors.push(...validateNonnegativeField(count, at))
  if (count > completions) errors.push(field.invalid(at, count, `must be less than or equal to ${completions} (the number of specified completions)`))
  if (indexes !== undefined && count > total) errors.push(field.invalid(at, count, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`))
  return errors
}

/** As upstream's internal type prints it. */
export function internalFailurePolicy(policy: PodFailurePolicy | undefined): unknown {
  if (!policy) return null
  const rules = (policy.rules ?? []).map(({ action = '', onExitCodes: codes, onPodConditions = [] }) => ({
    Action: action,
    OnExitCodes: codes ? { ContainerName: codes.containerName ?? null, Operator: codes.operator ?? '', Values: codes.values ?? null } : null,
    OnPodConditions: onPodConditions.length ? onPodConditions.map(({ type = '', status = '' }) => ({ Type: type, Status: status })) : null,
  }))
  return { Rules: rules.length ? rules : null }
}

export function internalSuccessPolicy(policy: SuccessPolicy | undefined): unknown {
  if (!policy) return null
  const rules = (policy.rules ?? []).map((r) => ({ SucceededIndexes: r.succeededIndexes ?? null, SucceededCount: r.succeededCount ?? null }))
  return { Rules: rules.length ? rules : null }
}
