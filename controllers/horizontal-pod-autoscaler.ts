/**
 * Scales what a HorizontalPodAutoscaler points at by its metrics, every 15 seconds.
 * Models k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go.
 */
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus, MetricStatus, Pod, Scale } from '../schemas/types.ts'
import { parseSelector, type Selector } from '../src/apimachinery/labels.ts'
import { ParseError } from '../src/apimachinery/parse-error.ts'
import { formatTime } from '../src/clock.ts'
import { defineController, keyOf, splitKey, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { indexLabels, selectIndexed } from '../src/controller/label-index.ts'
import { groupOf, splitKind } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { perCluster } from '../src/controller/state.ts'
import { isStatusError } from '../src/errors.ts'
import { History, normalize } from './_hpa-limits.ts'
import { askMetric, MetricError, type MetricResult } from './_hpa-metrics.ts'
import { servedMetrics, type MetricSource } from './_hpa-source.ts'

const KIND = 'autoscaling/v2/HorizontalPodAutoscaler'
/** Upstream a new one waits that long as well, for its queue knows no other delay; here it is looked at at once. */
const SYNC_MS = 15_000
const MAX_WRITES = 5

interface Memory {
  histories: Map<Key, History>
  /** Which pods each autoscaler counts. */
  selectors: Map<Key, Selector>
}

const memoryOf = perCluster<Memory>(() => ({ histories: new Map(), selectors: new Map() }))

export default defineAutoscaler()

/** @param sourceOf where its figures come from; what the cluster serves unless told */
export function defineAutoscaler(sourceOf: (ctx: ControllerContext) => MetricSource = servedMetrics) {
  return defineController<HorizontalPodAutoscaler>({
    name: 'horizontal-pod-autoscaler',
    user: 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
    component: 'horizontal-pod-autoscaler',
    for: KIND,
    setup: ({ informers }) => indexLabels(informers, 'v1/Pod'),
    wakes: (autoscaler, old) => !old || !semanticEqual(autoscaler.spec, old.spec),
    async reconcile(autoscaler, ctx): Promise<Result> {
      const status = await sync(autoscaler, ctx, sourceOf(ctx))
      if (!semanticEqual(status, autoscaler.status ?? {})) await ctx.client.updateStatus({ ...autoscaler, status })
      return { requeueAfterMs: SYNC_MS }
    },
    async deleted(key, ctx) {
      const { histories, selectors } = memoryOf(ctx)
      histories.delete(key)
      selectors.delete(key)
    },
  })
}

/** The conditions of an autoscaler while they are being told anew. */
class Conditions {
  list: HorizontalPodAutoscalerCondition[]
  readonly #now: string

  constructor(autoscaler: HorizontalPodAutoscaler, ctx: ControllerContext) {
    this.list = autoscaler.status?.conditions ?? []
    this.#now = formatTime(ctx.clock.now())
  }

  set(type: string, status: 'True' | 'False', { reason, message }: { reason: string; message: string }): void {
    const current = this.list.find((c) => c.type === type)
    const lastTransitionTime = current?.status === status ? current.lastTransitionTime : this.#now
    const condition = { type, status, lastTransitionTime, reason, message }
    this.list = current ? this.list.map((c) => (c === current ? condition : c)) : [...this.list, condition]
  }

  remove(type: string): void {
    this.list = this.list.filter((c) => c.type !== type)
  }
}

async function sync(autoscaler: HorizontalPodAutoscaler, ctx: ControllerContext, source: MetricSource): Promise<HorizontalPodAutoscalerStatus> {
  const conditions = new Conditions(autoscaler, ctx)
  const target = await targetOf(autoscaler, ctx)
  if ('why' in target) {
    ctx.events.event(autoscaler, 'Warning', 'FailedGetScale', target.why)
    conditions.set('AbleToScale', 'False', { reason: 'FailedGetScale', message: `the HPA controller was unable to get the target's current scale: ${target.why}` })
    return { ...autoscaler.status, conditions: conditions.list }
  }
  conditions.set('AbleToScale', 'True', { reason: 'SucceededGetScale', message: "the HPA controller was able to get the target's current scale" })
  const wish = await decide(autoscaler, { scale: target.scale, conditions, source }, ctx)
  return carryOut(autoscaler, { ...target, wish, conditions }, ctx)
}

interface Target {
  kind: string
  scale: Scale
}

async function targetOf({ metadata, spec }: HorizontalPodAutoscaler, ctx: ControllerContext): Promise<Target | { why: string }> {
  const { apiVersion = '', kind = '', name = '' } = spec.scaleTargetRef ?? {}
  if (apiVersion.split('/').length > 2) return { why: `unexpected GroupVersion string: ${apiVersion}` }
  const group = groupOf(apiVersion)
  const served = ctx.kinds ? ctx.kinds().find((k) => isKind(k.kind, group, kind))?.kind : `${apiVersion}/${kind}`
  if (!served) return { why: `no matches for kind "${kind}" in group "${group}"` }
  try {
    return { kind: served, scale: await ctx.client.getScale(served, { namespace: metadata.namespace, name }) }
  } catch (error) {
    return { why: messageOf(error) }
  }
}

function isKind(full: string, group: string, kind: string): boolean {
  const parts = splitKind(full)
  return parts.kind === kind && groupOf(parts.apiVersion) === group
}

/** What is to be done. */
interface Wish {
  /** Undefined where nothing could be told: all stays. */
  replicas?: number
  reason: string
  metrics?: MetricStatus[]
}

interface Situation {
  scale: Scale
  conditions: Conditions
  source: MetricSource
}

async function decide(autoscaler: HorizontalPodAutoscaler, situation: Situation, ctx: ControllerContext): Promise<Wish> {
  const { minReplicas = 1, maxReplicas = 0, behavior } = autoscaler.spec
  const { scale, conditions } = situation
  const current = scale.spec.replicas ?? 0
  const nowMs = ctx.clock.now()
  const history = historyOf(autoscaler, ctx)
  history.begin(current, nowMs)
  if (current === 0) {
    conditions.set('ScalingActive', 'False', { reason: 'ScalingDisabled', message: 'scaling is disabled since the replica count of the target is zero' })
    conditions.remove('ScaledToZero')
    return { replicas: 0, reason: '' }
  }
  if (current > maxReplicas) return { replicas: maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' }
  if (current < minReplicas) return { replicas: minReplicas, reason: 'Current number of replicas below Spec.MinReplicas' }

  const proposal = await ask(autoscaler, situation, ctx)
  if ('why' in proposal) {
    ctx.events.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', proposal.why)
    return { reason: '', metrics: proposal.metrics }
  }
  const desired = Math.max(0, proposal.replicas)
  const { replicas, able, limited } = normalize({ current, desired, min: minReplicas, max: maxReplicas, behavior }, history, nowMs)
  conditions.set('AbleToScale', 'True', able)
  conditions.set('ScalingLimited', limited.status, limited)
  return { replicas, reason: desired > current ? `${proposal.metric} above target` : desired < current ? 'All metrics below target' : '', metrics: proposal.metrics }
}

function historyOf(autoscaler: HorizontalPodAutoscaler, ctx: ControllerContext): History {
  const { histories } = memoryOf(ctx)
  const key = keyOf(autoscaler)
  const history = histories.get(key) ?? new History()
  histories.set(key, history)
  return history
}

type Proposal = { metrics: MetricStatus[] } & ({ replicas: number; metric: string } | { why: string })

/** Asks all metrics: the one that wants most counts. */
async function ask(autoscaler: HorizontalPodAutoscaler, { scale, conditions, source }: Situation, ctx: ControllerContext): Promise<Proposal> {
  const chosen = choosePods(autoscaler, scale, ctx)
  if ('why' in chosen) {
    ctx.events.event(autoscaler, 'Warning', chosen.event, chosen.why)
    conditions.set('ScalingActive', 'False', { reason: chosen.reason, message: chosen.message })
    return { metrics: [], why: chosen.why }
  }
  const wanted = scale.spec.replicas ?? 0
  const scene = { autoscaler, wanted, present: scale.status?.replicas ?? 0, ...chosen, source, nowMs: ctx.clock.now() }
  const specs = autoscaler.spec.metrics ?? []
  const results: MetricResult[] = []
  const failures: MetricError[] = []
  const metrics: MetricStatus[] = []
  for (const spec of specs) {
    try {
      const result = await askMetric(spec, scene)
      results.push(result)
      metrics.push(result.status)
    } catch (error) {
      if (!(error instanceof MetricError)) throw error
      ctx.events.event(autoscaler, 'Warning', error.reason, error.detail)
      failures.push(error)
      metrics.push({ type: '' })
    }
  }
  const best = results.reduce<MetricResult | undefined>((most, r) => (most === undefined || most.replicas === 0 || r.replicas > most.replicas ? r : most), undefined)
  const [first] = failures
  // Without all metrics nothing is scaled down.
  if (first && (!best || best.replicas < wanted)) {
    conditions.set('ScalingActive', 'False', { reason: first.reason, message: `the HPA was unable to compute the replica count: ${first.detail}` })
    return { metrics, why: `invalid metrics (${failures.length} invalid out of ${specs.length}), first error is: ${first.message}` }
  }
  const metric = best?.name ?? ''
  conditions.set('ScalingActive', 'True', { reason: 'ValidMetricFound', message: `the HPA was able to successfully calculate a replica count from ${metric}` })
  return { metrics, replicas: best?.replicas ?? 0, metric }
}

type Chosen = { selector: Selector; pods: Pod[] } | { why: string; event: string; reason: string; message: string }

/** The pods that count, unless another autoscaler counts some of them as well. */
function choosePods(autoscaler: HorizontalPodAutoscaler, scale: Scale, ctx: ControllerContext): Chosen {
  const text = scale.status?.selector ?? ''
  if (text === '') return { why: 'selector is required', event: 'SelectorRequired', reason: 'InvalidSelector', message: "the HPA target's scale is missing a selector" }
  const invalid = (reason: string, why: string): Chosen => ({ why, event: reason, reason, message: why })
  const { namespace = '' } = autoscaler.metadata
  const { selectors } = memoryOf(ctx)
  try {
    const selector = parseSelector(text)
    selectors.set(keyOf(autoscaler), selector)
    const pods = selectIndexed<Pod>(ctx.informers, 'v1/Pod', { namespace, selector })
    const counting = [...selectors].filter(([key, other]) => splitKey(key).namespace === namespace && pods.some((pod) => other.matches(pod.metadata.labels))).map(([key]) => key)
    if (counting.length <= 1) return { selector, pods }
    return invalid('AmbiguousSelector', `pods by selector ${text} are controlled by multiple HPAs: [${counting.toSorted().join(' ')}]`)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    return invalid('InvalidSelector', `couldn't convert selector into a corresponding internal selector object: ${error.message}`)
  }
}

/** Scales the target and answers the status that tells of it. */
async function carryOut(autoscaler: HorizontalPodAutoscaler, { kind, scale, wish, conditions }: Target & { wish: Wish; conditions: Conditions }, ctx: ControllerContext): Promise<HorizontalPodAutoscalerStatus> {
  const current = scale.spec.replicas ?? 0
  const { replicas, reason, metrics = [] } = wish
  const { lastScaleTime, desiredReplicas = 0 } = autoscaler.status ?? {}
  const status = (desired: number, scaledAt: string | undefined): HorizontalPodAutoscalerStatus => ({
    ...(scaledAt === undefined ? {} : { lastScaleTime: scaledAt }),
    ...(current === 0 ? {} : { currentReplicas: current }),
    desiredReplicas: desired,
    ...(metrics.length > 0 ? { currentMetrics: metrics } : {}),
    conditions: conditions.list,
  })
  if (replicas === undefined) return status(desiredReplicas, lastScaleTime)
  if (replicas === current) return status(current, lastScaleTime)
  try {
    await rescale(kind, scale, replicas, ctx)
  } catch (error) {
    ctx.events.event(autoscaler, 'Warning', 'FailedRescale', `New size: ${replicas}; reason: ${reason}; error: ${messageOf(error)}`)
    conditions.set('AbleToScale', 'False', { reason: 'FailedUpdateScale', message: `the HPA controller was unable to update the target scale: ${messageOf(error)}` })
    return status(desiredReplicas, lastScaleTime)
  }
  conditions.set('AbleToScale', 'True', { reason: 'SucceededRescale', message: `the HPA controller was able to update the target scale to ${replicas}` })
  conditions.remove('ScaledToZero')
  ctx.events.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${replicas}; reason: ${reason}`)
  historyOf(autoscaler, ctx).rescaled(current, replicas, autoscaler.spec.behavior, ctx.clock.now())
  return status(replicas, formatTime(ctx.clock.now()))
}

async function rescale(kind: string, scale: Scale, replicas: number, { client }: ControllerContext): Promise<void> {
  const { namespace, name = '' } = scale.metadata
  for (let attempt = 1, latest = scale; ; attempt++) {
    try {
      await client.updateScale(kind, { ...latest, spec: { replicas } })
      return
    } catch (error) {
      if (attempt === MAX_WRITES || !isStatusError(error, 'Conflict')) throw error
      latest = await client.getScale(kind, { namespace, name })
    }
  }
}
