/** The claims of a pod, and what is wrong with them. Models k8s.io/dynamic-resource-allocation/resourceclaim and PreFilter of upstream's plugin. */
import type { DeviceRequest, Pod, ResourceClaim } from '../../../schemas/types.ts'
import { controllerOf } from '../../controller/owners.ts'
import type { PodInfo } from '../pod-info.ts'
import type { DeviceLedger } from './ledger.ts'

/** A text when one cannot be used. */
export function claimsOf(ledger: DeviceLedger, { pod, namespace, name: podName }: PodInfo): ResourceClaim[] | string {
  const claims: ResourceClaim[] = []
  for (const reference of pod.spec.resourceClaims ?? []) {
    const generated = reference.resourceClaimName === undefined ? generatedName(pod, reference.name) : undefined
    if (generated === null) continue
    const name = reference.resourceClaimName ?? generated
    if (!name) return `pod "${namespace}/${podName}": ResourceClaim not created yet`
    const claim = ledger.claim(namespace, name)
    if (!claim) return `resourceclaim.resource.k8s.io "${name}" not found`
    if (claim.metadata.deletionTimestamp) return `resourceclaim "${name}" is being deleted`
    if (generated && controllerOf(claim)?.uid !== pod.metadata.uid) return `ResourceClaim ${namespace}/${name} was not created for Pod ${namespace}/${podName} (Pod is not owner)`
    claims.push(claim)
  }
  return claims
}

/** null where the template turned out to need none. */
function generatedName({ status }: Pod, name: string | undefined): string | undefined | null {
  const found = status?.resourceClaimStatuses?.find((s) => s.name === name)
  return found && (found.resourceClaimName ?? null)
}

/** Pods that may share a claim, as the API has it. */
const MAX_CONSUMERS = 256

/** Why a claim cannot be had at all. */
export function problemOf(ledger: DeviceLedger, claim: ResourceClaim, podUid: string): string | undefined {
  const { namespace, name } = claim.metadata
  if (claim.status?.allocation) return (claim.status.reservedFor?.length ?? 0) < MAX_CONSUMERS || isReservedFor(claim, podUid) ? undefined : 'resourceclaim in use'
  if (ledger.isPending(claim)) return `resource claim ${namespace}/${name} is in the process of being allocated`
  for (const request of claim.spec.devices?.requests ?? []) {
    const options = optionsOf(request)
    if (options.length === 0) return `resource claim ${namespace}/${name}, request ${request.name}: unknown request type`
    for (const { full, className } of options) if (!ledger.class(className)) return `request ${full}: device class ${className} does not exist`
  }
  return undefined
}

function optionsOf({ name = '', exactly, firstAvailable = [] }: DeviceRequest): { full: string; className: string }[] {
  if (exactly) return [{ full: name, className: exactly.deviceClassName ?? '' }]
  return firstAvailable.map((sub) => ({ full: `${name}/${sub.name}`, className: sub.deviceClassName ?? '' }))
}

export function isReservedFor({ status }: ResourceClaim, uid: string): boolean {
  return status?.reservedFor?.some((consumer) => consumer.uid === uid) ?? false
}
