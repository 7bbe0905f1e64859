/**
 * What a kind is. A file under api/ states all the server knows of one kind by giving `defineKind` its names and the few
 * hooks in which it differs; the generic write path in registry.ts does the rest. CustomResourceDefinitions make the
 * same values at run time. Models the per-resource strategies under k8s.io/kubernetes/pkg/registry.
 */
import type { MergeType } from '../apimachinery/merge-type.ts'
import type { UsageSource } from './usage.ts'
import type { IPFamily } from '../apimachinery/ip-address.ts'
import type { FieldSet } from '../apimachinery/field-set.ts'
import type { Clock, Random } from '../clock.ts'
import type { FieldError } from '../errors.ts'
import type { Authorizer, TokenAuthenticator } from './authorization.ts'
import type { ChargesInFlight } from './charges-in-flight.ts'
import type { ServedKind } from './scheme.ts'
import type { ObjectMeta } from '../../schemas/types.ts'

/** Any API object. Kinds narrow it by their generated interface. */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

export interface GroupVersionKind {
  group: string
  version: string
  kind: string
}

/** Who makes a request, as authentication found out. */
export interface UserInfo {
  name: string
  uid?: string
  groups: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

/** What every hook of a write can know about the request it serves. */
export interface WriteContext {
  user: UserInfo
  namespace: string
  dryRun: boolean
  /** Group of the version that the request came in, where it is not the stored one's (events.k8s.io for events). */
  requestGroup?: string
  clock: Clock
  random: Random
  /** The cluster's own view of other objects, as the system user; hooks that only look at `obj` never need it. */
  system: SystemReader
  /** Tells the client, in a Warning header. */
  warn(text: string): void
  /** Notes something in the audit log. */
  annotateAudit(key: string, value: string): void
}

/**
 * Reads and writes other objects on behalf of the server itself (allocation, binding, eviction, admission).
 * `kind` is `<group>/<version>/<Kind>`, or `v1/<Kind>` for the core group.
 */
export interface SystemReader {
  /** Whether containers may ask to be privileged (kube-apiserver's --allow-privileged); not where it is not said. */
  allowPrivileged?: boolean
  get<T extends KubeObject>(kind: string, namespace: string, name: string): T | undefined
  list<T extends KubeObject>(kind: string, namespace?: string): T[]
  /** Reads, changes and writes through the generic path; retried when the object changed meanwhile. `change` returns the new object (never mutates) or throws a StatusError. */
  update<T extends KubeObject>(kind: string, ref: { namespace: string; name: string }, change: (current: T) => T, options?: { subresource?: string; dryRun?: boolean }): Promise<T>
  create<T extends KubeObject>(kind: string, object: T, options?: { dryRun?: boolean }): Promise<T>
  delete(kind: string, ref: { namespace: string; name: string }, options?: DeleteOptions): Promise<void>
  /** Cluster-wide allocators; see src/registry/allocators.ts. */
  allocators: Allocators
  /** Which namespaces' quotas count what is not stored yet. */
  chargesInFlight: ChargesInFlight
  /** Who may do what; absent where everything is allowed. */
  authorizer?: Authorizer
  /** Whose a token is; absent where nothing authenticates. */
  authenticator?: TokenAuthenticator
  /** The plural of a served kind, `group/version` and kind given; undefined when none is served. */
  resourceFor?(apiVersion: string, kind: string): string | undefined
  /** Every kind that is served, in the order of discovery. */
  kinds?(): readonly ServedKind[]
  /** What containers use; guesses by what they ask for, where nobody knows better. */
  usage?: UsageSource
  /** Signs service account tokens; absent where nothing authenticates. */
  serviceAccountTokens?: ServiceAccountTokens
}

/** Signs the token of a TokenRequest; the subresource has resolved and checked what it is bound to. Models pkg/serviceaccount.TokenGenerator. */
export interface ServiceAccountTokens {
  /** Audiences of a request that names none. */
  readonly defaultAudiences: readonly string[]
  sign(claims: {
    serviceAccount: { namespace: string; name: string; uid: string }
    audiences: readonly string[]
    expirationSeconds: number
    /** Seconds after which use of an extended token is noted; 0 for none. */
    warnAfterSeconds: number
    pod?: { name: string; uid: string }
    node?: { name: string; uid?: string }
    secret?: { name: string; uid: string }
  }): Promise<{ token: string; id: string }>
}

/** Pools from which a Service takes its addresses and ports. Dry runs reserve nothing. Each throws FieldError-free plain Errors with upstream's text. */
export interface Allocators {
  /** Families in which this cluster gives service addresses; the first is the default. */
  readonly serviceIPFamilies: readonly IPFamily[]
  allocateServiceIP(family: IPFamily, owner: { namespace: string; name: string }, options: { requested?: string; dryRun: boolean }): string
  releaseServiceIP(ip: string): void
  allocateNodePort(options: { requested?: number; dryRun: boolean }): number
  releaseNodePort(port: number): void
}

export interface DeleteOptions {
  gracePeriodSeconds?: number
  propagationPolicy?: string
  orphanDependents?: boolean
  preconditions?: { uid?: string; resourceVersion?: string }
  dryRun?: string[]
}

/** A printer column. Models k8s.io/kubernetes/pkg/printers. */
export interface Column<T> {
  name: string
  /** OpenAPI type of the cells; string unless told. */
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  format?: string
  /** Given by the one who defined the column (custom resources). */
  description?: string
  /** Rows carry the cell though the table declares no column for it (an upstream slip of IPAddress). */
  undeclared?: boolean
  /** 0 is always shown, 1 only with `-o wide`. */
  priority?: number
  /** The cell. Ages are given by `ctx.age(time)`. */
  value(object: T, ctx: ColumnContext): string | number | boolean | null
}

export interface ColumnContext {
  nowMs: number
  /** "5m", "3d2h" … or "<unknown>" for none, as duration.HumanDuration prints. */
  age(time: string | undefined): string
}

/** metav1.TableRowCondition: marks rows of completed pods. */
export interface RowCondition {
  type: 'Completed'
  status: 'True'
  reason: string
  message: string
}

/** A subresource that reads and writes the object itself (status, ephemeralcontainers, resize, approval, finalize). */
export interface UpdateSubresource<T> {
  /** The kind sent and answered where it is not the parent's. */
  responseKind?: GroupVersionKind
  verbs?: readonly ('get' | 'update' | 'patch')[]
  /** Puts back from `old` what this subresource may not change. Changes `object` in place. */
  prepareForUpdate?(object: T, old: T, ctx: WriteContext): void
  validateUpdate?(object: T, old: T, ctx: WriteContext): FieldError[]
  /** As that of the kind. */
  repeatsMetadataUpdate?: false
  /** Upstream's storage of this subresource prints no tables: they are answered 406. */
  noTable?: true
}

/** A subresource that is only posted to (binding, eviction, token). `body` is decoded, defaulted by its own type and validated for form. */
export interface CreateSubresource {
  /** The kind of the body and of the answer. */
  responseKind: GroupVersionKind
  verbs: readonly ['create']
  /** Other versions (`policy/v1beta1`) whose bodies will do as well. */
  accepts?: readonly string[]
  /** Fills in what a body does not say. */
  default?(body: KubeObject): void
  /** Answers the object to send back; 201 for it. */
  create(request: { name: string; body: KubeObject; ctx: WriteContext }): Promise<object>
}

/** What a connection is asked for by its path and query. */
export interface ConnectRequest {
  name: string
  query: { get(name: string): string | null; has(name: string): boolean }
  ctx: WriteContext
}

/** A subresource that is a connection (exec, attach, portforward, proxy) or a plain answer (log). */
export interface ConnectSubresource {
  responseKind: GroupVersionKind
  verbs: readonly string[]
  /** Name of the connector that serves it; connectors are registered by the runtime (src/streaming). */
  connect: string
  /** Refuses what cannot be connected to by throwing a StatusError, before any connector is asked. 'nothing': answered without content. */
  check?(request: ConnectRequest): 'nothing' | undefined | void
}

/** Where a scale subresource finds its numbers. Dotted paths as in CustomResourceDefinitions. */
export interface ScaleSubresource {
  specReplicasPath: string
  statusReplicasPath: string
  /** Path of a LabelSelector, of a map of labels (ReplicationController) or of a string. */
  labelSelectorPath?: string
  /** What the object must satisfy after a write through it (custom resources); other kinds are judged by the scale alone. */
  validateObject?(object: KubeObject, old: KubeObject): FieldError[]
}

export interface Subresources<T> {
  /** true: status is its own subresource with the usual rules (writes of the main resource keep the old status and the other way round). */
  status?: true | UpdateSubresource<T>
  scale?: ScaleSubresource
  [name: string]: true | UpdateSubresource<T> | CreateSubresource | ConnectSubresource | ScaleSubresource | undefined
}

export const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const

export interface KindDefinition<T extends KubeObject = KubeObject> {
  /** '' for the core group. */
  group: string
  version: string
  kind: string
  plural: string
  /** Lower-cased kind unless told. */
  singular?: string
  shortNames?: readonly string[]
  categories?: readonly string[]
  namespaced: boolean
  /** All eight unless told. */
  verbs?: readonly string[]
  /** The verbs as discovery lists them, where that is not all of them by name. */
  listedVerbs?: readonly string[]
  /** Key prefix in the store without slashes at the ends; `registry/<plural>` unless upstream's differs (registry/minions …). */
  storagePrefix?: string

  /**
   * Present when objects of this version are stored as another one (autoscaling/v1 as v2, events.k8s.io/v1 as core v1).
   * Both functions take and return whole objects (may reuse parts), without apiVersion/kind, which the caller sets.
   */
  storedAs?: GroupVersionKind & { toStorage(object: T): KubeObject; fromStorage(object: KubeObject): T }
  /**
   * Present when objects are converted at the door of the store, and all hooks see them in this version (custom resources).
   * `read` gives the same object for the same stored one, and the stored one itself where nothing differs.
   */
  stored?: {
    read(stored: KubeObject): T
    write(object: T): KubeObject
    /** Whether anything ever has to be awaited. */
    isPrepared?: boolean
    /** What must be awaited before `read` can answer for these, if anything: a webhook converts them. Without it `read` shows them as if nothing but the version differed. */
    prepareRead?(stored: readonly KubeObject[]): Promise<void> | undefined
    /** The same for `write`. */
    prepareWrite?(object: T): Promise<void> | undefined
    /** How the objects of a version merge, be it served or not; undefined for one that there is not. */
    mergeTypeOf(apiVersion: string): MergeType | undefined
    /** The object in another version as whoever converts it makes it, with all that version does not know. */
    convert(object: KubeObject, apiVersion: string): KubeObject | Promise<KubeObject>
  }
  /** The same resource is served in another version too, which stands for it wherever one goes through all kinds. */
  isAlternative?: boolean
  /** The version that upstream writes it to etcd in, where that is an older one; shows in discovery only. */
  encodedVersion?: string
  /** Warning header of every request for this kind, in upstream's words ("v1 Endpoints is deprecated in v1.33+; use …"). */
  deprecation?: string
  /** Of several served versions of a group, the one discovery prefers has the highest priority; 0 unless told. */
  versionPriority?: number

  subresources?: Subresources<T>
  /** Printer columns; without them the table has Name and Created At. "Name" is given here too. */
  columns?: readonly Column<T>[]
  /** The order a list's rows are printed in, where it isn't the list's own. */
  rowOrder?(a: T, b: T): number
  rowConditions?(object: T): RowCondition[]
  /** Field selectors beyond metadata.name and metadata.namespace. */
  selectableFields?: Readonly<Record<string, (object: T) => string>>
  /** The refusal of a field that is no such one; "field label not supported: …" unless told. */
  fieldLabelError?(name: string): string
  /** Annotations that stand for fields upstream's stored form has no annotation for: only the whole object shows them, not its metadata alone (tables, PartialObjectMetadata). */
  hiddenAnnotations?: readonly string[]

  /** Fills in defaults in place; the object is decoded, not yet admitted. May look at `object` only. */
  default?(object: T): void
  /**
   * true: metadata.generation starts at 1 and rises when anything but metadata and status changes.
   * A function decides itself whether a change of `old` to `object` raises it.
   */
  generation?: true | ((object: T, old: T) => boolean)

  /** A create may carry a status though status is a subresource (nodes). */
  keepsStatusOnCreate?: boolean
  /**
   * Refuses a write by throwing a StatusError because of what its user may not do. Runs after mutating admission and before
   * all other hooks of the write, for the main resource only; `old` is undefined on create. Models storages named policybased.
   */
  checkAccess?(object: T, old: T | undefined, ctx: WriteContext): void | Promise<void>
  /** Further field errors, asked for only when `validate`/`validateUpdate` found none: rights to what the object refers to. */
  validateAccess?(object: T, old: T | undefined, ctx: WriteContext): FieldError[] | Promise<FieldError[]>
  /** Runs before validation of a create (generic code has dropped status where status is a subresource). In place. */
  prepareForCreate?(object: T, ctx: WriteContext): void
  /** Runs before validation of an update of the main resource (generic code has put the old status back). In place. */
  prepareForUpdate?(object: T, old: T, ctx: WriteContext): void
  /** The errors of name itself, upstream's texts; DNS-1123 subdomain unless told. `prefix`: the name is a generateName prefix. */
  validateName?(name: string, prefix: boolean, object?: T): string[]
  /** Errors of everything but metadata, which generic code checks first. Runs on create, in upstream's order. */
  validate?(object: T, ctx: WriteContext): FieldError[]
  /** Errors of an update, without metadata's. Call `validate` from here where upstream does; without this hook `validate` runs for updates too. */
  validateUpdate?(object: T, old: T, ctx: WriteContext): FieldError[]
  /** Runs after a create or update was found valid, before it is written. In place. Models RESTCreateStrategy.Canonicalize. */
  canonicalize?(object: T): void
  /** Finalizers without a domain are taken: kinds whose metadata upstream checks by apimachinery's rules alone (admissionregistration, apiextensions, apiregistration). */
  takesAnyFinalizer?: boolean
  /** false where upstream's validation of the kind's updates does not ask what metadata may change once more; 'last' where it asks after everything that a create is asked. */
  repeatsMetadataUpdate?: false | 'last'
  /** false where upstream's validation of the kind leaves metadata to what is asked of all kinds, unless its own hooks ask more. */
  validatesMetadata?: false
  /** Extra annotation or label checks that upstream makes inside metadata. */
  validateMetadata?(object: T, old: T | undefined): FieldError[]
  /** Warning headers (deprecated fields and so on). */
  warnings?(object: T, old: T | undefined, ctx: WriteContext): string[]

  /** Runs after admission and before validation: allocation. What it takes must be given back by the returned undo if the write fails. */
  beginCreate?(object: T, ctx: WriteContext): void | (() => void)
  beginUpdate?(object: T, old: T, ctx: WriteContext): void | (() => void)
  /** After an update was written (not for dry runs): gives back what `object` no longer holds. */
  afterUpdate?(object: T, old: T, ctx: WriteContext): void
  /** After the object is really gone from the store. */
  afterDelete?(object: T, ctx: WriteContext): void | Promise<void>
  /** Refuses a delete by throwing a StatusError (namespaces default …). */
  beforeDelete?(object: T, ctx: WriteContext): void
  /**
   * Present on kinds that outlive their delete until a controller lets them go (namespaces). A delete sets deletionTimestamp
   * and calls `mark`; the object is removed by the first update or delete after which `holds` is false and no finalizer is left.
   */
  holdsDelete?: { holds(object: T): boolean; mark(object: T): void }

  /** Seconds of grace a delete gives when the caller says nothing, or undefined for none. Present only on kinds that die gracefully (pods). */
  gracefulDelete?(object: T, requestedSeconds: number | undefined): number | undefined
  /** Fields that an endpoint ('' or a subresource) takes no notice of, where they differ from the usual (status for the object, spec for status). */
  resetFields?: Readonly<Record<string, FieldSet>>
  /** The kind of lists; `<Kind>List` unless told. */
  listKind?: string
  /** The patch types that are taken; all four unless told (custom resources have no strategic merge). */
  patchTypes?: readonly ('json' | 'merge' | 'strategic' | 'apply')[]
  /** Adds to the empty object of a bookmark what conversion makes of an empty internal one upstream. In place. */
  fillBookmark?(object: T): void
  /** Why upstream cannot make its internal object of one that is of the right type, in its words. */
  whyNotConverted?(object: T): string | undefined
  /** Upstream reads objects of the kind from etcd itself, which shows in how a version that has not happened is refused. */
  isUncached?: true
  /** Items of a list carry kind and apiVersion (custom resources). */
  itemsKeepType?: boolean
  /** A delete answers the object itself instead of a Status (upstream's ReturnDeletedObject). */
  returnsDeletedObject?: boolean
  /** What a delete without a policy does to dependents; 'background' unless told ('orphan' for some legacy kinds). */
  defaultPropagation?: 'background' | 'orphan' | 'none'
  /** Warning header of a delete that does not say what becomes of dependents. */
  orphanWarning?: string
  /** PUT of a name that does not exist creates it. */
  allowCreateOnUpdate?: boolean
  /** An update without resourceVersion is refused when false. true unless told. */
  allowUnconditionalUpdate?: boolean
  /** Objects expire this long after their last write (events). */
  ttlMs?(object: T): number

  /** Objects of this kind are never stored: POST answers at once (reviews). Answers the object to send back. */
  review?(object: T, ctx: WriteContext): Promise<object>
  /** Objects of this kind are not stored but computed for get and list (componentstatuses). */
  computed?(ctx: WriteContext): T[]
}

/** Identity with types: kinds are plain values. */
export function defineKind<T extends KubeObject>(definition: KindDefinition<T>): KindDefinition<T> {
  return definition
}

export function isCreateSubresource(s: unknown): s is CreateSubresource {
  return typeof s === 'object' && s !== null && 'create' in s
}

export function isConnectSubresource(s: unknown): s is ConnectSubresource {
  return typeof s === 'object' && s !== null && 'connect' in s
}

export function isScaleSubresource(s: unknown): s is ScaleSubresource {
  return typeof s === 'object' && s !== null && 'specReplicasPath' in s
}
