/**
 * What a pod's containers ask for together, and the QoS class that follows.
 * Models k8s.io/component-helpers/resource and k8s.io/kubernetes/pkg/apis/core/helper/qos.
 */
import type { Pod, PodSpec } from '../../../schemas/types.ts'
import { addQuantities, compareQuantities, quantitySign, quantityText } from '../../../src/apimachinery/quantity.ts'
import { isHugePageResource } from './_resource-names.ts'

export type ResourceList = Record<string, string>

/** What a pod as a whole may ask for. */
export function isPodLevelResource(name: string): boolean {
  return name === 'cpu' || name === 'memory' || isHugePageResource(name)
}

/**
 * Containers add up; an init container counts where it asks for more than they do, together with the sidecars started
 * before it; sidecars add to both.
 */
export function aggregateContainerResources(spec: PodSpec, kind: 'requests' | 'limits'): ResourceList {
  const total: ResourceList = {}
  for (const c of spec.containers ?? []) addTo(total, c.resources?.[kind])
  const sidecars: ResourceList = {}
  const initial: ResourceList = {}
  for (const c of spec.initContainers ?? []) {
    const own = c.resources?.[kind]
    if (c.restartPolicy === 'Always') {
      addTo(total, own)
      addTo(sidecars, own)
      raiseTo(initial, sidecars)
    } else {
      const together = { ...own }
      addTo(together, sidecars)
      raiseTo(initial, together)
    }
  }
  raiseTo(total, initial)
  return total
}

function addTo(list: ResourceList, more: ResourceList | undefined): void {
  for (const name in more) {
    const value = more[name] ?? '0'
    const before = list[name]
    list[name] = before === undefined ? value : quantityText(addQuantities(before, value))
  }
}

function raiseTo(list: ResourceList, other: ResourceList): void {
  for (const name in other) {
    const value = other[name] ?? '0'
    const before = list[name]
    if (before === undefined || compareQuantities(value, before) > 0) list[name] = value
  }
}

/** Guaranteed, Burstable or BestEffort; init containers count like the others. */
export function computePodQOS(pod: Pod): string {
  const requests: ResourceList = {}
  const limits: ResourceList = {}
  let isGuaranteed = true
  const own = pod.spec.resources
  const parts = own ? [own] : [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].map((c) => c.resources ?? {})
  for (const part of parts) {
    addComputed(requests, part.requests)
    const found = addComputed(limits, part.limits)
    if (found < 2) isGuaranteed = false
  }
  const names = Object.keys(requests)
  if (names.length === 0 && Object.keys(limits).length === 0) return 'BestEffort'
  const isEqual = names.length === Object.keys(limits).length && names.every((n) => limits[n] !== undefined && compareQuantities(limits[n], requests[n] ?? '0') === 0)
  return isGuaranteed && isEqual ? 'Guaranteed' : 'Burstable'
}

/** Adds the cpu and memory that are above zero; tells how many were. */
function addComputed(list: ResourceList, more: ResourceList | undefined): number {
  let found = 0
  for (const name of ['cpu', 'memory']) {
    const value = more?.[name]
    if (value === undefined || quantitySign(value) <= 0) continue
    found++
    addTo(list, { [name]: value })
  }
  return found
}
