/** autoscaling/v2 HorizontalPodAutoscaler. Models k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler and pkg/apis/autoscaling/v2/defaults.go. */
import { validateNonnegativeField } from '../../../src/apimachinery/validate-meta.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import type { HorizontalPodAutoscaler, HPAScalingRules } from '../../../schemas/types.ts'
import { autoscalerColumns } from './_hpa-columns.ts'
import { validateAutoscaler } from './_hpa-validation.ts'
import { dropRoundTripAnnotations } from './_round-trip-annotations.ts'

const DEFAULT_CPU_PERCENT = 80
const PERIOD_SECONDS = 15

/** Without metrics, pods are kept at this use of their CPU. */
export const defaultMetric = () => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: DEFAULT_CPU_PERCENT } } })

const byPercent = { type: 'Percent', value: 100, periodSeconds: PERIOD_SECONDS }
const SCALE_UP = (): HPAScalingRules => ({ stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: PERIOD_SECONDS }, { ...byPercent }] })
const SCALE_DOWN = (): HPAScalingRules => ({ selectPolicy: 'Max', policies: [{ ...byPercent }] })

export default defineKind<HorizontalPodAutoscaler>({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  versionPriority: 2,
  subresources: {
    status: {
      validateUpdate: ({ status = {} }) => [
        ...validateNonnegativeField(status.currentReplicas ?? 0, 'status.currentReplicas'),
        ...validateNonnegativeField(status.desiredReplicas ?? 0, 'status.desiredReplicas'),
      ],
    },
  },
  columns: autoscalerColumns,
  default({ metadata, spec }) {
    dropRoundTripAnnotations(metadata)
    if (!spec) return
    spec.minReplicas ??= 1
    if (!spec.metrics?.length) spec.metrics = [defaultMetric()]
    if (spec.behavior) spec.behavior = { scaleUp: { ...SCALE_UP(), ...spec.behavior.scaleUp }, scaleDown: { ...SCALE_DOWN(), ...spec.behavior.scaleDown } }
  },
  validate: (autoscaler) => validateAutoscaler(autoscaler),
  validateUpdate: (autoscaler, old) => validateAutoscaler(autoscaler, old),
})
