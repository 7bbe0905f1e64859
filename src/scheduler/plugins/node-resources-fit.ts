/**
 * A node must have what the pod asks for; prefers those that have most left (or least, by arguments).
 * Models pkg/scheduler/framework/plugins/noderesources/fit.go.
 */
import type { Node } from '../../../schemas/types.ts'
import type { PluginArgs, ScoringStrategy } from '../config/types.ts'
import { makeMilliQuantity, makeQuantity, quantityText } from '../../apimachinery/quantity.ts'
import { podInfoOf, type PodInfo } from '../pod-info.ts'
import { isSelf, type ClusterEvent } from '../cluster-events.ts'
import { classOfResource } from '../devices/class-of-resource.ts'
import { definePlugin, unresolvable, unschedulable, type Handle, type Status } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { allocationScore, leastAllocated, mostAllocated, requestedToCapacityRatio, type Scoring } from '../resource-scores.ts'
import { amountOf, resourceOf, type Resource } from '../resources.ts'

interface FitState {
  requests: Resource
  asksNothing: boolean
  ignored: (name: string) => boolean
  /** Extended resources that nodes without them may give as devices: DynamicResources looks after that. */
  devices: ReadonlySet<string>
}

interface ScoreState {
  scoring: Scoring
  wanted: readonly number[]
}

export default definePlugin<FitState, ScoreState>({
  name: 'NodeResourcesFit',
  order: 80,
  isLocal: true,
  events: [
    { resource: 'AssignedPod', actions: ['delete', 'scaleDown'], helps: freesSomething },
    { resource: 'WaitingPod', actions: ['scaleDown'], helps: isSelf },
    { resource: 'Node', actions: ['add', 'allocatable'], helps: mayFit },
    { resource: 'DeviceClass', actions: ['add', 'update'], helps: givesDevices },
  ],
  preFilter(cycle, { requests }) {
    const { milliCPU, memory, ephemeralStorage, scalar } = requests
    const asksNothing = milliCPU === 0 && memory === 0 && ephemeralStorage === 0 && !scalar?.size
    return { state: { requests, asksNothing, ignored: ignoredBy(cycle.args('NodeResourcesFit')), devices: devicesOf(cycle.handle, requests) } }
  },
  filter(state, _pod, node) {
    const { requests, asksNothing } = state
    const { allocatable, requested } = node
    if (node.pods.size + 1 > allocatable.allowedPods) return refusal(state, node)
    if (asksNothing) return undefined
    if (requests.milliCPU > 0 && requests.milliCPU > allocatable.milliCPU - requested.milliCPU) return refusal(state, node)
    if (requests.memory > 0 && requests.memory > allocatable.memory - requested.memory) return refusal(state, node)
    if (requests.ephemeralStorage > 0 && requests.ephemeralStorage > allocatable.ephemeralStorage - requested.ephemeralStorage) return refusal(state, node)
    return requests.scalar ? refusal(state, node) : undefined
  },
  why({ requests }, { allocatable, requested, pods }) {
    const short = ['cpu', 'memory', 'ephemeral-storage', ...(requests.scalar?.keys() ?? [])].flatMap((name) => {
      const [asked, all] = [amountOf(requests, name), amountOf(allocatable, name)]
      const free = all - amountOf(requested, name)
      return asked > 0 && asked > free ? [`asks for ${textOf(name, asked)} of ${name}, ${textOf(name, free)} of ${textOf(name, all)} free`] : []
    })
    return [...(pods.size + 1 > allocatable.allowedPods ? [`${pods.size} of ${allocatable.allowedPods} pods are there`] : []), ...short].join('; ')
  },
  preScore(cycle, pod) {
    const scoring = scoringOf(cycle.args('NodeResourcesFit').scoringStrategy)
    return { state: { scoring, wanted: scoring.resources.map(({ name }) => amountOf(pod.nonZero, name)) } }
  },
  score({ scoring, wanted }, _pod, node) {
    return allocationScore(scoring, wanted, node)
  },
})

function textOf(name: string, amount: number): string {
  if (name === 'cpu') return quantityText(makeMilliQuantity(amount))
  return quantityText(makeQuantity(Math.trunc(amount), name.includes('/') ? 'DecimalSI' : 'BinarySI'))
}

/** Statuses are made once for each set of reasons. */
const refusals = new Map<string, Status>()

function refusal({ requests, ignored, devices }: FitState, node: NodeInfo): Status | undefined {
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
  for (const [name, wanted] of requests.scalar ?? []) {
    if (!ignored(name) && !(devices.has(name) && amountOf(node.allocatable, name) === 0)) check(name, wanted)
  }
  if (reasons.length === 0) return undefined
  const key = `${isHopeless} ${reasons.join()}`
  let status = refusals.get(key)
  if (!status) refusals.set(key, (status = isHopeless ? unresolvable(...reasons) : unschedulable(...reasons)))
  return status
}

const NO_DEVICES: ReadonlySet<string> = new Set()

function devicesOf(handle: Handle, { scalar }: Resource): ReadonlySet<string> {
  return scalar ? new Set([...scalar.keys()].filter((name) => classOfResource(handle, name) !== undefined)) : NO_DEVICES
}

const NOTHING_IGNORED = () => false

function ignoredBy({ ignoredResources = [], ignoredResourceGroups = [] }: PluginArgs['NodeResourcesFit']): (name: string) => boolean {
  if (ignoredResources.length + ignoredResourceGroups.length === 0) return NOTHING_IGNORED
  return (name) => name.includes('/') && (ignoredResources.includes(name) || ignoredResourceGroups.includes(name.split('/')[0] ?? ''))
}

/** Made once for each configured strategy. */
const scorings = new WeakMap<ScoringStrategy, Scoring>()

function scoringOf(strategy: ScoringStrategy): Scoring {
  let scoring = scorings.get(strategy)
  if (!scoring) scorings.set(strategy, (scoring = compileStrategy(strategy)))
  return scoring
}

function compileStrategy({ type, resources, requestedToCapacityRatio: ratio }: ScoringStrategy): Scoring {
  if (type === 'MostAllocated') return { resources, score: mostAllocated }
  return type === 'RequestedToCapacityRatio' ? { resources, score: requestedToCapacityRatio(ratio?.shape ?? []), ofRatio: true } : { resources, score: leastAllocated }
}

function freesSomething(pod: PodInfo, event: ClusterEvent): boolean {
  const { action, pod: after, oldPod: before } = event
  if (action === 'delete' || !after || !before) return true
  return asksFor(pod).some((name) => amountOf(podInfoOf(before).effective, name) > amountOf(podInfoOf(after).effective, name))
}

/** A class stands behind something the pod asks for now. */
function givesDevices({ requests }: PodInfo, { object }: ClusterEvent, handle: Handle): boolean {
  return [...(requests.scalar?.keys() ?? [])].some((name) => classOfResource(handle, name)?.metadata.uid === object?.metadata.uid)
}

/** An empty node of this size could take the pod, and it has grown in what the pod asks for. */
function mayFit(pod: PodInfo, { node, oldNode }: ClusterEvent, handle: Handle): boolean {
  if (!node) return false
  const now = allocatableOf(node)
  const devices = devicesOf(handle, pod.requests)
  const names = asksFor(pod).filter((name) => !(devices.has(name) && amountOf(now, name) === 0))
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
