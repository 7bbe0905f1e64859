/**
 * Topology spread constraints, compiled.
 * Models pkg/scheduler/framework/plugins/podtopologyspread/common.go and helper/spread.go.
 */
import type { Pod, ReplicaSet, ReplicationController, Service, StatefulSet, TopologySpreadConstraint } from '../../schemas/types.ts'
import { selectorFromLabelSelector, selectorFromRequirements, selectorFromSet, type Selector } from '../apimachinery/labels.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import type { Informers } from '../client/lister.ts'
import { controllerOf } from '../controller/owners.ts'
import { selectorOf, setSelectorOf } from '../controller/selectors.ts'
import type { PodInfo } from './pod-info.ts'

export const HOSTNAME = 'kubernetes.io/hostname'

/** What applies to pods that say nothing themselves. */
export const SYSTEM_DEFAULTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
]

export interface Constraint {
  readonly maxSkew: number
  readonly topologyKey: string
  readonly selector: Selector
  readonly minDomains: number
  /** Only nodes count that the pod's own node affinity allows. */
  readonly honorsAffinity: boolean
  /** Only nodes count whose taints the pod tolerates. */
  readonly honorsTaints: boolean
}

type Action = 'DoNotSchedule' | 'ScheduleAnyway'

const compiled = new WeakMap<PodInfo, Readonly<Record<Action, readonly Constraint[]>>>()

/** What the pod itself asks for, with this consequence when it cannot be had. */
export function ownConstraints(info: PodInfo, action: Action): readonly Constraint[] {
  let known = compiled.get(info)
  if (!known) compiled.set(info, (known = { DoNotSchedule: compileOwn(info, 'DoNotSchedule'), ScheduleAnyway: compileOwn(info, 'ScheduleAnyway') }))
  return known[action]
}

function compileOwn({ pod, labels }: PodInfo, action: Action): Constraint[] {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter((c) => c.whenUnsatisfiable === action)
  return constraints.map((c) => compile(c, withMatchLabels(c, labels)))
}

export function defaultConstraints(defaults: readonly TopologySpreadConstraint[], action: Action, selector: Selector): Constraint[] {
  if (selector.isEmpty) return []
  return defaults.filter((c) => c.whenUnsatisfiable === action).map((c) => compile(c, selector))
}

function compile(c: TopologySpreadConstraint, selector: Selector): Constraint {
  return {
    maxSkew: c.maxSkew ?? 1,
    topologyKey: c.topologyKey ?? '',
    selector,
    minDomains: c.minDomains ?? 1,
    honorsAffinity: c.nodeAffinityPolicy !== 'Ignore',
    honorsTaints: c.nodeTaintsPolicy === 'Honor',
  }
}

function withMatchLabels({ labelSelector, matchLabelKeys }: TopologySpreadConstraint, labels: PodInfo['labels']): Selector {
  const selector = parsed(labelSelector)
  const keys = (matchLabelKeys ?? []).filter((key) => labels?.[key] !== undefined)
  if (keys.length === 0 || selector.matchesNothing) return selector
  return selectorFromRequirements([...keys.map((key) => ({ key, operator: '=' as const, values: [labels?.[key] ?? ''] })), ...selector.requirements])
}

function parsed(labelSelector: TopologySpreadConstraint['labelSelector']): Selector {
  try {
    return selectorFromLabelSelector(labelSelector)
  } catch (error) {
    if (error instanceof ParseError) return selectorFromLabelSelector(undefined)
    throw error
  }
}

/** What the services and the controller of a pod select together; empty when nothing does. */
export function impliedSelector(pod: Pod, informers: Informers): Selector {
  const { namespace = '', labels } = pod.metadata
  const merged: Record<string, string> = {}
  for (const { spec } of informers.lister<Service>('v1/Service').list(namespace)) {
    if (spec.selector && setSelectorOf(spec.selector).matches(labels)) Object.assign(merged, spec.selector)
  }
  const owner = controllerOf(pod)
  const kind = `${owner?.apiVersion}/${owner?.kind}`
  const name = owner?.name ?? ''
  if (kind === 'v1/ReplicationController') Object.assign(merged, informers.lister<ReplicationController>(kind).get(namespace, name)?.spec.selector)
  const byServices = selectorFromSet(merged)
  if (kind !== 'apps/v1/ReplicaSet' && kind !== 'apps/v1/StatefulSet') return byServices
  const set = informers.lister<ReplicaSet | StatefulSet>(kind).get(namespace, name)
  if (!set?.spec.selector) return byServices
  return selectorFromRequirements([...byServices.requirements, ...selectorOf(set.spec.selector).requirements])
}
