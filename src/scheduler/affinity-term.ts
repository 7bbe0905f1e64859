/** A pod affinity term in the form in which it is matched. Models framework.AffinityTerm of k8s.io/kube-scheduler. */
import type { LabelSelector, Pod, PodAffinityTerm } from '../../schemas/types.ts'
import { nothing, selectorFromLabelSelector, type Labels, type Selector } from '../apimachinery/labels.ts'

export interface AffinityTerm {
  /** Equal terms have equal ids, whichever pod they come from. */
  readonly id: string
  readonly namespaces: ReadonlySet<string>
  readonly namespaceSelector: Selector
  readonly selector: Selector
  readonly topologyKey: string
  readonly weight: number
}

/** Throws ParseError. */
export function compileAffinityTerm(pod: Pod, term: PodAffinityTerm, weight = 0): AffinityTerm {
  const { labelSelector, namespaces = [], namespaceSelector, topologyKey = '' } = term
  const names = namespaces.length === 0 && !namespaceSelector ? [pod.metadata.namespace ?? ''] : namespaces
  const selector = selectorFromLabelSelector(labelSelector)
  const inNamespaces = namespaceSelector ? selectorFromLabelSelector(namespaceSelector) : nothing
  const id = JSON.stringify([[...names].sort(), canonical(namespaceSelector, inNamespaces), canonical(labelSelector, selector), topologyKey])
  return { id, namespaces: new Set(names), namespaceSelector: inNamespaces, selector, topologyKey, weight }
}

/** null for no selector, which matches nothing, apart from '' for the empty one, which matches everything. */
function canonical(given: LabelSelector | undefined, compiled: Selector): string | null {
  return given ? compiled.toString() : null
}

/** @param namespaceLabels labels of the namespace that `namespace` names */
export function termMatches(term: AffinityTerm, { namespace, labels }: { namespace: string; labels: Labels | undefined }, namespaceLabels: Labels | undefined): boolean {
  if (!term.namespaces.has(namespace) && (term.namespaceSelector.matchesNothing || !term.namespaceSelector.matches(namespaceLabels))) return false
  return term.selector.matches(labels)
}
