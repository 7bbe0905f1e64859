/**
 * The facts about the built-in types: fields in Go's order with how they are encoded, merged and described. They are read
 * lazily, one file of schemas/data per group-version, and a type is parsed when it is first asked for.
 */
import fs from 'node:fs'
import { assetPath } from '../src/assets.ts'
import { type FieldType, goTypeName, isSpecialScalar, parseFieldType, type SpecialScalar } from './field-type.ts'

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** A field as it stands in schemas/data; what is false or empty is left out there. */
interface RawField {
  name?: string
  go?: string
  type: string
  inline?: boolean
  omitempty?: boolean
  omitzero?: boolean
  pb?: number
  required?: boolean
  format?: string
  default?: unknown
  noDefault?: boolean
  enum?: string[]
  itemEnum?: string[]
  listType?: ListType
  listMapKeys?: string[]
  mapType?: MapType
  patchStrategy?: string
  patchMergeKey?: string
  undescribed?: boolean
  parameter?: string
}

interface RawType {
  gvks?: string[]
  go?: string
  scalar?: string
  mapType?: MapType
  unions?: unknown
  fields?: RawField[]
}

export type ListType = 'atomic' | 'set' | 'map'
export type MapType = 'atomic' | 'granular'

export interface FieldFacts {
  /** The JSON name; empty for an inlined struct, whose fields stand in the object itself. */
  readonly name: string
  readonly goName: string
  readonly type: FieldType
  readonly pointer: boolean
  /** Left out of JSON when it is the Go zero value: false, 0, "", nil, an empty list or map (not: a struct). */
  readonly omitEmpty: boolean
  /** Left out of JSON when it is zero, structs and times included. */
  readonly omitZero: boolean
  /** Inlined in JSON; in protobuf it is a message of its own if it has a number. */
  readonly inline: boolean
  readonly protobuf: number | undefined
  readonly required: boolean
  /** Only where it does not follow from the type. */
  readonly format: string | undefined
  /** The default of the OpenAPI documents where it is not Go's zero value; `noDefault` says that there is none at all. */
  readonly default: unknown
  readonly noDefault: boolean
  readonly enum: readonly string[] | undefined
  readonly itemEnum: readonly string[] | undefined
  readonly listType: ListType | undefined
  readonly listMapKeys: readonly string[]
  readonly mapType: MapType | undefined
  /** From `merge`, `replace`, `retainKeys`. */
  readonly patchStrategy: readonly string[]
  readonly patchMergeKey: string | undefined
  /** Upstream's OpenAPI has no description for it, which shows in the shape of its reference. */
  readonly undescribed: boolean
  /** For a field of an options kind, that is a query parameter: the name under which OpenAPI v2 shares it. */
  readonly parameter: string | undefined
}

export interface Union {
  readonly discriminator?: string
  readonly 'fields-to-discriminateBy'?: Readonly<Record<string, string>>
}

const none: readonly string[] = []

function fieldFacts(raw: RawField): FieldFacts {
  const name = raw.name ?? ''
  const pointer = raw.type.startsWith('*')
  return {
    name,
    goName: raw.go ?? (name === '' ? raw.type.slice(raw.type.lastIndexOf('.') + 1) : name.charAt(0).toUpperCase() + name.slice(1)),
    type: parseFieldType(pointer ? raw.type.slice(1) : raw.type),
    pointer,
    omitEmpty: raw.omitempty ?? false,
    omitZero: raw.omitzero ?? false,
    inline: raw.inline ?? false,
    protobuf: raw.pb,
    required: raw.required ?? false,
    format: raw.format,
    default: raw.default,
    noDefault: raw.noDefault ?? false,
    enum: raw.enum,
    itemEnum: raw.itemEnum,
    listType: raw.listType,
    listMapKeys: raw.listMapKeys ?? none,
    mapType: raw.mapType,
    patchStrategy: raw.patchStrategy?.split(',') ?? none,
    patchMergeKey: raw.patchMergeKey,
    undescribed: raw.undescribed ?? false,
    parameter: raw.parameter,
  }
}

export class TypeFacts {
  readonly name: string
  /** As Go prints it: `v1.PodSpec`. */
  readonly goName: string
  /** Set for the types with a JSON form of their own; they have no fields. */
  readonly scalar: SpecialScalar | undefined
  readonly gvks: readonly GroupVersionKind[]
  readonly mapType: MapType | undefined
  readonly unions: readonly Union[]
  /** In Go's order, inlined structs as one field. */
  readonly fields: readonly FieldFacts[]
  #jsonFields: ReadonlyMap<string, FieldFacts> | undefined

  constructor(name: string, raw: RawType) {
    this.name = name
    this.goName = raw.go ?? goTypeName(name)
    this.scalar = raw.scalar !== undefined && isSpecialScalar(raw.scalar) ? raw.scalar : undefined
    this.gvks = raw.gvks?.map(parseKind) ?? []
    this.mapType = raw.mapType
    this.unions = Array.isArray(raw.unions) ? raw.unions : []
    this.fields = raw.fields?.map(fieldFacts) ?? []
  }

  /** The members of the JSON object by name, inlined ones included, in the order in which Go writes them. */
  get jsonFields(): ReadonlyMap<string, FieldFacts> {
    return (this.#jsonFields ??= flatten(this.fields))
  }
}

function flatten(fields: readonly FieldFacts[]): Map<string, FieldFacts> {
  const own = new Set(fields.map((f) => f.name))
  const members = new Map<string, FieldFacts>()
  for (const field of fields) {
    if (!field.inline) {
      members.set(field.name, field)
    } else if (field.type.kind === 'ref') {
      for (const [name, inner] of mustTypeFacts(field.type.name).jsonFields) {
        if (!own.has(name)) members.set(name, inner)
      }
    }
  }
  return members
}

function parseKind(text: string): GroupVersionKind {
  const [group = '', version = '', kind = ''] = text.split('/')
  return { group, version, kind }
}

interface File {
  readonly types: Readonly<Record<string, RawType>>
  kinds: ReadonlyMap<string, string> | undefined
}

const metaFile = 'meta_v1'
const files = new Map<string, File | undefined>()
const types = new Map<string, TypeFacts>()
let names: ReadonlySet<string> | undefined

function fileNames(): ReadonlySet<string> {
  names ??= new Set(
    fs
      .readdirSync(assetPath('schemas/data'))
      .filter((name) => name.endsWith('.json') && name !== 'resources.json')
      .map((name) => name.slice(0, -'.json'.length)),
  )
  return names
}

function load(fileName: string): File | undefined {
  let file = files.get(fileName)
  if (file === undefined && fileNames().has(fileName)) {
    // Written by our own generator, and compared with it by `npm run verify`.
    const content = JSON.parse(fs.readFileSync(assetPath(`schemas/data/${fileName}.json`), 'utf8')) as { types: Record<string, RawType> }
    file = { types: content.types, kinds: undefined }
    files.set(fileName, file)
  }
  return file
}

/** Files are named by the first label of the group and the version: `io.k8s.api.apps.v1.Deployment` is in apps_v1. */
function fileOf(openapiName: string): string {
  if (openapiName.startsWith('io.k8s.apimachinery.')) return metaFile
  return openapiName.split('.').slice(-3, -1).join('_')
}

/** The facts about a type by its OpenAPI name, such as `io.k8s.api.core.v1.PodSpec`. */
export function typeFacts(openapiName: string): TypeFacts | undefined {
  let facts = types.get(openapiName)
  if (facts === undefined) {
    const file = load(fileOf(openapiName))
    const raw = file !== undefined && Object.hasOwn(file.types, openapiName) ? file.types[openapiName] : undefined
    if (raw === undefined) return undefined
    facts = new TypeFacts(openapiName, raw)
    types.set(openapiName, facts)
  }
  return facts
}

/** For names that come out of the facts themselves. */
export function mustTypeFacts(openapiName: string): TypeFacts {
  const facts = typeFacts(openapiName)
  if (facts === undefined) throw new Error(`no facts about ${openapiName}`)
  return facts
}

function kindsOf(file: File): ReadonlyMap<string, string> {
  file.kinds ??= new Map(Object.entries(file.types).flatMap(([name, raw]) => (raw.gvks ?? []).map((gvk): [string, string] => [gvk, name])))
  return file.kinds
}

/** The OpenAPI name of a built-in kind, lists and options included. */
export function typeNameFor(group: string, version: string, kind: string): string | undefined {
  const gvk = `${group}/${version}/${kind}`
  const firstLabel = group === '' ? 'core' : group.split('.', 1)[0]
  for (const fileName of [`${firstLabel}_${version}`, metaFile]) {
    const file = load(fileName)
    const name = file === undefined ? undefined : kindsOf(file).get(gvk)
    if (name !== undefined) return name
  }
  return undefined
}

/** Every type there are facts about. Reads all files: not for the way to a fast start. */
export function allTypeNames(): string[] {
  return [...fileNames()].sort().flatMap((name) => Object.keys(load(name)?.types ?? {}))
}
