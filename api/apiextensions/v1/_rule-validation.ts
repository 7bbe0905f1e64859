/** The form of x-kubernetes-validations; what CEL makes of them is in _cel.ts. Models the rule part of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation. */
import { field, type FieldError } from '../../../src/errors.ts'
import { findField } from '../../../src/apimachinery/structural-schema/field-path.ts'
import { whyNotReadable } from '../../../src/apimachinery/structural-schema/structural.ts'
import type { Schema } from '../../../src/apimachinery/structural-schema/schema.ts'
import type { ValidationRule } from '../../../schemas/types.ts'

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const hasNewlines = (text: string): boolean => /[\n\r]/.test(text)

export function validateRules(schema: Schema, path: string): FieldError[] {
  return (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) => validateRule(rule, schema, `${path}.x-kubernetes-validations[${i}]`))
}

function validateRule(rule: ValidationRule, schema: Schema, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { message = '', messageExpression = '', reason, fieldPath = '' } = rule
  const text = (rule.rule ?? '').trim()
  const trimmed = message.trim()
  if (!text) errors.push(field.required(`${path}.rule`, 'rule is not specified'))
  else if (message && !trimmed) errors.push(field.invalid(`${path}.message`, message, 'must be non-empty if specified'))
  else if (hasNewlines(trimmed)) errors.push(field.invalid(`${path}.message`, message, 'must not contain line breaks'))
  else if (hasNewlines(text) && !trimmed) errors.push(field.required(`${path}.message`, 'message must be specified if rule contains line breaks'))
  if (messageExpression && !messageExpression.trim()) errors.push(field.required(`${path}.messageExpression`, 'messageExpression must be non-empty if specified'))
  if (reason !== undefined && !REASONS.includes(reason)) errors.push(field.notSupported(`${path}.reason`, reason, REASONS))
  if (!fieldPath) return errors
  if (!fieldPath.trim()) errors.push(field.invalid(`${path}.fieldPath`, fieldPath, 'must be non-empty if specified'))
  if (hasNewlines(fieldPath)) errors.push(field.invalid(`${path}.fieldPath`, fieldPath, 'must not contain line breaks'))
  const isValid = whyNotReadable(schema) !== undefined || !('error' in findField(schema, fieldPath))
  if (!isValid) errors.push(field.invalid(`${path}.fieldPath`, fieldPath, 'must be a valid path'))
  return errors
}
