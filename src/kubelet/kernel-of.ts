/** The kernel's view of a container: its node, its share, its parameters. Models pkg/kubelet/cm and pkg/kubelet/qos. */
import type { Container, Node, Pod } from '../../schemas/types.ts'
import { quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts'
import { defaultKernel, type Kernel, type Share } from './sandbox/kernel.ts'

const GUARANTEED = -997
const BEST_EFFORT = 1000

export function kernelOf({ pod, node, container }: { pod: Pod; node: Node; container: Container }): Kernel {
  const { cpu, memory } = node.status?.capacity ?? {}
  const known = defaultKernel()
  const memoryBytes = memory === undefined ? known.memoryBytes : quantityValue(memory)
  const sysctls = new Map((pod.spec.securityContext?.sysctls ?? []).map(({ name = '', value = '' }) => [name.replace(/\//g, '.'), value]))
  const { requests, limits } = container.resources ?? {}
  return { cpus: cpu === undefined ? known.cpus : Math.max(1, quantityValue(cpu)), memoryBytes, requests: shareOf(requests), limits: shareOf(limits), oomScoreAdj: oomScoreAdjOf(pod, container, memoryBytes), sysctls }
}

export function shareOf({ cpu, memory }: Readonly<Record<string, string>> = {}): Share {
  return { ...(cpu === undefined ? {} : { millicores: quantityMilliValue(cpu) }), ...(memory === undefined ? {} : { bytes: quantityValue(memory) }) }
}

/** Who asked for much memory is ended last. */
export function oomScoreAdjOf({ spec, status }: Pod, { resources }: Container, capacityBytes: number): number {
  if (spec.priorityClassName === 'system-node-critical' || status?.qosClass === 'Guaranteed') return GUARANTEED
  if (status?.qosClass === 'BestEffort') return BEST_EFFORT
  const requested = quantityValue(resources?.requests?.memory ?? '0')
  const score = 1000 - Math.floor((1000 * requested) / capacityBytes)
  return Math.min(BEST_EFFORT - 1, Math.max(1000 + GUARANTEED, score))
}
