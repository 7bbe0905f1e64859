/** Models ValidateDeployment and its kin of k8s.io/kubernetes/pkg/apis/apps/validation/validation.go. */
import type { Deployment, DeploymentStrategy } from '../../../schemas/types.ts'
import { validateImmutableField } from '../../../src/apimachinery/validate-meta.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { optionsForTemplate, type PodOptions } from '../../core/v1/_pod-options.ts'
import {
  intOrPercent, parsedSelector, shown, validateAtMost, validateAtMost100Percent, validateCollisionCount, validateIntOrPercent, validateNonnegative, validateReplicaSetTemplate, validateSelector,
} from './_workload-validation.ts'

export function validateDeployment({ spec }: Deployment, ctx: WriteContext): FieldError[] {
  return validateSpec(spec, optionsForTemplate(ctx))
}

export function validateDeploymentUpdate({ spec }: Deployment, old: Deployment, ctx: WriteContext): FieldError[] {
  return [...validateSpec(spec, optionsForTemplate(ctx, old.spec.template)), ...validateImmutableField(shown(spec.selector), shown(old.spec.selector), 'spec.selector')]
}

function validateSpec(spec: Deployment['spec'], options: PodOptions): FieldError[] {
  const { template = {}, selector, strategy = {}, minReadySeconds = 0, progressDeadlineSeconds: deadline } = spec
  const errors = [...validateNonnegative(spec, ['replicas'], 'spec'), ...validateSelector(selector, 'spec.selector', 'deployment')]
  const parsed = parsedSelector(selector)
  if (parsed) errors.push(...validateReplicaSetTemplate(template, 'spec.template', { selector: parsed, options }))
  else errors.push(field.invalid('spec.selector', shown(selector), 'invalid label selector'))
  errors.push(...validateStrategy(strategy, 'spec.strategy'), ...validateNonnegative(spec, ['minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'], 'spec'))
  if (deadline !== undefined && deadline <= minReadySeconds) errors.push(field.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  return errors
}

function validateStrategy(strategy: DeploymentStrategy, path: string): FieldError[] {
  const { type = '', rollingUpdate } = strategy
  if (type === 'Recreate') return rollingUpdate ? [field.forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")] : []
  if (type !== 'RollingUpdate') {
    const internal = { Type: type, RollingUpdate: rollingUpdate ? { MaxUnavailable: rollingUpdate.maxUnavailable ?? 0, MaxSurge: rollingUpdate.maxSurge ?? 0 } : null }
    return [field.notSupported(path, internal, ['Recreate', 'RollingUpdate'])]
  }
  if (!rollingUpdate) return [field.required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil')]
  const { maxUnavailable, maxSurge } = rollingUpdate
  const at = `${path}.rollingUpdate.maxUnavailable`
  const errors = [...validateIntOrPercent(maxUnavailable, at), ...validateIntOrPercent(maxSurge, `${path}.rollingUpdate.maxSurge`)]
  if (intOrPercent(maxUnavailable) === 0 && intOrPercent(maxSurge) === 0) errors.push(field.invalid(at, maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'))
  return [...errors, ...validateAtMost100Percent(maxUnavailable, at)]
}

export function validateDeploymentStatusUpdate({ status = {} }: Deployment, old: Deployment): FieldError[] {
  const path = 'status'
  return [
    ...validateNonnegative(status, ['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas', 'terminatingReplicas', 'collisionCount'], path),
    ...validateAtMost(status, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], { limit: status.replicas ?? 0, path, message: 'cannot be greater than status.replicas' }),
    ...validateAtMost(status, ['availableReplicas'], { limit: status.readyReplicas ?? 0, path, message: 'cannot be greater than readyReplicas' }),
    ...validateCollisionCount(status.collisionCount, old.status?.collisionCount),
  ]
}
