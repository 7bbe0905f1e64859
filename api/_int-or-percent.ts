/** Counts that may be percentages. Models ValidatePositiveIntOrPercent and IsNotMoreThan100Percent of k8s.io/kubernetes/pkg/apis/apps/validation. */
import { validateNonnegativeField } from '../src/apimachinery/validate-meta.ts'
import { isValidPercent } from '../src/apimachinery/validation.ts'
import { field, type FieldError } from '../src/errors.ts'
import { invalids } from './_field-errors.ts'

export function validatePositiveIntOrPercent(value: number | string, path: string): FieldError[] {
  return typeof value === 'number' ? validateNonnegativeField(value, path) : invalids(path, value, isValidPercent(value))
}

export function validateAtMost100Percent(value: number | string, path: string): FieldError[] {
  if (typeof value === 'number' || isValidPercent(value).length > 0) return []
  return Number(value.slice(0, -1)) > 100 ? [field.invalid(path, value, 'must not be greater than 100%')] : []
}
