/**
 * Pods that claim devices: claims are allocated where the pod goes, and reserved for it.
 * Models pkg/scheduler/framework/plugins/dynamicresources.
 */
import type { AllocationResult, Node, ResourceClaim } from '../../../schemas/types.ts'
import { parseDuration } from '../../apimachinery/go-duration.ts'
import { compileNodeSelector } from '../../apimachinery/node-affinity.ts'
import { isSelf, type ClusterEvent } from '../cluster-events.ts'
import { AllocationError, type DeviceAllocator } from '../devices/allocator.ts'
import { bindClaim, bindNodeClaim, deallocateClaim, deleteClaim, unreserveClaim } from '../devices/bind-claim.ts'
import { hasBindingConditions, isOverdue, readinessOf, untilReady } from '../devices/binding-conditions.ts'
import { claimFor, extendedNeedsOf, neededOn, type ExtendedNeeds, type NodeClaim } from '../devices/extended-claim.ts'
import { ledgerOf, type DeviceLedger } from '../devices/ledger.ts'
import { claimsOf, isReservedFor, problemOf } from '../devices/pod-claims.ts'
import { definePlugin, failure, SKIP, unresolvable, unschedulable, type Handle, type Status } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { normalizeToMax } from '../scores.ts'

const NAME = 'DynamicResources'
const NOTHING_TO_FREE = unschedulable('no new claims to deallocate')
const LEFT_BEHIND = unresolvable('cannot schedule extended resource claim')
const CANNOT_FIT = unresolvable('cannot fit resource')
const NOT_AVAILABLE = unresolvable('resourceclaim not available on the node')
/** Alternatives of a request at most, as the API has it. */
const MAX_ALTERNATIVES = 8

/** What a node would give. */
interface Offer {
  /** In the order of the open claims, then that of the extended resources. */
  allocations: readonly AllocationResult[]
  extended?: NodeClaim
}

interface State {
  handle: Handle
  ledger: DeviceLedger
  claims: readonly ResourceClaim[]
  /** Those that are not allocated yet. */
  open: readonly ResourceClaim[]
  /** What finds devices for the open claims and for these extended resources, by their names. */
  allocators: Map<string, { allocator: DeviceAllocator; extended?: NodeClaim }>
  extended: ExtendedNeeds | undefined
  byNode: Map<string, Offer>
  /** Claims that are allocated where some node cannot reach them, or whose devices were not made ready. */
  unavailable: Set<ResourceClaim>
  bindingTimeoutMs: number
  /** The claim for extended resources, once it is written. */
  written?: ResourceClaim
}

/** What postFilter needs to know: a state is only kept for pods that have claims. */
const states = new WeakMap<object, State>()
/** Attempts that this plugin itself refused: there is nothing to free for them. */
const refused = new WeakSet<object>()

export default definePlugin<State, State>({
  name: NAME,
  order: 150,
  weight: 2,
  events: [
    { resource: 'ResourceClaim', actions: ['add', 'update', 'delete'], helps: mayFreeOrAllow },
    { resource: 'ResourceSlice', actions: ['add', 'update'] },
    { resource: 'DeviceClass', actions: ['add', 'update'] },
    { resource: 'WaitingPod', actions: ['resourceClaims'], helps: isSelf },
    { resource: 'Node', actions: ['add', 'labels', 'allocatable'] },
  ],
  preEnqueue(pod, handle) {
    if (!pod.pod.spec.resourceClaims?.length) return undefined
    const claims = claimsOf(ledgerOf(handle), pod)
    return typeof claims === 'string' ? unresolvable(claims) : undefined
  },
  preFilter(cycle, pod) {
    const { handle } = cycle
    const hasClaims = pod.pod.spec.resourceClaims?.length
    if (!hasClaims && !pod.requests.scalar) return SKIP
    const ledger = ledgerOf(handle)
    const claims = hasClaims ? claimsOf(ledger, pod) : []
    refused.add(cycle)
    if (typeof claims === 'string') return { status: unresolvable(claims) }
    const extended = extendedNeedsOf(handle, pod)
    if (claims.length === 0 && !extended) return SKIP
    for (const claim of claims) {
      const problem = problemOf(ledger, claim, pod.uid)
      if (problem !== undefined) return { status: unresolvable(problem) }
    }
    const open = claims.filter((c) => !c.status?.allocation)
    const bindingTimeoutMs = Number(parseDuration(cycle.args(NAME).bindingTimeout) / 1_000_000n)
    const state: State = { handle, ledger, claims, open, allocators: new Map(), extended, byNode: new Map(), unavailable: new Set(), bindingTimeoutMs }
    try {
      if (open.length > 0) allocatorFor(state, pod, [])
    } catch (error) {
      if (error instanceof AllocationError) return { status: failure(error.message) }
      throw error
    }
    states.set(cycle, state)
    return { state }
  },
  filter(state, pod, node) {
    const { extended, claims, open } = state
    if (extended?.left) return LEFT_BEHIND
    const needed = extended ? neededOn(extended, node) : []
    if (!needed) return CANNOT_FIT
    if (needed.length === 0 && claims.length === 0) return undefined
    const unavailable = claims.filter((claim) => isUnavailable(state, claim, node.node))
    for (const claim of unavailable) state.unavailable.add(claim)
    if (open.length + needed.length === 0) return unavailable.length > 0 ? NOT_AVAILABLE : undefined
    try {
      const { allocator, extended: nodeClaim } = allocatorFor(state, pod, needed)
      const found = allocator.allocate(node.node)
      if (typeof found === 'string') return unresolvable(found)
      if (unavailable.length > 0) return NOT_AVAILABLE
      state.byNode.set(node.name, { allocations: found, ...(nodeClaim ? { extended: nodeClaim } : {}) })
      return undefined
    } catch (error) {
      if (error instanceof AllocationError) return failure(error.message.startsWith('timed out') ? `node ${node.name}: ${error.message}` : error.message)
      throw error
    }
  },
  postFilter(cycle, { uid }) {
    // Upstream has no state to read when an earlier plugin refused the pod for good, and says so.
    const state = states.get(cycle)
    if (!cycle.didPreFilter(NAME) && !refused.has(cycle)) return { status: failure('not found') }
    if (!state) return { status: NOTHING_TO_FREE }
    const { handle, extended, unavailable } = state
    const idle = [...unavailable].find(({ status }) => (status?.reservedFor ?? []).every((consumer) => consumer.uid === uid))
    const freed = (work: Promise<void>, reason: string) => work.then(
      () => ({ status: unschedulable(reason) }),
      (error: unknown) => ({ status: failure(error instanceof Error ? error.message : String(error)) }),
    )
    if (idle) return freed(deallocateClaim(handle, idle), 'deallocation of ResourceClaim completed')
    if (extended?.left) return freed(deleteClaim(handle, extended.left), 'deletion of ResourceClaim completed')
    return { status: unschedulable('still not schedulable') }
  },
  preScore(cycle) {
    const state = states.get(cycle)
    return state ? { state } : SKIP
  },
  score: (state, _pod, { name }) => preferenceOf(state, state.byNode.get(name)?.allocations ?? []),
  normalize: (_state, scores) => normalizeToMax(scores),
  reserve({ ledger, open, byNode }, _pod, nodeName) {
    const offer = byNode.get(nodeName)
    if (!offer) return open.length > 0 ? failure('claim allocation not found for node') : undefined
    const claims = offer.extended ? [...open, offer.extended.claim] : open
    claims.forEach((claim, i) => offer.allocations[i] && ledger.promise(claim, offer.allocations[i]))
    return undefined
  },
  unreserve({ handle, ledger, claims, open, byNode, written }, { uid }, nodeName) {
    const extended = byNode.get(nodeName)?.extended
    for (const claim of extended ? [...open, extended.claim] : open) ledger.release(claim)
    const failed = (claim: ResourceClaim) => (error: unknown) => handle.log.debug({ claim: claim.metadata.name, err: error }, 'claim was not given back')
    for (const claim of claims) {
      const now = ledger.claim(claim.metadata.namespace ?? '', claim.metadata.name ?? '')
      if (now?.status?.allocation && isReservedFor(now, uid)) unreserveClaim(handle, now, uid).catch(failed(now))
    }
    if (written) deleteClaim(handle, written).catch(failed(written))
  },
  willPreBind: () => true,
  preBind: (state, pod, nodeName) => bind(state, pod, nodeName),
})

/** Made once for each set of extended resources that nodes lack. Throws AllocationError. */
function allocatorFor({ handle, ledger, open, allocators, extended }: State, pod: PodInfo, needed: readonly string[]): { allocator: DeviceAllocator; extended?: NodeClaim } {
  const key = needed.join()
  let known = allocators.get(key)
  if (known) return known
  if (!extended || needed.length === 0) known = { allocator: ledger.allocatorFor(open) }
  else {
    const nodeClaim = claimFor(pod, { needed, classes: extended.classes, uid: handle.random.uuid() })
    known = { allocator: ledger.allocatorFor([...open, nodeClaim.claim]), extended: nodeClaim }
  }
  allocators.set(key, known)
  return known
}

function isUnavailable({ handle, bindingTimeoutMs }: State, claim: ResourceClaim, node: Node): boolean {
  const { allocation } = claim.status ?? {}
  if (!allocation) return false
  if (allocation.nodeSelector && !compileNodeSelector(allocation.nodeSelector)(node)) return true
  const readiness = readinessOf(claim)
  return typeof readiness === 'object' || (readiness === 'pending' && isOverdue(claim, { nowMs: handle.clock.now(), timeoutMs: bindingTimeoutMs }))
}

async function bind(state: State, pod: PodInfo, nodeName: string): Promise<Status | undefined> {
  const { handle, ledger, claims, open, byNode, bindingTimeoutMs } = state
  const { allocations = [], extended } = byNode.get(nodeName) ?? {}
  try {
    const bound: ResourceClaim[] = []
    for (const claim of claims) {
      const index = open.indexOf(claim)
      bound.push(isReservedFor(claim, pod.uid) ? claim : await bindClaim(handle, claim, { pod, allocation: index < 0 ? undefined : allocations[index] }))
      ledger.release(claim)
    }
    const last = allocations[open.length]
    if (extended && last) {
      bound.push((state.written = await bindNodeClaim(handle, extended, { pod, allocation: last })))
      ledger.release(extended.claim)
    }
    if (!bound.some(hasBindingConditions)) return undefined
    handle.events.event(pod.pod, 'Normal', 'BindingConditionsPending', `waiting for binding conditions for device on node ${nodeName}`, { action: 'Scheduling', component: pod.pod.spec.schedulerName })
    await untilReady(handle, bound, bindingTimeoutMs)
    return undefined
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error))
  }
}

/** Of requests with alternatives, the earlier ones are better. */
function preferenceOf({ claims, open }: State, allocations: readonly AllocationResult[]): number {
  let score = 0
  for (const claim of claims) {
    const results = (claim.status?.allocation ?? allocations[open.indexOf(claim)])?.devices?.results ?? []
    const taken = new Set(results.map((r) => r.request))
    for (const { name, firstAvailable = [] } of claim.spec.devices?.requests ?? []) {
      firstAvailable.forEach((sub, i) => (score += taken.has(`${name}/${sub.name}`) ? MAX_ALTERNATIVES - i : 0))
    }
  }
  return score
}

/** The pod's own claim changed, or devices of another one became free. */
function mayFreeOrAllow(pod: PodInfo, { object, old, action }: ClusterEvent): boolean {
  const [now, before] = [object, old] as [ResourceClaim | undefined, ResourceClaim | undefined]
  const { namespace, name } = (now ?? before)?.metadata ?? {}
  const names = [...(pod.pod.spec.resourceClaims ?? []).map((c) => c.resourceClaimName), ...(pod.pod.status?.resourceClaimStatuses ?? []).map((s) => s.resourceClaimName)]
  if (namespace === pod.namespace && names.includes(name)) return action !== 'delete'
  return before?.status?.allocation !== undefined && !now?.status?.allocation
}
