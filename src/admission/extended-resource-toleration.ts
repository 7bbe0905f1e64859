/** Pods that ask for a device tolerate the taint of its nodes. Models k8s.io/kubernetes/plugin/pkg/admission/extendedresourcetoleration. */
import { isExtendedResource } from '../../api/core/v1/_resource-names.ts'
import { equalJSON } from '../apimachinery/json.ts'
import type { Pod, Toleration } from '../../schemas/types.ts'
import type { AdmissionPlugin } from './chain.ts'
import { writtenPod } from './subject.ts'

export const extendedResourceToleration: AdmissionPlugin = {
  name: 'ExtendedResourceToleration',
  mutate(attributes) {
    const pod = writtenPod(attributes)
    if (!pod) return
    const asked = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].flatMap((c) => Object.keys(c.resources?.requests ?? {}))
    for (const key of [...new Set(asked)].filter(isExtendedResource).sort()) addToleration(pod, { key, operator: 'Exists', effect: 'NoSchedule' })
  },
}

/** Instead of those that match the same taint, or at the end. */
function addToleration({ spec }: Pod, toleration: Toleration): void {
  const present = spec.tolerations ?? []
  const isSame = (t: Toleration) => (t.key ?? '') === toleration.key && (t.effect ?? '') === toleration.effect && (t.operator ?? '') === toleration.operator && (t.value ?? '') === ''
  if (present.some((t) => isSame(t) && equalJSON(t, toleration))) return
  spec.tolerations = present.some(isSame) ? present.map((t) => (isSame(t) ? toleration : t)) : [...present, toleration]
}
