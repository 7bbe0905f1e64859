/**
 * Makes the ResourceClaims that pods ask for by template, says in their status which they got, and reserves claims for pods
 * that were assigned past the scheduler. Models k8s.io/kubernetes/pkg/controller/resourceclaim.
 */
import type { Pod, PodResourceClaim, ResourceClaim, ResourceClaimTemplate } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { isControlledBy, refOf } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { CLAIM, CLAIM_ANNOTATION, CLAIM_CONTROLLER, MAX_RESERVED, claimNames, isReservedFor } from './_resource-claims.ts'

const TEMPLATE = 'resource.k8s.io/v1/ResourceClaimTemplate'
const BY_NAMED = 'resource-claims'
/** Of a generated name's base; a hyphen and five characters follow. */
const MAX_BASE = 57

export default defineController<Pod>({
  ...CLAIM_CONTROLLER,
  for: 'v1/Pod',
  watches: { [TEMPLATE]: podsNaming, [CLAIM]: podsNaming },
  setup: (ctx) => ctx.informers.for<Pod>('v1/Pod').addIndex(BY_NAMED, namedBy),
  wakes: (pod) => (pod.spec.resourceClaims?.length ?? 0) > 0,
  reconcile,
})

/** Keys of the claims and templates a pod names. */
function namedBy(pod: Pod): Key[] {
  const key = (kind: string, name: string) => `${kind} ${pod.metadata.namespace}/${name}`
  return (pod.spec.resourceClaims ?? []).flatMap((c) => [...(c.resourceClaimTemplateName ? [key('ResourceClaimTemplate', c.resourceClaimTemplateName)] : []), ...claimNames(pod, c).map((name) => key('ResourceClaim', name))])
}

function podsNaming(object: KubeObject, { informers }: ControllerContext): readonly Key[] {
  return informers.lister<Pod>('v1/Pod').byIndex(BY_NAMED, `${object.kind} ${keyOf(object)}`).map(keyOf)
}

/** A name under which neither the pod's nor the claim's part is lost. */
export function generateNameFor(podName: string, claimName: string): string {
  const whole = `${podName}-${claimName}-`
  if (whole.length <= MAX_BASE) return whole
  const share = (text: string) => text.slice(0, Math.trunc((text.length * MAX_BASE) / whole.length))
  return `${share(podName)}-${share(claimName)}`
}

async function reconcile(pod: Pod, ctx: ControllerContext): Promise<void> {
  if (pod.metadata.deletionTimestamp) return
  const { namespace = '', name = '' } = pod.metadata
  const made: { name: string; resourceClaimName: string }[] = []
  for (const podClaim of pod.spec.resourceClaims ?? []) {
    try {
      const claim = await ensureClaim(pod, podClaim, ctx)
      if (claim) made.push({ name: podClaim.name ?? '', resourceClaimName: claim.metadata.name ?? '' })
    } catch (error) {
      ctx.events.event(pod, 'Warning', 'FailedResourceClaimCreation', `PodResourceClaim ${podClaim.name}: ${messageOf(error)}`)
      throw new Error(`pod ${keyOf(pod)}, PodResourceClaim ${podClaim.name}: ${messageOf(error)}`, { cause: error })
    }
  }
  if (made.length > 0) {
    const applied = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status: { resourceClaimStatuses: made } }
    await ctx.client.patch('v1/Pod', { namespace, name }, applied, { type: 'apply', subresource: 'status', fieldManager: 'ResourceClaimController', force: true })
  }
  if (pod.spec.nodeName) await reserve(pod, ctx)
}

/** The claim that was made or found for the pod; undefined where its status tells of it already, or none is to be made. */
async function ensureClaim(pod: Pod, podClaim: PodResourceClaim, { client, informers }: ControllerContext): Promise<ResourceClaim | undefined> {
  const { resourceClaimTemplateName: templateName } = podClaim
  const { namespace = '', name = '' } = pod.metadata
  if (templateName === undefined) return undefined
  const claims = informers.lister<ResourceClaim>(CLAIM)
  const status = pod.status?.resourceClaimStatuses?.find((s) => s.name === podClaim.name)
  if (status) {
    const claim = status.resourceClaimName ? claims.get(namespace, status.resourceClaimName) : undefined
    if (!status.resourceClaimName || (claim && isControlledBy(claim, pod))) return undefined
  }
  const orphan = claims.ownedBy(pod.metadata.uid ?? '').find((claim) => claim.metadata.annotations?.[CLAIM_ANNOTATION] === podClaim.name)
  if (orphan) return orphan
  const template = informers.lister<ResourceClaimTemplate>(TEMPLATE).get(namespace, templateName)
  if (!template) throw new Error(`resource claim template ${JSON.stringify(templateName)}: resourceclaimtemplate.resource.k8s.io ${JSON.stringify(templateName)} not found`)
  const { labels, annotations } = template.spec.metadata ?? {}
  const claim: ResourceClaim = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: {
      generateName: generateNameFor(name, podClaim.name ?? ''),
      namespace,
      annotations: { ...annotations, [CLAIM_ANNOTATION]: podClaim.name ?? '' },
      ...(labels ? { labels } : {}),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid ?? '', controller: true }],
    },
    spec: template.spec.spec ?? {},
  }
  try {
    return await client.create(claim)
  } catch (error) {
    throw new Error(`create ResourceClaim : ${messageOf(error)}`, { cause: error })
  }
}

/** A pod on a node may use what was allocated, where nobody has said so yet. */
async function reserve(pod: Pod, { client, informers }: ControllerContext): Promise<void> {
  const { namespace = '', name = '', uid = '' } = pod.metadata
  for (const podClaim of pod.spec.resourceClaims ?? [])
    for (const claimName of claimNames(pod, podClaim)) {
      const claim = informers.lister<ResourceClaim>(CLAIM).get(namespace, claimName)
      const { allocation, reservedFor = [] } = claim?.status ?? {}
      if (!claim || !allocation || isReservedFor(claim, pod) || reservedFor.length >= MAX_RESERVED || (podClaim.resourceClaimTemplateName && !isControlledBy(claim, pod))) continue
      await client.patch(CLAIM, refOf(claim), { metadata: { uid: claim.metadata.uid }, status: { reservedFor: [{ resource: 'pods', name, uid }] } }, { type: 'strategic', subresource: 'status' })
    }
}
