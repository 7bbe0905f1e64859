/** Models ValidateDaemonSet and its kin of k8s.io/kubernetes/pkg/apis/apps/validation/validation.go. */
import type { DaemonSet, DaemonSetUpdateStrategy } from '../../../schemas/types.ts'
import { labelSelectorHasInvalidLabelValue, validateImmutableField, validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { WriteContext } from '../../../src/registry/kind.ts'
import { optionsForTemplate } from '../../core/v1/_pod-options.ts'
import { validatePodTemplateSpec } from '../../core/v1/_pod-validation.ts'
import {
  intOrPercent, parsedSelector, shown, validateAtMost100Percent, validateCollisionCount, validateIntOrPercent, validateLabelsMatch, validateNonnegative, validateNotEmpty, validateRestarting,
} from './_workload-validation.ts'

export function validateDaemonSet({ spec }: DaemonSet, ctx: WriteContext): FieldError[] {
  return validateSpec(spec, ctx)
}

export function validateDaemonSetUpdate({ spec }: DaemonSet, old: DaemonSet, ctx: WriteContext): FieldError[] {
  return [...validateImmutableField(shown(spec.selector), shown(old.spec.selector), 'spec.selector'), ...validateSpec(spec, ctx, old.spec)]
}

function validateSpec(spec: DaemonSet['spec'], ctx: WriteContext, old?: DaemonSet['spec']): FieldError[] {
  const { selector, template = {}, updateStrategy = {} } = spec
  const options = optionsForTemplate(ctx, old?.template)
  const allowInvalidLabelValueInSelector = (options.allowInvalidLabelValueInSelector ?? false) || labelSelectorHasInvalidLabelValue(old?.selector)
  const parsed = parsedSelector(selector)
  return [
    ...validateLabelSelector(selector, 'spec.selector', { allowInvalidLabelValueInSelector }),
    ...(parsed ? validateLabelsMatch(template, parsed, 'spec.template') : []),
    ...validateNotEmpty(selector, 'spec.selector', 'daemonset'),
    ...validatePodTemplateSpec(template, 'spec.template', { ...options, allowInvalidLabelValueInSelector }),
    ...validateRestarting(template, 'spec.template', 'DaemonSet'),
    ...validateNonnegative(spec, ['minReadySeconds'], 'spec'),
    ...validateStrategy(updateStrategy, 'spec.updateStrategy'),
    ...validateNonnegative(spec, ['revisionHistoryLimit'], 'spec'),
  ]
}

function validateStrategy({ type = '', rollingUpdate }: DaemonSetUpdateStrategy, path: string): FieldError[] {
  if (type === 'OnDelete') return []
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate ?? {}
  if (type !== 'RollingUpdate') {
    return [field.notSupported(path, { Type: type, RollingUpdate: rollingUpdate ? { MaxUnavailable: maxUnavailable, MaxSurge: maxSurge } : null }, ['RollingUpdate', 'OnDelete'])]
  }
  const [unavailableAt, surgeAt] = [`${path}.rollingUpdate.maxUnavailable`, `${path}.rollingUpdate.maxSurge`]
  if (!rollingUpdate) return [field.required(`${path}.rollingUpdate`)]
  const errors = [
    ...validateIntOrPercent(maxUnavailable, unavailableAt), ...validateIntOrPercent(maxSurge, surgeAt),
    ...validateAtMost100Percent(maxUnavailable, unavailableAt), ...validateAtMost100Percent(maxSurge, surgeAt),
  ]
  const [hasUnavailable, hasSurge] = [intOrPercent(maxUnavailable) !== 0, intOrPercent(maxSurge) !== 0]
  if (hasUnavailable && hasSurge) errors.push(field.invalid(surgeAt, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  if (!hasUnavailable && !hasSurge) errors.push(field.required(unavailableAt, 'cannot be 0 when maxSurge is 0'))
  return errors
}

export function validateDaemonSetStatusUpdate({ status = {} }: DaemonSet, old: DaemonSet): FieldError[] {
  return [
    ...validateNonnegative(
      status,
      ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable', 'collisionCount'],
      'status',
    ),
    ...validateCollisionCount(status.collisionCount, old.status?.collisionCount),
  ]
}
