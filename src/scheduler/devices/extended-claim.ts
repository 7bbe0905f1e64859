/**
 * The claim that the scheduler makes for a pod whose extended resources are devices: what it asks for on a node, and which
 * request serves which container. Models extendeddynamicresources.go of pkg/scheduler/framework/plugins/dynamicresources.
 */
import type { Container, ContainerExtendedResourceRequest, DeviceRequest, PodSpec, ResourceClaim } from '../../../schemas/types.ts'
import { quantityValue } from '../../apimachinery/quantity.ts'
import { controllerOf } from '../../controller/owners.ts'
import type { Handle } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import type { PodInfo } from '../pod-info.ts'
import { classOfResource, mayBeDevices } from './class-of-resource.ts'

const ANNOTATION = 'resource.kubernetes.io/extended-resource-claim'

export interface ExtendedNeeds {
  /** What an earlier attempt left behind: it has to go before there can be another. */
  left: ResourceClaim | undefined
  /** By the name of the resource. */
  amounts: ReadonlyMap<string, number>
  /** Classes of those that a class stands behind. */
  classes: ReadonlyMap<string, string>
}

export interface NodeClaim {
  claim: ResourceClaim
  mappings: readonly ContainerExtendedResourceRequest[]
}

/** Undefined when no device class stands behind anything the pod asks for. */
export function extendedNeedsOf(handle: Handle, pod: PodInfo): ExtendedNeeds | undefined {
  const amounts = new Map([...(pod.requests.scalar ?? [])].filter(([name, amount]) => amount > 0 && mayBeDevices(name)))
  const classes = new Map<string, string>()
  for (const name of amounts.keys()) {
    const deviceClass = classOfResource(handle, name)
    if (deviceClass) classes.set(name, deviceClass.metadata.name ?? '')
  }
  if (classes.size === 0) return undefined
  const claims = handle.informers.lister<ResourceClaim>('resource.k8s.io/v1/ResourceClaim').list(pod.namespace)
  const left = claims.find((claim) => claim.metadata.annotations?.[ANNOTATION] === 'true' && controllerOf(claim)?.uid === pod.uid)
  return { left, amounts, classes }
}

/** Names of the resources that the node has no other way to give; undefined when it cannot give one of them at all. */
export function neededOn({ amounts, classes }: ExtendedNeeds, { allocatable }: NodeInfo): string[] | undefined {
  const needed: string[] = []
  for (const name of amounts.keys()) {
    const there = allocatable.scalar?.get(name)
    if (classes.has(name) && !there) needed.push(name)
    else if (there === undefined) return undefined
  }
  return needed.sort()
}

/** @param uid by which it is known until it is written */
export function claimFor({ pod, namespace, name, uid: podUid }: PodInfo, { needed, classes, uid }: { needed: readonly string[]; classes: ReadonlyMap<string, string>; uid: string }): NodeClaim {
  const asked = needed.map((resource) => requestsFor(pod.spec, resource, classes.get(resource) ?? ''))
  const requests = asked.flatMap((a) => a.requests).sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1))
  const metadata = {
    namespace,
    uid,
    generateName: `${name}-extended-resources-`,
    annotations: { [ANNOTATION]: 'true' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: podUid, controller: true }],
  }
  return { claim: { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata, spec: { devices: { requests } } }, mappings: asked.flatMap((a) => a.mappings) }
}

interface Asked {
  request?: DeviceRequest
  mappings: ContainerExtendedResourceRequest[]
}

/** Init containers that end use what later containers will have, and share what they need beyond it. */
function requestsFor({ initContainers = [], containers = [] }: PodSpec, resource: string, className: string): { requests: DeviceRequest[]; mappings: ContainerExtendedResourceRequest[] } {
  const all = [...initContainers, ...containers]
  const ends = (i: number) => i < initContainers.length && all[i]?.restartPolicy !== 'Always'
  const lasting = all.map((container, i): Asked => (ends(i) ? { mappings: [] } : ask({ container, i, resource, className }, [])))
  const passing = all.flatMap((container, i) => {
    const reusable = lasting.slice(i).flatMap(({ request }) => request ?? [])
    return ends(i) ? [ask({ container, i, resource, className }, reusable)] : []
  })
  const most = passing.reduce<DeviceRequest | undefined>((best, { request }) => (request && (!best || countOf(best) < countOf(request)) ? request : best), undefined)
  const shared = new Set(passing.flatMap(({ request }) => request?.name ?? []))
  const mapped = passing.flatMap(({ mappings }) => mappings).map((m) => (most && shared.has(m.requestName ?? '') ? { ...m, requestName: most.name } : m))
  return { requests: [...(most ? [most] : []), ...lasting.flatMap(({ request }) => request ?? [])], mappings: [...lasting.flatMap(({ mappings }) => mappings), ...mapped] }
}

function ask({ container, i, resource, className }: { container: Container; i: number; resource: string; className: string }, reusable: readonly DeviceRequest[]): Asked {
  const requests = container.resources?.requests ?? {}
  const wanted = quantityValue(requests[resource] ?? '0')
  const mappings: ContainerExtendedResourceRequest[] = []
  const map = (requestName: string | undefined) => mappings.push({ containerName: container.name, resourceName: resource, requestName })
  let covered = 0
  for (const request of reusable) {
    if (covered >= wanted) break
    covered += countOf(request)
    map(request.name)
  }
  if (covered >= wanted) return { mappings }
  const name = `container-${i}-request-${Object.keys(requests).sort().indexOf(resource)}`
  map(name)
  return { request: { name, exactly: { deviceClassName: className, allocationMode: 'ExactCount', count: wanted - covered } }, mappings }
}

function countOf({ exactly }: DeviceRequest): number {
  return exactly?.count ?? 0
}
