/**
 * The OpenAPI v2 documents of aggregated API servers within this server's own, so that clients that know only one document
 * find all kinds in it. What two servers call by one name and mean differently gets a name of its own. Models
 * k8s.io/kube-openapi/pkg/aggregator and k8s.io/kube-aggregator/pkg/controllers/openapi/aggregator.
 */
import { equalJSON, isRecord } from '../../apimachinery/json.ts'
import { contentOf, openAPIDocument, type OpenAPIDocument } from '../openapi-document.ts'
import type { RemoteOpenAPIV2 } from './remote-discovery.ts'

type Members = Record<string, unknown>
export type Swagger = Members

const GVK = 'x-kubernetes-group-version-kind'
/** The sections whose members are referred to by name. */
const NAMED = ['definitions', 'parameters'] as const

const section = (spec: Swagger, name: string): Members => (isRecord(spec[name]) ? spec[name] : {})

/** Of another server's document, what is about a group-version. */
export function pathsOfGroupVersion(spec: Swagger, groupVersion: string): Swagger {
  return isRecord(spec.paths) ? withPaths(spec, (path) => path.startsWith(`/apis/${groupVersion}/`)) : spec
}

/** Fewer paths, and without the definitions that only the others used. */
function withPaths(spec: Swagger, isKept: (path: string) => boolean): Swagger {
  const before = usedDefinitions(spec)
  const kept = { ...spec, paths: Object.fromEntries(Object.entries(section(spec, 'paths')).filter(([path]) => isKept(path))) }
  const after = usedDefinitions(kept)
  return { ...kept, definitions: Object.fromEntries(Object.entries(section(spec, 'definitions')).filter(([name]) => after.has(name) || !before.has(name))) }
}

/** Names of definitions that paths lead to. */
function usedDefinitions(spec: Swagger): Set<string> {
  const used = { definitions: new Set<string>(), parameters: new Set<string>() }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return void value.forEach(visit)
    if (!isRecord(value)) return
    for (const [key, member] of Object.entries(value)) {
      if (key === '$ref' && typeof member === 'string') follow(member)
      else visit(member)
    }
  }
  const follow = (reference: string): void => {
    for (const name of NAMED) {
      const prefix = `#/${name}/`
      const key = reference.slice(prefix.length)
      if (!reference.startsWith(prefix) || used[name].has(key)) continue
      used[name].add(key)
      visit(section(spec, name)[key])
    }
  }
  visit(spec.paths)
  return used.definitions
}

/** @param dest is changed; `source` is not */
function merge(dest: Swagger, source: Swagger): void {
  if (!isRecord(source.paths)) return
  const own = section(dest, 'paths')
  const names = Object.keys(source.paths)
  const fresh = new Set(names.filter((path) => !Object.hasOwn(own, path)))
  if (fresh.size === 0) return
  const kept = fresh.size < names.length ? withPaths(source, (path) => fresh.has(path)) : source
  const renamed = rename(kept, new Map(NAMED.flatMap((name) => conflicts(dest, kept, name))))
  for (const name of NAMED) {
    const target = section(dest, name)
    for (const [key, value] of Object.entries(section(renamed, name))) target[key] = Object.hasOwn(target, key) ? withKindsOf(target[key], value) : value
    dest[name] = target
  }
  dest.paths = { ...own, ...section(renamed, 'paths') }
}

/** Old and new references of those members that `dest` has otherwise. */
function conflicts(dest: Swagger, source: Swagger, name: (typeof NAMED)[number]): [string, string][] {
  const theirs = section(dest, name)
  const ours = section(source, name)
  const taken = new Set(Object.keys(theirs))
  return Object.entries(ours).flatMap(([key, value]): [string, string][] => {
    if (!Object.hasOwn(theirs, key) || isSame(theirs[key], value)) return []
    let count = 2
    const next = () => `${key}_v${count}`
    while (Object.hasOwn(theirs, next()) && !isSame(theirs[next()], value)) count++
    if (!Object.hasOwn(theirs, next())) while (taken.has(next()) || Object.hasOwn(ours, next())) count++
    taken.add(next())
    return [[`#/${name}/${key}`, `#/${name}/${next()}`]]
  })
}

/** Whether two definitions say the same, whichever kinds they say it of. */
function isSame(a: unknown, b: unknown): boolean {
  return equalJSON(withoutKinds(a), withoutKinds(b))
}

function withoutKinds(value: unknown): unknown {
  return isRecord(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => key !== GVK)) : value
}

function rename(spec: Swagger, renames: ReadonlyMap<string, string>): Swagger {
  if (renames.size === 0) return spec
  const replaced = replaceReferences(spec, renames) as Swagger
  for (const name of NAMED) {
    const last = (reference: string) => reference.slice(`#/${name}/`.length)
    replaced[name] = Object.fromEntries(Object.entries(section(replaced, name)).map(([key, value]) => [last(renames.get(`#/${name}/${key}`) ?? `#/${name}/${key}`), value]))
  }
  return replaced
}

function replaceReferences(value: unknown, renames: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) return value.map((item) => replaceReferences(item, renames))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, key === '$ref' && typeof member === 'string' ? (renames.get(member) ?? member) : replaceReferences(member, renames)]))
}

interface GroupVersionKind {
  group?: string
  version?: string
  kind?: string
}

/** A definition that is there already, of the kinds of another one too. */
function withKindsOf(existing: unknown, other: unknown): unknown {
  const [own, theirs] = [existing, other].map((d) => (isRecord(d) && Array.isArray(d[GVK]) ? (d[GVK] as GroupVersionKind[]) : undefined))
  if (!isRecord(existing) || !theirs) return existing
  const keyOf = ({ group = '', version = '', kind = '' }: GroupVersionKind) => `${group}/${version}.${kind}`
  const known = new Set(own?.map(keyOf))
  const added = theirs.filter((gvk) => !known.has(keyOf(gvk)))
  if (added.length === 0) return existing
  return { ...existing, [GVK]: own ? [...own, ...added].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) : added }
}

/** Keeps the last merged document, for it is large. */
export class MergedOpenAPIV2 {
  #last: { own: OpenAPIDocument; remote: readonly RemoteOpenAPIV2[]; merged: OpenAPIDocument } | undefined

  /** @param remote what other servers say, the most important first */
  document(own: OpenAPIDocument, remote: readonly RemoteOpenAPIV2[]): OpenAPIDocument {
    if (remote.length === 0) return own
    const last = this.#last
    const isKnown = last?.own === own && last.remote.length === remote.length && remote.every((entry, i) => entry === last.remote[i])
    if (!this.#last || !isKnown) this.#last = { own, remote, merged: mergeAll(own, remote) }
    return this.#last.merged
  }
}

function mergeAll(own: OpenAPIDocument, remote: readonly RemoteOpenAPIV2[]): OpenAPIDocument {
  const merged = contentOf(own) as Swagger
  for (const { content } of remote) merge(merged, content)
  return openAPIDocument(merged)
}
