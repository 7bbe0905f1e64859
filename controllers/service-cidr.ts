/**
 * Says of each ServiceCIDR that it is ready, and lets a deleted one go once no address depends on it.
 * Models k8s.io/kubernetes/pkg/controller/servicecidrs.
 */
import type { Condition, IPAddress, ServiceCIDR } from '../schemas/types.ts'
import { parseCIDR, parseIP, prefixContains, type IPPrefix } from '../src/apimachinery/ip-address.ts'
import { formatTime } from '../src/clock.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import { defineController, type ControllerContext, type Result } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'

const KIND = 'networking.k8s.io/v1/ServiceCIDR'
const ADDRESS = 'networking.k8s.io/v1/IPAddress'
const FINALIZER = 'networking.k8s.io/service-cidr-finalizer'
const NAME = 'service-cidr-controller'
/** A deleted range is kept this long, so that no allocator still takes from it. */
const GRACE_MS = 10_000

export default defineController<ServiceCIDR>({
  name: 'service-cidr',
  component: NAME,
  user: 'system:serviceaccount:kube-system:service-cidrs-controller',
  manager: 'kube-controller-manager',
  for: KIND,
  watches: { [KIND]: related, [ADDRESS]: related },
  reconcile,
})

/** Ranges in deletion look again whenever a range or an address comes or goes. */
function related(_object: KubeObject, { informers }: ControllerContext, old?: KubeObject): readonly string[] {
  if (old) return []
  return informers.lister<ServiceCIDR>(KIND).list().flatMap(({ metadata }) => (metadata.deletionTimestamp && metadata.name ? [metadata.name] : []))
}

async function reconcile(range: ServiceCIDR, ctx: ControllerContext): Promise<Result | void> {
  const { deletionTimestamp, finalizers = [] } = range.metadata
  if (!deletionTimestamp) {
    if (!finalizers.includes(FINALIZER)) await patch(range, { finalizers: [FINALIZER] }, ctx)
    return report(range, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }, ctx)
  }
  if (!canGo(range, ctx.informers.lister<ServiceCIDR>(KIND).list(), ctx.informers.lister<IPAddress>(ADDRESS).list()))
    return report(range, { status: 'False', reason: 'Terminating', message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR' }, ctx)
  const leftMs = Date.parse(deletionTimestamp) + GRACE_MS - ctx.clock.now()
  if (leftMs > 0) return { requeueAfterMs: leftMs }
  if (finalizers.includes(FINALIZER)) await patch(range, { '$deleteFromPrimitiveList/finalizers': [FINALIZER] }, ctx)
}

async function patch(range: ServiceCIDR, metadata: object, { client }: ControllerContext): Promise<void> {
  try {
    await client.patch(KIND, refOf(range), { metadata }, { type: 'strategic' })
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}

async function report(range: ServiceCIDR, ready: Pick<Condition, 'status' | 'reason' | 'message'>, { client, clock, events }: ControllerContext): Promise<void> {
  const current = conditionOf(range.status?.conditions, 'Ready')
  if (current && current.status === ready.status && (current.reason ?? '') === ready.reason && current.message === ready.message) return
  const condition = { type: 'Ready', ...ready, lastTransitionTime: formatTime(clock.now()) }
  const applied = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: range.metadata.name }, status: { conditions: [condition] } }
  try {
    await client.patch(KIND, refOf(range), applied, { type: 'apply', fieldManager: NAME, force: true, subresource: 'status' })
  } catch (error) {
    if (ready.status === 'True') events.event(range, 'Warning', 'KubernetesServiceCIDRError', 'The ServiceCIDR Status can not be set to Ready=True')
    throw error
  }
}

/** Whether other ranges hold all of this one, or nothing was given from it alone. */
export function canGo(range: ServiceCIDR, ranges: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = ranges.filter((r) => r.metadata.name !== range.metadata.name).flatMap(prefixes)
  const own = prefixes(range)
  if (own.every((p) => others.some((o) => o.prefixLength <= p.prefixLength && prefixContains(o, p.network)))) return true
  return !addresses.some(({ metadata }) => {
    const ip = metadata.labels?.['ipaddress.kubernetes.io/managed-by'] === 'ipallocator.k8s.io' ? parseIP(metadata.name ?? '') : undefined
    return ip !== undefined && own.some((p) => prefixContains(p, ip)) && !others.some((o) => prefixContains(o, ip))
  })
}

function prefixes({ spec }: ServiceCIDR): IPPrefix[] {
  return (spec?.cidrs ?? []).flatMap((text) => parseCIDR(text) ?? [])
}
