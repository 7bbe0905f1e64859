/** Where the selectors of devices are compiled when they are written. Models k8s.io/dynamic-resource-allocation/cel/compile.go as far as writes see it. */
import { programOrError } from '../../../src/apimachinery/cel/admission-expressions.ts'
import type { SizeEstimator } from '../../../src/apimachinery/cel/cost-estimate.ts'
import { type Environment, environment } from '../../../src/apimachinery/cel/environment.ts'
import { ANY, BOOL, type CelType, goTypeText, mapOf, STRING, structType } from '../../../src/apimachinery/cel/types.ts'
import { byteLength } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'

const MAX_EXPRESSION = 10 * 1024
/** What one selector may cost for one device, in CEL's units. */
export const DEVICE_COST_LIMIT = 1_000_000
const MAX_COST = BigInt(DEVICE_COST_LIMIT)
const MAX_DOMAIN = 63n
const MAX_ID = 32n
const MAX_DRIVER = 63n
const MAX_ATTRIBUTE_VALUE = 64n
/** Of one device. */
const MAX_ATTRIBUTES = 32n
const QUANTITY = structType('kubernetes.Quantity')

/** A type with how many elements, or bytes, its values have at most. */
interface Sized {
  readonly type: CelType
  readonly max: bigint
  readonly fields?: Readonly<Record<string, Sized>>
  readonly key?: Sized
  readonly element?: Sized
}

const text = (max: bigint): Sized => ({ type: STRING, max })
const mapType = (key: Sized, element: Sized): Sized => ({ type: mapOf(key.type, element.type), max: MAX_ATTRIBUTES, key, element })
const ATTRIBUTE: Sized = { type: ANY, max: MAX_ATTRIBUTE_VALUE }

const DEVICE: Sized & { readonly fields: Readonly<Record<string, Sized>> } = {
  type: structType('kubernetes.DRADevice'),
  max: 0n,
  fields: {
    driver: text(MAX_DRIVER),
    allowMultipleAllocations: { type: BOOL, max: 1n },
    attributes: mapType(text(MAX_DOMAIN), mapType(text(MAX_ID), ATTRIBUTE)),
    capacity: mapType(text(MAX_DOMAIN), mapType(text(MAX_ID), { type: QUANTITY, max: 0n })),
  },
}

const fieldOf = (name: string): Sized | undefined => (Object.hasOwn(DEVICE.fields, name) ? DEVICE.fields[name] : undefined)

let deviceEnvironment: Environment | undefined
const makeEnvironment = (): Environment =>
  environment({
    hasBindings: true,
    variables: { device: DEVICE.type },
    types: {
      find: (name) => (name === DEVICE.type.name ? DEVICE.type : undefined),
      field: (type, name) => (type === DEVICE.type.name ? fieldOf(name)?.type : undefined),
    },
  })

export const deviceEnvironmentOnce = (): Environment => (deviceEnvironment ??= makeEnvironment())

function below(at: Sized, name: string): Sized | undefined {
  if (name === '@items' || name === '@values') return at.element
  if (name === '@keys') return at.key
  // The attributes of a domain may be selected by any name; capacities have no size that way.
  return at === DEVICE ? fieldOf(name) : at.element === ATTRIBUTE ? ATTRIBUTE : undefined
}

const sizeOf: SizeEstimator = ([variable, ...path]) => {
  if (variable !== 'device') return undefined
  let at: Sized | undefined = DEVICE
  for (const name of path) at = at && below(at, name)
  return at && { min: 0n, max: at.max }
}

export function validateDeviceExpression(expression: string, path: string): FieldError[] {
  if (byteLength(expression) > MAX_EXPRESSION) return [field.tooLong(path, MAX_EXPRESSION)]
  const program = programOrError(expression, deviceEnvironmentOnce())
  if (typeof program === 'string') return [field.invalid(path, expression, program)]
  const { outputType } = program
  if (outputType.kind !== 'bool' && outputType.kind !== 'any') return [field.invalid(path, expression, `must evaluate to bool or the unknown type, not ${goTypeText(outputType)}`)]
  return program.estimateCost(sizeOf).max > MAX_COST ? [field.forbidden(path, 'too complex, exceeds cost limit')] : []
}
