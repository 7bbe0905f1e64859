/** Node labels that are deprecated, wherever something selects nodes by them. Models k8s.io/kubernetes/pkg/api/node/util.go. */
import type { NodeSelectorTerm } from '../../../schemas/types.ts'
import { isValidLabelValue } from '../../../src/apimachinery/validation.ts'

const DEPRECATIONS: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
])

/** What to say of this label, if anything. */
export function nodeLabelDeprecation(key: string): string | undefined {
  return DEPRECATIONS.get(key)
}

/** @param options.checkValues values that are no label values are told too */
export function nodeSelectorTermWarnings(term: NodeSelectorTerm, path: string, { checkValues = false } = {}): string[] {
  const out: string[] = []
  for (const [i, { key = '', values = [] }] of (term.matchExpressions ?? []).entries()) {
    const message = nodeLabelDeprecation(key)
    if (message) out.push(`${path}.matchExpressions[${i}].key: ${key} is ${message}`)
    if (!checkValues) continue
    for (const [j, value] of values.entries()) for (const m of isValidLabelValue(value)) out.push(`${path}.matchExpressions[${i}].values[${j}]: ${value} is invalid, ${m}`)
  }
  return out
}
