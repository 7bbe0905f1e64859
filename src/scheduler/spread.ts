/**
 * Topology spread constraints, compiled, and where their matching pods are.
 * Models pkg/scheduler/framework/plugins/podtopologyspread/common.go and helper/spread.go.
 */
import type { Node, Pod, ReplicaSet, ReplicationController, Service, StatefulSet, TopologySpreadConstraint } from '../../schemas/types.ts'
import { selectorFromLabelSelector, selectorFromRequirements, selectorFromSet, type Selector } from '../apimachinery/labels.ts'
import { ParseError } from '../apimachinery/parse-error.ts'
import type { Informers } from '../client/lister.ts'
import { controllerOf } from '../controller/owners.ts'
import { selectorOf, setSelectorOf } from '../controller/selectors.ts'
import type { NodeCounts } from './counts.ts'
import type { Handle } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import { untoleratedTaint } from './tolerations.ts'

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

export function ownConstraints({ pod, labels }: PodInfo, action: string): Constraint[] {
  const constraints = (pod.spec.topologySpreadConstraints ?? []).filter((c) => c.whenUnsatisfiable === action)
  return constraints.map((c) => compile(c, withMatchLabels(c, labels)))
}

export function defaultConstraints(defaults: readonly TopologySpreadConstraint[], action: string, selector: Selector): Constraint[] {
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
  for (const { spec } of informers.lister<Service>('v1/Service').list(namespace)) if (spec.selector && setSelectorOf(spec.selector).matches(labels)) Object.assign(merged, spec.selector)
  const owner = controllerOf(pod)
  const name = owner?.name ?? ''
  if (owner?.kind === 'ReplicationController' && owner.apiVersion === 'v1') Object.assign(merged, informers.lister<ReplicationController>('v1/ReplicationController').get(namespace, name)?.spec.selector)
  const byServices = selectorFromSet(merged)
  if (owner?.apiVersion !== 'apps/v1') return byServices
  const set = owner.kind === 'ReplicaSet' ? informers.lister<ReplicaSet>('apps/v1/ReplicaSet').get(namespace, name) : owner.kind === 'StatefulSet' ? informers.lister<StatefulSet>('apps/v1/StatefulSet').get(namespace, name) : undefined
  if (!set?.spec.selector) return byServices
  return selectorFromRequirements([...byServices.requirements, ...selectorOf(set.spec.selector).requirements])
}

export function countsFor(handle: Handle, namespace: string, selector: Selector): NodeCounts {
  const id = `spread ${namespace} ${selector.matchesNothing} ${selector.toString()}`
  return handle.cache.counts({ id, namespaces: new Set([namespace]), matches: (other) => !selector.isEmpty && !other.isTerminating && selector.matches(other.labels) })
}

/** Whether the pods of a node count for a constraint, by its policies. */
export function isIncluded({ honorsAffinity, honorsTaints }: Constraint, pod: PodInfo, node: Node): boolean {
  if (honorsAffinity && pod.nodeAffinity && !pod.nodeAffinity(node)) return false
  return !honorsTaints || untoleratedTaint(node.spec.taints, pod.tolerations) === undefined
}

/** All nodes are included whatever they are. */
export function includesAll({ honorsAffinity, honorsTaints }: Constraint, pod: PodInfo): boolean {
  return !honorsTaints && !(honorsAffinity && pod.nodeAffinity)
}

export function hasAllKeys(node: NodeInfo, constraints: readonly Constraint[]): boolean {
  for (const { topologyKey } of constraints) if (node.labels[topologyKey] === undefined) return false
  return true
}
