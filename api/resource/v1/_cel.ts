/** Where the device selectors are compiled when they are written. Models k8s.io/dynamic-resource-allocation/cel/compile.go as far as writes see it. */
import { field, type FieldError } from '../../../src/errors.ts'
import { byteLength } from '../../../src/apimachinery/validation.ts'

const MAX_EXPRESSION = 10 * 1024

/** CEL is not compiled yet: every expression that is not too long passes. */
export function validateDeviceExpression(expression: string, path: string): FieldError[] {
  return byteLength(expression) > MAX_EXPRESSION ? [field.tooLong(path, MAX_EXPRESSION)] : []
}
