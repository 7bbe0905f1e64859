/** What is served, in the form that OpenAPI documents are made from. What does not change stays the same object, and with it its documents. */
import { createHash } from 'node:crypto'
import { StatusError } from '../errors.ts'
import { apiVersionOf, type Scheme, type ServedKind } from '../registry/scheme.ts'
import { typeNameFor } from '../../schemas/facts.ts'
import { subresourcesOf } from './discovery.ts'
import { customSchemas, customTypeName, type CustomSchemaSource } from './openapi-custom-schema.ts'
import type { ServedGroupVersion, ServedResource } from './openapi-routes.ts'
import type { ExtraSchemas, OpenAPIVersion } from './openapi-schema.ts'

interface Known {
  kinds: readonly ServedKind[]
  served: ServedGroupVersion
}

export class ServedGroupVersions {
  readonly #scheme: Scheme
  #generation = -1
  #known = new Map<string, Known>()
  #all: ServedGroupVersion[] = []

  constructor(scheme: Scheme) {
    this.#scheme = scheme
  }

  /** The same array for as long as nothing changes. */
  get all(): readonly ServedGroupVersion[] {
    if (this.#generation !== this.#scheme.generation) this.#refresh()
    return this.#all
  }

  #refresh(): void {
    this.#generation = this.#scheme.generation
    const byVersion = new Map<string, ServedKind[]>()
    for (const kind of this.#scheme.all()) {
      const kinds = byVersion.get(kind.apiVersion)
      if (kinds) kinds.push(kind)
      else byVersion.set(kind.apiVersion, [kind])
    }
    const known = new Map<string, Known>()
    for (const [apiVersion, kinds] of byVersion) {
      const before = this.#known.get(apiVersion)
      const isSame = before && before.kinds.length === kinds.length && kinds.every((kind, i) => kind === before.kinds[i])
      known.set(apiVersion, isSame ? before : { kinds, served: groupVersionOf(kinds) })
    }
    this.#known = known
    this.#all = [...known.values()].map(({ served }) => served)
  }
}

function groupVersionOf(kinds: readonly ServedKind[]): ServedGroupVersion {
  const [first] = kinds
  const resources = kinds.map(servedResource).sort((a, b) => (a.plural < b.plural ? -1 : 1))
  const custom = kinds.filter((kind) => kind.codec.custom)
  const served = { group: first?.group ?? '', version: first?.version ?? '', resources }
  if (custom.length === 0) return served
  const made: Partial<Record<OpenAPIVersion, ExtraSchemas>> = {}
  const schemas = (version: OpenAPIVersion): ExtraSchemas => (made[version] ??= Object.assign({}, ...custom.map((kind) => customSchemas(sourceOf(kind), version))) as ExtraSchemas)
  return {
    ...served,
    // Made when first asked for: of a thousand definitions few are ever explained.
    schemas: {
      get v2() {
        return schemas('v2')
      },
      get v3() {
        return schemas('v3')
      },
    },
    ...(custom.length === kinds.length ? { hash: hashOf(custom) } : {}),
  }
}

/** Tells documents apart without making them. */
function hashOf(kinds: readonly ServedKind[]): string {
  const text = kinds.map(({ apiVersion, codec }) => `${apiVersion} ${codec.custom?.revision}`).join('\n')
  return createHash('sha512').update(text).digest('hex').toUpperCase()
}

function sourceOf(kind: ServedKind): CustomSchemaSource {
  const { group, version, plural, definition, codec } = kind
  return {
    gvk: { group, version, kind: kind.kind },
    listKind: listKindOf(kind),
    plural,
    schema: codec.custom?.schema,
    preservesUnknown: codec.custom?.preservesUnknown ?? false,
    selectableFields: Object.keys(definition.selectableFields ?? {}),
  }
}

const listKindOf = ({ definition, kind }: ServedKind): string => definition.listKind ?? `${kind}List`

function servedResource(kind: ServedKind): ServedResource {
  const { group, version, plural, namespaced, codec } = kind
  const own = { group, version, kind: kind.kind }
  const typeName = codec.typeName ?? customTypeName(own)
  return {
    ...own,
    plural,
    namespaced,
    verbs: kind.verbs,
    typeName,
    ...(codec.custom ? { listTypeName: customTypeName({ ...own, kind: listKindOf(kind) }) } : {}),
    deleteReturnsObject: (kind.definition.returnsDeletedObject ?? false) && !kind.definition.holdsDelete,
    subresources: subresourcesOf(kind).map(({ name, kind: gvk, verbs }) => {
      const type = codec.custom && apiVersionOf(gvk) === kind.apiVersion ? typeName : typeNameFor(gvk.group, gvk.version, gvk.kind)
      if (!type) throw new StatusError({ code: 500, message: `no type for ${gvk.kind}` })
      const textOptions = name === 'log' ? typeNameFor('', 'v1', 'PodLogOptions') : undefined
      return { name, gvk, typeName: type, verbs, ...(textOptions ? { textOptionsType: textOptions } : {}) }
    }),
  }
}
