/**
 * Which pods stand behind a Service, on which ports, and since when that is so. Shared by the endpoint and endpoint
 * slice controllers; models k8s.io/endpointslice (utils.go, util/controller_utils.go, util/trigger_time_tracker.go).
 */
import type { Pod, Service, ServicePort } from '../schemas/types.ts'
import { keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { indexLabels, indexSelectors, selectIndexed, selecting } from '../src/controller/label-index.ts'
import { isPodReady, isPodTerminal, readySinceMs } from '../src/controller/pods.ts'
import { setSelectorOf } from '../src/controller/selectors.ts'
import type { KubeObject } from '../src/registry/kind.ts'

export const HEADLESS_LABEL = 'service.kubernetes.io/headless'
export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time'

export const serviceSelector = (service: Service) => setSelectorOf(service.spec.selector)

export function indexServices(ctx: ControllerContext): void {
  indexLabels(ctx.informers, 'v1/Pod')
  indexSelectors<Service>(ctx.informers, 'v1/Service', serviceSelector)
}

/** False for Services whose endpoints someone else keeps, and for those that have none. */
export function hasEndpoints(service: Service): boolean {
  return service.spec.type !== 'ExternalName' && Object.keys(service.spec.selector ?? {}).length > 0
}

export function podsOfService(ctx: ControllerContext, service: Service): Pod[] {
  return selectIndexed<Pod>(ctx.informers, 'v1/Pod', { namespace: service.metadata.namespace ?? '', selector: serviceSelector(service) })
}

/** The `watches` entry for pods: the Services that select the pod, or did. */
export function servicesOfPod(changed: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const pod = changed as Pod
  const old = before as Pod | undefined
  const services = (labels: Pod['metadata']['labels']) =>
    selecting<Service>(ctx.informers, 'v1/Service', { namespace: pod.metadata.namespace ?? '', labels, selector: serviceSelector }).map(keyOf)
  if (!old) return services(pod.metadata.labels)
  const relabelled = pod.metadata.labels !== old.metadata.labels && !semanticEqual(pod.metadata.labels, old.metadata.labels)
  if (!relabelled) return endpointChanged(pod, old) ? services(pod.metadata.labels) : []
  return [...services(pod.metadata.labels), ...services(old.metadata.labels)]
}

function endpointChanged(pod: Pod, old: Pod): boolean {
  if (pod.metadata.deletionTimestamp !== old.metadata.deletionTimestamp) return true
  if (pod.spec !== old.spec && (pod.spec.hostname !== old.spec.hostname || pod.spec.subdomain !== old.spec.subdomain)) return true
  if (pod.status === old.status) return false
  return isPodReady(pod) !== isPodReady(old) || isPodTerminal(pod) !== isPodTerminal(old) || !semanticEqual(pod.status?.podIPs, old.status?.podIPs)
}

export function shouldBeInEndpoints(pod: Pod, includeTerminating: boolean): boolean {
  if (isPodTerminal(pod)) return false
  if (!pod.status?.podIP && !pod.status?.podIPs?.length) return false
  return includeTerminating || !pod.metadata.deletionTimestamp
}

/** The pod's host name, where the Service's DNS gives it one. */
export function hostnameIn(pod: Pod, service: Service): string | undefined {
  return pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? pod.spec.hostname : undefined
}

/** The number that a Service's target port has in this pod; undefined when no container names it. */
export function findPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port
  if (typeof target !== 'string') return target
  const sidecars = pod.spec.initContainers?.filter((c) => c.restartPolicy === 'Always') ?? []
  for (const container of [...(pod.spec.containers ?? []), ...sidecars]) {
    const found = container.ports?.find((p) => p.name === target && (p.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))
    if (found) return found.containerPort
  }
  return undefined
}

export function isIPv6(ip: string): boolean {
  return ip.includes(':')
}

export function isHeadless(service: Service): boolean {
  return service.spec.clusterIP === 'None' || !service.spec.clusterIP
}

/** Remembers for each Service what it was last computed from, to tell what changed first since. */
export class TriggerTimes {
  readonly #known = new Map<Key, { service: number; pods: Map<string, number> }>()

  /** The time of the earliest change since the last call for this Service; undefined when nothing dated has changed. */
  compute(service: Service, pods: readonly Pod[]): string | undefined {
    const key = keyOf(service)
    const last = this.#known.get(key)
    const created = Date.parse(service.metadata.creationTimestamp ?? '') || 0
    const times = new Map<string, number>()
    let first = last && created > last.service ? created : Infinity
    for (const pod of pods) {
      const time = readyTransitionMs(pod)
      if (!time) continue
      times.set(pod.metadata.name ?? '', time)
      if (time > (last?.pods.get(pod.metadata.name ?? '') ?? 0)) first = Math.min(first, time)
    }
    this.#known.set(key, { service: created, pods: times })
    if (!last) first = created
    return Number.isFinite(first) ? new Date(first).toISOString().replace('.000Z', 'Z') : undefined
  }

  forget(key: Key): void {
    this.#known.delete(key)
  }
}

function readyTransitionMs(pod: Pod): number {
  const since = readySinceMs(pod)
  if (since !== undefined) return since
  const ready = pod.status?.conditions?.find((c) => c.type === 'Ready')
  return Date.parse(ready?.lastTransitionTime ?? '') || 0
}

/** Annotations with the trigger time set, or taken away when there is none. */
export function withTriggerTime(annotations: Record<string, string> | undefined, time: string | undefined): Record<string, string> | undefined {
  if (time !== undefined) return { ...annotations, [TRIGGER_TIME]: time }
  if (!annotations || !(TRIGGER_TIME in annotations)) return annotations
  const { [TRIGGER_TIME]: _, ...rest } = annotations
  return rest
}
