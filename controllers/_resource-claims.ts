/** What pods and ResourceClaims have to do with each other. Models k8s.io/dynamic-resource-allocation/resourceclaim. */
import type { Pod, PodResourceClaim, ResourceClaim } from '../schemas/types.ts'

export const CLAIM = 'resource.k8s.io/v1/ResourceClaim'
export const CLAIM_ANNOTATION = 'resource.kubernetes.io/pod-claim-name'
/** How many may use a claim at a time. */
export const MAX_RESERVED = 256

export const CLAIM_CONTROLLER = {
  name: 'resourceclaim',
  user: 'system:serviceaccount:kube-system:resource-claim-controller',
  manager: 'kube-controller-manager',
  component: 'resource_claim',
} as const

/** The claim's name, as far as it is known yet. */
export function claimNames(pod: Pod, { name, resourceClaimName }: PodResourceClaim): string[] {
  const found = resourceClaimName ?? pod.status?.resourceClaimStatuses?.find((s) => s.name === name)?.resourceClaimName
  return found ? [found] : []
}

export function isReservedFor(claim: ResourceClaim, pod: Pod): boolean {
  return claim.status?.reservedFor?.some((r) => r.uid === pod.metadata.uid) ?? false
}

/** Whether nothing of the pod runs or will run. */
export function isDone(pod: Pod): boolean {
  const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
  return isOver || (pod.metadata.deletionTimestamp !== undefined && !pod.spec.nodeName)
}
