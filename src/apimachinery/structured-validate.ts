/** Whether an applied configuration fits its type. Models validate.go of sigs.k8s.io/structured-merge-diff/typed. */
import { quote } from '../errors.ts'
import { goFormat } from './go-format.ts'
import type { MergeList, MergeMap, MergeScalar, MergeType } from './merge-type.ts'
import { ParseError } from './parse-error.ts'
import { elementText, fieldElement, itemElement } from './path-element.ts'
import { asList, asMap, formOf, memberOf } from './structured-value.ts'

interface Problem {
  path: string
  message: string
}

interface Options {
  /** Of items in lists with keys: an object that is there already may have some. */
  allowsDuplicates?: boolean
}

/** Throws ParseError that lists every problem. */
export function validateValue(type: MergeType, value: unknown, options: Options = {}): void {
  const problems = check(type, value, options)
  const lines = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  if (lines.length === 1) throw new ParseError(String(lines[0]))
  if (lines.length > 1) throw new ParseError(['errors:', ...lines.map((line) => `  ${line}`)].join('\n'))
}

const problem = (message: string): Problem[] => [{ path: '', message }]
const inside = (element: string, problems: Problem[]): Problem[] => problems.map(({ path, message }) => ({ path: elementText(element) + path, message }))

function check(type: MergeType, value: unknown, options: Options): Problem[] {
  const form = formOf(type, value)
  if (value === null || value === undefined) return []
  if (form.map) {
    const members = asMap(value)
    return members ? checkMembers(form.map, members, options) : problem(`expected map, got ${pointer(value)}`)
  }
  if (form.scalar) return checkScalar(form.scalar, value)
  if (!form.list) return problem('schema error: invalid atom: inlined')
  const items = asList(value)
  return items ? checkItems(form.list, items, options) : problem(`expected list, got ${pointer(value)}`)
}

function checkMembers(map: MergeMap, members: Record<string, unknown>, options: Options): Problem[] {
  const problems: Problem[] = []
  for (const name in members) {
    if (members[name] === undefined) continue
    const member = memberOf(map, name)
    if (!member) return [...problems, ...inside(fieldElement(name), problem('field not declared in schema'))]
    problems.push(...inside(fieldElement(name), check(member.type, members[name], options)))
  }
  return problems
}

function checkItems(list: MergeList, items: readonly unknown[], options: Options): Problem[] {
  const problems: Problem[] = []
  const seen = new Set<string>()
  for (const [i, item] of items.entries()) {
    let element = `i:${i}`
    if (!list.isAtomic) {
      try {
        element = itemElement(list, item)
      } catch (error) {
        if (!(error instanceof ParseError)) throw error
        return [...problems, ...problem(`element ${i}: ${error.message}`)]
      }
      if (seen.has(element) && !options.allowsDuplicates) problems.push(...problem(`duplicate entries for key ${elementText(element)}`))
      seen.add(element)
    }
    problems.push(...inside(element, check(list.element, item, options)))
  }
  return problems
}

function checkScalar(scalar: MergeScalar, value: unknown): Problem[] {
  switch (scalar) {
    case 'numeric':
      return typeof value === 'number' ? [] : problem(`expected numeric (int or float), got ${goType(value)}`)
    case 'string':
      return typeof value === 'string' ? [] : problem(`expected string, got &value.valueUnstructured{Value:${goSyntax(value)}}`)
    case 'boolean':
      return typeof value === 'boolean' ? [] : problem(`expected boolean, got ${pointer(value)}`)
    case 'untyped':
      return typeof value === 'object' ? problem(`expected any scalar, got ${pointer(value)}`) : []
  }
}

/** How Go prints the value that wraps what was given. */
const pointer = (value: unknown): string => `&{${goFormat(value)}}`

function goType(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}'
  if (typeof value === 'object') return 'map[string]interface {}'
  return typeof value === 'boolean' ? 'bool' : 'string'
}

/** `%#v` */
function goSyntax(value: unknown): string {
  if (value === null) return 'interface {}(nil)'
  if (Array.isArray(value)) return `[]interface {}{${value.map(goSyntax).join(', ')}}`
  if (typeof value === 'string') return quote(value)
  const members = asMap(value)
  if (!members) return String(value)
  return `map[string]interface {}{${Object.keys(members).sort().map((key) => `${quote(key)}:${goSyntax(members[key])}`).join(', ')}}`
}
