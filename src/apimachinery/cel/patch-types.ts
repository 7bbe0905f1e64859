/**
 * The types that mutations build: `Object`, `Object.spec`, … and `JSONPatch`. They know no schema: any member is taken, and
 * whether the names of types fit the members they stand in is asked afterwards. Models k8s.io/apiserver/pkg/cel/mutation.
 */
import { makeOverload, type Overload } from './declarations.ts'
import { type CelType, DYN, STRING, structType } from './types.ts'
import { CelError, equal, ListValue, MapValue, OpaqueValue, toArray, typeOfValue, Uint, type Value } from './values.ts'

export const OBJECT_TYPE = structType('Object')
export const JSON_PATCH_TYPE = structType('JSONPatch')

const JSON_PATCH_FIELDS: Readonly<Record<string, CelType>> = { op: STRING, path: STRING, from: STRING, value: DYN }

/** Of members that a patch does not have: nothing fits it. */
const NO_TYPE = structType('')

const isObjectType = (name: string): boolean => name === OBJECT_TYPE.name || name.startsWith(`${OBJECT_TYPE.name}.`)

export const findPatchType = (name: string): CelType | undefined => (name === JSON_PATCH_TYPE.name || isObjectType(name) ? structType(name) : undefined)

export function patchField(type: string, field: string): CelType | undefined {
  if (isObjectType(type)) return DYN
  if (type !== JSON_PATCH_TYPE.name) return undefined
  return Object.hasOwn(JSON_PATCH_FIELDS, field) ? JSON_PATCH_FIELDS[field] : NO_TYPE
}

export const PATCH_FUNCTIONS: ReadonlyMap<string, readonly Overload[]> = new Map([
  ['jsonpatch.escapeKey', [makeOverload({ id: 'string_jsonpatch_escapeKey_string', isMember: false, args: [STRING], result: STRING })]],
])

/** An object that an expression built. */
export class PatchObject extends OpaqueValue {
  readonly type: CelType
  readonly fields: ReadonlyMap<string, Value>
  constructor(type: CelType, fields: ReadonlyMap<string, Value>) {
    super()
    this.type = type
    this.fields = fields
  }
  equals(other: Value): Value {
    if (!(other instanceof PatchObject) || other.type.name !== this.type.name || other.fields.size !== this.fields.size) return false
    for (const [name, value] of this.fields) {
      const theirs = other.fields.get(name)
      if (theirs === undefined || equal(value, theirs) !== true) return false
    }
    return true
  }
}

const GO_TYPES: Readonly<Record<string, string>> = { bool: 'bool', bytes: '[]uint8', double: 'float64', int: 'int64', null_type: 'structpb.NullValue', uint: 'uint64' }

/** Makes a value of one of the types. */
export function makePatchValue(typeName: string, fields: ReadonlyMap<string, Value>): Value {
  const type = findPatchType(typeName)
  if (!type) return new CelError(`unknown type: ${typeName}`)
  for (const [name, value] of type.name === JSON_PATCH_TYPE.name ? fields : []) {
    if (name !== 'value' && typeof value !== 'string') return new CelError(`unexpected type ${GO_TYPES[typeOfValue(value).name] ?? typeOfValue(value).name} for JSONPatchType '${name}' field`)
  }
  return new PatchObject(type, fields)
}

/** What is wrong with the names of types: each must be the path from the outermost object to the member that it stands in. */
export const typeNameErrors = (value: PatchObject): string[] => errorsAt(value, [value.type.name])

function errorsAt(value: Value, path: readonly string[]): string[] {
  if (value instanceof ListValue) return toArray(value).flatMap((item) => errorsAt(item, path))
  if (value instanceof MapValue) return [...value.keys()].flatMap((key) => errorsAt(value.find(key) ?? null, path))
  if (!(value instanceof PatchObject)) return []
  const expected = path.join('.')
  const { name } = value.type
  const own = name === expected ? [] : [`unexpected type name "${name}", expected "${expected}", which matches field name path from root Object type`]
  return [...own, ...[...value.fields].flatMap(([field, inner]) => errorsAt(inner, [...path, field]))]
}

/** A member of JSONPatch, as text. */
export const textField = (value: PatchObject, name: string): string => {
  const found = value.fields.get(name)
  return typeof found === 'string' ? found : found instanceof Uint ? String(found.value) : ''
}
