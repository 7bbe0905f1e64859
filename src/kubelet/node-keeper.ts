/**
 * Keeps the nodes alive: makes each Node ready, gives it addresses, renews its Lease and its heartbeat.
 * One timer serves all leases and one all heartbeats, since their periods are the same everywhere.
 * Models pkg/kubelet/kubelet_node_status.go and component-helpers/apimachinery/lease.
 */
import type { Lease, Node } from '../../schemas/types.ts'
import { formatMicroTime, formatTime } from '../clock.ts'
import { addressAfter, familyOf, formatIP, parseCIDR as parsePrefix, prefixContains, type IPFamily } from '../apimachinery/ip-address.ts'
import type { Client } from '../client/client.ts'
import type { ControllerContext } from '../controller/controller.ts'
import { inParts } from '../controller/in-parts.ts'
import { isStatusError } from '../errors.ts'
import { AddressPool, formatIPv4, parseCIDR, parseIPv4 } from './addresses.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { NodeCounters } from './node-counters.ts'
import { tellConditions, tellStarting } from './node-events.ts'
import { NodeImages } from './node-images.ts'
import { planNode } from './node-plan.ts'
import { addressBeside } from './pod-addresses.ts'
import { Periodic } from './periodic.ts'
import type { Stages } from './stages.ts'
import { isKubeletStopped, reportsInFull } from './virtual-node.ts'

const NODE_CIDRS = { IPv4: '172.18.0.0/16', IPv6: 'fc00:f853:ccd:e793::/64' } as const
const POD_BLOCK_SIZE = 256
/** The last byte of an IPv6 block of 64 bits. */
const V6_BLOCK_BYTE = 7
const LEASE_NAMESPACE = 'kube-node-lease'
const LEASE_SECONDS = 40
const LEASE_RENEW_MS = 10_000
const HEARTBEAT_MS = 300_000

/** A node whose kubelet is at work. */
export interface KeptNode {
  readonly name: string
  node: Node
  /** Acts as system:node:<name>. */
  readonly client: Client
  readonly hostIP: string
  /** All of them, the first one first. */
  readonly hostIPs: readonly string[]
  readonly podCIDRs: readonly string[]
  inFull: boolean
  /** Images that have been pulled here. */
  readonly images: NodeImages
  /** Of which version of them its status was made. */
  toldImages: number
  readonly machineID: string
  heartbeatDue: boolean
  /** What it runs out of. */
  pressures: ReadonlySet<NodePressure>
  readonly counters: NodeCounters
  readonly startedMs: number
}

export type NodePressure = 'MemoryPressure' | 'DiskPressure'

export interface NodeListener {
  /** The node's kubelet begins (or begins again) to look after its pods. */
  began(name: string): void
  ended(name: string): void
}

export class NodeKeeper {
  readonly #ctx: ControllerContext
  readonly #stages: Stages
  readonly #listener: NodeListener
  readonly #kept = new Map<string, KeptNode>()
  readonly #hostIPs = new AddressPool(NODE_CIDRS.IPv4, { skip: 2, skipLast: 1 })
  readonly #podBlocks: AddressPool | undefined
  readonly #queue: KeyedQueue
  readonly #leases: Periodic
  readonly #heartbeats: Periodic
  /** Gives the nodes their blocks of addresses. */
  readonly #allocator: Client
  #unsubscribe = () => {}

  constructor(ctx: ControllerContext, stages: Stages, listener: NodeListener) {
    this.#ctx = ctx
    this.#stages = stages
    this.#listener = listener
    this.#allocator = this.#clientAs('system:serviceaccount:kube-system:node-controller')
    const { clock, log } = ctx
    const range = ctx.settings.podCIDRs.find((text) => familyOf(text) === 'IPv4')
    const cluster = parseCIDR(range)
    this.#podBlocks = range && cluster && cluster.size >= POD_BLOCK_SIZE ? new AddressPool(range, { step: POD_BLOCK_SIZE }) : undefined
    const failed = (node: string, error: unknown) => log.warn({ node, err: error }, 'node status was not written')
    this.#queue = new KeyedQueue({ clock, concurrency: 8, work: (name) => this.#sync(name), failed })
    this.#leases = new Periodic(clock, LEASE_RENEW_MS, (names) => this.#renew(names))
    this.#heartbeats = new Periodic(clock, HEARTBEAT_MS, (names) => this.#beat(names))
  }

  start(): void {
    const nodes = this.#ctx.informers.for<Node>('v1/Node')
    // Addresses in use first, so that no new node is given one of them.
    for (const node of nodes.lister.list()) this.#claim(node)
    this.#unsubscribe = nodes.subscribe({
      add: (node) => this.#changed(node),
      update: (node) => this.#changed(node),
      delete: (node) => this.#drop(node.metadata.name ?? ''),
    })
  }

  get(name: string): KeptNode | undefined {
    return this.#kept.get(name)
  }

  /** Those that are at work. */
  all(): Iterable<KeptNode> {
    return this.#kept.values()
  }

  /** Something about it is to be written. */
  sync(name: string): void {
    this.#queue.add(name)
  }

  close(): void {
    this.#unsubscribe()
    // What is under way finds that there is nothing left to do.
    this.#kept.clear()
    this.#queue.close()
    this.#leases.close()
    this.#heartbeats.close()
  }

  #changed(node: Node): void {
    const name = node.metadata.name ?? ''
    const kept = this.#kept.get(name)
    if (isKubeletStopped(node)) return this.#drop(name)
    if (kept && kept.node.metadata.uid === node.metadata.uid) {
      kept.node = node
      kept.inFull = reportsInFull(node)
    } else {
      if (kept) this.#drop(name)
      const begun = this.#keep(name, node)
      this.#kept.set(name, begun)
      if (begun.inFull) tellStarting(this.#ctx.events, node)
      this.#leases.add(name, 'at once')
      this.#heartbeats.add(name, 'after a period')
      this.#listener.began(name)
    }
    this.#queue.add(name)
  }

  #keep(name: string, node: Node): KeptNode {
    const { random } = this.#ctx
    this.#claim(node)
    const hostIPs = this.#hostIPsOf(node)
    const [hostIP = ''] = hostIPs
    const podCIDRs = podCIDRsOf(node) ?? blocksFor(this.#podBlocks?.take(), this.#ctx.settings.podCIDRs)
    const acting = this.#clientAs(`system:node:${name}`)
    const images = new NodeImages()
    images.restore(node.status?.images ?? [], this.#ctx.clock.now())
    return { name, node, client: acting, hostIP, hostIPs, podCIDRs, inFull: reportsInFull(node), images, toldImages: 0, machineID: random.uuid(), heartbeatDue: false, pressures: new Set(), counters: new NodeCounters(), startedMs: this.#ctx.clock.now() }
  }

  /** One of each family of the cluster: the node's own, and for the others one of its network. */
  #hostIPsOf(node: Node): string[] {
    const counted = internalIP(node, 'IPv4') ?? formatIPv4(this.#hostIPs.take() ?? 0)
    const families = this.#ctx.settings.podCIDRs.map(familyOf)
    const beside = () => addressBeside(parseIPv4(counted) ?? 0, { from: NODE_CIDRS.IPv4, into: NODE_CIDRS.IPv6 })
    return families.length === 0 ? [counted] : families.map((family) => internalIP(node, family) ?? (family === 'IPv4' ? counted : beside()))
  }

  #clientAs(name: string): Client {
    return this.#ctx.clientFor?.({ name, groups: [] }) ?? this.#ctx.client
  }

  #claim(node: Node): void {
    this.#hostIPs.claim(parseIPv4(internalIP(node, 'IPv4') ?? '') ?? 0)
    const block = firstBlock(podCIDRsOf(node))
    if (block) this.#podBlocks?.claim(block.first)
  }

  #drop(name: string): void {
    const kept = this.#kept.get(name)
    if (!kept) return
    this.#kept.delete(name)
    this.#queue.forget(name)
    this.#leases.remove(name)
    this.#heartbeats.remove(name)
    // A stopped kubelet's node still has its addresses.
    if (!this.#ctx.informers.lister<Node>('v1/Node').get('', name)) this.#release(kept)
    this.#listener.ended(name)
  }

  #release({ hostIPs, podCIDRs }: KeptNode): void {
    for (const ip of hostIPs) this.#hostIPs.release(parseIPv4(ip) ?? 0)
    const block = firstBlock(podCIDRs)
    if (block) this.#podBlocks?.release(block.first)
  }

  async #sync(name: string): Promise<void> {
    const kept = this.#kept.get(name)
    if (!kept) return
    const heartbeat = kept.heartbeatDue
    kept.heartbeatDue = false
    const { hostIPs, podCIDRs, machineID, node, pressures, images } = kept
    kept.toldImages = images.version
    const now = formatTime(this.#ctx.clock.now())
    const { spec, status } = planNode({ node, stage: this.#stages.node, now, internalIPs: hostIPs, podCIDRs, heartbeat, machineID, pressures, images: images.told() })
    try {
      if (status) await kept.client.updateStatus({ ...node, status })
      if (status && kept.inFull) tellConditions(this.#ctx.events, node, status.conditions ?? [])
      // Not as the node: its block of addresses is given to it.
      if (spec) await this.#allocator.patch('v1/Node', { name }, { spec }, { type: 'merge' })
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return
      // Somebody else wrote meanwhile, which has told us of the newer one.
      if (!isStatusError(error, 'Conflict')) throw error
      kept.heartbeatDue ||= heartbeat
      this.#queue.add(name)
    }
  }

  #beat(names: readonly string[]): void {
    for (const name of names) {
      const kept = this.#kept.get(name)
      if (!kept) continue
      kept.heartbeatDue = true
      this.#queue.add(name)
    }
  }

  #renew(names: readonly string[]): Promise<void> {
    return inParts(names, (name) => this.#renewOne(name))
  }

  async #renewOne(name: string): Promise<void> {
    const kept = this.#kept.get(name)
    if (!kept) return
    // As often as a kubelet looks whether its status is another.
    if (kept.inFull && kept.images.version !== kept.toldImages) this.#queue.add(name)
    const lease = this.#ctx.informers.lister<Lease>('coordination.k8s.io/v1/Lease').get(LEASE_NAMESPACE, name)
    const renewTime = formatMicroTime(this.#ctx.clock.now())
    try {
      if (lease) await kept.client.update({ ...lease, spec: { ...lease.spec, holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime } })
      else await kept.client.create(newLease(kept.node, renewTime))
    } catch (error) {
      this.#ctx.log.debug({ node: name, err: error }, 'lease was not renewed')
    }
  }
}

function newLease(node: Node, renewTime: string): Lease {
  const { name, uid } = node.metadata
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name, namespace: LEASE_NAMESPACE, ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] },
    spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
  }
}

function internalIP(node: Node, family: IPFamily): string | undefined {
  return node.status?.addresses?.find((a) => a.type === 'InternalIP' && familyOf(a.address ?? '') === family)?.address
}

function podCIDRsOf({ spec: { podCIDR, podCIDRs } }: Node): string[] | undefined {
  return podCIDRs?.length ? podCIDRs : podCIDR ? [podCIDR] : undefined
}

const firstBlock = (podCIDRs: readonly string[] = []): ReturnType<typeof parseCIDR> => parseCIDR(podCIDRs.find((cidr) => familyOf(cidr) === 'IPv4'))

/** Of each of the cluster's ranges the block that has the place which the IPv4 block has in its own. */
function blocksFor(block: number | undefined, ranges: readonly string[]): string[] {
  const first = firstBlock(ranges)?.first
  if (block === undefined || first === undefined) return []
  return ranges.flatMap((range) => {
    const prefix = parsePrefix(range)
    if (prefix?.addressBits !== 128) return [`${formatIPv4(block)}/24`]
    const network = addressAfter(prefix.network, (block - first) / POD_BLOCK_SIZE, V6_BLOCK_BYTE)
    return prefixContains(prefix, network) ? [`${formatIP(network)}/64`] : []
  })
}
