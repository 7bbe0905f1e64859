/**
 * Node selectors of pods and volumes, compiled once. A term that cannot be read matches nothing.
 * Models k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
 */
import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, PreferredSchedulingTerm } from '../../schemas/types.ts'
import { selectorFromRequirements, selectorFromSet, type Selector } from './labels.ts'
import { makeRequirement, type Operator } from './labels-requirement.ts'
import { ParseError } from './parse-error.ts'

type Matcher = (node: Node) => boolean

const OPERATORS: Readonly<Record<string, Operator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!', Gt: 'gt', Lt: 'lt' }

/** Terms are alternatives; none at all matches no node. */
export function compileNodeSelector(selector: NodeSelector): Matcher {
  const terms = (selector.nodeSelectorTerms ?? []).flatMap((t) => compileTerm(t) ?? [])
  return (node) => terms.some((matches) => matches(node))
}

/** What `spec.nodeSelector` and the required node affinity ask together; undefined when they ask nothing. */
export function requiredNodeAffinity(pod: Pod): Matcher | undefined {
  const { nodeSelector, affinity } = pod.spec
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const labels = nodeSelector && Object.keys(nodeSelector).length > 0 ? selectorFromSet(nodeSelector) : undefined
  if (!required) return labels && ((node) => labels.matches(node.metadata.labels))
  const terms = compileNodeSelector(required)
  return labels ? (node) => labels.matches(node.metadata.labels) && terms(node) : terms
}

/** Sums the weights of the terms that match; undefined when there is none. */
export function preferredNodeAffinity(terms: readonly PreferredSchedulingTerm[] | undefined): ((node: Node) => number) | undefined {
  const compiled = (terms ?? []).flatMap(({ weight = 0, preference }) => {
    const matches = weight !== 0 && preference ? compileTerm(preference) : undefined
    return matches ? [{ weight, matches }] : []
  })
  if (compiled.length === 0) return undefined
  return (node) => {
    let score = 0
    for (const { weight, matches } of compiled) if (matches(node)) score += weight
    return score
  }
}

/** The names a term pins a node to by `matchFields`; undefined when it pins none. */
export function namesInTerm(term: NodeSelectorTerm): Set<string> | undefined {
  let names: Set<string> | undefined
  for (const { key, operator, values = [] } of term.matchFields ?? []) {
    if (key !== 'metadata.name' || operator !== 'In') continue
    const known: Set<string> | undefined = names
    names = new Set(known ? values.filter((v) => known.has(v)) : values)
  }
  return names
}

function compileTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): Matcher | undefined {
  if (matchExpressions.length === 0 && matchFields.length === 0) return undefined
  const labels = matchExpressions.length > 0 ? compileRequirements(matchExpressions) : undefined
  if (labels === null) return () => false
  const fields = matchFields.map(compileField)
  return (node) => (labels?.matches(node.metadata.labels) ?? true) && fields.every((matches) => matches(node))
}

function compileRequirements(requirements: readonly NodeSelectorRequirement[]): Selector | null {
  try {
    return selectorFromRequirements(requirements.map(({ key = '', operator = '', values = [] }) => makeRequirement(key, operatorOf(operator), values)))
  } catch (error) {
    if (error instanceof ParseError) return null
    throw error
  }
}

function operatorOf(text: string): Operator {
  const operator = OPERATORS[text]
  if (!operator) throw new ParseError(`"${text}" is not a valid node selector operator`)
  return operator
}

function compileField({ key, operator, values = [] }: NodeSelectorRequirement): Matcher {
  if (key !== 'metadata.name' || values.length !== 1) return () => false
  if (operator === 'In') return (node) => node.metadata.name === values[0]
  return operator === 'NotIn' ? (node) => node.metadata.name !== values[0] : () => false
}
