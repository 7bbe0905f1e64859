/** Pods carry the zone and region of their node. Models k8s.io/kubernetes/plugin/pkg/admission/podtopologylabels. */
import type { Binding, Node, Pod } from '../../schemas/types.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { isFor } from './subject.ts'

const LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

export const podTopologyLabels: AdmissionPlugin = {
  name: 'PodTopologyLabels',
  mutate(attributes) {
    const { operation, object } = attributes
    if (operation !== 'CREATE' || !object) return
    if (isFor(attributes, 'pods')) copyLabels(object, (object as Pod).spec.nodeName, attributes)
    if (!isFor(attributes, 'pods', '', 'binding')) return
    const { target } = object as Binding
    if (target?.kind === 'Node') copyLabels(object, target.name, attributes)
  },
}

function copyLabels({ metadata }: KubeObject, nodeName: string | undefined, { ctx }: AdmissionAttributes): void {
  const labels = nodeName ? ctx.system.get<Node>('v1/Node', '', nodeName)?.metadata.labels : undefined
  for (const key of LABELS) if (labels?.[key] !== undefined) metadata.labels = { ...metadata.labels, [key]: labels[key] }
}
