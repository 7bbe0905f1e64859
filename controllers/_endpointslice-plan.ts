/**
 * Spreads the endpoints of a Service over slices of at most 100, touching as few existing ones as it can.
 * Pure; models k8s.io/endpointslice/reconciler.go.
 */
import type { DiscoveryV1EndpointPort, Endpoint, EndpointSlice, Node, Pod, Service } from '../schemas/types.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { controllerRef } from '../src/controller/owners.ts'
import { isPodReady } from '../src/controller/pods.ts'
import { HEADLESS_LABEL, findPort, hostnameIn, isHeadless, isIPv6, shouldBeInEndpoints } from './_endpoint-pods.ts'
import { portKey, sortSlicePorts } from './_endpoint-ports.ts'
import { wantsZoneHints, withZoneHints, withoutHints, type SliceChanges, type ZoneCounts, type ZoneRatios } from './_endpointslice-topology.ts'

export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
export const SERVICE_NAME = 'kubernetes.io/service-name'
export const MANAGER = 'endpointslice-controller.k8s.io'
const RESERVED = new Set([MANAGED_BY, SERVICE_NAME, HEADLESS_LABEL])
const MAX_ENDPOINTS = 100

export interface SlicePlan {
  create: EndpointSlice[]
  update: EndpointSlice[]
  delete: EndpointSlice[]
  /** Pods left out because their node is unknown; to be tried again. */
  problems: string[]
  /** What is to be told of hints for zones. */
  notes: { type: 'Normal' | 'Warning'; reason: string; message: string }[]
  /** How many endpoints are meant for each zone, by address type, where that was decided. */
  zones: Map<string, ZoneCounts>
}

export interface SliceInput {
  service: Service
  pods: readonly Pod[]
  /** Slices of this Service that the controller manages and that are not being deleted. */
  existing: readonly EndpointSlice[]
  node(name: string): Node | undefined
  /** The zones' shares, and whether this Service had hints for zones by them. */
  topology?: { ratios: ZoneRatios; hadHints: boolean }
}

export function plan(input: SliceInput): SlicePlan {
  const types = addressTypes(input.service)
  const out: SlicePlan = { create: [], update: [], delete: input.existing.filter((slice) => !types.includes(slice.addressType ?? '')), problems: [], notes: [], zones: new Map() }
  for (const type of types) {
    const part = planType(input, type, out.problems)
    planZoneHints(input, type, { part, out })
    reuseDeleted(input.service, part)
    out.create.push(...part.create)
    out.update.push(...part.update)
    out.delete.push(...part.delete)
  }
  return out
}

function addressTypes(service: Service): string[] {
  const families = service.spec.ipFamilies ?? []
  if (families.length > 0) return [...new Set(families)]
  const ip = service.spec.clusterIP
  if (ip && ip !== 'None') return [isIPv6(ip) ? 'IPv6' : 'IPv4']
  return ['IPv4', 'IPv6']
}

/** Pods that serve the same port numbers share slices. */
interface Group {
  ports: DiscoveryV1EndpointPort[]
  /** By identity; see identityOf. */
  endpoints: Map<string, Endpoint>
}

interface Part extends SliceChanges {
  delete: EndpointSlice[]
}

function planZoneHints({ service, topology }: SliceInput, type: string, { part, out }: { part: Part; out: SlicePlan }): void {
  const warn = (message: string) => out.notes.push({ type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: `${message}, addressType: ${type}` })
  if (!wantsZoneHints(service)) {
    if (topology?.hadHints) warn('Topology Aware Hints has been disabled')
    return
  }
  const hinted = withZoneHints(part, topology?.ratios)
  if (typeof hinted === 'string') {
    warn(hinted)
    Object.assign(part, withoutHints(part))
    return
  }
  Object.assign(part, hinted.slices)
  if (!topology?.hadHints && out.zones.size === 0) out.notes.push({ type: 'Normal', reason: 'TopologyAwareHintsEnabled', message: `Topology Aware Hints has been enabled, addressType: ${type}` })
  out.zones.set(type, hinted.zones)
}

function planType(input: SliceInput, type: string, problems: string[]): Part {
  const { service } = input
  const part: Part = { create: [], update: [], unchanged: [], delete: [] }
  const existing = input.existing.filter((slice) => slice.addressType === type)
  const byPorts = new Map<string, EndpointSlice[]>()
  for (const slice of existing) {
    if (!isOwnedBy(slice, service)) part.delete.push(slice)
    else byPorts.set(portKey(slice.ports), [...(byPorts.get(portKey(slice.ports)) ?? []), slice])
  }
  const groups = groupPods(input, type, problems)
  for (const [key, group] of groups) fillSlices(service, { existing: byPorts.get(key) ?? [], group, type, part })
  for (const [key, slices] of byPorts) if (!groups.has(key)) part.delete.push(...slices)
  if (existing.length === part.delete.length && part.create.length === 0) keepPlaceholder(service, type, part)
  return part
}

/** A Service without endpoints has one empty slice. */
function keepPlaceholder(service: Service, type: string, part: Part): void {
  const placeholder = newSlice(service, { type, ports: [], endpoints: [] })
  const [only] = part.delete
  const isOne = only && part.delete.length === 1 && !only.endpoints?.length && !only.ports?.length && semanticEqual(only.metadata.labels, placeholder.metadata.labels) && isOwnedBy(only, service)
  if (isOne) [part.delete, part.unchanged] = [[], [only]]
  else part.create.push(placeholder)
}

function groupPods({ service, pods, node }: SliceInput, type: string, problems: string[]): Map<string, Group> {
  const groups = new Map<string, Group>()
  const { metadata } = service
  for (const pod of pods) {
    if (!shouldBeInEndpoints(pod, true)) continue
    const ports = portsOf(service, pod)
    const key = portKey(ports)
    let group = groups.get(key)
    if (!group) groups.set(key, (group = { ports: sortSlicePorts(ports), endpoints: new Map() }))
    const nodeName = pod.spec.nodeName ?? ''
    const there = node(nodeName)
    if (!there && !service.spec.publishNotReadyAddresses) {
      problems.push(`skipping Pod ${pod.metadata.name} for Service ${metadata.namespace}/${metadata.name}: Node ${nodeName} Not Found`)
      continue
    }
    const endpoint = endpointOf(pod, service, { node: there, type })
    if (endpoint.addresses?.length) group.endpoints.set(identityOf(endpoint), endpoint)
  }
  return groups
}

function endpointOf(pod: Pod, service: Service, { node, type }: { node: Node | undefined; type: string }): Endpoint {
  const serving = isPodReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  const { namespace, name, uid } = pod.metadata
  const { nodeName } = pod.spec
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone']
  const hostname = hostnameIn(pod, service)
  const hints = ready ? hintsOf(service, { zone, nodeName }) : undefined
  return {
    addresses: (pod.status?.podIPs ?? []).flatMap(({ ip }) => (ip && isIPv6(ip) === (type === 'IPv6') ? [ip] : [])),
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hints ? { hints } : {}),
  }
}

/** Where the Service asks for near endpoints, each says for whom it is near. */
function hintsOf(service: Service, { zone, nodeName }: { zone: string | undefined; nodeName: string | undefined }): Endpoint['hints'] {
  const wish = service.spec.trafficDistribution
  if (wish !== 'PreferClose' && wish !== 'PreferSameZone' && wish !== 'PreferSameNode') return undefined
  if (wantsZoneHints(service)) return undefined
  const forNodes = wish === 'PreferSameNode' && nodeName ? [{ name: nodeName }] : undefined
  if (!zone && !forNodes) return undefined
  return { ...(zone ? { forZones: [{ name: zone }] } : {}), ...(forNodes ? { forNodes } : {}) }
}

function portsOf(service: Service, pod: Pod): DiscoveryV1EndpointPort[] {
  const ports: DiscoveryV1EndpointPort[] = []
  for (const port of service.spec.ports ?? []) {
    const number = findPort(pod, port)
    if (number === undefined) continue
    ports.push({ name: port.name ?? '', port: number, protocol: port.protocol ?? 'TCP', ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }) })
  }
  return ports
}

function identityOf(endpoint: Endpoint): string {
  const { addresses = [], hostname = '', targetRef } = endpoint
  return `${addresses.length > 1 ? [...addresses].sort().join() : (addresses[0] ?? '')} ${hostname} ${targetRef?.namespace} ${targetRef?.name}`
}

interface Fill {
  existing: readonly EndpointSlice[]
  group: Group
  type: string
  part: Part
}

function fillSlices(service: Service, { existing, group, type, part }: Fill): void {
  const left = new Map(group.endpoints)
  const touched: EndpointSlice[] = []
  const untouched: EndpointSlice[] = []
  for (const slice of existing) {
    const kept = keepWanted(slice, left, wantsZoneHints(service))
    const labels = labelsOf(service)
    if (kept.length === 0 && slice.endpoints?.length) part.delete.push(slice)
    else if (kept.length !== (slice.endpoints?.length ?? 0) || kept.some((e, i) => !semanticEqual(e, slice.endpoints?.[i])) || labelsChanged(slice, service)) {
      touched.push({ ...slice, endpoints: kept, metadata: { ...slice.metadata, labels } })
    } else untouched.push(slice)
  }
  touched.sort((a, b) => sizeOf(b) - sizeOf(a))
  for (const slice of touched) topUp(slice, left)
  part.update.push(...touched)
  while (left.size > 0) {
    const near = left.size < MAX_ENDPOINTS ? bestFit(untouched, left.size) : undefined
    if (near) untouched.splice(untouched.indexOf(near), 1)
    const slice: EndpointSlice = near ? { ...near, endpoints: [...(near.endpoints ?? [])] } : newSlice(service, { type, ports: group.ports, endpoints: [] })
    topUp(slice, left)
    if (near) part.update.push(slice)
    else part.create.push(slice)
  }
  part.unchanged.push(...untouched)
}

/**
 * The wanted endpoints that the slice has already, in their present state; they are taken out of `left`.
 * @param keepHints those for zones are not an endpoint's own matter and are judged later
 */
function keepWanted(slice: EndpointSlice, left: Map<string, Endpoint>, keepHints: boolean): Endpoint[] {
  const kept: Endpoint[] = []
  for (const endpoint of slice.endpoints ?? []) {
    const id = identityOf(endpoint)
    const wanted = left.get(id)
    if (!wanted) continue
    kept.push(keepHints && endpoint.hints ? { ...wanted, hints: endpoint.hints } : wanted)
    left.delete(id)
  }
  return kept
}

const sizeOf = (slice: EndpointSlice) => slice.endpoints?.length ?? 0

function topUp(slice: EndpointSlice, left: Map<string, Endpoint>): void {
  const endpoints = slice.endpoints ?? []
  for (const [id, endpoint] of left) {
    if (endpoints.length >= MAX_ENDPOINTS) break
    endpoints.push(endpoint)
    left.delete(id)
  }
  slice.endpoints = endpoints
}

/** The slice that `count` more endpoints fill best. */
function bestFit(slices: readonly EndpointSlice[], count: number): EndpointSlice | undefined {
  let best: EndpointSlice | undefined
  for (const slice of slices) if (sizeOf(slice) + count <= MAX_ENDPOINTS && (!best || sizeOf(slice) > sizeOf(best))) best = slice
  return best
}

function newSlice(service: Service, { type, ports, endpoints }: { type: string; ports: DiscoveryV1EndpointPort[]; endpoints: Endpoint[] }): EndpointSlice {
  const { name, namespace } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { generateName: `${name}-`, namespace, labels: labelsOf(service), ownerReferences: [controllerRef(service, 'v1/Service')] },
    addressType: type,
    endpoints,
    ports,
  }
}

function labelsOf(service: Service): Record<string, string> {
  const labels: Record<string, string> = {}
  for (const [key, value] of Object.entries(service.metadata.labels ?? {})) if (!RESERVED.has(key)) labels[key] = value
  if (isHeadless(service)) labels[HEADLESS_LABEL] = ''
  return { ...labels, [SERVICE_NAME]: service.metadata.name ?? '', [MANAGED_BY]: MANAGER }
}

function labelsChanged(slice: EndpointSlice, service: Service): boolean {
  const plain = (labels: Record<string, string> = {}) => Object.fromEntries(Object.entries(labels).filter(([key]) => !RESERVED.has(key)))
  return !semanticEqual(plain(slice.metadata.labels), plain(service.metadata.labels))
}

function isOwnedBy(slice: EndpointSlice, service: Service): boolean {
  return slice.metadata.ownerReferences?.some((ref) => ref.uid === service.metadata.uid && ref.kind === 'Service' && ref.apiVersion === 'v1') ?? false
}

/** Turns a deletion and a creation into one update. */
function reuseDeleted(service: Service, part: Part): void {
  part.delete = part.delete.filter((old) => {
    const fresh = isOwnedBy(old, service) ? part.create.pop() : undefined
    if (!fresh) return true
    part.update.push({ ...fresh, metadata: { ...fresh.metadata, name: old.metadata.name } })
    return false
  })
}
