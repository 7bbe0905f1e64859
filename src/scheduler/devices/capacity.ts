/** Devices that several claims share, each taking some of their capacities, and counters that devices draw on together. Models consumable capacity and partitionable devices of upstream's allocator. */
import type { CapacityRequirements, Device, DeviceCapacity } from '../../../schemas/types.ts'
import { makeQuantity, quantityMilliValue, quantityText } from '../../apimachinery/quantity.ts'
import type { PooledDevice } from './pools.ts'

export type Amounts = ReadonlyMap<string, number>

/** What a claim would take of a device that is shared, as quantities; undefined when the device cannot give what is asked. */
export function consumptionOf({ capacity = {} }: Device, { requests = {} }: CapacityRequirements = {}): Record<string, string> | undefined {
  if (Object.keys(requests).some((name) => !capacity[name])) return undefined
  const consumed: Record<string, string> = {}
  for (const [name, given] of Object.entries(capacity)) {
    const taken = amountOf(given, requests[name])
    if (taken === undefined) return undefined
    consumed[name] = taken
  }
  return consumed
}

function amountOf({ value = '0', requestPolicy }: DeviceCapacity, asked: string | undefined): string | undefined {
  const wanted = asked ?? requestPolicy?.default ?? value
  const most = quantityMilliValue(value)
  const { validValues, validRange } = requestPolicy ?? {}
  let taken: string | undefined = wanted
  if (validValues?.length) taken = [...validValues].sort((a, b) => quantityMilliValue(a) - quantityMilliValue(b)).find((v) => quantityMilliValue(v) >= quantityMilliValue(wanted))
  else if (validRange) taken = withinRange(wanted, validRange)
  return taken !== undefined && quantityMilliValue(taken) <= most ? taken : undefined
}

function withinRange(wanted: string, { min = '0', max, step }: { min?: string; max?: string; step?: string }): string | undefined {
  const least = quantityMilliValue(min)
  const amount = quantityMilliValue(wanted)
  if (amount <= least) return min
  if (max !== undefined && amount > quantityMilliValue(max)) return undefined
  if (step === undefined) return wanted
  const size = quantityMilliValue(step)
  const rounded = least + Math.ceil((amount - least) / size) * size
  if (rounded === amount) return wanted
  if (max !== undefined && rounded > quantityMilliValue(max)) return undefined
  return quantityText(makeQuantity(Math.trunc(rounded / 1000), 'BinarySI'))
}

/** Whether a device that is not shared has what is asked of it. */
export function hasCapacity({ capacity = {} }: Device, { requests = {} }: CapacityRequirements = {}): boolean {
  return Object.entries(requests).every(([name, asked]) => quantityMilliValue(capacity[name]?.value ?? '0') >= quantityMilliValue(asked))
}

/** Amounts in use, by name: capacities of shared devices, counters of pools. */
export class Used {
  readonly #amounts = new Map<string, number>()

  of(key: string): number {
    return this.#amounts.get(key) ?? 0
  }

  add(amounts: Amounts, sign: 1 | -1): void {
    for (const [key, amount] of amounts) this.#amounts.set(key, this.of(key) + sign * amount)
  }
}

export function capacityAmounts(id: string, consumed: Readonly<Record<string, string>>): Amounts {
  return new Map(Object.entries(consumed).map(([name, value]) => [`${id} ${name}`, quantityMilliValue(value)]))
}

export function fitsCapacity({ id, device }: PooledDevice, consumed: Readonly<Record<string, string>>, used: Used): boolean {
  return Object.entries(consumed).every(([name, value]) => used.of(`${id} ${name}`) + quantityMilliValue(value) <= quantityMilliValue(device.capacity?.[name]?.value ?? '0'))
}

export function counterAmounts({ pool, device }: PooledDevice): Amounts {
  const amounts = new Map<string, number>()
  for (const { counterSet = '', counters = {} } of device.consumesCounters ?? []) {
    for (const [name, { value = '0' }] of Object.entries(counters)) amounts.set(`${pool.id} ${counterSet} ${name}`, quantityMilliValue(value))
  }
  return amounts
}

export function fitsCounters({ pool, device }: PooledDevice, used: Used): boolean {
  return (device.consumesCounters ?? []).every(({ counterSet = '', counters = {} }) =>
    Object.entries(counters).every(([name, { value = '0' }]) => used.of(`${pool.id} ${counterSet} ${name}`) + quantityMilliValue(value) <= quantityMilliValue(pool.counters.get(counterSet)?.[name]?.value ?? '0')),
  )
}
