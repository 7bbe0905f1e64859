/**
 * Notices nodes that no longer report, says so in their conditions, and keeps the taints that go with conditions.
 * Models k8s.io/kubernetes/pkg/controller/nodelifecycle.
 */
import type { Lease, Node, NodeCondition, NodeStatus, Pod, Taint } from '../schemas/types.ts'
import { formatTime } from '../src/clock.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import { defineController, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { indexPodsByNode, podsOnNode } from '../src/controller/node-pods.ts'
import { changePodStatus, withPodCondition } from '../src/controller/pod-status.ts'
import { podCondition } from '../src/controller/pods.ts'
import { perCluster } from '../src/controller/state.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { ZoneEvictions, isReady, zoneOf, type Eviction } from './_zone-disruption.ts'

const LEASE = 'coordination.k8s.io/v1/Lease'
const LEASE_NAMESPACE = 'kube-node-lease'
/** How long a node may be silent, and how long a new one may take to report first. */
const GRACE_MS = 50_000
const STARTUP_GRACE_MS = 60_000

const NOT_READY = 'node.kubernetes.io/not-ready'
const UNREACHABLE = 'node.kubernetes.io/unreachable'
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable'
const PRESSURE: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
}
const OWN_NO_SCHEDULE = new Set([NOT_READY, UNREACHABLE, UNSCHEDULABLE, ...Object.values(PRESSURE)])
const BETA_LABELS: readonly [stable: string, beta: string][] = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
]

/** When a node was last heard of, by its status or its lease. */
interface Health {
  heartbeat: string | undefined
  heardMs: number
}

const TROUBLED = 'troubled'
const evictions = perCluster(() => new ZoneEvictions())

const healths = perCluster(() => new Map<string, Health>())

export default defineController<Node>({
  name: 'node-lifecycle',
  component: 'node-controller',
  user: 'system:serviceaccount:kube-system:node-controller',
  for: 'v1/Node',
  watches: { [LEASE]: heard, 'v1/Pod': silentNodeOf, 'v1/Node': troubledNodes },
  setup(ctx) {
    indexPodsByNode(ctx)
    ctx.informers.for<Node>('v1/Node').addIndex(TROUBLED, (node) => (troubleOf(node) ? ['yes'] : []))
  },
  reconcile,
  async deleted(name, ctx) {
    if (!healths(ctx).delete(name)) return
    const gone: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name }, spec: {} }
    ctx.events.event(gone, 'Normal', 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`)
  },
})

/** A renewed lease only moves the deadline, which is looked at when the former one is over. */
function heard(lease: KubeObject, ctx: ControllerContext, old?: KubeObject): readonly Key[] {
  const { namespace, name = '' } = lease.metadata
  if (namespace !== LEASE_NAMESPACE) return []
  const health = healths(ctx).get(name)
  const renewed = (lease as Lease).spec?.renewTime !== (old as Lease | undefined)?.spec?.renewTime
  if (health && renewed) health.heardMs = ctx.clock.now()
  return []
}

/** Whether nodes in trouble may lose their pods depends on how the others are. */
function troubledNodes(changed: KubeObject, { informers }: ControllerContext, before?: KubeObject): readonly Key[] {
  if (before && isReady(before as Node) === isReady(changed as Node) && zoneOf(before as Node) === zoneOf(changed as Node)) return []
  return informers.lister<Node>('v1/Node').byIndex(TROUBLED, 'yes').map(({ metadata }) => metadata.name ?? '')
}

/** A pod that is assigned to a node that does not report. */
function silentNodeOf(changed: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const { nodeName } = (changed as Pod).spec
  if (!nodeName || (before as Pod | undefined)?.spec.nodeName === nodeName) return []
  const node = ctx.informers.lister<Node>('v1/Node').get('', nodeName)
  const ready = node && conditionOf(node.status?.conditions, 'Ready')
  return ready && ready.status !== 'True' ? [nodeName] : []
}

/** The taints a node should have: its own, and those that its conditions and cordoning call for. */
export function taintsOf(node: Node, nowMs: number, eviction: Eviction = 'now'): Taint[] {
  const current = node.spec?.taints ?? []
  const wanted: Taint[] = []
  const want = (key: string, effect: string) => wanted.push(current.find((t) => t.key === key && t.effect === effect) ?? { key, effect, timeAdded: formatTime(nowMs) })
  const ready = conditionOf(node.status?.conditions, 'Ready')?.status
  const trouble = troubleOf(node)
  if (trouble) want(trouble, 'NoSchedule')
  for (const { type = '', status } of node.status?.conditions ?? []) if (status === 'True' && PRESSURE[type]) want(PRESSURE[type], 'NoSchedule')
  if (node.spec?.unschedulable) want(UNSCHEDULABLE, 'NoSchedule')
  if (trouble && (eviction === 'now' || (eviction === 'later' && isEvicted(node)))) want(trouble, 'NoExecute')
  const isOwn = (t: Taint) => (t.effect === 'NoSchedule' ? OWN_NO_SCHEDULE.has(t.key ?? '') : t.effect === 'NoExecute' && (t.key === NOT_READY || t.key === UNREACHABLE) && ready !== undefined)
  // Before its first report a node keeps what it was registered with.
  const kept = current.filter((t) => !isOwn(t) || wanted.includes(t) || (ready === undefined && t.key === NOT_READY))
  return [...kept, ...wanted.filter((t) => !kept.includes(t))]
}

/** The taint that goes with the state of a node; none for one that is well or has not reported yet. */
function troubleOf(node: Node): string | undefined {
  const ready = conditionOf(node.status?.conditions, 'Ready')?.status
  return ready === 'False' ? NOT_READY : ready === 'Unknown' ? UNREACHABLE : undefined
}

function isEvicted(node: Node): boolean {
  return node.spec?.taints?.some((t) => t.effect === 'NoExecute' && (t.key === NOT_READY || t.key === UNREACHABLE)) ?? false
}

/** Whether the node's pods may go; those of one whose pods went stay away while any node is well. */
function evictionOf(node: Node, ctx: ControllerContext): { eviction: Eviction; waitMs?: number } {
  if (!troubleOf(node)) return { eviction: 'now' }
  const name = node.metadata.name
  const nodes = ctx.informers.lister<Node>('v1/Node').list().map((other) => (other.metadata.name === name ? node : other))
  if (isEvicted(node)) return { eviction: nodes.some(isReady) ? 'now' : 'never' }
  return evictions(ctx).ask(node, nodes, ctx.clock.now())
}

/** The conditions of a node that has not been heard of for too long. */
export function silentConditions(node: Node, nowMs: number): NodeCondition[] {
  const now = formatTime(nowMs)
  const conditions = [...(node.status?.conditions ?? [])]
  for (const type of ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']) {
    const current = conditionOf(conditions, type)
    if (!current) conditions.push({ type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.', lastHeartbeatTime: node.metadata.creationTimestamp, lastTransitionTime: now })
    else if (current.status !== 'Unknown')
      conditions[conditions.indexOf(current)] = { ...current, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: now }
  }
  return conditions
}

async function reconcile(stored: Node, ctx: ControllerContext): Promise<Result> {
  const { name = '' } = stored.metadata
  const health = healthOf(stored, ctx)
  const before = conditionOf(stored.status?.conditions, 'Ready')
  const grace = before ? GRACE_MS : STARTUP_GRACE_MS
  let node = stored
  const leftMs = health.heardMs + grace - ctx.clock.now()
  if (leftMs < 0 && before?.status !== 'Unknown') {
    const status: NodeStatus = { ...node.status, conditions: silentConditions(node, ctx.clock.now()) }
    node = await ctx.client.updateStatus<Node>({ ...node, status })
    if (before?.status === 'True') ctx.events.event(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
  }
  const { eviction, waitMs = Infinity } = evictionOf(node, ctx)
  const wanted = withLabels({ ...node, spec: { ...node.spec, taints: taintsOf(node, ctx.clock.now(), eviction) } })
  if (!sameTaints(wanted.spec?.taints, node.spec?.taints) || wanted.metadata !== node.metadata) await ctx.client.update(wanted)
  if ((conditionOf(node.status?.conditions, 'Ready')?.status ?? 'True') === 'Unknown') await markPodsNotReady(name, ctx)
  return { requeueAfterMs: Math.min(leftMs < 0 ? grace : leftMs + 1, waitMs) }
}

function healthOf(node: Node, ctx: ControllerContext): Health {
  const { name = '', creationTimestamp = '' } = node.metadata
  const ready = conditionOf(node.status?.conditions, 'Ready')
  const heartbeat = ready && `${ready.lastHeartbeatTime} ${ready.status}`
  let health = healths(ctx).get(name)
  if (!health) {
    ctx.events.event(node, 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)
    health = { heartbeat, heardMs: ready ? ctx.clock.now() : Date.parse(creationTimestamp) || ctx.clock.now() }
    healths(ctx).set(name, health)
  } else if (health.heartbeat !== heartbeat && ready?.status !== 'Unknown') {
    health.heartbeat = heartbeat
    health.heardMs = ctx.clock.now()
  }
  return health
}

function sameTaints(a: readonly Taint[] = [], b: readonly Taint[] = []): boolean {
  const text = (taints: readonly Taint[]) => taints.map((t) => `${t.key} ${t.value ?? ''} ${t.effect}`).sort().join()
  return text(a) === text(b)
}

/** The deprecated labels follow the stable ones; the same node when they do. */
function withLabels(node: Node): Node {
  const { labels } = node.metadata
  const stale = BETA_LABELS.filter(([stable, beta]) => labels?.[stable] !== undefined && labels[beta] !== labels[stable])
  if (stale.length === 0) return node
  return { ...node, metadata: { ...node.metadata, labels: { ...labels, ...Object.fromEntries(stale.map(([stable, beta]) => [beta, labels?.[stable] ?? ''])) } } }
}

async function markPodsNotReady(nodeName: string, ctx: ControllerContext): Promise<void> {
  for (const pod of podsOnNode(ctx, nodeName)) {
    const ready = podCondition(pod, 'Ready')
    if (ready?.status !== 'True') continue
    const there = await changePodStatus(ctx, pod, (status) => ({ ...status, conditions: withPodCondition(status.conditions, { ...ready, status: 'False' }, ctx.clock.now()) }))
    if (there) ctx.events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
  }
}
