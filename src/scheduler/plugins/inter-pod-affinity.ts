/** Pods that want, or do not want, to be near others. Models pkg/scheduler/framework/plugins/interpodaffinity. */
import type { Namespace, Node, Pod } from '../../../schemas/types.ts'
import type { Labels } from '../../apimachinery/labels.ts'
import { ParseError } from '../../apimachinery/parse-error.ts'
import { termMatches, type AffinityTerm } from '../affinity-term.ts'
import type { PluginArgs } from '../config/types.ts'
import { isSelf, type ClusterEvent } from '../cluster-events.ts'
import type { NodeCounts, TermCounts } from '../counts.ts'
import { MAX_NODE_SCORE, SKIP, definePlugin, unresolvable, unschedulable, type Handle } from '../framework.ts'
import type { NodeInfo } from '../node-info.ts'
import { podInfoOf, type PodInfo } from '../pod-info.ts'

const NOT_NEAR = unresolvable("node(s) didn't match pod affinity rules")
const NEAR = unschedulable("node(s) didn't match pod anti-affinity rules")
const UNWANTED = unschedulable("node(s) didn't satisfy existing pods anti-affinity rules")

/** How many pods a term finds, by value of its topology label. */
interface Found {
  term: AffinityTerm
  counts: ReadonlyMap<string, number>
}

interface Rules {
  handle: Handle
  namespaceLabels: Labels | undefined
  /** Pods that match all affinity terms of the incoming pod at once. */
  affinity: readonly Found[]
  antiAffinity: readonly Found[]
  /** Anti-affinity terms of pods that are there which match the incoming pod. */
  existing: readonly Found[]
  matchesItself: boolean
}

interface Preference {
  /** Weights by topology key and value. */
  readonly weights: ReadonlyMap<string, ReadonlyMap<string, number>>
}

export default definePlugin<Rules, Preference>({
  name: 'InterPodAffinity',
  order: 140,
  weight: 2,
  events: [
    { resource: 'AssignedPod', actions: ['add', 'labels', 'delete'], helps: mayBringTogether },
    { resource: 'WaitingPod', actions: ['labels'], helps: isSelf },
    { resource: 'Node', actions: ['add', 'labels'], helps: isOtherTopology },
  ],
  preFilter({ handle }, pod) {
    try {
      const namespaceLabels = labelsOf(handle, pod.namespace)
      const existing = termsAgainst(handle, pod, namespaceLabels)
      const { requiredAffinity, requiredAntiAffinity } = pod.terms
      if (existing.length === 0 && requiredAffinity.length === 0 && requiredAntiAffinity.length === 0) return SKIP
      const affinity = requiredAffinity.map((term) => ({ term, counts: countMatching(handle, requiredAffinity).byValue(term.topologyKey) }))
      const antiAffinity = requiredAntiAffinity.map((term) => ({ term, counts: countMatching(handle, [term]).byValue(term.topologyKey) }))
      return { state: { handle, namespaceLabels, affinity, antiAffinity, existing, matchesItself: matchesAll(handle, requiredAffinity, pod) } }
    } catch (error) {
      if (error instanceof ParseError) return { status: unresolvable(`parsing pod: ${error.message}`) }
      throw error
    }
  },
  cloneState: (rules) => ({ ...rules }),
  addPod: (rules, { pod, other, node }) => changeBy(rules, pod, { other, node, by: 1 }),
  removePod: (rules, { pod, other, node }) => changeBy(rules, pod, { other, node, by: -1 }),
  filter({ affinity, antiAffinity, existing, matchesItself }, _pod, { labels }) {
    if (affinity.length > 0 && !isNear(affinity, labels, matchesItself)) return NOT_NEAR
    for (const { term, counts } of antiAffinity) if (countAt(counts, labels[term.topologyKey]) > 0) return NEAR
    for (const { term, counts } of existing) if (countAt(counts, labels[term.topologyKey]) > 0) return UNWANTED
    return undefined
  },
  why(pod, node, handle) {
    const around = ({ topologyKey }: AffinityTerm) => handle.cache.nodes.filter(({ labels }) => labels[topologyKey] === node.labels[topologyKey]).flatMap((n) => [...n.pods.values()])
    const isMeant = (term: AffinityTerm, meant: PodInfo) => termMatches(term, meant, labelsOf(handle, meant.namespace))
    const avoided = pod.terms.requiredAntiAffinity.flatMap((term) => around(term).filter((other) => other.uid !== pod.uid && isMeant(term, other)))
    if (avoided.length > 0) return `${named(avoided)} there`
    const avoiding = handle.cache.nodes.flatMap((n) => [...n.pods.values()].filter(({ uid, terms }) => uid !== pod.uid && terms.requiredAntiAffinity.some((term) => n.labels[term.topologyKey] === node.labels[term.topologyKey] && isMeant(term, pod))))
    return avoiding.length > 0 ? `of ${named(avoiding)}` : undefined
  },
  preScore(cycle, pod) {
    const weights = preferences(cycle.handle, pod, cycle.args('InterPodAffinity'))
    return weights.size === 0 ? SKIP : { state: { weights } }
  },
  score({ weights }, _pod, { labels }) {
    let score = 0
    for (const [key, values] of weights) score += countAt(values, labels[key])
    return score
  },
  normalize(_state, scores) {
    const min = scores.reduce((a, b) => Math.min(a, b), Infinity)
    const max = scores.reduce((a, b) => Math.max(a, b), -Infinity)
    for (let i = 0; i < scores.length; i++) scores[i] = max > min ? Math.trunc(MAX_NODE_SCORE * (((scores[i] ?? 0) - min) / (max - min))) : 0
  },
})

function countAt(counts: ReadonlyMap<string, number>, value: string | undefined): number {
  return value === undefined ? 0 : (counts.get(value) ?? 0)
}

function isNear(affinity: readonly Found[], labels: Labels, matchesItself: boolean): boolean {
  let found = true
  for (const { term, counts } of affinity) {
    const value = labels[term.topologyKey]
    if (value === undefined) return false
    if (countAt(counts, value) <= 0) found = false
  }
  // The first of a group that wants to be together has nobody to go to yet.
  return found || (matchesItself && affinity.every(({ counts }) => counts.size === 0))
}

function named(pods: readonly PodInfo[]): string {
  const names = [...new Set(pods.map(({ key }) => key))]
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`
}

function labelsOf(handle: Handle, namespace: string): Labels | undefined {
  return handle.informers.lister<Namespace>('v1/Namespace').get('', namespace)?.metadata.labels
}

function termMatchesPod(handle: Handle, term: AffinityTerm, pod: { namespace: string; labels: Labels | undefined }): boolean {
  return termMatches(term, pod, term.namespaceSelector.matchesNothing ? undefined : labelsOf(handle, pod.namespace))
}

function matchesAll(handle: Handle, terms: readonly AffinityTerm[], pod: { namespace: string; labels: Labels | undefined }): boolean {
  return terms.length > 0 && terms.every((term) => termMatchesPod(handle, term, pod))
}

function termsAgainst(handle: Handle, pod: PodInfo, namespaceLabels: Labels | undefined): Found[] {
  const found: Found[] = []
  for (const { term, counts } of handle.cache.terms.requiredAntiAffinity.values()) {
    if (!termMatches(term, pod, namespaceLabels)) continue
    const byValue = counts.byValue(term.topologyKey)
    if (byValue.size > 0) found.push({ term, counts: byValue })
  }
  return found
}

/** Counts of the pods that match all of these terms. */
function countMatching(handle: Handle, terms: readonly AffinityTerm[]): NodeCounts {
  // Namespaces are resolved now, so that a change of their labels asks a new question.
  const namespaces = terms.map((term) => namespacesOf(handle, term))
  const id = `affinity ${terms.map((term, i) => `${[...(namespaces[i] ?? ['*'])].sort().join()} ${term.id}`).join(' & ')}`
  const matches = ({ namespace, labels }: PodInfo) => terms.every((term, i) => (namespaces[i]?.has(namespace) ?? true) && term.selector.matches(labels))
  return handle.cache.counts({ id, matches })
}

/** Undefined for all. */
function namespacesOf(handle: Handle, { namespaces, namespaceSelector }: AffinityTerm): ReadonlySet<string> | undefined {
  if (namespaceSelector.matchesNothing) return namespaces
  if (namespaceSelector.isEmpty) return undefined
  const selected = handle.informers.lister<Namespace>('v1/Namespace').select('', namespaceSelector)
  return new Set([...namespaces, ...selected.map((ns) => ns.metadata.name ?? '')])
}

function changeBy(rules: Rules, pod: PodInfo, change: { other: PodInfo; node: NodeInfo; by: number }): void {
  const { handle, namespaceLabels } = rules
  const { other } = change
  const affinityTerms = rules.affinity.map((f) => f.term)
  if (matchesAll(handle, affinityTerms, other)) rules.affinity = rules.affinity.map((f) => changed(f, change))
  rules.antiAffinity = rules.antiAffinity.map((f) => (termMatchesPod(handle, f.term, other) ? changed(f, change) : f))
  for (const term of other.terms.requiredAntiAffinity) {
    if (!termMatches(term, pod, namespaceLabels)) continue
    const known = rules.existing.find((f) => f.term.id === term.id)
    const next = changed(known ?? { term, counts: new Map() }, change)
    rules.existing = known ? rules.existing.map((f) => (f === known ? next : f)) : [...rules.existing, next]
  }
}

function changed({ term, counts }: Found, { node, by }: { node: NodeInfo; by: number }): Found {
  const value = node.labels[term.topologyKey]
  if (value === undefined) return { term, counts }
  const next = new Map(counts)
  const count = (counts.get(value) ?? 0) + by
  if (count > 0) next.set(value, count)
  else next.delete(value)
  return { term, counts: next }
}

function preferences(handle: Handle, pod: PodInfo, { ignorePreferredTermsOfExistingPods: ignoresExisting, hardPodAffinityWeight }: PluginArgs['InterPodAffinity']): Map<string, Map<string, number>> {
  const { preferredAffinity, preferredAntiAffinity } = pod.terms
  const weights = new Map<string, Map<string, number>>()
  const hasOwn = preferredAffinity.length + preferredAntiAffinity.length > 0
  if (ignoresExisting && !hasOwn) return weights
  for (const term of preferredAffinity) weigh(weights, { term, counts: countMatching(handle, [term]), weight: term.weight })
  for (const term of preferredAntiAffinity) weigh(weights, { term, counts: countMatching(handle, [term]), weight: -term.weight })
  const { preferring, requiredAffinity } = handle.cache.terms
  if (preferring.size + requiredAffinity.size === 0) return weights
  const namespaceLabels = labelsOf(handle, pod.namespace)
  if (hardPodAffinityWeight > 0) for (const { term, counts } of requiredAffinity.values()) if (termMatches(term, pod, namespaceLabels)) weigh(weights, { term, counts, weight: hardPodAffinityWeight })
  for (const carried of preferring.values()) if (termMatches(carried.term, pod, namespaceLabels)) weigh(weights, carried)
  return weights
}

function weigh(weights: Map<string, Map<string, number>>, { term, counts, weight }: TermCounts): void {
  const { topologyKey } = term
  for (const [value, count] of counts.byValue(topologyKey)) {
    let values = weights.get(topologyKey)
    if (!values) weights.set(topologyKey, (values = new Map()))
    values.set(value, (values.get(value) ?? 0) + weight * count)
  }
}

function mayBringTogether(pod: PodInfo, event: ClusterEvent, handle: Handle): boolean {
  const { requiredAffinity, requiredAntiAffinity } = pod.terms
  const matches = (terms: readonly AffinityTerm[], other: Pod | undefined) => other !== undefined && matchesAll(handle, terms, podInfoOf(other))
  const { pod: now, oldPod: before } = event
  if (now) {
    const comes = matches(requiredAffinity, now) && !matches(requiredAffinity, before)
    return comes || (matches(requiredAntiAffinity, before) && !matches(requiredAntiAffinity, now))
  }
  return matches(requiredAntiAffinity, before) || (before !== undefined && matchesAll(handle, podInfoOf(before).terms.requiredAntiAffinity, pod))
}

function isOtherTopology(pod: PodInfo, { node, oldNode }: ClusterEvent): boolean {
  const { requiredAffinity, requiredAntiAffinity } = pod.terms
  const value = (n: Node | undefined, { topologyKey }: AffinityTerm) => n?.metadata.labels?.[topologyKey]
  if (!oldNode) return requiredAffinity.length === 0 || requiredAntiAffinity.length > 0 || requiredAffinity.some((term) => value(node, term) !== undefined)
  if (requiredAffinity.some((term) => value(node, term) !== undefined && value(node, term) !== value(oldNode, term))) return true
  return requiredAntiAffinity.some((term) => value(oldNode, term) !== undefined && value(node, term) !== value(oldNode, term))
}
