/**
 * What an object counts for in ResourceQuotas, and which quotas it concerns. Pure, so that admission and the controller
 * agree. Models k8s.io/kubernetes/pkg/quota/v1/evaluator/core and k8s.io/apiserver/pkg/quota/v1/generic.
 */
import type { PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceClaim, ResourceQuota, ScopedResourceSelectorRequirement, Service } from '../../schemas/types.ts'
import { compareQuantities, isZeroQuantity, makeQuantity, scaledValue, type QuantityLike } from './quantity.ts'
import { addLists, maxLists, podResources, type ResourceList } from './resource-list.ts'
import { isQualifiedName } from './validation.ts'

type KubeObject = { metadata: { namespace?: string } }

const CLASS_SUFFIX = '.storageclass.storage.k8s.io/'
const CLAIMS = 'resourceclaims.resource.k8s.io'
const DEVICES_SUFFIX = '.deviceclass.resource.k8s.io/devices'
const DEVICE_CLASS_PREFIX = 'deviceclass.resource.kubernetes.io/'
/** A claim for all devices may get this many. */
const MAX_DEVICES = 32
const COMPUTE = ['cpu', 'memory', 'ephemeral-storage']
const COUNTED_BY_NAME = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas'])

/** `pods`, `deployments.apps` */
export type Resource = string

const one = makeQuantity(1)
const zero = makeQuantity(0)

export function countName(resource: Resource): string {
  return `count/${resource}`
}

/** What one object uses of everything that can be limited. */
export function usageOf(resource: Resource, object: KubeObject, nowMs: number): ResourceList {
  const counted: ResourceList = { [countName(resource)]: one }
  if (resource === 'pods') return { ...counted, ...podUsage(object as Pod, nowMs) }
  if (resource === 'services') return { ...counted, ...serviceUsage(object as Service) }
  if (resource === 'persistentvolumeclaims') return { ...counted, ...claimUsage(object as PersistentVolumeClaim) }
  if (resource === CLAIMS) return { ...counted, ...deviceUsage(object as ResourceClaim) }
  return COUNTED_BY_NAME.has(resource) ? { ...counted, [resource]: one } : counted
}

/** Which of the limited names objects of this resource count for. */
export function matchingNames(resource: Resource, names: readonly string[]): string[] {
  return names.filter((name) => {
    if (name === countName(resource)) return true
    if (resource === 'pods') return isPodName(name)
    if (resource === 'services') return name === 'services' || name === 'services.nodeports' || name === 'services.loadbalancers'
    if (resource === 'persistentvolumeclaims') return ['persistentvolumeclaims', 'requests.storage'].some((n) => name === n || name.endsWith(CLASS_SUFFIX + n))
    if (resource === CLAIMS) return name.endsWith(DEVICES_SUFFIX)
    return COUNTED_BY_NAME.has(resource) && name === resource
  })
}

/** The resource whose objects a limited name counts. */
export function resourceOfName(name: string): Resource | undefined {
  if (name.startsWith('count/')) return name.slice('count/'.length)
  if (isPodName(name)) return 'pods'
  if (name === 'services' || name.startsWith('services.')) return 'services'
  if (matchingNames('persistentvolumeclaims', [name]).length > 0) return 'persistentvolumeclaims'
  if (name.endsWith(DEVICES_SUFFIX)) return CLAIMS
  return COUNTED_BY_NAME.has(name) ? name : undefined
}

function isPodName(name: string): boolean {
  if (name === 'pods' || COMPUTE.includes(name) || COMPUTE.some((n) => name === `requests.${n}` || name === `limits.${n}`)) return true
  if (name.startsWith('hugepages-') || name.startsWith('requests.hugepages-')) return true
  // Extended resources: requests.example.com/gpu.
  return name.startsWith('requests.') && (!isNative(name) || name.startsWith(`requests.${DEVICE_CLASS_PREFIX}`))
}

function isNative(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/')
}

export function isExtended(name: string): boolean {
  if (name.startsWith(DEVICE_CLASS_PREFIX)) return true
  return !isNative(name) && !name.startsWith('requests.') && isQualifiedName(`requests.${name}`).length === 0
}

/** Pods that are over, or should be gone by now, only count as objects. */
export function countsForQuota(pod: Pod, nowMs: number): boolean {
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') return false
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
  return !(deletionTimestamp && deletionGracePeriodSeconds !== undefined && nowMs > Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000)
}

function podUsage(pod: Pod, nowMs: number): ResourceList {
  if (!countsForQuota(pod, nowMs)) return {}
  const usage: ResourceList = { pods: one }
  for (const [name, q] of Object.entries(podResources(pod, 'requests', { withActual: true }))) {
    if (COMPUTE.includes(name) || name.startsWith('hugepages-')) usage[name] = q
    if (COMPUTE.includes(name) || name.startsWith('hugepages-') || isExtended(name)) usage[`requests.${name}`] = q
  }
  for (const [name, q] of Object.entries(podResources(pod, 'limits', { withActual: true }))) if (COMPUTE.includes(name)) usage[`limits.${name}`] = q
  return usage
}

function serviceUsage({ spec }: Service): ResourceList {
  const { type, ports = [], allocateLoadBalancerNodePorts } = spec
  const balanced = type === 'LoadBalancer'
  const open = balanced && allocateLoadBalancerNodePorts === false ? ports.filter((p) => p.nodePort).length : balanced || type === 'NodePort' ? ports.length : 0
  return { services: one, 'services.loadbalancers': balanced ? one : zero, 'services.nodeports': makeQuantity(open) }
}

function claimUsage(claim: PersistentVolumeClaim): ResourceList {
  const className = claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec.storageClassName
  const storage = storageOf(claim)
  const usage: ResourceList = { persistentvolumeclaims: one, ...(storage === undefined ? {} : { 'requests.storage': storage }) }
  if (className) for (const [name, q] of Object.entries({ ...usage })) usage[className + CLASS_SUFFIX + name] = q
  return usage
}

/** In whole bytes; what was allocated while it is more than what is asked for. */
function storageOf({ spec, status }: PersistentVolumeClaim): QuantityLike | undefined {
  const asked = spec.resources?.requests?.storage
  if (asked === undefined) return undefined
  const allocated = status?.allocatedResources?.storage
  const storage = allocated !== undefined && compareQuantities(allocated, asked) > 0 ? allocated : asked
  const whole = makeQuantity(scaledValue(storage, 0))
  return compareQuantities(whole, storage) === 0 ? storage : whole
}

/** By device class; of alternatives the most that could be taken. */
function deviceUsage({ spec }: ResourceClaim): ResourceList {
  let usage: ResourceList = {}
  for (const { exactly, firstAvailable = [] } of spec.devices?.requests ?? []) {
    const requests = firstAvailable.length > 0 ? firstAvailable : exactly ? [exactly] : []
    const lists = requests.map(({ deviceClassName = '', allocationMode, count = 0 }): ResourceList => {
      const devices = allocationMode === 'All' ? MAX_DEVICES : allocationMode === 'ExactCount' ? count : 0
      return { [deviceClassName + DEVICES_SUFFIX]: makeQuantity(devices) }
    })
    usage = addLists(usage, lists.reduce(maxLists, {}))
  }
  return usage
}

/** The scopes of a quota in one form. */
export function scopesOf(quota: ResourceQuota): ScopedResourceSelectorRequirement[] {
  return [...(quota.spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })), ...(quota.spec.scopeSelector?.matchExpressions ?? [])]
}

export function matchesScopes(resource: Resource, object: KubeObject, scopes: readonly ScopedResourceSelectorRequirement[]): boolean {
  return scopes.every((scope) => matchesScope(resource, object, scope))
}

export function matchesScope(resource: Resource, object: KubeObject, scope: ScopedResourceSelectorRequirement): boolean {
  if (resource === 'persistentvolumeclaims') return scope.scopeName === 'VolumeAttributesClass' && matchesAnyClass(object as PersistentVolumeClaim, scope)
  if (resource !== 'pods') return false
  const pod = object as Pod
  if (scope.scopeName === 'Terminating') return isTerminating(pod)
  if (scope.scopeName === 'NotTerminating') return !isTerminating(pod)
  if (scope.scopeName === 'BestEffort') return isBestEffort(pod)
  if (scope.scopeName === 'NotBestEffort') return !isBestEffort(pod)
  if (scope.scopeName === 'PriorityClass') return matchesValue(pod.spec.priorityClassName, scope)
  return scope.scopeName === 'CrossNamespacePodAffinity' && usesOtherNamespaces(pod)
}

function matchesValue(value: string | undefined, { operator, values = [] }: ScopedResourceSelectorRequirement): boolean {
  if (operator === 'Exists') return Boolean(value)
  if (operator === 'DoesNotExist') return !value
  if (operator === 'In') return Boolean(value) && values.includes(value ?? '')
  return operator === 'NotIn' && !(value && values.includes(value))
}

function matchesAnyClass(claim: PersistentVolumeClaim, scope: ScopedResourceSelectorRequirement): boolean {
  const names = [claim.spec.volumeAttributesClassName, claim.status?.currentVolumeAttributesClassName, claim.status?.modifyVolumeStatus?.targetVolumeAttributesClassName].filter(Boolean)
  return names.length === 0 ? matchesValue(undefined, scope) : names.some((name) => matchesValue(name, scope))
}

export function isTerminating(pod: Pod): boolean {
  return pod.spec.activeDeadlineSeconds !== undefined && pod.spec.activeDeadlineSeconds >= 0
}

function isBestEffort(pod: Pod): boolean {
  if (pod.status?.qosClass) return pod.status.qosClass === 'BestEffort'
  const asks = (list: Record<string, string> | undefined) => Object.entries(list ?? {}).some(([name, q]) => (name === 'cpu' || name === 'memory') && !isZeroQuantity(q))
  return ![...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? []), { resources: pod.spec.resources }].some((c) => asks(c.resources?.requests) || asks(c.resources?.limits))
}

function usesOtherNamespaces({ spec }: Pod): boolean {
  const far = (term: PodAffinityTerm | undefined) => Boolean(term?.namespaces?.length) || term?.namespaceSelector !== undefined
  return [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity].some(
    (a) => a?.requiredDuringSchedulingIgnoredDuringExecution?.some(far) || a?.preferredDuringSchedulingIgnoredDuringExecution?.some((t) => far(t.podAffinityTerm)),
  )
}

/** What objects of one resource use together of the names that the quota limits; each of these is there, if with zero. */
export function usageUnder(quota: ResourceQuota, resource: Resource, { objects, nowMs }: { objects: readonly KubeObject[]; nowMs: number }): ResourceList {
  const names = matchingNames(resource, Object.keys(quota.spec.hard ?? {}))
  const scopes = scopesOf(quota)
  let used: ResourceList = Object.fromEntries(names.map((name) => [name, zero]))
  for (const object of objects) {
    if (!matchesScopes(resource, object, scopes)) continue
    const all = usageOf(resource, object, nowMs)
    const limited: ResourceList = {}
    for (const name of names) if (all[name] !== undefined) limited[name] = all[name]
    used = addLists(used, limited)
  }
  return used
}
