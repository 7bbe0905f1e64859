/** What is refused after the types were checked. Models cel-go's cel/validator.go and the validator of ext/formatting.go. */
import { type CallExpr, childrenOf, type Expr, type ListExpr, type MapExpr } from './ast.ts'
import { CLAUSE_ERRORS, eachClause, isFormatFailure } from './format-text.ts'
import { FUNCTIONS } from './functions.ts'
import { compileRegexp } from './functions-regexp.ts'
import type { Source } from './source.ts'
import { type CelType, DYN, isEquivalentType } from './types.ts'
import { CelError, type Value } from './values.ts'

export function validate(root: Expr, source: Source): void {
  const pending: { e: Expr; isFormatted: boolean }[] = [{ e: root, isFormatted: false }]
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { e, isFormatted } = next
    if (e.kind === 'call') validateCall(e, source)
    if (e.kind === 'list' && !isFormatted) validateList(e, source)
    if (e.kind === 'map' && !isFormatted) validateMap(e, source)
    const inside = isFormatted || (e.kind === 'call' && e.fn === 'format')
    for (const child of childrenOf(e)) pending.push({ e: child, isFormatted: inside })
  }
}

function mismatch(source: Source, e: Expr, expected: CelType): void {
  source.report(e.offset, `expected type '${expected.toString()}' but found '${(e.type ?? DYN).toString()}'`)
}

/** The type of an item that may be left out is within an optional one. */
const itemType = (e: Expr, isOptional: boolean): CelType => (isOptional ? (e.type?.params[0] ?? DYN) : (e.type ?? DYN))

function report(source: Source, e: Expr, { expected, actual }: { expected: CelType; actual: CelType }): void {
  mismatch(source, { ...e, type: actual }, expected)
}

function validateList(e: ListExpr, source: Source): void {
  let expected: CelType | undefined
  for (const [i, element] of e.elements.entries()) {
    const actual = itemType(element, e.optionals.has(i))
    expected ??= actual
    if (isEquivalentType(expected, actual)) continue
    report(source, element, { expected, actual })
    return
  }
}

function validateMap(e: MapExpr, source: Source): void {
  let keys: CelType | undefined
  let values: CelType | undefined
  for (const { key, value, optional } of e.entries) {
    const keyType = key.type ?? DYN
    const valueType = itemType(value, optional)
    keys ??= keyType
    values ??= valueType
    if (!isEquivalentType(keys, keyType)) report(source, key, { expected: keys, actual: keyType })
    if (!isEquivalentType(values, valueType)) report(source, value, { expected: values, actual: valueType })
  }
}

const fails = (value: Value | undefined): boolean => value instanceof CelError

/** Functions whose constant argument is tried at once. */
const LITERALS: Readonly<Record<string, (value: Value) => boolean>> = {
  duration: (value) => typeof value !== 'string' || fails(FUNCTIONS['string_to_duration']?.(value)),
  timestamp: (value) => (typeof value === 'string' ? fails(FUNCTIONS['string_to_timestamp']?.(value)) : fails(FUNCTIONS['int64_to_timestamp']?.(value))),
  matches: (value) => typeof value === 'string' && 'error' in compileRegexp(value),
}

function validateCall(e: CallExpr, source: Source): void {
  const [arg] = e.args
  const isWrong = Object.hasOwn(LITERALS, e.fn) ? LITERALS[e.fn] : undefined
  if (isWrong && arg?.kind === 'literal' && isWrong(arg.value)) source.report(arg.offset, `invalid ${e.fn} argument`)
  if (e.fn === 'format' && e.target?.kind === 'literal' && typeof e.target.value === 'string' && arg?.kind === 'list') validateFormat(e, { text: e.target.value, list: arg, source })
}

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  d: ['int', 'uint'],
  f: ['double', 'string'],
  e: ['double', 'string'],
  b: ['int', 'uint', 'bool'],
  x: ['int', 'uint', 'string', 'bytes'],
  o: ['int', 'uint'],
}
const STRINGABLE: ReadonlySet<string> = new Set(['list', 'map', 'int', 'uint', 'double', 'bool', 'string', 'timestamp', 'bytes', 'duration', 'type', 'null', 'dyn'])

function badArgument(clause: string, arg: Expr): Expr | undefined {
  const kind = arg.type?.kind ?? 'dyn'
  const allowed = ALLOWED[clause.toLowerCase()]
  if (allowed) return kind === 'dyn' || allowed.includes(kind) ? undefined : arg
  if (!STRINGABLE.has(kind)) return arg
  const members = arg.kind === 'list' || arg.kind === 'map' ? childrenOf(arg) : []
  for (const member of members) {
    const bad = badArgument(clause, member)
    if (bad) return bad
  }
  return undefined
}

function validateFormat(e: CallExpr, { text, list, source }: { text: string; list: ListExpr; source: Source }): void {
  const args = list.elements
  let failed = false
  const check = (clause: string, _precision: number | undefined, index: number): string => {
    const arg = args[index]
    const bad = arg && !failed ? badArgument(clause, arg) : undefined
    if (bad) {
      failed = true
      source.report(bad.offset, `error during formatting: ${CLAUSE_ERRORS[clause.toLowerCase()] ?? ''}${bad.type?.name ?? ''}`)
    }
    return ''
  }
  try {
    const { used } = eachClause(text, args.length, check)
    if (!failed && args.length > used) source.report(e.offset, `too many arguments supplied to string.format (expected ${used}, got ${args.length})`)
  } catch (error) {
    if (!isFormatFailure(error)) throw error
    if (!failed) source.report(e.offset, error.message)
  }
}
