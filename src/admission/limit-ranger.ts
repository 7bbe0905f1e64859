/**
 * LimitRanges: what containers get that say nothing, and what pods, containers and claims may ask for. Models
 * k8s.io/kubernetes/plugin/pkg/admission/limitranger.
 */
import { aggregateTexts } from '../errors.ts'
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../schemas/types.ts'
import { podResources } from '../apimachinery/resource-list.ts'
import { atLeast, atMost, requestAtMost, withinRatio, type Lists } from './limit-constraints.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './chain.ts'
import { refuse } from './refuse.ts'

type Quantities = Record<string, string>
type Limits = LimitRangeItem[]

const ANNOTATION = 'kubernetes.io/limit-ranger'

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  mutate(attributes) {
    const limited = subjectOf(attributes)
    if (!limited?.pod) return
    for (const limits of limitsIn(attributes)) setDefaults(limited.pod, limits)
  },
  validate(attributes) {
    const limited = subjectOf(attributes)
    if (!limited) return
    for (const limits of limitsIn(attributes)) {
      const violations = limited.pod ? podViolations(limited.pod, limits) : claimViolations(limited.claim, limits)
      if (violations.length > 0) throw refuse(attributes, aggregateTexts(violations))
    }
  },
}

/** What is limited: new pods, pods that are resized, claims. */
function subjectOf({ operation, kind, subresource, object, oldObject }: AdmissionAttributes): { pod: Pod; claim?: undefined } | { pod?: undefined; claim: PersistentVolumeClaim } | undefined {
  if (kind.group !== '' || !object || oldObject?.metadata.deletionTimestamp) return undefined
  if (kind.kind === 'Pod') {
    const isLimited = operation === 'CREATE' ? subresource === '' : operation === 'UPDATE' && subresource === 'resize'
    return isLimited ? { pod: object as Pod } : undefined
  }
  const isWrite = operation === 'CREATE' || operation === 'UPDATE'
  return isWrite && kind.kind === 'PersistentVolumeClaim' && subresource === '' ? { claim: object as PersistentVolumeClaim } : undefined
}

function limitsIn({ namespace, ctx }: AdmissionAttributes): Limits[] {
  return ctx.system.list<LimitRange>('v1/LimitRange', namespace).map(({ spec }) => spec.limits ?? [])
}

/** Gives containers what they do not ask for, and notes it in an annotation. */
function setDefaults(pod: Pod, limits: Limits): void {
  const ofContainers = limits.filter((l) => l.type === 'Container')
  const requests: Quantities = Object.assign({}, ...ofContainers.map((l) => l.defaultRequest ?? {}))
  const maximums: Quantities = Object.assign({}, ...ofContainers.map((l) => l.default ?? {}))
  const notes: string[] = []
  const fill = (container: Container, what: string) => {
    const { requests: setRequests, limits: setLimits } = fillContainer(container, requests, maximums)
    if (setRequests.length > 0) notes.push(`${setRequests.join(', ')} request for ${what} ${container.name ?? ''}`)
    if (setLimits.length > 0) notes.push(`${setLimits.join(', ')} limit for ${what} ${container.name ?? ''}`)
  }
  for (const container of pod.spec.containers ?? []) fill(container, 'container')
  for (const container of pod.spec.initContainers ?? []) fill(container, 'init container')
  if (notes.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join('; ')}` }
}

/** The names that were missing, sorted. */
function fillContainer(container: Container, requests: Quantities, limits: Quantities): { requests: string[]; limits: string[] } {
  const missing = (given: Quantities = {}, defaults: Quantities) => Object.keys(defaults).filter((name) => given[name] === undefined)
  const set = { requests: missing(container.resources?.requests, requests).sort(), limits: missing(container.resources?.limits, limits).sort() }
  if (set.requests.length > 0) container.resources = { ...container.resources, requests: { ...requests, ...container.resources?.requests } }
  if (set.limits.length > 0) container.resources = { ...container.resources, limits: { ...limits, ...container.resources?.limits } }
  return set
}

function podViolations(pod: Pod, limits: Limits): string[] {
  return limits.flatMap((limit) => {
    if (limit.type === 'Pod') return violations(limit, { requests: podResources(withoutOverhead(pod), 'requests'), limits: podResources(withoutOverhead(pod), 'limits') })
    if (limit.type !== 'Container') return []
    return [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].flatMap(({ resources = {} }) => violations(limit, { requests: resources.requests ?? {}, limits: resources.limits ?? {} }))
  })
}

/** Limits are about what the pod asks for, not about what its runtime adds. */
function withoutOverhead(pod: Pod): Pod {
  return pod.spec.overhead ? { ...pod, spec: { ...pod.spec, overhead: undefined } } : pod
}

function violations({ type = '', min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem, lists: Lists): string[] {
  // Upstream goes through them in no order at all.
  const check = (limits: Quantities, constraint: typeof atLeast) => Object.entries(limits).sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([name, limit]) => constraint({ type, name, limit }, lists) ?? [])
  return [...check(min, atLeast), ...check(max, atMost), ...check(maxLimitRequestRatio, withinRatio)]
}

function claimViolations({ spec }: PersistentVolumeClaim, limits: Limits): string[] {
  const lists = { requests: spec.resources?.requests ?? {}, limits: {} }
  return limits.flatMap(({ type = '', min = {}, max = {} }) => {
    if (type !== 'PersistentVolumeClaim') return []
    return [
      ...Object.entries(min).flatMap(([name, limit]) => atLeast({ type, name, limit }, lists) ?? []),
      ...Object.entries(max).flatMap(([name, limit]) => requestAtMost({ type, name, limit }, lists) ?? []),
    ]
  })
}
