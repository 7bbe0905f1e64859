/** Which devices claims are given on a node, as upstream's allocator gives them. */
import t from 'tap'
import { DeviceAllocator, type AllocatorInput } from '../../../src/scheduler/devices/allocator.ts'
import { Used } from '../../../src/scheduler/devices/capacity.ts'
import type { Device, DeviceClaim, DeviceClass, ResourceClaim, ResourceSlice, ResourceSliceSpec } from '../../../schemas/types.ts'
import { node } from '../_objects.ts'

const DRIVER = 'gpu.example.com'
const slice = (devices: Device[], spec: Partial<ResourceSliceSpec> = {}): ResourceSlice => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: `s-${JSON.stringify(spec).length}` }, spec: { driver: DRIVER, nodeName: 'a', pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices, ...spec } })
const gpu = (name: string, memory: string, more: Partial<Device> = {}): Device => ({ name, attributes: { model: { string: memory === '80Gi' ? 'big' : 'small' }, version: { version: '1.2.3' }, numa: { int: Number(name.slice(-1)) % 2 } }, capacity: { memory: { value: memory } }, ...more })
const cel = (expression: string) => ({ selectors: [{ cel: { expression } }] })
const claim = (devices: DeviceClaim, name = 'c'): ResourceClaim => ({ apiVersion: 'resource.k8s.io/v1', kind: 'ResourceClaim', metadata: { name, namespace: 'default', uid: name }, spec: { devices } })
const exactly = (more: object = {}, name = 'r') => ({ name, exactly: { deviceClassName: 'gpu', ...more } })

const classes: Record<string, DeviceClass['spec']> = {
  gpu: { ...cel(`device.driver == "${DRIVER}"`), config: [{ opaque: { driver: DRIVER, parameters: { a: 1 } } }] },
  other: cel('device.driver == "other.example.com"'),
}

function given(claims: ResourceClaim[], slices: ResourceSlice[], input: Partial<AllocatorInput> = {}): string[][] | string {
  const classOf = (name: string): DeviceClass | undefined => (classes[name] ? { apiVersion: 'resource.k8s.io/v1', kind: 'DeviceClass', metadata: { name }, spec: classes[name] } : undefined)
  try {
    const found = new DeviceAllocator(claims, { slices, allocated: new Set(), usedCapacity: new Used(), classOf, newShareID: () => 'share', ...input }).allocate(node('a', { labels: { zone: 'z' } }))
    return typeof found === 'string' ? found : found.map((a) => (a.devices?.results ?? []).map((r) => `${r.request}=${r.device}`))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const three = [slice([gpu('d1', '40Gi'), gpu('d2', '80Gi'), gpu('d3', '80Gi')])]
const NONE = 'cannot allocate all claims'

t.test('devices for requests', async (t) => {
  const table: [name: string, devices: DeviceClaim, slices: ResourceSlice[], expected: string[][] | string, input?: Partial<AllocatorInput>][] = [
    ['the first one', { requests: [exactly()] }, three, [['r=d1']]],
    ['by an attribute', { requests: [exactly(cel(`device.attributes["${DRIVER}"].model == "big"`))] }, three, [['r=d2']]],
    ['by a capacity', { requests: [exactly(cel(`device.capacity["${DRIVER}"].memory.compareTo(quantity("50Gi")) > 0`))] }, three, [['r=d2']]],
    ['by a version', { requests: [exactly(cel(`device.attributes["${DRIVER}"].version.isGreaterThan(semver("2.0.0"))`))] }, three, NONE],
    ['a domain that is not there', { requests: [exactly(cel('has(device.attributes["x.example.com"].y)'))] }, three, NONE],
    ['an attribute that is not there', { requests: [exactly(cel('device.attributes["x.example.com"].y == "z"'))] }, three, 'claim default/c: selector #0: CEL runtime error: no such key: y'],
    ['an attribute that no free device is asked for', { requests: [exactly(cel('device.attributes["x.example.com"].y == "z"'))] }, three, NONE, { allocated: new Set(['d1', 'd2', 'd3'].map((d) => `${DRIVER}/p/${d}`)) }],
    ['of another class', { requests: [{ name: 'r', exactly: { deviceClassName: 'other' } }] }, three, NONE],
    ['of a class that is not there', { requests: [{ name: 'r', exactly: { deviceClassName: 'gone' } }] }, three, 'claim default/c, request r: could not retrieve device class gone: deviceclass.resource.k8s.io "gone" not found'],
    ['several', { requests: [exactly({ count: 2 })] }, three, [['r=d1', 'r=d2']]],
    ['too many', { requests: [exactly({ count: 4 })] }, three, NONE],
    ['all', { requests: [exactly({ allocationMode: 'All' })] }, three, [['r=d1', 'r=d2', 'r=d3']]],
    ['all of none', { requests: [exactly({ allocationMode: 'All', ...cel('false') })] }, three, NONE],
    ['all of a pool that is being updated', { requests: [exactly({ allocationMode: 'All' })] }, [slice([gpu('d1', '40Gi')], { pool: { name: 'p', generation: 1, resourceSliceCount: 2 } })], `claim default/c, request r: asks for all devices, but resource pool ${DRIVER}/p is currently being updated`],
    ['two requests go back where the first took the wrong one', { requests: [exactly({}, 'any'), exactly(cel(`device.attributes["${DRIVER}"].model == "small"`), 'small')] }, three, [['any=d2', 'small=d1']]],
    ['the same attribute', { requests: [exactly({ count: 2 })], constraints: [{ matchAttribute: `${DRIVER}/model` }] }, three, [['r=d2', 'r=d3']]],
    ['another attribute', { requests: [exactly({ count: 2 })], constraints: [{ distinctAttribute: `${DRIVER}/model` }] }, three, [['r=d1', 'r=d2']]],
    ['the first alternative that works', { requests: [{ name: 'r', firstAvailable: [{ name: 'huge', deviceClassName: 'gpu', count: 9 }, { name: 'big', deviceClassName: 'gpu', ...cel(`device.attributes["${DRIVER}"].model == "big"`) }] }] }, three, [['r/big=d2']]],
    ['one that is in use', { requests: [exactly()] }, three, [['r=d2']], { allocated: new Set([`${DRIVER}/p/d1`]) }],
    ['for an administrator all the same', { requests: [exactly({ adminAccess: true })] }, three, [['r=d1']], { allocated: new Set([`${DRIVER}/p/d1`]) }],
    ['of another node', { requests: [exactly()] }, [slice([gpu('d1', '40Gi')], { nodeName: 'b' })], NONE],
    ['of nodes by label', { requests: [exactly()] }, [slice([gpu('d1', '40Gi')], { nodeName: undefined, nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['z'] }] }] } })], [['r=d1']]],
    ['an older generation does not count', { requests: [exactly()] }, [slice([gpu('d1', '40Gi')]), slice([gpu('d2', '40Gi')], { pool: { name: 'p', generation: 2, resourceSliceCount: 1 } })], [['r=d2']]],
    ['a tainted one', { requests: [exactly()] }, [slice([gpu('d1', '40Gi', { taints: [{ key: 'k', effect: 'NoSchedule' }] })])], NONE],
    ['a tainted one that is put up with', { requests: [exactly({ tolerations: [{ key: 'k', operator: 'Exists' }] })] }, [slice([gpu('d1', '40Gi', { taints: [{ key: 'k', effect: 'NoSchedule' }] })])], [['r=d1']]],
    ['a pool with two devices of a name', { requests: [exactly()] }, [slice([gpu('d1', '40Gi'), gpu('d1', '40Gi')])], 'invalid resource pools were encountered'],
  ]
  for (const [name, devices, slices, expected, input] of table) t.same(given([claim(devices)], slices, input), expected, name)
})

t.test('two claims get different devices', async (t) => {
  t.same(given([claim({ requests: [exactly()] }, 'x'), claim({ requests: [exactly()] }, 'y')], three), [['r=d1'], ['r=d2']])
})

t.test('partitions of a device draw on its counters', async (t) => {
  const part = (name: string, memory: string): Device => ({ name, consumesCounters: [{ counterSet: 'gpu', counters: { memory: { value: memory } } }] })
  const pool = { name: 'p', generation: 1, resourceSliceCount: 2 }
  const slices = [{ ...slice([], { nodeName: undefined, devices: undefined, pool, sharedCounters: [{ name: 'gpu', counters: { memory: { value: '80Gi' } } }] }), metadata: { name: 'counters' } }, slice([part('whole', '80Gi'), part('half-1', '40Gi'), part('half-2', '40Gi')], { pool })]
  t.same(given([claim({ requests: [exactly({ count: 2 })] })], slices), [['r=half-1', 'r=half-2']])
  t.same(given([claim({ requests: [exactly()] })], slices, { allocated: new Set([`${DRIVER}/p/half-1`]) }), [['r=half-2']])
})

t.test('a device that is shared gives as much as it has', async (t) => {
  const shared = [slice([gpu('d1', '80Gi', { allowMultipleAllocations: true })])]
  const wants = (memory: string, name: string) => claim({ requests: [exactly({ capacity: { requests: { memory } } })] }, name)
  t.same(given([wants('50Gi', 'x'), wants('30Gi', 'y')], shared), [['r=d1'], ['r=d1']])
  t.equal(given([wants('50Gi', 'x'), wants('40Gi', 'y')], shared), NONE)
})
