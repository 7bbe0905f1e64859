/** Where a case of behaviour runs: a namespace of a cluster that has controllers, a scheduler and nodes. */
import type { Test } from 'tap'
import { Client, type Answer, type Json } from '../conformance/_client.ts'
import { eventually } from '../helpers/cluster.ts'

const PATIENCE_MS = 60_000

export interface Case {
  name: string
  run(place: Place): Promise<void>
}

export interface Family {
  family: string
  cases: readonly Case[]
}

export class Place {
  constructor(
    readonly t: Test,
    readonly client: Client,
    readonly ns: string,
  ) {}

  in(ns: string): Place {
    return new Place(this.t, this.client, ns)
  }

  /** The path of objects: `apps/v1 deployments/web`, `v1 pods`; of the namespace unless it begins with `cluster`. */
  path(what: string): string {
    const [scope, rest] = what.startsWith('cluster ') ? ['', what.slice('cluster '.length)] : [`/namespaces/${this.ns}`, what]
    const [version = '', resource = ''] = rest.split(' ')
    return `${version === 'v1' ? '/api/v1' : `/apis/${version}`}${scope}/${resource}`
  }

  async make(what: string, object: Json): Promise<Json> {
    const { status, body, text } = await this.client.call(`POST ${this.path(what)}`, { body: object })
    if (status !== 201) throw new Error(`POST ${what} answered ${status}: ${text}`)
    return body
  }

  /** A merge patch. */
  async patch(what: string, body: Json): Promise<void> {
    const { status, text } = await this.client.call(`PATCH ${this.path(what)}`, { body, headers: { 'content-type': 'application/merge-patch+json' } })
    if (status !== 200) throw new Error(`PATCH ${what} answered ${status}: ${text}`)
  }

  delete(what: string, options: Json = {}): Promise<Answer> {
    return this.client.call(`DELETE ${this.path(what)}`, { body: options })
  }

  get(what: string): Promise<Answer> {
    return this.client.call(`GET ${this.path(what)}`)
  }

  async items(what: string): Promise<Json[]> {
    return ((await this.get(what)).body.items ?? []) as Json[]
  }

  /** Waits until the object is as told, in those members that are told of. */
  async reaches(what: string, pattern: unknown): Promise<void> {
    await eventually(async () => fits((await this.get(what)).body, pattern), PATIENCE_MS).catch(() => {})
    this.t.match((await this.get(what)).body, pattern, what)
  }

  async goes(what: string): Promise<void> {
    await eventually(async () => (await this.get(what)).status === 404, PATIENCE_MS)
    this.t.pass(`${what} goes`)
  }

  /** Waits until as many objects are there, and answers them. */
  count(what: string, wanted: number): Promise<Json[]> {
    return eventually(async () => {
      const items = await this.items(what)
      if (items.length === wanted) return items
      throw new Error(`${items.length} ${what} instead of ${wanted}`)
    }, PATIENCE_MS)
  }

  /** Waits for events: each a line of kind, type, reason and message, in which names of pods end at their set's. */
  async tells(...lines: (string | RegExp)[]): Promise<void> {
    for (const line of lines) {
      const isThere = (text: string) => (typeof line === 'string' ? text === line : line.test(text))
      await eventually(async () => (await this.#told()).some(isThere), PATIENCE_MS).catch(() => {})
      this.t.ok((await this.#told()).some(isThere), String(line))
    }
  }

  async #told(): Promise<string[]> {
    return (await this.items('v1 events')).map((event) => {
      const { involvedObject, type, reason, message } = event as { involvedObject: { kind: string }; type: string; reason: string; message: string }
      return `${involvedObject.kind} ${type} ${reason} ${message}`
    })
  }
}

function fits(value: unknown, pattern: unknown): boolean {
  if (pattern instanceof RegExp) return pattern.test(String(value))
  if (pattern === String) return typeof value === 'string'
  if (Array.isArray(pattern)) return Array.isArray(value) && pattern.every((p, i) => fits(value[i], p))
  if (typeof pattern !== 'object' || pattern === null) return value === pattern
  return typeof value === 'object' && value !== null && Object.entries(pattern).every(([key, p]) => fits((value as Json)[key], p))
}

const SERVER = { name: 'c', image: 'registry.k8s.io/pause:3.10' }
const TASK = { name: 'c', image: 'busybox:1.37', command: ['true'] }

/** Pods that run for ever. @param spec more of their spec */
export const template = (app: string, spec: Json = {}): Json => ({ metadata: { labels: { app } }, spec: { terminationGracePeriodSeconds: 0, containers: [SERVER], ...spec } })

/** Pods that end well at once. */
export const task = (spec: Json = {}): Json => ({ spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 0, containers: [TASK], ...spec } })

/** What no node has. */
export const NOWHERE = { nodeSelector: { 'example.com/none': 'such' } }

/** @param spec all but selector and template */
export const workload = (name: string, spec: Json, of: Json = template(name)): Json => ({ metadata: { name }, spec: { selector: { matchLabels: { app: name } }, template: of, ...spec } })

export const pod = (name: string, spec: Json = {}): Json => ({ metadata: { name, labels: { app: name } }, spec: { terminationGracePeriodSeconds: 0, containers: [SERVER], ...spec } })
