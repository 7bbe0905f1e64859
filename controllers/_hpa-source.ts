/**
 * Where the figures of autoscalers come from: the resource metrics API where it is served, and what aggregated servers
 * tell. Models k8s.io/kubernetes/pkg/controller/podautoscaler/metrics.
 */
import type { CrossVersionObjectReference, LabelSelector, PodMetrics } from '../schemas/types.ts'
import { parseDuration } from '../src/apimachinery/go-duration.ts'
import type { Selector } from '../src/apimachinery/labels.ts'
import { quantityMilliValue } from '../src/apimachinery/quantity.ts'
import type { Client } from '../src/client/client.ts'
import type { ControllerContext } from '../src/controller/controller.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { isStatusError } from '../src/errors.ts'
import { remoteMetrics } from './_hpa-remote-metrics.ts'
import { ReplicasError, type Sample, type Samples } from './_hpa-replicas.ts'

const POD_METRICS = 'metrics.k8s.io/v1beta1/PodMetrics'
const NS_PER_MS = 1e6

export interface PodQuery {
  namespace: string
  selector: Selector
}

/** All amounts are in thousandths. Every method rejects with a ReplicasError when there are no figures. */
export interface MetricSource {
  /** @param container '' for the whole pod */
  resource(query: PodQuery, resource: string, container: string): Promise<Samples>
  pods(query: PodQuery, metric: string, selector: LabelSelector | undefined): Promise<Samples>
  object(namespace: string, about: CrossVersionObjectReference, metric: string, selector: LabelSelector | undefined): Promise<number>
  external(namespace: string, metric: string, selector: LabelSelector | undefined): Promise<number>
}

export function servedMetrics(ctx: ControllerContext): MetricSource {
  return {
    async resource({ namespace, selector }, resource, container) {
      const metrics = await podMetrics(ctx.client, namespace, String(selector))
      if (metrics.length === 0) throw new ReplicasError('no metrics returned from resource metrics API')
      const lacking = metrics.find(({ containers = [] }) => container !== '' && !containers.some(({ name }) => name === container))
      if (lacking) throw new ReplicasError(`failed to get container metrics: container ${container} not present in metrics for pod ${namespace}/${lacking.metadata.name ?? ''}`)
      return new Map(metrics.flatMap((m) => sampleOf(m, resource, container)))
    },
    ...remoteMetrics(ctx),
  }
}

async function podMetrics(client: Pick<Client, 'list'>, namespace: string, labelSelector: string): Promise<PodMetrics[]> {
  try {
    return await client.list<PodMetrics>(POD_METRICS, { namespace, labelSelector })
  } catch (error) {
    const why = isStatusError(error, 'NotFound') ? notServed('pods.metrics.k8s.io') : messageOf(error)
    throw new ReplicasError(`unable to fetch metrics from resource metrics API: ${why}`)
  }
}

const notServed = (resource: string): string => `the server could not find the requested resource (get ${resource})`

/** What a pod used, if all that is asked for is known. */
function sampleOf({ metadata, timestamp = '', window = '', containers = [] }: PodMetrics, resource: string, container: string): [string, Sample][] {
  const asked = container === '' ? containers : containers.filter(({ name }) => name === container)
  const values = asked.map(({ usage }) => usage?.[resource])
  if (values.length === 0 || values.includes(undefined)) return []
  const value = values.reduce((sum, q) => sum + quantityMilliValue(q ?? '0'), 0)
  return [[metadata.name ?? '', { value, atMs: Date.parse(timestamp), windowMs: Number(parseDuration(window)) / NS_PER_MS }]]
}
