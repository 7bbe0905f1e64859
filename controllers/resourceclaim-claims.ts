/**
 * Takes reservations of pods that are done from ResourceClaims, gives back what nobody uses any more, and deletes claims that
 * were made for a pod when that is done. Models syncClaim of k8s.io/kubernetes/pkg/controller/resourceclaim.
 */
import type { Pod, ResourceClaim } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { controllerOf, refOf } from '../src/controller/owners.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { CLAIM, CLAIM_CONTROLLER, claimNames, isDone } from './_resource-claims.ts'

const FINALIZER = 'resource.kubernetes.io/delete-protection'

export default defineController<ResourceClaim>({
  ...CLAIM_CONTROLLER,
  for: CLAIM,
  watches: { 'v1/Pod': claimsOfPod },
  reconcile,
})

function claimsOfPod(object: KubeObject, { informers }: ControllerContext): readonly Key[] {
  const pod = object as Pod
  if (!pod.spec.resourceClaims?.length) return []
  const { namespace, uid = '' } = pod.metadata
  const named = pod.spec.resourceClaims.flatMap((c) => claimNames(pod, c)).map((name) => keyOf({ metadata: { namespace, name } }))
  return [...named, ...informers.lister<ResourceClaim>(CLAIM).ownedBy(uid).map(keyOf)]
}

export interface ClaimPlan {
  /** Who still uses it. */
  remaining: NonNullable<NonNullable<ResourceClaim['status']>['reservedFor']>
  /** What was allocated goes back. */
  deallocate: boolean
  release: boolean
  remove: boolean
}

/** @param pod finds a pod of the claim's namespace */
export function plan(claim: ResourceClaim, pod: (name: string) => Pod | undefined): ClaimPlan {
  const { reservedFor = [], allocation } = claim.status ?? {}
  const { finalizers, deletionTimestamp } = claim.metadata
  const remaining = reservedFor.filter(({ apiGroup, resource, name = '', uid }) => {
    if (apiGroup || resource !== 'pods') return true
    const user = pod(name)
    return user?.metadata.uid === uid && !isDone(user as Pod)
  })
  const isProtected = finalizers?.includes(FINALIZER) ?? false
  const isFree = remaining.length === 0 && (reservedFor.length > 0 || deletionTimestamp !== undefined)
  const owner = controllerOf(claim)
  const ownerPod = owner?.kind === 'Pod' && owner.apiVersion === 'v1' ? pod(owner.name ?? '') : undefined
  return {
    remaining,
    deallocate: isFree && isProtected && allocation !== undefined,
    release: isFree && isProtected,
    remove: remaining.length === 0 && !deletionTimestamp && ownerPod !== undefined && (ownerPod.metadata.uid !== owner?.uid || isDone(ownerPod)),
  }
}

async function reconcile(claim: ResourceClaim, { client, informers }: ControllerContext): Promise<void> {
  const { namespace = '' } = claim.metadata
  const { remaining, deallocate, release, remove } = plan(claim, (name) => informers.lister<Pod>('v1/Pod').get(namespace, name))
  let current = claim
  if (deallocate || remaining.length < (claim.status?.reservedFor?.length ?? 0)) {
    const { allocation, ...status } = claim.status ?? {}
    current = await client.updateStatus<ResourceClaim>({ ...current, status: { ...status, ...(allocation && !deallocate ? { allocation } : {}), reservedFor: remaining } })
  }
  if (release) current = await client.update<ResourceClaim>({ ...current, metadata: { ...current.metadata, finalizers: current.metadata.finalizers?.filter((f) => f !== FINALIZER) } })
  if (!remove) return
  try {
    await client.delete(CLAIM, refOf(current))
  } catch (error) {
    if (!isStatusError(error, 'NotFound')) throw error
  }
}
