/**
 * Node and pod affinity, and the label keys that terms take from the pod itself.
 * Models validateAffinity of k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
 */
import type { Affinity, LabelSelector, PodAffinity, PodAffinityTerm } from '../../../schemas/types.ts'
import { validateLabelName, validateLabelSelector } from '../../../src/apimachinery/validate-meta.ts'
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import { validateNodeSelector, validateNodeSelectorTerm } from './_node-selector-validation.ts'
import type { PodOptions } from './_pod-options.ts'

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

export function validateAffinity(affinity: Affinity | undefined, path: string, options: PodOptions): FieldError[] {
  if (!affinity) return []
  const errors: FieldError[] = []
  const { nodeAffinity: node, podAffinity, podAntiAffinity } = affinity
  const allowInvalidLabelValue = options.allowInvalidLabelValueInNodeAffinity === true
  if (node?.[REQUIRED]) errors.push(...validateNodeSelector(node[REQUIRED], `${path}.nodeAffinity.${REQUIRED}`, { allowInvalidLabelValue }))
  for (const [i, { weight = 0, preference = {} }] of (node?.[PREFERRED] ?? []).entries()) {
    const at = `${path}.nodeAffinity.${PREFERRED}[${i}]`
    errors.push(...validateWeight(weight, at), ...validateNodeSelectorTerm(preference, `${at}.preference`, { allowInvalidLabelValue: true }))
  }
  if (podAffinity) errors.push(...validatePodAffinity(podAffinity, `${path}.podAffinity`, options))
  if (podAntiAffinity) errors.push(...validatePodAffinity(podAntiAffinity, `${path}.podAntiAffinity`, options))
  return errors
}

function validateWeight(weight: number, path: string): FieldError[] {
  return weight <= 0 || weight > 100 ? [field.invalid(`${path}.weight`, weight, 'must be in the range 1-100')] : []
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
