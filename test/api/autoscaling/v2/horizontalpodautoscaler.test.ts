import t from 'tap'
import v1 from '../../../../api/autoscaling/v1/horizontalpodautoscaler.ts'
import kinds from '../../../../api/autoscaling/v2/horizontalpodautoscaler.ts'
import { apiVersionError } from '../../../../api/autoscaling/v2/_hpa-validation.ts'
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerV1, MetricSpec, MetricStatus } from '../../../../schemas/types.ts'
import { cells } from '../../../helpers/cells.ts'
import { startApi } from '../../../helpers/in-process-api.ts'
import { checkRefusals, stored } from '../../../helpers/refusals.ts'

const metadata = { name: 'a', namespace: 'ns' }
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const V2 = { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata, spec: { scaleTargetRef, maxReplicas: 5 } }
const V1 = { ...V2, apiVersion: 'autoscaling/v1' }
const PREFIX = 'autoscaling.alpha.kubernetes.io/'
const CPU_80 = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }
const PERCENT = { type: 'Percent', value: 100, periodSeconds: 15 }

t.test('what is filled in', async (t) => {
  t.match((await stored(t, V2)).spec, { minReplicas: 1, metrics: [CPU_80], behavior: undefined })
  t.match((await stored(t, { ...V2, spec: { ...V2.spec, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } } })).spec, {
    behavior: {
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, PERCENT] },
      scaleDown: { stabilizationWindowSeconds: 60, selectPolicy: 'Max', policies: [PERCENT] },
    },
  })
})

t.test('what is refused', (t) => {
  const metric = 'spec.metrics[0]'
  const up = 'spec.behavior.scaleUp'
  const metrics = (...list: object[]) => ({ 'spec.metrics': list })
  return checkRefusals(t, V2, [
    ['no most', { 'spec.maxReplicas': 0 }, 'spec.maxReplicas: Required value: must be set and greater than 0', 'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`'],
    ['down to nothing', { 'spec.minReplicas': 0 }, 'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1', 'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas'],
    ['less than the least', { 'spec.minReplicas': 6 }, 'spec.maxReplicas: Invalid value: 5: must be greater than or equal to `minReplicas`'],
    ['no target', { 'spec.scaleTargetRef': {} }, 'spec.scaleTargetRef.kind: Required value', 'spec.scaleTargetRef.name: Required value', 'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group'],
    ['a metric of no type', metrics({}), `${metric}.type: Required value: must specify a metric source type`, ...Array<string>(2).fill(`${metric}.type: Unsupported value: "": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"`)],
    ['a metric that is not told', metrics({ type: 'Pods' }), `${metric}.pods: Required value: must populate information for the given metric source`],
    ['two metrics in one', metrics({ ...CPU_80, pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } } }), `${metric}.pods: Forbidden: must populate the given metric source only`],
    ['no goal', metrics({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }), `${metric}.resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization`],
    ['two goals', metrics({ type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1', averageValue: '1' } } }), `${metric}.external.target.value: Forbidden: may not set both a target value for metric and a per-pod target`],
    ['no policy type', { [`${up}.policies`]: [{ value: 1, periodSeconds: 1 }] }, `${up}.policies[0].type: Unsupported value: "": supported values: "Percent", "Pods"`],
    ['a long period', { [`${up}.policies`]: [{ type: 'Pods', value: 0, periodSeconds: 1801 }] }, `${up}.policies[0].value: Invalid value: 0: must be greater than zero`, `${up}.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800`],
    ['a long window', { [`${up}.stabilizationWindowSeconds`]: 3601 }, `${up}.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600`],
    ['an unknown choice', { [`${up}.selectPolicy`]: 'Some' }, `${up}.selectPolicy: Unsupported value: "Some": supported values: "Disabled", "Max", "Min"`],
  ])
})

t.test('a list of no policies is not the same as none', async (t) => {
  const { api } = await startApi(t)
  const kind = api.scheme.all().find((k) => k.apiVersion === 'autoscaling/v2' && k.kind === 'HorizontalPodAutoscaler')
  const { object } = kind?.codec.decode({ ...V2, spec: { ...V2.spec, behavior: { scaleUp: { policies: [] }, scaleDown: {} } } }) ?? { object: V2 }
  kind?.definition.default?.(object)
  const ctx = api.context({ user: { name: '', groups: [] }, namespace: 'ns', dryRun: false, fieldManager: '', fieldValidation: 'Ignore' })
  t.same(kind?.definition.validate?.(object, ctx).map((error) => `${error.field}: ${error.body}`), ['spec.behavior.scaleUp.policies: Required value: must specify at least one Policy'])
})

t.test('groups of targets', async (t) => {
  const strict = { allowEmptyGroup: false, allowInvalidVersion: false }
  t.equal(apiVersionError('apps/v1', strict), undefined)
  t.equal(apiVersionError('v1', strict), 'apiVersion must specify API group')
  t.equal(apiVersionError('a/b/c', strict), 'unexpected GroupVersion string: a/b/c')
  t.equal(apiVersionError('v1', { ...strict, allowEmptyGroup: true }), undefined)
  t.equal(apiVersionError('a/b/c', { ...strict, allowInvalidVersion: true }), undefined)
})

const POD_METRIC: MetricSpec = { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '10' } } }
const SOURCES: MetricSpec[] = [
  POD_METRIC,
  { type: 'Object', object: { describedObject: { kind: 'K', name: 'n', apiVersion: 'v1' }, metric: { name: 'm' }, target: { type: 'Value', value: '3' } } },
  { type: 'Object', object: { describedObject: { kind: 'K', name: 'n', apiVersion: 'v1' }, metric: { name: 'm', selector: { matchLabels: { a: 'b' } } }, target: { type: 'AverageValue', averageValue: '3' } } },
  { type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '3' } } },
  { type: 'External', external: { metric: { name: 'm', selector: { matchLabels: { a: 'b' } } }, target: { type: 'AverageValue', averageValue: '3' } } },
  { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
  { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 60 } } },
]
const CURRENT: MetricStatus[] = [
  { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 42, averageValue: '420m' } } },
  { type: 'Pods', pods: { metric: { name: 'hits' }, current: { averageValue: '7' } } },
  { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'c', current: { averageUtilization: 10, averageValue: '1' } } },
  { type: 'Object', object: { describedObject: { kind: 'K', name: 'n', apiVersion: 'v1' }, metric: { name: 'm' }, current: { value: '3' } } },
  { type: 'External', external: { metric: { name: 'm' }, current: { value: '3', averageValue: '1' } } },
]

t.test('what v1 has no fields for travels in annotations', async (t) => {
  const { client, create, update } = await startApi(t)
  const api = client()
  const behavior = { scaleDown: { stabilizationWindowSeconds: 5 } }
  const made = await create({ ...V2, spec: { ...V2.spec, metrics: [CPU_80, ...SOURCES], behavior } })
  const conditions = [{ type: 'ScalingActive', status: 'True', reason: 'r', lastTransitionTime: '2026-01-01T00:00:00Z' }]
  const full = await update(made, (copy) => void (copy['status'] = { currentReplicas: 2, desiredReplicas: 3, currentMetrics: CURRENT, conditions }), { subresource: 'status' })
  const old = await api.get<HorizontalPodAutoscalerV1>('autoscaling/v1/HorizontalPodAutoscaler', metadata)
  t.match(old, { apiVersion: 'autoscaling/v1', spec: { targetCPUUtilizationPercentage: 80, minReplicas: 1 }, status: { currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 42 } })
  t.same(Object.keys(old.metadata.annotations ?? {}).sort(), ['behavior', 'conditions', 'current-metrics', 'metrics'].map((name) => PREFIX + name))
  t.equal(old.metadata.annotations?.[`${PREFIX}conditions`], '[{"type":"ScalingActive","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z","reason":"r"}]')
  t.equal(cells(v1, old)['Targets'], cells(kinds, full as unknown as HorizontalPodAutoscaler)['Targets'], 'tables show what is stored')
  t.match(old.metadata.annotations?.[`${PREFIX}metrics`], /^\[\{"type":"Pods","pods":\{"metricName":"hits","targetAverageValue":"10"\}\},/)

  await api.update({ ...old, metadata: { ...old.metadata, labels: { through: 'v1' } } })
  const back = await api.get<HorizontalPodAutoscaler>('autoscaling/v2/HorizontalPodAutoscaler', metadata)
  t.same(back.spec, { ...(full['spec'] as object), metrics: [...SOURCES, CPU_80] }, 'the same but for the order')
  t.same([back.metadata.annotations, back.metadata.labels], [undefined, { through: 'v1' }])
  t.same(back.status, full['status'])
})

t.test('v1 alone', async (t) => {
  const { client, create } = await startApi(t)
  const made = await create({ ...V1, spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 } })
  t.match(made, { apiVersion: 'autoscaling/v1', spec: { minReplicas: 1, targetCPUUtilizationPercentage: 50 }, status: { currentReplicas: 0, desiredReplicas: 0 } })
  t.match(await client().get('autoscaling/v2/HorizontalPodAutoscaler', metadata), { spec: { metrics: [{ resource: { target: { averageUtilization: 50 } } }] } })
})

t.test('annotations that make no sense are as if they were not there', async (t) => {
  for (const [name, text] of [
    ['metrics', '{'],
    ['metrics', '[1]'],
    ['metrics', '[{"type":5}]'],
    ['metrics', '[{"type":"Pods","pods":{"metricName":7}}]'],
    ['behavior', '{"ScaleUp":{"Policies":5}}'],
    ['behavior', '[]'],
    ['behavior', `{"ScaleUp":${'['.repeat(20_000)}${']'.repeat(20_000)}}`],
  ] as const) {
    const spec = (await stored(t, { ...V1, metadata: { ...metadata, annotations: { [PREFIX + name]: text, other: 'kept' } } }))
    t.match(spec, { spec: { targetCPUUtilizationPercentage: 80 }, metadata: { annotations: { other: 'kept', [PREFIX + name]: undefined } } }, `${name} ${text.slice(0, 60)}`)
  }
})

t.test('what tables show', async (t) => {
  const targets = (metrics: MetricSpec[], currentMetrics: MetricStatus[] = []): unknown => cells(kinds, { metadata, spec: { scaleTargetRef, maxReplicas: 5, metrics }, status: { currentMetrics } })['Targets']
  t.equal(targets([]), '<none>')
  t.equal(targets([CPU_80]), 'cpu: <unknown>/80%')
  t.equal(targets([CPU_80, POD_METRIC], CURRENT), 'cpu: 42%/80%, 7/10')
  t.equal(targets(SOURCES), '<unknown>/10, <unknown>/3 + 5 more...')
  t.equal(targets(SOURCES.slice(2, 4)), '<unknown>/3 (avg), <unknown>/3')
  t.equal(targets(SOURCES.slice(5)), 'memory: <unknown>/1Gi, cpu: <unknown>/60%')
  t.equal(targets([{ type: 'Some' }]), '<unknown type>')
  t.match(cells(kinds, { metadata, spec: { scaleTargetRef }, status: { currentReplicas: 2 } }), { Reference: 'Deployment/web', MinPods: '<unset>', MaxPods: 0, Replicas: 2 })
})
