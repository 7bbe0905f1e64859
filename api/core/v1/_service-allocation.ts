/**
 * Gives a Service its IP families, cluster IPs, node ports and health check port, and says what it no longer holds.
 * Models k8s.io/kubernetes/pkg/registry/core/service/storage/{storage,alloc,transaction}.go and portallocator/operation.go.
 */
import { familyOf, type IPFamily } from '../../../src/apimachinery/ip-address.ts'
import { field, internalError, invalid, type FieldError } from '../../../src/errors.ts'
import type { Allocators, WriteContext } from '../../../src/registry/kind.ts'
import type { Service } from '../../../schemas/types.ts'
import { validateClusterIPs } from './_service-cluster-ips.ts'
import { allocatesNodePorts, clusterIPsOf, hasNodePorts, isExternalName, isHeadless, needsHealthCheck, nodePortsOf, NONE, portsOf, sameList } from './_service-facts.ts'

type Family = IPFamily
const POLICY = 'spec.ipFamilyPolicy'
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The other family of the two. */
const otherFamily = (family: string | undefined): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4')

function refuse(service: Service, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: '', kind: 'Service' }, service.metadata.name ?? '', [...errors])
}

/** Takes from the pools for one write; `undo` gives all of it back. Dry runs take nothing, but see what they would have taken. */
class Allocation {
  readonly #pools: Allocators
  readonly #dryRun: boolean
  readonly #owner: { namespace: string; name: string }
  readonly #ips: string[] = []
  readonly #ports: number[] = []

  constructor(service: Service, ctx: WriteContext) {
    this.#pools = ctx.system.allocators
    this.#dryRun = ctx.dryRun
    this.#owner = { namespace: ctx.namespace, name: service.metadata.name ?? '' }
  }

  ip(family: Family, requested: string | undefined): string {
    const ip = this.#pools.allocateServiceIP(family, this.#owner, { ...(requested ? { requested } : {}), dryRun: this.#dryRun })
    this.#ips.push(ip)
    return ip
  }

  port(requested?: number): number {
    if (requested && this.#dryRun && this.#ports.includes(requested)) throw new Error('provided port is already allocated')
    const isNextOfDryRun = !requested && this.#dryRun && this.#ports.length > 0
    const port = isNextOfDryRun ? Math.max(...this.#ports) + 1 : this.#pools.allocateNodePort({ ...(requested ? { requested } : {}), dryRun: this.#dryRun })
    this.#ports.push(port)
    return port
  }

  readonly undo = (): void => {
    if (this.#dryRun) return
    for (const ip of this.#ips.splice(0)) this.#pools.releaseServiceIP(ip)
    for (const port of this.#ports.splice(0)) this.#pools.releaseNodePort(port)
  }
}

/** Runs the steps; what was taken is given back when one throws. */
function transaction(service: Service, ctx: WriteContext, steps: (allocation: Allocation) => void): () => void {
  const allocation = new Allocation(service, ctx)
  try {
    steps(allocation)
  } catch (error) {
    allocation.undo()
    throw error
  }
  return allocation.undo
}

export function allocateCreate(service: Service, ctx: WriteContext): () => void {
  const { spec } = service
  if (spec.clusterIP && clusterIPsOf(service).length === 0) spec.clusterIPs = [spec.clusterIP]
  return transaction(service, ctx, (allocation) => {
    initFamilies(service, undefined, ctx.system.allocators)
    allocateClusterIPs(service, allocation)
    if (hasNodePorts(service)) allocateNodePorts(service, allocation)
    if (needsHealthCheck(service)) allocateHealthCheckPort(service, allocation)
  })
}

export function allocateUpdate(service: Service, old: Service, ctx: WriteContext): () => void {
  keepAllocated(service, old)
  normalizeClusterIPs(service, old)
  return transaction(service, ctx, (allocation) => {
    initFamilies(service, old, ctx.system.allocators)
    updateClusterIPs(service, old, allocation)
    if (hasNodePorts(service)) updateNodePorts(service, old, allocation)
    if (needsHealthCheck(service) && !needsHealthCheck(old)) allocateHealthCheckPort(service, allocation)
  })
}

interface Holding {
  ips: string[]
  ports: number[]
}

/** What the Service holds of the pools. */
export function heldBy(service: Service): Holding {
  const ips = isExternalName(service) || clusterIPsOf(service)[0] === NONE ? [] : clusterIPsOf(service)
  const health = needsHealthCheck(service) ? service.spec.healthCheckNodePort : undefined
  return { ips, ports: [...nodePortsOf(service), ...(health ? [health] : [])] }
}

/** @param now what stays held; nothing after a delete */
export function releaseHeld(before: Holding, now: Holding, pools: Allocators): void {
  for (const ip of before.ips) if (!now.ips.includes(ip)) pools.releaseServiceIP(ip)
  for (const port of before.ports) if (!now.ports.includes(port)) pools.releaseNodePort(port)
}

/** What a client left out of an update stays as it was. */
function keepAllocated(service: Service, old: Service): void {
  const { spec } = service
  if (!isExternalName(old) && !isExternalName(service)) {
    if (!spec.clusterIP && old.spec.clusterIP) spec.clusterIP = old.spec.clusterIP
    if (clusterIPsOf(service).length === 0 && clusterIPsOf(old).length > 0) spec.clusterIPs = [...clusterIPsOf(old)]
  }
  if (allocatesNodePorts(old) && allocatesNodePorts(service)) keepNodePorts(service, old)
  if (needsHealthCheck(old) && needsHealthCheck(service) && !spec.healthCheckNodePort && old.spec.healthCheckNodePort) {
    spec.healthCheckNodePort = old.spec.healthCheckNodePort
  }
}

/** Ports without a node port keep the one that the port of the same name had, unless another took it over. */
function keepNodePorts(service: Service, old: Service): void {
  const [before, after] = [nodePortsOf(old), nodePortsOf(service)]
  const byName = new Map(portsOf(old).map((port) => [port.name ?? '', port.nodePort]))
  for (const port of portsOf(service)) {
    const kept = byName.get(port.name ?? '')
    if (!port.nodePort && kept && !(before.includes(kept) && after.includes(kept))) port.nodePort = kept
  }
}

/** A client that knows only clusterIP changes clusterIPs by it. */
function normalizeClusterIPs(service: Service, old: Service): void {
  const { spec } = service
  const before = old.spec.clusterIP ?? ''
  const after = spec.clusterIP ?? ''
  if (clusterIPsOf(old).length > 0 && clusterIPsOf(service).length === 0 && before === after) spec.clusterIPs = [...clusterIPsOf(old)]
  if (before === after || !sameList(clusterIPsOf(old), clusterIPsOf(service))) return
  if (before && !after) delete spec.clusterIPs
  else spec.clusterIPs = [after]
}

/** An update that leaves a Service with PreferDualStack as it is neither adds nor drops a family. */
function isUntouchedPreferDualStack({ spec }: Service, old: Service | undefined): boolean {
  if (!old || !spec.ipFamilyPolicy || old.spec.type !== spec.type) return false
  if (spec.type !== 'ClusterIP' && spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return false
  if (spec.ipFamilyPolicy !== 'PreferDualStack' || (old.spec.ipFamilyPolicy ?? 'PreferDualStack') !== 'PreferDualStack') return false
  return sameList(old.spec.clusterIPs, spec.clusterIPs) && sameList(old.spec.ipFamilies, spec.ipFamilies)
}

function initFamilies(service: Service, old: Service | undefined, pools: Allocators): void {
  const { spec } = service
  if (isExternalName(service) || isUntouchedPreferDualStack(service, old)) return
  const isSelectorless = spec.clusterIP === NONE && Object.keys(spec.selector ?? {}).length === 0
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (isSelectorless ? 'RequireDualStack' : 'SingleStack')
  refuse(service, validateClusterIPs(service, old))
  refuse(service, reconcileFamilies(service, old, pools))

  const isSingle = spec.ipFamilyPolicy === 'SingleStack'
  const [defaultFamily = 'IPv4'] = pools.serviceIPFamilies
  if (isSelectorless) {
    if (!spec.ipFamilies?.length) spec.ipFamilies = [defaultFamily]
    if (spec.ipFamilies.length < 2 && !isSingle) spec.ipFamilies.push(otherFamily(spec.ipFamilies[0]))
    return
  }
  const errors: FieldError[] = []
  const isDualStackCluster = pools.serviceIPFamilies.length === 2
  if (spec.ipFamilyPolicy === 'RequireDualStack' && !isDualStackCluster) {
    errors.push(field.invalid(POLICY, spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'))
  }
  spec.ipFamilies?.forEach((family, i) => {
    if (!isConfigured(pools, family)) errors.push(field.invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
  })
  refuse(service, errors)
  if (!spec.ipFamilies?.length) spec.ipFamilies = [defaultFamily]
  if (!isSingle && spec.ipFamilies.length === 1 && isDualStackCluster) spec.ipFamilies.push(otherFamily(spec.ipFamilies[0]))
}

const isConfigured = (pools: Allocators, family: string): boolean => pools.serviceIPFamilies.some((f) => f === family)

/** Brings policy, families and addresses into line; the families of addresses asked for are added. */
function reconcileFamilies(service: Service, old: Service | undefined, pools: Allocators): FieldError[] {
  const { spec } = service
  const errors: FieldError[] = []
  const wrongPolicy = (detail: string): void => void errors.push(field.invalid(POLICY, spec.ipFamilyPolicy ?? null, detail))
  const isSingle = spec.ipFamilyPolicy === 'SingleStack'
  const ips = clusterIPsOf(service)
  if (old && isSingle) {
    if (sameList(old.spec.clusterIPs, ips) && ips.length > 1) spec.clusterIPs = ips.slice(0, 1)
    if (sameList(old.spec.ipFamilies, spec.ipFamilies) && (spec.ipFamilies ?? []).length > 1) spec.ipFamilies = spec.ipFamilies?.slice(0, 1)
  } else if (old) {
    if (ips.length > 0 && ips.length < clusterIPsOf(old).length) wrongPolicy("must be 'SingleStack' to release the secondary cluster IP")
    if (spec.ipFamilies?.length && spec.ipFamilies.length < (old.spec.ipFamilies ?? []).length) wrongPolicy("must be 'SingleStack' to release the secondary IP family")
  }
  if (isSingle) {
    const needed = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
    if (clusterIPsOf(service).length === 2) wrongPolicy(`${needed} cluster IPs are specified`)
    if (spec.ipFamilies?.length === 2) wrongPolicy(`${needed} IP families are specified`)
  }
  for (const [i, ip] of clusterIPsOf(service).entries()) {
    if (ip === NONE) break
    const family = familyOf(ip)
    if (i < (spec.ipFamilies ?? []).length) continue
    if (isConfigured(pools, family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    else errors.push(field.invalid(`spec.clusterIPs[${i}]`, spec.clusterIPs, `${family} is not configured on this cluster`))
  }
  return errors
}

function allocateClusterIPs(service: Service, allocation: Allocation): void {
  const { spec } = service
  if (isExternalName(service) || clusterIPsOf(service)[0] === NONE) return
  const families = (spec.ipFamilies ?? []) as Family[]
  const ips = families.map((_, i) => clusterIPsOf(service)[i] ?? '')
  families.forEach((family, i) => (ips[i] = takeIP(service, { family, ips, index: i }, allocation)))
  spec.clusterIPs = ips
  if (ips[0]) spec.clusterIP = ips[0]
}

function takeIP(service: Service, { family, ips, index }: { family: Family; ips: string[]; index: number }, allocation: Allocation): string {
  const requested = ips[index]
  try {
    return allocation.ip(family, requested)
  } catch (error) {
    const text = messageOf(error)
    if (requested) refuse(service, [field.invalid('spec.clusterIPs', ips, `failed to allocate IP ${requested}: ${text}`)])
    if (text !== 'range is full') refuse(service, [field.invalid('spec.clusterIPs', ips, `failed to allocate IP: ${text}`)])
    throw internalError(`failed to allocate a serviceIP for Service "${service.metadata.name}": ${text}`, error)
  }
}

function updateClusterIPs(service: Service, old: Service, allocation: Allocation): void {
  const { spec } = service
  if (isUntouchedPreferDualStack(service, old)) return
  if (isExternalName(old) && !isExternalName(service)) return allocateClusterIPs(service, allocation)
  if (isHeadless(old) || clusterIPsOf(old)[0] === NONE || isExternalName(service)) return
  const families = (spec.ipFamilies ?? []) as Family[]
  const [, second] = families
  if (old.spec.ipFamilies?.length !== 1 || families.length !== 2 || !second) return
  const ips = [clusterIPsOf(service)[0] ?? '', clusterIPsOf(service)[1] ?? '']
  ips[1] = takeIP(service, { family: second, ips, index: 1 }, allocation)
  spec.clusterIPs = ips
}

function takePort(allocation: Allocation): number {
  try {
    return allocation.port()
  } catch (error) {
    throw internalError(`failed to allocate a nodePort: ${messageOf(error)}`, error)
  }
}

function takeRequestedPort(service: Service, index: number, allocation: Allocation, nodePort: number): void {
  try {
    allocation.port(nodePort)
  } catch (error) {
    refuse(service, [field.invalid(`spec.ports[${index}].nodePort`, nodePort, messageOf(error))])
  }
}

/** Ports with the same number (of other protocols) share one node port. */
function allocateNodePorts(service: Service, allocation: Allocation): void {
  const byPort = new Map<number | undefined, number>()
  const ports = portsOf(service)
  ports.forEach((port, i) => {
    if (!port.nodePort && !allocatesNodePorts(service)) return
    const shared = byPort.get(port.port)
    if (shared !== undefined) {
      if (!port.nodePort) port.nodePort = shared
      else if (port.nodePort !== shared) takeRequestedPort(service, i, allocation, port.nodePort)
      return
    }
    const requested = ports.find((p) => p.port === port.port && p.nodePort)?.nodePort
    if (requested) takeRequestedPort(service, i, allocation, requested)
    port.nodePort = requested ?? takePort(allocation)
    byPort.set(port.port, port.nodePort)
  })
}

function updateNodePorts(service: Service, old: Service, allocation: Allocation): void {
  const held = new Set(nodePortsOf(old))
  const seen = new Set<string>()
  portsOf(service).forEach((port, i) => {
    if (!port.nodePort) {
      if (!allocatesNodePorts(service)) return
      port.nodePort = takePort(allocation)
    } else if (!held.has(port.nodePort)) {
      takeRequestedPort(service, i, allocation, port.nodePort)
      held.add(port.nodePort)
    }
    const key = `${port.protocol} ${port.nodePort}`
    if (seen.has(key)) throw internalError(`duplicate nodePort: {${key}}`)
    seen.add(key)
  })
}

function allocateHealthCheckPort({ spec }: Service, allocation: Allocation): void {
  const requested = spec.healthCheckNodePort
  try {
    spec.healthCheckNodePort = allocation.port(requested || undefined)
  } catch (error) {
    throw internalError(`failed to allocate ${requested ? 'requested HealthCheck' : 'a HealthCheck'} NodePort ${requested ?? 0}: ${messageOf(error)}`, error)
  }
}
