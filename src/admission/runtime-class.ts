/** A pod takes its overhead and where it may run from its runtime class. Models k8s.io/kubernetes/plugin/pkg/admission/runtimeclass. */
import type { Pod, RuntimeClass } from '../../schemas/types.ts'
import { compareQuantities } from '../apimachinery/quantity.ts'
import { quote, StatusError } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { newPod } from './subject.ts'
import { mergeTolerations } from './tolerations.ts'

type Quantities = Readonly<Record<string, string>>

const UNFOUNDED = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'
const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

export const runtimeClassAdmission: AdmissionPlugin = {
  name: 'RuntimeClass',
  mutate(attributes) {
    const pod = newPod(attributes)
    const runtimeClass = pod && classOf(pod, attributes)
    // An empty one is gone from the object that is validated.
    if (pod?.spec.overhead && Object.keys(pod.spec.overhead).length === 0 && !runtimeClass?.overhead) throw refuse(attributes, UNFOUNDED)
    if (!pod || !runtimeClass) return
    setOverhead(pod, runtimeClass, attributes)
    setScheduling(pod, runtimeClass, attributes)
  },
  validate(attributes) {
    const pod = newPod(attributes)
    if (!pod) return
    const overhead = classOf(pod, attributes)?.overhead
    if (overhead && !sameQuantities(overhead.podFixed, pod.spec.overhead)) throw refuse(attributes, MISMATCH)
    if (!overhead && pod.spec.overhead) throw refuse(attributes, UNFOUNDED)
  },
}

function classOf({ spec: { runtimeClassName } }: Pod, attributes: AdmissionAttributes): RuntimeClass | undefined {
  if (runtimeClassName === undefined) return undefined
  if (runtimeClassName === '') throw new StatusError({ code: 500, message: 'resource name may not be empty' })
  const found = attributes.ctx.system.get<RuntimeClass>('node.k8s.io/v1/RuntimeClass', '', runtimeClassName)
  if (!found) throw refuse(attributes, `pod rejected: RuntimeClass ${quote(runtimeClassName)} not found`)
  return found
}

function setOverhead({ spec }: Pod, { overhead }: RuntimeClass, attributes: AdmissionAttributes): void {
  if (!overhead) return
  if (spec.overhead && Object.keys(spec.overhead).length > 0 && !sameQuantities(overhead.podFixed, spec.overhead)) throw refuse(attributes, MISMATCH)
  spec.overhead = overhead.podFixed && { ...overhead.podFixed }
}

function setScheduling({ spec }: Pod, { scheduling }: RuntimeClass, attributes: AdmissionAttributes): void {
  if (!scheduling) return
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const present = spec.nodeSelector?.[key]
    if (present !== undefined && present !== value) {
      throw refuse(attributes, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${present}`)
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value }
  }
  spec.tolerations = mergeTolerations(spec.tolerations ?? [], scheduling.tolerations ?? [])
}

function sameQuantities(a: Quantities = {}, b: Quantities = {}): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => b[name] !== undefined && compareQuantities(a[name] ?? '0', b[name]) === 0)
}
