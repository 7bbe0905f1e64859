/** Which pod has which address: each node gives from its own podCIDR, and from a spare block when that is used up or missing. */
import { AddressPool, formatIPv4, parseIPv4 } from './addresses.ts'

/** Shared address space (RFC 6598): no node's block lies there. */
const SPARE_CIDR = '100.64.0.0/10'

export class PodAddresses {
  readonly #pools = new Map<string, AddressPool>()
  readonly #spare = new AddressPool(SPARE_CIDR, { skip: 1, skipLast: 1 })
  /** By pod uid. */
  readonly #held = new Map<string, { address: number; pool: AddressPool }>()
  /** By pod uid: addresses from the block that a pod's node had before, which another may have now. */
  readonly #strays = new Map<string, number>()
  /** How many have such an address. */
  readonly #strayCounts = new Map<number, number>()

  /** The same pod gets the same address until it is released. */
  take(uid: string, podCIDR: string | undefined): string | undefined {
    const held = this.#held.get(uid)
    if (held) return formatIPv4(held.address)
    for (const pool of [this.#poolOf(podCIDR), this.#spare]) {
      let address = pool?.take()
      while (address !== undefined && this.#strayCounts.has(address)) address = pool?.take()
      if (pool === undefined || address === undefined) continue
      this.#held.set(uid, { address, pool })
      return formatIPv4(address)
    }
    return undefined
  }

  /** Notes the address a pod already has. */
  claim(uid: string, podCIDR: string | undefined, ip: string): void {
    const address = parseIPv4(ip)
    if (address === undefined || this.#held.has(uid)) return
    for (const pool of [this.#poolOf(podCIDR), this.#spare]) {
      if (!pool?.claim(address)) continue
      this.#held.set(uid, { address, pool })
      return this.#forgetStray(uid)
    }
    if (this.#strays.has(uid)) return
    this.#strays.set(uid, address)
    this.#strayCounts.set(address, (this.#strayCounts.get(address) ?? 0) + 1)
  }

  release(uid: string): void {
    const stray = this.#strays.get(uid)
    this.#forgetStray(uid)
    if (stray !== undefined && !this.#strayCounts.has(stray)) this.#giveBack(stray)
    const held = this.#held.get(uid)
    if (!held) return
    held.pool.release(held.address)
    this.#held.delete(uid)
  }

  #forgetStray(uid: string): void {
    const address = this.#strays.get(uid)
    if (address === undefined) return
    this.#strays.delete(uid)
    const left = (this.#strayCounts.get(address) ?? 1) - 1
    if (left > 0) this.#strayCounts.set(address, left)
    else this.#strayCounts.delete(address)
  }

  /** To the pools that passed it over meanwhile. */
  #giveBack(address: number): void {
    for (const held of this.#held.values()) if (held.address === address) return
    for (const pool of this.#pools.values()) pool.release(address)
  }

  #poolOf(podCIDR: string | undefined): AddressPool | undefined {
    if (!podCIDR) return undefined
    let pool = this.#pools.get(podCIDR)
    // .0 is the block's own, .1 the bridge's, the last the broadcast address.
    if (!pool) this.#pools.set(podCIDR, (pool = new AddressPool(podCIDR, { skip: 2, skipLast: 1 })))
    return pool
  }
}
