/**
 * Keeps the Endpoints of Services that select pods: addresses by ready and port, at most 1,000.
 * Models k8s.io/kubernetes/pkg/controller/endpoint.
 */
import type { EndpointAddress, EndpointSubset, Endpoints, Pod, Service } from '../schemas/types.ts'
import { defineController, keyOf, splitKey, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { isNamespaceTerminating, messageOf } from '../src/controller/pod-control.ts'
import { isPodReady } from '../src/controller/pods.ts'
import { perCluster } from '../src/controller/state.ts'
import { isStatusError } from '../src/errors.ts'
import { HEADLESS_LABEL, TriggerTimes, findPort, hasEndpoints, hostnameIn, indexServices, isHeadless, isIPv6, podsOfService, servicesOfPod, shouldBeInEndpoints, withTriggerTime } from './_endpoint-pods.ts'
import { SubsetPacker, subsetOf } from './_endpoint-subsets.ts'

const KIND = 'v1/Endpoints'
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by'
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity'
const MAX_ADDRESSES = 1000

const triggers = perCluster(() => new TriggerTimes())

export default defineController<Service>({
  name: 'endpoints',
  component: 'endpoint-controller',
  user: 'system:serviceaccount:kube-system:endpoint-controller',
  for: 'v1/Service',
  watches: { 'v1/Pod': servicesOfPod, [KIND]: (endpoints): readonly Key[] => [keyOf(endpoints)] },
  setup: indexServices,
  reconcile,
  deleted,
})

async function deleted(key: Key, ctx: ControllerContext): Promise<void> {
  triggers(ctx).forget(key)
  const { namespace, name } = splitKey(key)
  const left = ctx.informers.lister<Endpoints>(KIND).get(namespace, name)
  if (!left || left.metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined) return
  try {
    await ctx.client.delete(KIND, { namespace, name })
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}

/** @param current what there is, undefined for none. Answers undefined when that is right already. */
export function plan(service: Service, pods: readonly Pod[], { current, time }: { current: Endpoints | undefined; time: string | undefined }): Endpoints | undefined {
  const whole = subsetsOf(service, pods)
  const subsets = truncate(whole)
  const labels = { ...service.metadata.labels }
  delete labels[HEADLESS_LABEL]
  const wantedLabels = { ...labels, ...(isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}), [MANAGED_BY]: 'endpoint-controller' }
  const isTruncated = subsets !== whole
  const annotations = { ...withTriggerTime(current?.metadata.annotations, time) }
  if (isTruncated) annotations[OVER_CAPACITY] = 'truncated'
  else delete annotations[OVER_CAPACITY]
  if (current) {
    const { [HEADLESS_LABEL]: _, ...currentLabels } = current.metadata.labels ?? {}
    const labelsRight = semanticEqual(currentLabels, { ...labels, [MANAGED_BY]: 'endpoint-controller' })
    if (labelsRight && (current.metadata.annotations?.[OVER_CAPACITY] !== undefined) === isTruncated && semanticEqual(current.subsets, subsets)) return undefined
  }
  const { name, namespace } = service.metadata
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...(current?.metadata ?? { name, namespace }), labels: wantedLabels, annotations },
    ...(subsets.length > 0 ? { subsets } : {}),
  }
}

function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const { ports = [], clusterIP, publishNotReadyAddresses = false } = service.spec
  const packer = new SubsetPacker()
  for (const pod of pods) {
    const ip = shouldBeInEndpoints(pod, publishNotReadyAddresses) ? addressOf(pod, service) : undefined
    if (!ip) continue
    const address = { address: addressEntry(pod, service, ip), ready: publishNotReadyAddresses || isPodReady(pod) }
    if (ports.length === 0 && clusterIP === 'None') packer.add(undefined, address)
    for (const port of ports) {
      const number = findPort(pod, port)
      if (number === undefined) continue
      packer.add({ ...(port.name ? { name: port.name } : {}), port: number, protocol: port.protocol ?? 'TCP', ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }) }, address)
    }
  }
  return packer.subsets()
}

/** The pod's address of the Service's family. */
function addressOf(pod: Pod, service: Service): string | undefined {
  const family = service.spec.ipFamilies?.[0]
  const six = family ? family === 'IPv6' : isIPv6(service.spec.clusterIP ?? '')
  const ips = pod.status?.podIPs?.map((p) => p.ip ?? '') ?? (pod.status?.podIP ? [pod.status.podIP] : [])
  return ips.find((ip) => isIPv6(ip) === six)
}

function addressEntry(pod: Pod, service: Service, ip: string): EndpointAddress {
  const { namespace, name, uid } = pod.metadata
  const hostname = hostnameIn(pod, service)
  return { ip, ...(hostname ? { hostname } : {}), ...(pod.spec.nodeName ? { nodeName: pod.spec.nodeName } : {}), targetRef: { kind: 'Pod', namespace, name, uid } }
}

/** Ready addresses before others, each subset by its share. The same list when nothing has to go. */
function truncate(subsets: EndpointSubset[]): EndpointSubset[] {
  const count = (of: (s: EndpointSubset) => unknown[] | undefined) => subsets.reduce((n, s) => n + (of(s)?.length ?? 0), 0)
  const ready = count((s) => s.addresses)
  const notReady = count((s) => s.notReadyAddresses)
  if (ready + notReady <= MAX_ADDRESSES) return subsets
  const cutReady = ready > MAX_ADDRESSES
  const [most, total] = cutReady ? [MAX_ADDRESSES, ready] : [MAX_ADDRESSES - ready, notReady]
  let left = most
  return subsets.map(({ addresses = [], notReadyAddresses = [], ports }) => {
    const cut = cutReady ? addresses : notReadyAddresses
    const kept = cut.slice(0, Math.min(Math.ceil((cut.length / total) * most), left))
    left -= kept.length
    return cutReady ? subsetOf(kept, [], ports) : subsetOf(addresses, kept, ports)
  })
}

async function reconcile(service: Service, ctx: ControllerContext): Promise<void> {
  if (!hasEndpoints(service)) return
  const pods = podsOfService(ctx, service)
  const { namespace = '', name = '' } = service.metadata
  const current = ctx.informers.lister<Endpoints>(KIND).get(namespace, name)
  const wanted = plan(service, pods, { current, time: triggers(ctx).compute(service, pods) })
  if (!wanted) return
  try {
    await (current ? ctx.client.update(wanted) : ctx.client.create(wanted))
  } catch (error) {
    if (!current && isNamespaceTerminating(error)) return
    const [reason, what] = current ? ['FailedToUpdateEndpoint', `update endpoint ${namespace}/${name}`] : ['FailedToCreateEndpoint', `create endpoint for service ${namespace}/${name}`]
    ctx.events.event(wanted, 'Warning', reason, `Failed to ${what}: ${messageOf(error)}`)
    throw error
  }
}
