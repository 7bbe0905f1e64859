/**
 * Names of the cluster as CoreDNS' kubernetes plugin answers them: services, their ports and endpoints, pods by address, and
 * the way back from addresses. Models github.com/kubernetes/dns docs/specification.md.
 */
import type { Endpoint, EndpointSlice, Pod, Service } from '../../schemas/types.ts'
import { formatIP, parseIP } from '../apimachinery/ip-address.ts'
import type { Directory } from './directory.ts'
import type { DnsRecord, RecordType } from './network.ts'

export const CLUSTER_DOMAIN = 'cluster.local'
export const TTL_SECONDS = 5
const MAX_CNAMES = 8
/** Of the specification that the names follow. */
const SCHEMA_VERSION = '1.1.0'

/** Absent for a name that is not there (NXDOMAIN); empty for one without such records. */
export type Answer = DnsRecord[] | undefined

/** @param name whole, without the final dot; case does not matter */
export function answer(directory: Directory, name: string, type: RecordType, depth = 0): Answer {
  const lower = name.toLowerCase()
  const ip = addressAsked(lower)
  if (ip !== undefined) return reverse(directory, { name, type, ip })
  if (lower === CLUSTER_DOMAIN) return []
  if (lower === `dns-version.${CLUSTER_DOMAIN}`) return type === 'TXT' ? [record(name, 'TXT', SCHEMA_VERSION)] : []
  if (!lower.endsWith(`.${CLUSTER_DOMAIN}`)) return undefined
  const labels = lower.slice(0, -CLUSTER_DOMAIN.length - 1).split('.')
  const kind = labels.pop()
  if (kind === 'pod') return podRecords(directory, labels, { name, type })
  if (kind !== 'svc') return undefined
  const namespace = labels.pop()
  if (namespace === undefined) return []
  if (!directory.namespace(namespace)) return undefined
  const serviceName = labels.pop()
  if (serviceName === undefined) return []
  const service = directory.service(namespace, serviceName)
  return service && serviceRecords(directory, service, { name, type, labels, depth })
}

interface Query {
  name: string
  type: RecordType
}

const record = (name: string, type: RecordType, data: string): DnsRecord => ({ name, type, ttl: TTL_SECONDS, data })
const typeOf = (ip: string): RecordType => (ip.includes(':') ? 'AAAA' : 'A')
const addresses = (name: string, type: RecordType, ips: readonly string[]): DnsRecord[] => ips.filter((ip) => typeOf(ip) === type).map((ip) => record(name, type, ip))
const domainOf = ({ metadata: { namespace, name } }: { metadata: { namespace?: string; name?: string } }): string => `${name}.${namespace}.svc.${CLUSTER_DOMAIN}`

function podRecords(directory: Directory, labels: readonly string[], { name, type }: Query): Answer {
  const [dashed, namespace] = labels
  if (labels.length < 2) return namespace === undefined && dashed !== undefined && directory.namespace(dashed) ? [] : undefined
  if (labels.length > 2 || !directory.namespace(namespace ?? '')) return undefined
  const isDotted = /^\d+(-\d+){3}$/.test(dashed ?? '')
  const parsed = parseIP((dashed ?? '').replaceAll('-', isDotted ? '.' : ':'))
  return parsed && addresses(name, type, [formatIP(parsed)])
}

function serviceRecords(directory: Directory, service: Service, { name, type, labels, depth }: Query & { labels: readonly string[]; depth: number }): Answer {
  const { spec } = service
  if (spec?.type === 'ExternalName') return labels.length > 0 ? undefined : externalName(directory, { name, type, target: spec.externalName ?? '', depth })
  const slices = directory.slicesOf(service)
  const isHeadless = spec?.clusterIP === 'None'
  if (labels.length === 2 && labels.every((l) => l.startsWith('_'))) return portRecords(service, slices, { name, type, labels })
  if (labels.length === 1) return endpointRecords(slices, { name, type, label: labels[0] ?? '' })
  if (labels.length > 1) return undefined
  if (type === 'SRV') return srvRecords(service, slices, { name })
  if (!isHeadless) return addresses(name, type, spec?.clusterIPs ?? [])
  const ips = readyEndpoints(slices).flatMap(({ endpoint }) => endpoint.addresses?.slice(0, 1) ?? [])
  return ips.length === 0 ? undefined : addresses(name, type, [...new Set(ips)])
}

function externalName(directory: Directory, { name, type, target, depth }: Query & { target: string; depth: number }): Answer {
  const cname = record(name, 'CNAME', target)
  if (type === 'CNAME' || depth >= MAX_CNAMES) return [cname]
  return [cname, ...(answer(directory, target.replace(/\.$/, ''), type, depth + 1) ?? [])]
}

interface PlacedEndpoint {
  endpoint: Endpoint
  slice: EndpointSlice
}

function readyEndpoints(slices: readonly EndpointSlice[]): PlacedEndpoint[] {
  return slices.flatMap((slice) => (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true).map((endpoint) => ({ endpoint, slice })))
}

const labelOf = ({ hostname, addresses: [ip = ''] = [] }: Endpoint): string => hostname ?? ip.replaceAll(/[.:]/g, '-')

function endpointRecords(slices: readonly EndpointSlice[], { name, type, label }: Query & { label: string }): Answer {
  const found = readyEndpoints(slices).filter(({ endpoint }) => labelOf(endpoint) === label)
  if (found.length === 0) return undefined
  return addresses(name, type, found.flatMap(({ endpoint }) => endpoint.addresses?.slice(0, 1) ?? []))
}

function portRecords(service: Service, slices: readonly EndpointSlice[], { name, type, labels }: Query & { labels: readonly string[] }): Answer {
  const [port, protocol] = labels.map((l) => l.slice(1))
  const records = srvRecords(service, slices, { name, port, protocol })
  if (records.length === 0) return undefined
  return type === 'SRV' ? records : []
}

function srvRecords(service: Service, slices: readonly EndpointSlice[], { name, port, protocol }: { name: string; port?: string | undefined; protocol?: string | undefined }): DnsRecord[] {
  const matches = (p: { name?: string; protocol?: string }) => (port === undefined || p.name === port) && (protocol === undefined || (p.protocol ?? 'TCP').toLowerCase() === protocol)
  const domain = domainOf(service)
  const targets =
    service.spec?.clusterIP === 'None'
      ? readyEndpoints(slices).flatMap(({ endpoint, slice }) => (slice.ports ?? []).filter(matches).map((p) => ({ port: p.port ?? 0, target: `${labelOf(endpoint)}.${domain}` })))
      : (service.spec?.ports ?? []).filter(matches).map((p) => ({ port: p.port ?? 0, target: domain }))
  const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)))
  return targets.map(({ port: number, target }) => record(name, 'SRV', `0 ${weight} ${number} ${target}.`))
}

/** The address of which a reverse name is asked. */
function addressAsked(name: string): string | undefined {
  const [, labels = '', tree] = /^(.*)\.(in-addr|ip6)\.arpa$/.exec(name) ?? []
  if (tree === undefined) return undefined
  const parts = labels.split('.').reverse()
  if (tree === 'in-addr') return parts.join('.')
  const parsed = parts.length === 32 ? parseIP(parts.join('').replace(/(.{4})(?=.)/g, '$1:')) : undefined
  return parsed ? formatIP(parsed) : ''
}

function reverse(directory: Directory, { name, type, ip }: Query & { ip: string }): Answer {
  const service = directory.serviceAt(ip)
  const names = service?.spec?.clusterIPs?.includes(ip)
    ? [domainOf(service)]
    : directory.endpointsAt(ip).flatMap((slice) => {
        const owner = directory.service(slice.metadata.namespace ?? '', slice.metadata.labels?.['kubernetes.io/service-name'] ?? '')
        const hosts = (slice.endpoints ?? []).filter(({ addresses: ips }) => ips?.includes(ip))
        return owner ? hosts.map((endpoint) => `${labelOf(endpoint)}.${domainOf(owner)}`) : []
      })
  if (names.length === 0) return undefined
  return type === 'PTR' ? names.map((target) => record(name, 'PTR', `${target}.`)) : []
}

const DEFAULT_NDOTS = 5

/** The whole names to try for one that a pod writes, in order. Models the resolver's search list and the pod's DNS policy. */
export function namesToTry(name: string, pod: Pod | undefined): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const { searches, ndots } = resolverOf(pod)
  const searched = searches.map((domain) => `${name}.${domain}`)
  return name.split('.').length - 1 >= ndots ? [name, ...searched] : [...searched, name]
}

export interface Resolver {
  searches: string[]
  ndots: number
  options: string[]
}

/** What stands in the pod's /etc/resolv.conf besides its name servers. */
export function resolverOf(pod: Pod | undefined): Resolver {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork } = pod?.spec ?? {}
  const isCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork)
  const own = isCluster ? [`${pod?.metadata.namespace ?? 'default'}.svc.${CLUSTER_DOMAIN}`, `svc.${CLUSTER_DOMAIN}`, CLUSTER_DOMAIN] : []
  const given = (dnsConfig?.options ?? []).map(({ name = '', value }) => (value === undefined ? name : `${name}:${value}`))
  const ndotsGiven = dnsConfig?.options?.find((o) => o.name === 'ndots')?.value
  const ndots = ndotsGiven === undefined ? (isCluster ? DEFAULT_NDOTS : 1) : Number(ndotsGiven)
  return { searches: [...new Set([...own, ...(dnsConfig?.searches ?? [])])], ndots, options: isCluster && ndotsGiven === undefined ? [`ndots:${DEFAULT_NDOTS}`, ...given] : given }
}
