/**
 * Keeps the EndpointSlices of Services that select pods. Models k8s.io/kubernetes/pkg/controller/endpointslice.
 */
import type { EndpointSlice, Node, Service } from '../schemas/types.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { isNamespaceTerminating, messageOf } from '../src/controller/pod-control.ts'
import { perCluster } from '../src/controller/state.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { TriggerTimes, hasEndpoints, indexServices, podsOfService, servicesOfPod, withTriggerTime } from './_endpoint-pods.ts'
import { MANAGED_BY, MANAGER, SERVICE_NAME, plan, type SlicePlan } from './_endpointslice-plan.ts'
import { isOverloaded, zoneRatios, type ZoneCounts, type ZoneRatios } from './_endpointslice-topology.ts'

export { plan } from './_endpointslice-plan.ts'

const KIND = 'discovery.k8s.io/v1/EndpointSlice'
const ZONE = 'topology.kubernetes.io/zone'
const BY_SERVICE = 'service'

const triggers = perCluster(() => new TriggerTimes())

interface Topology {
  /** The zones as the nodes make them; counted when next asked for. */
  counted: { ratios: ZoneRatios } | undefined
  /** What was decided by them: by Service and address type. */
  readonly zones: Map<Key, Map<string, ZoneCounts>>
}

const topologies = perCluster((): Topology => ({ counted: undefined, zones: new Map() }))

function ratiosOf(ctx: ControllerContext): ZoneRatios {
  return (topologies(ctx).counted ??= { ratios: zoneRatios(ctx.informers.lister<Node>('v1/Node').list()) }).ratios
}

export default defineController<Service>({
  name: 'endpointslice',
  component: 'endpoint-slice-controller',
  for: 'v1/Service',
  retryDelaysMs: [1000, 1000_000],
  watches: { 'v1/Pod': servicesOfPod, [KIND]: serviceOfSlice, 'v1/Node': overloadedServices },
  setup(ctx) {
    indexServices(ctx)
    ctx.informers.for(KIND).addIndex(BY_SERVICE, (slice) => managedKeys(slice))
  },
  reconcile,
  async deleted(key, ctx) {
    triggers(ctx).forget(key)
    topologies(ctx).zones.delete(key)
  },
})

/** The Services whose zones have too few endpoints, now that a node came, went, or changed its state or zone. */
function overloadedServices(changed: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const facts = (node: KubeObject) => `${node.metadata.labels?.[ZONE]} ${conditionOf((node as Node).status?.conditions, 'Ready')?.status}`
  if (before && facts(changed) === facts(before)) return []
  const topology = topologies(ctx)
  topology.counted = undefined
  if (topology.zones.size === 0) return []
  const ratios = ratiosOf(ctx)
  return [...topology.zones].flatMap(([key, byType]) => ([...byType.values()].some((zones) => isOverloaded(zones, ratios)) ? [key] : []))
}

/** The Service that a slice of ours belongs to, now or before. */
function serviceOfSlice(slice: KubeObject, _ctx: ControllerContext, old?: KubeObject): readonly Key[] {
  return [...managedKeys(slice), ...(old ? managedKeys(old) : [])]
}

function managedKeys(slice: KubeObject): Key[] {
  const { labels, namespace } = slice.metadata
  const name = labels?.[SERVICE_NAME]
  return name && labels[MANAGED_BY] === MANAGER ? [keyOf({ metadata: { namespace, name } })] : []
}

async function reconcile(service: Service, ctx: ControllerContext): Promise<void> {
  if (!hasEndpoints(service)) return
  const pods = podsOfService(ctx, service)
  const nodes = ctx.informers.lister<Node>('v1/Node')
  const existing = ctx.informers
    .lister<EndpointSlice>(KIND)
    .byIndex(BY_SERVICE, keyOf(service))
    .filter((slice) => !slice.metadata.deletionTimestamp)
  const topology = topologies(ctx)
  const key = keyOf(service)
  const wanted = plan({ service, pods, existing, node: (name) => nodes.get('', name), topology: { ratios: ratiosOf(ctx), hadHints: topology.zones.has(key) } })
  if (wanted.zones.size > 0) topology.zones.set(key, wanted.zones)
  else topology.zones.delete(key)
  for (const { type, reason, message } of wanted.notes) ctx.events.event(service, type, reason, message)
  const time = triggers(ctx).compute(service, pods)
  try {
    await write(ctx, service, { plan: wanted, time })
    if (wanted.problems.length > 0) throw new Error(wanted.problems.length === 1 ? wanted.problems[0] : `[${wanted.problems.join(', ')}]`)
  } catch (error) {
    const { namespace, name } = service.metadata
    ctx.events.event(service, 'Warning', 'FailedToUpdateEndpointSlices', `Error updating Endpoint Slices for Service ${namespace}/${name}: ${messageOf(error)}`)
    throw error
  }
}

async function write(ctx: ControllerContext, service: Service, { plan, time }: { plan: SlicePlan; time: string | undefined }): Promise<void> {
  const { namespace, name } = service.metadata
  const stamp = (slice: EndpointSlice): EndpointSlice => ({ ...slice, metadata: { ...slice.metadata, annotations: withTriggerTime(slice.metadata.annotations, time) } })
  const failed = (what: string, error: unknown) => new Error(`failed to ${what} for Service ${namespace}/${name}: ${messageOf(error)}`, { cause: error })
  if (!service.metadata.deletionTimestamp)
    for (const slice of plan.create) {
      try {
        await ctx.client.create(stamp(slice))
      } catch (error) {
        if (isNamespaceTerminating(error)) return
        throw failed('create EndpointSlice', error)
      }
    }
  for (const slice of plan.update) {
    try {
      await ctx.client.update(stamp(slice))
    } catch (error) {
      throw failed(`update ${slice.metadata.name} EndpointSlice`, error)
    }
  }
  for (const slice of plan.delete) {
    try {
      await ctx.client.delete(KIND, refOf(slice))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw failed(`delete ${slice.metadata.name} EndpointSlice`, error)
    }
  }
}
