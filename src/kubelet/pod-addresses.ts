/**
 * Which pod has which addresses: each node gives from its own podCIDRs, and from a spare block when those are used up or missing.
 * What is counted is IPv4; where the node has an IPv6 block too, the address in that follows from the other one.
 */
import { addressAfter, familyOf, formatIP, parseCIDR as parsePrefix } from '../apimachinery/ip-address.ts'
import { AddressPool, formatIPv4, parseCIDR, parseIPv4 } from './addresses.ts'

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

  /** The same pod gets the same addresses until they are released, in the order of the blocks. Empty when there are none left. */
  take(uid: string, podCIDRs: readonly string[]): string[] {
    const own = podCIDRs.find(isIPv4)
    const address = this.#held.get(uid)?.address ?? this.#takeFrom(uid, own)
    if (address === undefined) return []
    const both = podCIDRs.map((cidr) => (isIPv4(cidr) ? formatIPv4(address) : addressBeside(address, { from: own, into: cidr })))
    return own === undefined ? [formatIPv4(address), ...both] : both
  }

  #takeFrom(uid: string, podCIDR: string | undefined): number | undefined {
    for (const pool of [this.#poolOf(podCIDR), this.#spare]) {
      let address = pool?.take()
      while (address !== undefined && this.#strayCounts.has(address)) address = pool?.take()
      if (pool === undefined || address === undefined) continue
      this.#held.set(uid, { address, pool })
      return address
    }
    return undefined
  }

  /** Notes the addresses a pod already has. */
  claim(uid: string, podCIDRs: readonly string[], ips: readonly string[]): void {
    const address = parseIPv4(ips.find(isIPv4) ?? '')
    if (address === undefined || this.#held.has(uid)) return
    for (const pool of [this.#poolOf(podCIDRs.find(isIPv4)), this.#spare]) {
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

const isIPv4 = (text: string): boolean => familyOf(text) === 'IPv4'

/** The address of an IPv6 block that goes with one of an IPv4 block: as far from its beginning; for one from elsewhere, after all of those. */
export function addressBeside(address: number, { from, into }: { from: string | undefined; into: string }): string {
  const block = parseCIDR(from)
  const prefix = parsePrefix(into)
  if (!prefix) throw new Error(`not a block of addresses: ${into}`)
  const isInside = block !== undefined && address >= block.first && address < block.first + block.size
  return formatIP(addressAfter(prefix.network, isInside ? address - block.first : address))
}
