/** Where the validation rules of schemas are compiled when they are written. Models the CEL part of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation. */
import type { FieldError } from '../../../src/errors.ts'
import type { Schema } from '../../../src/apimachinery/structural-schema/schema.ts'

export interface RuleOptions {
  /** The path of the first ancestor whose old and new values cannot be matched, so that oldSelf is not allowed. */
  uncorrelatablePath: string | undefined
}

/** The errors of compiling the x-kubernetes-validations of one schema. CEL is not compiled yet: every rule passes. */
export function validateRuleExpressions(_schema: Schema, _path: string, _options: RuleOptions): FieldError[] {
  return []
}
