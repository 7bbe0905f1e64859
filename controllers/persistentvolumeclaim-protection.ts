/**
 * Lets a deleted claim go once no pod on a node uses it. Models k8s.io/kubernetes/pkg/controller/volume/pvcprotection.
 */
import type { PersistentVolumeClaim, Pod } from '../schemas/types.ts'
import { defineController, type ControllerContext, type Key } from '../src/controller/controller.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { CLAIM, claimsOfPod, indexPodsByClaim, podsOfClaim } from './_volumes.ts'

const FINALIZER = 'kubernetes.io/pvc-protection'

export default defineController<PersistentVolumeClaim>({
  name: 'persistentvolumeclaim-protection',
  user: 'system:serviceaccount:kube-system:pvc-protection-controller',
  for: CLAIM,
  watches: { 'v1/Pod': claimsInDeletion },
  setup: indexPodsByClaim,
  wakes: (claim) => wants(claim) !== undefined,
  async reconcile(claim, ctx) {
    const want = wants(claim)
    const { finalizers = [] } = claim.metadata
    if (want === 'add') await ctx.client.update<PersistentVolumeClaim>({ ...claim, metadata: { ...claim.metadata, finalizers: [...finalizers, FINALIZER] } })
    if (want === 'remove' && !podsOfClaim(ctx, claim).some((pod) => uses(pod, claim)))
      await ctx.client.update<PersistentVolumeClaim>({ ...claim, metadata: { ...claim.metadata, finalizers: finalizers.filter((f) => f !== FINALIZER) } })
  },
})

function wants(claim: PersistentVolumeClaim): 'add' | 'remove' | undefined {
  const has = claim.metadata.finalizers?.includes(FINALIZER) ?? false
  if (claim.metadata.deletionTimestamp) return has ? 'remove' : undefined
  return has ? undefined : 'add'
}

/** Pods that were never assigned do not count. */
export function uses(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if (!pod.spec.nodeName) return false
  const isShutDown = pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds === 0
  const isOwn = claim.metadata.ownerReferences?.some((ref) => ref.controller && ref.uid === pod.metadata.uid) ?? false
  return (pod.spec.volumes ?? []).some(
    (v) => v.persistentVolumeClaim?.claimName === claim.metadata.name || (!isShutDown && isOwn && v.ephemeral !== undefined && `${pod.metadata.name}-${v.name}` === claim.metadata.name),
  )
}

function claimsInDeletion(object: KubeObject, ctx: ControllerContext): readonly Key[] {
  const pod = object as Pod
  if (!pod.spec.volumes?.length) return []
  const claims = ctx.informers.lister<PersistentVolumeClaim>(CLAIM)
  return claimsOfPod(pod).filter((key) => claims.get(pod.metadata.namespace ?? '', key.slice(key.indexOf('/') + 1))?.metadata.deletionTimestamp)
}
