/**
 * Whether what is written fits into the quotas, and what they count then. Pure. Models CheckRequest of
 * k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go and Constraints of the pod evaluator.
 */
import type { Pod, ResourceQuota } from '../../../schemas/types.ts'
import { compareQuantities, isZeroQuantity, quantitySign, quantityText, subtractQuantities } from '../../apimachinery/quantity.ts'
import { isTerminating, matchesScopes, matchingNames, scopesOf, usageOf, type Resource } from '../../apimachinery/quota-usage.ts'
import { addLists, listText, type ResourceList } from '../../apimachinery/resource-list.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { refuse } from '../refuse.ts'
import { checkCovered, type LimitedResource } from './limited.ts'

/** Never counted: what is not stored, and events. */
const IGNORED = new Set([
  'bindings',
  'componentstatuses',
  'tokenreviews.authentication.k8s.io',
  'selfsubjectreviews.authentication.k8s.io',
  'subjectaccessreviews.authorization.k8s.io',
  'selfsubjectaccessreviews.authorization.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
  'events',
  'events.events.k8s.io',
])

/** Where a quota of these is set, upstream wants every container to say what it needs. */
const REQUIRED = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'])

export function resourceOf({ kind }: AdmissionAttributes): Resource {
  return kind.group ? `${kind.plural}.${kind.group}` : kind.plural
}

/** Whether the request can change what is counted. */
export function isCounted(attributes: AdmissionAttributes): boolean {
  const { operation, subresource, object, oldObject } = attributes
  const resource = resourceOf(attributes)
  if (!object || IGNORED.has(resource) || (operation !== 'CREATE' && operation !== 'UPDATE')) return false
  const isUpdate = operation === 'UPDATE'
  if (resource === 'pods') {
    if (subresource) return subresource === 'resize' && isUpdate
    return !isUpdate || isTerminating(object as Pod) !== isTerminating(oldObject as Pod)
  }
  if (resource === 'persistentvolumeclaims') return subresource === '' || subresource === 'status'
  if (resource === 'services' || resource === 'resourceclaims.resource.k8s.io') return subresource === ''
  return !isUpdate && subresource === ''
}

/** What a request adds to the quotas it concerns, by their names; empty when nothing. @param limited what must be covered. @throws StatusError 403 */
export function chargesOf(quotas: readonly ResourceQuota[], attributes: AdmissionAttributes, limited: readonly LimitedResource[] = []): Map<string, ResourceList> {
  const charges = new Map<string, ResourceList>()
  const { object, oldObject, operation, subresource, ctx } = attributes
  if (!object) return charges
  const resource = resourceOf(attributes)
  const concerned = quotas.filter((quota) => concerns(quota, resource, object))
  if (concerned.length === 0 && limited.length === 0) return charges
  for (const quota of concerned) checkQuota(quota, resource, attributes)
  const nowMs = ctx.clock.now()
  const usage = usageOf(resource, object, nowMs)
  const negative = Object.keys(usage).filter((name) => quantitySign(usage[name] ?? '0') < 0)
  if (negative.length > 0) throw refuse(attributes, `quota usage is negative for resource(s): ${namesText(negative)}`)
  const old = operation === 'UPDATE' && oldObject?.metadata.resourceVersion ? oldObject : undefined
  const more = old ? increase(usage, usageOf(resource, old, nowMs)) : usage
  const deltas = concerned.length === 0 ? [more] : concerned.map((quota) => (old && concerns(quota, resource, old) ? more : usage))
  if (deltas.every((delta) => Object.values(delta).every(isZeroQuantity))) return charges
  if (limited.length > 0) checkCovered(limited, { resource, object, usage }, { quotas, concerned, attributes })
  for (const [i, quota] of concerned.entries()) {
    const charge = limitedBy(quota, deltas[i] ?? {})
    if (Object.keys(charge).length === 0) continue
    if (subresource !== 'status') checkLimits(quota, charge, attributes)
    charges.set(quota.metadata.name ?? '', charge)
  }
  return charges
}

/** The quota as it is once `charge` is counted. */
export function charged(quota: ResourceQuota, charge: ResourceList): ResourceQuota {
  return { ...quota, status: { ...quota.status, used: listText(addLists(usedOf(quota), charge)) } }
}

/** The quota as it is when `charge` is counted no more. */
export function refunded(quota: ResourceQuota, charge: ResourceList): ResourceQuota {
  const used = { ...usedOf(quota), ...increaseOfNames(usedOf(quota), charge) }
  return { ...quota, status: { ...quota.status, used: listText(used) } }
}

const usedOf = ({ status }: ResourceQuota): ResourceList => status?.used ?? {}

function concerns(quota: ResourceQuota, resource: Resource, object: KubeObject): boolean {
  return matchingNames(resource, Object.keys(quota.status?.hard ?? {})).length > 0 && matchesScopes(resource, object, scopesOf(quota))
}

function checkQuota({ metadata, status }: ResourceQuota, resource: Resource, attributes: AdmissionAttributes): void {
  const names = matchingNames(resource, Object.keys(status?.hard ?? {}))
  const missing = resource === 'pods' ? missingResources(attributes.object as Pod, names) : ''
  if (missing) throw refuse(attributes, `failed quota: ${metadata.name ?? ''}: must specify ${missing}`)
  if (names.some((name) => status?.used?.[name] === undefined)) throw refuse(attributes, `status unknown for quota: ${metadata.name ?? ''}, resources: ${namesText(names)}`)
}

/** "limits.cpu for: a,b; memory for: b" */
function missingResources({ spec }: Pod, names: readonly string[]): string {
  const levels = Object.keys({ ...spec.resources?.requests, ...spec.resources?.limits })
  if (levels.some((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'))) return ''
  const required = names.filter((name) => REQUIRED.has(name)).sort()
  const lacking = required.flatMap((name) => {
    const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].filter(({ resources }) => {
      const given = name.startsWith('limits.') ? resources?.limits : resources?.requests
      return given?.[name.replace(/^(limits|requests)\./, '')] === undefined
    })
    return containers.length > 0 ? [`${name} for: ${[...new Set(containers.map((c) => c.name ?? ''))].sort().join(',')}`] : []
  })
  return lacking.join('; ')
}

function limitedBy({ status }: ResourceQuota, usage: ResourceList): ResourceList {
  const charge: ResourceList = {}
  for (const [name, q] of Object.entries(usage)) if (status?.hard?.[name] !== undefined && !isZeroQuantity(q)) charge[name] = q
  return charge
}

function checkLimits(quota: ResourceQuota, charge: ResourceList, attributes: AdmissionAttributes): void {
  const used = usedOf(quota)
  const hard: ResourceList = quota.status?.hard ?? {}
  const total = addLists(used, charge)
  const exceeded = Object.keys(charge).filter((name) => compareQuantities(total[name] ?? '0', hard[name] ?? '0') > 0)
  if (exceeded.length === 0) return
  const text = (list: ResourceList) => exceeded.sort().flatMap((name) => (list[name] === undefined ? [] : [`${name}=${quantityText(list[name])}`])).join(',')
  throw refuse(attributes, `exceeded quota: ${quota.metadata.name ?? ''}, requested: ${text(charge)}, used: ${text(used)}, limited: ${text(hard)}`)
}

/** How much more `now` is; what became less counts as nothing. */
function increase(now: ResourceList, before: ResourceList): ResourceList {
  return increaseOfNames({ ...Object.fromEntries(Object.keys(before).map((name) => [name, '0'])), ...now }, before)
}

function increaseOfNames(now: ResourceList, before: ResourceList): ResourceList {
  const out: ResourceList = {}
  for (const [name, q] of Object.entries(now)) {
    const difference = before[name] === undefined ? q : subtractQuantities(q, before[name])
    out[name] = quantitySign(difference) > 0 ? difference : '0'
  }
  return out
}

function namesText(names: readonly string[]): string {
  return [...names].sort().join(',')
}
