/**
 * Makes the claims of generic ephemeral volumes, owned by their pod. Models k8s.io/kubernetes/pkg/controller/volume/ephemeral.
 */
import type { PersistentVolumeClaim, Pod, Volume } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { controllerRef, isControlledBy } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { CLAIM, indexPodsByClaim, podsOfClaim } from './_volumes.ts'

export default defineController<Pod>({
  name: 'ephemeral-volume',
  component: 'ephemeral_volume',
  for: 'v1/Pod',
  watches: { [CLAIM]: podsThatLostTheirs },
  setup: indexPodsByClaim,
  wakes: (pod, old) => old === undefined && hasEphemeral(pod),
  async reconcile(pod, ctx) {
    if (pod.metadata.deletionTimestamp) return
    for (const volume of pod.spec.volumes ?? []) {
      if (!volume.ephemeral) continue
      try {
        await ensureClaim(pod, volume, ctx)
      } catch (error) {
        ctx.events.event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume.name}: ${messageOf(error)}`)
        throw new Error(`pod ${keyOf(pod)}, ephemeral volume ${volume.name}: ${messageOf(error)}`, { cause: error })
      }
    }
  },
})

function hasEphemeral(pod: Pod): boolean {
  return pod.spec.volumes?.some((v) => v.ephemeral) ?? false
}

/** Only a claim that went leaves a pod without one. */
function podsThatLostTheirs(object: KubeObject, ctx: ControllerContext): readonly Key[] {
  const claim = object as PersistentVolumeClaim
  const { namespace = '', name = '' } = claim.metadata
  if (ctx.informers.lister(CLAIM).get(namespace, name)) return []
  return podsOfClaim(ctx, claim).filter(hasEphemeral).map(keyOf)
}

/** The claim that a pod's ephemeral volume asks for. */
export function claimFor(pod: Pod, volume: Volume): PersistentVolumeClaim {
  const { metadata: { labels, annotations } = {}, spec } = volume.ephemeral?.volumeClaimTemplate ?? {}
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: `${pod.metadata.name}-${volume.name}`,
      namespace: pod.metadata.namespace,
      ownerReferences: [controllerRef(pod, 'v1/Pod')],
      ...(annotations ? { annotations } : {}),
      ...(labels ? { labels } : {}),
    },
    spec: spec ?? {},
  }
}

async function ensureClaim(pod: Pod, volume: Volume, { client, informers }: ControllerContext): Promise<void> {
  const wanted = claimFor(pod, volume)
  const { namespace = '', name = '' } = wanted.metadata
  const there = informers.lister<PersistentVolumeClaim>(CLAIM).get(namespace, name)
  if (there) {
    if (isControlledBy(there, pod)) return
    throw new Error(`PVC ${namespace}/${name} was not created for pod ${keyOf(pod)} (pod is not owner)`)
  }
  try {
    await client.create(wanted)
  } catch (error) {
    throw new Error(`create PVC ${name}: ${messageOf(error)}`, { cause: error })
  }
}
