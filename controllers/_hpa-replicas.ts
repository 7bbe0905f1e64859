/**
 * How many replicas a metric asks for: use against target, with careful guesses for pods that have no figures yet.
 * Models k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go. All amounts are in thousandths.
 */
import type { Container, Pod } from '../schemas/types.ts'
import { quantityMilliValue } from '../src/apimachinery/quantity.ts'
import { podResources } from '../src/apimachinery/resource-list.ts'
import { isPodReady, podCondition } from '../src/controller/pods.ts'

/** For this long after its start a pod's use of CPU says little. */
const INITIALIZATION_MS = 5 * 60_000
/** A pod that turned unready this soon after its start was never ready. */
const INITIAL_READINESS_MS = 30_000
const MAX_INT32 = 2 ** 31 - 1

/** What one pod used. */
export interface Sample {
  value: number
  atMs: number
  windowMs: number
}

export type Samples = ReadonlyMap<string, Sample>

/** How far use may be off target before anything is done, as parts of one. */
export interface Tolerances {
  down: number
  up: number
}

export interface Proposal {
  replicas: number
  usage: number
  /** In percent of what is requested. */
  utilization?: number
}

/** Why no number of replicas can be told. */
export class ReplicasError extends Error {
  override name = 'ReplicasError'
}

export interface PodsArgs {
  current: number
  tolerances: Tolerances
  pods: readonly Pod[]
  samples: Samples
  /** 'cpu' is looked at with more care for pods that start. */
  resource: string
  nowMs: number
}

/** From the average use in percent of requests. @throws ReplicasError */
export function utilizationReplicas(args: PodsArgs & { container: string; target: number }): Proposal {
  const { pods, container, resource, target } = args
  let requests: ReadonlyMap<string, number> | undefined
  return fromPods(args, (values) => {
    requests ??= new Map(pods.map((pod) => [pod.metadata.name ?? '', requestOf(pod, container, resource)]))
    const missing = (name: string) => Math.trunc(((requests?.get(name) ?? 0) * Math.max(100, target)) / 100)
    return { ...utilizationOf(values, requests, target), missing }
  })
}

function utilizationOf(values: ReadonlyMap<string, number>, requests: ReadonlyMap<string, number>, target: number) {
  const known = [...values].filter(([name]) => requests.has(name))
  const used = sum(known.map(([, value]) => value))
  const requested = sum(known.map(([name]) => requests.get(name) ?? 0))
  if (requested === 0) throw new ReplicasError('no metrics returned matched known pods')
  const utilization = Math.trunc((used * 100) / requested)
  return { ratio: utilization / target, usage: Math.trunc(used / known.length), utilization }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

/** From the average use itself. @throws ReplicasError */
export function averageReplicas(args: PodsArgs & { target: number }): Proposal {
  const { target } = args
  return fromPods(args, (values) => {
    const usage = Math.trunc(sum([...values.values()]) / values.size)
    return { ratio: usage / target, usage, missing: () => target }
  })
}

/** From one value for all: the target is the whole. @throws ReplicasError */
export function valueReplicas({ current, usage, target, tolerances, pods }: { current: number; usage: number; target: number; tolerances: Tolerances; pods: readonly Pod[] }): Proposal {
  const ratio = usage / target
  if (current === 0) return { replicas: Math.ceil(ratio), usage }
  if (isWithin(tolerances, ratio)) return { replicas: current, usage }
  if (pods.length === 0) throw new ReplicasError('unable to calculate ready pods: no pods returned by selector while calculating replica count')
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod)).length
  return { replicas: Math.min(Math.ceil(ratio * ready), MAX_INT32), usage }
}

/** From one value for all: the target is the share of each pod. @param current how many there are */
export function shareReplicas({ current, usage, target, tolerances }: { current: number; usage: number; target: number; tolerances: Tolerances }): Proposal {
  const ratio = usage / (target * current)
  const replicas = isWithin(tolerances, ratio) ? current : Math.min(Math.ceil(usage / target), MAX_INT32)
  return { replicas, usage: Math.ceil(usage / current) }
}

interface Ratio {
  ratio: number
  usage: number
  utilization?: number
  /** What a pod without figures is taken to use where less is used than wanted. */
  missing(name: string): number
}

function fromPods({ current, tolerances, pods, samples, resource, nowMs }: PodsArgs, ratioOf: (values: ReadonlyMap<string, number>) => Ratio): Proposal {
  if (pods.length === 0) throw new ReplicasError('no pods returned by selector while calculating replica count')
  const { ready, unready, missing, ignored } = groupPods(pods, samples, resource, nowMs)
  const values = new Map<string, number>()
  for (const [name, { value }] of samples) if (!ignored.has(name) && !unready.has(name)) values.set(name, value)
  if (values.size === 0) throw new ReplicasError('did not receive metrics for targeted pods (pods might be unready)')
  const { ratio, usage, utilization, missing: guess } = ratioOf(values)
  const proposal = (replicas: number): Proposal => ({ replicas, usage, ...(utilization === undefined ? {} : { utilization }) })
  const withUnready = unready.size > 0 && ratio > 1
  if (!withUnready && missing.size === 0) return proposal(isWithin(tolerances, ratio) ? current : Math.ceil(ratio * ready))
  if (ratio !== 1) for (const name of missing) values.set(name, ratio < 1 ? guess(name) : 0)
  if (withUnready) for (const name of unready) values.set(name, 0)
  const again = ratioOf(values).ratio
  if (isWithin(tolerances, again) || (ratio < 1 && again > 1) || (ratio > 1 && again < 1)) return proposal(current)
  const replicas = Math.ceil(again * values.size)
  return proposal((again < 1 && replicas > current) || (again > 1 && replicas < current) ? current : replicas)
}

const isWithin = ({ down, up }: Tolerances, ratio: number): boolean => 1 - down <= ratio && ratio <= 1 + up

interface Groups {
  ready: number
  /** Names of pods whose figures do not count yet. */
  unready: Set<string>
  /** Names of pods without figures. */
  missing: Set<string>
  /** Names of pods that go. */
  ignored: Set<string>
}

export function groupPods(pods: readonly Pod[], samples: Samples, resource: string, nowMs: number): Groups {
  const groups: Groups = { ready: 0, unready: new Set(), missing: new Set(), ignored: new Set() }
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata
    const sample = samples.get(name)
    if (deletionTimestamp || pod.status?.phase === 'Failed') groups.ignored.add(name)
    else if (pod.status?.phase === 'Pending') groups.unready.add(name)
    else if (!sample) groups.missing.add(name)
    else if (resource === 'cpu' && isStarting(pod, sample, nowMs)) groups.unready.add(name)
    else groups.ready++
  }
  return groups
}

function isStarting(pod: Pod, sample: Sample, nowMs: number): boolean {
  const condition = podCondition(pod, 'Ready')
  const { startTime } = pod.status ?? {}
  if (!condition || !startTime) return true
  const startMs = Date.parse(startTime)
  const sinceMs = Date.parse(condition.lastTransitionTime ?? '')
  if (startMs + INITIALIZATION_MS > nowMs) return condition.status === 'False' || sample.atMs < sinceMs + sample.windowMs
  return condition.status === 'False' && startMs + INITIAL_READINESS_MS > sinceMs
}

/** What a pod, or the one container of it that is named, requests. @throws ReplicasError */
function requestOf(pod: Pod, container: string, resource: string): number {
  const { name = '' } = pod.metadata
  if (container === '' && hasOwnRequests(pod)) {
    const request = podResources(pod, 'requests')[resource]
    if (request === undefined) throw new ReplicasError(`missing pod-level request for ${resource} in Pod ${name}`)
    return quantityMilliValue(request)
  }
  const sidecars = (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === 'Always')
  const all = [...(pod.spec.containers ?? []), ...sidecars]
  const counted = container === '' ? all : all.filter((c) => c.name === container).slice(0, 1)
  if (container !== '' && counted.length === 0) throw new ReplicasError(`container ${container} not found in Pod ${name}`)
  return sum(counted.map((c) => containerRequest(c, resource, name)))
}

function containerRequest(container: Container, resource: string, pod: string): number {
  const request = container.resources?.requests?.[resource]
  if (request === undefined) throw new ReplicasError(`missing request for ${resource} in container ${container.name} of Pod ${pod}`)
  return quantityMilliValue(request)
}

function hasOwnRequests({ spec }: Pod): boolean {
  return Object.keys(spec.resources?.requests ?? {}).some((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'))
}
