/**
 * Finds devices on a node for claims, all at once or not at all: request by request, device by device, going back where it
 * leads nowhere. Models k8s.io/dynamic-resource-allocation/structured.
 */
import type { AllocationResult, CapacityRequirements, DeviceClass, DeviceRequest, DeviceRequestAllocationResult, DeviceSelector, DeviceToleration, Node, NodeSelector, NodeSelectorRequirement, ResourceClaim, ResourceSlice } from '../../../schemas/types.ts'
import { deviceMatches } from '../../../api/resource/v1/_device-selector.ts'
import { untoleratedTaint } from '../../apimachinery/tolerations.ts'
import { capacityAmounts, consumptionOf, counterAmounts, fitsCapacity, fitsCounters, hasCapacity, Used } from './capacity.ts'
import { Constraint, type RequestName } from './constraints.ts'
import { poolsFor, type DevicePool, type PooledDevice } from './pools.ts'

/** Of one claim. */
const MAX_RESULTS = 32
/** Devices that are tried on one node before it is given up: what upstream bounds by time. */
const MAX_TRIES = 200_000

/** The claim or a class is wrong: no other node would do. */
export class AllocationError extends Error {}

export interface AllocatorInput {
  slices: readonly ResourceSlice[]
  /** Devices in use, and what is taken of those that are shared. */
  allocated: ReadonlySet<string>
  usedCapacity: Used
  classOf(name: string): DeviceClass | undefined
  newShareID(): string
}

/** One way to satisfy a request: itself, or one of its alternatives. */
interface Option {
  claim: ResourceClaim
  name: RequestName
  deviceClass: DeviceClass
  selectors: readonly { selector: DeviceSelector; origin: string }[]
  mode: string
  count: number
  adminAccess: boolean
  tolerations: readonly DeviceToleration[] | undefined
  capacity: CapacityRequirements | undefined
}

interface Taken {
  option: Option
  device: PooledDevice
  shareID?: string
  consumed?: Record<string, string>
}

export class DeviceAllocator {
  readonly #input: AllocatorInput
  readonly #claims: readonly ResourceClaim[]
  /** For each claim, for each request, its options. */
  readonly #requests: readonly (readonly (readonly Option[])[])[]

  constructor(claims: readonly ResourceClaim[], input: AllocatorInput) {
    this.#claims = claims
    this.#input = input
    this.#requests = claims.map((claim) => (claim.spec.devices?.requests ?? []).map((request) => optionsOf(claim, request, input)))
  }

  /** In the order of the claims; a text when the node cannot give them. Throws AllocationError. */
  allocate(node: Node): AllocationResult[] | string {
    const search = new Search(this.#input, poolsFor(this.#input.slices, node))
    const found = search.run(this.#requests, this.#claims.map((claim) => (claim.spec.devices?.constraints ?? []).map((c) => new Constraint(c))))
    if (!found) return search.pools.some((p) => p.invalidReason !== undefined) ? 'invalid resource pools were encountered' : 'cannot allocate all claims'
    return this.#claims.map((claim) => resultOf(claim, found.filter((t) => t.option.claim === claim), node))
  }
}

function optionsOf(claim: ResourceClaim, request: DeviceRequest, { classOf }: AllocatorInput): Option[] {
  const { name = '', exactly, firstAvailable = [] } = request
  const alternatives = exactly ? [{ ...exactly, full: name }] : firstAvailable.map((sub) => ({ ...sub, full: `${name}/${sub.name}` }))
  const claimKey = `${claim.metadata.namespace}/${claim.metadata.name}`
  return alternatives.map((given) => {
    const { deviceClassName = '', selectors = [], allocationMode: mode = 'ExactCount', count = 1, tolerations, capacity, full } = given
    const deviceClass = classOf(deviceClassName)
    if (!deviceClass) throw new AllocationError(`claim ${claimKey}, request ${full}: could not retrieve device class ${deviceClassName}: deviceclass.resource.k8s.io "${deviceClassName}" not found`)
    if (mode !== 'ExactCount' && mode !== 'All') throw new AllocationError(`claim ${claimKey}, request ${full}: unsupported count mode ${mode}`)
    const all = [...(deviceClass.spec.selectors ?? []).map((selector, i) => ({ selector, origin: `class ${deviceClassName}: selector #${i}` })), ...selectors.map((selector, i) => ({ selector, origin: `claim ${claimKey}: selector #${i}` }))]
    return { claim, name: { request: name, full }, deviceClass, selectors: all, mode, count, adminAccess: 'adminAccess' in given && given.adminAccess === true, tolerations, capacity }
  })
}

class Search {
  readonly pools: readonly DevicePool[]
  readonly #input: AllocatorInput
  readonly #taken: Taken[] = []
  readonly #inUse = new Set<string>()
  readonly #capacity = new Used()
  readonly #counters = new Used()
  readonly #matches = new Map<Option, Map<string, boolean>>()
  #tries = 0
  #constraints: readonly (readonly Constraint[])[] = []

  constructor(input: AllocatorInput, pools: readonly DevicePool[]) {
    this.#input = input
    this.pools = pools
    for (const device of pools.flatMap((p) => p.devices)) if (input.allocated.has(device.id)) this.#counters.add(counterAmounts(device), 1)
  }

  run(requests: readonly (readonly (readonly Option[])[])[], constraints: readonly (readonly Constraint[])[]): readonly Taken[] | undefined {
    this.#constraints = constraints
    const flat = requests.flatMap((ofClaim, claim) => ofClaim.map((options) => ({ claim, options })))
    const next = (i: number): boolean => {
      const current = flat[i]
      if (!current) return true
      return current.options.some((option) => this.#fill(option, current.claim, () => next(i + 1)))
    }
    return next(0) ? this.#taken : undefined
  }

  /** Takes as many devices as the option wants, then goes on; everything is given back when that leads nowhere. */
  #fill(option: Option, claim: number, goOn: () => boolean): boolean {
    const ofClaim = this.#taken.filter((t) => t.option.claim === option.claim).length
    if (option.mode === 'All') {
      const wanted = this.#all(option)
      if (wanted.length === 0 || ofClaim + wanted.length > MAX_RESULTS) return false
      return this.#each(wanted, { option, claim }, goOn)
    }
    if (ofClaim + option.count > MAX_RESULTS) throw new AllocationError(`claim ${option.claim.metadata.namespace}/${option.claim.metadata.name}: number of requested devices ${ofClaim + option.count} exceeds the claim limit of ${MAX_RESULTS}`)
    return this.#some(this.#free(option), { option, claim, from: 0, left: option.count }, goOn)
  }

  #each(devices: readonly PooledDevice[], place: { option: Option; claim: number }, goOn: () => boolean): boolean {
    const [device, ...others] = devices
    if (!device) return goOn()
    return this.#with(device, place, () => this.#each(others, place, goOn))
  }

  #some(devices: readonly PooledDevice[], place: { option: Option; claim: number; from: number; left: number }, goOn: () => boolean): boolean {
    if (place.left === 0) return goOn()
    for (let i = place.from; i < devices.length; i++) {
      const device = devices[i]
      // What is taken is not even looked at, so that only devices that come into question are judged.
      if (device && this.#isMatch(place.option, device) && this.#with(device, place, () => this.#some(devices, { ...place, from: device.device.allowMultipleAllocations ? i : i + 1, left: place.left - 1 }, goOn))) return true
    }
    return false
  }

  /** All that the selectors match and whose taints are put up with. */
  #all(option: Option): PooledDevice[] {
    const { claim, name } = option
    const wrong = this.pools.find((p) => p.isIncomplete || p.invalidReason !== undefined)
    if (wrong) throw new AllocationError(`claim ${claim.metadata.namespace}/${claim.metadata.name}, request ${name.full}: asks for all devices, but resource pool ${wrong.id} is currently ${wrong.isIncomplete ? 'being updated' : 'invalid'}`)
    return this.pools.flatMap((pool) => pool.devices.filter((device) => this.#isMatch(option, device)))
  }

  #free({ adminAccess }: Option): PooledDevice[] {
    const isFree = ({ id, device }: PooledDevice) => adminAccess || device.allowMultipleAllocations || !(this.#inUse.has(id) || this.#input.allocated.has(id))
    return this.pools.flatMap((pool) => (pool.invalidReason === undefined ? pool.devices.filter(isFree) : []))
  }

  #isMatch(option: Option, device: PooledDevice): boolean {
    let known = this.#matches.get(option)
    if (!known) this.#matches.set(option, (known = new Map()))
    let matches = known.get(device.id)
    if (matches === undefined) known.set(device.id, (matches = isSelected(option, device)))
    return matches
  }

  /** Whether it works out with this device taken. */
  #with(device: PooledDevice, { option, claim }: { option: Option; claim: number }, goOn: () => boolean): boolean {
    if (++this.#tries > MAX_TRIES) throw new AllocationError('timed out trying to allocate devices')
    const taken = this.#take(option, device)
    if (!taken) return false
    const constraints = this.#constraints[claim] ?? []
    const added: Constraint[] = []
    const isAgreed = constraints.every((c) => c.add(option.name, device) && added.push(c) > 0)
    if (isAgreed && goOn()) return true
    for (const constraint of added) constraint.remove(option.name)
    this.#giveBack(taken)
    return false
  }

  #take(option: Option, device: PooledDevice): Taken | undefined {
    const { adminAccess, capacity } = option
    if (device.device.allowMultipleAllocations && !adminAccess) return this.#share(option, device)
    if (!hasCapacity(device.device, capacity)) return undefined
    if (!adminAccess) {
      if (this.#inUse.has(device.id) || this.#input.allocated.has(device.id) || !fitsCounters(device, this.#counters)) return undefined
      this.#inUse.add(device.id)
      this.#counters.add(counterAmounts(device), 1)
    }
    return this.#keep({ option, device })
  }

  #share(option: Option, device: PooledDevice): Taken | undefined {
    const consumed = consumptionOf(device.device, option.capacity)
    if (!consumed) return undefined
    const used = new Used()
    for (const amounts of [this.#capacity, this.#input.usedCapacity]) used.add(new Map(Object.keys(consumed).map((name) => [`${device.id} ${name}`, amounts.of(`${device.id} ${name}`)])), 1)
    if (!fitsCapacity(device, consumed, used)) return undefined
    this.#capacity.add(capacityAmounts(device.id, consumed), 1)
    return this.#keep({ option, device, shareID: this.#input.newShareID(), consumed })
  }

  #keep(taken: Taken): Taken {
    this.#taken.push(taken)
    return taken
  }

  #giveBack({ option, device, consumed }: Taken): void {
    this.#taken.pop()
    if (consumed) return this.#capacity.add(capacityAmounts(device.id, consumed), -1)
    if (option.adminAccess) return
    this.#inUse.delete(device.id)
    this.#counters.add(counterAmounts(device), -1)
  }
}

function isSelected({ selectors, tolerations }: Option, { device, driver }: PooledDevice): boolean {
  for (const { selector, origin } of selectors) {
    try {
      if (!deviceMatches(selector.cel?.expression ?? '', device, driver)) return false
    } catch (error) {
      throw new AllocationError(`${origin}: CEL runtime error: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return untoleratedTaint(device.taints, tolerations) === undefined
}

function resultOf(claim: ResourceClaim, taken: readonly Taken[], node: Node): AllocationResult {
  const results = taken.map(({ option, device, shareID, consumed }): DeviceRequestAllocationResult => {
    const { bindingConditions, bindingFailureConditions } = device.device
    return {
      request: option.name.full,
      driver: device.driver,
      pool: device.pool.name,
      device: device.name,
      ...(option.adminAccess ? { adminAccess: true } : {}),
      ...(option.tolerations?.length ? { tolerations: [...option.tolerations] } : {}),
      ...(bindingConditions ? { bindingConditions } : {}),
      ...(bindingFailureConditions ? { bindingFailureConditions } : {}),
      ...(shareID ? { shareID } : {}),
      ...(consumed ? { consumedCapacity: consumed } : {}),
    }
  })
  const config = configOf(claim, taken)
  const nodeSelector = selectorOf(taken, node)
  return { devices: { results, ...(config.length > 0 ? { config } : {}) }, ...(nodeSelector ? { nodeSelector } : {}) }
}

/** What classes and the claim say about the devices, for their drivers. */
function configOf(claim: ResourceClaim, taken: readonly Taken[]): NonNullable<NonNullable<AllocationResult['devices']>['config']> {
  const chosen = [...new Set(taken.map((t) => t.option))]
  const classes = [...new Set(chosen.map((o) => o.deviceClass))]
  const ofClasses = classes.flatMap((deviceClass) => {
    const requests = chosen.filter((o) => o.deviceClass === deviceClass).map((o) => o.name.full)
    return (deviceClass.spec.config ?? []).map((config) => ({ source: 'FromClass', requests, ...config }))
  })
  const ofClaim = (claim.spec.devices?.config ?? []).flatMap((config) => {
    const { requests = [] } = config
    const times = requests.length === 0 ? 1 : chosen.filter((o) => requests.includes(o.name.request) || requests.includes(o.name.full)).length
    return Array.from({ length: times }, () => ({ source: 'FromClaim', ...config }))
  })
  return [...ofClasses, ...ofClaim]
}

/** Where pods can be that use these devices; undefined for anywhere. */
function selectorOf(taken: readonly Taken[], { metadata }: Node): NodeSelector | undefined {
  const matchFields: NodeSelectorRequirement[] = []
  const matchExpressions: NodeSelectorRequirement[] = []
  for (const { device, slice } of taken.map((t) => t.device)) {
    const { nodeName, nodeSelector } = slice.perDeviceNodeSelection ? device : slice
    if (nodeName || device.bindsToNode) return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [metadata.name ?? ''] }] }] }
    const [term] = nodeSelector?.nodeSelectorTerms ?? []
    addNew(matchFields, term?.matchFields)
    addNew(matchExpressions, term?.matchExpressions)
  }
  if (matchFields.length + matchExpressions.length === 0) return undefined
  return { nodeSelectorTerms: [{ ...(matchFields.length > 0 ? { matchFields } : {}), ...(matchExpressions.length > 0 ? { matchExpressions } : {}) }] }
}

function addNew(to: NodeSelectorRequirement[], requirements: readonly NodeSelectorRequirement[] = []): void {
  for (const requirement of requirements) if (!to.some((known) => JSON.stringify(known) === JSON.stringify(requirement))) to.push(requirement)
}
