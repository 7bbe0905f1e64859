/** Capacities of devices and how they may be asked for. Models the request policy parts of k8s.io/kubernetes/pkg/apis/resource/validation. */
import { field, type FieldError } from '../../../src/errors.ts'
import { addQuantities, compareQuantities, quantityText, quantityValue } from '../../../src/apimachinery/quantity.ts'
import { validateSet } from './_lists.ts'
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from '../../../schemas/types.ts'

const MAX_OPTIONS = 10

export function validateCapacity({ value = '0', requestPolicy }: DeviceCapacity, path: string, isShared: boolean): FieldError[] {
  if (!requestPolicy) return []
  const at = `${path}.requestPolicy`
  return isShared ? validatePolicy(requestPolicy, value, at) : [field.forbidden(at, 'allowMultipleAllocations must be true')]
}

function validatePolicy(policy: CapacityRequestPolicy, capacity: string, path: string): FieldError[] {
  const { default: standard, validValues, validRange } = policy
  const hasValues = Boolean(validValues?.length)
  if (hasValues && validRange) return [field.forbidden(path, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time')]
  if (!hasValues && !validRange) return []
  if (!standard) return [field.required(`${path}.default`, `required when ${hasValues ? 'validValues' : 'validRange'} is defined`)]
  return validRange ? validateRange(validRange, { standard, capacity }, `${path}.validRange`) : validateValues(validValues ?? [], { standard, capacity }, `${path}.validValues`)
}

interface Amounts {
  standard: string
  capacity: string
}

function validateValues(values: readonly string[], { standard, capacity }: Amounts, path: string): FieldError[] {
  const errors: FieldError[] = []
  values.forEach((value, i) => {
    const before = values[i - 1]
    if (before !== undefined && compareQuantities(before, value) > 0) errors.push(field.invalid(`${path}[${i}]`, value, 'values must be sorted in ascending order'))
  })
  const check = (value: string, at: string) => (compareQuantities(value, capacity) > 0 ? [field.invalid(at, value, `option is larger than capacity value: ${capacity}`)] : [])
  errors.push(...validateSet(values, path, { max: MAX_OPTIONS, check, key: (value) => String(quantityValue(value)) }))
  const isListed = values.length <= MAX_OPTIONS && values.some((value) => compareQuantities(value, standard) === 0)
  if (!isListed) errors.push(field.invalid(path, standard, 'default value is not valid according to the requestPolicy'))
  return errors
}

function validateRange({ min, max, step }: CapacityRequestPolicyRange, { standard, capacity }: Amounts, path: string): FieldError[] {
  if (min === undefined) return [field.required(`${path}.min`, 'required when validRange is defined')]
  const errors: FieldError[] = []
  if (compareQuantities(min, capacity) > 0) errors.push(field.invalid(`${path}.min`, min, `min is larger than capacity value: ${capacity}`))
  if (compareQuantities(standard, min) < 0) errors.push(field.invalid(`${path}.min`, standard, `default is less than min: ${min}`))
  if (max !== undefined) {
    if (compareQuantities(min, max) > 0) errors.push(field.invalid(`${path}.max`, min, `min is larger than max: ${max}`))
    if (compareQuantities(max, capacity) > 0) errors.push(field.invalid(`${path}.max`, max, `max is larger than capacity value: ${capacity}`))
    if (compareQuantities(standard, max) > 0) errors.push(field.invalid(`${path}.max`, standard, `default is more than max: ${max}`))
  }
  if (step === undefined) return errors
  const once = addQuantities(min, step)
  if (compareQuantities(once, capacity) > 0) errors.push(field.invalid(`${path}.step`, step, `one step ${quantityText(once)} is larger than capacity value: ${capacity}`))
  for (const value of max === undefined ? [standard] : [standard, max]) {
    if ((quantityValue(value) - quantityValue(min)) % quantityValue(step) !== 0) {
      errors.push(field.invalid(`${path}.step`, value, `value is not a multiple of a given step (${step}) from (${min})`))
    }
  }
  return errors
}
