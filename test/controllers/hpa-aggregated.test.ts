/** Autoscalers that go by what aggregated API servers tell of pods, of an object, and of anything outside. */
import t from 'tap'
import type { HorizontalPodAutoscaler } from '../../schemas/types.ts'
import { FakeClock } from '../../src/clock.ts'
import { eventually } from '../helpers/cluster.ts'
import { startApiCluster } from '../helpers/http.ts'
import { startJsonServer } from '../helpers/json-server.ts'

const STEP_MS = 5000
const PATIENCE_MS = 60_000
const NS = 'default'
const AUTOSCALERS = `/apis/autoscaling/v2/namespaces/${NS}/horizontalpodautoscalers`
const CUSTOM = '/apis/custom.metrics.k8s.io/v1beta2'
const EXTERNAL = '/apis/external.metrics.k8s.io/v1beta1'

const deployment = (name: string) => ({
  metadata: { name },
  spec: { replicas: 1, selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'registry.k8s.io/pause:3.10' }] } } },
})

const autoscaler = (name: string, metric: object) => ({ metadata: { name }, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name }, minReplicas: 1, maxReplicas: 9, metrics: [metric] } })

t.test('figures of other API servers', async (t) => {
  const clock = new FakeClock()
  const api = await startApiCluster(t, { nodes: [{ name: 'node-1' }], clock })
  const podNames = async (app: string) => ((await api.get(`/api/v1/namespaces/${NS}/pods?labelSelector=app%3D${app}`)).body.items ?? []).map(({ metadata }) => metadata.name)
  let ofPods: (string | undefined)[] = []
  const value = (describedObject: object, amount: string) => ({ describedObject, metric: { name: 'm' }, timestamp: new Date(clock.now()).toISOString(), value: amount })
  const server = await startJsonServer(t, (path) => {
    const { pathname } = new URL(path, 'https://metrics')
    if (pathname === `${CUSTOM}/namespaces/${NS}/pods/*/rps` || pathname === `${CUSTOM}/namespaces/${NS}/pods/%2A/rps`) return { kind: 'MetricValueList', items: ofPods.map((name) => value({ kind: 'Pod', name }, '30')) }
    if (pathname === `${CUSTOM}/namespaces/${NS}/services/front/hits`) return { kind: 'MetricValueList', items: [value({ kind: 'Service', name: 'front' }, '2500m')] }
    if (pathname === `${EXTERNAL}/namespaces/${NS}/queue`) return { kind: 'ExternalMetricValueList', items: [{ metricName: 'queue', value: '3' }, { metricName: 'queue', value: '4' }] }
    return { kind: 'APIResourceList', apiVersion: 'v1', resources: [] }
  })
  await api.make('/api/v1/namespaces/default/services', { metadata: { name: 'metrics' }, spec: { type: 'ExternalName', externalName: 'localhost' } })
  for (const [group, version] of [['custom.metrics.k8s.io', 'v1beta2'], ['external.metrics.k8s.io', 'v1beta1']] as const) {
    const service = { namespace: NS, name: 'metrics', port: Number(new URL(server.url).port) }
    await api.make('/apis/apiregistration.k8s.io/v1/apiservices', { metadata: { name: `${version}.${group}` }, spec: { group, version, service, insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100 } })
  }
  for (const name of ['by-pods', 'by-object', 'by-outside']) await api.make(`/apis/apps/v1/namespaces/${NS}/deployments`, deployment(name))
  const until = (probe: () => Promise<boolean>) =>
    eventually(async () => {
      await clock.step(STEP_MS)
      return probe()
    }, PATIENCE_MS)
  await until(async () => (ofPods = await podNames('by-pods')).length === 1)
  await api.make(AUTOSCALERS, autoscaler('by-pods', { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } }))
  await api.make(AUTOSCALERS, autoscaler('by-object', { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { apiVersion: 'v1', kind: 'Service', name: 'front' }, target: { type: 'AverageValue', averageValue: '500m' } } }))
  await api.make(AUTOSCALERS, autoscaler('by-outside', { type: 'External', external: { metric: { name: 'queue', selector: { matchLabels: { name: 'mail' } } }, target: { type: 'AverageValue', averageValue: '2' } } }))
  const status = async (name: string) => ((await api.get(`${AUTOSCALERS}/${name}`)).body as unknown as HorizontalPodAutoscaler).status
  for (const [name, replicas] of [['by-pods', 3], ['by-object', 5], ['by-outside', 4]] as const) {
    await until(async () => (await status(name))?.desiredReplicas === replicas && (await podNames(name)).length === replicas)
    t.match((await status(name))?.conditions?.find((c) => c.type === 'ScalingActive'), { status: 'True', reason: 'ValidMetricFound' }, name)
  }
  await until(async () => (await status('by-outside'))?.currentMetrics?.[0] !== undefined)
  t.match((await status('by-outside'))?.currentMetrics?.[0], { type: 'External', external: { metric: { name: 'queue' }, current: { averageValue: '1750m' } } })
  const asked = server.asked.map(({ path }) => path)
  t.ok(asked.some((path) => path === `${EXTERNAL}/namespaces/${NS}/queue?labelSelector=name%3Dmail`), 'with the selector of the metric')
})
