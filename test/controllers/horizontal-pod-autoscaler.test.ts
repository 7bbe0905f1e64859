import t from 'tap'
import type { APIService, HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, Pod, PodMetrics } from '../../schemas/types.ts'
import { History, normalize, type Wish } from '../../controllers/_hpa-limits.ts'
import { averageReplicas, ReplicasError, shareReplicas, utilizationReplicas, valueReplicas, type Sample } from '../../controllers/_hpa-replicas.ts'
import { servedMetrics, type MetricSource } from '../../controllers/_hpa-source.ts'
import autoscalers, { defineAutoscaler } from '../../controllers/horizontal-pod-autoscaler.ts'
import { parseSelector } from '../../src/apimachinery/labels.ts'
import { noSuchResource } from '../../src/errors.ts'
import { FakeCluster } from '../helpers/fake-client.ts'
import { deployment, pod } from '../helpers/objects.ts'
import { ControllerRun } from '../helpers/run-controller.ts'

const NOW = Date.parse('2026-01-01T01:00:00Z')
const AT = '2026-01-01T00:00:00Z'
const TOLERANCES = { down: 0.1, up: 0.1 }

interface Figures {
  /** Pods with their use in thousandths; undefined where it is not known. */
  uses: (number | undefined)[]
  /** Further pods that are not up yet. */
  pending?: number
  /** Further pods that are being deleted. */
  deleted?: number
  request?: string
}

/** Pods in the order of their figures, and the figures. */
function counted({ uses, pending = 0, deleted = 0, request = '1' }: Figures) {
  const made = (name: string, o: Parameters<typeof pod>[1], phase: string): Pod => {
    const base = pod(name, o)
    const startTime = AT
    return { ...base, spec: { ...base.spec, containers: [{ name: 'c', resources: { requests: { cpu: request } } }] }, status: { ...base.status, phase, startTime } }
  }
  const pods = uses.map((_, i) => made(`p${i}`, { node: 'n', readyAt: AT }, 'Running'))
  for (let i = 0; i < pending; i++) pods.push(made(`q${i}`, {}, 'Pending'))
  for (let i = 0; i < deleted; i++) pods.push(made(`d${i}`, { node: 'n', readyAt: AT, deleted: true }, 'Running'))
  const sample = (value: number): Sample => ({ value, atMs: NOW, windowMs: 60_000 })
  const samples = new Map(uses.flatMap((value, i) => (value === undefined ? [] : [[`p${i}`, sample(value)] as const])))
  return { pods, samples, tolerances: TOLERANCES, resource: 'cpu', nowMs: NOW }
}

t.test('replicas by utilization', (t) => {
  const cases: [about: string, figures: Figures, current: number, target: number, expected: [replicas: number, utilization: number, usage: number]][] = [
    ['up', { uses: [300, 500, 700] }, 3, 30, [5, 50, 500]],
    ['down', { uses: [100, 300, 500, 250, 250] }, 5, 50, [3, 28, 280]],
    ['within the tolerance', { uses: [1010, 1030, 1020] }, 3, 100, [3, 102, 1020]],
    ['pods that start count as idle', { uses: [300, 500, 700], pending: 2 }, 3, 30, [3, 50, 500]],
    ['pods that go are left out', { uses: [300, 500, 700], deleted: 2 }, 3, 30, [5, 50, 500]],
    ['unknown ones count as idle on the way up', { uses: [900, 900, undefined] }, 3, 50, [4, 90, 900]],
    ['unknown ones count as busy on the way down', { uses: [100, 100, undefined] }, 3, 60, [2, 10, 100]],
    ['guesses do not turn the direction', { uses: [1100, undefined, undefined] }, 3, 80, [3, 110, 1100]],
  ]
  for (const [about, figures, current, target, expected] of cases) {
    const { replicas, utilization, usage } = utilizationReplicas({ ...counted(figures), current, target, container: '' })
    t.same([replicas, utilization, usage], expected, about)
  }
  const fails = (figures: Figures, container = '') => () => utilizationReplicas({ ...counted(figures), current: 1, target: 50, container })
  t.throws(fails({ uses: [] }), { message: 'no pods returned by selector while calculating replica count' })
  t.throws(fails({ uses: [], pending: 1 }), { message: 'did not receive metrics for targeted pods (pods might be unready)' })
  t.throws(fails({ uses: [100], request: '0' }), { message: 'no metrics returned matched known pods' })
  t.throws(fails({ uses: [100] }, 'other'), { message: 'container other not found in Pod p0' })
  const bare = pod('p0', { node: 'n', readyAt: AT })
  t.throws(() => utilizationReplicas({ ...counted({ uses: [100] }), pods: [{ ...bare, status: { ...bare.status, startTime: AT } }], current: 1, target: 50, container: '' }), { message: /^missing request for cpu in container \S+ of Pod p0$/ })
  const own: Pod = { ...bare, spec: { ...bare.spec, resources: { requests: { cpu: '2' } } }, status: { ...bare.status, startTime: AT } }
  t.match(utilizationReplicas({ ...counted({ uses: [1000] }), pods: [own], current: 1, target: 50, container: '' }), { replicas: 1, utilization: 50 }, 'requests of the pod itself')
  t.end()
})

t.test('a pod that starts does not count yet', (t) => {
  const args = counted({ uses: [900, 900] })
  const started = (startTime: string, ready: string, since: string): Pod[] => {
    const [first, second] = args.pods
    const conditions = [{ type: 'Ready', status: ready, lastTransitionTime: since }]
    return [...(first ? [first] : []), ...(second ? [{ ...second, status: { ...second.status, startTime, conditions } }] : [])]
  }
  const replicas = (pods: Pod[]) => utilizationReplicas({ ...args, pods, current: 2, target: 45, container: '' }).replicas
  t.equal(replicas(started('2026-01-01T00:58:00Z', 'False', '2026-01-01T00:58:00Z')), 2, 'starts and is not ready')
  t.equal(replicas(started('2026-01-01T00:58:00Z', 'True', '2026-01-01T00:59:30Z')), 2, 'its figures reach back before it was ready')
  t.equal(replicas(started('2026-01-01T00:58:00Z', 'True', '2026-01-01T00:58:10Z')), 4)
  t.equal(replicas(started('2026-01-01T00:50:00Z', 'False', '2026-01-01T00:50:10Z')), 2, 'never was ready')
  t.equal(replicas(started('2026-01-01T00:50:00Z', 'False', '2026-01-01T00:55:00Z')), 4, 'was ready once')
  t.end()
})

t.test('replicas by amounts', (t) => {
  const average = (figures: Figures, current: number, target: number) => averageReplicas({ ...counted(figures), resource: '', current, target })
  t.same(average({ uses: [20_000, 10_000, 30_000] }, 3, 15_000), { replicas: 4, usage: 20_000 })
  t.same(average({ uses: [12_000, 12_000, 12_000] }, 3, 32_000), { replicas: 2, usage: 12_000 })
  t.same(average({ uses: [50_000, undefined] }, 2, 20_000), { replicas: 3, usage: 50_000 })
  t.same(average({ uses: [10_000, undefined] }, 2, 20_000), { replicas: 2, usage: 10_000 }, 'an unknown pod is taken to meet the target')

  const value = (usage: number, current = 3, pods = counted({ uses: [1, 1, 1] }).pods) => valueReplicas({ current, usage, target: 15_000, tolerances: TOLERANCES, pods })
  t.same([value(20_000), value(15_500), value(5_000), value(40_000, 0)].map(({ replicas }) => replicas), [4, 3, 1, 3])
  t.throws(() => value(40_000, 3, []), { message: 'unable to calculate ready pods: no pods returned by selector while calculating replica count' })

  const share = (usage: number, current: number) => shareReplicas({ current, usage, target: 2000, tolerances: TOLERANCES })
  t.same(share(8600, 3), { replicas: 5, usage: 2867 })
  t.same(share(6100, 3), { replicas: 3, usage: 2034 })
  t.end()
})

const wish = (o: Partial<Wish>): Wish => ({ current: 3, desired: 3, min: 1, max: 100, behavior: undefined, ...o })

t.test('bounds and stabilization without a behavior', (t) => {
  const cases: [wish: Partial<Wish>, replicas: number, able: string, limited: string][] = [
    [{}, 3, 'ReadyForNewScale', 'False DesiredWithinRange'],
    [{ desired: 6 }, 6, 'ReadyForNewScale', 'False DesiredWithinRange'],
    [{ desired: 7 }, 6, 'ReadyForNewScale', 'True ScaleUpLimit'],
    [{ current: 1, desired: 9 }, 4, 'ReadyForNewScale', 'True ScaleUpLimit'],
    [{ desired: 7, max: 5 }, 5, 'ReadyForNewScale', 'True TooManyReplicas'],
    [{ desired: 0 }, 1, 'ReadyForNewScale', 'True TooFewReplicas'],
  ]
  for (const [o, replicas, able, limited] of cases) {
    const got = normalize(wish(o), new History(), NOW)
    t.same([got.replicas, got.able.reason, `${got.limited.status} ${got.limited.reason}`], [replicas, able, limited], JSON.stringify(o))
  }
  const history = new History()
  history.begin(5, NOW)
  const at = (seconds: number) => normalize(wish({ current: 5, desired: 2 }), history, NOW + seconds * 1000)
  t.match(at(1), { replicas: 5, able: { reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' } })
  t.equal(at(300).replicas, 5)
  t.equal(at(301).replicas, 2)
  t.end()
})

t.test('scaling policies', (t) => {
  const rules = (selectPolicy: string, ...policies: [type: string, value: number][]): HPAScalingRules => ({ stabilizationWindowSeconds: 0, selectPolicy, policies: policies.map(([type, value]) => ({ type, value, periodSeconds: 60 })) })
  const cases: [wish: Partial<Wish>, rules: HPAScalingRules, replicas: number, reason: string][] = [
    [{ current: 10, desired: 100 }, rules('Max', ['Pods', 4], ['Percent', 100]), 20, 'ScaleUpLimit'],
    [{ current: 10, desired: 100 }, rules('Min', ['Pods', 4], ['Percent', 100]), 14, 'ScaleUpLimit'],
    [{ current: 10, desired: 100 }, rules('Disabled', ['Pods', 4]), 10, 'ScaleUpLimit'],
    [{ current: 10, desired: 100, max: 12 }, rules('Max', ['Pods', 4]), 12, 'TooManyReplicas'],
    [{ current: 10, desired: 13 }, rules('Max', ['Pods', 4]), 13, 'DesiredWithinRange'],
    [{ current: 10, desired: 1 }, rules('Max', ['Pods', 4], ['Percent', 50]), 5, 'ScaleDownLimit'],
    [{ current: 10, desired: 1 }, rules('Min', ['Pods', 4], ['Percent', 50]), 6, 'ScaleDownLimit'],
    [{ current: 10, desired: 1 }, rules('Disabled', ['Pods', 4]), 10, 'ScaleDownLimit'],
    [{ current: 10, desired: 1, min: 8 }, rules('Max', ['Pods', 4]), 8, 'TooFewReplicas'],
  ]
  for (const [o, r, replicas, reason] of cases) {
    const got = normalize(wish({ ...o, behavior: { scaleUp: r, scaleDown: r } }), new History(), NOW)
    t.same([got.replicas, got.limited.reason], [replicas, reason], JSON.stringify([o, r]))
  }
  const behavior = { scaleUp: rules('Max', ['Pods', 4]), scaleDown: rules('Max', ['Percent', 50]) }
  const history = new History()
  history.rescaled(6, 10, behavior, NOW)
  t.equal(normalize(wish({ current: 10, desired: 20, behavior }), history, NOW + 59_000).replicas, 10, 'the period is used up')
  t.equal(normalize(wish({ current: 10, desired: 20, behavior }), history, NOW + 60_000).replicas, 14)
  history.rescaled(14, 7, behavior, NOW + 61_000)
  t.equal(normalize(wish({ current: 7, desired: 1, behavior }), history, NOW + 62_000).replicas, 7, 'half of what the period began with')

  const slow = { scaleUp: { ...rules('Max', ['Percent', 900]), stabilizationWindowSeconds: 60 }, scaleDown: rules('Max', ['Percent', 100]) }
  const steady = new History()
  steady.begin(2, NOW)
  t.match(normalize(wish({ current: 2, desired: 9, behavior: slow }), steady, NOW + 30_000), { replicas: 2, able: { reason: 'ScaleUpStabilized' } })
  t.equal(normalize(wish({ current: 2, desired: 9, behavior: slow }), steady, NOW + 61_000).replicas, 9)
  t.end()
})

const CPU: MetricSpec = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } }

function autoscaler(spec: Partial<HorizontalPodAutoscaler['spec']> = {}, name = 'web'): HorizontalPodAutoscaler {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
  return { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name, namespace: 'default' }, spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5, metrics: [CPU], ...spec } }
}

const unknown = () => Promise.reject(new ReplicasError('not known'))
const NO_METRICS: MetricSource = { resource: unknown, pods: unknown, object: unknown, external: unknown }

function cluster(source: Partial<MetricSource>, replicas = 2) {
  const fake = new FakeCluster()
  const web = deployment('web', replicas)
  const target: typeof web = { ...web, status: { replicas } }
  fake.seed(target)
  for (let i = 0; i < replicas; i++) {
    const base = pod(`p${i}`, { node: 'n', readyAt: AT })
    const counted: Pod = { ...base, spec: { ...base.spec, containers: [{ name: 'c', resources: { requests: { cpu: '100m', memory: '64Mi' } } }] }, status: { ...base.status, startTime: AT } }
    fake.seed(counted)
  }
  const run = new ControllerRun(fake, defineAutoscaler(() => ({ ...NO_METRICS, ...source })))
  const read = (name = 'web') => fake.read<HorizontalPodAutoscaler>('autoscaling/v2/HorizontalPodAutoscaler', name)
  const wanted = () => fake.read<ReturnType<typeof deployment>>('apps/v1/Deployment', 'web').spec.replicas
  return { fake, run, read, wanted }
}

const shown = ({ status }: HorizontalPodAutoscaler) => (status?.conditions ?? []).map(({ type, status: s, reason }) => `${type} ${s} ${reason}`)
const each = (value: number) => async () => new Map(['p0', 'p1', 'p2', 'p3'].map((name) => [name, { value, atMs: NOW, windowMs: 0 }]))

t.test('without a target there is nothing to scale', async (t) => {
  const { fake, read } = cluster({})
  const run = new ControllerRun(fake, autoscalers)
  fake.seed(autoscaler({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'absent' } }))
  await run.settle()
  t.same(read().status, {
    conditions: [{ type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', lastTransitionTime: AT, message: 'the HPA controller was unable to get the target\'s current scale: deployments.apps "absent" not found' }],
  })
  t.same(fake.events, ['HorizontalPodAutoscaler/web Warning FailedGetScale: deployments.apps "absent" not found'])
  const writes = fake.writes.length
  await run.step(15_000)
  t.equal(fake.writes.length, writes, 'nothing new is not written')
  t.equal(fake.events.length, 2)
})

t.test('a kind that is not served', async (t) => {
  const { fake } = cluster({})
  const run = new ControllerRun(fake, defineAutoscaler(), { kinds: () => [{ kind: 'apps/v1/Deployment', plural: 'deployments', namespaced: true }] })
  fake.seed(autoscaler({ scaleTargetRef: { apiVersion: 'apps/v1beta1', kind: 'Deployment', name: 'absent' } }))
  fake.seed(autoscaler({ scaleTargetRef: { apiVersion: 'a.example/v1', kind: 'Engine', name: 'absent' } }, 'engine'))
  fake.seed(autoscaler({ scaleTargetRef: { apiVersion: 'a/b/c', kind: 'Engine', name: 'absent' } }, 'odd'))
  await run.settle()
  t.same(fake.events.map((e) => e.replace(/.*?: /, '')), ['deployments.apps "absent" not found', 'no matches for kind "Engine" in group "a.example"', 'unexpected GroupVersion string: a/b/c'])
})

t.test('into its bounds, whatever the metrics say', async (t) => {
  const { fake, run, read, wanted } = cluster({})
  fake.seed(autoscaler({ minReplicas: 3 }))
  await run.settle()
  t.equal(wanted(), 3)
  t.match(read().status, { currentReplicas: 2, desiredReplicas: 3, lastScaleTime: AT })
  t.same(shown(read()), ['AbleToScale True SucceededRescale'])
  t.same(fake.events, ['HorizontalPodAutoscaler/web Normal SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas'])
  fake.edit<HorizontalPodAutoscaler>('autoscaling/v2/HorizontalPodAutoscaler', 'web', ({ spec }) => Object.assign(spec, { minReplicas: 1, maxReplicas: 1 }))
  await run.settle()
  t.equal(wanted(), 1, 'a new spec is followed at once')
  t.equal(fake.events.at(-1), 'HorizontalPodAutoscaler/web Normal SuccessfulRescale: New size: 1; reason: Current number of replicas above Spec.MaxReplicas')
})

t.test('a target at zero is left there', async (t) => {
  const { fake, run, read, wanted } = cluster({ resource: each(1000) }, 0)
  fake.seed(autoscaler())
  await run.settle()
  t.equal(wanted(), 0)
  t.same(shown(read()), ['AbleToScale True SucceededGetScale', 'ScalingActive False ScalingDisabled'])
})

t.test('metrics that nobody serves', async (t) => {
  const withoutMetrics = new FakeCluster()
  const { fake, run, read } = cluster(servedMetrics(withoutMetrics.context({ client: Object.assign(withoutMetrics, { list: () => Promise.reject(noSuchResource()) }) })))
  const known: HorizontalPodAutoscaler = { ...autoscaler(), status: { desiredReplicas: 2 } }
  fake.seed(known)
  await run.settle()
  const why = 'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)'
  t.match(read().status, { currentReplicas: 2, desiredReplicas: 2, currentMetrics: [{ type: '' }] })
  t.same(shown(read()), ['AbleToScale True SucceededGetScale', 'ScalingActive False FailedGetResourceMetric'])
  t.match(read().status?.conditions?.[1]?.message, `the HPA was unable to compute the replica count: ${why}`)
  t.same(fake.events, [
    `HorizontalPodAutoscaler/web Warning FailedGetResourceMetric: ${why}`,
    `HorizontalPodAutoscaler/web Warning FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${why}`,
  ])
})

t.test('follows its metrics up and, later, down', async (t) => {
  let use = 100
  const { fake, run, read, wanted } = cluster({ resource: () => each(use)() })
  fake.seed(autoscaler())
  await run.settle()
  t.equal(wanted(), 4)
  t.equal(fake.events.at(-1), 'HorizontalPodAutoscaler/web Normal SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target')
  t.match(read().status?.currentMetrics, [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 100, averageValue: '100m' } } }])
  t.same(shown(read()), ['AbleToScale True SucceededRescale', 'ScalingActive True ValidMetricFound', 'ScalingLimited False DesiredWithinRange'])
  use = 10
  await run.step(15_000)
  t.equal(wanted(), 4)
  t.match(shown(read()), ['AbleToScale True ScaleDownStabilized'])
  await run.step(301_000)
  t.equal(wanted(), 1)
  t.match(fake.events.at(-1), /New size: 1; reason: All metrics below target$/)
})

t.test('of several metrics the one that wants most counts, and a failing one stops only the way down', async (t) => {
  const memory: MetricSpec = { type: 'ContainerResource', containerResource: { name: 'memory', container: 'c', target: { type: 'AverageValue', averageValue: '32Mi' } } }
  const rps: MetricSpec = { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } }
  const source: Partial<MetricSource> = { resource: async (_query, name) => (name === 'cpu' ? each(25)() : each(48 * 2 ** 20 * 1000)()) }
  const up = cluster(source)
  up.fake.seed(autoscaler({ metrics: [CPU, memory, rps] }))
  await up.run.settle()
  t.equal(up.wanted(), 3)
  t.match(up.fake.events, ['HorizontalPodAutoscaler/web Warning FailedGetPodsMetric: unable to get metric rps: not known', /New size: 3; reason: memory resource above target$/])
  t.match(up.read().status?.currentMetrics, [{ type: 'Resource' }, { containerResource: { container: 'c', current: { averageValue: '48Mi' } } }, { type: '' }])
  const down = cluster(source)
  down.fake.seed(autoscaler({ metrics: [CPU, rps] }))
  await down.run.settle()
  t.equal(down.wanted(), 2)
  t.match(down.fake.events.at(-1), 'invalid metrics (1 invalid out of 2), first error is: failed to get pods metric value: unable to get metric rps: not known')
})

t.test('object and external metrics', async (t) => {
  const describedObject = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' }
  const metric = { name: 'rps', selector: { matchLabels: { verb: 'GET' } } }
  const cases: [spec: MetricSpec, replicas: number, reason: string][] = [
    [{ type: 'Object', object: { describedObject, metric, target: { type: 'Value', value: '20' } } }, 3, 'Ingress metric rps above target'],
    [{ type: 'Object', object: { describedObject, metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } }, 3, 'external metric rps(nil) above target'],
    [{ type: 'External', external: { metric, target: { type: 'Value', value: '10' } } }, 4, 'external metric rps(&LabelSelector{MatchLabels:map[string]string{verb: GET,},MatchExpressions:[]LabelSelectorRequirement{},}) above target'],
    [{ type: 'External', external: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '5' } } }, 4, 'external metric rps(nil) above target'],
  ]
  for (const [spec, replicas, reason] of cases) {
    const { fake, run, wanted } = cluster({ object: async () => 30_000, external: async () => 20_000 })
    fake.seed(autoscaler({ metrics: [spec] }))
    await run.settle()
    t.same([wanted(), fake.events.at(-1)], [replicas, `HorizontalPodAutoscaler/web Normal SuccessfulRescale: New size: ${replicas}; reason: ${reason}`])
    const failing = cluster({})
    failing.fake.seed(autoscaler({ metrics: [spec] }))
    await failing.run.settle()
    t.match(failing.fake.events, [/unable to get (external )?metric .*not known$/, /first error is: failed to get (rps external|object) metric value: .*not known$/])
  }
})

t.test('two that count the same pods stand still', async (t) => {
  const { fake, run, read } = cluster({ resource: each(100) })
  fake.seed(autoscaler(), autoscaler({}, 'web2'))
  await run.settle()
  t.match(read('web2').status?.conditions?.[1], { reason: 'AmbiguousSelector', message: 'pods by selector app=web are controlled by multiple HPAs: [default/web default/web2]' })
  fake.finish('autoscaling/v2/HorizontalPodAutoscaler', 'web')
  await run.settle()
  await run.step(15_000)
  t.match(shown(read('web2')), ['AbleToScale True', 'ScalingActive True'])
})

t.test('a write that is refused', async (t) => {
  const { fake, run, read } = cluster({})
  fake.before = ({ subresource }) => {
    if (subresource === 'scale') throw new Error('no')
  }
  fake.seed(autoscaler({ minReplicas: 3 }))
  await run.settle()
  t.same(fake.events, ['HorizontalPodAutoscaler/web Warning FailedRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas; error: no'])
  t.same(shown(read()), ['AbleToScale False FailedUpdateScale'])
})

t.test('figures of the resource metrics API', async (t) => {
  const fake = new FakeCluster()
  const source = servedMetrics(fake.context({ readRemote: () => Promise.reject(new Error('the server could not find the requested resource (get jobs.external.metrics.k8s.io)')) }))
  const query = { namespace: 'default', selector: parseSelector('app=web') }
  await t.rejects(source.resource(query, 'cpu', ''), { message: 'no metrics returned from resource metrics API' })
  const figures = (name: string, containers: PodMetrics['containers']): PodMetrics => ({ apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics', metadata: { name, namespace: 'default', labels: { app: 'web' } }, timestamp: AT, window: '30s', containers })
  fake.seed(figures('a', [{ name: 'c', usage: { cpu: '100m' } }, { name: 'd', usage: { cpu: '50m' } }]), figures('b', [{ name: 'c', usage: { cpu: '1' } }, { name: 'd', usage: {} }]))
  const sample = (value: number) => ({ value, atMs: Date.parse(AT), windowMs: 30_000 })
  t.same([...(await source.resource(query, 'cpu', ''))], [['a', sample(150)]])
  t.same([...(await source.resource(query, 'cpu', 'c'))], [['a', sample(100)], ['b', sample(1000)]])
  await t.rejects(source.resource(query, 'cpu', 'e'), { message: 'failed to get container metrics: container e not present in metrics for pod default/a' })
  await t.rejects(source.external('default', 'jobs', undefined), { message: 'unable to fetch metrics from external metrics API: the server could not find the requested resource (get jobs.external.metrics.k8s.io)' })
  await t.rejects(source.pods(query, 'rps', undefined), { message: 'unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered' })
})

t.test('figures of aggregated servers', async (t) => {
  const fake = new FakeCluster()
  const item = { describedObject: { name: 'a' }, timestamp: AT, value: '1500m' }
  const about = (kind: string, apiVersion = 'v1') => ({ apiVersion, kind, name: 'main' })
  let items: unknown[] = [item]
  let asked = ''
  const kinds = () => [{ kind: 'networking.k8s.io/v1/Ingress', plural: 'ingresses', namespaced: true }]
  const readRemote = async (url: string) => ({ items: (asked = decodeURIComponent(url)) && items })
  const source = servedMetrics(fake.context({ kinds, readRemote }))
  const query = { namespace: 'default', selector: parseSelector('app=web') }
  const service = (version: string, versionPriority: number) => ({ apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService', metadata: { name: `${version}.custom.metrics.k8s.io` }, spec: { group: 'custom.metrics.k8s.io', version, versionPriority } }) as APIService
  const failure = (why: string) => ({ message: `unable to fetch metrics from custom metrics API: ${why}` })
  await t.rejects(source.pods(query, 'rps', undefined), failure('no custom metrics API (custom.metrics.k8s.io) registered'))
  fake.seed(service('v3', 300))
  await t.rejects(source.pods(query, 'rps', undefined), failure('no known available metric versions found'))
  const away = { ...service('v1beta2', 200), status: { conditions: [{ type: 'Available', status: 'False' }] } } as APIService
  fake.seed(away)
  await t.rejects(source.pods(query, 'rps', undefined), failure('no known available metric versions found'), 'its server cannot be reached')
  fake.finish('apiregistration.k8s.io/v1/APIService', 'v1beta2.custom.metrics.k8s.io')
  fake.seed(service('v1beta1', 100), service('v1beta2', 200))

  t.same([...(await source.pods(query, 'rps', { matchLabels: { verb: 'GET' } }))], [['a', { value: 1500, atMs: Date.parse(AT), windowMs: 60_000 }]])
  t.equal(asked, '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/rps?labelSelector=app=web&metricLabelSelector=verb=GET')
  t.equal(await source.object('default', about('Ingress', 'networking.k8s.io/v1'), 'rps', undefined), 1500)
  t.equal(asked, '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/ingresses.networking.k8s.io/main/rps')
  await source.object('default', about('Namespace'), 'rps', undefined)
  t.equal(asked, '/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/metrics/rps')
  await t.rejects(source.object('default', about('Thing', 'x.io/v1'), 'rps', undefined), failure('unable to map kind Thing.x.io to resource: no matches for kind "Thing" in group "x.io"'))
  items = [item, { ...item, value: '2' }]
  await t.rejects(source.object('default', about('Namespace'), 'rps', undefined), failure('the custom metrics API server returned 2 results when we asked for exactly one'))
  t.equal(await source.external('default', 'jobs', { matchLabels: { queue: 'q' } }), 3500)
  t.equal(asked, '/apis/external.metrics.k8s.io/v1beta1/namespaces/default/jobs?labelSelector=queue=q')
  items = []
  await t.rejects(source.external('default', 'jobs', undefined), { message: 'no metrics returned from external metrics API' })
  await t.rejects(source.pods(query, 'rps', undefined), { message: 'no metrics returned from custom metrics API' })
})
