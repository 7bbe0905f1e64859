/**
 * The order in which endpoints list their ports: by a hash of the Go value of each. It looks random, but it is the same in
 * every cluster, so it is part of what clients see. Models portsByHash of k8s.io/kubernetes/pkg/api/v1/endpoints and
 * portsInOrder of k8s.io/endpointslice/util.
 */
import type { DiscoveryV1EndpointPort, EndpointPort } from '../schemas/types.ts'

const OFFSET = 0x6c62272e07bb014262b821756295c58dn
const PRIME = 0x0000000001000000000000000000013bn
const MASK = (1n << 128n) - 1n

export function fnv128a(text: string): bigint {
  let hash = OFFSET
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * PRIME) & MASK
  return hash
}

const pointer = (type: string, value: string | number | undefined) => `(*${type})${value ?? '<nil>'}`

/** The value as Go's spew prints it. */
function endpointPortText({ name = '', port = 0, protocol = '', appProtocol }: EndpointPort): string {
  return `(v1.EndpointPort){Name:(string)${name} Port:(int32)${port} Protocol:(v1.Protocol)${protocol} AppProtocol:${pointer('string', appProtocol)}}`
}

function slicePortText({ name, port, protocol, appProtocol }: DiscoveryV1EndpointPort): string {
  return `(v1.EndpointPort){Name:${pointer('string', name)} Protocol:${pointer('v1.Protocol', protocol)} Port:${pointer('int32', port)} AppProtocol:${pointer('string', appProtocol)}}`
}

function byHash<P>(ports: readonly P[], textOf: (port: P) => string): P[] {
  if (ports.length < 2) return [...ports]
  const hashed = ports.map((port) => ({ port, hash: fnv128a(textOf(port)) }))
  return hashed.sort((a, b) => (a.hash < b.hash ? -1 : a.hash > b.hash ? 1 : 0)).map(({ port }) => port)
}

export function sortEndpointPorts(ports: readonly EndpointPort[]): EndpointPort[] {
  return byHash(ports, endpointPortText)
}

export function sortSlicePorts(ports: readonly DiscoveryV1EndpointPort[]): DiscoveryV1EndpointPort[] {
  return byHash(ports, slicePortText)
}

/** Equal for equal ports in whatever order. */
export function portKey(ports: readonly DiscoveryV1EndpointPort[] | undefined): string {
  return (ports ?? [])
    .map((p) => JSON.stringify([p.name ?? '', p.protocol, p.port, p.appProtocol]))
    .sort()
    .join()
}
