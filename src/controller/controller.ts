/**
 * What a controller is: a name, the kind it reconciles, what else wakes it, and `reconcile`. Files under controllers/
 * default-export `defineController({...})`; manager.ts runs them. Models the loops of k8s.io/kubernetes/pkg/controller
 * in the shape of controller-runtime's Reconciler.
 */
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informers } from '../client/lister.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { APIService } from '../../schemas/types.ts'

/** What identifies an object to a work queue: `namespace/name`, or `name` where there is no namespace. */
export type Key = string

export function keyOf(object: { metadata: { namespace?: string; name?: string } }): Key {
  const { namespace, name = '' } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

export function splitKey(key: Key): { namespace: string; name: string } {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

export interface ControllerContext {
  /** Acts as the controller's own service account (`system:serviceaccount:kube-system:<name>-controller` unless `user` is told). */
  client: Client
  /** A client that acts as another user: what speaks for many identities (one per node) asks for theirs. */
  clientFor?(user: { name: string; groups: readonly string[] }): Client
  informers: Informers
  events: EventRecorder
  clock: Clock
  random: Random
  log: Logger
  /** Wakes the controller for a key, now or after a delay. */
  enqueue(key: Key, delayMs?: number): void
  /**
   * Every kind that can be listed and deleted, custom ones included, the preferred version of a group first; absent in
   * tests that need none. `plural` is the resource's name.
   */
  kinds?(): readonly { kind: string; plural: string; namespaced: boolean }[]
  /** Signs a token of a service account that is kept in a Secret and never expires; absent in tests that need none. */
  signLegacyToken?(account: ServiceAccountRef, secretName: string): Promise<string>
  /** Signs a certificate request (PEM) with the cluster's authority, and answers PEM; absent in tests that need none. */
  signCertificate?(request: { request: string; usages: readonly string[]; seconds: number }): Promise<string>
  /** Why the server behind an APIService cannot be asked; undefined when it can. Absent in tests that need none. */
  checkAPIService?(service: APIService): Promise<string | undefined>
  /** Whether quotas of the namespace count something that is not stored yet; absent in tests that need none. */
  isCharging?(namespace: string): boolean
  /** Reads path and query of an aggregated API server, as the controller's user. Rejects with a StatusError. Absent in tests that need none. */
  readRemote?(url: string): Promise<unknown>
  /** Every version of every kind that is served; absent in tests that need none. */
  served?(): readonly ServedType[]
  /** Settings of the cluster that controllers look at (see src/cluster.ts). */
  settings: ControllerSettings
}

export interface ServiceAccountRef {
  namespace: string
  name: string
  uid: string
}

export interface ServedType {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
}

export interface ControllerSettings {
  /** One range, or two of different families; the first is the default one. */
  serviceCIDRs: readonly string[]
  podCIDRs: readonly string[]
  /** Where pods ask for names. */
  clusterDNS: string
  /** PEM of the cluster's CA. */
  rootCA: string
  /** From which LoadBalancer Services get their addresses. */
  loadBalancerCIDR: string
  clusterName: string
}

/** Returned by `reconcile` to be called again for the same key. Throwing means back-off and retry. */
export interface Result {
  requeueAfterMs?: number
}

export interface ControllerDefinition<T extends KubeObject = KubeObject> {
  /** Upstream's name of the controller as `--controllers` knows it without the suffix: 'deployment', 'replicaset', … */
  name: string
  /** The program it is part of upstream, where that is not kube-controller-manager. */
  program?: string
  /** Full user name when it is not the default service account. */
  user?: string
  /** How it signs the fields it sets, where that is not told by its user: the program it is part of upstream. */
  manager?: string
  /** The component that its events name; `<name>-controller` unless told. */
  component?: string
  /** The kind that is reconciled. */
  for: string
  /** Kinds whose objects wake the controller of their owner (controller owner reference of kind `for`). */
  owns?: readonly string[]
  /** Other kinds whose changes wake the keys that the function answers. `old` is given on updates. */
  watches?: Readonly<Record<string, (object: KubeObject, ctx: ControllerContext, old?: KubeObject) => readonly Key[]>>
  /** How many keys are worked on at a time; 5 unless told (upstream's concurrent-…-syncs). */
  concurrency?: number
  /** How long a key that failed waits: at first, doubled with each further failure, and at most. 5 ms and 1000 s unless told. */
  retryDelaysMs?: readonly [first: number, most: number]
  /** Runs once before the first reconcile: adds indexes, keeps per-controller state in its closure. */
  setup?(ctx: ControllerContext): void
  /** Ignores changes of `for` objects for which this is false (generation-only controllers and the like). */
  wakes?(object: T, old: T | undefined): boolean
  reconcile(object: T, ctx: ControllerContext): Promise<Result | void>
  /** The object of this key is gone. */
  deleted?(key: Key, ctx: ControllerContext): Promise<Result | void>
}

/** A loop that is not one reconcile per object (garbage collector, scheduler, virtual kubelets): starts and is closed. */
export interface LoopDefinition {
  name: string
  user?: string
  component?: string
  /** `idle` of what runs: whether it has nothing to do now, if it can tell. */
  start(ctx: ControllerContext): { close(): Promise<void> | void; readonly idle?: boolean }
}

export function defineController<T extends KubeObject>(definition: ControllerDefinition<T>): ControllerDefinition<T> {
  return definition
}

export function defineLoop(definition: LoopDefinition): LoopDefinition {
  return definition
}
