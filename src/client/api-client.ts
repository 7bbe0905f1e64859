/** The client inside the process: the same verbs, admission and validation as over HTTP, without the wire. */
import type { Scale } from '../../schemas/types.ts'
import { cloneJSON } from '../apimachinery/json.ts'
import type { Api } from '../apiserver/api.ts'
import { demand } from '../apiserver/authorization.ts'
import { viewOf } from '../apiserver/encode.ts'
import { everyField, parseFieldSelector } from '../apimachinery/fields.ts'
import { everything, parseSelector } from '../apimachinery/labels.ts'
import { putScale, readScale } from '../apiserver/subresources/scale.ts'
import { postSubresource } from '../apiserver/subresources/create.ts'
import { listComputed } from '../apiserver/verbs/computed.ts'
import { createObject } from '../apiserver/verbs/create.ts'
import { removeObject } from '../apiserver/verbs/delete.ts'
import { listObjects } from '../apiserver/verbs/list.ts'
import { patchObject } from '../apiserver/verbs/patch.ts'
import { updateObject } from '../apiserver/verbs/update.ts'
import { isStatusError, noSuchResource } from '../errors.ts'
import { isCreateSubresource, isScaleSubresource, type DeleteOptions, type KubeObject, type UserInfo } from '../registry/kind.ts'
import type { Authorizer } from '../registry/authorization.ts'
import type { RequestContext } from '../registry/request-context.ts'
import { storeKey, type ServedKind } from '../registry/scheme.ts'
import type { Client, ListOptions, ObjectRef, PatchOptions, WriteOptions } from './client.ts'

const MAX_CHANGE_ATTEMPTS = 20

export interface ApiClientOptions {
  /** What it signs managed fields and events with. */
  name: string
  /** Who decides what the user may do; everything is allowed where there is none. */
  authorizer?: Authorizer
}

/** Decodes what is not the stored object's own: of `{ ...pod, status }` the spec needs only to be copied. */
function decodedBeside(served: ServedKind, object: KubeObject, stored: KubeObject | undefined): KubeObject {
  if (!stored) return served.codec.decode(object).object
  const had = stored as unknown as Record<string, unknown>
  const others: Record<string, unknown> = {}
  const same: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(object)) {
    if (typeof value === 'object' && value !== null && value === had[name]) same[name] = cloneJSON(value)
    else others[name] = value
  }
  return Object.assign(served.codec.decode(others).object, same)
}

export class ApiClient implements Client {
  readonly name: string
  readonly #api: Api
  readonly #user: UserInfo
  readonly #authorizer: Authorizer | undefined

  constructor(api: Api, user: UserInfo, { name, authorizer }: ApiClientOptions) {
    this.name = name
    this.#api = api
    this.#user = user
    this.#authorizer = authorizer
  }

  async get<T extends KubeObject>(kind: string, ref: ObjectRef): Promise<T> {
    const served = this.#kind(kind)
    const pending = this.#demand('get', served, ref)
    if (pending) await pending
    return this.#read<T>(served, ref)
  }

  async list<T extends KubeObject>(kind: string, options: ListOptions = {}): Promise<T[]> {
    const served = this.#kind(kind)
    const labels = options.labelSelector ? parseSelector(options.labelSelector) : everything
    const fields = options.fieldSelector ? parseFieldSelector(options.fieldSelector) : everyField
    const pending = this.#demand('list', served, { namespace: options.namespace ?? '', name: '' })
    if (pending) await pending
    if (served.definition.computed) return listComputed(served, { labels, fields }, this.#context(options.namespace, {})).entries.map((entry) => viewOf(served, entry) as T)
    return listObjects(this.#api, served, { namespace: options.namespace ?? '', labels, fields }).entries.map((entry) => viewOf(served, entry) as T)
  }

  async create<T extends KubeObject>(object: T, options: WriteOptions = {}): Promise<T> {
    const ctx = this.#context(object.metadata.namespace, options)
    if (options.subresource) return this.#createSubresource(object, options.subresource, ctx)
    const served = this.#kindOf(object)
    const pending = this.#demand('create', served, { ...object.metadata, name: '' })
    if (pending) await pending
    const own = this.#own(served, object)
    if (served.definition.review) return (await served.definition.review(own, ctx)) as T
    return viewOf(served, await createObject(this.#api, served, own, ctx)) as T
  }

  async update<T extends KubeObject>(object: T, options: WriteOptions = {}): Promise<T> {
    const served = this.#kindOf(object)
    const own = this.#own(served, object, options.subresource)
    const target = { kind: served, name: own.metadata.name ?? '', subresource: options.subresource ?? '' }
    const pending = this.#demand('update', served, { ...own.metadata, ...target })
    if (pending) await pending
    const { entry } = await updateObject(this.#api, target, own, this.#context(own.metadata.namespace, options))
    return viewOf(served, entry) as T
  }

  updateStatus<T extends KubeObject>(object: T): Promise<T> {
    return this.update(object, { subresource: 'status' })
  }

  async patch<T extends KubeObject>(kind: string, ref: ObjectRef, patch: unknown, options: PatchOptions = {}): Promise<T> {
    const served = this.#kind(kind)
    const { type = 'merge', force = false, subresource = '' } = options
    const target = { kind: served, name: ref.name, subresource }
    const pending = this.#demand('patch', served, { ...ref, subresource })
    if (pending) await pending
    const ctx = this.#context(ref.namespace, options, options.fieldManager)
    const { entry } = await patchObject(this.#api, target, { type, bytes: Buffer.from(JSON.stringify(patch)), force }, ctx)
    return viewOf(served, entry) as T
  }

  async change<T extends KubeObject>(kind: string, ref: ObjectRef, change: (copy: T) => void | false, options: WriteOptions = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      // Stands for a controller's own cache, which asks nobody.
      const current = this.#read<T>(this.#kind(kind), ref)
      const copy = cloneJSON(current)
      if (change(copy) === false) return current
      try {
        return await this.update(copy, options)
      } catch (error) {
        if (attempt >= MAX_CHANGE_ATTEMPTS || !isStatusError(error, 'Conflict')) throw error
      }
    }
  }

  async delete(kind: string, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const served = this.#kind(kind)
    const pending = this.#demand('delete', served, ref)
    if (pending) await pending
    await removeObject(this.#api, served, ref.name, options, this.#context(ref.namespace, { dryRun: (options.dryRun ?? []).length > 0 }))
  }

  async getScale(kind: string, ref: ObjectRef): Promise<Scale> {
    const served = this.#scaled(kind)
    const pending = this.#demand('get', served, { ...ref, subresource: 'scale' })
    if (pending) await pending
    return readScale(served, viewOf(served, this.#api.storageFor(served).get(ref.namespace ?? '', ref.name)))
  }

  async updateScale(kind: string, scale: Scale): Promise<Scale> {
    const { name = '', namespace = '' } = scale.metadata
    const served = this.#scaled(kind)
    const pending = this.#demand('update', served, { namespace, name, subresource: 'scale' })
    if (pending) await pending
    return putScale({ api: this.#api, kind: served, name, ctx: this.#context(namespace, {}), sent: scale })
  }

  #scaled(kind: string): ServedKind {
    const served = this.#kind(kind)
    if (!isScaleSubresource(served.definition.subresources?.scale)) throw noSuchResource()
    return served
  }

  async #createSubresource<T extends KubeObject>(object: T, path: string, ctx: RequestContext): Promise<T> {
    const target = { kind: this.#parentOf(path), name: object.metadata.name ?? '', subresource: path }
    const pending = this.#demand('create', target.kind, { ...object.metadata, ...target })
    if (pending) await pending
    return (await postSubresource(this.#api, target, cloneJSON(object), ctx)) as T
  }

  /** @throws StatusError 403 at once or later */
  #demand(verb: string, { group, version, plural, namespaced }: ServedKind, { namespace = '', name = '', subresource = '' }: Partial<ObjectRef> & { subresource?: string }): Promise<void> | undefined {
    if (!this.#authorizer) return undefined
    return demand(this.#authorizer, { user: this.#user, verb, apiGroup: group, apiVersion: version, resource: plural, subresource, namespace: namespaced ? namespace : '', name })
  }

  #read<T extends KubeObject>(served: ServedKind, { namespace = '', name }: ObjectRef): T {
    return viewOf(served, this.#api.storageFor(served).get(namespace, name)) as T
  }

  /** The kind that has this posted subresource: names of these are unique among the built-in kinds (binding, eviction, token). */
  #parentOf(subresource: string): ServedKind {
    const parent = this.#api.scheme.all().find((kind) => isCreateSubresource(kind.definition.subresources?.[subresource]))
    if (!parent) throw noSuchResource()
    return parent
  }

  #kind(ref: string): ServedKind {
    const served = this.#api.scheme.byRef(ref)
    if (!served) throw noSuchResource()
    return served
  }

  #kindOf(object: KubeObject): ServedKind {
    return this.#kind(`${object.apiVersion}/${object.kind}`)
  }

  /** A copy as decoding a request gives it, with defaults. */
  #own(served: ServedKind, object: KubeObject, subresource?: string): KubeObject {
    const own = decodedBeside(served, object, subresource === 'status' ? this.#stored(served, object) : undefined)
    own.metadata ??= {}
    served.definition.default?.(own)
    return own
  }

  /** What is in the store under its name, where that is not converted to be seen. */
  #stored(served: ServedKind, { metadata }: KubeObject): KubeObject | undefined {
    if (served !== served.storage || served.definition.stored) return undefined
    return this.#api.store.get(storeKey(served, metadata.namespace ?? '', metadata.name ?? ''))?.value
  }

  #context(namespace: string | undefined, { dryRun = false }: WriteOptions, fieldManager = this.name): RequestContext {
    return this.#api.context({ user: this.#user, namespace: namespace ?? '', dryRun, fieldManager, fieldValidation: 'Ignore' })
  }
}
