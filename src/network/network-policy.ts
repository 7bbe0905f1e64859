/**
 * Whether policies let a connection through: of those that select a pod, any rule that matches allows; where none selects
 * it for a direction, everything is allowed. Models the API's documentation of networking.k8s.io/v1 NetworkPolicy.
 */
import type { Namespace, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, Pod } from '../../schemas/types.ts'
import { parseCIDR, parseIP, prefixContains } from '../apimachinery/ip-address.ts'
import { selectorFromLabelSelector } from '../apimachinery/labels.ts'
import type { Protocol } from './network.ts'

/** One end of a connection; without a pod it is outside of the policies' reach: a node, the API server, another network. */
export interface PolicyEnd {
  ip: string
  pod?: Pod
}

export interface Traffic {
  from: PolicyEnd
  to: PolicyEnd
  port: number
  protocol: Protocol
}

export interface PolicySource {
  policies(namespace: string): readonly NetworkPolicy[]
  namespace(name: string): Namespace | undefined
}

export function isAllowed(traffic: Traffic, source: PolicySource): boolean {
  return isOpen('Egress', traffic, source) && isOpen('Ingress', traffic, source)
}

type Direction = 'Ingress' | 'Egress'

function isOpen(direction: Direction, traffic: Traffic, source: PolicySource): boolean {
  const [own, other] = direction === 'Egress' ? [traffic.from, traffic.to] : [traffic.to, traffic.from]
  if (!own.pod) return true
  // A pod always reaches itself.
  if (other.pod?.metadata.uid !== undefined && other.pod.metadata.uid === own.pod.metadata.uid) return true
  const { namespace = '', labels = {} } = own.pod.metadata
  const selecting = source.policies(namespace).filter((p) => typesOf(p).includes(direction) && selectorFromLabelSelector(p.spec?.podSelector ?? {}).matches(labels))
  return selecting.length === 0 || selecting.some((policy) => lets(policy, { direction, other, traffic, source }))
}

function typesOf({ spec }: NetworkPolicy): readonly string[] {
  return spec?.policyTypes ?? ['Ingress', ...(spec?.egress ? ['Egress'] : [])]
}

interface Question {
  direction: Direction
  other: PolicyEnd
  traffic: Traffic
  source: PolicySource
}

function lets({ spec, metadata }: NetworkPolicy, { direction, other, traffic, source }: Question): boolean {
  const rules = direction === 'Egress' ? spec?.egress?.map(({ to, ports }) => ({ peers: to, ports })) : spec?.ingress?.map(({ from, ports }) => ({ peers: from, ports }))
  return (rules ?? []).some(({ peers, ports }) => {
    const portMatches = !ports?.length || ports.some((port) => matchesPort(port, traffic))
    return portMatches && (!peers?.length || peers.some((peer) => matchesPeer(peer, other, { namespace: metadata.namespace ?? '', source })))
  })
}

function matchesPort({ protocol = 'TCP', port, endPort }: NetworkPolicyPort, traffic: Traffic): boolean {
  if (protocol !== traffic.protocol) return false
  if (port === undefined) return true
  if (typeof port === 'number') return endPort === undefined ? port === traffic.port : traffic.port >= port && traffic.port <= endPort
  const named = traffic.to.pod?.spec.containers?.flatMap((c) => c.ports ?? []).filter((p) => p.name === port && (p.protocol ?? 'TCP') === protocol)
  return named?.some((p) => p.containerPort === traffic.port) ?? false
}

function matchesPeer({ ipBlock, podSelector, namespaceSelector }: NetworkPolicyPeer, { ip, pod }: PolicyEnd, { namespace, source }: { namespace: string; source: PolicySource }): boolean {
  if (ipBlock) return isIn(ip, ipBlock.cidr) && !ipBlock.except?.some((cidr) => isIn(ip, cidr))
  // Pods on a node's own network have no address of their own to know them by.
  if (!pod || pod.spec.hostNetwork) return false
  if (podSelector && !selectorFromLabelSelector(podSelector).matches(pod.metadata.labels ?? {})) return false
  if (!namespaceSelector) return pod.metadata.namespace === namespace
  return selectorFromLabelSelector(namespaceSelector).matches(source.namespace(pod.metadata.namespace ?? '')?.metadata.labels ?? {})
}

function isIn(ip: string, cidr: string | undefined): boolean {
  const address = parseIP(ip)
  const prefix = parseCIDR(cidr ?? '')
  return address !== undefined && prefix !== undefined && prefixContains(prefix, address)
}
