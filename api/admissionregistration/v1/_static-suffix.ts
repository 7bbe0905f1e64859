/** Names kept for configurations that come from files. Models k8s.io/kubernetes/pkg/apis/admissionregistration/validation/static_suffix.go. */
import type { KubeObject } from '../../../src/registry/kind.ts'

const SUFFIX = '.static.k8s.io'

export function staticSuffixWarnings(object: KubeObject): string[] {
  if (!object.metadata.name?.endsWith(SUFFIX)) return []
  return [`metadata.name: names ending with "${SUFFIX}" are reserved for static manifest-based configurations and cannot be managed via the API`]
}
