/** Resources that nobody may use without a quota that covers them. Models LimitedResources of k8s.io/apiserver/pkg/admission/plugin/resourcequota. */
import type { ResourceQuota, ScopedResourceSelectorRequirement } from '../../../schemas/types.ts'
import { quantitySign } from '../../apimachinery/quantity.ts'
import { matchesScope, matchingNames, scopesOf, type Resource } from '../../apimachinery/quota-usage.ts'
import type { ResourceList } from '../../apimachinery/resource-list.ts'
import { StatusError } from '../../errors.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { refuse } from '../refuse.ts'

export interface LimitedResource {
  apiGroup?: string
  resource?: string
  /** Parts of names of what is limited. */
  matchContains?: readonly string[]
  matchScopes?: readonly ScopedResourceSelectorRequirement[]
}

interface Use {
  resource: Resource
  object: KubeObject
  usage: ResourceList
}

/** @param concerned those of `quotas` that count the object. @throws StatusError for what is not covered */
export function checkCovered(limited: readonly LimitedResource[], { resource, object, usage }: Use, { quotas, concerned, attributes }: { quotas: readonly ResourceQuota[]; concerned: readonly ResourceQuota[]; attributes: AdmissionAttributes }): void {
  const ofKind = limited.filter((each) => (each.apiGroup ? `${each.resource}.${each.apiGroup}` : each.resource) === resource)
  const parts = ofKind.flatMap(({ matchContains = [] }) => matchContains)
  const covered = new Set(concerned.flatMap((quota) => matchingNames(resource, Object.keys(quota.status?.hard ?? {}))))
  const uncovered = Object.keys(usage).filter((name) => quantitySign(usage[name] ?? '0') > 0 && parts.some((part) => name.includes(part)) && !covered.has(name))
  if (uncovered.length > 0) throw refuse(attributes, `insufficient quota to consume: ${uncovered.sort().join(',')}`)
  const matching = (scopes: readonly ScopedResourceSelectorRequirement[]) => scopes.filter((scope) => matchesScope(resource, object, scope))
  const known = new Set(quotas.flatMap((quota) => matching(scopesOf(quota))).map(({ scopeName }) => scopeName))
  const unknown = limited.flatMap(({ matchScopes = [] }) => matching(matchScopes)).filter(({ scopeName }) => !known.has(scopeName))
  // No refusal of upstream's, but an error that nothing makes one.
  if (unknown.length > 0) throw new StatusError({ code: 500, message: `insufficient quota to match these scopes: [${unknown.map(({ scopeName, operator, values = [] }) => `{${scopeName} ${operator} [${values.join(' ')}]}`).join(' ')}]` })
}
