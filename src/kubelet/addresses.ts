/**
 * IPv4 addresses of nodes and pods: pools that give the lowest that was free longest, and learn what is taken from the
 * statuses in the API. Models what a CNI plugin's host-local IPAM and a cloud's network do.
 */
export function parseIPv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let value = 0
  for (const part of parts) {
    const n = Number(part)
    if (!/^\d{1,3}$/.test(part) || n > 255) return undefined
    value = value * 256 + n
  }
  return value
}

export function formatIPv4(value: number): string {
  return `${Math.floor(value / 2 ** 24)}.${Math.floor(value / 65536) % 256}.${Math.floor(value / 256) % 256}.${value % 256}`
}

/** First address and size of an IPv4 block; undefined when it cannot be read. */
export function parseCIDR(text: string | undefined): { first: number; size: number; bits: number } | undefined {
  const [address = '', prefix = ''] = (text ?? '').split('/')
  const base = parseIPv4(address)
  const bits = Number(prefix)
  if (base === undefined || prefix === '' || !Number.isInteger(bits) || bits < 0 || bits > 32) return undefined
  const size = 2 ** (32 - bits)
  return { first: base - (base % size), size, bits }
}

/** Gives units of `step` addresses out of a block, from `skip` units on. Freed ones come again only after a round. */
export class AddressPool {
  readonly #first: number
  readonly #units: number
  readonly #step: number
  readonly #skip: number
  readonly #taken = new Set<number>()
  #next: number

  constructor(cidr: string, { step = 1, skip = 0, skipLast = 0 }: { step?: number; skip?: number; skipLast?: number } = {}) {
    const block = parseCIDR(cidr)
    if (!block) throw new Error(`${cidr} is not an IPv4 block`)
    this.#first = block.first
    this.#step = step
    this.#units = Math.floor(block.size / step) - skipLast
    this.#skip = skip
    this.#next = skip
  }

  /** Undefined when nothing is left. */
  take(): number | undefined {
    for (let tried = this.#skip; tried < this.#units; tried++) {
      const unit = this.#next
      this.#next = unit + 1 < this.#units ? unit + 1 : this.#skip
      if (this.#taken.has(unit)) continue
      this.#taken.add(unit)
      return this.#first + unit * this.#step
    }
    return undefined
  }

  /** Notes an address that is in use; false when it is not of this pool. */
  claim(address: number): boolean {
    const unit = this.#unitOf(address)
    if (unit === undefined) return false
    this.#taken.add(unit)
    return true
  }

  release(address: number): void {
    const unit = this.#unitOf(address)
    if (unit !== undefined) this.#taken.delete(unit)
  }

  #unitOf(address: number): number | undefined {
    const unit = Math.floor((address - this.#first) / this.#step)
    return unit >= 0 && unit < this.#units ? unit : undefined
  }
}
