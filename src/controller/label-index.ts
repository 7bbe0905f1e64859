/**
 * Finding objects by selector and selectors by object without looking at all of either: an index of objects by label,
 * and one of owners (Services, PodDisruptionBudgets) by one label that their selector asks for. Upstream scans.
 */
import type { Labels, Selector } from '../apimachinery/labels.ts'
import type { Informers } from '../client/lister.ts'
import type { KubeObject } from '../registry/kind.ts'

const LABELS = 'labels'
const SELECTORS = 'selectors'

/** Labels that are of no use for finding many: each value has one object or one generation of objects. */
const UNINDEXED: ReadonlySet<string> = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-completion-index',
  'apps.kubernetes.io/pod-index',
])

const entry = (namespace: string, key: string, value: string) => `${namespace} ${key}=${value}`

function labelKeys(object: KubeObject): string[] {
  const keys: string[] = []
  const { labels, namespace = '' } = object.metadata
  if (labels) for (const key in labels) if (!UNINDEXED.has(key)) keys.push(entry(namespace, key, labels[key] ?? ''))
  return keys
}

/** To be called in `setup` of a controller that uses `selectIndexed` on this kind. */
export function indexLabels(informers: Informers, kind: string): void {
  informers.for(kind).addIndex(LABELS, labelKeys)
}

/** What `lister.select` gives, by way of the index if the selector asks for a certain value of an indexed label. */
export function selectIndexed<T extends KubeObject>(informers: Informers, kind: string, { namespace, selector }: { namespace: string; selector: Selector }): T[] {
  if (selector.matchesNothing) return []
  const lister = informers.lister<T>(kind)
  const pair = indexablePair(selector)
  if (!pair) return lister.select(namespace, selector)
  const found = lister.byIndex(LABELS, entry(namespace, pair[0], pair[1]))
  return selector.requirements.length === 1 ? found : found.filter((object) => selector.matches(object.metadata.labels))
}

function indexablePair(selector: Selector): [string, string] | undefined {
  for (const { key } of selector.requirements) {
    const value = UNINDEXED.has(key) ? undefined : selector.requiresExactMatch(key)
    if (value !== undefined) return [key, value]
  }
  return undefined
}

/** To be called in `setup` of a controller that uses `selecting` on this kind. */
export function indexSelectors<O extends KubeObject>(informers: Informers, kind: string, selector: (owner: O) => Selector): void {
  informers.for<O>(kind).addIndex(SELECTORS, (owner) => {
    const s = selector(owner)
    if (s.matchesNothing) return []
    const pair = indexablePair(s)
    const { namespace = '' } = owner.metadata
    return [pair ? entry(namespace, pair[0], pair[1]) : `${namespace} *`]
  })
}

/** The owners in a namespace whose selector matches these labels. */
export function selecting<O extends KubeObject>(informers: Informers, kind: string, { namespace, labels, selector }: { namespace: string; labels: Labels | undefined; selector: (owner: O) => Selector }): O[] {
  const lister = informers.lister<O>(kind)
  if (lister.size === 0) return []
  const found: O[] = []
  const collect = (key: string) => {
    for (const owner of lister.byIndex(SELECTORS, key)) if (selector(owner).matches(labels)) found.push(owner)
  }
  if (labels) for (const key in labels) if (!UNINDEXED.has(key)) collect(entry(namespace, key, labels[key] ?? ''))
  collect(`${namespace} *`)
  return found
}
