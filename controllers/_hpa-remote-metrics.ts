/**
 * Figures that other API servers tell: custom.metrics.k8s.io about objects, external.metrics.k8s.io about anything.
 * Models k8s.io/metrics/pkg/client/custom_metrics and external_metrics.
 */
import type { APIService, CrossVersionObjectReference, LabelSelector } from '../schemas/types.ts'
import { isRecord } from '../src/apimachinery/json.ts'
import { selectorFromLabelSelector } from '../src/apimachinery/labels.ts'
import { quantityMilliValue } from '../src/apimachinery/quantity.ts'
import { conditionOf } from '../src/controller/conditions.ts'
import type { ControllerContext } from '../src/controller/controller.ts'
import { groupOf, splitKind } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { ReplicasError, type Sample } from './_hpa-replicas.ts'
import type { MetricSource } from './_hpa-source.ts'

const CUSTOM = 'custom.metrics.k8s.io'
const EXTERNAL = 'external.metrics.k8s.io'
const CUSTOM_VERSIONS = new Set(['v1beta1', 'v1beta2'])
const DEFAULT_WINDOW_MS = 60_000

type Reader = Pick<ControllerContext, 'readRemote' | 'informers' | 'kinds'>

interface Value {
  describedObject?: { name?: string }
  timestamp?: string
  /** In seconds, as v1beta2 and v1beta1 call it. */
  windowSeconds?: number
  window?: number
  value?: string
}

export function remoteMetrics(ctx: Reader): Pick<MetricSource, 'pods' | 'object' | 'external'> {
  return {
    async pods({ namespace, selector }, metric, metricSelector) {
      const values = await fetched('custom', () => customValues(ctx, `namespaces/${namespace}/pods/*/${encodeURIComponent(metric)}`, { labelSelector: String(selector), metricLabelSelector: textOf(metricSelector) }))
      if (values.length === 0) throw new ReplicasError('no metrics returned from custom metrics API')
      return new Map(values.map((value) => [value.describedObject?.name ?? '', sampleOf(value)]))
    },
    async object(namespace, about, metric, metricSelector) {
      const values = await fetched('custom', async () => {
        const found = await customValues(ctx, () => `${objectPath(ctx, namespace, about)}/${encodeURIComponent(metric)}`, { metricLabelSelector: textOf(metricSelector) })
        if (found.length !== 1) throw new Error(`the custom metrics API server returned ${found.length} results when we asked for exactly one`)
        return found
      })
      return sumOf(values)
    },
    async external(namespace, metric, selector) {
      const values = await fetched('external', () => valuesAt(ctx, `${EXTERNAL}/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric)}`, { labelSelector: textOf(selector) }))
      if (values.length === 0) throw new ReplicasError('no metrics returned from external metrics API')
      return sumOf(values)
    },
  }
}

async function fetched<T>(family: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw new ReplicasError(`unable to fetch metrics from ${family} metrics API: ${messageOf(error)}`)
  }
}

async function customValues(ctx: Reader, path: string | (() => string), query: Record<string, string>): Promise<Value[]> {
  const version = customVersion(ctx)
  return valuesAt(ctx, `${CUSTOM}/${version}/${typeof path === 'string' ? path : path()}`, query)
}

/** The version that discovery prefers, of those that are known; what cannot be reached has none there. */
function customVersion({ informers }: Reader): string {
  const services = informers.lister<APIService>('apiregistration.k8s.io/v1/APIService').list().filter(({ spec }) => spec.group === CUSTOM)
  if (services.length === 0) throw new Error(`no custom metrics API (${CUSTOM}) registered`)
  const known = services.filter((service) => conditionOf(service.status?.conditions, 'Available')?.status !== 'False').map(({ spec }) => spec).filter(({ version = '' }) => CUSTOM_VERSIONS.has(version))
  const [best] = known.sort((a, b) => (b.versionPriority ?? 0) - (a.versionPriority ?? 0) || (b.version ?? '').localeCompare(a.version ?? ''))
  if (!best) throw new Error('no known available metric versions found')
  return best.version ?? ''
}

function objectPath({ kinds }: Reader, namespace: string, { apiVersion = '', kind = '', name = '' }: CrossVersionObjectReference): string {
  const group = groupOf(apiVersion)
  // What is told of the namespace itself: no other may be named.
  if (kind === 'Namespace' && group === '') return `namespaces/${namespace}/metrics`
  const served = kinds?.().find((each) => {
    const parts = splitKind(each.kind)
    return parts.kind === kind && groupOf(parts.apiVersion) === group
  })
  const suffix = group ? `.${group}` : ''
  if (!served) throw new Error(`unable to map kind ${kind}${suffix} to resource: no matches for kind "${kind}" in group "${group}"`)
  return `namespaces/${namespace}/${served.plural}${suffix}/${encodeURIComponent(name)}`
}

async function valuesAt({ readRemote }: Reader, path: string, query: Record<string, string>): Promise<Value[]> {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== ''))
  const answer = await readRemote?.(`/apis/${path}${asked.size > 0 ? `?${asked.toString()}` : ''}`)
  return isRecord(answer) && Array.isArray(answer.items) ? (answer.items as Value[]) : []
}

const textOf = (selector: LabelSelector | undefined): string => (selector ? String(selectorFromLabelSelector(selector)) : '')
const milliOf = ({ value }: Value): number => quantityMilliValue(value ?? '0')
const sumOf = (values: readonly Value[]): number => values.reduce((sum, value) => sum + milliOf(value), 0)

function sampleOf(value: Value): Sample {
  const seconds = value.windowSeconds ?? value.window
  return { value: milliOf(value), atMs: Date.parse(value.timestamp ?? ''), windowMs: seconds === undefined ? DEFAULT_WINDOW_MS : seconds * 1000 }
}
