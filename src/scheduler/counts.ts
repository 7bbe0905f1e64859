/**
 * How many pods of a kind are where: per node, and per value of a topology label, kept up to date as pods come and go.
 * Spreading and inter-pod affinity look here instead of at every pod on every node, so that a decision costs by the number
 * of nodes and not of pods. Answers what podtopologyspread and interpodaffinity of kube-scheduler count anew each time.
 */
import type { AffinityTerm } from './affinity-term.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** Questions asked longest ago are forgotten beyond this many; asked again, they are counted anew. */
const MAX_QUESTIONS = 512

export class NodeCounts {
  readonly byNode = new Map<NodeInfo, number>()
  readonly #byValue = new Map<string, Map<string, number>>()

  add(node: NodeInfo, by: number): void {
    const count = (this.byNode.get(node) ?? 0) + by
    if (count > 0) this.byNode.set(node, count)
    else this.byNode.delete(node)
    for (const [key, values] of this.#byValue) addTo(values, node.labels[key], by)
  }

  /** Counts by value of a node label; only values that occur. */
  byValue(topologyKey: string): ReadonlyMap<string, number> {
    let values = this.#byValue.get(topologyKey)
    if (values) return values
    values = new Map()
    for (const [node, count] of this.byNode) addTo(values, node.labels[topologyKey], count)
    this.#byValue.set(topologyKey, values)
    return values
  }

  /** Labels of nodes changed. */
  forgetValues(): void {
    this.#byValue.clear()
  }
}

function addTo(values: Map<string, number>, value: string | undefined, by: number): void {
  if (value === undefined) return
  const count = (values.get(value) ?? 0) + by
  if (count > 0) values.set(value, count)
  else values.delete(value)
}

export interface PodQuestion {
  /** Equal questions have equal ids. */
  id: string
  /** Absent for all. */
  namespaces?: ReadonlySet<string>
  matches(pod: PodInfo): boolean
}

interface Asked {
  question: PodQuestion
  counts: NodeCounts
}

/** Counts of the pods that answer to a question; counted once, then followed. */
export class PodCounts {
  readonly #asked = new Map<string, Asked>()

  of(question: PodQuestion, nodes: Iterable<NodeInfo>): NodeCounts {
    const known = this.#asked.get(question.id)
    if (known) {
      this.#asked.delete(question.id)
      this.#asked.set(question.id, known)
      return known.counts
    }
    const counts = new NodeCounts()
    for (const node of nodes) for (const pod of node.pods.values()) if (answers(question, pod)) counts.add(node, 1)
    this.#asked.set(question.id, { question, counts })
    const [oldest] = this.#asked.keys()
    if (this.#asked.size > MAX_QUESTIONS && oldest !== undefined) this.#asked.delete(oldest)
    return counts
  }

  changed(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    for (const { question, counts } of this.#asked.values()) if (answers(question, pod)) counts.add(node, by)
  }

  forgetValues(): void {
    for (const { counts } of this.#asked.values()) counts.forgetValues()
  }
}

function answers(question: PodQuestion, pod: PodInfo): boolean {
  return (question.namespaces === undefined || question.namespaces.has(pod.namespace)) && question.matches(pod)
}

export interface TermCounts {
  readonly term: AffinityTerm
  readonly counts: NodeCounts
  /** What it adds to the topology of the pod that carries it, for pods that match; 0 where it is required. */
  readonly weight: number
}

/** The affinity terms that pods on nodes carry, equal ones together. */
export class CarriedTerms {
  readonly requiredAntiAffinity = new Map<string, TermCounts>()
  /** Weighed when scored: by an argument of the plugin. */
  readonly requiredAffinity = new Map<string, TermCounts>()
  readonly preferring = new Map<string, TermCounts>()

  changed(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    if (!pod.hasPodAffinity) return
    const { requiredAntiAffinity, requiredAffinity, preferredAffinity, preferredAntiAffinity } = pod.terms
    for (const term of requiredAntiAffinity) count(this.requiredAntiAffinity, { term, weight: 0 }, { node, by })
    for (const term of requiredAffinity) count(this.requiredAffinity, { term, weight: 0 }, { node, by })
    for (const term of preferredAffinity) count(this.preferring, { term, weight: term.weight }, { node, by })
    for (const term of preferredAntiAffinity) count(this.preferring, { term, weight: -term.weight }, { node, by })
  }

  forgetValues(): void {
    for (const { counts } of this.requiredAntiAffinity.values()) counts.forgetValues()
    for (const { counts } of this.requiredAffinity.values()) counts.forgetValues()
    for (const { counts } of this.preferring.values()) counts.forgetValues()
  }
}

function count(carried: Map<string, TermCounts>, { term, weight }: { term: AffinityTerm; weight: number }, { node, by }: { node: NodeInfo; by: 1 | -1 }): void {
  const id = `${weight} ${term.id}`
  let entry = carried.get(id)
  if (!entry) carried.set(id, (entry = { term, weight, counts: new NodeCounts() }))
  entry.counts.add(node, by)
  if (entry.counts.byNode.size === 0) carried.delete(id)
}
