/**
 * An API in a map: enough of a cluster for controllers to run against without a server. Objects are frozen, writes are
 * seen by informers before they resolve, generations and resource versions rise, finalizers delay deletion.
 */
import type { Logger } from 'pino'
import type { Scale } from '../../schemas/types.ts'
import { FakeClock, SeededRandom, formatTime } from '../../src/clock.ts'
import { StatusError, alreadyExists, conflict, noSuchResource, notFound } from '../../src/errors.ts'
import type { Client, ListOptions, ObjectRef, PatchOptions, WriteOptions } from '../../src/client/client.ts'
import type { EventRecorder } from '../../src/client/events.ts'
import type { Handlers, Informer, Informers, Lister } from '../../src/client/lister.ts'
import type { ControllerContext, ControllerSettings } from '../../src/controller/controller.ts'
import type { DeleteOptions, KubeObject } from '../../src/registry/kind.ts'
import { formatLabelSelector, parseSelector, type LabelSelector, type Selector } from '../../src/apimachinery/labels.ts'

type Plain = Record<string, unknown>
type Scalable = KubeObject & { spec: { replicas?: number; selector?: LabelSelector }; status?: { replicas?: number } }

const isPlain = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value)

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const v of Object.values(value)) freeze(v)
  }
  return value
}

export function kindOf(object: KubeObject): string {
  return `${object.apiVersion}/${object.kind}`
}

function idOf(ref: { namespace?: string; name?: string }): string {
  return `${ref.namespace ?? ''}/${ref.name ?? ''}`
}

/** The objects of one kind, with everything a lister and an informer offer over them. */
class FakeKind implements Informer, Lister {
  readonly kind: string
  readonly objects = new Map<string, KubeObject>()
  readonly #handlers = new Set<Handlers<KubeObject>>()
  readonly #indexes = new Map<string, (object: KubeObject) => readonly string[]>()

  constructor(kind: string) {
    this.kind = kind
  }

  get lister(): Lister {
    return this
  }

  get size(): number {
    return this.objects.size
  }

  get(namespace: string, name: string): KubeObject | undefined {
    return this.objects.get(idOf({ namespace, name }))
  }

  byUid(uid: string): KubeObject | undefined {
    return this.list().find((o) => o.metadata.uid === uid)
  }

  list(namespace = ''): KubeObject[] {
    return [...this.objects.values()].filter((o) => namespace === '' || o.metadata.namespace === namespace)
  }

  select(namespace: string, selector: Selector): KubeObject[] {
    return this.list(namespace).filter((o) => selector.matches(o.metadata.labels))
  }

  byIndex(index: string, key: string): KubeObject[] {
    const keys = this.#indexes.get(index)
    if (!keys) throw new Error(`no index ${index} over ${this.kind}`)
    return this.list().filter((o) => keys(o).includes(key))
  }

  ownedBy(uid: string): KubeObject[] {
    return this.list().filter((o) => o.metadata.ownerReferences?.some((r) => r.controller === true && r.uid === uid))
  }

  subscribe(handlers: Handlers<KubeObject>): () => void {
    this.#handlers.add(handlers)
    for (const object of this.list()) handlers.add?.(object)
    return () => this.#handlers.delete(handlers)
  }

  addIndex(name: string, keys: (object: KubeObject) => readonly string[]): void {
    this.#indexes.set(name, keys)
  }

  put(object: KubeObject): void {
    const id = idOf(object.metadata)
    const old = this.objects.get(id)
    this.objects.set(id, freeze(object))
    for (const h of this.#handlers) if (old) h.update?.(object, old)
      else h.add?.(object)
  }

  remove(object: KubeObject): void {
    this.objects.delete(idOf(object.metadata))
    for (const h of this.#handlers) h.delete?.(object)
  }
}

export interface Write {
  verb: 'create' | 'update' | 'patch' | 'delete'
  kind: string
  name: string
  subresource?: string
}

export interface FakeOptions {
  clock?: FakeClock
  seed?: number
  /** Pods that are deleted stay with a deletionTimestamp until they are removed by `finish`. */
  gracefulPods?: boolean
  settings?: Partial<ControllerSettings>
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again'
const SETTINGS: ControllerSettings = { serviceCIDRs: ['10.96.0.0/12'], podCIDRs: ['10.244.0.0/16'], clusterDNS: '10.96.0.10', rootCA: 'CA', loadBalancerCIDR: '10.99.0.0/16', clusterName: 'test' }

export class FakeCluster implements Client {
  readonly name = 'test'
  readonly clock: FakeClock
  readonly random: SeededRandom
  /** Every write that changed something, in order. */
  readonly writes: Write[] = []
  /** Recorded events as `Kind/name Type Reason: message`. */
  readonly events: string[] = []
  /** Set to refuse writes: throw from here. */
  before: (write: Write, object: KubeObject | undefined) => void = () => {}
  readonly #kinds = new Map<string, FakeKind>()
  readonly #options: FakeOptions
  #revision = 0

  constructor(options: FakeOptions = {}) {
    this.#options = options
    this.clock = options.clock ?? new FakeClock()
    this.random = new SeededRandom(options.seed ?? 1)
  }

  readonly recorder: EventRecorder = {
    event: (about, type, reason, message) => void this.events.push(`${about.kind}/${about.metadata.name} ${type} ${reason}: ${message}`),
  }

  readonly informers: Informers = {
    for: <T extends KubeObject>(kind: string): Informer<T> => this.#typed<Informer<T>>(this.#kind(kind)),
    lister: <T extends KubeObject>(kind: string): Lister<T> => this.#typed<Lister<T>>(this.#kind(kind)),
  }

  context(overrides: Partial<ControllerContext> = {}): ControllerContext {
    const { clock, random, informers, recorder: events } = this
    const log = this.#typed<Logger>({ info() {}, warn() {}, error() {}, debug() {}, trace() {} })
    return { client: this, informers, events, clock, random, log, enqueue() {}, settings: { ...SETTINGS, ...this.#options.settings }, ...overrides }
  }

  /** Puts objects there as if they had always been. */
  seed(...objects: KubeObject[]): void {
    for (const object of objects) this.#store(this.#fresh(object))
  }

  /** The current state of an object; fails the test when there is none. */
  read<T extends KubeObject>(kind: string, name: string, namespace = 'default'): T {
    const found = this.#kind(kind).get(namespace, name) ?? this.#kind(kind).list().find((o) => o.metadata.name === name)
    if (!found) throw new Error(`no ${kind} ${name}`)
    return this.#typed<T>(found)
  }

  all<T extends KubeObject>(kind: string): T[] {
    return this.#typed<T[]>(this.#kind(kind).list())
  }

  /** Changes an object from outside, status included, without a write being counted. */
  edit<T extends KubeObject>(kind: string, name: string, change: (copy: T) => void): void {
    const copy = structuredClone(this.read<T>(kind, name))
    change(copy)
    this.#store(copy)
  }

  /** Removes an object for good, whatever its finalizers. */
  finish(kind: string, name: string): void {
    this.#kind(kind).remove(this.read(kind, name))
  }

  async get<T extends KubeObject>(kind: string, ref: ObjectRef): Promise<T> {
    return this.#typed<T>(this.#find(kind, ref))
  }

  async list<T extends KubeObject>(kind: string, options: ListOptions = {}): Promise<T[]> {
    return this.#typed<T[]>(this.#kind(kind).select(options.namespace ?? '', parseSelector(options.labelSelector ?? '')))
  }

  async create<T extends KubeObject>(object: T, options: WriteOptions = {}): Promise<T> {
    const kind = kindOf(object)
    const made = this.#fresh({ ...object, metadata: { ...object.metadata, name: object.metadata.name || `${object.metadata.generateName}${this.random.suffix(5)}` } })
    this.#note({ verb: 'create', kind, name: made.metadata.name ?? '', ...sub(options) }, made)
    if (this.#kind(kind).objects.has(idOf(made.metadata))) throw alreadyExists(resource(kind), made.metadata.name ?? '')
    if (!options.subresource) this.#store(made)
    if (options.subresource === 'binding') this.#bind(made)
    return this.#typed<T>(freeze(made))
  }

  async update<T extends KubeObject>(object: T, options: WriteOptions = {}): Promise<T> {
    const kind = kindOf(object)
    const old = this.#find(kind, { namespace: object.metadata.namespace, name: object.metadata.name ?? '' })
    const wanted = object.metadata.resourceVersion
    if (wanted && wanted !== old.metadata.resourceVersion) throw conflict(resource(kind), object.metadata.name ?? '', MODIFIED)
    return this.#replace<T>(old, structuredClone(object), { verb: 'update', ...sub(options) })
  }

  updateStatus<T extends KubeObject>(object: T): Promise<T> {
    return this.update(object, { subresource: 'status' })
  }

  async patch<T extends KubeObject>(kind: string, ref: ObjectRef, patch: unknown, options: PatchOptions = {}): Promise<T> {
    const old = this.#find(kind, ref)
    const merged = merge(structuredClone(old), patch, options.type === 'strategic')
    const uid = isPlain(patch) && isPlain(patch.metadata) ? patch.metadata.uid : undefined
    if (uid !== undefined && uid !== old.metadata.uid) throw new StatusError({ code: 409, reason: 'Conflict', message: 'uid mismatch' })
    return this.#replace<T>(old, this.#typed<T>(merged), { verb: 'patch', ...sub(options) })
  }

  async change<T extends KubeObject>(kind: string, ref: ObjectRef, change: (copy: T) => void | false, options: WriteOptions = {}): Promise<T> {
    const old = this.#find(kind, ref)
    const copy = this.#typed<T>(structuredClone(old))
    return change(copy) === false ? this.#typed<T>(old) : this.#replace<T>(old, copy, { verb: 'update', ...sub(options) })
  }

  async delete(kind: string, ref: ObjectRef, options: DeleteOptions = {}): Promise<void> {
    const old = this.#find(kind, ref)
    if (options.preconditions?.uid && options.preconditions.uid !== old.metadata.uid) throw conflict(resource(kind), ref.name, 'the UID in the precondition does not match')
    this.#note({ verb: 'delete', kind, name: ref.name }, old)
    const graceful = this.#options.gracefulPods && kind === 'v1/Pod' && options.gracePeriodSeconds !== 0
    const added = { Foreground: ['foregroundDeletion'], Orphan: ['orphan'] }[options.propagationPolicy ?? ''] ?? []
    const finalizers = added.length > 0 ? [...new Set([...(old.metadata.finalizers ?? []), ...added])] : old.metadata.finalizers
    if (!graceful && !finalizers?.length) return this.#kind(kind).remove(old)
    if (old.metadata.deletionTimestamp) return
    this.#store({ ...old, metadata: { ...old.metadata, ...(finalizers ? { finalizers } : {}), deletionTimestamp: formatTime(this.clock.now()) } })
  }

  async getScale(kind: string, ref: ObjectRef): Promise<Scale> {
    const { metadata, spec, status } = this.#typed<Scalable>(this.#find(kind, ref))
    if (spec.replicas === undefined) throw noSuchResource()
    const { name, namespace, uid, resourceVersion } = metadata
    const selector = spec.selector && formatLabelSelector(spec.selector)
    return { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name, namespace, uid, resourceVersion }, spec: { replicas: spec.replicas }, status: { replicas: status?.replicas ?? 0, selector } }
  }

  async updateScale(kind: string, scale: Scale): Promise<Scale> {
    const { name = '', namespace } = scale.metadata
    const old = this.#typed<Scalable>(this.#find(kind, { name, namespace }))
    this.#replace(old, { ...old, spec: { ...old.spec, replicas: scale.spec.replicas } }, { verb: 'update', subresource: 'scale' })
    return this.getScale(kind, { name, namespace })
  }

  /** What the binding subresource does to the pod. */
  #bind(binding: KubeObject & { target?: { name?: string } }): void {
    const pod = this.#typed<Plain>(structuredClone(this.#find('v1/Pod', { namespace: binding.metadata.namespace, name: binding.metadata.name ?? '' })))
    const bound = { ...pod, spec: { ...this.#typed<Plain>(pod.spec), nodeName: binding.target?.name } }
    this.#store(this.#typed<KubeObject>(bound))
  }

  /** The one place where the maps forget types and get them back: what is under a kind is of that kind. */
  #typed<T>(value: unknown): T {
    return value as T
  }

  #kind(kind: string): FakeKind {
    let found = this.#kinds.get(kind)
    if (!found) this.#kinds.set(kind, (found = new FakeKind(kind)))
    return found
  }

  #find(kind: string, ref: ObjectRef): KubeObject {
    const found = this.#kind(kind).get(ref.namespace ?? '', ref.name)
    if (!found) throw notFound(resource(kind), ref.name)
    return found
  }

  #fresh(object: KubeObject): KubeObject {
    const copy = structuredClone(object)
    const { metadata } = copy
    if (kindOf(object) === 'v1/Pod' && !('status' in copy)) Object.assign(copy, { status: { phase: 'Pending' } })
    copy.metadata = { uid: this.random.uuid(), creationTimestamp: formatTime(this.clock.now()), generation: 1, ...metadata }
    return copy
  }

  #replace<T extends KubeObject>(old: KubeObject, object: T, write: Omit<Write, 'kind' | 'name'>): T {
    const next: Plain = { ...this.#typed<Plain>(object) }
    const before: Plain = { ...this.#typed<Plain>(old) }
    if (write.subresource === 'status') next.spec = before.spec
    else if ('status' in before) next.status = before.status
    const specChanged = JSON.stringify(next.spec) !== JSON.stringify(before.spec)
    next.metadata = { ...object.metadata, uid: old.metadata.uid, resourceVersion: old.metadata.resourceVersion, generation: (old.metadata.generation ?? 1) + (specChanged ? 1 : 0) }
    if (JSON.stringify(next) === JSON.stringify(before)) return this.#typed<T>(old)
    const kind = kindOf(old)
    this.#note({ ...write, kind, name: old.metadata.name ?? '' }, this.#typed<KubeObject>(next))
    const stored = this.#typed<T>(next)
    const held = isPlain(next.spec) && Array.isArray(next.spec.finalizers) && next.spec.finalizers.length > 0
    if (stored.metadata.deletionTimestamp && !stored.metadata.finalizers?.length && !held && !(kind === 'v1/Pod' && this.#options.gracefulPods)) this.#kind(kind).remove(freeze(stored))
    else this.#store(stored)
    return stored
  }

  #note(write: Write, object: KubeObject | undefined): void {
    this.before(write, object)
    this.writes.push(write)
  }

  #store(object: KubeObject): void {
    object.metadata.resourceVersion = String(++this.#revision)
    this.#kind(kindOf(object)).put(object)
  }
}

function sub(options: WriteOptions): { subresource?: string } {
  return options.subresource ? { subresource: options.subresource } : {}
}

function resource(kind: string): { group: string; resource: string } {
  const parts = kind.split('/')
  return { group: parts.length === 3 ? (parts[0] ?? '') : '', resource: `${(parts.at(-1) ?? '').toLowerCase()}s` }
}

/** JSON merge patch, plus what strategic merge does to owner references and finalizers. */
function merge(target: unknown, patch: unknown, strategic: boolean): unknown {
  if (!isPlain(patch)) return patch
  const out: Plain = isPlain(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    const dropped = key.startsWith('$deleteFromPrimitiveList/') ? key.slice(25) : undefined
    if (dropped) out[dropped] = Array.isArray(out[dropped]) && Array.isArray(value) ? out[dropped].filter((v) => !value.includes(v)) : undefined
    else if (value === null) delete out[key]
    else if (strategic && key === 'ownerReferences' && Array.isArray(value)) out[key] = mergeByUid(out[key], value)
    else if (strategic && key === 'finalizers' && Array.isArray(value)) out[key] = [...new Set([...(Array.isArray(out[key]) ? out[key] : []), ...value])]
    else out[key] = merge(out[key], value, strategic)
  }
  return out
}

function mergeByUid(current: unknown, changes: unknown[]): unknown[] {
  let out: unknown[] = Array.isArray(current) ? current : []
  for (const change of changes) {
    if (!isPlain(change)) continue
    const others = out.filter((o) => !isPlain(o) || o.uid !== change.uid)
    const before = out.find((o) => isPlain(o) && o.uid === change.uid)
    out = change.$patch === 'delete' ? others : [...others, { ...(isPlain(before) ? before : {}), ...change }]
  }
  return out
}
