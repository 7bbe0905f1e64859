/**
 * What containers and nodes use: the figures behind metrics.k8s.io. Whoever runs containers may know better than the
 * guesses made here, which go by what containers ask for. Takes the place of the kubelets' summaries that metrics-server reads.
 */
import type { Container, Pod } from '../../schemas/types.ts'
import { quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts'

export interface Usage {
  /** In thousandths of a core. */
  milliCPU: number
  memoryBytes: number
}

/** undefined for a container about which nothing is known (yet). */
export type UsageSource = (pod: Pod, container: Container) => Usage | undefined

const MEBIBYTE = 1024 * 1024
/** Of a container that asks for nothing. */
const IDLE: Usage = { milliCPU: 1, memoryBytes: 16 * MEBIBYTE }
/** What a node's own processes use. */
export const NODE_OVERHEAD: Usage = { milliCPU: 50, memoryBytes: 300 * MEBIBYTE }

/** Half the processor time and all the memory that a container asked for. */
export const usageByRequests: UsageSource = (_pod, { resources }) => {
  const { cpu, memory } = resources?.requests ?? {}
  return {
    milliCPU: cpu === undefined ? IDLE.milliCPU : Math.max(1, Math.round(quantityMilliValue(cpu) / 2)),
    memoryBytes: memory === undefined ? IDLE.memoryBytes : quantityValue(memory),
  }
}

export const sumOf = (usages: readonly Usage[]): Usage => ({
  milliCPU: usages.reduce((sum, { milliCPU }) => sum + milliCPU, 0),
  memoryBytes: usages.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
})

/** As metrics-server writes it: processor time in billionths of a core. */
export const usageText = ({ milliCPU, memoryBytes }: Usage): Record<string, string> => ({
  cpu: milliCPU === 0 ? '0' : `${Math.round(milliCPU * 1e6)}n`,
  memory: `${Math.ceil(memoryBytes / 1024)}Ki`,
})
