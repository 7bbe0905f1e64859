/** New nodes take no pods until they are ready. Models k8s.io/kubernetes/plugin/pkg/admission/nodetaint. */
import type { Node } from '../../schemas/types.ts'
import type { AdmissionPlugin } from './chain.ts'

const NOT_READY = 'node.kubernetes.io/not-ready'

export const taintNodesByCondition: AdmissionPlugin = {
  name: 'TaintNodesByCondition',
  mutate({ operation, kind, subresource, object }) {
    if (operation !== 'CREATE' || kind.ref !== 'v1/Node' || subresource || !object) return
    const { spec } = object as Node
    if (spec.taints?.some((t) => t.key === NOT_READY && t.effect === 'NoSchedule')) return
    spec.taints = [...(spec.taints ?? []), { key: NOT_READY, effect: 'NoSchedule' }]
  },
}
