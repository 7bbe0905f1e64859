/**
 * What one metric of an autoscaler asks for. Models computeReplicasForMetric of
 * k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go.
 */
import type { HorizontalPodAutoscaler, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus, Pod } from '../schemas/types.ts'
import { goLabelSelector } from '../src/apimachinery/go-format.ts'
import type { Selector } from '../src/apimachinery/labels.ts'
import { makeMilliQuantity, quantityMilliValue, quantityText, quantityToNumber } from '../src/apimachinery/quantity.ts'
import { averageReplicas, ReplicasError, shareReplicas, utilizationReplicas, valueReplicas, type PodsArgs, type Proposal, type Samples, type Tolerances } from './_hpa-replicas.ts'
import type { MetricSource } from './_hpa-source.ts'

const TOLERANCE = 0.1

/** What a metric is measured against. */
export interface Scene {
  autoscaler: HorizontalPodAutoscaler
  /** How many replicas the target wants. */
  wanted: number
  /** How many it has. */
  present: number
  selector: Selector
  pods: readonly Pod[]
  source: MetricSource
  nowMs: number
}

export interface MetricResult {
  replicas: number
  /** As the reason of a rescale names it. */
  name: string
  status: MetricStatus
}

/** A metric that says nothing. */
export class MetricError extends Error {
  override name = 'MetricError'

  /** @param detail what its condition and its event say */
  constructor(
    message: string,
    readonly reason: string,
    readonly detail: string,
  ) {
    super(message)
  }
}

/** @throws MetricError */
export async function askMetric(spec: MetricSpec, scene: Scene): Promise<MetricResult> {
  const type = JSON.stringify(spec.type ?? '')
  const family = FAMILIES[spec.type ?? '']
  if (!family) throw new MetricError(`unknown metric source type ${type}`, 'InvalidMetricSourceType', `unknown metric source type ${type}`)
  try {
    return await family.ask(spec, scene)
  } catch (error) {
    if (!(error instanceof ReplicasError)) throw error
    throw new MetricError(`failed to get ${family.about(spec)} value: ${family.inner?.(spec) ?? ''}${error.message}`, family.reason, error.message)
  }
}

interface Family {
  reason: string
  about(spec: MetricSpec): string
  /** Put before what went wrong where it does not stand in the condition. */
  inner?(spec: MetricSpec): string
  ask(spec: MetricSpec, scene: Scene): Promise<MetricResult>
}

const FAMILIES: Readonly<Record<string, Family>> = {
  Resource: {
    reason: 'FailedGetResourceMetric',
    about: ({ resource }) => `${resource?.name} resource metric`,
    async ask({ resource: { name = '', target = {} } = {} }, scene) {
      const { replicas, label, current } = await askResource(scene, { name, target, container: '' })
      return { replicas, name: label, status: { type: 'Resource', resource: { name, current } } }
    },
  },
  ContainerResource: {
    reason: 'FailedGetContainerResourceMetric',
    about: ({ containerResource }) => `${containerResource?.container} container metric`,
    async ask({ containerResource: { name = '', container = '', target = {} } = {} }, scene) {
      const { replicas, label, current } = await askResource(scene, { name, target, container })
      return { replicas, name: label, status: { type: 'ContainerResource', containerResource: { name, current, container } } }
    },
  },
  Pods: {
    reason: 'FailedGetPodsMetric',
    about: () => 'pods metric',
    async ask({ pods: { metric = {}, target = {} } = {} }, scene) {
      const { name = '', selector } = metric
      const samples = await saying(`unable to get metric ${name}: `, scene.source.pods(queryOf(scene), name, selector))
      const { replicas, usage } = averageReplicas({ ...podsArgs(scene, samples, ''), target: milli(target.averageValue) })
      return { replicas, name: `pods metric ${name}`, status: { type: 'Pods', pods: { metric, current: { averageValue: amount(usage) } } } }
    },
  },
  Object: {
    reason: 'FailedGetObjectMetric',
    about: () => 'object metric',
    inner: ({ object }) => (object?.target?.type === 'AverageValue' ? `failed to get ${object.metric?.name} object metric: ` : ''),
    async ask({ object: { metric = {}, target = {}, describedObject = {} } = {} }, scene) {
      const { name = '', selector } = metric
      const { namespace = '' } = scene.autoscaler.metadata
      const { kind = '', name: about = '' } = describedObject
      const prefix = `unable to get metric ${name}: ${kind} on ${namespace} ${about}/`
      const ask = () => saying(prefix, scene.source.object(namespace, describedObject, name, selector))
      const status = (current: MetricValueStatus): MetricStatus => ({ type: 'Object', object: { metric, current, describedObject } })
      if (target.type === 'Value' && target.value !== undefined) {
        const { replicas, usage } = fromValue(scene, await ask(), target.value)
        return { replicas, name: `${kind} metric ${name}`, status: status({ value: amount(usage) }) }
      }
      if (target.type !== 'AverageValue' || target.averageValue === undefined) throw new ReplicasError('invalid object metric source: neither a value target nor an average value target was set')
      const { replicas, usage } = fromShare(scene, await ask(), target.averageValue)
      return { replicas, name: `external metric ${name}(${goLabelSelector(selector)})`, status: status({ averageValue: amount(usage) }) }
    },
  },
  External: {
    reason: 'FailedGetExternalMetric',
    about: ({ external }) => `${external?.metric?.name} external metric`,
    inner: ({ external: { metric = {}, target = {} } = {} }) => (target.averageValue === undefined ? `failed to get external metric ${metric.name}: ` : `failed to get ${metric.name} external metric: `),
    async ask({ external: { metric = {}, target = {} } = {} }, scene) {
      const { name = '', selector } = metric
      const { namespace = '' } = scene.autoscaler.metadata
      const label = `external metric ${name}(${goLabelSelector(selector)})`
      const ask = () => saying(`unable to get external metric ${namespace}/${name}/${goLabelSelector(selector)}: `, scene.source.external(namespace, name, selector))
      const status = (current: MetricValueStatus): MetricStatus => ({ type: 'External', external: { metric, current } })
      if (target.averageValue !== undefined) {
        const { replicas, usage } = fromShare(scene, await ask(), target.averageValue)
        return { replicas, name: label, status: status({ averageValue: amount(usage) }) }
      }
      if (target.value === undefined) throw new ReplicasError('invalid external metric source: neither a value target nor an average value target was set')
      const { replicas, usage } = fromValue(scene, await ask(), target.value)
      return { replicas, name: label, status: status({ value: amount(usage) }) }
    },
  },
}

interface ResourceAsked {
  name: string
  target: MetricTarget
  container: string
}

async function askResource(scene: Scene, { name, target, container }: ResourceAsked): Promise<{ replicas: number; label: string; current: MetricValueStatus }> {
  const { averageValue, averageUtilization } = target
  const samples = (what: string) => saying(`failed to get ${name} ${what}: unable to get metrics for resource ${name}: `, scene.source.resource(queryOf(scene), name, container))
  const format = name === 'memory' ? 'BinarySI' : 'DecimalSI'
  const used = ({ usage }: Proposal) => quantityText(makeMilliQuantity(usage, format))
  if (averageValue !== undefined) {
    const args = podsArgs(scene, await samples('usage'), name)
    const proposal = within(`failed to get ${name} usage: `, () => averageReplicas({ ...args, target: milli(averageValue) }))
    return { replicas: proposal.replicas, label: `${name} resource`, current: { averageValue: used(proposal) } }
  }
  if (averageUtilization === undefined) throw new ReplicasError('invalid resource metric source: neither an average utilization target nor an average value (usage) target was set')
  const args = podsArgs(scene, await samples('utilization'), name)
  const proposal = within(`failed to get ${name} utilization: `, () => utilizationReplicas({ ...args, container, target: averageUtilization }))
  const label = `${name}${container ? ' container' : ''} resource utilization (percentage of request)`
  return { replicas: proposal.replicas, label, current: { averageValue: used(proposal), averageUtilization: proposal.utilization } }
}

function fromValue(scene: Scene, usage: number, value: string): Proposal {
  return valueReplicas({ current: scene.wanted, usage, target: milli(value), tolerances: tolerancesOf(scene.autoscaler), pods: scene.pods })
}

function fromShare(scene: Scene, usage: number, averageValue: string): Proposal {
  return shareReplicas({ current: scene.present, usage, target: milli(averageValue), tolerances: tolerancesOf(scene.autoscaler) })
}

function podsArgs(scene: Scene, samples: Samples, resource: string): PodsArgs {
  const { autoscaler, wanted, pods, nowMs } = scene
  return { current: wanted, tolerances: tolerancesOf(autoscaler), pods, samples, resource, nowMs }
}

export function tolerancesOf({ spec: { behavior } }: HorizontalPodAutoscaler): Tolerances {
  const tolerance = (q: string | undefined) => (q === undefined ? TOLERANCE : quantityToNumber(q))
  return { down: tolerance(behavior?.scaleDown?.tolerance), up: tolerance(behavior?.scaleUp?.tolerance) }
}

const queryOf = ({ autoscaler, selector }: Scene) => ({ namespace: autoscaler.metadata.namespace ?? '', selector })
const milli = (q: string | undefined): number => quantityMilliValue(q ?? '0')
const amount = (value: number): string => quantityText(makeMilliQuantity(value))

/** @throws ReplicasError what `figures` rejects with, after the prefix */
async function saying<T>(prefix: string, figures: Promise<T>): Promise<T> {
  return figures.catch((error: unknown) => {
    throw error instanceof ReplicasError ? new ReplicasError(`${prefix}${error.message}`) : error
  })
}

function within<T>(prefix: string, compute: () => T): T {
  try {
    return compute()
  } catch (error) {
    throw error instanceof ReplicasError ? new ReplicasError(`${prefix}${error.message}`) : error
  }
}
