/**
 * Runs controllers and loops: each with its own client, queue and workers, all over the same informers. Models
 * cmd/kube-controller-manager and controller-runtime's manager.
 */
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informer, Informers } from '../client/lister.ts'
import { Workqueue } from '../client/workqueue.ts'
import { isStatusError, type StatusError } from '../errors.ts'
import type { KubeObject, UserInfo } from '../registry/kind.ts'
import { keyOf, splitKey, type ControllerContext, type ControllerDefinition, type ControllerSettings, type LoopDefinition } from './controller.ts'

export interface ManagerParts {
  /** A client that acts as `user` and signs as `name`. */
  clientFor(user: UserInfo, name: string): Client
  /** A recorder whose events name `component` and are written by `user`. */
  recorderFor(component: string, user: UserInfo): EventRecorder
  kinds: NonNullable<ControllerContext['kinds']>
  signLegacyToken?: ControllerContext['signLegacyToken']
  signCertificate?: ControllerContext['signCertificate']
  served?: NonNullable<ControllerContext['served']>
  readRemote?(url: string, user: UserInfo): Promise<unknown>
  isCharging?: NonNullable<ControllerContext['isCharging']>
  checkAPIService?: NonNullable<ControllerContext['checkAPIService']>
  informers: Informers
  clock: Clock
  random: Random
  log: Logger
  settings: ControllerSettings
}

const DEFAULT_CONCURRENCY = 5
/** Reasons that losing a race brings about; they are not worth a line. */
const NORMAL = new Set(['Conflict', 'NotFound', 'AlreadyExists'])

const ACCOUNT = 'system:serviceaccount:kube-system:'
/** The groups that names come with here: of what runs inside the API server, of service accounts, of kubelets. */
const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['system:apiserver', ['system:masters']],
  [ACCOUNT, ['system:serviceaccounts', 'system:serviceaccounts:kube-system']],
  ['system:node:', ['system:nodes']],
]

/** Who acts under a name. */
function userNamed(name: string, more: readonly string[] = []): UserInfo {
  const own = GROUPS.find(([prefix]) => name.startsWith(prefix))?.[1] ?? []
  return { name, groups: [...new Set([...own, ...more, 'system:authenticated'])] }
}

/** The program that acts under a name upstream, which is how it signs the fields it sets. */
function programOf(user: Pick<UserInfo, 'name'>, name: string): string {
  if (user.name.startsWith(ACCOUNT)) return 'kube-controller-manager'
  return user.name === 'system:apiserver' ? 'kube-apiserver' : name
}

export class ControllerManager {
  readonly #parts: ManagerParts
  readonly #running: { close(): Promise<void> | void; readonly idle?: boolean }[] = []

  constructor(parts: ManagerParts) {
    this.#parts = parts
  }

  /** Whether nothing that runs has anything to do now. Delayed keys do not count. */
  get idle(): boolean {
    return this.#running.every(({ idle }) => idle ?? true)
  }

  startController(definition: ControllerDefinition): void {
    const controller = new Controller(definition, this.#context(definition))
    this.#running.push(controller)
    controller.start()
  }

  startLoop(definition: LoopDefinition): void {
    this.#running.push(definition.start({ ...this.#context(definition), enqueue: () => {} }))
  }

  /** In the reverse order of starting. */
  async close(): Promise<void> {
    for (const running of this.#running.splice(0).reverse()) await running.close()
  }

  #context({ name, user, manager, component }: { name: string; user?: string; manager?: string; component?: string }): Omit<ControllerContext, 'enqueue'> {
    const { clientFor, recorderFor, kinds, served, isCharging, readRemote, checkAPIService, signLegacyToken, signCertificate, informers, clock, random, log, settings } = this.#parts
    const who = component ?? `${name}-controller`
    const identity = userNamed(user ?? `${ACCOUNT}${name}-controller`)
    return {
      client: clientFor(identity, manager ?? programOf(identity, name)),
      clientFor: ({ name: as, groups }) => clientFor(userNamed(as, groups), programOf({ name: as }, name)),
      kinds,
      signLegacyToken,
      signCertificate,
      ...(served ? { served } : {}),
      ...(readRemote ? { readRemote: (url: string) => readRemote(url, identity) } : {}),
      ...(isCharging ? { isCharging } : {}),
      ...(checkAPIService ? { checkAPIService } : {}),
      informers,
      events: recorderFor(who, identity),
      clock,
      random,
      log: log.child({ controller: name }),
      settings,
    }
  }
}

class Controller {
  readonly queue: Workqueue
  readonly #definition: ControllerDefinition
  readonly #ctx: ControllerContext
  readonly #informer: Informer
  readonly #unsubscribe: (() => void)[] = []
  readonly #workers = new Set<Promise<void>>()
  /** Workers that will look into the queue once more; those that found nothing are not among them, though their promise may not have settled. */
  #looking = 0
  #closed = false

  constructor(definition: ControllerDefinition, ctx: Omit<ControllerContext, 'enqueue'>) {
    this.#definition = definition
    const [baseDelayMs, maxDelayMs] = definition.retryDelaysMs ?? []
    this.queue = new Workqueue({ clock: ctx.clock, baseDelayMs, maxDelayMs })
    this.#ctx = { ...ctx, enqueue: (key, delayMs = 0) => this.queue.addAfter(key, delayMs) }
    this.#informer = ctx.informers.for(definition.for)
  }

  get idle(): boolean {
    return this.queue.idle
  }

  start(): void {
    const { setup, owns = [], watches = {}, wakes } = this.#definition
    setup?.(this.#ctx)
    this.queue.onReady(() => this.#spawn())
    const enqueue = (object: KubeObject) => this.queue.add(keyOf(object))
    this.#subscribe(this.#informer, {
      add: (object) => (!wakes || wakes(object, undefined)) && enqueue(object),
      update: (object, old) => (!wakes || wakes(object, old)) && enqueue(object),
      delete: enqueue,
    })
    // An object that changed hands wakes its former owner too.
    for (const kind of owns) this.#follow(kind, (object, old) => [...this.#ownersOf(object), ...(old ? this.#ownersOf(old) : [])])
    for (const [kind, map] of Object.entries(watches)) this.#follow(kind, (object, old) => map(object, this.#ctx, old))
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
    this.queue.close()
    await Promise.all(this.#workers)
  }

  #subscribe(informer: Informer, handlers: Parameters<Informer['subscribe']>[0]): void {
    this.#unsubscribe.push(informer.subscribe(handlers))
  }

  #follow(kind: string, keysOf: (object: KubeObject, old?: KubeObject) => readonly string[]): void {
    const wake = (object: KubeObject, old?: KubeObject) => {
      for (const key of keysOf(object, old)) this.queue.add(key)
    }
    this.#subscribe(this.#ctx.informers.for(kind), { add: (o) => wake(o), update: wake, delete: (o) => wake(o) })
  }

  #ownersOf({ metadata }: KubeObject): string[] {
    const owner = metadata.ownerReferences?.find((ref) => ref.controller)
    if (!owner || !this.#definition.for.endsWith(`/${owner.kind}`) || owner.apiVersion?.split('/')[0] !== this.#definition.for.split('/')[0]) return []
    return [keyOf({ metadata: { ...(metadata.namespace ? { namespace: metadata.namespace } : {}), name: owner.name ?? '' } })]
  }

  #spawn(): void {
    if (this.#looking >= (this.#definition.concurrency ?? DEFAULT_CONCURRENCY)) return
    this.#looking++
    // The commit that woke us goes on first: handlers must stay short.
    const worker: Promise<void> = Promise.resolve()
      .then(() => this.#work())
      .finally(() => this.#workers.delete(worker))
    this.#workers.add(worker)
  }

  async #work(): Promise<void> {
    for (let key = this.queue.take(); key !== undefined && !this.#closed; key = this.queue.take()) {
      try {
        await this.#reconcile(key)
      } finally {
        this.queue.done(key)
      }
    }
    this.#looking--
  }

  async #reconcile(key: string): Promise<void> {
    const { definition, ctx } = { definition: this.#definition, ctx: this.#ctx }
    const { namespace, name } = splitKey(key)
    try {
      const object = this.#informer.lister.get(namespace, name)
      const result = object ? await definition.reconcile(object, ctx) : await definition.deleted?.(key, ctx)
      this.queue.forget(key)
      if (result?.requeueAfterMs !== undefined) this.queue.addAfter(key, result.requeueAfterMs)
    } catch (error) {
      if (this.#closed) return
      // What the API refuses is said in its own words; where else something fails, the place of it matters.
      if (isStatusError(error)) ctx.log[isNormal(error) ? 'debug' : 'warn']({ error: error.message, reason: error.reason, namespace, name }, 'reconcile failed')
      else ctx.log.error({ err: error, namespace, name }, 'reconcile failed')
      this.queue.addRateLimited(key)
    }
  }
}

/** Others were faster, or the namespace is on its way out: nobody needs to know. */
function isNormal({ reason = '', details }: StatusError): boolean {
  return NORMAL.has(reason) || (details?.causes ?? []).some((cause) => cause.reason === 'NamespaceTerminating')
}
