/**
 * The pools from which Services take cluster IPs and node ports, kept in memory and rebuilt from the stored Services at start.
 * Each pool is split: numbers that nobody asked for come from the upper part first, so that the lower part stays free for
 * those who ask for one by name. Models k8s.io/kubernetes/pkg/registry/core/service/{ipallocator,portallocator,allocator}.
 */
import { addressAfter, familyOf, formatCIDR, formatIP, offsetIn, parseCIDR, parseIP, type IPAddress, type IPFamily, type IPPrefix } from '../apimachinery/ip-address.ts'
import type { Random } from '../clock.ts'
import type { Allocators } from './kind.ts'

export const DEFAULT_SERVICE_CIDR = '10.96.0.0/16'
export const DEFAULT_NODE_PORTS = { first: 30000, last: 32767 } as const
/** What a dry run is given in place of the port that a real write would get. */
const DRY_RUN_PORT = 32769

const ERR_FULL = 'range is full'
const ERR_IP_ALLOCATED = 'provided IP is already allocated'
const ERR_IP_MISMATCH = 'the provided network does not match the current range'
const ERR_PORT_ALLOCATED = 'provided port is already allocated'

/** Of the numbers of a range, those in use. */
type Taken = Pick<Set<number>, 'has' | 'add' | 'delete' | 'clear'>

/** The whole numbers first..last, of which `taken` are in use and the lowest `reserved` are given out last. */
class Range {
  readonly first: number
  readonly last: number
  readonly #reserved: number
  readonly #random: Random
  readonly #taken: Taken

  /** @param taken shared by ranges that overlap */
  constructor(random: Random, bounds: { first: number; last: number; reserved: number }, taken: Taken = new Set<number>()) {
    this.#random = random
    this.#taken = taken
    this.first = bounds.first
    this.last = bounds.last
    this.#reserved = bounds.reserved
  }

  contains(n: number): boolean {
    return n >= this.first && n <= this.last
  }

  has(n: number): boolean {
    return this.#taken.has(n)
  }

  /** false when it is in use. */
  take(n: number): boolean {
    if (this.#taken.has(n)) return false
    this.#taken.add(n)
    return true
  }

  release(n: number): void {
    this.#taken.delete(n)
  }

  clear(): void {
    this.#taken.clear()
  }

  takeNext(): number | undefined {
    const split = this.first + this.#reserved
    return this.#takeBetween(split, this.last) ?? this.#takeBetween(this.first, split - 1)
  }

  /** The next free number from a random one on, wrapping round. */
  #takeBetween(low: number, high: number): number | undefined {
    const size = high - low + 1
    if (size <= 0) return undefined
    const start = this.#random.int(size)
    for (let i = 0; i < size; i++) {
      const n = low + ((start + i) % size)
      if (this.take(n)) return n
    }
    return undefined
  }
}

/** How much of a pool is kept for requests by name. */
function reservedOf(size: number, { divisor, most }: { divisor: number; most: number }): number {
  if (size <= 16) return 0
  return Math.min(Math.max(Math.floor(size / divisor), 16), most)
}

interface ServiceCIDR {
  text: string
  family: IPFamily
  prefix: IPPrefix
  /** Of the offsets of its addresses. */
  range: Range
}

/** Of longer IPv6 ranges no more is given out: this is where whole numbers are exact, and far more than Services. */
const MOST_ADDRESSES = 2 ** 48
const PREFIX_LENGTHS = { IPv4: { shortest: 8, longest: 30 }, IPv6: { shortest: 64, longest: 126 } } as const

/** Why a text is no range from which Services can take addresses; nothing when it is one. */
export function serviceRangeProblem(text: string): string | undefined {
  const prefix = parseCIDR(text)
  const { shortest, longest } = PREFIX_LENGTHS[familyOf(text)]
  if (prefix && prefix.prefixLength >= shortest && prefix.prefixLength <= longest) return undefined
  return `not a service range of /${shortest} to /${longest}: ${text}`
}

function serviceCIDR(text: string, random: Random, taken: Set<string>): ServiceCIDR {
  const prefix = parseCIDR(text)
  const problem = serviceRangeProblem(text)
  if (!prefix || problem) throw new Error(problem)
  const family = familyOf(text)
  const size = Math.min(2 ** (prefix.addressBits - prefix.prefixLength), MOST_ADDRESSES)
  const reserved = reservedOf(size, { divisor: 16, most: 256 })
  const textAt = (offset: number) => formatIP(addressAfter(prefix.network, offset))
  const own: Taken = {
    has: (offset) => taken.has(textAt(offset)),
    add(offset) {
      taken.add(textAt(offset))
      return this as Set<number>
    },
    delete: (offset) => taken.delete(textAt(offset)),
    clear: () => taken.clear(),
  }
  // Only IPv4 keeps its last address for broadcasts.
  const last = family === 'IPv4' ? size - 2 : size - 1
  return { text: formatCIDR(prefix), family, prefix, range: new Range(random, { first: 1, last, reserved }, own) }
}

/** The parts of a Service that hold something of the pools. */
export interface ServiceHolding {
  metadata: { namespace?: string; name?: string }
  spec?: { clusterIP?: string; clusterIPs?: string[]; healthCheckNodePort?: number; ports?: { nodePort?: number }[] }
}

/** Told of each cluster IP given and taken back, so that IPAddress objects can follow. */
export interface ServiceIPListener {
  allocated(ip: string, owner: { namespace: string; name: string }): void
  released(ip: string): void
}

export interface ServiceAllocatorsOptions {
  random: Random
  /** One, or two of different families; the first is the default one. */
  serviceCIDRs?: readonly string[]
  nodePorts?: { first: number; last: number }
  onServiceIP?: ServiceIPListener
}

export class ServiceAllocators implements Allocators {
  readonly serviceIPFamilies: readonly IPFamily[]
  readonly #random: Random
  /** In canonical text. */
  readonly #taken = new Set<string>()
  readonly #own: readonly ServiceCIDR[]
  /** Those that addresses are given from, in this order. */
  #cidrs: readonly ServiceCIDR[]
  readonly #ports: Range
  readonly #listener: ServiceIPListener | undefined

  constructor(options: ServiceAllocatorsOptions) {
    const { first, last } = options.nodePorts ?? DEFAULT_NODE_PORTS
    this.#random = options.random
    this.#own = (options.serviceCIDRs ?? [DEFAULT_SERVICE_CIDR]).map((text) => serviceCIDR(text, options.random, this.#taken))
    this.serviceIPFamilies = this.#own.map(({ family }) => family)
    this.#cidrs = this.#own
    this.#ports = new Range(options.random, { first, last, reserved: reservedOf(last - first + 1, { divisor: 32, most: 128 }) })
    this.#listener = options.onServiceIP
  }

  /** Gives addresses from these ranges, its own first, those of families it has not left out; from its own of a family when there are none of that. */
  useServiceCIDRs(texts: readonly string[]): void {
    const given = [...new Set(texts)].filter((text) => serviceRangeProblem(text) === undefined)
    this.#cidrs = this.#own.flatMap((own) => {
      const others = given.filter((text) => text !== own.text && familyOf(text) === own.family).map((text) => serviceCIDR(text, this.#random, this.#taken))
      return given.includes(own.text) || others.length === 0 ? [own, ...others] : others
    })
  }

  /** Forgets everything and takes what the stored Services hold. */
  restore(services: Iterable<ServiceHolding>): void {
    this.#taken.clear()
    this.#ports.clear()
    for (const { spec } of services) {
      for (const text of spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : [])) {
        const ip = parseIP(text)
        if (ip) this.#taken.add(formatIP(ip))
      }
      const ports = [...(spec?.ports ?? []).map((p) => p.nodePort), spec?.healthCheckNodePort]
      for (const port of ports) if (port && this.#ports.contains(port)) this.#ports.take(port)
    }
  }

  allocateServiceIP(family: IPFamily, owner: { namespace: string; name: string }, options: { requested?: string; dryRun: boolean }): string {
    const own = this.#own.find((cidr) => cidr.family === family)
    if (!own) throw new Error(ERR_IP_MISMATCH)
    const ip = options.requested === undefined ? this.#nextIP(own, owner, options.dryRun) : this.#requestedIP(options.requested, { own, owner, dryRun: options.dryRun })
    if (!options.dryRun) this.#listener?.allocated(ip, owner)
    // Asked for in other words than the canonical ones, it stays as it was written.
    return options.requested ?? ip
  }

  #nextIP(own: ServiceCIDR, owner: { name: string }, dryRun: boolean): string {
    if (dryRun) return formatIP(own.prefix.network)
    for (const { family, prefix, range } of this.#cidrs) {
      const offset = family === own.family ? range.takeNext() : undefined
      if (offset !== undefined) return this.#owned(formatIP(addressAfter(prefix.network, offset)), owner)
    }
    throw new Error(ERR_FULL)
  }

  #requestedIP(text: string, { own, owner, dryRun }: { own: ServiceCIDR; owner: { name: string }; dryRun: boolean }): string {
    const ip = parseIP(text)
    const inside = ip !== undefined && this.#cidrs.some((cidr) => cidr.family === own.family && gives(cidr, ip))
    if (dryRun) {
      if (!inside) throw new Error(`the provided IP (${text}) is not in the valid range. The range of valid IPs is ${own.text}`)
      return text
    }
    if (!inside) throw new Error(ERR_IP_MISMATCH)
    const canonical = formatIP(ip)
    if (this.#taken.has(canonical)) throw new Error(ERR_IP_ALLOCATED)
    this.#taken.add(canonical)
    return this.#owned(canonical, owner)
  }

  /** An address belongs to a Service by name; without one its IPAddress would be refused. */
  #owned(text: string, owner: { name: string }): string {
    if (owner.name) return text
    this.#taken.delete(text)
    throw new Error(`IPAddress.networking.k8s.io "${text}" is invalid: spec.parentRef.name: Required value`)
  }

  releaseServiceIP(text: string): void {
    const ip = parseIP(text)
    const canonical = ip && formatIP(ip)
    if (canonical === undefined || !this.#taken.delete(canonical)) return
    this.#listener?.released(canonical)
  }

  allocateNodePort(options: { requested?: number; dryRun: boolean }): number {
    const { requested, dryRun } = options
    if (requested === undefined) {
      if (dryRun) return DRY_RUN_PORT
      const port = this.#ports.takeNext()
      if (port === undefined) throw new Error(ERR_FULL)
      return port
    }
    if (dryRun) {
      if (this.#ports.has(requested)) throw new Error(ERR_PORT_ALLOCATED)
      return requested
    }
    if (!this.#ports.contains(requested)) {
      throw new Error(`provided port is not in the valid range. The range of valid ports is ${this.#ports.first}-${this.#ports.last}`)
    }
    if (!this.#ports.take(requested)) throw new Error(ERR_PORT_ALLOCATED)
    return requested
  }

  releaseNodePort(port: number): void {
    this.#ports.release(port)
  }
}

function gives({ prefix, range }: ServiceCIDR, ip: IPAddress): boolean {
  const offset = offsetIn(prefix, ip)
  return offset !== undefined && range.contains(offset)
}
