/** Quantities, semantic versions, named formats and the authorizer. Models k8s.io/apiserver/pkg/cel/library (quantity.go, semverlib.go, format.go, authz.go). */
import { ParseError } from '../parse-error.ts'
import { addQuantities, compareQuantities, makeQuantity, parseQuantity, type Quantity, quantitySign, quantityToNumber, scaledValue, subtractQuantities } from '../quantity.ts'
import { AUTHORIZER } from './authorizer.ts'
import { FORMATS } from './named-formats.ts'
import { compareSemver, normalizeSemver, parseSemver, type Semver } from './semver.ts'
import { structType } from './types.ts'
import { CelError, NativeList, NO_SUCH_OVERLOAD, NONE, OpaqueValue, Optional, type Value } from './values.ts'

const QUANTITY_TYPE = structType('kubernetes.Quantity')
const SEMVER_TYPE = structType('kubernetes.Semver')
const FORMAT_TYPE = structType('kubernetes.NamedFormat')
const INT64_MAX = 2n ** 63n - 1n

export class QuantityValue extends OpaqueValue {
  readonly type = QUANTITY_TYPE
  readonly quantity: Quantity
  /** Upstream cannot compare with a sum or difference on the right. */
  readonly isComputed: boolean
  constructor(quantity: Quantity, isComputed = false) {
    super()
    this.quantity = quantity
    this.isComputed = isComputed
  }
  equals(other: Value): Value {
    if (!(other instanceof QuantityValue) || other.isComputed) return NO_SUCH_OVERLOAD
    return compareQuantities(this.quantity, other.quantity) === 0
  }
}

class SemverValue extends OpaqueValue {
  readonly type = SEMVER_TYPE
  readonly version: Semver
  constructor(version: Semver) {
    super()
    this.version = version
  }
  equals(other: Value): Value {
    return other instanceof SemverValue ? compareSemver(this.version, other.version) === 0 : NO_SUCH_OVERLOAD
  }
}

export class FormatValue extends OpaqueValue {
  readonly type = FORMAT_TYPE
  readonly name: string
  readonly regexpSize: number
  readonly validate: (text: string) => string[]
  constructor(name: string, { regexpSize, validate }: { regexpSize: number; validate: (text: string) => string[] }) {
    super()
    this.name = name
    this.regexpSize = regexpSize
    this.validate = validate
  }
  equals(other: Value): Value {
    return other instanceof FormatValue ? this.name === other.name : NO_SUCH_OVERLOAD
  }
}

function makeQuantityValue(text: Value = ''): Value {
  try {
    return new QuantityValue(parseQuantity(String(text)))
  } catch (error) {
    if (error instanceof ParseError) return new CelError(error.message)
    throw error
  }
}

/** The quantity as a whole number, if it is one within 64 bits. */
function wholeNumber(quantity: Quantity): bigint | undefined {
  if (quantity.isDecimal) return undefined
  const value = scaledValue(quantity, 0)
  const isWhole = compareQuantities(quantity, makeQuantity(value)) === 0
  return isWhole && value <= INT64_MAX && value >= -INT64_MAX - 1n ? value : undefined
}

const onQuantity = (run: (quantity: Quantity) => Value) => (q: Value = null): Value => (q instanceof QuantityValue ? run(q.quantity) : NO_SUCH_OVERLOAD)
const onQuantities = (run: (a: Quantity, b: Quantity) => Value) => (a: Value = null, b: Value = null): Value => {
  const other = typeof b === 'bigint' ? makeQuantity(b, 'DecimalExponent') : b instanceof QuantityValue ? b.quantity : undefined
  return a instanceof QuantityValue && other ? run(a.quantity, other) : NO_SUCH_OVERLOAD
}

function makeSemver(text: Value = '', normalize: Value = false): Value {
  const parsed = normalize === true ? normalizeSemver(String(text)) : parseSemver(String(text))
  return 'error' in parsed ? new CelError(parsed.error) : new SemverValue(parsed)
}

const isSemver = (text: Value = '', normalize: Value = false): Value => makeSemver(text, normalize) instanceof SemverValue
const onSemver = (run: (version: Semver) => Value) => (v: Value = null): Value => (v instanceof SemverValue ? run(v.version) : NO_SUCH_OVERLOAD)
const onSemvers = (run: (order: number) => Value) => (a: Value = null, b: Value = null): Value =>
  a instanceof SemverValue && b instanceof SemverValue ? run(compareSemver(a.version, b.version)) : NO_SUCH_OVERLOAD

const formats = new Map(Object.entries(FORMATS).map(([name, format]) => [name, new FormatValue(format.name, format)]))

function validate(format: Value = null, text: Value = ''): Value {
  if (!(format instanceof FormatValue) || typeof text !== 'string') return NO_SUCH_OVERLOAD
  const errors = format.validate(text)
  return errors.length ? new Optional(new NativeList(errors)) : NONE
}

function namedFormat(name: Value = ''): Value {
  const format = formats.get(String(name))
  return format ? new Optional(format) : NONE
}

export const KUBERNETES: Readonly<Record<string, (...args: Value[]) => Value>> = {
  string_to_quantity: makeQuantityValue,
  is_quantity_string: (text = '') => makeQuantityValue(text) instanceof QuantityValue,
  quantity_get_float: onQuantity(quantityToNumber),
  quantity_get_int: onQuantity((q) => wholeNumber(q) ?? new CelError('cannot convert value to integer')),
  quantity_is_integer: onQuantity((q) => wholeNumber(q) !== undefined),
  quantity_sign: onQuantity((q) => BigInt(quantitySign(q))),
  quantity_is_greater_than: onQuantities((a, b) => compareQuantities(a, b) > 0),
  quantity_is_less_than: onQuantities((a, b) => compareQuantities(a, b) < 0),
  quantity_compare_to: onQuantities((a, b) => BigInt(compareQuantities(a, b))),
  quantity_add: onQuantities((a, b) => new QuantityValue(addQuantities(a, b), true)),
  quantity_add_int: onQuantities((a, b) => new QuantityValue(addQuantities(a, b), true)),
  quantity_sub: onQuantities((a, b) => new QuantityValue(subtractQuantities(a, b), true)),
  quantity_sub_int: onQuantities((a, b) => new QuantityValue(subtractQuantities(a, b), true)),
  string_to_semver: makeSemver,
  string_bool_to_semver: makeSemver,
  is_semver_string: isSemver,
  is_semver_string_bool: isSemver,
  semver_major: onSemver(({ major }) => major),
  semver_minor: onSemver(({ minor }) => minor),
  semver_patch: onSemver(({ patch }) => patch),
  semver_compare_to: onSemvers((order) => BigInt(order)),
  semver_is_greater_than: onSemvers((order) => order > 0),
  semver_is_less_than: onSemvers((order) => order < 0),
  'format-named': namedFormat,
  'format-validate': validate,
  ...Object.fromEntries([...formats].map(([name, format]) => [`format.${name}`, () => format])),
  ...AUTHORIZER,
}
