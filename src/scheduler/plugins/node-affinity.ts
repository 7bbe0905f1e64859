/** Node selectors and node affinity. Models pkg/scheduler/framework/plugins/nodeaffinity. */
import type { Node, NodeAffinity, NodeSelectorTerm } from '../../../schemas/types.ts'
import { SKIP, definePlugin, unresolvable } from '../framework.ts'
import { compileNodeSelector, namesInTerm, preferredNodeAffinity } from '../../apimachinery/node-affinity.ts'
import type { PodInfo } from '../pod-info.ts'
import { normalizeToMax } from '../scores.ts'

const REFUSED = unresolvable("node(s) didn't match Pod's node affinity/selector")
const CONFLICT = unresolvable('pod affinity terms conflict')

type Matcher = (node: Node) => boolean

const NOT_ENFORCED = unresolvable('node(s) didn\'t match scheduler-enforced node affinity')

interface Required {
  /** By the profile's arguments. */
  enforced: Matcher | undefined
  own: Matcher | undefined
}

export default definePlugin<Required, readonly ((node: Node) => number)[]>({
  name: 'NodeAffinity',
  order: 60,
  isLocal: true,
  weight: 2,
  events: [{ resource: 'Node', actions: ['add', 'labels'], helps: (pod, { node, oldNode }) => isMatched(pod, node) && !isMatched(pod, oldNode) }],
  preFilter(cycle, pod) {
    const { required: enforced } = added(cycle.args('NodeAffinity').addedAffinity)
    const own = pod.nodeAffinity
    if (!own && !enforced) return SKIP
    const nodes = namedNodes(pod)
    if (nodes?.size === 0) return { status: CONFLICT }
    return nodes ? { state: { enforced, own }, nodes } : { state: { enforced, own } }
  },
  filter({ enforced, own }, _pod, { node }) {
    if (enforced && !enforced(node)) return NOT_ENFORCED
    return !own || own(node) ? undefined : REFUSED
  },
  why({ pod: { spec } }, { labels }) {
    const lacking = Object.entries(spec.nodeSelector ?? {}).filter(([key, value]) => labels[key] !== value)
    if (lacking.length > 0) return lacking.map(([key, value]) => `wants ${key}=${value}, is ${labels[key] ?? 'not labelled'}`).join(', ')
    const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
    const text = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm) => [...matchFields, ...matchExpressions].map(({ key, operator, values }) => [key, operator, ...(values?.length ? [`[${values.join(',')}]`] : [])].join(' ')).join(' and ')
    return terms.length > 0 ? `wants ${terms.map(text).join(', or ')}` : undefined
  },
  preScore(cycle, { pod }) {
    const { preferred } = added(cycle.args('NodeAffinity').addedAffinity)
    const own = preferredNodeAffinity(pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution)
    const scores = [own, preferred].filter((score) => score !== undefined)
    return scores.length > 0 ? { state: scores } : SKIP
  },
  score(scores, _pod, { node }) {
    let sum = 0
    for (const score of scores) sum += score(node)
    return sum
  },
  normalize(_state, scores) {
    normalizeToMax(scores)
  },
})

interface Added {
  required?: Matcher
  preferred?: (node: Node) => number
}

const NOTHING: Added = {}
/** Compiled once for each configured affinity. */
const compiled = new WeakMap<NodeAffinity, Added>()

function added(affinity: NodeAffinity | undefined): Added {
  if (!affinity) return NOTHING
  let known = compiled.get(affinity)
  if (!known) {
    const { requiredDuringSchedulingIgnoredDuringExecution: required, preferredDuringSchedulingIgnoredDuringExecution: terms } = affinity
    const preferred = preferredNodeAffinity(terms)
    compiled.set(affinity, (known = { ...(required ? { required: compileNodeSelector(required) } : {}), ...(preferred ? { preferred } : {}) }))
  }
  return known
}

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
