/**
 * Runs one controller over a FakeCluster as the manager would, but only when told: `settle` works until nothing is
 * queued, `step` moves the clock and settles.
 */
import { type ControllerContext, type ControllerDefinition, type Key, keyOf, splitKey } from '../../src/controller/controller.ts'
import { controllerKey } from '../../src/controller/owners.ts'
import type { KubeObject } from '../../src/registry/kind.ts'
import type { FakeCluster } from './fake-client.ts'
import { permittedClient } from './permitted-client.ts'

export class ControllerRun<T extends KubeObject> {
  /** What reconcile threw; the key is tried again a second later. */
  readonly errors: unknown[] = []
  readonly ctx: ControllerContext
  readonly #queue = new Set<Key>()
  readonly #cluster: FakeCluster
  readonly #definition: ControllerDefinition<T>
  readonly #subscriptions: (() => void)[] = []

  constructor(cluster: FakeCluster, definition: ControllerDefinition<T>, overrides: Partial<ControllerContext> = {}) {
    this.#cluster = cluster
    this.#definition = definition
    this.ctx = cluster.context({ client: permittedClient(cluster, definition), enqueue: (key, delayMs) => this.#enqueue(key, delayMs), ...overrides })
    definition.setup?.(this.ctx)
    this.#follow(definition.for, (object, old) => (old && definition.wakes && !definition.wakes(this.#own(object), this.#own(old)) ? [] : [keyOf(object)]))
    for (const kind of definition.owns ?? []) this.#follow(kind, (object, old) => [object, old].flatMap((o) => (o && controllerKey(o, definition.for)) ?? []))
    for (const [kind, keys] of Object.entries(definition.watches ?? {})) this.#follow(kind, (object, old) => keys(object, this.ctx, old))
  }

  async settle(rounds = 200): Promise<void> {
    for (const key of this.#queue) {
      if (rounds-- === 0) throw new Error(`${this.#definition.name} does not settle`)
      this.#queue.delete(key)
      try {
        const result = await this.#reconcile(key)
        if (result?.requeueAfterMs !== undefined) this.#enqueue(key, result.requeueAfterMs)
      } catch (error) {
        this.errors.push(error)
        this.#enqueue(key, 1000)
      }
    }
  }

  async step(ms: number): Promise<void> {
    await this.#cluster.clock.step(ms)
    await this.settle()
  }

  wake(key: Key): void {
    this.#queue.add(key)
  }

  close(): void {
    for (const unsubscribe of this.#subscriptions) unsubscribe()
  }

  async #reconcile(key: Key) {
    const { namespace, name } = splitKey(key)
    const object = this.ctx.informers.lister<T>(this.#definition.for).get(namespace, name)
    return object ? this.#definition.reconcile(object, this.ctx) : this.#definition.deleted?.(key, this.ctx)
  }

  #enqueue(key: Key, delayMs = 0): void {
    if (delayMs > 0) this.#cluster.clock.after(delayMs, () => this.#queue.add(key))
    else this.#queue.add(key)
  }

  #follow(kind: string, keys: (object: KubeObject, old?: KubeObject) => readonly Key[]): void {
    const wake = (object: KubeObject, old?: KubeObject) => {
      for (const key of keys(object, old)) this.#queue.add(key)
    }
    this.#subscriptions.push(this.ctx.informers.for(kind).subscribe({ add: (o) => wake(o), update: wake, delete: (o) => wake(o) }))
  }

  /** Objects under the definition's own kind are of its type. */
  #own(object: KubeObject): T {
    return object as T
  }
}
