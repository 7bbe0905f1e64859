/** Writes down what a claim was given and for whom. Models bindClaim of pkg/scheduler/framework/plugins/dynamicresources. */
import type { AllocationResult, ResourceClaim } from '../../../schemas/types.ts'
import { formatTime } from '../../clock.ts'
import type { Handle } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'
import type { NodeClaim } from './extended-claim.ts'

const FINALIZER = 'resource.kubernetes.io/delete-protection'
const KIND = 'resource.k8s.io/v1/ResourceClaim'

/**
 * @param allocation absent when it had one before
 * @returns the claim as it is now
 */
export async function bindClaim({ client, clock }: Handle, { metadata }: ResourceClaim, { pod, allocation }: { pod: PodInfo; allocation: AllocationResult | undefined }): Promise<ResourceClaim> {
  const ref = { namespace: metadata.namespace, name: metadata.name ?? '' }
  const label = `${ref.namespace}/${ref.name}`
  const check = (claim: ResourceClaim) => {
    if (claim.metadata.deletionTimestamp) throw new Error(`claim ${label} got deleted in the meantime`)
    if (allocation && claim.status?.allocation) throw new Error(`claim ${label} got allocated elsewhere in the meantime`)
    if (!allocation && !claim.status?.allocation) throw new Error(`claim ${label} got deallocated elsewhere in the meantime`)
  }
  if (allocation) {
    await client.change<ResourceClaim>(KIND, ref, (claim) => {
      check(claim)
      if (claim.metadata.finalizers?.includes(FINALIZER)) return false
      claim.metadata.finalizers = [...(claim.metadata.finalizers ?? []), FINALIZER]
    })
  }
  const change = (claim: ResourceClaim) => {
    check(claim)
    const given = allocation ?? claim.status?.allocation
    const reservedFor = [...(claim.status?.reservedFor ?? []), { resource: 'pods', name: pod.name, uid: pod.uid }]
    claim.status = { ...claim.status, allocation: { ...given, allocationTimestamp: given?.allocationTimestamp ?? formatTime(clock.now()) }, reservedFor }
  }
  return await client.change<ResourceClaim>(KIND, ref, change, { subresource: 'status' })
}

/** Writes the claim for a pod's extended resources, allocated, and tells the pod of it. */
export async function bindNodeClaim(handle: Handle, { claim, mappings }: NodeClaim, { pod, allocation }: { pod: PodInfo; allocation: AllocationResult }): Promise<ResourceClaim> {
  const { client } = handle
  const { uid: _, ...metadata } = claim.metadata
  const created = await client.create<ResourceClaim>({ ...claim, metadata })
  try {
    const bound = await bindClaim(handle, created, { pod, allocation })
    const status = { extendedResourceClaimStatus: { requestMappings: mappings, resourceClaimName: bound.metadata.name } }
    await client.patch('v1/Pod', { namespace: pod.namespace, name: pod.name }, { status }, { type: 'strategic', subresource: 'status' })
    return bound
  } catch (error) {
    await deleteClaim(handle, created)
    throw error
  }
}

/** Only for claims that the scheduler itself made. */
export async function deleteClaim({ client }: Handle, { metadata }: ResourceClaim): Promise<void> {
  const ref = { namespace: metadata.namespace, name: metadata.name ?? '' }
  await client.change<ResourceClaim>(KIND, ref, (claim) => {
    claim.metadata.finalizers = claim.metadata.finalizers?.filter((f) => f !== FINALIZER)
  })
  await client.delete(KIND, ref)
}

/** The pod does not go there after all. */
export async function unreserveClaim({ client }: Handle, { metadata }: ResourceClaim, podUid: string): Promise<void> {
  const { namespace, name = '', uid } = metadata
  await client.patch(KIND, { namespace, name }, { metadata: { uid }, status: { reservedFor: [{ $patch: 'delete', uid: podUid }] } }, { type: 'strategic', subresource: 'status' })
}

/** Frees the devices of a claim that nobody uses. */
export async function deallocateClaim({ client }: Handle, { metadata, status: seen }: ResourceClaim): Promise<void> {
  const { namespace, name = '' } = metadata
  await client.change<ResourceClaim>(KIND, { namespace, name }, (claim) => {
    if (claim.metadata.uid !== metadata.uid || claim.status?.reservedFor?.length !== seen?.reservedFor?.length) return false
    claim.status = {}
  }, { subresource: 'status' })
}
