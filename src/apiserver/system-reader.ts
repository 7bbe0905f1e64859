/** The server's own access to other objects, for hooks and admission: reads from the store, writes by the generic path. */
import { cloneJSON } from '../apimachinery/json.ts'
import type { Authorizer, TokenAuthenticator } from '../registry/authorization.ts'
import { ChargesInFlight } from '../registry/charges-in-flight.ts'
import type { Allocators, DeleteOptions, KubeObject, ServiceAccountTokens, SystemReader, UserInfo } from '../registry/kind.ts'
import { storeKey, type ServedKind } from '../registry/scheme.ts'
import type { UsageSource } from '../registry/usage.ts'
import type { Api } from './api.ts'
import { viewOf } from './encode.ts'
import { createObject } from './verbs/create.ts'
import { removeObject } from './verbs/delete.ts'
import { writeObject } from './verbs/update.ts'

export const SYSTEM_USER: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

export interface SystemParts {
  allocators: Allocators
  authorizer?: Authorizer | undefined
  authenticator?: TokenAuthenticator | undefined
  serviceAccountTokens?: ServiceAccountTokens | undefined
  allowPrivileged: boolean
  usage?: UsageSource | undefined
}

export class System implements SystemReader {
  readonly #api: Api
  readonly allocators: Allocators
  readonly chargesInFlight = new ChargesInFlight()
  readonly authorizer?: Authorizer
  readonly authenticator?: TokenAuthenticator
  readonly serviceAccountTokens?: ServiceAccountTokens
  readonly allowPrivileged: boolean
  readonly usage?: UsageSource

  constructor(api: Api, { allocators, authorizer, authenticator, serviceAccountTokens, allowPrivileged, usage }: SystemParts) {
    this.#api = api
    this.allowPrivileged = allowPrivileged
    if (usage) this.usage = usage
    this.allocators = allocators
    if (authorizer) this.authorizer = authorizer
    if (authenticator) this.authenticator = authenticator
    if (serviceAccountTokens) this.serviceAccountTokens = serviceAccountTokens
  }

  get<T extends KubeObject>(kind: string, namespace: string, name: string): T | undefined {
    const served = this.#kind(kind)
    const entry = this.#api.store.get(storeKey(served, namespace, name))
    return entry && (viewOf(served, entry) as T)
  }

  list<T extends KubeObject>(kind: string, namespace = ''): T[] {
    const served = this.#kind(kind)
    const prefix = namespace && served.namespaced ? `${served.prefix}${namespace}/` : served.prefix
    return this.#api.store.list(prefix).entries.map((entry) => viewOf(served, entry) as T)
  }

  async update<T extends KubeObject>(kind: string, ref: { namespace: string; name: string }, change: (current: T) => T, { subresource = '', dryRun = false } = {}): Promise<T> {
    const served = this.#kind(kind)
    const { entry } = await writeObject(this.#api, { kind: served, name: ref.name, subresource }, this.#context(ref.namespace, dryRun), {
      transform: (live) => cloneJSON(change(live as T)),
    })
    return viewOf(served, entry) as T
  }

  async create<T extends KubeObject>(kind: string, object: T, { dryRun = false } = {}): Promise<T> {
    const served = this.#kind(kind)
    const own = served.codec.decode(object).object
    served.definition.default?.(own)
    return viewOf(served, await createObject(this.#api, served, own, this.#context(own.metadata.namespace ?? '', dryRun))) as T
  }

  async delete(kind: string, ref: { namespace: string; name: string }, options: DeleteOptions = {}): Promise<void> {
    await removeObject(this.#api, this.#kind(kind), ref.name, options, this.#context(ref.namespace, (options.dryRun ?? []).length > 0))
  }

  resourceFor(apiVersion: string, kind: string): string | undefined {
    return this.#api.scheme.byRef(`${apiVersion}/${kind}`)?.plural
  }

  kinds(): readonly ServedKind[] {
    return this.#api.scheme.all()
  }

  #kind(ref: string): ServedKind {
    return this.#api.scheme.require(ref)
  }

  #context(namespace: string, dryRun: boolean) {
    return this.#api.context({ user: SYSTEM_USER, namespace, dryRun, fieldManager: 'kube-apiserver', fieldValidation: 'Ignore' })
  }
}
