/**
 * Pods that claim devices. A claim must exist and have been allocated by somebody; allocating here comes later.
 * Models pkg/scheduler/framework/plugins/dynamicresources.
 */
import type { Pod, ResourceClaim } from '../../../schemas/types.ts'
import { definePlugin, failure, unresolvable, unschedulable, type PreFilterResult } from '../framework.ts'
import { compileNodeSelector } from '../../apimachinery/node-affinity.ts'

const NAME = 'DynamicResources'
const NOTHING_TO_FREE = { status: unschedulable('no new claims to deallocate') }
const CANNOT_ALLOCATE = unresolvable('cannot allocate all claims')
const NOT_AVAILABLE = unresolvable('resourceclaim not available on the node')

export default definePlugin<readonly ResourceClaim[]>({
  name: NAME,
  order: 150,
  weight: 2,
  events: [
    { resource: 'ResourceClaim', actions: ['add', 'update', 'delete'] },
    { resource: 'ResourceSlice', actions: ['add', 'update'] },
    { resource: 'DeviceClass', actions: ['add', 'update'] },
    { resource: 'WaitingPod', actions: ['resourceClaims'] },
    { resource: 'Node', actions: ['add', 'labels'] },
  ],
  preFilter({ handle }, { pod, namespace }): PreFilterResult<readonly ResourceClaim[]> {
    const claims: ResourceClaim[] = []
    for (const reference of pod.spec.resourceClaims ?? []) {
      const name = reference.resourceClaimName ?? generatedName(pod, reference.name)
      if (!name) return { status: unresolvable(`waiting for dynamic resource controller to create the resourceclaim for pod claim "${reference.name}"`) }
      const claim = handle.informers.lister<ResourceClaim>('resource.k8s.io/v1/ResourceClaim').get(namespace, name)
      if (!claim) return { status: unresolvable(`resourceclaim.resource.k8s.io "${name}" not found`) }
      if (claim.metadata.deletionTimestamp) return { status: unresolvable(`resourceclaim must not be in use, resourceclaim "${name}" is being deleted`) }
      claims.push(claim)
    }
    return { state: claims }
  },
  filter(claims, _pod, { node }) {
    for (const { status } of claims) {
      if (!status?.allocation) return CANNOT_ALLOCATE
      const { nodeSelector } = status.allocation
      if (nodeSelector && !compileNodeSelector(nodeSelector)(node)) return NOT_AVAILABLE
    }
    return undefined
  },
  postFilter(cycle) {
    // Upstream has no state to read when an earlier plugin refused the pod for good, and says so.
    return cycle.didPreFilter(NAME) ? NOTHING_TO_FREE : { status: failure('not found') }
  },
})

function generatedName(pod: Pod, name: string | undefined): string | undefined {
  return pod.status?.resourceClaimStatuses?.find((s) => s.name === name)?.resourceClaimName
}
