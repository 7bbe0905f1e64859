/**
 * How values of a type merge: which lists are sets or are keyed, which maps and lists are taken whole. Backed by the
 * facts of built-in types here, by schemas of custom resources in merge-type-from-schema.ts.
 * Models sigs.k8s.io/structured-merge-diff/schema and k8s.io/kube-openapi/pkg/schemaconv.
 */
import { mustTypeFacts, type FieldFacts, type ListType, type MapType } from '../../schemas/facts.ts'
import type { FieldType, Scalar } from '../../schemas/field-type.ts'

/** A type can allow several forms; a value decides which one counts. */
export interface MergeType {
  readonly scalar?: MergeScalar
  readonly list?: MergeList
  readonly map?: MergeMap
}

export type MergeScalar = 'numeric' | 'string' | 'boolean' | 'untyped'

export interface MergeList {
  readonly element: MergeType
  readonly isAtomic: boolean
  /** Of a keyed list; a list that is neither atomic nor keyed is a set. */
  readonly keys: readonly string[]
}

export interface MergeField {
  readonly type: MergeType
  /** How paths call it: `f:spec`. */
  readonly element: string
  /** What a list's key counts as when an item does not have it. */
  readonly default?: unknown
}

export interface MergeMap {
  readonly isAtomic: boolean
  /** The declared members. */
  readonly fields: ReadonlyMap<string, MergeField>
  /** Of members that are not declared; none are allowed without it. */
  readonly element?: MergeType
}

const noFields: ReadonlyMap<string, MergeField> = new Map()

/** Anything at all, taken whole. */
export const untypedAtomic: MergeType = {
  scalar: 'untyped',
  get list() {
    return { element: untypedAtomic, isAtomic: true, keys: [] }
  },
  get map() {
    return { fields: noFields, element: untypedAtomic, isAtomic: true }
  },
}

const deducedList: MergeList = { element: untypedAtomic, isAtomic: true, keys: [] }

/** Anything at all: maps merge member by member, lists are taken whole. */
export const deduced: MergeType = {
  scalar: 'untyped',
  list: deducedList,
  get map() {
    return deducedMap
  },
}

const deducedMap: MergeMap = { fields: noFields, element: deduced, isAtomic: false }

const structs = new Map<string, MergeType>()

/** @param typeName an OpenAPI name that there are facts about */
export function mergeTypeOf(typeName: string): MergeType {
  let type = structs.get(typeName)
  if (!type) {
    type = new StructType(typeName)
    structs.set(typeName, type)
  }
  return type
}

/** Types refer to themselves, so the members are worked out at their first use. */
class StructType implements MergeType {
  readonly map: MergeMap

  constructor(typeName: string) {
    this.map = new StructMap(typeName)
  }
}

class StructMap implements MergeMap {
  readonly #typeName: string
  readonly isAtomic: boolean
  #fields: ReadonlyMap<string, MergeField> | undefined

  constructor(typeName: string, mapType?: MapType) {
    this.#typeName = typeName
    this.isAtomic = (mapType ?? mustTypeFacts(typeName).mapType) === 'atomic'
  }

  get fields(): ReadonlyMap<string, MergeField> {
    return (this.#fields ??= new Map([...mustTypeFacts(this.#typeName).jsonFields].map(([name, facts]) => [name, fieldOf(facts)])))
  }
}

function fieldOf(facts: FieldFacts): MergeField {
  const { type } = facts
  const element = `f:${facts.name}`
  if (type.kind === 'ref' && facts.mapType) return { element, type: { map: new StructMap(type.name, facts.mapType) } }
  const given = facts.default ?? (facts.noDefault ? undefined : zeroOf(facts))
  return { element, type: typeOf(type, facts), ...(given === undefined ? {} : { default: given }) }
}

/** The zero values that OpenAPI states as defaults of scalars that are always there. */
function zeroOf({ type, pointer, omitEmpty, omitZero }: FieldFacts): unknown {
  if (type.kind !== 'scalar' || pointer || omitEmpty || omitZero) return undefined
  const scalar = mergeScalar(type.scalar)
  return scalar === 'string' ? '' : scalar === 'numeric' ? 0 : scalar === 'boolean' ? false : undefined
}

interface Relation {
  listType?: ListType | undefined
  listMapKeys?: readonly string[]
  mapType?: MapType | undefined
  patchStrategy?: readonly string[]
  patchMergeKey?: string | undefined
}

function typeOf(type: FieldType, relation: Relation = {}): MergeType {
  switch (type.kind) {
    case 'ref':
      return mergeTypeOf(type.name)
    case 'map':
      return { map: { fields: noFields, element: typeOf(type.of), isAtomic: relation.mapType === 'atomic' } }
    case 'list':
      return { list: { element: typeOf(type.of), ...listRelation(relation) } }
    case 'scalar':
      return scalarType(type.scalar)
  }
}

/** Where no list type is stated, the patch strategy tells. */
function listRelation({ listType, listMapKeys = [], patchStrategy = [], patchMergeKey }: Relation): { isAtomic: boolean; keys: readonly string[] } {
  if (listType) return { isAtomic: listType === 'atomic', keys: listType === 'map' ? listMapKeys : [] }
  if (!patchStrategy.includes('merge')) return { isAtomic: true, keys: [] }
  return { isAtomic: false, keys: patchMergeKey === undefined ? [] : [patchMergeKey] }
}

function mergeScalar(scalar: Scalar): MergeScalar | undefined {
  switch (scalar) {
    case 'string':
    case 'bytes':
    case 'Duration':
      return 'string'
    case 'bool':
      return 'boolean'
    case 'int':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint32':
    case 'uint64':
    case 'float64':
      return 'numeric'
    case 'Time':
    case 'MicroTime':
    case 'Quantity':
    case 'IntOrString':
      return 'untyped'
    default:
      return undefined
  }
}

const anyObject: MergeType = { map: deducedMap }

function scalarType(scalar: Scalar): MergeType {
  const known = mergeScalar(scalar)
  if (known) return { scalar: known }
  if (scalar === 'RawExtension') return untypedAtomic
  return scalar === 'FieldsV1' ? anyObject : deduced
}
