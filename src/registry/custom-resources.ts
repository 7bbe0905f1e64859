/**
 * Serves what CustomResourceDefinitions define: follows them in the store, and adds their kinds to the scheme and takes
 * them away in the moment a write of them is visible. Models the crdHandler of k8s.io/apiextensions-apiserver/pkg/apiserver.
 */
import { equalJSON } from '../apimachinery/json.ts'
import type { StorageEvent } from '../storage/history.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionNames } from '../../schemas/types.ts'
import { customKind } from './custom-resource-kind.ts'
import { customResourceCodec, DefinitionSchemas, type ResourceConverter } from './custom-resource-schema.ts'
import type { KindDefinition, KubeObject } from './kind.ts'
import type { ObjectStore } from './resource-storage.ts'
import type { ObjectCodec, Scheme } from './scheme.ts'
import { compareVersions } from './version-order.ts'

const DEFINITION = 'apiextensions.k8s.io/v1/CustomResourceDefinition'

interface Served {
  uid: string
  /** Rises with the spec. */
  generation: number
  names: CustomResourceDefinitionNames
  isTerminating: boolean
  definitions: KindDefinition[]
}

export class CustomResources {
  readonly #scheme: Scheme
  readonly #converter: ResourceConverter | undefined
  readonly #handle: { close(): void }
  readonly #served = new Map<string, Served>()

  constructor({ scheme, store, converter }: { scheme: Scheme; store: ObjectStore; converter?: ResourceConverter }) {
    this.#scheme = scheme
    this.#converter = converter
    const { prefix } = scheme.require(DEFINITION)
    for (const { value } of store.list(prefix).entries) this.#follow(value as CustomResourceDefinition & KubeObject)
    this.#handle = store.watch(prefix, { onEvents: (events) => events.forEach((event) => this.#apply(event)) })
  }

  close(): void {
    this.#handle.close()
  }

  #apply({ type, entry }: StorageEvent<KubeObject>): void {
    const crd = entry.value as CustomResourceDefinition & KubeObject
    if (type === 'DELETE') this.#stop(crd.metadata.name ?? '')
    else this.#follow(crd)
  }

  /** A definition is served from the moment it is established, under the names that were accepted. */
  #follow(crd: CustomResourceDefinition): void {
    const { name = '', uid = '', generation = 0 } = crd.metadata
    const names = crd.status?.acceptedNames ?? {}
    const isTerminating = hasCondition(crd, 'Terminating')
    if (!hasCondition(crd, 'Established') || !names.plural || !names.kind) return this.#stop(name)
    const before = this.#served.get(name)
    if (before?.uid === uid && before.generation === generation && before.isTerminating === isTerminating && equalJSON(before.names, names)) return
    const kinds = kindsOf(crd, { isTerminating, converter: this.#converter }).filter(({ definition }) => !this.#isTaken(definition, before))
    if (before) this.#scheme.remove(before.definitions)
    const codecs = new Map(kinds.map(({ definition, codec }) => [definition, codec]))
    this.#scheme.add([...codecs.keys()], (definition) => codecs.get(definition) ?? this.#scheme.codecFor(definition))
    this.#served.set(name, { uid, generation, names, isTerminating, definitions: [...codecs.keys()] })
  }

  #stop(name: string): void {
    const before = this.#served.get(name)
    if (!before) return
    this.#served.delete(name)
    this.#scheme.remove(before.definitions)
  }

  /** What the server serves itself stays its own. */
  #isTaken({ group, version, plural, kind }: KindDefinition, own: Served | undefined): boolean {
    const served = this.#scheme.byResource(group, version, plural) ?? this.#scheme.byKind({ group, version, kind })
    return served !== undefined && !own?.definitions.includes(served.definition)
  }
}

function hasCondition({ status }: CustomResourceDefinition, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
}

/** A kind for each served version. Those that watch or delete all kinds take the preferred one. */
function kindsOf(crd: CustomResourceDefinition, { isTerminating, converter }: { isTerminating: boolean; converter: ResourceConverter | undefined }): { definition: KindDefinition; codec: ObjectCodec }[] {
  const schemas = new DefinitionSchemas(crd, converter)
  const versions = (crd.spec.versions ?? []).filter((version) => version.served).sort((a, b) => compareVersions(b.name ?? '', a.name ?? ''))
  // Where a webhook converts, the version of the store is read without asking it.
  const stored = crd.spec.conversion?.strategy === 'Webhook' ? versions.findIndex(({ storage }) => storage) : -1
  const main = Math.max(stored, 0)
  return versions.map((version, i) => {
    const definition = customKind(crd, { schemas, version, isTerminating, isMain: i === main })
    return { definition, codec: customResourceCodec({ schemas, version: version.name ?? '', kind: definition.kind }) }
  })
}
