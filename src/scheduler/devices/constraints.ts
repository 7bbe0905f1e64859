/** What the devices of several requests must have in common, or not. Models the constraints of upstream's structured allocator. */
import type { DeviceAttribute, DeviceConstraint } from '../../../schemas/types.ts'
import type { PooledDevice } from './pools.ts'

export interface RequestName {
  request: string
  /** `request/subrequest`, or the same. */
  full: string
}

/** The values that devices taken so far have, one entry a device. */
export class Constraint {
  readonly #requests: readonly string[]
  readonly #attribute: string
  readonly #isDistinct: boolean
  readonly #values: string[] = []

  constructor({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint) {
    this.#requests = requests
    this.#attribute = matchAttribute ?? distinctAttribute ?? ''
    this.#isDistinct = matchAttribute === undefined
  }

  /** Whether a device may be taken besides those that are; it is counted when it may. */
  add(name: RequestName, device: PooledDevice): boolean {
    if (!this.#concerns(name)) return true
    const value = valueOf(device, this.#attribute)
    if (value === undefined) return false
    const isGood = this.#isDistinct ? !this.#values.includes(value) : this.#values.length === 0 || this.#values[0] === value
    if (isGood) this.#values.push(value)
    return isGood
  }

  /** Takes back the last device that was added. */
  remove(name: RequestName): void {
    if (this.#concerns(name)) this.#values.pop()
  }

  #concerns({ request, full }: RequestName): boolean {
    return this.#requests.length === 0 || this.#requests.includes(request) || this.#requests.includes(full)
  }
}

function valueOf({ device, driver }: PooledDevice, attribute: string): string | undefined {
  const slash = attribute.indexOf('/')
  const isOwn = slash >= 0 && attribute.slice(0, slash) === driver
  const found: DeviceAttribute | undefined = device.attributes?.[attribute] ?? (isOwn ? device.attributes?.[attribute.slice(slash + 1)] : undefined)
  return found && JSON.stringify([found.string, found.int, found.bool, found.version])
}
