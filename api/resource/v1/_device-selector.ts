/** Whether a device is what an expression asks for. Models DeviceMatches of k8s.io/dynamic-resource-allocation/cel/compile.go. */
import { KUBERNETES, QuantityValue } from '../../../src/apimachinery/cel/functions-kubernetes.ts'
import { compile } from '../../../src/apimachinery/cel/program.ts'
import { MapValue, NativeMap, type Value } from '../../../src/apimachinery/cel/values.ts'
import { parseQuantity } from '../../../src/apimachinery/quantity.ts'
import type { Device, DeviceAttribute } from '../../../schemas/types.ts'
import { DEVICE_COST_LIMIT, deviceEnvironmentOnce } from './_cel.ts'

/** Domains that a device says nothing about are there, and empty. */
class Domains extends MapValue {
  readonly #domains: NativeMap

  constructor(domains: NativeMap) {
    super()
    this.#domains = domains
  }

  get size(): number {
    return this.#domains.size
  }

  find(key: Value): Value | undefined {
    return this.#domains.find(key) ?? new NativeMap()
  }

  keys(): Iterable<Value> {
    return this.#domains.keys()
  }
}

/** Throws Error when the expression cannot be evaluated, or gives no boolean. */
export function deviceMatches(expression: string, device: Device, driver: string): boolean {
  const value = valueOf(device, driver)
  const { value: result } = compile(expression, deviceEnvironmentOnce()).evaluate((name) => (name === 'device' ? value : undefined), { costLimit: DEVICE_COST_LIMIT })
  if (typeof result !== 'boolean') throw new Error(`unexpected result type ${typeof result} of a CEL expression that should give a bool`)
  return result
}

const values = new WeakMap<Device, Value>()

function valueOf(device: Device, driver: string): Value {
  let value = values.get(device)
  if (value === undefined) values.set(device, (value = makeValue(device, driver)))
  return value
}

function makeValue({ attributes = {}, capacity = {}, allowMultipleAllocations = false }: Device, driver: string): Value {
  return NativeMap.from({
    driver,
    allowMultipleAllocations,
    attributes: byDomain(driver, Object.entries(attributes).map(([name, attribute]) => [name, attributeValue(name, attribute)])),
    capacity: byDomain(driver, Object.entries(capacity).map(([name, { value = '0' }]) => [name, new QuantityValue(parseQuantity(value))])),
  })
}

/** Names without a domain are in the driver's. */
function byDomain(driver: string, named: readonly (readonly [string, Value])[]): Domains {
  const domains = new NativeMap()
  for (const [name, value] of named) {
    const slash = name.indexOf('/')
    const domain = slash < 0 ? driver : name.slice(0, slash)
    let members = domains.find(domain)
    if (!(members instanceof NativeMap)) domains.set(domain, (members = new NativeMap()))
    if (members instanceof NativeMap) members.set(name.slice(slash + 1), value)
  }
  return new Domains(domains)
}

function attributeValue(name: string, { int, bool, string, version }: DeviceAttribute): Value {
  if (int !== undefined) return BigInt(int)
  const value = bool ?? string ?? (version === undefined ? undefined : KUBERNETES.string_to_semver?.(version))
  if (value === undefined) throw new Error(`attribute ${name}: unsupported attribute value`)
  return value
}
