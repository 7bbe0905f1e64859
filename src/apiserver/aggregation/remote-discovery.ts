/**
 * What aggregated API servers say they serve, kept so that discovery and OpenAPI can tell of it at once. Models
 * handler_discovery.go of k8s.io/kube-aggregator/pkg/apiserver and pkg/controllers/openapiv3.
 */
import type { APIResource, APIService } from '../../../schemas/types.ts'
import { isRecord } from '../../apimachinery/json.ts'
import type { Clock, Timer } from '../../clock.ts'
import { type Aggregator, isAvailable } from './aggregator.ts'

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
  /** Where its OpenAPI document is, hash included. */
  openAPI: string | undefined
}

export class RemoteDiscovery {
  readonly #aggregator: Aggregator
  readonly #clock: Clock
  readonly #said = new Map<string, Said>()
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
        const url = this.#said.get(keyOf(service))?.openAPI
        return url === undefined ? [] : [[`apis/${keyOf(service)}`, { serverRelativeURL: url }]]
      }),
    )
  }

  /** Asks all that can be asked. */
  async refresh(): Promise<void> {
    this.#timer?.cancel()
    const services = this.#aggregator.all()
    if (services.length === 0) return
    this.#timer = this.#clock.after(REFRESH_MS, () => void this.refresh())
    await Promise.all(services.map((service) => this.#ask(service)))
  }

  async #ask(service: APIService): Promise<void> {
    const key = keyOf(service)
    const list = await this.#aggregator.fetch(service, `/apis/${key}`)
    if (!isRecord(list) || !Array.isArray(list.resources)) return
    const index = await this.#aggregator.fetch(service, '/openapi/v3')
    const paths = isRecord(index) && isRecord(index.paths) ? index.paths : {}
    const entry = paths[`apis/${key}`]
    const said = { resources: aggregatedResources(list.resources as APIResource[]), openAPI: isRecord(entry) && typeof entry.serverRelativeURL === 'string' ? entry.serverRelativeURL : undefined }
    if (JSON.stringify(said) === JSON.stringify(this.#said.get(key))) return
    this.#said.set(key, said)
    this.#changed()
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
