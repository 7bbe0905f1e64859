/** Node labels that were replaced, and what is said when a selector still names them. Models k8s.io/kubernetes/pkg/api/node/util.go. */
import type { LabelSelector } from '../../../src/apimachinery/labels.ts'
import { isValidLabelValue } from '../../../src/apimachinery/validation.ts'
import type { NodeSelectorTerm } from '../../../schemas/types.ts'

const since = (version: string, label: string): string => `deprecated since ${version}; use "${label}" instead`

const DEPRECATED: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': since('v1.14', 'kubernetes.io/arch'),
  'beta.kubernetes.io/os': since('v1.14', 'kubernetes.io/os'),
  'failure-domain.beta.kubernetes.io/region': since('v1.17', 'topology.kubernetes.io/region'),
  'failure-domain.beta.kubernetes.io/zone': since('v1.17', 'topology.kubernetes.io/zone'),
  'beta.kubernetes.io/instance-type': since('v1.17', 'node.kubernetes.io/instance-type'),
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
}

/** The label that took the place of a beta one. */
export const STABLE_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
}

/** What to say of the label, if it is deprecated. */
export function deprecatedNodeLabel(key: string | undefined): string | undefined {
  return key !== undefined && Object.hasOwn(DEPRECATED, key) ? DEPRECATED[key] : undefined
}

function expressionWarning(key: string | undefined, path: string): string[] {
  const message = deprecatedNodeLabel(key)
  return message ? [`${path}.key: ${key} is ${message}`] : []
}

export function nodeSelectorTermWarnings(term: NodeSelectorTerm, path: string, checkValues = false): string[] {
  return (term.matchExpressions ?? []).flatMap(({ key, values = [] }, i) => {
    const at = `${path}.matchExpressions[${i}]`
    const wrongValues = checkValues ? values.flatMap((value, j) => isValidLabelValue(value).map((m) => `${at}.values[${j}]: ${value} is invalid, ${m}`)) : []
    return [...expressionWarning(key, at), ...wrongValues]
  })
}

/** For a selector of nodes that is written as a label selector. */
export function labelSelectorNodeWarnings(selector: LabelSelector | undefined, path: string): string[] {
  const byLabel = Object.keys(selector?.matchLabels ?? {}).sort()
  return [
    ...(selector?.matchExpressions ?? []).flatMap(({ key }, i) => expressionWarning(key, `${path}.matchExpressions[${i}]`)),
    ...byLabel.flatMap((label) => {
      const message = deprecatedNodeLabel(label)
      return message ? [`${path}.matchLabels.${label}: ${message}`] : []
    }),
  ]
}
