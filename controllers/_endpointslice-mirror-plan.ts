/**
 * The slices that say what an Endpoints object of somebody's own says: one for each set of ports and family.
 * Pure; models reconciler.go of k8s.io/kubernetes/pkg/controller/endpointslicemirroring.
 */
import type { DiscoveryV1EndpointPort, Endpoint, EndpointAddress, EndpointSlice, EndpointSubset, Endpoints } from '../schemas/types.ts'
import { formatIP, isIPv4, parseIP } from '../src/apimachinery/ip-address.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { controllerRef } from '../src/controller/owners.ts'
import { portKey, sortSlicePorts } from './_endpoint-ports.ts'
import { SubsetPacker } from './_endpoint-subsets.ts'
import { MANAGED_BY, SERVICE_NAME } from './_endpointslice-plan.ts'

export const MIRROR = 'endpointslicemirroring-controller.k8s.io'
export const MAX_PER_SUBSET = 1000
const NOT_MIRRORED = ['endpoints.kubernetes.io/last-change-trigger-time', 'kubectl.kubernetes.io/last-applied-configuration']

export interface MirrorPlan {
  create: EndpointSlice[]
  update: EndpointSlice[]
  delete: EndpointSlice[]
  /** Addresses that are no IP, and all that were left out. */
  invalid: number
  skipped: number
}

interface Group {
  type: string
  ports: DiscoveryV1EndpointPort[]
  endpoints: Endpoint[]
}

export function plan(endpoints: Endpoints, existing: readonly EndpointSlice[]): MirrorPlan {
  const out: MirrorPlan = { create: [], update: [], delete: [], invalid: 0, skipped: 0 }
  const groups = groupsOf(endpoints, out)
  const byGroup = new Map<string, EndpointSlice[]>()
  for (const slice of existing) {
    const key = `${slice.addressType} ${portKey(slice.ports)}`
    byGroup.set(key, [...(byGroup.get(key) ?? []), slice])
  }
  for (const [key, group] of groups) {
    const [first, ...others] = byGroup.get(key) ?? []
    byGroup.delete(key)
    if (group.endpoints.length === 0) {
      out.delete.push(...(first ? [first] : []), ...others)
      continue
    }
    out.delete.push(...others)
    const wanted = sliceOf(endpoints, group, first?.metadata.name)
    if (!first) out.create.push(wanted)
    else if (!says(first, wanted)) out.update.push(wanted)
  }
  for (const slices of byGroup.values()) out.delete.push(...slices)
  reuse(out)
  return out
}

function groupsOf(endpoints: Endpoints, counts: MirrorPlan): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of repacked(endpoints.subsets ?? [])) {
    const slicePorts = sortSlicePorts(ports.map(({ name = '', port, protocol, appProtocol }) => ({ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) })))
    const groupOf = (type: string) => {
      const key = `${type} ${portKey(slicePorts)}`
      const there = groups.get(key) ?? { type, ports: slicePorts, endpoints: [] }
      groups.set(key, there)
      return there
    }
    const families = { IPv4: groupOf('IPv4'), IPv6: groupOf('IPv6') }
    let added = 0
    for (const [list, ready] of [[addresses, true], [notReadyAddresses, false]] as const)
      for (const address of list) {
        if (added >= MAX_PER_SUBSET) break
        const ip = parseIP(address.ip ?? '')
        if (!ip) counts.invalid++
        else {
          families[isIPv4(ip) ? 'IPv4' : 'IPv6'].endpoints.push(endpointOf(address, formatIP(ip), ready))
          added++
        }
      }
    counts.skipped += addresses.length + notReadyAddresses.length - added
  }
  return groups
}

function repacked(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const packer = new SubsetPacker()
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets)
    for (const port of ports.length > 0 ? ports : [undefined]) {
      for (const address of addresses) packer.add(port, { address, ready: true })
      for (const address of notReadyAddresses) packer.add(port, { address, ready: false })
    }
  return packer.subsets()
}

function endpointOf({ hostname, nodeName, targetRef }: EndpointAddress, ip: string, ready: boolean): Endpoint {
  return { addresses: [ip], conditions: { ready }, ...(hostname ? { hostname } : {}), ...(targetRef ? { targetRef } : {}), ...(nodeName === undefined ? {} : { nodeName }) }
}

function sliceOf(endpoints: Endpoints, group: Group, name: string | undefined): EndpointSlice {
  const { metadata } = endpoints
  const annotations = Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([key]) => !NOT_MIRRORED.includes(key)))
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      ...(name ? { name } : { generateName: `${metadata.name}-` }),
      namespace: metadata.namespace,
      labels: { ...metadata.labels, [SERVICE_NAME]: metadata.name ?? '', [MANAGED_BY]: MIRROR },
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ownerReferences: [controllerRef(endpoints, 'v1/Endpoints')],
    },
    addressType: group.type,
    endpoints: group.endpoints.slice(0, MAX_PER_SUBSET),
    ports: group.ports,
  }
}

/** Whether the slice says already what is wanted; the order of endpoints does not matter. */
function says(slice: EndpointSlice, wanted: EndpointSlice): boolean {
  const sorted = (list: readonly Endpoint[] = []) => [...list].sort((a, b) => (JSON.stringify(a.addresses) < JSON.stringify(b.addresses) ? -1 : 1))
  const { labels, annotations, ownerReferences } = slice.metadata
  return (
    semanticEqual(labels, wanted.metadata.labels) &&
    semanticEqual(annotations ?? {}, wanted.metadata.annotations ?? {}) &&
    ownerReferences?.[0]?.uid === wanted.metadata.ownerReferences?.[0]?.uid &&
    semanticEqual(sorted(slice.endpoints), sorted(wanted.endpoints))
  )
}

/** Turns a deletion and a creation of the same family into one update. */
function reuse(out: MirrorPlan): void {
  out.create = out.create.filter((fresh) => {
    const at = out.delete.findIndex((old) => old.addressType === fresh.addressType)
    if (at < 0) return true
    const [old] = out.delete.splice(at, 1)
    const { generateName: _, ...metadata } = fresh.metadata
    out.update.push({ ...fresh, metadata: { ...metadata, name: old?.metadata.name } })
    return false
  })
}
