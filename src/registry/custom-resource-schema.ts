/**
 * The structural schemas of a CustomResourceDefinition's versions: how its objects are read from clients and from the
 * store, and turned from one version into another. Models unstructuredSchemaCoercer and the codecs around it in
 * k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go.
 */
import { withDefaults } from '../apimachinery/structural-schema/defaults.ts'
import { coerceEmbedded, decodeMeta } from '../apimachinery/structural-schema/embedded-meta.ts'
import { prune } from '../apimachinery/structural-schema/prune.ts'
import type { Schema } from '../apimachinery/structural-schema/schema.ts'
import { sortedJSON } from '../apimachinery/sorted-json.ts'
import { mergeTypeFromSchema } from '../apimachinery/merge-type-from-schema.ts'
import type { MergeType } from '../apimachinery/merge-type.ts'
import { normalize } from '../apimachinery/normalize.ts'
import { freezeJSON, isRecord } from '../apimachinery/json.ts'
import { StatusError } from '../errors.ts'
import type { CustomResourceDefinition } from '../../schemas/types.ts'
import type { KubeObject } from './kind.ts'
import { parseApiVersion, type ObjectCodec } from './scheme.ts'

const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/** Turns objects of a definition into another version, in their order; rejects with what the answer to a client says. */
export type ResourceConverter = (crd: CustomResourceDefinition, objects: readonly KubeObject[], apiVersion: string) => Promise<KubeObject[]>

/** An object was stored in a version that its definition has no more. */
export class UnreadableVersion extends StatusError {
  constructor(apiVersion: string) {
    super({ code: 500, message: `request to convert CR from an invalid group/version: ${apiVersion}` })
  }
}

/** What all versions of one definition share. */
export class DefinitionSchemas {
  readonly group: string
  readonly storageVersion: string
  readonly preservesUnknown: boolean
  /** Differs whenever what is served by the definition does. */
  readonly revision: string
  readonly #schemas: ReadonlyMap<string, Schema | undefined>
  readonly #mergeTypes = new Map<string, MergeType>()
  readonly #webhook: ((objects: readonly KubeObject[], apiVersion: string) => Promise<KubeObject[]>) | undefined

  /** @param converter calls the webhook, for a definition that has one */
  constructor(crd: CustomResourceDefinition, converter?: ResourceConverter) {
    const { metadata, spec, status } = crd
    const versions = spec.versions ?? []
    this.group = spec.group ?? ''
    this.preservesUnknown = spec.preserveUnknownFields ?? false
    this.storageVersion = versions.find((v) => v.storage)?.name ?? ''
    this.#schemas = new Map(versions.map((v) => [v.name ?? '', v.schema?.openAPIV3Schema]))
    this.revision = `${metadata.uid} ${metadata.generation} ${JSON.stringify(status?.acceptedNames)}`
    this.#webhook = spec.conversion?.strategy === 'Webhook' && converter ? (objects, apiVersion) => converter(crd, objects, apiVersion) : undefined
  }

  schemaOf(version: string): Schema | undefined {
    return this.#schemas.get(version)
  }

  /** Made when first asked for: most kinds are never written. */
  mergeTypeOf(version: string): MergeType | undefined {
    if (!this.#schemas.has(version)) return undefined
    const known = this.#mergeTypes.get(version)
    if (known) return known
    const made = mergeTypeFromSchema(this.schemaOf(version), this.preservesUnknown)
    this.#mergeTypes.set(version, made)
    return made
  }

  apiVersionOf(version: string): string {
    return `${this.group}/${version}`
  }

  /** A stored object as `version` shows it: with the defaults of the version it was stored in, and nothing that either schema does not know. */
  read(stored: KubeObject, version: string): KubeObject {
    const shown = this.convert(this.#current(stored), version)
    // What is stored has its members in order.
    return shown === stored ? stored : sortedJSON(shown)
  }

  /** The same for those that a webhook converts. */
  async readAll(stored: readonly KubeObject[], version: string): Promise<KubeObject[]> {
    const converted = await this.#convertAll(stored.map((object) => this.#current(object)), version)
    return converted.map((object) => sortedJSON(object))
  }

  get isConvertedByWebhook(): boolean {
    return this.#webhook !== undefined
  }

  /** Whether a webhook is needed to show the object in this version. */
  needsWebhook({ apiVersion }: KubeObject, version: string): boolean {
    return this.#webhook !== undefined && apiVersion !== this.apiVersionOf(version)
  }

  /** @throws UnreadableVersion */
  checkVersion({ apiVersion = '' }: KubeObject): void {
    if (!this.#schemas.has(parseApiVersion(apiVersion).version)) throw new UnreadableVersion(apiVersion)
  }

  /** A stored object with its defaults, in the version it was stored in. */
  #current(stored: KubeObject): KubeObject {
    const { version } = parseApiVersion(stored.apiVersion ?? '')
    return withDefaults(this.#conformed(stored, version, true), this.schemaOf(version))
  }

  /** The object as it is stored. */
  write(object: KubeObject): KubeObject {
    return sortedJSON(this.convert(object, this.storageVersion))
  }

  /** The same for one that a webhook converts. */
  async writeByWebhook(object: KubeObject): Promise<KubeObject> {
    const [converted = object] = await this.#convertAll([object], this.storageVersion)
    return sortedJSON(converted)
  }

  /** In another version, nothing taken from it that the version does not know. */
  unpruned(object: KubeObject, version: string): KubeObject | Promise<KubeObject> {
    const apiVersion = this.apiVersionOf(version)
    return this.#webhook ? this.#webhook([object], apiVersion).then(([converted = object]) => converted) : { ...object, apiVersion }
  }

  async #convertAll(objects: readonly KubeObject[], version: string): Promise<KubeObject[]> {
    const converted = (await this.#webhook?.(objects, this.apiVersionOf(version))) ?? []
    return converted.map((object) => this.#conformed(object, version, false))
  }

  /** The same object in another version, nothing but its version changed; the object itself where it is of that one. */
  convert(object: KubeObject, version: string): KubeObject {
    const apiVersion = this.apiVersionOf(version)
    if (object.apiVersion === apiVersion) return object
    return this.#conformed({ ...object, apiVersion }, version, false)
  }

  /** Without what the version's schema does not know. */
  #conformed(object: KubeObject, version: string, dropsMalformed: boolean): KubeObject {
    const schema = this.schemaOf(version)
    const pruned = this.preservesUnknown ? object : prune(object, schema, true).value
    return coerceEmbedded(pruned, schema, { dropsMalformed }).value
  }
}

export interface VersionedType {
  schemas: DefinitionSchemas
  version: string
  kind: string
}

/** The codec of one version. */
export function customResourceCodec({ schemas, version, kind }: VersionedType): ObjectCodec {
  const schema = schemas.schemaOf(version)
  const type = { apiVersion: schemas.apiVersionOf(version), kind }
  let mergeType: MergeType | undefined
  const empty = freezeJSON({ ...type, metadata: {} })
  const normalized = <T extends KubeObject>(object: T): T => sortedJSON({ ...object, ...type, metadata: normalizeMeta(object.metadata) })
  return {
    custom: { schema, preservesUnknown: schemas.preservesUnknown, revision: schemas.revision },
    decode: (json) => decode(json, { schemas, schema, type }),
    fromApplied: (json) => ({ object: { ...json, ...type, metadata: decodeMeta(json.metadata).metadata } as KubeObject, strictErrors: [] }),
    get mergeType() {
      return (mergeType ??= schemas.mergeTypeOf(version) ?? mergeTypeFromSchema(schema, schemas.preservesUnknown))
    },
    empty,
    normalize: normalized,
    normalizeRequested: normalized,
  }
}

type Decoding = Pick<VersionedType, 'schemas'> & { schema: Schema | undefined; type: { apiVersion: string; kind: string } }

function decode(json: unknown, { schemas, schema, type }: Decoding): { object: KubeObject; strictErrors: string[] } {
  const sent = isRecord(json) ? json : {}
  const meta = decodeMeta(sent.metadata)
  const unknown = meta.unknown.map((name) => `metadata.${name}`)
  const pruned = schemas.preservesUnknown ? { value: sent, unknown: [] } : prune(sent, schema, true)
  const coerced = coerceEmbedded(pruned.value, schema, { dropsMalformed: false })
  unknown.push(...pruned.unknown, ...coerced.unknown)
  // Another kind than the expected one is refused later, in words that name it.
  const kind = typeof sent.kind === 'string' && sent.kind ? sent.kind : type.kind
  return { object: { ...coerced.value, ...type, kind, metadata: meta.metadata }, strictErrors: unknown.map((path) => `unknown field "${path}"`) }
}

/** `resourceVersion` has its place kept: the store fills it in. */
function normalizeMeta(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  return normalize(OBJECT_META, metadata)
}
