/**
 * What a node has granted a pod of the resources it wants, and what becomes of a wish to have others.
 * Models pkg/kubelet/allocation and the resize conditions of pkg/kubelet/status, in their words.
 */
import type { Container, Pod, PodCondition, ResourceRequirements } from '../../schemas/types.ts'
import { compareQuantities } from '../apimachinery/quantity.ts'
import { listText, podResources } from '../apimachinery/resource-list.ts'
import type { Rejection } from './pod-admission.ts'

interface ResizeState {
  reason?: string
  message?: string
  generation: number
  sinceTime: string
}

export interface AllocationEvents {
  pod(pod: Pod, event: { type: 'Normal' | 'Warning'; reason: string; message: string }): void
}

export class Allocation {
  readonly #events: AllocationEvents
  #pod: Pod
  #pending: ResizeState | undefined
  #inProgress: ResizeState | undefined

  /** A pod that is taken up again has what its status tells. */
  constructor(pod: Pod, events: AllocationEvents) {
    this.#events = events
    this.#pod = restored(pod)
    this.#pending = stateOf(pod, 'PodResizePending')
    this.#inProgress = stateOf(pod, 'PodResizeInProgress')
  }

  /** The pod with what was granted. */
  get pod(): Pod {
    return this.#pod
  }

  get isInProgress(): boolean {
    return this.#inProgress !== undefined && this.#inProgress.reason === undefined
  }

  get isPending(): boolean {
    return this.#pending !== undefined
  }

  /** The pod has changed, or there may be room now. */
  follow(pod: Pod, reject: (pod: Pod) => Rejection | undefined, now: string): void {
    const granted = withResources(pod, this.#pod)
    if (granted === pod) {
      this.#pending = undefined
      this.#pod = pod
      return
    }
    const { generation = 0 } = pod.metadata
    const rejection = reject(pod)
    if (!rejection) {
      this.#pending = undefined
      this.#pod = pod
      this.#inProgress = { generation, sinceTime: now }
      this.#tell('Normal', 'ResizeStarted', `Pod resize started: ${summary(pod, generation)}`)
      return
    }
    this.#pod = granted
    const reason = rejection.reason === 'Infeasible' ? 'Infeasible' : 'Deferred'
    const before = this.#pending
    this.#pending = { reason, message: rejection.message, generation, sinceTime: before?.reason === reason ? before.sinceTime : now }
    if (before?.reason === reason && before.generation === generation) return
    this.#events.pod(pod, { type: 'Warning', reason: `Resize${reason}`, message: `Pod resize ${rejection.reason}: ${summary(pod, generation, rejection.message)}` })
  }

  /** All containers have what was granted. */
  completed(): void {
    if (!this.#inProgress) return
    const { generation } = this.#inProgress
    this.#inProgress = undefined
    this.#tell('Normal', 'ResizeCompleted', `Pod resize completed: ${summary(this.#pod, generation)}`)
  }

  failed(message: string, now: string): void {
    const { generation = 0 } = this.#pod.metadata
    const before = this.#inProgress ?? { generation, sinceTime: now }
    if (before.message === message) return
    this.#inProgress = { reason: 'Error', message, generation: before.generation, sinceTime: before.reason === 'Error' ? before.sinceTime : now }
    this.#tell('Warning', 'ResizeError', `Pod resize error: ${summary(this.#pod, before.generation, message)}`)
  }

  conditions(): PodCondition[] {
    const told = (type: string, state: ResizeState | undefined): PodCondition[] =>
      state ? [{ type, status: 'True', lastProbeTime: state.sinceTime, lastTransitionTime: state.sinceTime, observedGeneration: state.generation, ...(state.reason ? { reason: state.reason, message: state.message } : {}) }] : []
    return [...told('PodResizePending', this.#pending), ...told('PodResizeInProgress', this.#inProgress)]
  }

  #tell(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#events.pod(this.#pod, { type, reason, message })
  }
}

function stateOf({ status }: Pod, type: string): ResizeState | undefined {
  const found = status?.conditions?.find((c) => c.type === type)
  if (!found) return undefined
  const { reason, message, observedGeneration = 0, lastTransitionTime = '' } = found
  return { generation: observedGeneration, sinceTime: lastTransitionTime, ...(reason ? { reason, message } : {}) }
}

/** As JSON in the order in which Go writes it. */
function summary({ spec }: Pod, generation: number, error?: string): string {
  const told = (containers: readonly Container[] | undefined) => containers?.map(({ name, resources = {} }) => ({ name, resources: { ...ordered('limits', resources.limits), ...ordered('requests', resources.requests), ...(resources.claims ? { claims: resources.claims } : {}) } }))
  return JSON.stringify({ ...(spec.initContainers?.length ? { initContainers: told(spec.initContainers) } : {}), containers: told(spec.containers), generation, ...(error ? { error } : {}) })
}

function ordered(key: string, list: Readonly<Record<string, string>> | undefined): object {
  if (!list || Object.keys(list).length === 0) return {}
  return { [key]: Object.fromEntries(Object.entries(list).sort(([a], [b]) => (a < b ? -1 : 1))) }
}

const RESIZABLE = ['cpu', 'memory'] as const

/** Whether processor time and memory are the same. */
export function sameResources(a: ResourceRequirements = {}, b: ResourceRequirements = {}): boolean {
  return (['requests', 'limits'] as const).every((of) => RESIZABLE.every((name) => sameQuantity(a[of]?.[name], b[of]?.[name])))
}

function sameQuantity(a: string | undefined, b: string | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && compareQuantities(a, b) === 0)
}

/** `pod` with the resources of `granted`; itself when they are the same. */
function withResources(pod: Pod, granted: Pod): Pod {
  const replaced = (own: readonly Container[] | undefined, theirs: readonly Container[] | undefined) =>
    own?.map((c) => {
      const had = theirs?.find((g) => g.name === c.name)
      return !had || sameResources(c.resources, had.resources) ? c : { ...c, resources: had.resources }
    })
  const containers = replaced(pod.spec.containers, granted.spec.containers)
  const initContainers = replaced(pod.spec.initContainers, granted.spec.initContainers)
  const isSame = [...(containers ?? []), ...(initContainers ?? [])].every((c) => pod.spec.containers?.includes(c) || pod.spec.initContainers?.includes(c))
  if (isSame && sameResources(pod.spec.resources, granted.spec.resources)) return pod
  return { ...pod, spec: { ...pod.spec, ...(containers ? { containers } : {}), ...(initContainers ? { initContainers } : {}), resources: granted.spec.resources } }
}

/** What a status tells of granted requests and of limits that are in force. */
function restored(pod: Pod): Pod {
  if (!pod.status?.conditions?.some((c) => c.type === 'PodResizePending')) return pod
  const statuses = [...(pod.status.containerStatuses ?? []), ...(pod.status.initContainerStatuses ?? [])]
  const had = (containers: readonly Container[] | undefined) =>
    containers?.map((c) => {
      const status = statuses.find((s) => s.name === c.name)
      return status?.resources ? { ...c, resources: { ...status.resources, ...(status.allocatedResources ? { requests: status.allocatedResources } : {}) } } : c
    })
  const { containers, initContainers, resources } = pod.spec
  return { ...pod, spec: { ...pod.spec, containers: had(containers), ...(initContainers ? { initContainers: had(initContainers) } : {}), ...(resources && pod.status.resources ? { resources: pod.status.resources } : {}) } }
}

/** How a container gets from the resources it has to those that were granted. */
export function resizeOf({ resources, resizePolicy = [] }: Container, actual: ResourceRequirements | undefined): 'nothing' | 'update' | 'restart' {
  if (sameResources(resources, actual)) return 'nothing'
  const changed = RESIZABLE.filter((name) => (['requests', 'limits'] as const).some((of) => !sameQuantity(resources?.[of]?.[name], actual?.[of]?.[name])))
  return changed.some((name) => resizePolicy.some((p) => p.resourceName === name && p.restartPolicy === 'RestartContainer')) ? 'restart' : 'update'
}

/** A container's own limit, else that of its pod. */
export function effectiveResources({ spec }: Pod, { resources = {} }: Container): ResourceRequirements {
  const ofPod = spec.resources?.limits
  if (!ofPod) return resources
  const limits = { ...resources.limits }
  for (const name of RESIZABLE) if (limits[name] === undefined && ofPod[name] !== undefined) limits[name] = ofPod[name]
  return { ...resources, limits }
}

/** What the pod's own control group has: limits only where all containers have one. */
export function podLevelResources(pod: Pod): { requests: Record<string, string>; limits: Record<string, string> } {
  const requests = listText(podResources(pod, 'requests'))
  const limits = listText(podResources(pod, 'limits'))
  const all = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])]
  for (const name of Object.keys(limits)) if (pod.spec.resources?.limits?.[name] === undefined && !all.every((c) => c.resources?.limits?.[name] !== undefined)) delete limits[name]
  return { requests, limits }
}
