/** autoscaling/v1 HorizontalPodAutoscaler, stored as v2. Models k8s.io/kubernetes/pkg/apis/autoscaling/v1. */
import { decodeObject } from '../../../src/apimachinery/decode.ts'
import { isRecord } from '../../../src/apimachinery/json.ts'
import { ParseError } from '../../../src/apimachinery/parse-error.ts'
import { goJSON } from '../../../src/errors.ts'
import { defineKind, type Column } from '../../../src/registry/kind.ts'
import { originOf } from '../../../src/registry/scheme.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerV1, MetricSpec, MetricStatus } from '../../../schemas/types.ts'
import { internalJSON } from '../../_internal-json.ts'
import { autoscalerColumns } from '../v2/_hpa-columns.ts'
import { BEHAVIOR, CONDITIONS, CURRENT_METRICS, dropRoundTripAnnotations, METRICS, ROUND_TRIP_ANNOTATIONS } from '../v2/_round-trip-annotations.ts'
import { defaultMetric } from '../v2/horizontalpodautoscaler.ts'
import { fromFlatSpec, fromFlatStatus, toFlatSpec, toFlatStatus, type FlatMetricSpec, type FlatMetricStatus } from './_metrics-conversion.ts'

const V2 = 'io.k8s.api.autoscaling.v2'
const isCPU = ({ type, resource }: MetricSpec | MetricStatus): boolean => type === 'Resource' && resource?.name === 'cpu'
const isCPUUse = (metric: MetricSpec): boolean => isCPU(metric) && metric.resource?.target?.averageUtilization !== undefined

/** The list in an annotation, in the form of v2; what does not fit is as if it were not there. */
function parsedList<T, Flat>(text: string | undefined, type: string, convert: (item: Flat) => unknown): T[] | undefined {
  const value = parsed(text)
  if (!Array.isArray(value) || !value.every(isRecord)) return undefined
  const items = value.map((item) => fitting<T>(type, convert(item as Flat)))
  return items.every((item) => item !== undefined) ? items : undefined
}

function fitting<T>(type: string, value: unknown): T | undefined {
  try {
    return decodeObject(`${V2}.${type}`, value).object as T
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The behavior is written with Go's field names and read whatever their case. Nothing in it lies deeper than `depth`. */
function lowerFirst(value: unknown, depth = 6): unknown {
  if (depth === 0) return value
  if (Array.isArray(value)) return value.map((item) => lowerFirst(item, depth - 1))
  if (!isRecord(value)) return value ?? undefined
  return Object.fromEntries(Object.entries(value).flatMap(([key, v]) => (v === null ? [] : [[key.charAt(0).toLowerCase() + key.slice(1), lowerFirst(v, depth - 1)]])))
}

function parsedBehavior(text: string | undefined): HorizontalPodAutoscalerBehavior | undefined {
  const value = lowerFirst(parsed(text))
  const behavior = isRecord(value) ? fitting<HorizontalPodAutoscalerBehavior>('HorizontalPodAutoscalerBehavior', value) : undefined
  return behavior?.scaleUp || behavior?.scaleDown ? behavior : undefined
}

function toStorage({ metadata, spec, status, ...rest }: HorizontalPodAutoscalerV1): HorizontalPodAutoscaler {
  const { annotations = {} } = metadata
  const { targetCPUUtilizationPercentage: cpu, ...sameSpec } = spec
  const cpuMetric = defaultMetric()
  if (cpu !== undefined) cpuMetric.resource.target.averageUtilization = cpu
  const others = parsedList<MetricSpec, FlatMetricSpec>(annotations[METRICS], 'MetricSpec', fromFlatSpec) ?? []
  const metrics = cpu === undefined && others.length > 0 ? others : [...others, cpuMetric]
  const behavior = parsedBehavior(annotations[BEHAVIOR])
  const stored: HorizontalPodAutoscaler = { ...rest, metadata: { ...metadata }, spec: { ...sameSpec, metrics, ...(behavior ? { behavior } : {}) } }
  dropRoundTripAnnotations(stored.metadata)
  if (status) stored.status = statusToStorage(status, annotations)
  return stored
}

function statusToStorage(status: NonNullable<HorizontalPodAutoscalerV1['status']>, annotations: Record<string, string>): HorizontalPodAutoscaler['status'] {
  const { currentCPUUtilizationPercentage: cpu, ...same } = status
  const ofCPU = cpu === undefined ? undefined : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: cpu } } }]
  const currentMetrics = parsedList<MetricStatus, FlatMetricStatus>(annotations[CURRENT_METRICS], 'MetricStatus', fromFlatStatus) ?? ofCPU
  const conditions = parsedList<HorizontalPodAutoscalerCondition, object>(annotations[CONDITIONS], 'HorizontalPodAutoscalerCondition', (condition) => condition)
  return { ...same, ...(currentMetrics ? { currentMetrics } : {}), ...(conditions ? { conditions } : {}) }
}

/** A condition as Go writes it. */
function printedCondition({ type = '', status = '', lastTransitionTime = undefined, reason, message }: HorizontalPodAutoscalerCondition) {
  return { type, status, lastTransitionTime: lastTransitionTime ?? null, reason: reason || undefined, message: message || undefined }
}

function fromStorage(stored: HorizontalPodAutoscaler): HorizontalPodAutoscalerV1 {
  const { metadata, spec, status, ...rest } = stored
  const { metrics = [], behavior, ...sameSpec } = spec
  const cpu = metrics.find(isCPUUse)?.resource?.target?.averageUtilization
  const result: HorizontalPodAutoscalerV1 = { ...rest, metadata: { ...metadata }, spec: { ...sameSpec, ...(cpu === undefined ? {} : { targetCPUUtilizationPercentage: cpu }) } }
  dropRoundTripAnnotations(result.metadata)
  const others = metrics.filter((metric) => !isCPUUse(metric))
  const carried: Record<string, string> = {}
  if (others.length > 0) carried[METRICS] = goJSON(others.map(toFlatSpec))
  if (status?.currentMetrics?.length) carried[CURRENT_METRICS] = goJSON(status.currentMetrics.map(toFlatStatus))
  if (behavior) carried[BEHAVIOR] = goJSON(internalJSON(`${V2}.HorizontalPodAutoscalerBehavior`, behavior))
  if (status?.conditions?.length) carried[CONDITIONS] = goJSON(status.conditions.map(printedCondition))
  if (Object.keys(carried).length > 0) result.metadata.annotations = { ...result.metadata.annotations, ...carried }
  if (status) result.status = statusFromStorage(status)
  return result
}

function statusFromStorage(status: NonNullable<HorizontalPodAutoscaler['status']>): HorizontalPodAutoscalerV1['status'] {
  const { currentMetrics, conditions: _, ...same } = status
  const uses = (currentMetrics ?? []).flatMap((metric) => (isCPU(metric) ? [metric.resource?.current?.averageUtilization] : [])).filter((use) => use !== undefined)
  const cpu = uses.at(-1)
  // v1 writes the counts even when they are 0.
  const counts = { currentReplicas: same.currentReplicas ?? 0, desiredReplicas: same.desiredReplicas ?? 0 }
  return { ...same, ...counts, ...(cpu === undefined ? {} : { currentCPUUtilizationPercentage: cpu }) }
}

export default defineKind<HorizontalPodAutoscalerV1>({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  hiddenAnnotations: ROUND_TRIP_ANNOTATIONS,
  versionPriority: 1,
  storedAs: { group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler', toStorage, fromStorage: (object) => fromStorage(object as HorizontalPodAutoscaler) },
  subresources: { status: true },
  columns: autoscalerColumns.map((column): Column<HorizontalPodAutoscalerV1> => ({ ...column, value: (hpa, ctx) => column.value((originOf(hpa) as HorizontalPodAutoscaler | undefined) ?? toStorage(hpa), ctx) })),
  default({ spec }) {
    if (spec) spec.minReplicas ??= 1
  },
})
