/**
 * What aggregated API servers say they serve, kept so that discovery and OpenAPI can tell of it at once. Models
 * handler_discovery.go of k8s.io/kube-aggregator/pkg/apiserver and pkg/controllers/openapiv3.
 */
import type { APIResource, APIService } from '../../../schemas/types.ts'
import { equalJSON, isRecord } from '../../apimachinery/json.ts'
import type { Clock, Timer } from '../../clock.ts'
import { type Aggregator, isAvailable } from './aggregator.ts'
import type { OpenAPIDocument } from '../openapi-document.ts'
import { pathsOfGroupVersion, type Swagger } from './merge-openapi-v2.ts'
import { convertOpenAPIV2 } from './openapi-v2-to-v3.ts'

export interface RemoteGroupVersion {
  readonly group: string
  readonly version: string
  readonly groupPriority: number
  readonly versionPriority: number
  /** Resources as aggregated discovery lists them. */
  readonly resources: readonly object[]
  /** Whether the other server said so lately. */
  readonly isFresh: boolean
}

const REFRESH_MS = 60_000

interface Said {
  resources: readonly object[]
  /** Where its OpenAPI v3 document is, hash included. */
  openAPI: string | undefined
  /** Whether it has none at all of these. */
  isLegacy: boolean
}

/** What an OpenAPI v2 document of another server says of one group-version. */
export interface RemoteOpenAPIV2 {
  readonly etag: string
  readonly content: Swagger
  /** Made of it where the server has nothing in v3. */
  readonly v3?: OpenAPIDocument
}

export class RemoteDiscovery {
  readonly #aggregator: Aggregator
  readonly #clock: Clock
  readonly #said = new Map<string, Said>()
  readonly #openAPIV2 = new Map<string, RemoteOpenAPIV2>()
  readonly #stop: () => void
  #timer: Timer | undefined
  #all: readonly RemoteGroupVersion[] | undefined
  /** Rises with every change of what is told. */
  generation = 0

  constructor(aggregator: Aggregator, clock: Clock) {
    this.#aggregator = aggregator
    this.#clock = clock
    this.#stop = aggregator.onChange(() => {
      this.#changed()
      void this.refresh()
    })
    void this.refresh()
  }

  close(): void {
    this.#stop()
    this.#timer?.cancel()
  }

  all(): readonly RemoteGroupVersion[] {
    return (this.#all ??= this.#aggregator.all().map((service) => {
      const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = service.spec
      const said = this.#said.get(keyOf(service))
      return { group, version, groupPriority: groupPriorityMinimum, versionPriority, resources: said?.resources ?? [], isFresh: said !== undefined && isAvailable(service) }
    }))
  }

  /** The entries of the OpenAPI v3 index, by name (`apis/group/version`). */
  openAPIPaths(): Record<string, { serverRelativeURL: string }> {
    return Object.fromEntries(
      this.#aggregator.all().flatMap((service) => {
        const key = keyOf(service)
        const converted = this.#openAPIV2.get(key)?.v3
        const url = converted ? `/openapi/v3/apis/${key}?hash=${converted.hash}` : this.#said.get(key)?.openAPI
        return url === undefined ? [] : [[`apis/${keyOf(service)}`, { serverRelativeURL: url }]]
      }),
    )
  }

  /** The OpenAPI v2 documents, those of the most important group first, as upstream sorts them. */
  openAPIV2(): RemoteOpenAPIV2[] {
    const services = this.#aggregator.all()
    const priority = ({ spec: { group } }: APIService) => Math.max(...services.filter(({ spec }) => spec.group === group).map(({ spec }) => spec.groupPriorityMinimum ?? 0))
    return [...services]
      .sort((a, b) => priority(b) - priority(a) || ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
      .flatMap((service) => this.#openAPIV2.get(keyOf(service)) ?? [])
  }

  /** A document at /openapi/v3/NAME that this server has to give, since the other has none. */
  convertedOpenAPIV3(name: string): OpenAPIDocument | undefined {
    return name.startsWith('apis/') ? this.#openAPIV2.get(name.slice('apis/'.length))?.v3 : undefined
  }

  /** Asks all that can be asked. */
  async refresh(): Promise<void> {
    this.#timer?.cancel()
    const services = this.#aggregator.all()
    this.#forgetAllBut(new Set(services.map(keyOf)))
    if (services.length === 0) return
    this.#timer = this.#clock.after(REFRESH_MS, () => void this.refresh())
    await Promise.all(services.map((service) => this.#ask(service)))
  }

  #forgetAllBut(keys: ReadonlySet<string>): void {
    for (const known of [this.#said, this.#openAPIV2]) for (const key of known.keys()) if (!keys.has(key)) known.delete(key)
  }

  async #ask(service: APIService): Promise<void> {
    await this.#askDiscovery(service)
    await this.#askOpenAPIV2(service)
  }

  async #askDiscovery(service: APIService): Promise<void> {
    const key = keyOf(service)
    const list = await this.#json(service, `/apis/${key}`)
    if (!isRecord(list) || !Array.isArray(list.resources)) return
    const index = await this.#json(service, '/openapi/v3')
    const paths = isRecord(index) && isRecord(index.paths) ? index.paths : {}
    const entry = paths[`apis/${key}`]
    const said = { resources: aggregatedResources(list.resources as APIResource[]), openAPI: isRecord(entry) && typeof entry.serverRelativeURL === 'string' ? entry.serverRelativeURL : undefined, isLegacy: index === undefined }
    if (equalJSON(said, this.#said.get(key))) return
    this.#said.set(key, said)
    this.#changed()
  }

  async #askOpenAPIV2(service: APIService): Promise<void> {
    const key = keyOf(service)
    const before = this.#openAPIV2.get(key)
    const isLegacy = this.#said.get(key)?.isLegacy ?? false
    // Another form of it is needed, or no longer.
    const isStale = before !== undefined && isLegacy !== (before.v3 !== undefined)
    const said = await this.#aggregator.fetch(service, '/openapi/v2', isStale ? undefined : before?.etag)
    if (!said?.isNew || !isRecord(said.content)) return
    const content = pathsOfGroupVersion(said.content, key)
    if (!isStale && equalJSON(content, before?.content)) return
    this.#openAPIV2.set(key, { content, etag: said.etag ?? '', ...(isLegacy ? { v3: convertOpenAPIV2(said.content) } : {}) })
    this.#changed()
  }

  async #json(service: APIService, path: string): Promise<unknown> {
    const said = await this.#aggregator.fetch(service, path)
    return said?.isNew ? said.content : undefined
  }

  #changed(): void {
    this.#all = undefined
    this.generation++
  }
}

const keyOf = ({ spec: { group = '', version = '' } }: APIService): string => `${group}/${version}`

/** The resources of a legacy list with their subresources within them. */
function aggregatedResources(resources: readonly APIResource[]): object[] {
  const kindOf = ({ group = '', version = '', kind = '' }: APIResource) => ({ group, version, kind })
  const subresources = (plural: string) =>
    resources
      .filter(({ name = '' }) => name.startsWith(`${plural}/`))
      .map((sub) => ({ subresource: (sub.name ?? '').slice(plural.length + 1), responseKind: kindOf(sub), verbs: sub.verbs ?? [] }))
  return resources
    .filter(({ name = '' }) => !name.includes('/'))
    .map((resource) => {
      const { name = '', namespaced, singularName = '', verbs = [], shortNames = [], categories = [] } = resource
      const below = subresources(name)
      return {
        resource: name,
        responseKind: kindOf(resource),
        scope: namespaced ? 'Namespaced' : 'Cluster',
        singularResource: singularName,
        verbs,
        ...(shortNames.length ? { shortNames } : {}),
        ...(categories.length ? { categories } : {}),
        ...(below.length ? { subresources: below } : {}),
      }
    })
}
