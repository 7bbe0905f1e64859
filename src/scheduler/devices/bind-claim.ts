/** Writes down what a claim was given and for whom. Models bindClaim of pkg/scheduler/framework/plugins/dynamicresources. */
import type { AllocationResult, ResourceClaim } from '../../../schemas/types.ts'
import { formatTime } from '../../clock.ts'
import type { Handle } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

const FINALIZER = 'resource.kubernetes.io/delete-protection'
const KIND = 'resource.k8s.io/v1/ResourceClaim'

/** @param allocation absent when it had one before */
export async function bindClaim({ client, clock }: Handle, { metadata }: ResourceClaim, { pod, allocation }: { pod: PodInfo; allocation: AllocationResult | undefined }): Promise<void> {
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
  await client.change<ResourceClaim>(KIND, ref, change, { subresource: 'status' })
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
