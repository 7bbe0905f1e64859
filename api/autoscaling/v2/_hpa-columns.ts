/** The columns of a HorizontalPodAutoscaler, in both versions. Models formatHPAMetrics of k8s.io/kubernetes/pkg/printers/internalversion. */
import type { Column } from '../../../src/registry/kind.ts'
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'

const SHOWN = 2
const UNKNOWN = '<unknown>'
/** How Go prints a quantity that there is none of. */
const NIL = '<nil>'

/** "current/target" of a value or of an average over pods. */
function valueText(target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${current?.averageValue ?? UNKNOWN}/${target.averageValue} (avg)`
  return `${current ? (current.value ?? NIL) : UNKNOWN}/${target.value ?? NIL}`
}

function resourceText(name: string | undefined, target: MetricTarget, current: MetricValueStatus | undefined): string {
  if (target.averageValue !== undefined) return `${name}: ${current ? (current.averageValue ?? NIL) : UNKNOWN}/${target.averageValue}`
  const percent = (n: number | undefined, none: string): string => (n === undefined ? none : `${n}%`)
  return `${name}: ${percent(current?.averageUtilization, UNKNOWN)}/${percent(target.averageUtilization, '<auto>')}`
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'External':
      return valueText(spec.external?.target ?? {}, status?.external && (status.external.current ?? {}))
    case 'Object':
      return valueText(spec.object?.target ?? {}, status?.object && (status.object.current ?? {}))
    case 'Pods':
      return `${status?.pods ? (status.pods.current?.averageValue ?? NIL) : UNKNOWN}/${spec.pods?.target?.averageValue ?? NIL}`
    case 'Resource':
      return resourceText(spec.resource?.name, spec.resource?.target ?? {}, status?.resource && (status.resource.current ?? {}))
    case 'ContainerResource':
      return resourceText(spec.containerResource?.name, spec.containerResource?.target ?? {}, status?.containerResource && (status.containerResource.current ?? {}))
    default:
      return '<unknown type>'
  }
}

function targetsText({ spec, status }: HorizontalPodAutoscaler): string {
  const metrics = spec.metrics ?? []
  if (metrics.length === 0) return '<none>'
  const texts = metrics.map((metric, i) => metricText(metric, status?.currentMetrics?.[i]))
  const shown = texts.slice(0, SHOWN).join(', ')
  return texts.length > SHOWN ? `${shown} + ${texts.length - SHOWN} more...` : shown
}

export const autoscalerColumns: Column<HorizontalPodAutoscaler>[] = [
  nameColumn,
  { name: 'Reference', value: ({ spec }) => `${spec.scaleTargetRef?.kind ?? ''}/${spec.scaleTargetRef?.name ?? ''}` },
  { name: 'Targets', value: targetsText },
  { name: 'MinPods', value: ({ spec }) => (spec.minReplicas === undefined ? '<unset>' : String(spec.minReplicas)) },
  { name: 'MaxPods', value: ({ spec }) => spec.maxReplicas ?? 0 },
  { name: 'Replicas', value: ({ status }) => status?.currentReplicas ?? 0 },
  ageColumn,
]
