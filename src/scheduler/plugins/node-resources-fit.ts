/**
 * A node must have what the pod asks for; prefers those that have most left (or least, by arguments).
 * Models pkg/scheduler/framework/plugins/noderesources/fit.go.
 */
import type { Node } from '../../../schemas/types.ts'
import { isRecord } from '../../apimachinery/json.ts'
import { podInfoOf, type PodInfo } from '../pod-info.ts'
import { isSelf, type ClusterEvent } from '../cluster-events.ts'
import { definePlugin, unresolvable, unschedulable, type Status } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { CPU_AND_MEMORY, allocationScore, leastAllocated, mostAllocated, requestedToCapacityRatio } from '../resource-scores.ts'
import type { Scoring, ShapePoint, WeighedResource } from '../resource-scores.ts'
import { amountOf, resourceOf, type Resource } from '../resources.ts'

const LEAST_ALLOCATED: Scoring = { resources: CPU_AND_MEMORY, score: leastAllocated }

interface FitState {
  requests: Resource
  asksNothing: boolean
  ignored: (name: string) => boolean
}

interface ScoreState {
  scoring: Scoring
  wanted: readonly number[]
}

export default definePlugin<FitState, ScoreState>({
  name: 'NodeResourcesFit',
  order: 80,
  events: [
    { resource: 'AssignedPod', actions: ['delete', 'scaleDown'], helps: freesSomething },
    { resource: 'WaitingPod', actions: ['scaleDown'], helps: isSelf },
    { resource: 'Node', actions: ['add', 'allocatable'], helps: mayFit },
  ],
  preFilter(cycle, { requests }) {
    const { milliCPU, memory, ephemeralStorage, scalar } = requests
    const asksNothing = milliCPU === 0 && memory === 0 && ephemeralStorage === 0 && !scalar?.size
    return { state: { requests, asksNothing, ignored: ignoredBy(cycle.args('NodeResourcesFit')) } }
  },
  filter({ requests, asksNothing, ignored }, _pod, node) {
    const { allocatable, requested } = node
    if (node.pods.size + 1 > allocatable.allowedPods) return refusal(requests, node, ignored)
    if (asksNothing) return undefined
    if (requests.milliCPU > 0 && requests.milliCPU > allocatable.milliCPU - requested.milliCPU) return refusal(requests, node, ignored)
    if (requests.memory > 0 && requests.memory > allocatable.memory - requested.memory) return refusal(requests, node, ignored)
    if (requests.ephemeralStorage > 0 && requests.ephemeralStorage > allocatable.ephemeralStorage - requested.ephemeralStorage) return refusal(requests, node, ignored)
    return requests.scalar ? refusal(requests, node, ignored) : undefined
  },
  preScore(cycle, pod) {
    const scoring = scoringOf(cycle.args('NodeResourcesFit').scoringStrategy)
    return { state: { scoring, wanted: scoring.resources.map(({ name }) => amountOf(pod.nonZero, name)) } }
  },
  score({ scoring, wanted }, _pod, node) {
    return allocationScore(scoring, wanted, node)
  },
})

/** Statuses are made once for each set of reasons. */
const refusals = new Map<string, Status>()

function refusal(requests: Resource, node: NodeInfo, ignored: (name: string) => boolean): Status | undefined {
  const reasons: string[] = []
  let isHopeless = false
  const check = (name: string, wanted: number) => {
    const there = amountOf(node.allocatable, name)
    if (wanted <= 0 || wanted <= there - amountOf(node.requested, name)) return
    reasons.push(`Insufficient ${name}`)
    if (wanted > there) isHopeless = true
  }
  if (node.pods.size + 1 > node.allocatable.allowedPods) reasons.push('Too many pods')
  check('cpu', requests.milliCPU)
  check('memory', requests.memory)
  check('ephemeral-storage', requests.ephemeralStorage)
  for (const [name, wanted] of requests.scalar ?? []) if (!ignored(name)) check(name, wanted)
  if (reasons.length === 0) return undefined
  const key = `${isHopeless} ${reasons.join()}`
  let status = refusals.get(key)
  if (!status) refusals.set(key, (status = isHopeless ? unresolvable(...reasons) : unschedulable(...reasons)))
  return status
}

const NOTHING_IGNORED = () => false

function ignoredBy({ ignoredResources, ignoredResourceGroups }: Readonly<Record<string, unknown>>): (name: string) => boolean {
  if (!Array.isArray(ignoredResources) && !Array.isArray(ignoredResourceGroups)) return NOTHING_IGNORED
  const names = new Set<unknown>(Array.isArray(ignoredResources) ? ignoredResources : [])
  const groups = new Set<unknown>(Array.isArray(ignoredResourceGroups) ? ignoredResourceGroups : [])
  return (name) => name.includes('/') && (names.has(name) || groups.has(name.split('/')[0]))
}

function scoringOf(strategy: unknown): Scoring {
  if (!isRecord(strategy)) return LEAST_ALLOCATED
  const resources = resourcesOf(strategy.resources)
  if (strategy.type === 'MostAllocated') return { resources, score: mostAllocated }
  if (strategy.type !== 'RequestedToCapacityRatio') return { resources, score: leastAllocated }
  const ratio = isRecord(strategy.requestedToCapacityRatio) ? strategy.requestedToCapacityRatio.shape : undefined
  const shape: ShapePoint[] = (Array.isArray(ratio) ? ratio : []).filter(isRecord).map((p) => ({ utilization: Number(p.utilization), score: Number(p.score) }))
  return { resources, score: requestedToCapacityRatio(shape), ofRatio: true }
}

function resourcesOf(resources: unknown): readonly WeighedResource[] {
  if (!Array.isArray(resources) || resources.length === 0) return CPU_AND_MEMORY
  return resources.filter(isRecord).map((r) => ({ name: String(r.name), weight: Number(r.weight ?? 1) }))
}

function freesSomething(pod: PodInfo, event: ClusterEvent): boolean {
  const { action, pod: after, oldPod: before } = event
  if (action === 'delete' || !after || !before) return true
  return asksFor(pod).some((name) => amountOf(podInfoOf(before).effective, name) > amountOf(podInfoOf(after).effective, name))
}

/** An empty node of this size could take the pod, and it has grown in what the pod asks for. */
function mayFit(pod: PodInfo, { node, oldNode }: ClusterEvent): boolean {
  if (!node) return false
  const now = allocatableOf(node)
  const names = asksFor(pod)
  if (now.allowedPods < 1 || names.some((name) => amountOf(pod.requests, name) > amountOf(now, name))) return false
  if (!oldNode) return true
  const before = allocatableOf(oldNode)
  return now.allowedPods > before.allowedPods || names.some((name) => amountOf(now, name) > amountOf(before, name))
}

function asksFor({ requests }: PodInfo): string[] {
  return ['cpu', 'memory', 'ephemeral-storage', ...(requests.scalar?.keys() ?? [])].filter((name) => amountOf(requests, name) > 0)
}

/** Many pods may be asked about the same change. */
const sizes = new WeakMap<Node, Resource>()

function allocatableOf(node: Node): Resource {
  let size = sizes.get(node)
  if (!size) sizes.set(node, (size = resourceOf(node.status?.allocatable)))
  return size
}
