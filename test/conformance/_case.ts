/** What a case is. Cases name nothing of Orrery: each also passes on a real control plane (CONTRIBUTING.md tells how). */
import type { Test } from 'tap'
import type { Finished, RunOptions } from '../helpers/kubectl.ts'
import type { Client, Json } from './_client.ts'

export interface Step {
  /** Method and path. */
  call: string
  body?: unknown
  headers?: Record<string, string | undefined>
  /** 201 for POST and 200 for all else, unless told. */
  status?: number
  /** What the answer matches, as tap's `match`. */
  match?: unknown
  /** The whole of `metadata.managedFields`, without times, one line an entry: `apply a v1 {"f:data":{"f:x":{}}}`. */
  managers?: readonly string[]
  warnings?: readonly string[]
  headersMatch?: Record<string, unknown>
}

/** Where a case runs: a namespace and a word of its own. */
export interface Place {
  ns: string
  id: string
}

export interface Context extends Place {
  t: Test
  client: Client
  /** kubectl 1.36 in the namespace. */
  kubectl(command: string | readonly string[], options?: RunOptions): Promise<Finished>
  /** Creates an object that must be accepted. */
  make(path: string, object: unknown): Promise<Json>
}

export interface Case {
  name: string
  steps?(place: Place): Step[]
  run?(context: Context): Promise<void>
}

export interface Family {
  family: string
  cases: readonly Case[]
}

export const MERGE = { 'content-type': 'application/merge-patch+json' }
export const STRATEGIC = { 'content-type': 'application/strategic-merge-patch+json' }
export const JSON_PATCH = { 'content-type': 'application/json-patch+json' }
export const APPLY = { 'content-type': 'application/apply-patch+yaml' }
export const TABLE = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }

export const core = (ns: string, resource: string): string => `/api/v1/namespaces/${ns}/${resource}`
export const apps = (ns: string, resource: string): string => `/apis/apps/v1/namespaces/${ns}/${resource}`

export function configMap(name: string, extra: Json = {}): Json {
  const { metadata, ...rest } = extra as { metadata?: object }
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, ...rest }
}

export const container = (name: string, extra: Json = {}): Json => ({ name, image: 'registry.example/app:1', ...extra })

export function pod(name: string, extra: Json = {}): Json {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [container('c')], ...extra } }
}

/** Without pods, so that controllers leave it alone. */
export function deployment(name: string, template: Json = {}): Json {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas: 0, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [container('c')], ...template } } } }
}
