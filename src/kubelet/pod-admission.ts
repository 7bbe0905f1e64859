/**
 * Whether a node takes a pod that is bound to it, or one that wants other resources. Pure.
 * Models pkg/kubelet/lifecycle/predicate.go and pkg/kubelet/sysctl, in their words.
 */
import type { Node, Pod } from '../../schemas/types.ts'
import { requiredNodeAffinity } from '../apimachinery/node-affinity.ts'
import { compareQuantities, isZeroQuantity, makeQuantity, addQuantities, quantityMilliValue, quantityValue, type QuantityLike } from '../apimachinery/quantity.ts'
import { podResources, type ResourceList } from '../apimachinery/resource-list.ts'
import { toleratesTaint, untoleratedTaint } from '../apimachinery/tolerations.ts'
import { isCritical } from './eviction.ts'
import { normalSysctl } from './sandbox/kernel.ts'

export interface Rejection {
  reason: string
  message: string
}

const SAFE_SYSCTLS: ReadonlySet<string> = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
])

export interface AdmissionInput {
  pod: Pod
  node: Node
  /** All others that are there, with the resources that were granted to them. */
  others: readonly Pod[]
}

/** Undefined when the node takes it. */
export function rejectionOf(input: AdmissionInput): Rejection | undefined {
  return unsuitable(input.pod) ?? insufficiency(input) ?? mismatch(input)
}

/** What is wrong with it on any of our nodes. */
function unsuitable(pod: Pod): Rejection | undefined {
  if (pod.spec.os?.name !== undefined && pod.spec.os.name !== 'linux') return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
  const os = pod.metadata.labels?.['kubernetes.io/os']
  if (os !== undefined && os !== 'linux') return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message: "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label" }
  return forbiddenSysctl(pod)
}

/** Of a pod that others make room for: what is left against it. */
export function rejectionOfCritical(input: AdmissionInput): Rejection | undefined {
  return unsuitable(input.pod) ?? mismatch(input)
}

/** A node that runs out of something takes no more that could wait elsewhere. Models Admit of pkg/kubelet/eviction. */
export function underPressure(pod: Pod, pressures: ReadonlySet<string>): Rejection | undefined {
  if (pressures.size === 0 || isCritical(pod)) return undefined
  if (pressures.size === 1 && pressures.has('MemoryPressure')) {
    const taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' }
    if (pod.status?.qosClass !== 'BestEffort' || toleratesTaint(pod.spec.tolerations, taint)) return undefined
  }
  return { reason: 'Evicted', message: `The node had condition: [${[...pressures].join(' ')}]. ` }
}

function forbiddenSysctl({ spec }: Pod): Rejection | undefined {
  for (const { name = '' } of spec.securityContext?.sysctls ?? []) {
    const normal = normalSysctl(name)
    const forbidden = (why: string) => ({ reason: 'SysctlForbidden', message: `forbidden sysctl: ${why}` })
    if (!SAFE_SYSCTLS.has(normal)) return forbidden(`${JSON.stringify(normal)} not allowlisted`)
    const namespace = normal.startsWith('net.') ? 'net' : 'ipc'
    if (namespace === 'net' ? spec.hostNetwork : spec.hostIPC) return forbidden(`${JSON.stringify(normal)} not allowed with host ${namespace} enabled`)
  }
  return undefined
}

/** Every pod that comes to a node looks at those that are there. */
const requestsKnown = new WeakMap<Pod, ResourceList>()

function requestsOf(pod: Pod): ResourceList {
  let requests = requestsKnown.get(pod)
  if (!requests) requestsKnown.set(pod, (requests = podResources(pod, 'requests')))
  return requests
}

/** What the pod asks for beyond what the others leave. */
export interface Shortage {
  resource: string
  requested: number
  used: number
  capacity: number
}

function insufficiency(input: AdmissionInput): Rejection | undefined {
  const [first] = shortages(input)
  return first && outOf(first)
}

export function shortages({ pod, node, others }: AdmissionInput): Shortage[] {
  const { allocatable = {} } = node.status ?? {}
  const maxPods = quantityValue(allocatable.pods ?? '0')
  const found: Shortage[] = others.length + 1 > maxPods ? [{ resource: 'pods', requested: 1, used: others.length, capacity: maxPods }] : []
  const wanted = podResources(pod, 'requests')
  const taken = others.map(requestsOf)
  const order = ['cpu', 'memory', 'ephemeral-storage']
  const names = Object.keys(wanted).sort((a, b) => rank(order, a) - rank(order, b))
  for (const name of names) {
    const capacity = allocatable[name]
    const request = wanted[name] ?? '0'
    // What the node knows nothing of is the cluster's business.
    if (isZeroQuantity(request) || (capacity === undefined && name.includes('/'))) continue
    const used = taken.reduce<QuantityLike>((sum, list) => addQuantities(sum, list[name] ?? makeQuantity(0)), makeQuantity(0))
    if (compareQuantities(addQuantities(request, used), capacity ?? '0') > 0) found.push({ resource: name, requested: amount(name, request), used: amount(name, used), capacity: amount(name, capacity ?? '0') })
  }
  return found
}

/** In thousandths of a processor, bytes, or pieces. */
export function requestedAmount(pod: Pod, resource: string): number {
  return resource === 'pods' ? 1 : amount(resource, requestsOf(pod)[resource] ?? '0')
}

function rank(order: readonly string[], name: string): number {
  const at = order.indexOf(name)
  return at < 0 ? order.length : at
}

function amount(name: string, quantity: QuantityLike): number {
  return name === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity)
}

function outOf({ resource, requested, used, capacity }: Shortage): Rejection {
  return { reason: `OutOf${resource}`, message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}` }
}

function mismatch({ pod, node, others }: AdmissionInput): Rejection | undefined {
  const failed = (predicate: string, why: string) => ({ reason: predicate, message: `Predicate ${predicate} failed: ${why}` })
  const matches = requiredNodeAffinity(pod)
  if (matches && !matches(node)) return failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")
  if (others.some((other) => sharesHostPort(pod, other))) return failed('NodePorts', "node(s) didn't have free ports for the requested pod ports")
  const taints = (node.spec.taints ?? []).filter((t) => t.effect === 'NoExecute')
  if (!isStatic(pod) && untoleratedTaint(taints, pod.spec.tolerations)) return failed('TaintToleration', "node(s) had taints that the pod didn't tolerate")
  return undefined
}

function isStatic({ metadata }: Pod): boolean {
  return metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined
}

function hostPorts({ spec }: Pod): { ip: string; protocol: string; port: number }[] {
  return (spec.containers ?? []).flatMap(({ ports = [] }) => ports.flatMap(({ hostPort, hostIP, protocol = 'TCP' }) => (hostPort ? [{ ip: hostIP || '0.0.0.0', protocol, port: hostPort }] : [])))
}

function sharesHostPort(a: Pod, b: Pod): boolean {
  const taken = hostPorts(b)
  const overlaps = (x: string, y: string) => x === y || x === '0.0.0.0' || y === '0.0.0.0'
  return taken.length > 0 && hostPorts(a).some((x) => taken.some((y) => x.port === y.port && x.protocol === y.protocol && overlaps(x.ip, y.ip)))
}
