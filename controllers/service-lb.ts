/**
 * Gives Services of type LoadBalancer an address from the cluster's own pool, once there are nodes to balance over.
 * Models k8s.io/cloud-provider/controllers/service, with the cloud in the process.
 */
import type { Node, Service } from '../schemas/types.ts'
import { formatIP, parseCIDR, parseIP } from '../src/apimachinery/ip-address.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import type { KubeObject } from '../src/registry/kind.ts'

const KIND = 'v1/Service'
const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup'
const BY_ADDRESS = 'load-balancer-ip'
const BALANCED = 'load-balancer'

export default defineController<Service>({
  name: 'service-lb',
  program: 'cloud-controller-manager',
  component: 'service-controller',
  user: 'system:serviceaccount:kube-system:service-controller',
  for: KIND,
  watches: { 'v1/Node': balancedServices },
  concurrency: 1,
  setup(ctx) {
    ctx.informers.for<Service>(KIND).addIndex(BY_ADDRESS, addressesOf)
    ctx.informers.for<Service>(KIND).addIndex(BALANCED, (service) => (wantsBalancer(service) ? ['yes'] : []))
  },
  wakes: (service) => wantsBalancer(service) || hasFinalizer(service),
  reconcile,
})

/** The first node lets waiting Services have their addresses. */
function balancedServices(_node: KubeObject, ctx: ControllerContext, old?: KubeObject): readonly Key[] {
  return old ? [] : ctx.informers.lister<Service>(KIND).byIndex(BALANCED, 'yes').filter((s) => addressesOf(s).length === 0).map(keyOf)
}

function addressesOf(service: Service): string[] {
  return service.status?.loadBalancer?.ingress?.flatMap(({ ip }) => ip ?? []) ?? []
}

function hasFinalizer(service: Service): boolean {
  return service.metadata.finalizers?.includes(FINALIZER) ?? false
}

/** Services of a class are somebody else's. */
function wantsBalancer(service: Service): boolean {
  return service.spec.type === 'LoadBalancer' && service.spec.loadBalancerClass === undefined && !service.metadata.deletionTimestamp
}

/** The address to have: the one it has, the one it asks for, or the next that nobody has. Throws when there is none. */
export function chooseAddress(service: Service, pool: string, isTaken: (ip: string) => boolean): string {
  const [current] = addressesOf(service)
  const { loadBalancerIP } = service.spec
  if (current && (!loadBalancerIP || loadBalancerIP === current)) return current
  if (loadBalancerIP) {
    if (isTaken(loadBalancerIP)) throw new Error(`the address ${loadBalancerIP} is in use`)
    return loadBalancerIP
  }
  const prefix = parseCIDR(pool)
  if (!prefix) throw new Error(`${pool} is no address block`)
  const size = 2 ** Math.min(prefix.addressBits - prefix.prefixLength, 24)
  for (let i = 1; i < size - 1; i++) {
    const ip = formatIP(plus(prefix.network, i))
    if (!isTaken(ip)) return ip
  }
  throw new Error(`no address is left in ${pool}`)
}

function plus(network: Uint8Array, offset: number): Uint8Array {
  const ip = Uint8Array.from(network)
  for (let i = ip.length - 1, carry = offset; i >= 0 && carry > 0; i--) {
    const sum = (ip[i] ?? 0) + carry
    ip[i] = sum & 255
    carry = sum >> 8
  }
  return ip
}

async function reconcile(service: Service, ctx: ControllerContext): Promise<void> {
  const { client, events, informers } = ctx
  if (!wantsBalancer(service)) return hasFinalizer(service) ? cleanUp(service, ctx) : undefined
  if (addressesOf(service).length > 0 && hasFinalizer(service) && !changesAddress(service)) return
  if (informers.lister<Node>('v1/Node').size === 0) return
  try {
    events.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer')
    // By the status, metadata and all: the Service itself is not the controller's to write.
    const held = hasFinalizer(service) ? service : await client.updateStatus<Service>({ ...service, metadata: { ...service.metadata, finalizers: [...(service.metadata.finalizers ?? []), FINALIZER] } })
    const ip = chooseAddress(held, ctx.settings.loadBalancerCIDR, (taken) => informers.lister(KIND).byIndex(BY_ADDRESS, taken).length > 0)
    const loadBalancer = { ingress: [{ ip, ipMode: 'VIP' }] }
    if (!semanticEqual(held.status?.loadBalancer, loadBalancer)) await client.updateStatus<Service>({ ...held, status: { ...held.status, loadBalancer } })
    events.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer')
  } catch (error) {
    events.event(service, 'Warning', 'SyncLoadBalancerFailed', `Error syncing load balancer: failed to ensure load balancer: ${messageOf(error)}`)
    throw error
  }
}

function changesAddress(service: Service): boolean {
  const { loadBalancerIP } = service.spec
  return Boolean(loadBalancerIP && parseIP(loadBalancerIP)) && !addressesOf(service).includes(loadBalancerIP ?? '')
}

async function cleanUp(service: Service, { client, events }: ControllerContext): Promise<void> {
  events.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer')
  const freed = addressesOf(service).length > 0 ? await client.updateStatus<Service>({ ...service, status: { ...service.status, loadBalancer: {} } }) : service
  await client.updateStatus<Service>({ ...freed, metadata: { ...freed.metadata, finalizers: freed.metadata.finalizers?.filter((f) => f !== FINALIZER) } })
  events.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer')
}
