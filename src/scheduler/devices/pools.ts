/**
 * The devices that a node can reach, by pools: slices of the newest generation, all of them. Models
 * k8s.io/dynamic-resource-allocation/structured/internal/incubating/pools_incubating.go.
 */
import type { Counter, Device, Node, NodeSelector, ResourceSlice, ResourceSliceSpec } from '../../../schemas/types.ts'
import { compileNodeSelector } from '../../apimachinery/node-affinity.ts'

export interface PooledDevice {
  /** `driver/pool/device` */
  id: string
  driver: string
  pool: DevicePool
  name: string
  device: Device
  slice: ResourceSliceSpec
}

export interface DevicePool {
  id: string
  name: string
  /** Slices of it are missing: it is being updated. */
  isIncomplete: boolean
  /** Why nothing may be taken from it. */
  invalidReason?: string
  devices: PooledDevice[]
  /** What its devices draw on together, by counter set. */
  counters: ReadonlyMap<string, Readonly<Record<string, Counter>>>
}

interface Where {
  nodeName?: string
  allNodes?: boolean
  nodeSelector?: NodeSelector
}

export function isReachable({ nodeName, allNodes, nodeSelector }: Where, node: Node): boolean {
  if (nodeName) return nodeName === node.metadata.name
  return allNodes === true || (nodeSelector !== undefined && compileNodeSelector(nodeSelector)(node))
}

function isRelevant(spec: ResourceSliceSpec, node: Node): boolean {
  if (spec.sharedCounters?.length) return true
  if (spec.perDeviceNodeSelection) return (spec.devices ?? []).some((d) => isReachable(d, node))
  return isReachable(spec, node)
}

const poolId = ({ driver = '', pool }: ResourceSliceSpec): string => `${driver}/${pool?.name ?? ''}`
const generationOf = ({ pool }: ResourceSliceSpec): number => pool?.generation ?? 0

/** Those whose devices say by conditions when they may be bound come last. */
export function poolsFor(slices: readonly ResourceSlice[], node: Node): DevicePool[] {
  const newest = new Map<string, ResourceSlice[]>()
  for (const slice of slices) {
    const id = poolId(slice.spec)
    const known = newest.get(id)
    const [first] = known ?? []
    if (!known || (first && generationOf(slice.spec) > generationOf(first.spec))) newest.set(id, [slice])
    else if (first && generationOf(slice.spec) === generationOf(first.spec)) known.push(slice)
  }
  const pools = [...newest].flatMap(([id, all]) => (all.some((s) => isRelevant(s.spec, node)) ? [buildPool(id, all, node)] : []))
  const isLater = (p: DevicePool) => p.devices.some(({ device }) => device.bindingConditions?.length)
  pools.sort((a, b) => (a.id < b.id ? -1 : 1))
  return [...pools.filter((p) => !isLater(p)), ...pools.filter(isLater)]
}

function buildPool(id: string, slices: ResourceSlice[], node: Node): DevicePool {
  const { driver = '', pool } = slices[0]?.spec ?? {}
  const counters = new Map<string, Readonly<Record<string, Counter>>>()
  const built: DevicePool = { id, name: pool?.name ?? '', isIncomplete: slices.length !== pool?.resourceSliceCount, devices: [], counters }
  if (built.isIncomplete) return built
  const names = new Set<string>()
  slices.sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
  for (const { name = '', counters: set = {} } of slices.flatMap((s) => s.spec.sharedCounters ?? [])) {
    if (counters.has(name)) return { ...built, invalidReason: `duplicate counter set name ${name}` }
    counters.set(name, set)
  }
  for (const { spec } of slices) {
    for (const device of spec.devices ?? []) {
      const { name = '' } = device
      if (names.has(name)) return { ...built, invalidReason: `duplicate device name ${name}` }
      names.add(name)
      const wrong = counterProblem(device, counters)
      if (wrong) return { ...built, invalidReason: wrong }
      if (isReachable(spec.perDeviceNodeSelection ? device : spec, node)) built.devices.push({ id: `${id}/${name}`, driver, pool: built, name, device, slice: spec })
    }
  }
  return built
}

function counterProblem({ consumesCounters = [] }: Device, sets: DevicePool['counters']): string | undefined {
  for (const { counterSet = '', counters = {} } of consumesCounters) {
    const set = sets.get(counterSet)
    if (!set) return `counter set ${counterSet} not found`
    for (const name of Object.keys(counters)) if (!set[name]) return `counter ${name} not found in counter set ${counterSet}`
  }
  return undefined
}
