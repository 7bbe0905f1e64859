/**
 * Mirrors Endpoints that somebody keeps for a Service without a selector into EndpointSlices.
 * Models k8s.io/kubernetes/pkg/controller/endpointslicemirroring.
 */
import type { EndpointSlice, Endpoints, Service } from '../schemas/types.ts'
import { defineController, keyOf, splitKey, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { refOf } from '../src/controller/owners.ts'
import { isNamespaceTerminating, messageOf } from '../src/controller/pod-control.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { MAX_PER_SUBSET, MIRROR, plan, type MirrorPlan } from './_endpointslice-mirror-plan.ts'
import { MANAGED_BY, SERVICE_NAME } from './_endpointslice-plan.ts'

export { plan } from './_endpointslice-mirror-plan.ts'

const SLICE = 'discovery.k8s.io/v1/EndpointSlice'
const BY_ENDPOINTS = 'mirrored'

export default defineController<Endpoints>({
  name: 'endpointslice-mirroring',
  user: 'system:serviceaccount:kube-system:endpointslicemirroring-controller',
  component: 'endpoint-slice-mirroring-controller',
  for: 'v1/Endpoints',
  retryDelaysMs: [1000, 100_000],
  watches: { 'v1/Service': serviceKeys, [SLICE]: (slice, _ctx, old) => [...mirroredKeys(slice), ...(old ? mirroredKeys(old) : [])] },
  setup: (ctx) => ctx.informers.for(SLICE).addIndex(BY_ENDPOINTS, mirroredKeys),
  reconcile,
  deleted: (key, ctx) => removeMirrored(key, ctx),
})

/** A Service with a selector has slices of its own, and had none of ours unless it got the selector now. */
function serviceKeys(object: KubeObject, _ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const has = (service: KubeObject | undefined) => (service as Service | undefined)?.spec.selector !== undefined
  return has(object) && (!before || has(before)) ? [] : [keyOf(object)]
}

function mirroredKeys({ metadata }: KubeObject): Key[] {
  const { labels, namespace } = metadata
  const name = labels?.[SERVICE_NAME]
  return name && labels[MANAGED_BY] === MIRROR ? [keyOf({ metadata: { namespace, name } })] : []
}

function mirrored(key: Key, ctx: ControllerContext): EndpointSlice[] {
  return ctx.informers.lister<EndpointSlice>(SLICE).byIndex(BY_ENDPOINTS, key)
}

function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  if (metadata.labels?.['endpointslice.kubernetes.io/skip-mirror'] === 'true' || metadata.annotations?.['control-plane.alpha.kubernetes.io/leader'] !== undefined) return false
  return service !== undefined && service.spec.selector === undefined
}

async function reconcile(endpoints: Endpoints, ctx: ControllerContext): Promise<void> {
  const { namespace = '', name = '' } = endpoints.metadata
  const key = keyOf(endpoints)
  if (!isMirrored(endpoints, ctx.informers.lister<Service>('v1/Service').get(namespace, name))) return removeMirrored(key, ctx)
  const wanted = plan(endpoints, mirrored(key, ctx))
  if (wanted.invalid > 0) ctx.events.event(endpoints, 'Warning', 'InvalidIPAddress', `Skipped ${wanted.invalid} invalid IP addresses when mirroring to EndpointSlices`)
  if (wanted.skipped > wanted.invalid)
    ctx.events.event(endpoints, 'Warning', 'TooManyAddressesToMirror', `A max of ${MAX_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset. ${wanted.skipped} addresses were skipped`)
  try {
    await write(endpoints, wanted, ctx)
  } catch (error) {
    ctx.events.event(endpoints, 'Warning', 'FailedToUpdateEndpointSlices', `Error updating EndpointSlices for Service ${key}: ${messageOf(error)}`)
    throw error
  }
}

async function write(endpoints: Endpoints, wanted: MirrorPlan, { client }: ControllerContext): Promise<void> {
  const failed = (what: string, error: unknown) => new Error(`failed to ${what} for Endpoints ${keyOf(endpoints)}: ${messageOf(error)}`, { cause: error })
  for (const slice of endpoints.metadata.deletionTimestamp ? [] : wanted.create) {
    try {
      await client.create(slice)
    } catch (error) {
      if (isNamespaceTerminating(error)) return
      throw failed('create EndpointSlice', error)
    }
  }
  for (const slice of wanted.update) {
    try {
      await client.update(slice)
    } catch (error) {
      throw failed(`update ${slice.metadata.name} EndpointSlice`, error)
    }
  }
  for (const slice of wanted.delete) {
    try {
      await client.delete(SLICE, refOf(slice))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw failed(`delete ${slice.metadata.name} EndpointSlice`, error)
    }
  }
}

async function removeMirrored(key: Key, ctx: ControllerContext): Promise<void> {
  const { namespace } = splitKey(key)
  for (const slice of mirrored(key, ctx)) {
    try {
      await ctx.client.delete(SLICE, { namespace, name: slice.metadata.name ?? '' })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
}
