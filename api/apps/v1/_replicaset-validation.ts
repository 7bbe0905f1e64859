/** Models ValidateReplicaSet and its kin of k8s.io/kubernetes/pkg/apis/apps/validation/validation.go. */
import type { ReplicaSet, ReplicaSetStatus } from '../../../schemas/types.ts'
import { validateImmutableField } from '../../../src/apimachinery/validate-meta.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { optionsForTemplate, type PodOptions } from '../../core/v1/_pod-options.ts'
import { parsedSelector, shown, validateAtMost, validateNonnegative, validateReplicaSetTemplate, validateSelector } from './_workload-validation.ts'

export function validateReplicaSet({ spec }: ReplicaSet, ctx: WriteContext): FieldError[] {
  return validateSpec(spec, optionsForTemplate(ctx))
}

export function validateReplicaSetUpdate({ spec }: ReplicaSet, old: ReplicaSet, ctx: WriteContext): FieldError[] {
  return [...validateSpec(spec, optionsForTemplate(ctx, old.spec.template)), ...validateImmutableField(shown(spec.selector), shown(old.spec.selector), 'spec.selector')]
}

function validateSpec(spec: ReplicaSet['spec'], options: PodOptions): FieldError[] {
  const { template = {}, selector } = spec
  // Upstream's text says deployment here too.
  const errors = [...validateNonnegative(spec, ['replicas', 'minReadySeconds'], 'spec'), ...validateSelector(selector, 'spec.selector', 'deployment')]
  const parsed = parsedSelector(selector)
  if (!parsed) return [...errors, field.invalid('spec.selector', shown(selector), 'invalid label selector')]
  return [...errors, ...validateReplicaSetTemplate(template, 'spec.template', { selector: parsed, options })]
}

export function validateReplicaSetStatusUpdate({ status = {} }: ReplicaSet): FieldError[] {
  return validateReplicasStatus(status)
}

/** Replication controllers have the same counts. */
export function validateReplicasStatus(status: ReplicaSetStatus): FieldError[] {
  const path = 'status'
  return [
    ...validateNonnegative(status, ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration', 'terminatingReplicas'], path),
    ...validateAtMost(status, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], { limit: status.replicas ?? 0, path, message: 'cannot be greater than status.replicas' }),
    ...validateAtMost(status, ['availableReplicas'], { limit: status.readyReplicas ?? 0, path, message: 'cannot be greater than readyReplicas' }),
  ]
}
