/**
 * Keeps the status of ResourceQuotas: what is used of what is limited. Admission charges what is created; this counts
 * anew when something goes or changes. Models k8s.io/kubernetes/pkg/controller/resourcequota.
 */
import type { PersistentVolumeClaim, Pod, ResourceQuota } from '../schemas/types.ts'
import { compareQuantities } from '../src/apimachinery/quantity.ts'
import { resourceOfName, usageUnder, type Resource } from '../src/apimachinery/quota-usage.ts'
import { listText, type ResourceList } from '../src/apimachinery/resource-list.ts'
import { defineController, keyOf, type ControllerContext } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { groupOf, splitKind } from '../src/controller/owners.ts'
import { isPodTerminal } from '../src/controller/pods.ts'
import { perCluster } from '../src/controller/state.ts'
import type { KubeObject } from '../src/registry/kind.ts'

const KIND = 'v1/ResourceQuota'
/** Many objects that go together are counted once. */
const SETTLE_MS = 100
const RECOUNT_MS = 2000

/** Resources whose objects are followed, with the kind they are read as. */
const followed = perCluster(() => new Map<Resource, string>())

export default defineController<ResourceQuota>({
  name: 'resourcequota',
  for: KIND,
  // Its status changes with every charge of admission, before the object is there that is charged for.
  wakes: (quota, old) => !old || !semanticEqual(quota.spec, old.spec),
  async reconcile(quota, ctx) {
    // What is charged for and not stored yet must not be taken off. A charge from here on makes the write below conflict.
    if (ctx.isCharging?.(quota.metadata.namespace ?? '')) return { requeueAfterMs: SETTLE_MS }
    const status = { hard: quota.spec.hard ?? {}, used: listText(usedUnder(quota, ctx)) }
    if (quota.status?.hard && quota.status.used && semanticEqual(quota.status.hard, status.hard) && sameList(quota.status.used, status.used)) return
    await ctx.client.updateStatus<ResourceQuota>({ ...quota, status })
    // Some count by the time that passed, as pods past their grace.
    return { requeueAfterMs: RECOUNT_MS }
  },
})

function usedUnder(quota: ResourceQuota, ctx: ControllerContext): ResourceList {
  const names = Object.keys(quota.spec.hard ?? {})
  const used: ResourceList = {}
  // What nobody counts keeps the number it has.
  for (const name of names) if (quota.status?.used?.[name] !== undefined) used[name] = quota.status.used[name]
  for (const resource of new Set(names.flatMap((name) => resourceOfName(name) ?? []))) {
    const kind = follow(resource, ctx)
    if (kind) Object.assign(used, usageUnder(quota, resource, { objects: ctx.informers.lister(kind).list(quota.metadata.namespace), nowMs: ctx.clock.now() }))
  }
  return used
}

function sameList(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => b[name] !== undefined && compareQuantities(a[name] ?? '0', b[name]) === 0)
}

/** Follows the objects of a resource from the first quota on that counts them. Undefined where there is no such resource. */
function follow(resource: Resource, ctx: ControllerContext): string | undefined {
  const known = followed(ctx).get(resource)
  if (known) return known
  const found = ctx.kinds?.().find(({ kind, plural, namespaced }) => {
    const group = groupOf(splitKind(kind).apiVersion)
    return namespaced && (group ? `${plural}.${group}` : plural) === resource
  })
  if (!found) return undefined
  followed(ctx).set(resource, found.kind)
  const wake = (object: KubeObject) => wakeQuotas(object, ctx)
  ctx.informers.for(found.kind).subscribe({ add: wake, update: (object, old) => changesUsage(resource, object, old) && wake(object), delete: wake })
  return found.kind
}

function wakeQuotas(object: KubeObject, ctx: ControllerContext): void {
  const { namespace } = object.metadata
  if (namespace) for (const quota of ctx.informers.lister<ResourceQuota>(KIND).list(namespace)) ctx.enqueue(keyOf(quota), SETTLE_MS)
}

function changesUsage(resource: Resource, object: KubeObject, old: KubeObject): boolean {
  if (resource === 'pods') return isPodTerminal(object as Pod) !== isPodTerminal(old as Pod) || resizes(object as Pod, old as Pod)
  if (resource === 'services') return !semanticEqual((object as { spec?: unknown }).spec, (old as { spec?: unknown }).spec)
  if (resource === 'persistentvolumeclaims') return !semanticEqual(countedOfClaim(object as PersistentVolumeClaim), countedOfClaim(old as PersistentVolumeClaim))
  return false
}

function resizes({ spec, status }: Pod, { spec: oldSpec, status: oldStatus }: Pod): boolean {
  if (spec.activeDeadlineSeconds !== oldSpec.activeDeadlineSeconds) return true
  const resourcesOf = (s: Pod['status']) => [...(s?.containerStatuses ?? []), ...(s?.initContainerStatuses ?? [])].map((c) => c.resources)
  return !semanticEqual(resourcesOf(status), resourcesOf(oldStatus))
}

function countedOfClaim({ spec, status }: PersistentVolumeClaim): unknown {
  return [spec, status?.allocatedResources, status?.currentVolumeAttributesClassName, status?.modifyVolumeStatus]
}
