/** Node selectors and node affinity. Models pkg/scheduler/framework/plugins/nodeaffinity. */
import type { Node } from '../../../schemas/types.ts'
import { SKIP, definePlugin, unresolvable } from '../framework.ts'
import { namesInTerm, preferredNodeAffinity } from '../../apimachinery/node-affinity.ts'
import type { PodInfo } from '../pod-info.ts'
import { normalizeToMax } from '../scores.ts'

const REFUSED = unresolvable("node(s) didn't match Pod's node affinity/selector")
const CONFLICT = unresolvable('pod affinity terms conflict')

type Matcher = (node: Node) => boolean

export default definePlugin<Matcher, (node: Node) => number>({
  name: 'NodeAffinity',
  order: 60,
  weight: 2,
  events: [{ resource: 'Node', actions: ['add', 'labels'], helps: (pod, { node, oldNode }) => isMatched(pod, node) && !isMatched(pod, oldNode) }],
  preFilter(_cycle, pod) {
    const matches = pod.nodeAffinity
    if (!matches) return SKIP
    const nodes = namedNodes(pod)
    if (nodes?.size === 0) return { status: CONFLICT }
    return nodes ? { state: matches, nodes } : { state: matches }
  },
  filter(matches, _pod, { node }) {
    return matches(node) ? undefined : REFUSED
  },
  preScore(_cycle, { pod }) {
    const score = preferredNodeAffinity(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution)
    return score ? { state: score } : SKIP
  },
  score(score, _pod, { node }) {
    return score(node)
  },
  normalize(_state, scores) {
    normalizeToMax(scores)
  },
})

/** The nodes that all alternatives together name, when each of them names some. */
function namedNodes({ pod }: PodInfo): Set<string> | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (!terms?.length) return undefined
  const names = new Set<string>()
  for (const term of terms) {
    const inTerm = namesInTerm(term)
    if (!inTerm) return undefined
    for (const name of inTerm) names.add(name)
  }
  return names
}

/** A node that was not there before did not match. */
function isMatched(pod: PodInfo, node: Node | undefined): boolean {
  return node !== undefined && (pod.nodeAffinity?.(node) ?? true)
}
