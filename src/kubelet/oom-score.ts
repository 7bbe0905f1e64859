/** How soon the kernel would kill a container when memory runs out. Models pkg/kubelet/qos/policy.go. */
import type { Container, Pod } from '../../schemas/types.ts'
import { quantityValue } from '../apimachinery/quantity.ts'
import { podResources } from '../apimachinery/resource-list.ts'

const GUARANTEED = -997
const BEST_EFFORT = 1000

export function oomScoreAdjust({ spec, status, metadata }: Pod, container: Container, memoryCapacity: number): number {
  const priority = spec.priority ?? 0
  if (priority >= 2_000_001_000 || status?.qosClass === 'Guaranteed') return GUARANTEED
  if (status?.qosClass === 'BestEffort' || memoryCapacity <= 0) return BEST_EFFORT
  const memory = ({ resources }: Container) => quantityValue(resources?.requests?.memory ?? '0')
  const containers = spec.containers ?? []
  const sidecars = (spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')
  const all = [...containers, ...sidecars]
  const ofPod = spec.resources?.requests ? quantityValue(podResources({ metadata, spec }, 'requests').memory ?? '0') : 0
  const extra = ofPod > 0 ? Math.trunc(Math.max(0, ofPod - all.reduce((sum, c) => sum + memory(c), 0)) / all.length) : 0
  const score = (bytes: number) => 1000 - Math.trunc((1000 * (bytes + extra)) / memoryCapacity)
  let adjust = score(memory(container))
  if (sidecars.includes(container)) adjust = Math.min(adjust, score(Math.min(...containers.map(memory))))
  if (adjust < 1000 + GUARANTEED) return 1000 + GUARANTEED
  return adjust === BEST_EFFORT ? adjust - 1 : adjust
}
