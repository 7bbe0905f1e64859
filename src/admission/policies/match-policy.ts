/** Which requests a policy or binding is about. Models k8s.io/apiserver/pkg/admission/plugin/policy/{matching,generic/policy_matcher.go}. */
import type { MatchResources } from '../../../schemas/types.ts'
import { selectorFromLabelSelector, type Selector } from '../../apimachinery/labels.ts'
import { StatusError } from '../../errors.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import type { AdmissionAttributes } from '../chain.ts'
import { isExempt, matchesNamespace, matchesObject, matchingKind } from '../match-resources.ts'

/** Reviews, which policies could make useless. Models pkg/kubeapiserver/admission/exclusion. */
const EXCLUDED: ReadonlySet<string> = new Set([
  'authentication.k8s.io/selfsubjectreviews',
  'authentication.k8s.io/tokenreviews',
  'authorization.k8s.io/localsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectaccessreviews',
  'authorization.k8s.io/selfsubjectrulesreviews',
  'authorization.k8s.io/subjectaccessreviews',
])

const WEBHOOK_CONFIGURATION = /^(?:validating|mutating)webhookconfigurations$/

/** Policies may decide about webhooks, but neither about themselves nor about reviews. */
export function isBeyondPolicies(attributes: AdmissionAttributes): boolean {
  const { group, plural } = attributes.kind
  return EXCLUDED.has(`${group}/${plural}`) || (isExempt(attributes) && !WEBHOOK_CONFIGURATION.test(plural))
}

interface Selectors {
  namespace: Selector
  object: Selector
}

const selectors = new WeakMap<MatchResources, Selectors>()

function selectorsOf(resources: MatchResources): Selectors {
  const known = selectors.get(resources)
  if (known) return known
  const made = { namespace: selectorFromLabelSelector(resources.namespaceSelector ?? {}), object: selectorFromLabelSelector(resources.objectSelector ?? {}) }
  selectors.set(resources, made)
  return made
}

/** The version of the resource that is matched, or undefined. @throws StatusError 404 for a namespace that is not there, where all else fits */
export function matchedKind(resources: MatchResources, attributes: AdmissionAttributes): ServedKind | undefined {
  const { namespace, object } = selectorsOf(resources)
  const { matchPolicy } = resources
  const problem = namespaceProblem(namespace, attributes)
  if (problem === 'no match' || !matchesObject(object, attributes)) return undefined
  if (matchingKind({ rules: resources.excludeResourceRules, matchPolicy }, attributes)) return undefined
  const kind = resources.resourceRules?.length ? matchingKind({ rules: resources.resourceRules, matchPolicy }, attributes) : attributes.kind
  if (kind && problem) throw problem
  return kind
}

/** An error only counts for a policy that is about the request at all. */
function namespaceProblem(selector: Selector, attributes: AdmissionAttributes): StatusError | 'no match' | undefined {
  try {
    return matchesNamespace(selector, attributes) ? undefined : 'no match'
  } catch (error) {
    if (error instanceof StatusError) return error
    throw error
  }
}
