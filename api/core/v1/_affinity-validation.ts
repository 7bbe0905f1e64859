/**
 * Node and pod affinity, node selectors, and the label keys that terms take from the pod itself.
 * Models validateAffinity of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { Affinity, LabelSelector, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm } from '../../../schemas/types.ts'
import { validateLabelName, validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { isDNS1123Label, isDNS1123Subdomain, isValidLabelValue } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { PodOptions } from './_pod-options.ts'

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

export function validateAffinity(affinity: Affinity | undefined, path: string, options: PodOptions): FieldError[] {
  if (!affinity) return []
  const errors: FieldError[] = []
  const { nodeAffinity: node, podAffinity, podAntiAffinity } = affinity
  const allowInvalidValues = options.allowInvalidLabelValueInNodeAffinity === true
  if (node?.[REQUIRED]) errors.push(...validateNodeSelector(node[REQUIRED], `${path}.nodeAffinity.${REQUIRED}`, { allowInvalidValues }))
  for (const [i, { weight = 0, preference = {} }] of (node?.[PREFERRED] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${PREFERRED}[${i}]`
    errors.push(...validateWeight(weight, at), ...validateNodeSelectorTerm(preference, `${at}.preference`, { allowInvalidValues: true }))
  }
  if (podAffinity) errors.push(...validatePodAffinity(podAffinity, `${path}.podAffinity`, options))
  if (podAntiAffinity) errors.push(...validatePodAffinity(podAntiAffinity, `${path}.podAntiAffinity`, options))
  return errors
}

function validateWeight(weight: number, path: string): FieldError[] {
  return weight <= 0 || weight > 100 ? [field.invalid(`${path}.weight`, weight, 'must be in the range 1-100')] : []
}

interface NodeSelectorOptions {
  /** Values are not checked against the rules of label values. */
  allowInvalidValues?: boolean
}

export function validateNodeSelector(selector: NodeSelector, path: string, options: NodeSelectorOptions = {}): FieldError[] {
  const terms = selector.nodeSelectorTerms ?? []
  if (terms.length === 0) return [field.required(`${path}.nodeSelectorTerms`, 'must have at least one node selector term')]
  return terms.flatMap((term, i) => validateNodeSelectorTerm(term, `${path}.nodeSelectorTerms[${i}]`, options))
}

export function validateNodeSelectorTerm(term: NodeSelectorTerm, path: string, options: NodeSelectorOptions = {}): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((e, i) => validateNodeRequirement(e, `${path}.matchExpressions[${i}]`, options)),
    ...(term.matchFields ?? []).flatMap((e, i) => validateFieldRequirement(e, `${path}.matchFields[${i}]`)),
  ]
}

function validateNodeRequirement(requirement: NodeSelectorRequirement, path: string, options: NodeSelectorOptions): FieldError[] {
  const { key = '', operator = '', values = [] } = requirement
  const errors = validateOperator(operator, values, path)
  errors.push(...validateLabelName(key, `${path}.key`))
  if (options.allowInvalidValues) return errors
  for (const [i, value] of values.entries()) for (const m of isValidLabelValue(value)) errors.push(field.invalid(`${path}.values[${i}]`, value, m))
  return errors
}

function validateOperator(operator: string, values: readonly string[], path: string): FieldError[] {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0 ? [field.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : []
    case 'Exists':
    case 'DoesNotExist':
      return values.length > 0 ? [field.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] : []
    case 'Gt':
    case 'Lt':
      return values.length !== 1 ? [field.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")] : []
    default:
      return [field.invalid(`${path}.operator`, operator, 'not a valid selector operator')]
  }
}

function validateFieldRequirement({ key = '', operator = '', values = [] }: NodeSelectorRequirement, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (operator !== 'In' && operator !== 'NotIn') errors.push(field.invalid(`${path}.operator`, operator, 'not a valid selector operator'))
  else if (values.length !== 1) errors.push(field.required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
  if (key !== 'metadata.name') errors.push(field.invalid(`${path}.key`, key, 'not a valid field selector key'))
  else for (const [i, value] of values.entries()) for (const m of isDNS1123Subdomain(value)) errors.push(field.invalid(`${path}.values[${i}]`, value, m))
  return errors
}

function validatePodAffinity(affinity: PodAffinity, path: string, options: PodOptions): FieldError[] {
  const errors = (affinity[REQUIRED] ?? []).flatMap((term, i) => validatePodAffinityTerm(term, `${path}.${REQUIRED}[${i}]`, options))
  for (const [i, { weight = 0, podAffinityTerm = {} }] of (affinity[PREFERRED] ?? []).entries()) {
    const at = `${path}.${PREFERRED}[${i}]`
    errors.push(...validateWeight(weight, at), ...validatePodAffinityTerm(podAffinityTerm, `${at}.podAffinityTerm`, options))
  }
  return errors
}

function validatePodAffinityTerm(term: PodAffinityTerm, path: string, { allowInvalidLabelValueInSelector = false }: PodOptions): FieldError[] {
  const { topologyKey = '', labelSelector, namespaceSelector, namespaces = [] } = term
  const errors = validateLabelSelector(labelSelector, `${path}.labelSelector`, { allowInvalidLabelValueInSelector })
  errors.push(...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`, { allowInvalidLabelValueInSelector }))
  for (const name of namespaces) for (const m of isDNS1123Label(name)) errors.push(field.invalid(`${path}.namespace`, name, m))
  errors.push(...validateMatchLabelKeys(term, path))
  if (!topologyKey) errors.push(field.required(`${path}.topologyKey`, 'can not be empty'))
  errors.push(...validateLabelName(topologyKey, `${path}.topologyKey`))
  return errors
}

interface LabelKeyed {
  matchLabelKeys?: string[]
  mismatchLabelKeys?: string[]
  labelSelector?: LabelSelector
}

/** Keys whose values come from the pod must not be asked for twice. */
export function validateMatchLabelKeys({ matchLabelKeys = [], mismatchLabelKeys = [], labelSelector }: LabelKeyed, path: string): FieldError[] {
  const errors = [...validateLabelKeys(matchLabelKeys, `${path}.matchLabelKeys`, labelSelector), ...validateLabelKeys(mismatchLabelKeys, `${path}.mismatchLabelKeys`, labelSelector)]
  if (labelSelector) {
    const asked = new Set(Object.keys(labelSelector.matchLabels ?? {}))
    for (const { key = '' } of labelSelector.matchExpressions ?? []) {
      const i = matchLabelKeys.lastIndexOf(key)
      if (i >= 0 && asked.has(key)) errors.push(field.invalid(`${path}[${i}]`, key, 'exists in both matchLabelKeys and labelSelector'))
      asked.add(key)
    }
  }
  for (const [i, key] of matchLabelKeys.entries()) {
    if (mismatchLabelKeys.includes(key)) errors.push(field.invalid(`${path}.matchLabelKeys[${i}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'))
  }
  return errors
}

function validateLabelKeys(keys: readonly string[], path: string, selector: LabelSelector | undefined): FieldError[] {
  if (keys.length === 0) return []
  if (!selector) return [field.forbidden(path, 'must not be specified when labelSelector is not set')]
  return keys.flatMap((key, i) => validateLabelName(key, `${path}[${i}]`))
}
