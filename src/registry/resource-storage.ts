/**
 * The one generic write path: what every kind has in common between a decoded, admitted object and the store. A kind's
 * differences are the hooks of its definition. Models k8s.io/apiserver/pkg/registry/generic/registry.Store together with
 * pkg/registry/rest (BeforeCreate, BeforeUpdate). Objects in and out are of the version that is stored.
 */
import { cloneJSON, equalJSON } from '../apimachinery/json.ts'
import { ignoreNewTimes } from '../apimachinery/managed-entries.ts'
import { validateObjectMeta, validateObjectMetaUpdate, validateStandardFinalizers } from '../apimachinery/validate-meta.ts'
import { isDNS1123Subdomain, isPathSegmentName, isPathSegmentPrefix } from '../apimachinery/validation.ts'
import { formatTime } from '../clock.ts'
import { alreadyExists, badRequest, conflict, field, invalid, MODIFIED, notFound, quote, StatusError, type FieldError, type GroupResource } from '../errors.ts'
import type { Entry } from '../storage/entry.ts'
import { DELETE, UNCHANGED, isStorageError, type Outcome, type Store } from '../storage/store.ts'
import { isScaleSubresource, type KubeObject, type UpdateSubresource } from './kind.ts'
import type { RequestContext } from './request-context.ts'
import { storeKey, type ServedKind } from './scheme.ts'

export type ObjectStore = Store<KubeObject>

/** A version of an object, with the bytes that are served. A dry run gives one that is not in the store. */
export interface ObjectEntry {
  readonly value: KubeObject
  readonly bytes: Buffer
  readonly modRevision: number
  readonly encodings: Map<string, Buffer>
  /** Takes back the value that it had; those that are in no store always have it. */
  hold?(value: KubeObject): void
}

type Validated = void | (() => void)

export interface CreateRequest {
  object: KubeObject
  ctx: RequestContext
  /** Validating admission; throws to refuse. Answers what to undo if the write fails after all. */
  validate?(object: KubeObject): Validated | Promise<Validated>
}

export interface UpdateRequest {
  name: string
  ctx: RequestContext
  /** The subresource that is written, if not the object itself. */
  subresource?: string
  /**
   * Makes the new object from the current one (undefined: there is none). Called again when the object changed
   * meanwhile; must not change `current`. Mutating admission belongs in here.
   */
  transform(current: KubeObject | undefined): KubeObject | Promise<KubeObject>
  validate?(object: KubeObject, current: KubeObject | undefined): Validated | Promise<Validated>
  /** Server-side apply and kinds that allow it may create by update. */
  allowCreate?: boolean
  /** Refused with Conflict when the current object has another uid. */
  uid?: string
}

const MAX_GENERATED_BASE = 63 - 5
const GENERATE_NAME_ATTEMPTS = 8
/** Writes that are no change of what the user wants: a status, a pod's place. */
const KEEPS_GENERATION: ReadonlySet<string | undefined> = new Set(['status', 'binding'])
const NO_STATUS: KubeObject = { metadata: {} }

export class ResourceStorage {
  constructor(
    readonly kind: ServedKind,
    readonly store: ObjectStore,
    /** The version that is asked for, where it is not the one that is stored: errors speak of it. */
    readonly served: ServedKind = kind,
  ) {}

  get groupResource(): GroupResource {
    return this.served.groupResource
  }

  /** @throws StatusError 400 for names that cannot be part of a key */
  key({ namespace }: { namespace: string }, name: string): string {
    const problems = isPathSegmentName(name)
    if (problems.length > 0) throw badRequest(`Name parameter invalid: ${quote(name)}: ${problems.join(';')}`)
    return storeKey(this.kind, namespace, name)
  }

  get(namespace: string, name: string): Entry<KubeObject> {
    const entry = this.store.get(this.key({ namespace }, name))
    if (!entry) throw notFound(this.groupResource, name)
    return entry
  }

  /** A stored object as the hooks see it. */
  read(stored: KubeObject): KubeObject {
    return this.kind.definition.stored?.read(stored) ?? stored
  }

  /** Must be awaited before these are read or shown, where it is a promise. */
  prepareRead(stored: readonly KubeObject[]): Promise<void> | undefined {
    return this.kind.definition.stored?.prepareRead?.(stored)
  }

  /** An object as it is stored, by whatever converts it. */
  async convertedForStore(object: KubeObject): Promise<KubeObject> {
    await this.kind.definition.stored?.prepareWrite?.(object)
    return this.write(object)
  }

  /** An object as it is stored. */
  write(object: KubeObject): KubeObject {
    return this.kind.definition.stored?.write(object) ?? object
  }

  async create(request: CreateRequest): Promise<ObjectEntry> {
    const { metadata } = request.object
    if (metadata.name || !metadata.generateName) return this.#createOnce(request)
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#createOnce({ ...request, object: cloneJSON(request.object) })
      } catch (error) {
        if (attempt >= GENERATE_NAME_ATTEMPTS || !(error instanceof StatusError) || error.reason !== 'AlreadyExists') throw error
      }
    }
  }

  async update(request: UpdateRequest): Promise<{ entry: ObjectEntry; created: boolean }> {
    const { ctx, name } = request
    let created = false
    let unwritten: KubeObject | undefined
    let gone: KubeObject | undefined
    let before: KubeObject | undefined
    const undo = new Undo()
    try {
      const write = async (current: Entry<KubeObject> | undefined): Promise<Outcome<KubeObject>> => {
        undo.run()
        created = current === undefined
        // Held: an entry that is replaced meanwhile forgets its value, and what a webhook makes of it is known by the value itself.
        const stored = current?.value
        const object = stored ? await this.#prepareUpdate(request, stored, undo) : await this.#prepareCreateByUpdate(request, undo)
        before = stored && this.read(stored)
        gone = before && this.#isFinallyDeleted(object, before) ? before : undefined
        unwritten = ctx.dryRun || gone ? object : undefined
        if (ctx.dryRun) return UNCHANGED
        if (gone) return DELETE
        const value = await this.convertedForStore(object)
        return stored && equalJSON(value, stored) ? UNCHANGED : { value, expiresAt: this.#expiresAt(object, ctx) }
      }
      const entry = await this.store.guaranteedUpdate(this.key(ctx, name), write)
      undo.keep(ctx.dryRun)
      if (gone && !ctx.dryRun) await this.kind.definition.afterDelete?.(gone, ctx)
      if (unwritten) return { entry: ephemeral(await this.#afterStore(unwritten)), created }
      if (!entry) throw notFound(this.groupResource, name)
      await this.#prepareShown(entry)
      if (before && !request.subresource) this.kind.definition.afterUpdate?.(entry.value, before, ctx)
      return { entry, created }
    } catch (error) {
      // Others were quicker each time.
      throw isStorageError(error, 'CONFLICT') ? conflict(this.groupResource, name, MODIFIED) : error
    } finally {
      undo.run()
    }
  }

  async #createOnce({ object, ctx, validate }: CreateRequest): Promise<ObjectEntry> {
    const undo = new Undo()
    try {
      const ready = await this.#prepareCreate(object, ctx, undo, validate)
      const name = ready.metadata.name ?? ''
      const key = this.key(ctx, name)
      if (ctx.dryRun) {
        this.#refuseExisting(key, object.metadata)
        return ephemeral(await this.#afterStore(ready))
      }
      if (Number(object.metadata.resourceVersion ?? 0) > 0) throw new StatusError({ code: 500, message: 'resourceVersion should not be set on objects to be created' })
      const entry = await this.store.create(key, await this.convertedForStore(ready), { expiresAt: this.#expiresAt(ready, ctx) })
      undo.keep()
      await this.#prepareShown(entry)
      return entry
    } catch (error) {
      if (isStorageError(error, 'KEY_EXISTS')) this.#refuseExisting(this.key(ctx, object.metadata.name ?? ''), object.metadata)
      throw error
    } finally {
      undo.run()
    }
  }

  /** Ready to be shown, whatever replaces it meanwhile. */
  async #prepareShown(entry: Entry<KubeObject>): Promise<void> {
    const { value } = entry
    await this.prepareRead([value])
    entry.hold(value)
  }

  /** What would have been stored of an object that is not written after all, ready to be shown. */
  async #afterStore(object: KubeObject): Promise<KubeObject> {
    if (!this.kind.definition.stored) return object
    const stored = await this.convertedForStore(object)
    await this.prepareRead([stored])
    return stored
  }

  #refuseExisting(key: string, { name = '', generateName }: KubeObject['metadata']): void {
    const present = this.store.getHead(key)
    if (!present) return
    const { code, message, details } = alreadyExists(this.groupResource, name)
    const generated = generateName ? `${message}, the server was not able to generate a unique name for the object` : message
    throw new StatusError({
      code,
      reason: 'AlreadyExists',
      message: present.value.metadata.deletionTimestamp ? `object is being deleted: ${generated}` : generated,
      details: generateName ? { ...details, retryAfterSeconds: 1 } : { ...details },
    })
  }

  async #prepareCreate(object: KubeObject, ctx: RequestContext, undo: Undo, validate?: CreateRequest['validate']): Promise<KubeObject> {
    const { definition } = this.kind
    const { metadata } = object
    await definition.checkAccess?.(object, undefined, ctx)
    this.#fillSystemFields(object, ctx)
    undo.add(definition.beginCreate?.(object, ctx))
    if (definition.subresources?.status && !definition.keepsStatusOnCreate) copyMember(object, NO_STATUS, 'status')
    if (definition.generation) metadata.generation = 1
    definition.prepareForCreate?.(object, ctx)
    this.#checkType(object)
    const errors = [...this.#validateMetadata(object), ...(definition.validateMetadata?.(object, undefined) ?? []), ...(definition.validate?.(object, ctx) ?? [])]
    if (errors.length === 0) errors.push(...((await definition.validateAccess?.(object, undefined, ctx)) ?? []))
    if (errors.length === 0) errors.push(...this.#validateCommon(object))
    if (errors.length > 0) throw invalid(this.kind, metadata.name ?? '', errors)
    for (const warning of definition.warnings?.(object, undefined, ctx) ?? []) ctx.warn(warning)
    definition.canonicalize?.(object)
    const ready = this.kind.codec.normalize(object)
    undo.add(await validate?.(ready))
    return ready
  }

  #fillSystemFields(object: KubeObject, ctx: RequestContext): void {
    const { metadata } = object
    metadata.creationTimestamp = formatTime(ctx.clock.now())
    metadata.uid = ctx.random.uuid()
    delete metadata.selfLink
    if (metadata.generateName && !metadata.name) metadata.name = metadata.generateName.slice(0, MAX_GENERATED_BASE) + ctx.random.suffix(5)
    if (this.kind.namespaced) metadata.namespace ??= ctx.namespace
    else delete metadata.namespace
  }

  /** Only custom resources can come with another type: that of others is settled when they are decoded. */
  #checkType({ kind, metadata }: KubeObject): void {
    if (kind === undefined || kind === this.kind.kind) return
    throw invalid({ group: this.kind.group, kind }, metadata.name ?? '', [field.invalid('kind', kind, `must be ${this.kind.kind}`)])
  }

  get #hasStrictFinalizers(): boolean {
    return this.kind.codec.typeName !== undefined && !this.served.definition.takesAnyFinalizer
  }

  #validateMetadata(object: KubeObject): FieldError[] {
    const { definition, namespaced } = this.kind
    if (definition.validatesMetadata === false) return []
    return validateObjectMeta(object.metadata, { namespaced, validateName: (name, prefix) => (definition.validateName ?? isDNS1123Subdomain)(name, prefix, object), strictFinalizers: this.#hasStrictFinalizers })
  }

  /** What is asked of all kinds alike, whatever their own validation says. */
  #validateCommon({ metadata }: KubeObject): FieldError[] {
    return validateObjectMeta(metadata, { namespaced: this.kind.namespaced, validateName: pathSegmentErrors })
  }

  #prepareCreateByUpdate(request: UpdateRequest, undo: Undo): Promise<KubeObject> {
    const { ctx, name, transform, validate } = request
    if (request.subresource || !(request.allowCreate || this.kind.definition.allowCreateOnUpdate)) throw notFound(this.groupResource, name)
    if (request.uid) throw conflict(this.groupResource, name, `uid mismatch: the provided object specified uid ${request.uid}, and no existing object was found`)
    return Promise.resolve(transform(undefined)).then((object) => {
      checkNameAndNamespace(this.kind, object, request)
      return this.#prepareCreate(object, ctx, undo, validate && ((ready) => validate(ready, undefined)))
    })
  }

  async #prepareUpdate(request: UpdateRequest, stored: KubeObject, undo: Undo): Promise<KubeObject> {
    const { ctx, name, uid } = request
    await this.prepareRead([stored])
    const old = this.read(stored)
    const { groupResource } = this
    const { definition } = this.kind
    if (uid && uid !== old.metadata.uid) {
      const key = this.key(ctx, name)
      // A dry run does not come to the store, where keys get their beginning.
      const why = `StorageError: invalid object, Code: 4, Key: ${ctx.dryRun ? key.replace(/^\/registry/, '') : key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`
      throw conflict(groupResource, name, why)
    }
    const object = await request.transform(old)
    checkNameAndNamespace(this.kind, object, request)
    if (!request.subresource) await definition.checkAccess?.(object, old, ctx)
    const { metadata } = object
    if (!versionOf(metadata)) {
      if (definition.allowUnconditionalUpdate === false) {
        throw invalid({ group: groupResource.group, kind: groupResource.resource }, name, [field.invalid('metadata.resourceVersion', 0, 'must be specified for an update')])
      }
      metadata.resourceVersion = old.metadata.resourceVersion
    } else if (metadata.resourceVersion !== old.metadata.resourceVersion) {
      throw conflict(groupResource, name, MODIFIED)
    }
    const subresource = updateSubresourceOf(this.kind, request.subresource)
    if (!request.subresource) undo.add(definition.beginUpdate?.(object, old, ctx))
    await this.#beforeUpdate(object, old, ctx, { name: request.subresource, hooks: subresource })
    definition.canonicalize?.(object)
    const ready = ignoreNewTimes(this.kind.codec.normalize(object), old)
    undo.add(await request.validate?.(ready, old))
    return ready
  }

  /** Puts back what an update may not change, runs the kind's hooks and validates. */
  async #beforeUpdate(object: KubeObject, old: KubeObject, ctx: RequestContext, sub: { name: string | undefined; hooks: UpdateSubresource<KubeObject> | undefined }): Promise<void> {
    const { definition } = this.kind
    const { metadata } = object
    metadata.generation = old.metadata.generation
    delete metadata.selfLink
    if (sub.name === 'status') keepAllButStatus(object, old)
    else if (!sub.name && definition.subresources?.status) copyMember(object, old, 'status')
    if (sub.hooks) sub.hooks.prepareForUpdate?.(object, old, ctx)
    else if (!sub.name) definition.prepareForUpdate?.(object, old, ctx)
    if (!KEEPS_GENERATION.has(sub.name) && raisesGeneration(this.kind, object, old)) metadata.generation = (old.metadata.generation ?? 0) + 1

    metadata.uid ||= old.metadata.uid
    metadata.creationTimestamp = old.metadata.creationTimestamp
    if (old.metadata.deletionTimestamp) metadata.deletionTimestamp = old.metadata.deletionTimestamp
    if (old.metadata.deletionGracePeriodSeconds !== undefined) metadata.deletionGracePeriodSeconds ??= old.metadata.deletionGracePeriodSeconds

    this.#checkType(object)
    const ofUpdate = validateObjectMetaUpdate(metadata, old.metadata)
    const common = [...this.#validateCommon(object), ...ofUpdate]
    const { repeatsMetadataUpdate } = sub.name ? (sub.hooks ?? {}) : this.served.definition
    const repeated = repeatsMetadataUpdate !== false ? [...ofUpdate, ...(this.#hasStrictFinalizers ? validateStandardFinalizers(metadata.finalizers, 'metadata.finalizers') : [])] : []
    const own = sub.hooks?.validateUpdate
      ? sub.hooks.validateUpdate(object, old, ctx)
      : sub.name
        ? []
        : definition.validateUpdate
          ? definition.validateUpdate(object, old, ctx)
          : [...this.#validateMetadata(object), ...(definition.validate?.(object, ctx) ?? [])]
    const extra = sub.name ? [] : (definition.validateMetadata?.(object, old) ?? [])
    const errors = repeatsMetadataUpdate === 'last' ? [...common, ...extra, ...own, ...repeated] : [...common, ...repeated, ...extra, ...own]
    if (errors.length === 0 && !sub.name) errors.push(...((await definition.validateAccess?.(object, old, ctx)) ?? []))
    if (errors.length > 0) throw invalid(this.kind, metadata.name ?? '', errors)
    if (!sub.name) for (const warning of definition.warnings?.(object, old, ctx) ?? []) ctx.warn(warning)
  }

  /** An object that is being deleted goes for good with its last finalizer, if no grace is left and its kind does not hold it. */
  #isFinallyDeleted(object: KubeObject, old: KubeObject): boolean {
    if ((object.metadata.finalizers ?? []).length > 0 || !old.metadata.deletionTimestamp) return false
    return (old.metadata.deletionGracePeriodSeconds ?? 0) === 0 && !this.kind.definition.holdsDelete?.holds(object)
  }

  #expiresAt(object: KubeObject, ctx: RequestContext): number | undefined {
    const ttlMs = this.kind.definition.ttlMs?.(object)
    return ttlMs === undefined ? undefined : ctx.clock.now() + ttlMs
  }
}

/** Takes something back, unless the write succeeds: then `kept` is called. */
export type Undoing = (() => void) & { kept?: () => void }

/** Collects what an allocation took, to give it back unless the write succeeds. */
class Undo {
  #steps: Undoing[] = []

  add(step: void | Undoing): void {
    if (step) this.#steps.push(step)
  }

  keep(dryRun = false): void {
    if (dryRun) return
    for (const step of this.#steps.splice(0)) step.kept?.()
  }

  run(): void {
    for (const step of this.#steps.splice(0).reverse()) step()
  }
}

export function ephemeral(value: KubeObject): ObjectEntry {
  let bytes: Buffer | undefined
  return {
    value,
    get bytes() {
      bytes ??= Buffer.from(JSON.stringify(value))
      return bytes
    },
    modRevision: 0,
    encodings: new Map(),
  }
}

export function updateSubresourceOf(kind: ServedKind, name: string | undefined): UpdateSubresource<KubeObject> | undefined {
  const subresource = name ? kind.definition.subresources?.[name] : undefined
  if (isScaleSubresource(subresource)) return subresource.validateObject && { validateUpdate: subresource.validateObject }
  return typeof subresource === 'object' ? (subresource as UpdateSubresource<KubeObject>) : undefined
}

/** The version a write is based on; '' where it does not care. @throws StatusError 500 for one that is no number, as upstream answers */
function versionOf({ resourceVersion = '' }: KubeObject['metadata']): string {
  if (!/^[0-9]*$/.test(resourceVersion)) throw new StatusError({ code: 500, message: `strconv.ParseUint: parsing ${quote(resourceVersion)}: invalid syntax` })
  return resourceVersion === '0' ? '' : resourceVersion
}

function checkNameAndNamespace(kind: ServedKind, object: KubeObject, { name, ctx }: UpdateRequest): void {
  const { metadata } = object
  if (!metadata.name) throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  if (!kind.namespaced) {
    metadata.namespace = undefined
    return
  }
  metadata.namespace ||= ctx.namespace
  if (metadata.namespace !== ctx.namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

const pathSegmentErrors = (name: string, prefix: boolean): string[] => (prefix ? isPathSegmentPrefix(name) : isPathSegmentName(name))

/** A write of status takes nothing from the object but status and managed fields (and labels or annotations where the kind's hook allows). */
function keepAllButStatus(object: KubeObject, old: KubeObject): void {
  for (const key of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (key !== 'status' && key !== 'metadata' && key !== 'apiVersion' && key !== 'kind') copyMember(object, old, key)
  }
}

function copyMember(object: KubeObject, old: KubeObject, key: string): void {
  const target = object as unknown as Record<string, unknown>
  const value = (old as unknown as Record<string, unknown>)[key]
  if (value === undefined) delete target[key]
  else target[key] = value
}

/** The old object is in stored form; what only looks different counts once the new one is too. */
function raisesGeneration({ definition: { generation: rule }, codec }: ServedKind, object: KubeObject, old: KubeObject): boolean {
  if (!rule) return false
  const differ = rule === true ? differsInSpec : rule
  return differ(object, old) && differ(codec.normalize(object), old)
}

/** In anything but metadata and status. */
function differsInSpec(object: KubeObject, old: KubeObject): boolean {
  const keys = new Set([...Object.keys(object), ...Object.keys(old)])
  for (const key of ['metadata', 'status', 'apiVersion', 'kind']) keys.delete(key)
  const a = object as unknown as Record<string, unknown>
  const b = old as unknown as Record<string, unknown>
  return [...keys].some((key) => !equalJSON(a[key], b[key]))
}
