/**
 * Zones for endpoints in proportion to the zones' CPUs, for Services that ask for it by annotation. Pure; models
 * k8s.io/endpointslice/topologycache.
 */
import type { Endpoint, EndpointSlice, Node, Service } from '../schemas/types.ts'
import { quantityToNumber } from '../src/apimachinery/quantity.ts'
import { conditionOf } from '../src/controller/conditions.ts'

const OVERLOAD = 0.2
const ZONE = 'topology.kubernetes.io/zone'
const EXCLUDED = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']

/** The share of each zone in the CPUs of all; undefined where that is not known of every node, or there is one zone only. */
export type ZoneRatios = ReadonlyMap<string, number> | undefined

/** How many endpoints are meant for each zone. */
export type ZoneCounts = Map<string, number>

export function wantsZoneHints({ metadata }: Service): boolean {
  const mode = metadata.annotations?.['service.kubernetes.io/topology-aware-hints'] ?? metadata.annotations?.['service.kubernetes.io/topology-mode']
  return mode === 'Auto' || mode === 'auto'
}

export function zoneRatios(nodes: readonly Node[]): ZoneRatios {
  const byZone = new Map<string, number>()
  let total = 0
  for (const { metadata, status } of nodes) {
    if (EXCLUDED.some((label) => metadata.labels?.[label] !== undefined) || conditionOf(status?.conditions, 'Ready')?.status !== 'True') continue
    const zone = metadata.labels?.[ZONE]
    const cpu = quantityToNumber(status?.allocatable?.cpu ?? '0')
    if (!zone || cpu === 0) return undefined
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu)
    total += cpu
  }
  if (byZone.size < 2) return undefined
  return new Map([...byZone].map(([zone, cpu]) => [zone, cpu / total]))
}

interface Share {
  minimum: number
  maximum: number
  desired: number
}

/** What each zone is to have of so many endpoints, or why there can be no such thing. */
export function sharesOf(ratios: ZoneRatios, count: number): Map<string, Share> | string {
  if (!ratios) return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes'
  const numbers = `(${count} endpoints, ${ratios.size} zones)`
  if (ratios.size > count) return `Insufficient number of endpoints ${numbers}`
  const minimumOf = (ratio: number) => Math.ceil(ratio * count * (1 / (1 + OVERLOAD)))
  const total = [...ratios.values()].reduce((sum, ratio) => sum + minimumOf(ratio), 0)
  if (total > count) return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${numbers}`
  return new Map([...ratios].map(([zone, ratio]) => [zone, { minimum: minimumOf(ratio), maximum: minimumOf(ratio) + count - total, desired: Math.max(ratio * count, minimumOf(ratio)) }]))
}

export interface SliceChanges {
  create: EndpointSlice[]
  update: EndpointSlice[]
  unchanged: EndpointSlice[]
}

export const isReady = (endpoint: Endpoint): boolean => endpoint.conditions?.ready === true

/** The slices with hints for zones, and how many each zone has; or why there are none. Slices that need no other hints stay unchanged. */
export function withZoneHints(slices: SliceChanges, ratios: ZoneRatios): { slices: SliceChanges; zones: ZoneCounts } | string {
  const all = [...slices.create, ...slices.update, ...slices.unchanged]
  const shares = sharesOf(ratios, all.reduce((n, slice) => n + (slice.endpoints ?? []).filter(isReady).length, 0))
  if (typeof shares === 'string') return shares
  const zones: ZoneCounts = new Map()
  const { unchanged, stale } = settle(slices.unchanged, shares, zones)
  const create = slices.create.map(copyOf)
  const update = [...slices.update, ...stale].map(copyOf)
  const open = [...create, ...update].flatMap((slice) => slice.endpoints ?? [])
  for (const endpoint of open) {
    delete endpoint.hints
    if (!isReady(endpoint)) continue
    if (!endpoint.zone) return 'One or more endpoints do not have a zone specified'
    endpoint.hints = { forZones: [{ name: endpoint.zone }] }
    raise(zones, endpoint.zone, 1)
  }
  redistribute(open, transfers(shares, zones), zones)
  return zones.size === 0 ? 'No hints allocated for zones' : { slices: { create, update, unchanged }, zones }
}

export function withoutHints(slices: SliceChanges): SliceChanges {
  const bare = (slice: EndpointSlice): EndpointSlice => ({ ...slice, endpoints: slice.endpoints?.map(({ hints: _, ...endpoint }) => endpoint) })
  const has = (slice: EndpointSlice) => slice.endpoints?.some((e) => e.hints !== undefined) ?? false
  return { create: slices.create.map(bare), update: [...slices.update, ...slices.unchanged.filter(has)].map(bare), unchanged: slices.unchanged.filter((slice) => !has(slice)) }
}

const copyOf = (slice: EndpointSlice): EndpointSlice => ({ ...slice, endpoints: slice.endpoints?.map((endpoint) => ({ ...endpoint })) })
const raise = (zones: ZoneCounts, zone: string, by: number) => zones.set(zone, (zones.get(zone) ?? 0) + by)

/** Keeps the slices whose hints fit into the shares, counting them. */
function settle(slices: readonly EndpointSlice[], shares: ReadonlyMap<string, Share>, zones: ZoneCounts): { unchanged: EndpointSlice[]; stale: EndpointSlice[] } {
  const unchanged: EndpointSlice[] = []
  const stale: EndpointSlice[] = []
  for (const slice of slices) {
    const hinted = hintedZones(slice)
    const fits = hinted && [...hinted].every(([zone, n]) => n + (zones.get(zone) ?? 0) <= (shares.get(zone)?.maximum ?? -1))
    if (!fits) stale.push(slice)
    else {
      unchanged.push(slice)
      for (const [zone, n] of hinted) raise(zones, zone, n)
    }
  }
  return { unchanged, stale }
}

/** Undefined when one that is ready has no hint. */
function hintedZones({ endpoints = [] }: EndpointSlice): ZoneCounts | undefined {
  const zones: ZoneCounts = new Map()
  for (const endpoint of endpoints.filter(isReady)) {
    if (!endpoint.hints?.forZones?.length) return undefined
    for (const { name = '' } of endpoint.hints.forZones) raise(zones, name, 1)
  }
  return zones
}

interface Transfers {
  giving: ZoneCounts
  receiving: ZoneCounts
}

/** How many endpoints zones with too many give to those with too few. */
function transfers(shares: ReadonlyMap<string, Share>, zones: ZoneCounts): Transfers {
  const surplus = new Map<string, number>()
  const lack = new Map<string, number>()
  for (const [zone, { desired }] of shares) {
    const difference = (zones.get(zone) ?? 0) - desired
    if (difference > 0) surplus.set(zone, difference)
    else if (difference < 0) lack.set(zone, -difference)
  }
  const out: Transfers = { giving: new Map(), receiving: new Map() }
  for (;;) {
    const [from, give] = most(surplus)
    const [to, take] = most(lack)
    if (!from || !to || (give < 1 && take < 1) || give < 0.5 || take < 0.5) return out
    raise(out.giving, from, 1)
    raise(out.receiving, to, 1)
    raise(surplus, from, -1)
    raise(lack, to, -1)
  }
}

function most(zones: ZoneCounts): [zone: string, n: number] {
  let best: [string, number] = ['', 0]
  for (const entry of zones) if (entry[1] > best[1]) best = entry
  return best
}

function redistribute(endpoints: readonly Endpoint[], { giving, receiving }: Transfers, zones: ZoneCounts): void {
  for (const endpoint of endpoints) {
    const from = endpoint.zone ?? ''
    const [to] = [...receiving].find(([, n]) => n > 0) ?? []
    if (to === undefined) return
    if (!isReady(endpoint) || (giving.get(from) ?? 0) <= 0) continue
    endpoint.hints = { forZones: [{ name: to }] }
    raise(giving, from, -1)
    raise(receiving, to, -1)
    raise(zones, to, 1)
    raise(zones, from, -1)
  }
}

/** Whether a zone has fewer endpoints than it can do with, now that the zones are as they are. */
export function isOverloaded(zones: ZoneCounts, ratios: ZoneRatios): boolean {
  if (zones.size === 0) return false
  if (!ratios) return true
  const total = [...zones.values()].reduce((sum, n) => sum + n, 0)
  return [...ratios].some(([zone, ratio]) => (zones.get(zone) ?? -1) < Math.ceil(total * ratio * (1 / (1 + OVERLOAD))))
}
