/** A pod is resized only as far as its node can give. Models k8s.io/kubernetes/plugin/pkg/admission/podresize. */
import type { Node, Pod } from '../../schemas/types.ts'
import { compareQuantities, quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts'
import { podResources } from '../apimachinery/resource-list.ts'
import { quote, StatusError } from '../errors.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'
import { isFor } from './subject.ts'

const OS = 'kubernetes.io/os'

export const podResizeValidator: AdmissionPlugin = {
  name: 'PodResizeValidator',
  validate(attributes) {
    if (attributes.operation !== 'UPDATE' || !isFor(attributes, 'pods', '', 'resize')) return
    const pod = attributes.object as Pod
    const { nodeName } = pod.spec
    if (!nodeName || pod.metadata.generation === attributes.oldObject?.metadata.generation) return
    const node = attributes.ctx.system.get<Node>('v1/Node', '', nodeName)
    if (!node) throw refuse(attributes, `node ${quote(nodeName)} not found`)
    const os = node.metadata.labels?.[OS] ?? 'linux'
    if (os !== 'linux') throw refuseBecause(attributes, `pod resize is only supported on linux nodes, node ${quote(nodeName)} is ${quote(os)}`, 'UnsupportedPlatform')
    const lacking = lackingResources(pod, node.status?.allocatable ?? {})
    if (lacking.length > 0) throw refuseBecause(attributes, `node didn't have enough allocatable resources: ${lacking.join('; ')}`, 'NodeCapacity')
  },
}

function refuseBecause(attributes: AdmissionAttributes, why: string, reason: string): StatusError {
  const { code, message, details } = refuse(attributes, why)
  return new StatusError({ code, reason: 'Forbidden', message, details: { ...details, causes: [{ reason }] } })
}

function lackingResources(pod: Pod, { cpu = '0', memory = '0' }: Record<string, string>): string[] {
  const requests = podResources(pod, 'requests')
  const lacking: string[] = []
  const [wantedCpu = '0', wantedMemory = '0'] = [requests.cpu, requests.memory]
  if (compareQuantities(wantedCpu, cpu) > 0) lacking.push(`cpu, requested: ${quantityMilliValue(wantedCpu)}, allocatable: ${quantityMilliValue(cpu)}`)
  if (compareQuantities(wantedMemory, memory) > 0) lacking.push(`memory, requested: ${quantityValue(wantedMemory)}, allocatable: ${quantityValue(memory)}`)
  return lacking
}
