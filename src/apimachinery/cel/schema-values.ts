/** JSON as expressions see it through its schema. Models UnstructuredToVal of k8s.io/apiserver/pkg/cel/common/valuesunstructured.go. */
import type { JSONSchemaProps } from '../../../schemas/types.ts'
import { parseDuration } from '../go-duration.ts'
import { equalJSON } from '../json.ts'
import { escapeName, unescapeName } from './escape.ts'
import { withObjectMeta } from './schema-types.ts'
import { parseTimestamp } from './timestamps.ts'
import { CelError, Duration, equal, ListValue, MapValue, NativeList, NO_SUCH_OVERLOAD, OpaqueValue, toArray, type Value } from './values.ts'
import { opaqueType } from './types.ts'

type Schema = JSONSchemaProps

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const goType = (value: unknown): string => {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64'
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}'
}

export function schemaValue(value: unknown, schema: Schema): Value {
  if (value === null || value === undefined) return schema.nullable ? null : new CelError('invalid data, got null for schema with nullable=false')
  if (schema['x-kubernetes-int-or-string']) {
    if (typeof value === 'string') return value
    return Number.isInteger(value) ? BigInt(Number(value)) : new CelError('invalid data, expected XIntOrString value to be either a string or integer')
  }
  switch (schema.type) {
    case 'object':
      return isObject(value) ? new SchemaMap(value, schema) : new CelError('invalid data, expected a map for the provided schema with type=object')
    case 'array':
      return listValue(value, schema)
    case 'string':
      return typeof value === 'string' ? textValue(value, schema.format) : new CelError(`invalid data, expected string, got ${goType(value)}`)
    case 'number':
      return typeof value === 'number' ? value : new CelError(`invalid data, expected float, got ${goType(value)}`)
    case 'integer':
      return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : new CelError(`invalid data, expected int, got ${goType(value)}`)
    case 'boolean':
      return typeof value === 'boolean' ? value : new CelError(`invalid data, expected bool, got ${goType(value)}`)
  }
  if (schema['x-kubernetes-preserve-unknown-fields']) return new PreservedValue(value)
  return new CelError(
    `invalid type, expected object, array, number, integer, boolean or string, or no type with x-kubernetes-int-or-string or x-kubernetes-preserve-unknown-fields is true, got ${schema.type ?? ''}`,
  )
}

function textValue(text: string, format: string | undefined): Value {
  switch (format) {
    case 'duration':
      return durationValue(text)
    case 'date':
      return parseTimestamp(`${text}T00:00:00Z`) ?? new CelError(`Invalid date formatted string ${text}: parsing time "${text}" as "2006-01-02": cannot parse "${text}" as "2006"`)
    case 'date-time':
      return parseTimestamp(text.toUpperCase()) ?? new CelError(`Invalid date-time formatted string ${text}: parsing time "${text}"`)
    case 'byte':
      return new Uint8Array(Buffer.from(text, 'base64'))
    default:
      return text
  }
}

const UNITS: Readonly<Record<string, bigint>> = { ns: 1n, us: 1000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n, d: 86_400_000_000_000n, w: 604_800_000_000_000n }

/** Besides Go's durations also "3 days". */
function durationValue(text: string): Value {
  try {
    return new Duration(parseDuration(text))
  } catch {
    const [, count = '', unit = ''] = /^\s*(\d+)\s*([a-zµ]+)/i.exec(text) ?? []
    const nanos = UNITS[unit.toLowerCase()] ?? UNITS[unit.toLowerCase().slice(0, 1)]
    return count && nanos ? new Duration(BigInt(count) * nanos) : new CelError(`Invalid duration ${text}: unable to parse ${text} as duration`)
  }
}

class PreservedValue extends OpaqueValue {
  readonly type = opaqueType('unknown')
  readonly raw: unknown
  constructor(raw: unknown) {
    super()
    this.raw = raw
  }
  equals(other: Value): Value {
    return other instanceof PreservedValue && equalJSON(this.raw, other.raw)
  }
}

function listValue(value: unknown, schema: Schema): Value {
  if (!Array.isArray(value)) return new CelError('invalid data, expected an array for the provided schema with type=array')
  const items = Array.isArray(schema.items) ? undefined : schema.items
  if (!items) return new CelError('invalid array type, expected Items with a non-empty Schema')
  const values = value.map((item: unknown) => schemaValue(item, items))
  if (schema['x-kubernetes-list-type'] === 'map') return new MapList(values, (schema['x-kubernetes-list-map-keys'] ?? []).map((key) => escapeName(key) ?? key))
  return schema['x-kubernetes-list-type'] === 'set' ? new SetList(values) : new NativeList(values)
}

/** A list whose order does not count. */
class SetList extends NativeList {
  override equals(other: Value): Value {
    if (!(other instanceof ListValue)) return NO_SUCH_OVERLOAD
    return other.size === this.size && toArray(other).every((item) => this.items.some((own) => equal(own, item) === true))
  }
  override add(other: ListValue): Value {
    const items = [...this.items]
    for (const item of toArray(other)) if (!items.some((own) => equal(own, item) === true)) items.push(item)
    return new SetList(items)
  }
}

/** A list of objects that are told apart by some of their fields. */
class MapList extends NativeList {
  readonly #keys: readonly string[]
  constructor(items: Value[], keys: readonly string[]) {
    super(items)
    this.#keys = keys
  }
  #isSame(a: Value, b: Value): boolean {
    if (!(a instanceof MapValue) || !(b instanceof MapValue)) return false
    return this.#keys.every((key) => {
      const [left, right] = [a.find(key), b.find(key)]
      return left === undefined || right === undefined ? left === right : equal(left, right) === true
    })
  }
  override equals(other: Value): Value {
    if (!(other instanceof ListValue)) return NO_SUCH_OVERLOAD
    if (other.size !== this.size) return false
    for (const item of toArray(other)) {
      const own = this.items.find((mine) => this.#isSame(mine, item))
      const same = own === undefined ? false : equal(own, item)
      if (same !== true) return same
    }
    return true
  }
  override add(other: ListValue): Value {
    const items = [...this.items]
    for (const item of toArray(other)) {
      const at = items.findIndex((own) => this.#isSame(own, item))
      if (at < 0) items.push(item)
      else items[at] = item
    }
    return new MapList(items, this.#keys)
  }
}

/** An object or map; what the schema does not name is not seen. */
class SchemaMap extends MapValue {
  readonly #value: Record<string, unknown>
  readonly #schema: Schema
  readonly #isObject: boolean
  readonly #seen = new Map<string, Value>()

  constructor(value: Record<string, unknown>, schema: Schema) {
    super()
    this.#value = value
    this.#schema = schema['x-kubernetes-embedded-resource'] ? withObjectMeta(schema) : schema
    this.#isObject = this.#schema.properties !== undefined
  }

  get size(): number {
    return Object.keys(this.#value).length
  }

  #schemaOf(key: string): Schema | undefined {
    const { properties, additionalProperties } = this.#schema
    if (properties) return Object.hasOwn(properties, key) ? properties[key] : undefined
    return typeof additionalProperties === 'object' ? additionalProperties : undefined
  }

  find(key: Value): Value | undefined {
    if (typeof key !== 'string') return NO_SUCH_OVERLOAD
    const known = this.#seen.get(key)
    if (known !== undefined) return known
    const name = this.#isObject ? unescapeName(key) : key
    if (name === undefined || !Object.hasOwn(this.#value, name)) return undefined
    const raw = this.#value[name]
    const schema = this.#schemaOf(name)
    if (!schema || raw === undefined || (this.#isObject && raw === null)) return undefined
    const value = schemaValue(raw, schema)
    this.#seen.set(key, value)
    return value
  }

  *keys(): Iterable<Value> {
    for (const key of Object.keys(this.#value)) {
      if (this.#schemaOf(key)) yield this.#isObject ? (escapeName(key) ?? key) : key
    }
  }

  override equals(other: Value): Value {
    if (!(other instanceof MapValue)) return NO_SUCH_OVERLOAD
    if (other.size !== this.size) return false
    if (other instanceof SchemaMap) {
      for (const [key, raw] of Object.entries(this.#value)) {
        if (!this.#schemaOf(key) && Object.hasOwn(other.#value, key) && !equalJSON(raw, other.#value[key])) return false
      }
    }
    return super.equals(other)
  }
}
