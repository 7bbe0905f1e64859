/** What a pod may read of itself, as variables and as files. Models pkg/fieldpath and pkg/api/v1/resource. */
import type { Container, Node, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../../schemas/types.ts'
import { parseQuantity, quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts'

export interface Itself {
  pod: Pod
  node: Node
  /** The first one first. */
  podIPs: readonly string[]
  hostIPs: readonly string[]
}

export function fieldValue({ fieldPath = '' }: ObjectFieldSelector, { pod, podIPs, hostIPs }: Itself): string {
  const { metadata, spec } = pod
  const [, map, key = ''] = /^metadata\.(annotations|labels)\['(.*)'\]$/.exec(fieldPath) ?? []
  if (map === 'annotations' || map === 'labels') return metadata[map]?.[key] ?? ''
  switch (fieldPath) {
    case 'metadata.annotations':
      return formatMap(metadata.annotations)
    case 'metadata.labels':
      return formatMap(metadata.labels)
    case 'metadata.name':
      return metadata.name ?? ''
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid ?? ''
    case 'spec.nodeName':
      return spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return hostIPs[0] ?? ''
    case 'status.hostIPs':
      return hostIPs.join(',')
    case 'status.podIP':
      return podIPs[0] ?? ''
    case 'status.podIPs':
      return podIPs.join(',')
    default:
      return ''
  }
}

/** Keys in order, values quoted as Go does. */
function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n')
}

/** A request or limit in units of the divisor, rounded up; a limit that is not set is its pod's, or what the node has. */
export function resourceValue({ resource = '', containerName, divisor }: ResourceFieldSelector, { pod, node }: Itself, own?: Container): string {
  const all = [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])]
  const container = containerName ? all.find((c) => c.name === containerName) : own
  const [kind = '', name = ''] = resource.split(/\.(.*)/)
  const ofPod = name === 'ephemeral-storage' ? undefined : pod.spec.resources?.limits?.[name]
  const limit = container?.resources?.limits?.[name] ?? ofPod ?? node.status?.allocatable?.[name]
  const amount = kind === 'limits' ? limit : (container?.resources?.requests?.[name] ?? '0')
  return inUnits(amount ?? '0', name, divisor)
}

function inUnits(amount: string, name: string, divisor: string | undefined): string {
  const unit = !divisor || divisor === '0' ? '1' : divisor
  if (name !== 'cpu') return String(Math.ceil(quantityValue(parseQuantity(amount)) / quantityValue(parseQuantity(unit))))
  return String(Math.ceil(quantityMilliValue(parseQuantity(amount)) / quantityMilliValue(parseQuantity(unit))))
}
