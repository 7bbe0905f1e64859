/**
 * Which devices are taken: by what claims say, and by decisions whose writing is still under way. Models
 * pkg/scheduler/framework/plugins/dynamicresources/{dra_manager,allocateddevices}.go.
 */
import type { AllocationResult, DeviceClass, ResourceClaim, ResourceSlice } from '../../../schemas/types.ts'
import type { Handle } from '../framework.ts'
import { DeviceAllocator } from './allocator.ts'
import { capacityAmounts, Used } from './capacity.ts'

export class DeviceLedger {
  readonly #handle: Handle
  /** By uid of the claim. */
  readonly #pending = new Map<string, AllocationResult>()

  constructor(handle: Handle) {
    this.#handle = handle
  }

  claim(namespace: string, name: string): ResourceClaim | undefined {
    return this.#handle.informers.lister<ResourceClaim>('resource.k8s.io/v1/ResourceClaim').get(namespace, name)
  }

  class(name: string): DeviceClass | undefined {
    return this.#handle.informers.lister<DeviceClass>('resource.k8s.io/v1/DeviceClass').get('', name)
  }

  isPending({ metadata }: ResourceClaim): boolean {
    return this.#pending.has(metadata.uid ?? '')
  }

  promise({ metadata }: ResourceClaim, allocation: AllocationResult): void {
    this.#pending.set(metadata.uid ?? '', allocation)
  }

  release({ metadata }: ResourceClaim): void {
    this.#pending.delete(metadata.uid ?? '')
  }

  /** Throws AllocationError. */
  allocatorFor(claims: readonly ResourceClaim[]): DeviceAllocator {
    const { informers, random } = this.#handle
    const allocated = new Set<string>()
    const usedCapacity = new Used()
    const stored = informers.lister<ResourceClaim>('resource.k8s.io/v1/ResourceClaim').list()
    for (const allocation of [...stored.map((c) => c.status?.allocation), ...this.#pending.values()]) {
      for (const { driver, pool, device, adminAccess, consumedCapacity, shareID } of allocation?.devices?.results ?? []) {
        const id = `${driver}/${pool}/${device}`
        if (shareID) usedCapacity.add(capacityAmounts(id, consumedCapacity ?? {}), 1)
        else if (!adminAccess) allocated.add(id)
      }
    }
    const slices = informers.lister<ResourceSlice>('resource.k8s.io/v1/ResourceSlice').list()
    return new DeviceAllocator(claims, { slices, allocated, usedCapacity, classOf: (name) => this.class(name), newShareID: () => random.uuid() })
  }
}

const ledgers = new WeakMap<Handle, DeviceLedger>()

/** One for a scheduler: its promises must be known to all decisions. */
export function ledgerOf(handle: Handle): DeviceLedger {
  let ledger = ledgers.get(handle)
  if (!ledger) ledgers.set(handle, (ledger = new DeviceLedger(handle)))
  return ledger
}
