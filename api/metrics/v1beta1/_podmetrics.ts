/** metrics.k8s.io/v1beta1 PodMetrics, served where there are nodes: computed, never stored. Models sigs.k8s.io/metrics-server/pkg/api/pod.go. */
import type { Pod, PodMetrics } from '../../../schemas/types.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { sumOf, usageText } from '../../../src/registry/usage.ts'
import { quantityMilliValue, quantityValue } from '../../../src/apimachinery/quantity.ts'
import { nameColumn } from '../../_columns.ts'
import { containerUsage, measured, METRICS } from './_figures.ts'

function total({ containers = [] }: PodMetrics): Record<string, string> {
  return usageText(sumOf(containers.map(({ usage = {} }) => ({ milliCPU: quantityMilliValue(usage.cpu ?? '0'), memoryBytes: quantityValue(usage.memory ?? '0') }))))
}

export const podMetrics = defineKind<PodMetrics>({
  ...METRICS,
  kind: 'PodMetrics',
  plural: 'pods',
  singular: '',
  namespaced: true,
  verbs: ['get', 'list'],
  columns: [
    nameColumn,
    { name: 'cpu', value: (metrics) => total(metrics).cpu ?? '' },
    { name: 'memory', value: (metrics) => total(metrics).memory ?? '' },
    { name: 'Window', value: ({ window = '' }) => window },
  ],
  computed: (ctx) =>
    ctx.system.list<Pod>('v1/Pod').flatMap((pod) => {
      const containers = containerUsage(pod, ctx)
      const { name, namespace, labels } = pod.metadata
      const { timestamp, window } = measured(ctx)
      return containers.length === 0 ? [] : [{ metadata: { name, namespace, creationTimestamp: timestamp, ...(labels ? { labels } : {}) }, timestamp, window, containers: containers.map(({ name: of, usage }) => ({ name: of, usage: usageText(usage) })) }]
    }),
})
