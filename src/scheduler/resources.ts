/**
 * Resource lists as plain numbers: cpu in thousandths, everything else in whole units, so that filters and scores compare
 * without parsing. Models framework.Resource and k8s.io/component-helpers/resource.PodRequests.
 */
import type { Container, ContainerStatus, Pod } from '../../schemas/types.ts'
import { quantityMilliValue, quantityValue } from '../apimachinery/quantity.ts'

type ResourceList = Readonly<Record<string, string>>

export interface Resource {
  milliCPU: number
  memory: number
  ephemeralStorage: number
  /** Nodes only. */
  allowedPods: number
  /** Extended resources and huge pages; absent when there are none. */
  scalar: Map<string, number> | undefined
}

/** What a container that asks for nothing counts as where every pod should weigh something. */
export const DEFAULT_MILLI_CPU = 100
export const DEFAULT_MEMORY = 200 * 1024 * 1024

export function emptyResource(): Resource {
  return { milliCPU: 0, memory: 0, ephemeralStorage: 0, allowedPods: 0, scalar: undefined }
}

export function resourceOf(list: ResourceList | undefined): Resource {
  const resource = emptyResource()
  addList(resource, list)
  return resource
}

export function cloneResource(r: Resource): Resource {
  return { ...r, scalar: r.scalar && new Map(r.scalar) }
}

export function amountOf(resource: Resource, name: string): number {
  if (name === 'cpu') return resource.milliCPU
  if (name === 'memory') return resource.memory
  if (name === 'ephemeral-storage') return resource.ephemeralStorage
  return resource.scalar?.get(name) ?? 0
}

/** Anything but the resources every node has: extended resources, huge pages, attachable volumes. */
export function isScalarResource(name: string): boolean {
  return name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage' && name !== 'pods'
}

function addList(to: Resource, list: ResourceList | undefined): void {
  if (!list) return
  for (const name in list) {
    const text = list[name]
    if (text === undefined) continue
    if (name === 'cpu') to.milliCPU += quantityMilliValue(text)
    else if (name === 'memory') to.memory += quantityValue(text)
    else if (name === 'ephemeral-storage') to.ephemeralStorage += quantityValue(text)
    else if (name === 'pods') to.allowedPods += quantityValue(text)
    else (to.scalar ??= new Map()).set(name, (to.scalar.get(name) ?? 0) + quantityValue(text))
  }
}

export function addResource(to: Resource, other: Resource, sign: 1 | -1 = 1): void {
  to.milliCPU += sign * other.milliCPU
  to.memory += sign * other.memory
  to.ephemeralStorage += sign * other.ephemeralStorage
  if (!other.scalar) return
  const scalar = (to.scalar ??= new Map<string, number>())
  for (const [name, value] of other.scalar) scalar.set(name, (scalar.get(name) ?? 0) + sign * value)
}

function raiseTo(to: Resource, other: Resource): void {
  to.milliCPU = Math.max(to.milliCPU, other.milliCPU)
  to.memory = Math.max(to.memory, other.memory)
  to.ephemeralStorage = Math.max(to.ephemeralStorage, other.ephemeralStorage)
  if (!other.scalar) return
  const scalar = (to.scalar ??= new Map<string, number>())
  for (const [name, value] of other.scalar) scalar.set(name, Math.max(scalar.get(name) ?? 0, value))
}

export interface RequestOptions {
  /** Containers that do not name cpu or memory count as the defaults. */
  nonZero?: boolean
  /** Of a pod that is being resized the larger of what was asked, allotted and put into effect counts. */
  useStatus?: boolean
}

export function podRequests(pod: Pod, options: RequestOptions = {}): Resource {
  const { containers = [], initContainers, overhead, resources } = pod.spec
  const total = emptyResource()
  const statuses = options.useStatus ? pod.status?.containerStatuses : undefined
  for (const container of containers) addResource(total, containerRequests(container, statuses, options))
  if (initContainers?.length) raiseTo(total, initRequests(pod, total, options))
  if (resources?.requests) overrideWith(total, resources.requests)
  if (overhead) addList(total, overhead)
  return total
}

/** Sidecars add to `total` as they go; each init container runs beside the sidecars before it. */
function initRequests(pod: Pod, total: Resource, options: RequestOptions): Resource {
  const peak = emptyResource()
  const sidecars = emptyResource()
  for (const container of pod.spec.initContainers ?? []) {
    const isSidecar = container.restartPolicy === 'Always'
    const own = containerRequests(container, isSidecar && options.useStatus ? pod.status?.initContainerStatuses : undefined, options)
    if (isSidecar) {
      addResource(total, own)
      addResource(sidecars, own)
      raiseTo(peak, sidecars)
    } else {
      addResource(own, sidecars)
      raiseTo(peak, own)
    }
  }
  return peak
}

function containerRequests(container: Container, statuses: readonly ContainerStatus[] | undefined, { nonZero }: RequestOptions): Resource {
  const requests = container.resources?.requests
  const own = resourceOf(requests)
  const status = statuses?.find((s) => s.name === container.name)
  if (status?.resources?.requests) raiseTo(own, resourceOf(status.resources.requests))
  if (status?.allocatedResources) raiseTo(own, resourceOf(status.allocatedResources))
  if (nonZero && requests?.cpu === undefined) own.milliCPU += DEFAULT_MILLI_CPU
  if (nonZero && requests?.memory === undefined) own.memory += DEFAULT_MEMORY
  return own
}

/** Requests of the pod as a whole replace the sums of its containers'. */
function overrideWith(total: Resource, list: ResourceList): void {
  const whole = resourceOf(list)
  if (list.cpu !== undefined) total.milliCPU = whole.milliCPU
  if (list.memory !== undefined) total.memory = whole.memory
  for (const [name, value] of whole.scalar ?? []) if (name.startsWith('hugepages-')) (total.scalar ??= new Map()).set(name, value)
}
