/**
 * Deletes pods that use a device which got a NoExecute taint in its ResourceSlice, at once or when the toleration of their
 * claim runs out. Models k8s.io/kubernetes/pkg/controller/devicetainteviction, without DeviceTaintRules: their API is off
 * by default.
 */
import type { DeviceRequestAllocationResult, DeviceTaint, Pod, ResourceClaim, ResourceSlice } from '../schemas/types.ts'
import { tolerates } from '../src/apimachinery/tolerations.ts'
import { defineController, keyOf, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { isControlledBy } from '../src/controller/owners.ts'
import { evict } from '../src/controller/pod-status.ts'
import { perCluster } from '../src/controller/state.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { CLAIM, claimNames, isReservedFor } from './_resource-claims.ts'

const SLICE = 'resource.k8s.io/v1/ResourceSlice'
const BY_POOL = 'device-pool'
const EVICTION = 'DeviceTaintManagerEviction'

/** Pods whose time runs. */
const pending = perCluster(() => new Set<Key>())
const poolOf = (driver = '', pool = '') => `${driver}/${pool}`

export default defineController<Pod>({
  name: 'device-taint-eviction',
  for: 'v1/Pod',
  watches: { [CLAIM]: (claim, _, old) => [...new Set([claim, old].flatMap((c) => (c ? usersOf(c as ResourceClaim) : [])))], [SLICE]: podsOfPool },
  setup({ informers }) {
    informers.for<ResourceSlice>(SLICE).addIndex(BY_POOL, ({ spec }) => [poolOf(spec.driver, spec.pool?.name)])
    informers.for<ResourceClaim>(CLAIM).addIndex(BY_POOL, (claim) => devicesOf(claim).map(({ driver, pool }) => poolOf(driver, pool)))
  },
  wakes: (pod, old) => (pod.spec.resourceClaims?.length ?? 0) > 0 && !(old && old.spec.nodeName === pod.spec.nodeName && semanticEqual(old.status?.resourceClaimStatuses, pod.status?.resourceClaimStatuses)),
  reconcile,
  async deleted(key, ctx) {
    pending(ctx).delete(key)
  },
})

const devicesOf = ({ status }: ResourceClaim): readonly DeviceRequestAllocationResult[] => status?.allocation?.devices?.results ?? []

function usersOf({ metadata, status }: ResourceClaim): Key[] {
  return (status?.reservedFor ?? []).flatMap(({ apiGroup, resource, name }) => (!apiGroup && resource === 'pods' ? [keyOf({ metadata: { namespace: metadata.namespace, name } })] : []))
}

function podsOfPool(object: KubeObject, { informers }: ControllerContext, old?: KubeObject): readonly Key[] {
  const { spec } = object as ResourceSlice
  const isTainted = [object, old].some((o) => (o as ResourceSlice | undefined)?.spec.devices?.some((d) => d.taints?.some(isEvicting)))
  return isTainted ? informers.lister<ResourceClaim>(CLAIM).byIndex(BY_POOL, poolOf(spec.driver, spec.pool?.name)).flatMap(usersOf) : []
}

function isEvicting(taint: DeviceTaint): boolean {
  return taint.effect === 'NoExecute'
}

/** When who uses the device must go; Infinity for never. */
export function evictionMs({ tolerations = [] }: DeviceRequestAllocationResult, taints: readonly DeviceTaint[]): number {
  const times = taints.filter(isEvicting).map((taint) => {
    const fitting = tolerations.filter((t) => t.effect === 'NoExecute' && tolerates(t, taint))
    const seconds = fitting.length === 0 ? 0 : Math.min(...fitting.map((t) => Math.max(0, t.tolerationSeconds ?? Infinity)))
    const isForever = fitting.some((t) => t.tolerationSeconds === undefined)
    return isForever ? Infinity : Date.parse(taint.timeAdded ?? '') + seconds * 1000
  })
  return Math.min(Infinity, ...times)
}

/** The taints of a device as the newest generation of its pool tells them. */
export function taintsOf({ device }: DeviceRequestAllocationResult, slices: readonly ResourceSlice[]): readonly DeviceTaint[] {
  const newest = Math.max(...slices.map(({ spec }) => spec.pool?.generation ?? 0))
  const found = slices.filter(({ spec }) => (spec.pool?.generation ?? 0) === newest).flatMap(({ spec }) => spec.devices ?? [])
  return found.find(({ name }) => name === device)?.taints ?? []
}

function podEvictionMs(pod: Pod, { informers }: ControllerContext): number {
  if (!pod.spec.nodeName) return Infinity
  const slices = informers.lister<ResourceSlice>(SLICE)
  const claims = (pod.spec.resourceClaims ?? []).flatMap((podClaim) =>
    claimNames(pod, podClaim).flatMap((name) => {
      const claim = informers.lister<ResourceClaim>(CLAIM).get(pod.metadata.namespace ?? '', name)
      return claim && isReservedFor(claim, pod) && (!podClaim.resourceClaimTemplateName || isControlledBy(claim, pod)) ? [claim] : []
    }),
  )
  return Math.min(Infinity, ...claims.flatMap(devicesOf).map((device) => evictionMs(device, taintsOf(device, slices.byIndex(BY_POOL, poolOf(device.driver, device.pool))))))
}

async function reconcile(pod: Pod, ctx: ControllerContext): Promise<Result | void> {
  if (pod.metadata.deletionTimestamp) return
  const running = pending(ctx)
  const key = keyOf(pod)
  const leftMs = podEvictionMs(pod, ctx) - ctx.clock.now()
  if (leftMs === Infinity) {
    if (running.delete(key)) ctx.events.event(pod, 'Normal', EVICTION, 'Cancelling deletion')
    return
  }
  if (leftMs > 0) {
    running.add(key)
    return { requeueAfterMs: leftMs }
  }
  running.delete(key)
  ctx.events.event(pod, 'Normal', EVICTION, 'Marking for deletion')
  await evict(ctx, pod, { reason: 'DeletionByDeviceTaintManager', message: 'Device Taint manager: deleting due to NoExecute taint' })
}
