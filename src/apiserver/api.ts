/**
 * The API without HTTP: what a verb does to a kind, for requests over the wire and for the clients inside the process
 * alike. The files under verbs/ hold one verb each; this class holds what they share.
 */
import type { AdmissionChain } from '../admission/chain.ts'
import type { Clock, Random } from '../clock.ts'
import type { SystemReader } from '../registry/kind.ts'
import { RequestContext, type RequestContextFields } from '../registry/request-context.ts'
import { ResourceStorage, type ObjectStore } from '../registry/resource-storage.ts'
import type { Scheme, ServedKind } from '../registry/scheme.ts'

export interface ApiParts {
  scheme: Scheme
  store: ObjectStore
  admission: AdmissionChain
  clock: Clock
  random: Random
  /** The server's own access to other objects; made after the Api, hence a function. */
  system(): SystemReader
}

export class Api {
  readonly scheme: Scheme
  readonly store: ObjectStore
  readonly admission: AdmissionChain
  readonly clock: Clock
  readonly random: Random
  readonly #system: () => SystemReader
  readonly #storages = new WeakMap<ServedKind, ResourceStorage>()

  constructor(parts: ApiParts) {
    this.scheme = parts.scheme
    this.store = parts.store
    this.admission = parts.admission
    this.clock = parts.clock
    this.random = parts.random
    this.#system = parts.system
  }

  get system(): SystemReader {
    return this.#system()
  }

  /** The write path of the kind's objects, whatever version is asked for. */
  storageFor(kind: ServedKind): ResourceStorage {
    let storage = this.#storages.get(kind)
    if (!storage) this.#storages.set(kind, (storage = new ResourceStorage(kind.storage, this.store, kind)))
    return storage
  }

  context(fields: RequestContextFields): RequestContext {
    return new RequestContext(fields, this)
  }
}
