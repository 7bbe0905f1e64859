/**
 * What is served, told to clients: the legacy lists (`/api`, `/apis`, `/apis/apps/v1`) and aggregated discovery. Models
 * k8s.io/apiserver/pkg/endpoints/discovery. Documents are made from the scheme and kept until it changes.
 */
import { createHash } from 'node:crypto'
import { isConnectSubresource, isCreateSubresource, isScaleSubresource, type GroupVersionKind, type Subresources } from '../registry/kind.ts'
import { apiVersionOf, priority, type Scheme, type ServedKind } from '../registry/scheme.ts'
import { apiPriority } from '../registry/api-priorities.ts'
import { compareVersions } from '../registry/version-order.ts'
import type { RemoteDiscovery, RemoteGroupVersion } from './aggregation/remote-discovery.ts'

/** The order in which upstream's API services are ranked (groupPriorityMinimum); others follow by name. */
const GROUP_ORDER = [
  'apiregistration.k8s.io', 'apps', 'events.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io', 'autoscaling', 'batch', 'certificates.k8s.io',
  'networking.k8s.io', 'policy', 'rbac.authorization.k8s.io', 'storage.k8s.io', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'scheduling.k8s.io',
  'coordination.k8s.io', 'node.k8s.io', 'discovery.k8s.io', 'resource.k8s.io', 'flowcontrol.apiserver.k8s.io',
]

interface Resource {
  name: string
  /** The kind requests and answers have. */
  kind: GroupVersionKind
  verbs: readonly string[]
}

const SCALE: GroupVersionKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' }
const OBJECT_VERBS = ['get', 'patch', 'update'] as const

/** The subresources of a kind as discovery lists them: by name, and status before scale for custom resources. */
export function subresourcesOf(kind: ServedKind): Resource[] {
  const own = { group: kind.group, version: kind.version, kind: kind.kind }
  const resources = Object.entries((kind.definition.subresources ?? {}) as Subresources<never>)
    .flatMap(([name, s]): Resource[] => {
      if (!s) return []
      if (s === true) return [{ name, kind: own, verbs: OBJECT_VERBS }]
      if (isScaleSubresource(s)) return [{ name, kind: SCALE, verbs: OBJECT_VERBS }]
      if (isCreateSubresource(s) || isConnectSubresource(s)) return [{ name, kind: s.responseKind, verbs: [...s.verbs].sort() }]
      return [{ name, kind: s.responseKind ?? own, verbs: [...(s.verbs ?? OBJECT_VERBS)].sort() }]
    })
  return isCustom(kind) ? resources : resources.sort(byName)
}

interface GroupVersions {
  group: string
  /** Preferred first. */
  versions: { version: string; kinds: ServedKind[]; remote?: RemoteGroupVersion }[]
  rank: number
}

export class Discovery {
  readonly #scheme: Scheme
  readonly #remote: Pick<RemoteDiscovery, 'generation' | 'all'> | undefined
  #generation = ''
  #groups: GroupVersions[] = []
  #documents = new Map<string, object | undefined>()

  /** @param remote what other servers serve under this one's paths */
  constructor(scheme: Scheme, remote?: Pick<RemoteDiscovery, 'generation' | 'all'>) {
    this.#scheme = scheme
    this.#remote = remote
  }

  /** `/api` */
  coreVersions(host: string): object {
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }] }
  }

  /** `/apis` */
  groupList(): object {
    return this.#document('groups', () => ({ kind: 'APIGroupList', apiVersion: 'v1', groups: this.#named().map(groupDocument) })) ?? {}
  }

  /** `/apis/<group>`; undefined where there is none */
  group(name: string): object | undefined {
    return this.#document(`group ${name}`, () => {
      const found = this.#named().find((g) => g.group === name)
      return found && { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(found) }
    })
  }

  /** `/api/v1`, `/apis/<group>/<version>`; undefined where there is none */
  resourceList(group: string, version: string): object | undefined {
    return this.#document(`resources ${group}/${version}`, () => {
      const kinds = this.#all().find((g) => g.group === group)?.versions.find((v) => v.version === version)?.kinds
      return kinds && { kind: 'APIResourceList', ...(group ? { apiVersion: 'v1' } : {}), groupVersion: apiVersionOf({ group, version }), resources: inOrder(kinds.flatMap(legacyResources), kinds) }
    })
  }

  /** Aggregated discovery: of the core group for `/api`, of all others for `/apis`. */
  aggregated(core: boolean): object {
    const items = () => (core ? this.#all().filter((g) => g.group === '') : this.#named()).map(aggregatedGroup)
    return this.#document(core ? 'aggregated core' : 'aggregated', () => ({ kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items: items() })) ?? {}
  }

  #document(key: string, make: () => object | undefined): object | undefined {
    this.#refresh()
    if (!this.#documents.has(key)) this.#documents.set(key, make())
    return this.#documents.get(key)
  }

  #all(): GroupVersions[] {
    this.#refresh()
    return this.#groups
  }

  #named(): GroupVersions[] {
    return this.#all().filter((g) => g.group !== '')
  }

  #refresh(): void {
    const generation = `${this.#scheme.generation} ${this.#remote?.generation ?? 0}`
    if (this.#generation === generation) return
    this.#generation = generation
    this.#documents.clear()
    const byGroup = groupBy(this.#scheme.all(), (k) => k.group)
    const own = [...byGroup].map(([group, kinds]) => ({ group, versions: versionsOf(kinds), rank: rank(group) }))
    this.#groups = withRemote(own, this.#remote?.all() ?? []).sort((a, b) => a.rank - b.rank || (a.group < b.group ? -1 : 1))
  }
}

function versionsOf(kinds: ServedKind[]): GroupVersions['versions'] {
  const highest = (list: ServedKind[]) => Math.max(...list.map(priority))
  const versions = [...groupBy(kinds, (k) => k.version)].map(([version, list]) => ({ version, kinds: list.sort((a, b) => (a.plural < b.plural ? -1 : 1)) }))
  return versions.sort((a, b) => highest(b.kinds) - highest(a.kinds) || compareVersions(b.version, a.version))
}

/** What another server answers hides what this one would. */
function withRemote(groups: GroupVersions[], remote: readonly RemoteGroupVersion[]): GroupVersions[] {
  for (const entry of [...remote].sort((a, b) => b.versionPriority - a.versionPriority || compareVersions(b.version, a.version))) {
    const { group, version, groupPriority } = entry
    let found = groups.find((g) => g.group === group)
    if (!found) groups.push((found = { group, versions: [], rank: rankOfPriority(groupPriority) }))
    found.versions = [...found.versions.filter((v) => v.version !== version), { version, kinds: [], remote: entry }]
  }
  return groups
}

/** Custom resources have this one. */
const CUSTOM_PRIORITY = 1000

/** Where a priority stands among the groups that are ranked. */
function rankOfPriority(priority: number): number {
  if (priority <= CUSTOM_PRIORITY) return GROUP_ORDER.length + (CUSTOM_PRIORITY - priority) / CUSTOM_PRIORITY
  return GROUP_ORDER.filter((group) => (apiPriority({ group, version: 'v1' })?.group ?? Infinity) >= priority).length - 0.5
}

function rank(group: string): number {
  if (group === '') return -1
  const index = GROUP_ORDER.indexOf(group)
  return index < 0 ? GROUP_ORDER.length : index
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

/** Custom resources come one by one, each with its subresources behind it. */
function inOrder(resources: { name: string }[], [first]: readonly ServedKind[]): { name: string }[] {
  return first && isCustom(first) ? resources : resources.sort(byName)
}

const isCustom = (kind: ServedKind): boolean => kind.codec.typeName === undefined

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)

function groupDocument({ group, versions }: GroupVersions) {
  const named = versions.map(({ version }) => ({ groupVersion: apiVersionOf({ group, version }), version }))
  return { name: group, versions: named, preferredVersion: named[0] }
}

function legacyResources(kind: ServedKind): { name: string }[] {
  const { definition } = kind
  const isStored = kind.verbs.includes('get') && !definition.computed
  const resource = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: definition.listedVerbs ?? [...kind.verbs].sort(),
    ...(definition.shortNames?.length ? { shortNames: definition.shortNames } : {}),
    ...(definition.categories?.length ? { categories: definition.categories } : {}),
    ...(isStored ? { storageVersionHash: storageVersionHash(kind.storage.definition) } : {}),
  }
  return [resource, ...subresourcesOf(kind).map((s) => legacySubresource(kind, s))]
}

function legacySubresource(kind: ServedKind, { name, kind: of, verbs }: Resource) {
  const foreign = of.group !== kind.group || of.version !== kind.version
  return { name: `${kind.plural}/${name}`, singularName: '', namespaced: kind.namespaced, ...(foreign ? { group: of.group, version: of.version } : {}), kind: of.kind, verbs }
}

function storageVersionHash({ group, version, encodedVersion = version, kind }: GroupVersionKind & { encodedVersion?: string | undefined }): string {
  return createHash('sha256').update(`${group}/${encodedVersion}/${kind}`).digest().subarray(0, 8).toString('base64')
}

function aggregatedGroup({ group, versions }: GroupVersions) {
  return {
    metadata: { ...(group ? { name: group } : {}) },
    versions: versions.map(({ version, kinds, remote }) => ({ version, resources: remote?.resources ?? kinds.map(aggregatedResource), freshness: remote && !remote.isFresh ? 'Stale' : 'Current' })),
  }
}

function aggregatedResource(kind: ServedKind) {
  const { definition } = kind
  const subresources = subresourcesOf(kind).map(({ name, kind: of, verbs }) => ({ subresource: name, responseKind: relativeKind(kind, of), verbs }))
  return {
    resource: kind.plural,
    responseKind: relativeKind(kind, kind),
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: definition.listedVerbs ?? [...kind.verbs].sort(),
    ...(definition.shortNames?.length ? { shortNames: definition.shortNames } : {}),
    ...(definition.categories?.length ? { categories: definition.categories } : {}),
    ...(subresources.length ? { subresources } : {}),
  }
}

/** Group and version are told only where they differ from those of the list, as upstream's built-in groups do; custom resources tell them always. */
function relativeKind(kind: ServedKind, of: GroupVersionKind): GroupVersionKind {
  const same = !isCustom(kind) && of.group === kind.group && of.version === kind.version
  return { group: same ? '' : of.group, version: same ? '' : of.version, kind: of.kind }
}
