/**
 * Which kinds are served, by group, version, resource and kind. Kinds can come and go while the cluster runs
 * (CustomResourceDefinitions). Models k8s.io/apimachinery/pkg/runtime.Scheme and the REST storage maps.
 */
import type { MergeType } from '../apimachinery/merge-type.ts'
import type { Schema } from '../apimachinery/structural-schema/schema.ts'
import type { GroupResource } from '../errors.ts'
import { ALL_VERBS, type GroupVersionKind, type KindDefinition, type KubeObject } from './kind.ts'

export interface CustomType {
  readonly schema: Schema | undefined
  /** Fields that the schema does not know are kept everywhere. */
  readonly preservesUnknown: boolean
  /** Differs whenever the definition does. */
  readonly revision: string
}

/** How objects of a kind are read from the outside and kept canonical; backed by schema facts or by a structural schema. */
export interface ObjectCodec {
  /** The name of the type in the schema facts, for strategic merge; absent for custom resources. */
  readonly typeName?: string
  /** What the definition of a custom resource says of this version; absent for built-in kinds. */
  readonly custom?: CustomType
  /**
   * Checks and canonicalises what a client sent, as Go's decoder would hold it.
   * @throws Error with the decoder's text when a type does not fit
   */
  decode(json: unknown): { object: KubeObject; strictErrors: string[] }
  /** What a server-side apply merged, which may hold nulls, as an object. */
  fromApplied(json: Record<string, unknown>): { object: KubeObject; strictErrors: string[] }
  /** How lists, maps and atoms of the type merge. */
  readonly mergeType: MergeType
  /** The object of the type with nothing in it but what is always written. */
  readonly empty: KubeObject
  /** Makes an object built inside the server canonical: zero values dropped, members in order. */
  normalize<T extends KubeObject>(object: T): T
  /** The same as a request has it: a list that is empty is not yet none. */
  normalizeRequested<T extends KubeObject>(object: T): T
}

/** A kind with all its names filled in. */
export interface ServedKind<T extends KubeObject = KubeObject> {
  readonly definition: KindDefinition<T>
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** `v1`, `apps/v1` */
  readonly apiVersion: string
  /** `v1/Pod`, `apps/v1/Deployment`: how clients inside the process name it. */
  readonly ref: string
  readonly groupResource: GroupResource
  /** Key prefix in the store, ends in '/'. */
  readonly prefix: string
  /** The kind its objects are stored as; itself for most. */
  readonly storage: ServedKind
  readonly codec: ObjectCodec
}

export function apiVersionOf(gv: { group: string; version: string }): string {
  return gv.group ? `${gv.group}/${gv.version}` : gv.version
}

export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? { group: '', version: apiVersion } : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) }
}

const resourceKey = (group: string, version: string, plural: string) => `${group}/${version}/${plural}`

export class Scheme {
  #byResource = new Map<string, ServedKind>()
  #byRef = new Map<string, ServedKind>()
  #builtIn = new Set<string>()
  #listeners = new Set<() => void>()
  /** Rises with every change of what is served; discovery and OpenAPI documents are cached by it. */
  generation = 0

  /** @param codecFor gives the codec of a definition that is added */
  constructor(readonly codecFor: (definition: KindDefinition) => ObjectCodec) {}

  /** Adds kinds; a kind that is stored as another must come after it or in the same call. */
  add(definitions: readonly KindDefinition[], codecFor = this.codecFor): void {
    const ordered = [...definitions].sort((a, b) => Number(Boolean(a.storedAs)) - Number(Boolean(b.storedAs)))
    for (const definition of ordered) {
      const served = this.#serve(definition, codecFor(definition))
      this.#byResource.set(resourceKey(served.group, served.version, served.plural), served)
      this.#byRef.set(served.ref, served)
      if (served.codec.typeName !== undefined) this.#builtIn.add(served.group)
    }
    this.#changed()
  }

  remove(definitions: readonly KindDefinition[]): void {
    for (const d of definitions) {
      this.#byResource.delete(resourceKey(d.group, d.version, d.plural))
      this.#byRef.delete(`${apiVersionOf(d)}/${d.kind}`)
    }
    this.#changed()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  byResource(group: string, version: string, plural: string): ServedKind | undefined {
    return this.#byResource.get(resourceKey(group, version, plural))
  }

  byKind({ group, version, kind }: GroupVersionKind): ServedKind | undefined {
    return this.#byRef.get(`${apiVersionOf({ group, version })}/${kind}`)
  }

  /** @param ref `v1/Pod`, `apps/v1/Deployment` */
  byRef(ref: string): ServedKind | undefined {
    return this.#byRef.get(ref)
  }

  /** The kind of this reference, or an error for programmers. */
  require(ref: string): ServedKind {
    const served = this.#byRef.get(ref)
    if (!served) throw new Error(`no kind ${ref} is served`)
    return served
  }

  /** Every version of the resource with these names, in the order of discovery. */
  all(): ServedKind[] {
    return [...this.#byResource.values()]
  }

  /** Whether any kind of this group and version is served. */
  hasVersion({ group, version }: { group: string; version: string }): boolean {
    return this.all().some((k) => k.group === group && k.version === version)
  }

  /** Whether a group belongs to the server itself, rather than to custom resources. */
  isBuiltIn(group: string): boolean {
    return this.#builtIn.has(group)
  }

  /** Any served version of a group's kind, the preferred one first. */
  versionsOf(group: string, kind: string): ServedKind[] {
    return this.all().filter((k) => k.group === group && k.kind === kind).sort((a, b) => priority(b) - priority(a))
  }

  #serve(definition: KindDefinition, codec: ObjectCodec): ServedKind {
    const apiVersion = apiVersionOf(definition)
    const stored = definition.storedAs
    const storage = stored ? this.byKind(stored) : undefined
    if (stored && !storage) throw new Error(`${apiVersion} ${definition.kind} is stored as ${apiVersionOf(stored)} ${stored.kind}, which is not served`)
    const served = {
      definition,
      group: definition.group,
      version: definition.version,
      kind: definition.kind,
      plural: definition.plural,
      singular: definition.singular ?? definition.kind.toLowerCase(),
      namespaced: definition.namespaced,
      verbs: definition.verbs ?? ALL_VERBS,
      apiVersion,
      ref: `${apiVersion}/${definition.kind}`,
      groupResource: { group: definition.group, resource: definition.plural },
      prefix: storage?.prefix ?? `/${definition.storagePrefix ?? `registry/${definition.plural}`}/`,
      codec,
    }
    const self: { storage?: ServedKind } & typeof served = served
    self.storage = storage ?? (self as ServedKind)
    return self as ServedKind
  }

  #changed(): void {
    this.generation++
    for (const listener of this.#listeners) listener()
  }
}

export function priority(served: ServedKind): number {
  return served.definition.versionPriority ?? 0
}

/** The store key of an object. */
export function storeKey(served: ServedKind, namespace: string, name: string): string {
  return served.namespaced ? `${served.prefix}${namespace}/${name}` : served.prefix + name
}

/** The same object as its kind is stored; the object itself where that is the kind. */
export function toStorage(served: ServedKind, object: KubeObject): KubeObject {
  const stored = served.definition.storedAs
  if (!stored) return object
  return { ...stored.toStorage(object), apiVersion: apiVersionOf(stored), kind: stored.kind }
}

/** A stored object as this version shows it. */
export function fromStorage(served: ServedKind, object: KubeObject): KubeObject {
  const stored = served.definition.storedAs
  if (!stored) return served.definition.stored?.read(object) ?? object
  const view = served.codec.normalize({ ...stored.fromStorage(object), apiVersion: served.apiVersion, kind: served.kind })
  origins.set(view, object)
  return view
}

const origins = new WeakMap<KubeObject, KubeObject>()

/** What a version of an object was made from, where it was: tables show that. */
export const originOf = (view: KubeObject): KubeObject | undefined => origins.get(view)
