/** admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy. Models k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicy. */
import { validateMetadataOf } from '../../_validate-metadata.ts'
import { ALL_BUT_STATUS } from '../../../src/apimachinery/field-set.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { byteLength, isQualifiedName } from '../../../src/apimachinery/validation.ts'
import { validateConditions } from '../../../src/apimachinery/validate-options.ts'
import { nameColumn, ageColumn } from '../../_columns.ts'
import { resetObjectMetaForStatus } from '../../_status-meta.ts'
import { validateExpression } from './_cel.ts'
import { expressionOptions, NEW_POLICY, paramKindCell, updateOptions, validateParamKindAccess, validatePolicyParts, validatePolicyTarget, type PolicyOptions } from './_policy.ts'
import { defaultMatchResources } from './_rules.ts'
import { staticSuffixWarnings } from './_static-suffix.ts'
import type { AuditAnnotation, Validation, ValidatingAdmissionPolicy, ValidatingAdmissionPolicySpec } from '../../../schemas/types.ts'

const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']
const MAX_AUDIT_ANNOTATIONS = 20
const MAX_VALUE_EXPRESSION_BYTES = 5 * 1024

function validate(policy: ValidatingAdmissionPolicy, options: PolicyOptions): FieldError[] {
  const { spec } = policy
  const errors = [...validatePolicyTarget(spec), ...validatePolicyParts(spec, options)]
  if (!spec.validations?.length && !spec.auditAnnotations?.length) {
    for (const name of ['validations', 'auditAnnotations']) errors.push(field.required(`spec.${name}`, 'validations or auditAnnotations must contain at least one item'))
    return errors
  }
  spec.validations?.forEach((validation, i) => errors.push(...validateValidation(validation, spec, `spec.validations[${i}]`)))
  if (spec.auditAnnotations) errors.push(...validateAuditAnnotations(policy.metadata.name ?? '', spec, 'spec.auditAnnotations'))
  return errors
}

function validateValidation(v: Validation, spec: ValidatingAdmissionPolicySpec, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!v.expression?.trim()) errors.push(field.required(`${path}.expression`, 'expression is not specified'))
  else errors.push(...validateExpression(v.expression, `${path}.expression`, { ...expressionOptions(spec), returns: 'bool' }))
  if (v.messageExpression) {
    if (!v.messageExpression.trim()) errors.push(field.invalid(`${path}.messageExpression`, v.messageExpression, 'must be non-empty if specified'))
    else errors.push(...validateExpression(v.messageExpression, `${path}.messageExpression`, { ...expressionOptions(spec), hasAuthorizer: false, returns: 'string' }))
  }
  const message = (v.message ?? '').trim()
  if (v.message && !message) errors.push(field.invalid(`${path}.message`, v.message, 'must be non-empty if specified'))
  else if (/[\n\r]/.test(message)) errors.push(field.invalid(`${path}.message`, v.message, 'must not contain line breaks'))
  if (v.reason !== undefined && !REASONS.includes(v.reason)) errors.push(field.notSupported(`${path}.reason`, v.reason, REASONS))
  return errors
}

function validateAuditAnnotations(policyName: string, spec: ValidatingAdmissionPolicySpec, path: string): FieldError[] {
  const errors: FieldError[] = []
  const annotations = spec.auditAnnotations ?? []
  if (annotations.length > MAX_AUDIT_ANNOTATIONS) {
    const shown = annotations.map(({ key = '', valueExpression = '' }) => ({ Key: key, ValueExpression: valueExpression }))
    errors.push(field.invalid(path, shown, `must not have more than ${MAX_AUDIT_ANNOTATIONS} auditAnnotations`))
  }
  const seen = new Set<string>()
  annotations.forEach((annotation, i) => {
    const key = annotation.key ?? ''
    errors.push(...validateAuditAnnotation(policyName, annotation, spec, `${path}[${i}]`))
    if (seen.has(key)) errors.push(field.duplicate(`${path}[${i}].key`, key))
    seen.add(key)
  })
  return errors
}

function validateAuditAnnotation(policyName: string, annotation: AuditAnnotation, spec: ValidatingAdmissionPolicySpec, path: string): FieldError[] {
  const errors: FieldError[] = []
  const full = `${policyName}/${annotation.key ?? ''}`
  if (policyName) for (const message of isQualifiedName(full)) errors.push(field.invalid(`${path}.key`, full, message))
  else errors.push(field.invalid(`${path}.key`, annotation.key ?? '', 'requires metadata.name be non-empty'))
  const expression = (annotation.valueExpression ?? '').trim()
  const at = `${path}.valueExpression`
  if (!expression) errors.push(field.required(at, 'valueExpression is not specified'))
  else if (byteLength(expression) > MAX_VALUE_EXPRESSION_BYTES) errors.push(field.required(at, `must not exceed ${MAX_VALUE_EXPRESSION_BYTES} bytes in length`))
  else errors.push(...validateExpression(expression, at, { ...expressionOptions(spec), returns: 'string or null' }))
  return errors
}

function validateStatus({ status }: ValidatingAdmissionPolicy): FieldError[] {
  const errors: FieldError[] = []
  status?.typeChecking?.expressionWarnings?.forEach((warning, i) => {
    const path = `status.typeChecking.expressionWarnings[${i}]`
    if (!warning.warning) errors.push(field.required(`${path}.warning`))
    if (!warning.fieldRef?.trim()) errors.push(field.required(`${path}.fieldRef`))
  })
  errors.push(...validateConditions(status?.conditions ?? [], 'status.conditions'))
  return errors
}

export default defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'],
  namespaced: false,
  takesAnyFinalizer: true,
  repeatsMetadataUpdate: false,
  allowUnconditionalUpdate: false,
  resetFields: { status: ALL_BUT_STATUS },
  subresources: { status: { prepareForUpdate: (policy, old) => resetObjectMetaForStatus(policy.metadata, old.metadata), validateUpdate: validateStatus } },
  columns: [
    nameColumn,
    { name: 'Validations', type: 'integer', value: (p) => p.spec.validations?.length ?? 0 },
    { name: 'ParamKind', value: (p) => paramKindCell(p.spec.paramKind) },
    ageColumn,
  ],
  generation: true,
  default({ spec }) {
    spec.failurePolicy ??= 'Fail'
    defaultMatchResources(spec.matchConstraints)
  },
  validate: (policy) => validate(policy, NEW_POLICY),
  validateUpdate: (policy, old) => [...validateMetadataOf(policy, 'Cluster', { takesAnyFinalizer: true }), ...validate(policy, updateOptions(policy, old))],
  validateAccess: validateParamKindAccess,
  warnings: staticSuffixWarnings,
})
