/**
 * Devices that have to be made ready after they were allocated: conditions in the status of the claim say when the pod may
 * be bound, or that it cannot be. Models isClaimReadyForBinding and PreBind of pkg/scheduler/framework/plugins/dynamicresources.
 */
import type { ResourceClaim } from '../../../schemas/types.ts'
import { isConditionTrue } from '../../controller/conditions.ts'
import type { Handle } from '../framework.ts'

export type Readiness = 'ready' | 'pending' | { failed: string }

/** Ready when nothing is to be waited for. */
export function readinessOf({ metadata, status }: ResourceClaim): Readiness {
  for (const { driver, pool, device, bindingConditions = [], bindingFailureConditions = [] } of status?.allocation?.devices?.results ?? []) {
    if (bindingConditions.length === 0) continue
    const conditions = status?.devices?.find((d) => d.driver === driver && d.pool === pool && d.device === device)?.conditions
    if (!conditions) return 'pending'
    const failure = conditions.find(({ type, status: is }) => is === 'True' && bindingFailureConditions.includes(type ?? ''))
    if (failure) return { failed: `device binding failed: claim=${metadata.name}, reason=${failure.reason}, message=${JSON.stringify(failure.message)}` }
    if (!bindingConditions.every((type) => isConditionTrue(conditions, type))) return 'pending'
  }
  return 'ready'
}

export function hasBindingConditions({ status }: ResourceClaim): boolean {
  return status?.allocation?.devices?.results?.some(({ bindingConditions }) => bindingConditions?.length) ?? false
}

export function isOverdue(claim: ResourceClaim, { nowMs, timeoutMs }: { nowMs: number; timeoutMs: number }): boolean {
  const { allocationTimestamp } = claim.status?.allocation ?? {}
  return allocationTimestamp !== undefined && hasBindingConditions(claim) && Date.parse(allocationTimestamp) + timeoutMs < nowMs
}

/** Resolves when all claims are ready, rejects when one never will be or the time is over. */
export function untilReady({ informers, clock }: Handle, claims: readonly ResourceClaim[], timeoutMs: number): Promise<void> {
  const informer = informers.for<ResourceClaim>('resource.k8s.io/v1/ResourceClaim')
  return new Promise((resolve, reject) => {
    let unsubscribe = () => {}
    const end = (error?: Error) => {
      timer.cancel()
      unsubscribe()
      if (error) reject(error)
      else resolve()
    }
    const look = () => {
      const states: Readiness[] = []
      for (const { metadata } of claims) {
        const claim = informer.lister.get(metadata.namespace ?? '', metadata.name ?? '')
        states.push(claim ? readinessOf(claim) : { failed: `resourceclaim.resource.k8s.io "${metadata.name}" not found` })
      }
      const failed = states.find((state) => typeof state === 'object')
      if (failed) end(new Error(failed.failed))
      else if (states.every((state) => state === 'ready')) end()
    }
    const timer = clock.after(timeoutMs, () => end(new Error('device binding timeout: context deadline exceeded')))
    unsubscribe = informer.subscribe({ update: look, delete: look })
    look()
  })
}
