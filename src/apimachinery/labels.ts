/**
 * Label selectors: the text of a query, a metav1.LabelSelector or a plain map becomes a `Selector` whose `matches` is
 * compiled once, since a list or a watch calls it for every object.
 * Models k8s.io/apimachinery/pkg/labels/selector.go and LabelSelectorAsSelector of pkg/apis/meta/v1/helpers.go.
 */
import { quote } from '../errors.ts'
import { parseRequirements } from './labels-parser.ts'
import { makeRequirement, parseInt64, type Operator, type Requirement } from './labels-requirement.ts'
import { ParseError } from './parse-error.ts'

export type Labels = Readonly<Record<string, string>>
export interface Selector {
  /** Sorted by key; empty when the selector matches everything or nothing. */
  readonly requirements: readonly Requirement[]
  /** True when nothing is required, so that everything matches. */
  readonly isEmpty: boolean
  readonly matchesNothing: boolean
  matches(labels: Labels | undefined): boolean
  /** The value that `key` must have to match, if there is exactly one. */
  requiresExactMatch(key: string): string | undefined
  /** The canonical text, which parses to an equal selector. */
  toString(): string
}

/** metav1.LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly { readonly key?: string; readonly operator?: string; readonly values?: readonly string[] }[]
}

const OPERATORS: Readonly<Record<string, Operator>> = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' }
const SYMBOLS: Readonly<Record<Operator, string>> = { in: ' in ', notin: ' notin ', '=': '=', '==': '==', '!=': '!=', gt: '>', lt: '<', exists: '', '!': '' }

export const everything: Selector = build([])
export const nothing: Selector = { requirements: [], isEmpty: false, matchesNothing: true, matches: () => false, requiresExactMatch: () => undefined, toString: () => '' }

/** @param path what errors name as the place of a bad key or value, when the text is a field of an object */
export function parseSelector(text: string, path?: string): Selector {
  if (text === '') return everything
  return build(parseRequirements(text, path))
}

export function selectorFromRequirements(requirements: readonly Requirement[]): Selector {
  return requirements.length === 0 ? everything : build(requirements)
}

/** A selector that asks for each label of the map; no map or an empty one matches everything. */
export function selectorFromSet(labels: Labels | undefined): Selector {
  const pairs = Object.entries(labels ?? {})
  return pairs.length === 0 ? everything : build(pairs.map(([key, value]) => ({ key, operator: '=', values: [value] })))
}

/** No selector matches nothing, an empty one everything; throws ParseError. */
export function selectorFromLabelSelector(selector: LabelSelector | null | undefined): Selector {
  if (!selector) return nothing
  const requirements: Requirement[] = []
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) requirements.push(makeRequirement(key, '=', [value]))
  for (const e of selector.matchExpressions ?? []) {
    const operator = OPERATORS[e.operator ?? '']
    if (!operator) throw new ParseError(`${quote(e.operator ?? '')} is not a valid label selector operator`)
    requirements.push(makeRequirement(e.key ?? '', operator, e.values ?? []))
  }
  return selectorFromRequirements(requirements)
}

/** The selector as printed columns show it. */
export function formatLabelSelector(selector: LabelSelector | null | undefined): string {
  try {
    return selectorFromLabelSelector(selector).toString() || '<none>'
  } catch (error) {
    if (error instanceof ParseError) return '<error>'
    throw error
  }
}

function build(unsorted: readonly Requirement[]): Selector {
  const requirements = [...unsorted].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const tests = requirements.map(compile)
  const [first, second] = tests
  const matches: Selector['matches'] = !first
    ? () => true
    : !second
      ? (labels) => first(labels ?? NO_LABELS)
      : (labels) => {
          const given = labels ?? NO_LABELS
          for (const test of tests) if (!test(given)) return false
          return true
        }
  return {
    requirements,
    isEmpty: requirements.length === 0,
    matchesNothing: false,
    matches,
    requiresExactMatch: (key) => {
      const r = requirements.find((q) => q.key === key)
      return r && r.values.length === 1 && (r.operator === '=' || r.operator === '==' || r.operator === 'in') ? r.values[0] : undefined
    },
    toString: () => requirements.map(requirementText).join(','),
  }
}

const NO_LABELS: Labels = {}

/** A label's value; what objects inherit (`constructor`, …) is never a string, so it counts as absent. */
function valueOf(labels: Labels, key: string): string | undefined {
  const value: unknown = labels[key]
  return typeof value === 'string' ? value : undefined
}

function compile(r: Requirement): (labels: Labels) => boolean {
  const { key, operator } = r
  const [only] = r.values
  if (operator === 'exists') return (labels) => valueOf(labels, key) !== undefined
  if (operator === '!') return (labels) => valueOf(labels, key) === undefined
  if (operator === 'gt' || operator === 'lt') {
    const bound = parseInt64(only ?? '')
    return (labels) => {
      const n = parseInt64(valueOf(labels, key) ?? '')
      return n !== undefined && bound !== undefined && (operator === 'gt' ? n > bound : n < bound)
    }
  }
  const negated = operator === 'notin' || operator === '!='
  if (r.values.length === 1) return negated ? (labels) => valueOf(labels, key) !== only : (labels) => valueOf(labels, key) === only
  const values = new Set(r.values)
  return (labels) => {
    const value = valueOf(labels, key)
    return value === undefined ? negated : values.has(value) !== negated
  }
}

function requirementText(r: Requirement): string {
  if (r.operator === '!') return `!${r.key}`
  const values = [...r.values].sort().join(',')
  return r.key + SYMBOLS[r.operator] + (r.operator === 'in' || r.operator === 'notin' ? `(${values})` : values)
}
