/** What a real server of the release serves by default, for comparison with what is served here. */
import fs from 'node:fs'
import { assetPath } from '../src/assets.ts'

/** An APIResource as legacy discovery lists it; subresources are named `pods/log`. */
export interface ResourceFacts {
  name: string
  singularName: string
  kind: string
  namespaced: boolean
  verbs: string[]
  shortNames?: string[]
  categories?: string[]
  /** Set where they differ from those of the group-version that lists it. */
  group?: string
  version?: string
  storageVersionHash?: string
}

export interface DiscoveryFacts {
  /** In upstream's order, versions by preference; without the core group. */
  groups: { name: string; versions: string[] }[]
  /** By group-version (`v1`, `apps/v1`). */
  resources: Record<string, ResourceFacts[]>
}

export function upstreamDiscovery(): DiscoveryFacts {
  // Written by our own generator, and compared with it by `npm run verify`.
  return JSON.parse(fs.readFileSync(assetPath('schemas/data/resources.json'), 'utf8')) as DiscoveryFacts
}
