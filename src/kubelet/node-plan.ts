/**
 * What a node's kubelet changes in its Node object: addresses, conditions, capacity, versions; its block of pod addresses.
 * Pure. Models pkg/kubelet/nodestatus/setters.go and kubelet_node_status.go.
 */
import type { ContainerImage, Node, NodeAddress, NodeCondition, NodeStatus, NodeSystemInfo } from '../../schemas/types.ts'
import { equalJSON } from '../apimachinery/json.ts'
import { familyOf, type IPFamily } from '../apimachinery/ip-address.ts'
import { isExtended } from '../apimachinery/quota-usage.ts'
import type { NodeStage } from './stages.ts'
import { reportsInFull } from './virtual-node.ts'

export interface NodePlanInput {
  node: Node
  stage: NodeStage
  now: string
  internalIPs: readonly string[]
  podCIDRs?: readonly string[]
  /** Renews the heartbeat times even if nothing else changes. */
  heartbeat?: boolean
  /** Ids of the machine, for nodes that do not say their own. */
  machineID: string
  /** Conditions that are true because something runs out. */
  pressures?: ReadonlySet<string>
  /** What has been pulled here. */
  images?: readonly ContainerImage[]
}

export interface NodePlan {
  /** Merge patch of the spec. */
  spec?: { podCIDR: string; podCIDRs: string[] }
  /** The whole new status. */
  status?: NodeStatus
}

export function planNode(input: NodePlanInput): NodePlan {
  const { node, podCIDRs = [] } = input
  const status = planStatus(input)
  return {
    ...(podCIDRs[0] && !node.spec.podCIDR ? { spec: { podCIDR: podCIDRs[0], podCIDRs: [...podCIDRs] } } : {}),
    ...(equalJSON(status, node.status ?? {}) ? {} : { status }),
  }
}

function planStatus(input: NodePlanInput): NodeStatus {
  const { node, stage } = input
  const old = node.status ?? {}
  const capacity = resourcesOf(node, stage, old.capacity)
  return {
    ...old,
    capacity,
    allocatable: allocatableOf(node, stage, capacity),
    conditions: conditionsOf(input, old.conditions ?? []),
    addresses: addressesOf(input, old.addresses ?? []),
    daemonEndpoints: old.daemonEndpoints?.kubeletEndpoint?.Port ? old.daemonEndpoints : { kubeletEndpoint: { Port: stage.kubeletPort } },
    nodeInfo: nodeInfoOf(input, old.nodeInfo ?? {}),
    ...(reportsInFull(node) ? abilities(stage) : {}),
    ...(input.images && (input.images.length > 0 || old.images) && reportsInFull(node) ? { images: [...input.images] } : {}),
  }
}

function abilities({ declaredFeatures, features, runtimeHandlers }: NodeStage): NodeStatus {
  return { ...(declaredFeatures ? { declaredFeatures: [...declaredFeatures] } : {}), ...(features ? { features } : {}), ...(runtimeHandlers ? { runtimeHandlers: [...runtimeHandlers] } : {}) }
}

/** Extended resources are advertised in the capacity, by whoever has them; pods can have all of them. */
function allocatableOf(node: Node, stage: NodeStage, capacity: Readonly<Record<string, string>>): Record<string, string> {
  const { allocatable = {} } = node.status ?? {}
  if (Object.keys(allocatable).length === 0) return capacity
  const given = resourcesOf(node, stage, allocatable)
  if (!reportsInFull(node)) return given
  const extended = Object.entries(capacity).filter(([name]) => isExtended(name))
  return Object.fromEntries([...Object.entries(given).filter(([name]) => !isExtended(name) || name in capacity), ...extended])
}

function resourcesOf(node: Node, stage: NodeStage, given: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const isGiven = given !== undefined && Object.keys(given).length > 0
  return isGiven && !reportsInFull(node) ? { ...given } : { ...stage.capacity, ...given }
}

const UNDER_PRESSURE: Readonly<Record<string, Pick<NodeCondition, 'reason' | 'message'>>> = {
  MemoryPressure: { reason: 'KubeletHasInsufficientMemory', message: 'kubelet has insufficient memory available' },
  DiskPressure: { reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' },
}

function conditionsOf({ stage, now, heartbeat, pressures }: NodePlanInput, old: readonly NodeCondition[]): NodeCondition[] {
  const own = new Set(stage.conditions.map((c) => c.type))
  const others = old.filter((c) => !own.has(c.type))
  const ours = stage.conditions.map((usual) => {
    const wanted = pressures?.has(usual.type ?? '') ? { ...usual, status: 'True', ...UNDER_PRESSURE[usual.type ?? ''] } : usual
    const before = old.find((c) => c.type === wanted.type)
    const isSame = before?.status === wanted.status && before?.reason === wanted.reason && before?.lastHeartbeatTime
    if (isSame && !heartbeat) return before
    const lastTransitionTime = before?.status === wanted.status ? (before?.lastTransitionTime ?? now) : now
    return { type: wanted.type, status: wanted.status, lastHeartbeatTime: now, lastTransitionTime, reason: wanted.reason, message: wanted.message }
  })
  return [...others, ...ours]
}

function addressesOf({ node, internalIPs }: NodePlanInput, old: readonly NodeAddress[]): NodeAddress[] {
  const has = (family: IPFamily) => old.some((a) => a.type === 'InternalIP' && familyOf(a.address ?? '') === family)
  const missing: NodeAddress[] = internalIPs.filter((ip) => !has(familyOf(ip))).map((address) => ({ type: 'InternalIP', address }))
  if (!old.some((a) => a.type === 'Hostname')) missing.push({ type: 'Hostname', address: node.metadata.labels?.['kubernetes.io/hostname'] ?? node.metadata.name })
  return [...old, ...missing]
}

function nodeInfoOf({ stage, machineID }: NodePlanInput, old: NodeSystemInfo): NodeSystemInfo {
  const info: Record<string, unknown> = { ...old }
  const wanted: NodeSystemInfo = { ...stage.nodeInfo, machineID: machineID.replaceAll('-', ''), systemUUID: machineID, bootID: machineID }
  for (const [key, value] of Object.entries(wanted)) if (!info[key]) info[key] = value
  return info
}
