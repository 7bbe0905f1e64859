/**
 * Metrics in the form that autoscaling/v1 keeps in annotations, and back. Each source and each status of v1 is flat where
 * v2 has a metric, a target and a current value. Models k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go.
 */
import type { CrossVersionObjectReference, LabelSelector, MetricIdentifier, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../../schemas/types.ts'
import { isZeroQuantity } from '../../../src/apimachinery/quantity.ts'

interface FlatSource {
  target?: CrossVersionObjectReference
  metricName?: string
  metricSelector?: LabelSelector
  selector?: LabelSelector
  name?: string
  container?: string
  targetValue?: string
  averageValue?: string
  targetAverageValue?: string
  targetAverageUtilization?: number
}

interface FlatStatus {
  target?: CrossVersionObjectReference
  metricName?: string
  metricSelector?: LabelSelector
  selector?: LabelSelector
  name?: string
  container?: string
  currentValue?: string
  averageValue?: string
  currentAverageValue?: string
  currentAverageUtilization?: number
}

type Flat<S> = { type?: string } & { [member in 'object' | 'pods' | 'resource' | 'containerResource' | 'external']?: S }
export type FlatMetricSpec = Flat<FlatSource>
export type FlatMetricStatus = Flat<FlatStatus>

/** References as Go writes them. */
const reference = ({ kind = '', name = '', apiVersion }: CrossVersionObjectReference = {}) => ({ kind, name, ...(apiVersion ? { apiVersion } : {}) })
const metricOf = (metricName: string | undefined, selector: LabelSelector | undefined): MetricIdentifier => ({ name: metricName, selector })
const ZERO = '0'

/** Members without a value are dropped by JSON. */
export function toFlatSpec({ type, object, pods, resource, containerResource, external }: MetricSpec): FlatMetricSpec {
  const flat: FlatMetricSpec = { type: type ?? '' }
  if (object) {
    const { target = {}, metric = {} } = object
    flat.object = {
      target: reference(object.describedObject),
      metricName: metric.name ?? '',
      targetValue: target.value ?? ZERO,
      selector: metric.selector,
      averageValue: target.averageValue,
    }
  }
  if (pods) flat.pods = { metricName: pods.metric?.name ?? '', targetAverageValue: pods.target?.averageValue ?? ZERO, selector: pods.metric?.selector }
  if (resource) flat.resource = { name: resource.name ?? '', ...flatTarget(resource.target) }
  if (containerResource) flat.containerResource = { name: containerResource.name ?? '', ...flatTarget(containerResource.target), container: containerResource.container ?? '' }
  if (external) {
    const { target = {}, metric = {} } = external
    flat.external = { metricName: metric.name ?? '', metricSelector: metric.selector, targetValue: target.value, targetAverageValue: target.averageValue }
  }
  return flat
}

const flatTarget = ({ averageUtilization, averageValue }: MetricTarget = {}): FlatSource => ({ targetAverageUtilization: averageUtilization, targetAverageValue: averageValue })

export function fromFlatSpec({ type, object, pods, resource, containerResource, external }: FlatMetricSpec): MetricSpec {
  const spec: MetricSpec = { type }
  if (object) {
    const { targetValue = ZERO, averageValue } = object
    const isAverage = averageValue !== undefined
    spec.object = {
      describedObject: { ...object.target },
      metric: metricOf(object.metricName, object.selector),
      target: { type: isAverage ? 'AverageValue' : 'Value', value: isAverage && isZeroQuantity(targetValue) ? undefined : targetValue, averageValue },
    }
  }
  if (pods) spec.pods = { metric: metricOf(pods.metricName, pods.selector), target: { type: 'AverageValue', averageValue: pods.targetAverageValue ?? ZERO } }
  if (resource) spec.resource = { name: resource.name, target: targetOf(resource) }
  if (containerResource) spec.containerResource = { name: containerResource.name, container: containerResource.container, target: targetOf(containerResource) }
  if (external) {
    const { targetValue: value, targetAverageValue: averageValue } = external
    spec.external = {
      metric: metricOf(external.metricName, external.metricSelector),
      target: { type: value === undefined ? 'AverageValue' : 'Value', value, averageValue },
    }
  }
  return spec
}

const targetOf = ({ targetAverageUtilization: averageUtilization, targetAverageValue: averageValue }: FlatSource): MetricTarget => ({
  type: averageUtilization === undefined ? 'AverageValue' : 'Utilization',
  averageValue,
  averageUtilization,
})

export function toFlatStatus({ type, object, pods, resource, containerResource, external }: MetricStatus): FlatMetricStatus {
  const flat: FlatMetricStatus = { type: type ?? '' }
  if (object) {
    const { current = {}, metric = {} } = object
    flat.object = {
      target: reference(object.describedObject),
      metricName: metric.name ?? '',
      currentValue: current.value ?? ZERO,
      selector: metric.selector,
      averageValue: current.averageValue,
    }
  }
  if (pods) flat.pods = { metricName: pods.metric?.name ?? '', currentAverageValue: pods.current?.averageValue ?? ZERO, selector: pods.metric?.selector }
  if (resource) flat.resource = { name: resource.name ?? '', ...flatCurrent(resource.current) }
  if (containerResource) flat.containerResource = { name: containerResource.name ?? '', ...flatCurrent(containerResource.current), container: containerResource.container ?? '' }
  if (external) {
    const { current = {}, metric = {} } = external
    flat.external = { metricName: metric.name ?? '', metricSelector: metric.selector, currentValue: current.value ?? ZERO, currentAverageValue: current.averageValue }
  }
  return flat
}

const flatCurrent = ({ averageUtilization, averageValue }: MetricValueStatus = {}): FlatStatus => ({
  currentAverageUtilization: averageUtilization,
  currentAverageValue: averageValue ?? ZERO,
})

export function fromFlatStatus({ type, object, pods, resource, containerResource, external }: FlatMetricStatus): MetricStatus {
  const status: MetricStatus = { type }
  if (object) {
    const { currentValue: value = ZERO, averageValue } = object
    status.object = { describedObject: { ...object.target }, metric: metricOf(object.metricName, object.selector), current: { value, averageValue } }
  }
  if (pods) status.pods = { metric: metricOf(pods.metricName, pods.selector), current: { averageValue: pods.currentAverageValue ?? ZERO } }
  if (resource) status.resource = { name: resource.name, current: currentOf(resource) }
  if (containerResource) status.containerResource = { name: containerResource.name, container: containerResource.container, current: currentOf(containerResource) }
  if (external) {
    const { currentValue: value = ZERO, currentAverageValue: averageValue } = external
    status.external = { metric: metricOf(external.metricName, external.metricSelector), current: { value, averageValue } }
  }
  return status
}

const currentOf = ({ currentAverageUtilization: averageUtilization, currentAverageValue: averageValue = ZERO }: FlatStatus): MetricValueStatus => ({ averageValue, averageUtilization })
