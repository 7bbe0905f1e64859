/** Pods keep others away from their node at most. Models k8s.io/kubernetes/plugin/pkg/admission/antiaffinity. */
import { forbidden } from '../errors.ts'
import type { AdmissionPlugin } from './chain.ts'
import { writtenPod } from './subject.ts'

const HOSTNAME = 'kubernetes.io/hostname'

export const limitPodHardAntiAffinityTopology: AdmissionPlugin = {
  name: 'LimitPodHardAntiAffinityTopology',
  validate(attributes) {
    const pod = writtenPod(attributes)
    for (const { topologyKey = '' } of pod?.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      if (topologyKey === HOSTNAME) continue
      const why = `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${topologyKey} but only key ${HOSTNAME} is allowed`
      throw forbidden(attributes.kind.groupResource, pod?.metadata.name ?? '', why)
    }
  },
}
