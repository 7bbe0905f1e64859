/**
 * Pods that claim devices: claims are allocated where the pod goes, and reserved for it.
 * Models pkg/scheduler/framework/plugins/dynamicresources.
 */
import type { AllocationResult, ResourceClaim } from '../../../schemas/types.ts'
import { compileNodeSelector } from '../../apimachinery/node-affinity.ts'
import { isSelf, type ClusterEvent } from '../cluster-events.ts'
import { AllocationError, type DeviceAllocator } from '../devices/allocator.ts'
import { bindClaim, deallocateClaim, unreserveClaim } from '../devices/bind-claim.ts'
import { ledgerOf, type DeviceLedger } from '../devices/ledger.ts'
import { claimsOf, isReservedFor, problemOf } from '../devices/pod-claims.ts'
import { definePlugin, failure, SKIP, unresolvable, unschedulable, type Handle, type Status } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import { normalizeToMax } from '../scores.ts'

const NAME = 'DynamicResources'
const NOTHING_TO_FREE = unschedulable('no new claims to deallocate')
const NOT_AVAILABLE = unresolvable('resourceclaim not available on the node')
/** Alternatives of a request at most, as the API has it. */
const MAX_ALTERNATIVES = 8

interface State {
  handle: Handle
  ledger: DeviceLedger
  claims: readonly ResourceClaim[]
  /** Those that are not allocated yet, and what finds devices for them. */
  open: readonly ResourceClaim[]
  allocator: DeviceAllocator | undefined
  byNode: Map<string, readonly AllocationResult[]>
  /** Claims that are allocated where some node cannot reach them. */
  unavailable: Set<ResourceClaim>
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
    { resource: 'Node', actions: ['add', 'labels'] },
  ],
  preEnqueue(pod, handle) {
    if (!pod.pod.spec.resourceClaims?.length) return undefined
    const claims = claimsOf(ledgerOf(handle), pod)
    return typeof claims === 'string' ? unresolvable(claims) : undefined
  },
  preFilter(cycle, pod) {
    if (!pod.pod.spec.resourceClaims?.length) return SKIP
    const { handle } = cycle
    const ledger = ledgerOf(handle)
    const claims = claimsOf(ledger, pod)
    refused.add(cycle)
    if (typeof claims === 'string') return { status: unresolvable(claims) }
    if (claims.length === 0) return SKIP
    const open = claims.filter((c) => !c.status?.allocation)
    for (const claim of open) {
      const problem = problemOf(ledger, claim)
      if (problem !== undefined) return { status: unresolvable(problem) }
    }
    try {
      const state: State = { handle, ledger, claims, open, allocator: open.length > 0 ? ledger.allocatorFor(open) : undefined, byNode: new Map(), unavailable: new Set() }
      states.set(cycle, state)
      return { state }
    } catch (error) {
      if (error instanceof AllocationError) return { status: failure(error.message) }
      throw error
    }
  },
  filter(state, _pod, { name, node }) {
    const far = state.claims.filter(({ status }) => status?.allocation?.nodeSelector && !compileNodeSelector(status.allocation.nodeSelector)(node))
    for (const claim of far) state.unavailable.add(claim)
    if (!state.allocator) return far.length > 0 ? NOT_AVAILABLE : undefined
    try {
      const found = state.allocator.allocate(node)
      if (typeof found === 'string') return unresolvable(found)
      if (far.length > 0) return NOT_AVAILABLE
      state.byNode.set(name, found)
      return undefined
    } catch (error) {
      if (error instanceof AllocationError) return failure(error.message.startsWith('timed out') ? `node ${name}: ${error.message}` : error.message)
      throw error
    }
  },
  postFilter(cycle, { uid }) {
    // Upstream has no state to read when an earlier plugin refused the pod for good, and says so.
    const state = states.get(cycle)
    if (!cycle.didPreFilter(NAME) && !refused.has(cycle)) return { status: failure('not found') }
    if (!state) return { status: NOTHING_TO_FREE }
    const idle = [...state.unavailable].find(({ status }) => (status?.reservedFor ?? []).every((consumer) => consumer.uid === uid))
    if (!idle) return { status: unschedulable('still not schedulable') }
    return deallocateClaim(state.handle, idle).then(
      () => ({ status: unschedulable('deallocation of ResourceClaim completed') }),
      (error: unknown) => ({ status: failure(error instanceof Error ? error.message : String(error)) }),
    )
  },
  preScore(cycle) {
    const state = states.get(cycle)
    return state ? { state } : SKIP
  },
  score: (state, _pod, { name }) => preferenceOf(state, state.byNode.get(name) ?? []),
  normalize: (_state, scores) => normalizeToMax(scores),
  reserve({ ledger, open, byNode }, _pod, nodeName) {
    if (open.length === 0) return undefined
    const allocations = byNode.get(nodeName)
    if (!allocations) return failure('claim allocation not found for node')
    open.forEach((claim, i) => allocations[i] && ledger.promise(claim, allocations[i]))
    return undefined
  },
  unreserve({ handle, ledger, claims, open }, { uid }) {
    for (const claim of open) ledger.release(claim)
    for (const claim of claims) {
      const now = ledger.claim(claim.metadata.namespace ?? '', claim.metadata.name ?? '')
      if (now?.status?.allocation && isReservedFor(now, uid)) unreserveClaim(handle, now, uid).catch((error: unknown) => handle.log.debug({ claim: claim.metadata.name, err: error }, 'claim was not given back'))
    }
  },
  willPreBind: () => true,
  preBind: (state, pod, nodeName) => bind(state, pod, nodeName),
})

async function bind({ handle, ledger, claims, open, byNode }: State, pod: PodInfo, nodeName: string): Promise<Status | undefined> {
  try {
    for (const claim of claims) {
      if (isReservedFor(claim, pod.uid)) continue
      const index = open.indexOf(claim)
      await bindClaim(handle, claim, { pod, allocation: index < 0 ? undefined : byNode.get(nodeName)?.[index] })
      ledger.release(claim)
    }
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
