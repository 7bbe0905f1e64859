/**
 * The pools from which Services take cluster IPs and node ports, kept in memory and rebuilt from the stored Services at start.
 * Each pool is split: numbers that nobody asked for come from the upper part first, so that the lower part stays free for
 * those who ask for one by name. Models k8s.io/kubernetes/pkg/registry/core/service/{ipallocator,portallocator,allocator}.
 */
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

/** The whole numbers first..last, of which `taken` are in use and the lowest `reserved` are given out last. */
class Range {
  readonly first: number
  readonly last: number
  readonly #reserved: number
  readonly #random: Random
  readonly #taken: Set<number>

  /** @param taken shared by ranges that overlap */
  constructor(random: Random, bounds: { first: number; last: number; reserved: number }, taken = new Set<number>()) {
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

export function parseIPv4(text: string): number | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let n = 0
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined
    n = n * 256 + Number(part)
  }
  return n
}

export function formatIPv4(n: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.')
}

interface ServiceCIDR {
  text: string
  network: number
  range: Range
}

function serviceCIDR(text: string, random: Random, taken: Set<number>): ServiceCIDR {
  const [address = '', bits = ''] = text.split('/')
  const ip = parseIPv4(address)
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : NaN
  if (ip === undefined || !(prefix >= 8 && prefix <= 30)) throw new Error(`not an IPv4 service range: ${text}`)
  const size = 2 ** (32 - prefix)
  const network = Math.floor(ip / size) * size
  const reserved = reservedOf(size, { divisor: 16, most: 256 })
  return { text: `${formatIPv4(network)}/${prefix}`, network, range: new Range(random, { first: network + 1, last: network + size - 2, reserved }, taken) }
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
  serviceCIDR?: string
  nodePorts?: { first: number; last: number }
  onServiceIP?: ServiceIPListener
}

export class ServiceAllocators implements Allocators {
  readonly serviceIPFamilies = ['IPv4'] as const
  readonly #random: Random
  readonly #taken = new Set<number>()
  readonly #cidr: ServiceCIDR
  /** Those that addresses are given from, in this order. */
  #cidrs: readonly ServiceCIDR[]
  readonly #ports: Range
  readonly #listener: ServiceIPListener | undefined

  constructor(options: ServiceAllocatorsOptions) {
    const { first, last } = options.nodePorts ?? DEFAULT_NODE_PORTS
    this.#random = options.random
    this.#cidr = serviceCIDR(options.serviceCIDR ?? DEFAULT_SERVICE_CIDR, options.random, this.#taken)
    this.#cidrs = [this.#cidr]
    this.#ports = new Range(options.random, { first, last, reserved: reservedOf(last - first + 1, { divisor: 32, most: 128 }) })
    this.#listener = options.onServiceIP
  }

  /** Gives addresses from these ranges, its own first, those of other families left out; from its own alone when there are none. */
  useServiceCIDRs(texts: readonly string[]): void {
    const parsed = [...new Set(texts)].filter((text) => text.includes('.')).map((text) => (text === this.#cidr.text ? this.#cidr : serviceCIDR(text, this.#random, this.#taken)))
    const own = parsed.filter((cidr) => cidr === this.#cidr)
    this.#cidrs = parsed.length > 0 ? [...own, ...parsed.filter((cidr) => cidr !== this.#cidr)] : [this.#cidr]
  }

  /** The service range in canonical form. */
  get serviceCIDR(): string {
    return this.#cidr.text
  }

  /** The first address of the range, which the API's own Service holds. */
  get firstServiceIP(): string {
    return formatIPv4(this.#cidr.range.first)
  }

  /** Forgets everything and takes what the stored Services hold. */
  restore(services: Iterable<ServiceHolding>): void {
    this.#taken.clear()
    this.#ports.clear()
    for (const { spec } of services) {
      for (const text of spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : [])) {
        const ip = parseIPv4(text)
        if (ip !== undefined) this.#taken.add(ip)
      }
      const ports = [...(spec?.ports ?? []).map((p) => p.nodePort), spec?.healthCheckNodePort]
      for (const port of ports) if (port && this.#ports.contains(port)) this.#ports.take(port)
    }
  }

  allocateServiceIP(family: 'IPv4' | 'IPv6', owner: { namespace: string; name: string }, options: { requested?: string; dryRun: boolean }): string {
    if (family !== 'IPv4') throw new Error(ERR_IP_MISMATCH)
    const ip = options.requested === undefined ? this.#nextIP(owner, options.dryRun) : this.#requestedIP(options.requested, owner, options.dryRun)
    if (!options.dryRun) this.#listener?.allocated(ip, owner)
    return ip
  }

  #nextIP(owner: { name: string }, dryRun: boolean): string {
    if (dryRun) return formatIPv4(this.#cidr.network)
    for (const { range } of this.#cidrs) {
      const ip = range.takeNext()
      if (ip !== undefined) return this.#owned(ip, owner)
    }
    throw new Error(ERR_FULL)
  }

  #requestedIP(text: string, owner: { name: string }, dryRun: boolean): string {
    const ip = parseIPv4(text)
    const inside = ip !== undefined && this.#cidrs.some(({ range }) => range.contains(ip))
    if (dryRun) {
      if (!inside) throw new Error(`the provided IP (${text}) is not in the valid range. The range of valid IPs is ${this.#cidr.text}`)
      return text
    }
    if (!inside) throw new Error(ERR_IP_MISMATCH)
    if (this.#taken.has(ip)) throw new Error(ERR_IP_ALLOCATED)
    this.#taken.add(ip)
    return this.#owned(ip, owner)
  }

  /** An address belongs to a Service by name; without one its IPAddress would be refused. */
  #owned(ip: number, owner: { name: string }): string {
    const text = formatIPv4(ip)
    if (owner.name) return text
    this.#taken.delete(ip)
    throw new Error(`IPAddress.networking.k8s.io "${text}" is invalid: spec.parentRef.name: Required value`)
  }

  releaseServiceIP(text: string): void {
    const ip = parseIPv4(text)
    if (ip === undefined || !this.#taken.delete(ip)) return
    this.#listener?.released(text)
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
