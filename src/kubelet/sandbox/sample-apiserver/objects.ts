/** What the sample API server keeps: flunders and fischers, with a revision for every write and those who watch. Models k8s.io/sample-apiserver/pkg/registry. */
import { isRecord } from '../../../apimachinery/json.ts'
import type { FieldSelector } from '../../../apimachinery/fields.ts'
import type { Selector } from '../../../apimachinery/labels.ts'

export const GROUP = 'wardle.example.com'
export const VERSIONS = ['v1alpha1', 'v1beta1'] as const
const MAX_OBJECTS = 10_000

export interface Metadata {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  creationTimestamp?: string
  generation?: number
  labels?: Record<string, string>
  finalizers?: string[]
  deletionTimestamp?: string
  [member: string]: unknown
}

export interface Wardle {
  metadata: Metadata
  spec?: Record<string, unknown>
  disallowedFlunders?: unknown[]
  [member: string]: unknown
}

export interface Resource {
  plural: string
  singular: string
  kind: string
  namespaced: boolean
}

export const RESOURCES: readonly Resource[] = [
  { plural: 'flunders', singular: 'flunder', kind: 'Flunder', namespaced: true },
  { plural: 'fischers', singular: 'fischer', kind: 'Fischer', namespaced: false },
]

/** A request that is refused, as a Status tells it. */
export class Refused extends Error {
  readonly code: number
  readonly reason: string
  readonly details: Record<string, unknown>

  constructor(code: number, reason: string, { message, details = {} }: { message: string; details?: Record<string, unknown> }) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }
}

export type WatchEvent = { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: Wardle }

export interface Scope {
  resource: Resource
  namespace: string | undefined
  labels: Selector
  fields: FieldSelector
}

export class Objects {
  readonly #objects = new Map<string, Wardle>()
  readonly #watchers = new Set<{ plural: string; tell(event: WatchEvent): void }>()
  #revision = 1

  get revision(): string {
    return String(this.#revision)
  }

  get(resource: Resource, namespace: string | undefined, name: string): Wardle {
    const found = this.#objects.get(key(resource, namespace, name))
    if (!found) throw new Refused(404, 'NotFound', { message: `${resource.plural}.${GROUP} "${name}" not found`, details: { name, group: GROUP, kind: resource.plural } })
    return found
  }

  list({ resource, ...scope }: Scope): Wardle[] {
    const prefix = `${resource.plural}/`
    return [...this.#objects].filter(([at]) => at.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object).filter((object) => isIn(scope, object))
  }

  create(resource: Resource, object: Wardle): Wardle {
    const { namespace, name = '' } = object.metadata
    const at = key(resource, namespace, name)
    if (this.#objects.has(at)) throw new Refused(409, 'AlreadyExists', { message: `${resource.plural}.${GROUP} "${name}" already exists`, details: { name, group: GROUP, kind: resource.plural } })
    if (resource.kind === 'Flunder' && this.#isBanned(name)) throw new Refused(403, 'Forbidden', { message: `${resource.plural}.${GROUP} "${name}" is forbidden: this name may not be used, please change the resource name`, details: { name, group: GROUP, kind: resource.plural } })
    if (this.#objects.size >= MAX_OBJECTS) throw new Refused(507, 'InternalError', { message: 'etcdserver: mvcc: database space exceeded' })
    checkFlunder(resource, object)
    return this.#put(resource, at, { type: 'ADDED', object })
  }

  update(resource: Resource, object: Wardle): Wardle {
    const { namespace, name = '', resourceVersion } = object.metadata
    const old = this.get(resource, namespace, name)
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw new Refused(409, 'Conflict', { message: `Operation cannot be fulfilled on ${resource.plural}.${GROUP} "${name}": the object has been modified; please apply your changes to the latest version and try again`, details: { name, group: GROUP, kind: resource.plural } })
    const { uid, creationTimestamp, deletionTimestamp } = old.metadata
    const kept: Wardle = { ...object, metadata: { ...object.metadata, uid, creationTimestamp, ...(deletionTimestamp ? { deletionTimestamp } : {}) } }
    if (deletionTimestamp && !kept.metadata.finalizers?.length) return this.delete(resource, kept, deletionTimestamp)
    return this.#put(resource, key(resource, namespace, name), { type: 'MODIFIED', object: kept })
  }

  delete(resource: Resource, object: Wardle, now: string): Wardle {
    const { namespace, name = '', finalizers } = object.metadata
    const at = key(resource, namespace, name)
    if (finalizers?.length) return this.#put(resource, at, { type: 'MODIFIED', object: { ...object, metadata: { ...object.metadata, deletionTimestamp: now } } })
    this.#objects.delete(at)
    const gone = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } }
    this.#tell(resource, { type: 'DELETED', object: gone })
    return gone
  }

  /** @returns what ends it */
  watch(scope: Scope, tell: (event: WatchEvent) => void): () => void {
    const watcher = { plural: scope.resource.plural, tell: (event: WatchEvent) => isIn(scope, event.object) && tell(event) }
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  #put(resource: Resource, at: string, { type, object }: WatchEvent): Wardle {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#revision) } }
    this.#objects.set(at, stored)
    this.#tell(resource, { type, object: stored })
    return stored
  }

  #tell({ plural }: Resource, event: WatchEvent): void {
    for (const watcher of this.#watchers) if (watcher.plural === plural) watcher.tell(event)
  }

  /** The admission plugin BanFlunder: a fischer may forbid names. */
  #isBanned(name: string): boolean {
    return [...this.#objects.values()].some(({ disallowedFlunders }) => Array.isArray(disallowedFlunders) && disallowedFlunders.includes(name))
  }
}

function key({ plural, namespaced }: Resource, namespace: string | undefined, name: string): string {
  return namespaced ? `${plural}/${namespace}/${name}` : `${plural}/${name}`
}

function isIn({ namespace, labels, fields }: Omit<Scope, 'resource'>, { metadata }: Wardle): boolean {
  const { name = '', namespace: own = '' } = metadata
  return (namespace === undefined || namespace === own) && labels.matches(metadata.labels ?? {}) && fields.matches({ 'metadata.name': name, 'metadata.namespace': own })
}

const wrong = (field: string, value: string, why: string) => ({ field, text: `spec.${field}: Invalid value: ${JSON.stringify(value)}: ${why}` })

/** A flunder refers to one thing, of the type it says. @throws Refused */
function checkFlunder({ kind }: Resource, { metadata: { name = '' }, spec }: Wardle): void {
  if (kind !== 'Flunder' || !isRecord(spec)) return
  const text = (member: string) => (typeof spec[member] === 'string' ? spec[member] : '')
  const [flunder, fischer, type] = [text('flunderReference') || text('reference'), text('fischerReference'), text('referenceType') || (text('reference') ? 'Flunder' : '')]
  const found = [
    ...(flunder && fischer ? [wrong('fischerReference', fischer, 'cannot be set with flunderReference at the same time')] : []),
    ...(flunder && !fischer && type !== 'Flunder' ? [wrong('flunderReference', flunder, 'cannot be set if referenceType is not Flunder')] : []),
    ...(fischer && !flunder && type !== 'Fischer' ? [wrong('fischerReference', fischer, 'cannot be set if referenceType is not Fischer')] : []),
    ...(!fischer && type === 'Fischer' ? [wrong('fischerReference', fischer, 'cannot be empty if referenceType is Fischer')] : []),
    ...(!flunder && type === 'Flunder' ? [wrong('flunderReference', flunder, 'cannot be empty if referenceType is Flunder')] : []),
    ...(type && type !== 'Flunder' && type !== 'Fischer' ? [wrong('referenceType', type, 'must be Flunder or Fischer')] : []),
  ]
  if (found.length === 0) return
  const causes = found.map(({ field, text: message }) => ({ reason: 'FieldValueInvalid', message: message.slice(message.indexOf(': ') + 2), field: `spec.${field}` }))
  throw new Refused(422, 'Invalid', { message: `Flunder.${GROUP} "${name}" is invalid: ${found.length > 1 ? `[${found.map((f) => f.text).join(', ')}]` : found[0]?.text}`, details: { name, group: GROUP, kind, causes } })
}
