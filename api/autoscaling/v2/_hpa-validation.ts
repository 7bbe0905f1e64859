/** The rules of a HorizontalPodAutoscaler. Models k8s.io/kubernetes/pkg/apis/autoscaling/validation. */
import { quantitySign } from '../../../src/apimachinery/quantity.ts'
import { isPathSegmentName } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type * as types from '../../../schemas/types.ts'
import { invalids, validateLabelName } from '../../_field-errors.ts'
import { validateContainerResourceName, validateNonnegativeQuantity } from '../../core/v1/_resource-names.ts'

const SELECT_POLICIES = ['Disabled', 'Max', 'Min']
const POLICY_TYPES = ['Percent', 'Pods']
const MAX_PERIOD_SECONDS = 1800
const MAX_WINDOW_SECONDS = 3600
/** Types of metrics and the member that each fills, in the order in which upstream looks for them. */
const MEMBERS = { Object: 'object', External: 'external', Pods: 'pods', Resource: 'resource', ContainerResource: 'containerResource' } as const
const METRIC_TYPES = Object.keys(MEMBERS).sort()

interface RefOptions {
  allowEmptyGroup: boolean
  allowInvalidVersion: boolean
}

export function apiVersionError(apiVersion: string, options: RefOptions): string | undefined {
  if (options.allowInvalidVersion) return undefined
  const parts = apiVersion.split('/')
  if (apiVersion !== '' && apiVersion !== '/' && parts.length > 2) return `unexpected GroupVersion string: ${apiVersion}`
  const hasGroup = parts.length === 2 && parts[0] !== ''
  return hasGroup || options.allowEmptyGroup ? undefined : 'apiVersion must specify API group'
}

function validateReference({ apiVersion = '', kind, name }: types.CrossVersionObjectReference, path: string, options: RefOptions): FieldError[] {
  const wrongVersion = apiVersionError(apiVersion, options)
  return [
    ...(kind ? invalids(`${path}.kind`, kind, isPathSegmentName(kind)) : [field.required(`${path}.kind`)]),
    ...(name ? invalids(`${path}.name`, name, isPathSegmentName(name)) : [field.required(`${path}.name`)]),
    ...(wrongVersion ? [field.invalid(`${path}.apiVersion`, apiVersion, wrongVersion)] : []),
  ]
}

function validateMetric({ name }: types.MetricIdentifier = {}, path: string): FieldError[] {
  return name ? invalids(`${path}.name`, name, isPathSegmentName(name)) : [field.required(`${path}.name`, 'must specify a metric name')]
}

function validateTarget(target: types.MetricTarget, path: string): FieldError[] {
  const { type = '', value, averageValue, averageUtilization } = target
  const errors: FieldError[] = []
  if (!type) errors.push(field.required(`${path}.type`, 'must specify a metric target type'))
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) errors.push(field.invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'))
  if (value !== undefined && quantitySign(value) !== 1) errors.push(field.invalid(`${path}.value`, value, 'must be positive'))
  if (averageValue !== undefined && quantitySign(averageValue) !== 1) errors.push(field.invalid(`${path}.averageValue`, averageValue, 'must be positive'))
  if (averageUtilization !== undefined && averageUtilization < 1) errors.push(field.invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'))
  return errors
}

/** Of a raw value and a utilization there must be one. */
function validateRawOrUtilization({ averageUtilization, averageValue }: types.MetricTarget, path: string): FieldError[] {
  if (averageUtilization === undefined && averageValue === undefined) return [field.required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization')]
  if (averageUtilization === undefined || averageValue === undefined) return []
  return [field.forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization')]
}

function validateObject({ describedObject = {}, metric, target = {} }: types.ObjectMetricSource, path: string, options: RefOptions): FieldError[] {
  const isUnset = target.value === undefined && target.averageValue === undefined
  return [
    ...validateReference(describedObject, `${path}.describedObject`, options),
    ...validateMetric(metric, `${path}.metric`),
    ...validateTarget(target, `${path}.target`),
    ...(isUnset ? [field.required(`${path}.target.averageValue`, 'must set either a target value or averageValue')] : []),
  ]
}

function validateExternal({ metric, target = {} }: types.ExternalMetricSource, path: string): FieldError[] {
  const { value, averageValue } = target
  const errors = [...validateMetric(metric, `${path}.metric`), ...validateTarget(target, `${path}.target`)]
  if (value === undefined && averageValue === undefined) {
    errors.push(field.required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target'))
  }
  if (value !== undefined && averageValue !== undefined) errors.push(field.forbidden(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target'))
  return errors
}

function validatePods({ metric, target = {} }: types.PodsMetricSource, path: string): FieldError[] {
  const errors = [...validateMetric(metric, `${path}.metric`), ...validateTarget(target, `${path}.target`)]
  return target.averageValue === undefined ? [...errors, field.required(`${path}.target.averageValue`, 'must specify a positive target averageValue')] : errors
}

const NO_RESOURCE = 'must specify a resource name'

function validateResource({ name, target = {} }: types.ResourceMetricSource, path: string): FieldError[] {
  const errors = name ? [] : [field.required(`${path}.name`, NO_RESOURCE)]
  return [...errors, ...validateTarget(target, `${path}.target`), ...validateRawOrUtilization(target, `${path}.target`)]
}

function validateContainerResource({ name, container, target = {} }: types.ContainerResourceMetricSource, path: string): FieldError[] {
  return [
    ...(name ? validateContainerResourceName(name, `${path}.name`) : [field.required(`${path}.name`, NO_RESOURCE)]),
    ...(container ? validateLabelName(`${path}.container`, container) : [field.required(`${path}.container`, 'must specify a container')]),
    ...validateTarget(target, `${path}.target`),
    ...validateRawOrUtilization(target, `${path}.target`),
  ]
}

/** Only the first source that is there is looked into. */
function validateFirstSource(spec: types.MetricSpec, path: string, options: RefOptions): FieldError[] {
  if (spec.object) return validateObject(spec.object, `${path}.object`, options)
  if (spec.external) return validateExternal(spec.external, `${path}.external`)
  if (spec.pods) return validatePods(spec.pods, `${path}.pods`)
  if (spec.resource) return validateResource(spec.resource, `${path}.resource`)
  return spec.containerResource ? validateContainerResource(spec.containerResource, `${path}.containerResource`) : []
}

const isMetricType = (type: string): type is keyof typeof MEMBERS => Object.hasOwn(MEMBERS, type)

function validateMetricSpec(spec: types.MetricSpec, path: string, options: RefOptions): FieldError[] {
  const { type = '' } = spec
  const errors: FieldError[] = []
  const unknown = isMetricType(type) ? [] : [field.notSupported(`${path}.type`, type, METRIC_TYPES)]
  if (!type) errors.push(field.required(`${path}.type`, 'must specify a metric source type'))
  errors.push(...unknown, ...validateFirstSource(spec, path, options))
  const expected = isMetricType(type) ? MEMBERS[type] : undefined
  if (expected && !spec[expected]) errors.push(field.required(`${path}.${expected}`, 'must populate information for the given metric source'))
  errors.push(...unknown)
  const present = Object.values(MEMBERS).filter((member) => spec[member]).sort()
  if (present.length === 1) return errors
  return [...errors, ...present.filter((m) => m !== expected).map((m) => field.forbidden(`${path}.${m}`, 'must populate the given metric source only'))]
}

function validateMetrics({ metrics = [], minReplicas }: types.HorizontalPodAutoscalerSpec, options: RefOptions): FieldError[] {
  const errors = metrics.flatMap((metric, i) => validateMetricSpec(metric, `spec.metrics[${i}]`, options))
  if (minReplicas !== 0 || metrics.some(({ type }) => type === 'Object' || type === 'External')) return errors
  return [...errors, field.forbidden('spec.metrics', 'must specify at least one Object or External metric to support scaling to zero replicas')]
}

function validateScalingPolicy({ type = '', value = 0, periodSeconds = 0 }: types.HPAScalingPolicy, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!POLICY_TYPES.includes(type)) errors.push(field.notSupported(`${path}.type`, type, POLICY_TYPES))
  if (value <= 0) errors.push(field.invalid(`${path}.value`, value, 'must be greater than zero'))
  if (periodSeconds <= 0) errors.push(field.invalid(`${path}.periodSeconds`, periodSeconds, 'must be greater than zero'))
  if (periodSeconds > MAX_PERIOD_SECONDS) errors.push(field.invalid(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${MAX_PERIOD_SECONDS}`))
  return errors
}

function validateScalingRules(rules: types.HPAScalingRules | undefined, path: string): FieldError[] {
  if (!rules) return []
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = rules
  const errors: FieldError[] = []
  const at = `${path}.stabilizationWindowSeconds`
  if (window !== undefined && window < 0) errors.push(field.invalid(at, window, 'must be greater than or equal to zero'))
  if (window !== undefined && window > MAX_WINDOW_SECONDS) errors.push(field.invalid(at, window, `must be less than or equal to ${MAX_WINDOW_SECONDS}`))
  if (selectPolicy !== undefined && !SELECT_POLICIES.includes(selectPolicy)) errors.push(field.notSupported(`${path}.selectPolicy`, selectPolicy, SELECT_POLICIES))
  if (policies.length === 0) errors.push(field.required(`${path}.policies`, 'must specify at least one Policy'))
  errors.push(...policies.flatMap((policy, i) => validateScalingPolicy(policy, `${path}.policies[${i}]`)))
  if (tolerance !== undefined) errors.push(...validateNonnegativeQuantity(tolerance, `${path}.tolerance`))
  return errors
}

/** What was wrong in the old object may stay. */
function optionsFor({ spec }: types.HorizontalPodAutoscaler, old: types.HorizontalPodAutoscaler | undefined) {
  const target = spec.scaleTargetRef ?? {}
  const before = old?.spec.scaleTargetRef
  const isSameTarget = before !== undefined && before.apiVersion === target.apiVersion && before.kind === target.kind
  const strict: RefOptions = { allowEmptyGroup: true, allowInvalidVersion: false }
  const hadInvalid = (old?.spec.metrics ?? []).some((m) => m.type === 'Object' && m.object && apiVersionError(m.object.describedObject?.apiVersion ?? '', strict))
  return {
    minReplicas: old?.spec.minReplicas === 0 ? 0 : 1,
    target: { allowInvalidVersion: isSameTarget, allowEmptyGroup: !isSameTarget && target.kind === 'ReplicationController' },
    metrics: { ...strict, allowInvalidVersion: hadInvalid },
  }
}

export function validateAutoscaler(autoscaler: types.HorizontalPodAutoscaler, old?: types.HorizontalPodAutoscaler): FieldError[] {
  const options = optionsFor(autoscaler, old)
  const { minReplicas, maxReplicas = 0, scaleTargetRef = {}, behavior } = autoscaler.spec
  const errors: FieldError[] = []
  if (minReplicas !== undefined && minReplicas < options.minReplicas) {
    errors.push(field.invalid('spec.minReplicas', minReplicas, `must be greater than or equal to ${options.minReplicas}`))
  }
  if (maxReplicas === 0) errors.push(field.required('spec.maxReplicas', 'must be set and greater than 0'))
  else if (maxReplicas < 0) errors.push(field.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to 1'))
  if (minReplicas !== undefined && maxReplicas < minReplicas) errors.push(field.invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'))
  return [
    ...errors,
    ...validateReference(scaleTargetRef, 'spec.scaleTargetRef', options.target),
    ...validateMetrics(autoscaler.spec, options.metrics),
    ...validateScalingRules(behavior?.scaleUp, 'spec.behavior.scaleUp'),
    ...validateScalingRules(behavior?.scaleDown, 'spec.behavior.scaleDown'),
  ]
}
