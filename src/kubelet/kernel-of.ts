/** The kernel's view of a container: its node, its share, its parameters. Models pkg/kubelet/cm. */
import type { Container, Node, Pod } from '../../schemas/types.ts'
import { quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts'
import { oomScoreAdjust } from './oom-score.ts'
import { defaultKernel, normalSysctl, type Kernel, type Share } from './sandbox/kernel.ts'

export function kernelOf({ pod, node, container }: { pod: Pod; node: Node; container: Container }): Kernel {
  const { cpu, memory } = node.status?.capacity ?? {}
  const known = defaultKernel()
  const memoryBytes = memory === undefined ? known.memoryBytes : quantityValue(memory)
  const sysctls = new Map((pod.spec.securityContext?.sysctls ?? []).map(({ name = '', value = '' }) => [normalSysctl(name), value]))
  const { requests, limits } = container.resources ?? {}
  return { cpus: cpu === undefined ? known.cpus : Math.max(1, quantityValue(cpu)), memoryBytes, requests: shareOf(requests), limits: shareOf(limits), oomScoreAdj: oomScoreAdjust(pod, container, memoryBytes), sysctls }
}

export function shareOf({ cpu, memory }: Readonly<Record<string, string>> = {}): Share {
  return { ...(cpu === undefined ? {} : { millicores: quantityMilliValue(cpu) }), ...(memory === undefined ? {} : { bytes: quantityValue(memory) }) }
}
