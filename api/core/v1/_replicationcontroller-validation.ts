/** Models ValidateReplicationController and its kin of k8s.io/kubernetes/pkg/apis/core/validation/validation.go. */
import type { PodTemplateSpec, ReplicationController } from '../../../schemas/types.ts'
import { selectorFromSet } from '../../../src/apimachinery/labels.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { validateReplicasStatus } from '../../apps/v1/_replicaset-validation.ts'
import { validateLabelsMatch, validateNonnegative, validateRestarting } from '../../apps/v1/_workload-validation.ts'
import { optionsForTemplate, type PodOptions } from './_pod-options.ts'
import { validatePodTemplateSpec } from './_pod-validation.ts'

export function validateReplicationController({ spec }: ReplicationController, ctx: WriteContext, old?: ReplicationController): FieldError[] {
  const errors = validateNonnegative(spec, ['minReadySeconds'], 'spec')
  if (Object.keys(spec.selector ?? {}).length === 0) errors.push(field.required('spec.selector'))
  if (spec.replicas === undefined) errors.push(field.required('spec.replicas'))
  errors.push(...validateNonnegative(spec, ['replicas'], 'spec'))
  if (!spec.template) return [...errors, field.required('spec.template')]
  return [...errors, ...validateTemplate(spec.template, spec.selector, optionsForTemplate(ctx, old?.spec.template))]
}

function validateTemplate(template: PodTemplateSpec, labels: Record<string, string> | undefined, options: PodOptions): FieldError[] {
  const path = 'spec.template'
  return [
    ...validateLabelsMatch(template, selectorFromSet(labels), path),
    ...validatePodTemplateSpec(template, path, options),
    ...validateRestarting(template, path, 'ReplicationController'),
  ]
}

export function validateReplicationControllerStatusUpdate({ status = {} }: ReplicationController): FieldError[] {
  return validateReplicasStatus(status)
}
