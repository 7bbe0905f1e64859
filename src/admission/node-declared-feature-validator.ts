/** A pod is changed only in ways its node says it can follow. Models k8s.io/kubernetes/plugin/pkg/admission/nodedeclaredfeatures. */
import type { Node, Pod } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { quote } from '../errors.ts'
import type { AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { isFor } from './subject.ts'

/** Whether a change needs the feature; in upstream's order. */
const FEATURES: readonly { name: string; isNeeded(pod: Pod, old: Pod): boolean }[] = [
  { name: 'InPlacePodLevelResourcesVerticalScaling', isNeeded: (pod, old) => !equalJSON(pod.spec.resources, old.spec.resources) },
  { name: 'InPlacePodVerticalScalingInitContainers', isNeeded: resizesInitContainers },
]

export const nodeDeclaredFeatureValidator: AdmissionPlugin = {
  name: 'NodeDeclaredFeatureValidator',
  validate(attributes) {
    const { operation, object, oldObject, ctx } = attributes
    if (operation !== 'UPDATE' || !(isFor(attributes, 'pods') || isFor(attributes, 'pods', '', 'resize')) || !object || !oldObject) return
    const pod = object as Pod
    const { nodeName } = pod.spec
    if (!nodeName || pod.metadata.generation === oldObject.metadata.generation) return
    const needed = FEATURES.filter(({ isNeeded }) => isNeeded(pod, oldObject as Pod)).map(({ name }) => name)
    if (needed.length === 0) return
    const node = ctx.system.get<Node>('v1/Node', '', nodeName)
    if (!node) throw refuse(attributes, `node ${quote(nodeName)} not found`)
    const missing = needed.filter((name) => !node.status?.declaredFeatures?.includes(name))
    if (missing.length > 0) throw refuse(attributes, `pod update requires features ${missing.join(', ')} which are not available on node ${quote(nodeName)}`)
  },
}

function resizesInitContainers({ spec }: Pod, { spec: old }: Pod): boolean {
  return (old.initContainers ?? []).some((c, i) => c.restartPolicy !== 'Always' && !equalJSON(c.resources, spec.initContainers?.[i]?.resources))
}
