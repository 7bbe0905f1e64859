/** Pods stay five minutes on nodes that fail. Models k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds. */
import type { Pod, Toleration } from '../../schemas/types.ts'
import type { AdmissionPlugin } from './chain.ts'

const SECONDS = 300
const KEYS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: 'DefaultTolerationSeconds',
  mutate({ kind, subresource, object }) {
    if (kind.ref !== 'v1/Pod' || subresource || !object) return
    const { spec } = object as Pod
    for (const key of KEYS) {
      if (!(spec.tolerations ?? []).some((t) => tolerates(t, key))) spec.tolerations = [...(spec.tolerations ?? []), { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: SECONDS }]
    }
  },
}

function tolerates({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === 'NoExecute')
}
