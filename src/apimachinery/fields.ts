/**
 * Field selectors: `spec.nodeName=a,status.phase!=Running`. Which fields a kind has is the kind's matter.
 * Models k8s.io/apimachinery/pkg/fields/selector.go.
 */
import { ParseError } from './parse-error.ts'

export interface FieldRequirement {
  readonly field: string
  readonly operator: '=' | '!='
  readonly value: string
}

export interface FieldSelector {
  readonly requirements: readonly FieldRequirement[]
  readonly isEmpty: boolean
  /** A field that is absent has the empty value. */
  matches(fields: Readonly<Record<string, string>>): boolean
  /** The value that `field` must have to match, if one is asked for. */
  requiresExactMatch(field: string): string | undefined
  toString(): string
}

export const everyField: FieldSelector = build([])

/** Throws ParseError. */
export function parseFieldSelector(text: string): FieldSelector {
  if (text === '') return everyField
  const requirements: FieldRequirement[] = []
  for (const term of splitTerms(text).sort()) {
    if (term === '') continue
    const at = term.search(/!=|=/)
    if (at < 0) throw new ParseError(`invalid selector: '${text}'; can't understand '${term}'`)
    const isDouble = term.startsWith('!=', at) || term.startsWith('==', at)
    const field = term.slice(0, at)
    const value = unescapeValue(term.slice(at + (isDouble ? 2 : 1)))
    if (field !== '' || value !== '') requirements.push({ field, operator: term[at] === '!' ? '!=' : '=', value })
  }
  return build(requirements)
}

export function fieldSelectorFromSet(fields: Readonly<Record<string, string>>): FieldSelector {
  return build(Object.entries(fields).map(([field, value]) => ({ field, operator: '=', value })))
}

/**
 * The selector with each field and value renamed, as a kind does that knows a field by another name. A requirement
 * whose field and value both become empty is dropped.
 */
export function transformFieldSelector(selector: FieldSelector, rename: (field: string, value: string) => { field: string; value: string }): FieldSelector {
  const requirements: FieldRequirement[] = []
  for (const r of selector.requirements) {
    const { field, value } = rename(r.field, r.value)
    if (field !== '' || value !== '') requirements.push({ field, operator: r.operator, value })
  }
  return build(requirements)
}

export function escapeFieldValue(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&')
}

function unescapeValue(text: string): string {
  if (!/[\\,=]/.test(text)) return text
  let out = ''
  const chars = [...text]
  for (let i = 0; i < chars.length; i++) {
    const c = chars[i] ?? ''
    if (c === ',' || c === '=') throw new ParseError(`invalid field selector: unescaped character in value: ${c.codePointAt(0)}`)
    if (c !== '\\') {
      out += c
      continue
    }
    const escaped = chars[++i] ?? ''
    if (escaped === '' || !'\\,='.includes(escaped)) throw new ParseError(`invalid field selector: invalid escape sequence: \\${escaped}`)
    out += escaped
  }
  return out
}

/** Splits at commas that no backslash escapes. */
function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      terms.push(text.slice(start, i))
      start = i + 1
    }
  }
  terms.push(text.slice(start))
  return terms
}

function build(requirements: readonly FieldRequirement[]): FieldSelector {
  return {
    requirements,
    isEmpty: requirements.length === 0,
    matches: (fields) => {
      for (const r of requirements) {
        const value: unknown = fields[r.field]
        if (((typeof value === 'string' ? value : '') === r.value) !== (r.operator === '=')) return false
      }
      return true
    },
    requiresExactMatch: (field) => requirements.find((r) => r.field === field && r.operator === '=')?.value,
    toString: () => requirements.map((r) => `${r.field}${r.operator}${escapeFieldValue(r.value)}`).join(','),
  }
}
