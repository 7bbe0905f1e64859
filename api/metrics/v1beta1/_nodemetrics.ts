/** metrics.k8s.io/v1beta1 NodeMetrics, served where there are nodes: computed, never stored. Models sigs.k8s.io/metrics-server/pkg/api/node.go. */
import type { Node, NodeMetrics, Pod } from '../../../schemas/types.ts'
import { defineKind } from '../../../src/registry/kind.ts'
import { NODE_OVERHEAD, sumOf, usageText, type Usage } from '../../../src/registry/usage.ts'
import { nameColumn } from '../../_columns.ts'
import { containerUsage, measured, METRICS } from './_figures.ts'

export const nodeMetrics = defineKind<NodeMetrics>({
  ...METRICS,
  kind: 'NodeMetrics',
  plural: 'nodes',
  singular: '',
  namespaced: false,
  verbs: ['get', 'list'],
  columns: [
    nameColumn,
    { name: 'cpu', value: ({ usage }) => usage?.cpu ?? '' },
    { name: 'memory', value: ({ usage }) => usage?.memory ?? '' },
    { name: 'Window', value: ({ window = '' }) => window },
  ],
  computed(ctx) {
    const used = new Map<string, Usage[]>()
    for (const pod of ctx.system.list<Pod>('v1/Pod')) {
      const node = pod.spec.nodeName ?? ''
      used.set(node, [...(used.get(node) ?? []), ...containerUsage(pod, ctx).map(({ usage }) => usage)])
    }
    const { timestamp, window } = measured(ctx)
    const isReady = ({ status }: Node) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')
    return ctx.system.list<Node>('v1/Node').filter(isReady).map(({ metadata: { name = '', labels } }) => ({
      metadata: { name, creationTimestamp: timestamp, ...(labels ? { labels } : {}) },
      timestamp,
      window,
      usage: usageText(sumOf([NODE_OVERHEAD, ...(used.get(name) ?? [])])),
    }))
  },
})
