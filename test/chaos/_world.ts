/**
 * A cluster that chaos happens to: it can be restarted on its state, and its time passes as its clock lets it. On a clock
 * that is stepped it runs inside; on that of the host it is a process, and a restart is a `kill -9`.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Test } from 'tap'
import type { ConfigMap } from '../../schemas/types.ts'
import { FakeClock, SeededRandom, SystemClock, type Clock } from '../../src/clock.ts'
import { ApiTester } from '../helpers/http.ts'
import { startInside, startProcess, type Running } from './_running.ts'

export const NODES = ['node-1', 'node-2', 'node-3', 'node-4']
/** How many are under way when a cluster is ended. */
const WRITES = 8

export class World {
  readonly random: SeededRandom
  /** What happened last, for the report of a failure. */
  readonly log: string[] = []
  /** What each node has. By default so much that all would fit on one of them. */
  readonly capacity: Record<string, string>
  readonly #clock: Clock
  readonly #dir = fs.mkdtempSync(path.join(os.tmpdir(), 'orrery-chaos-'))
  #cluster: Running | undefined
  #api: ApiTester | undefined

  constructor(t: Test, { seed, clock, podsPerNode = 250 }: { seed: number; clock: Clock; podsPerNode?: number }) {
    this.capacity = { cpu: '32', memory: '64Gi', pods: String(podsPerNode) }
    this.random = new SeededRandom(seed)
    this.#clock = clock
    t.teardown(async () => {
      await this.stop()
      fs.rmSync(this.#dir, { recursive: true, force: true })
    })
  }

  get api(): ApiTester {
    if (!this.#api) throw new Error('the cluster is not running')
    return this.#api
  }

  async start(): Promise<void> {
    const toStart = { dir: this.#dir, nodes: NODES.map((name) => ({ name, capacity: this.capacity })) }
    this.#cluster = await (this.#clock instanceof FakeClock ? startInside(toStart, { clock: this.#clock, random: this.random }) : startProcess(toStart))
    this.#api = new ApiTester(this.#cluster)
  }

  async stop(): Promise<void> {
    await this.#cluster?.stop()
    this.#api?.close()
    this.#api = this.#cluster = undefined
  }

  /** Ends it in the middle of writes, and starts it again: what was acknowledged must be there. */
  async restart(): Promise<void> {
    const path = '/api/v1/namespaces/default/configmaps'
    const writes = Array.from({ length: WRITES }, () => this.api.post(path, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'kept-' } }).catch(() => undefined))
    await writes[this.random.int(WRITES)]
    await this.stop()
    const acknowledged = (await Promise.all(writes)).flatMap((answer) => (answer?.status === 201 ? [answer.body.metadata.name] : []))
    await this.start()
    const kept = new Set((await this.list<ConfigMap>(path)).map(({ metadata }) => metadata.name))
    const lost = acknowledged.filter((name) => !kept.has(name))
    if (lost.length > 0) throw new Error(`written before a restart and lost: ${lost.join(', ')}`)
    await this.api.delete(path)
  }

  async pass(ms: number): Promise<void> {
    if (this.#clock instanceof FakeClock) await this.#clock.step(ms)
    else await new SystemClock().sleep(ms)
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.random.int(list.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  /** @param resource its path; what comes back is of its kind */
  async list<T>(resource: string): Promise<T[]> {
    const { status, text, body } = await this.api.get(resource)
    if (status !== 200) throw new Error(`GET ${resource} answered ${status}: ${text}`)
    return (body.items ?? []) as T[]
  }
}
