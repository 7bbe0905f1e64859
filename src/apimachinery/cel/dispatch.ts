/** Finds what a call runs: by its overload if the checker knew it, else by the types of the values. Models cel-go's common/decls. */
import type { CallExpr } from './ast.ts'
import type { Overload } from './declarations.ts'
import type { Environment } from './environment.ts'
import { compileRegexp } from './functions-regexp.ts'
import { FUNCTIONS, TRAITS } from './functions.ts'
import { type CelType, isDyn } from './types.ts'
import { CelError, ListValue, MapValue, NO_SUCH_OVERLOAD, Optional, toArray, typeOfValue, type Value } from './values.ts'

type Invoke = (args: readonly Value[]) => Value

/** `error`: why no program can be made. */
export interface PlannedFunction {
  invoke: Invoke
  error?: string
}

/** Functions that upstream lets look at their values themselves. */
const PLAIN: ReadonlySet<string> = new Set(['startsWith', 'endsWith', 'contains', 'matches'])

/** The functions whose regular expression is compiled at once if it is constant. */
const REGEXP_FUNCTIONS: ReadonlySet<string> = new Set(['matches', 'find', 'findAll'])

export function planFunction(e: CallExpr, args: readonly { constant?: Value }[], environment: Environment): PlannedFunction {
  if (REGEXP_FUNCTIONS.has(e.fn)) {
    const pattern = args[1]?.constant
    const compiled = typeof pattern === 'string' ? compileRegexp(pattern) : undefined
    if (compiled && 'error' in compiled) return { invoke: () => NO_SUCH_OVERLOAD, error: compiled.error }
  }
  const traits = TRAITS[e.fn]
  if (traits) return { invoke: (values) => traits(values, e.fn) }
  const all = environment.functions.get(e.fn) ?? []
  const isMember = e.target !== undefined
  const named = all.filter((overload) => overload.isMember === isMember && (!e.overloads || e.overloads.includes(overload.id)))
  const candidates = named.length === 1 ? named : all
  return { invoke: dispatcher(e.fn, candidates) }
}

function dispatcher(fn: string, candidates: readonly Overload[]): Invoke {
  const known = candidates.map((overload) => ({ args: overload.args, run: FUNCTIONS[overload.id] }))
  return (values) => {
    for (const { args, run } of known) {
      if (run && args.length === values.length && args.every((type, i) => isOfType(values[i] ?? null, type))) return run(...values)
    }
    if (PLAIN.has(fn)) return NO_SUCH_OVERLOAD
    return new CelError(`no such overload: ${fn}(${values.map((value) => typeOfValue(value).name).join(', ')})`)
  }
}

/** Of lists and maps only the first member is looked at. */
function isOfType(value: Value, type: CelType): boolean {
  if (isDyn(type) || type.kind === 'param') return true
  if (typeOfValue(value).name !== type.name) return false
  const [first, second] = type.params
  if (value instanceof ListValue) return !first || value.size === 0 || isOfType(toArray(value)[0] ?? null, first)
  if (value instanceof MapValue) {
    for (const key of value.keys()) return !first || !second || (isOfType(key, first) && isOfType(value.find(key) ?? null, second))
  }
  if (value instanceof Optional) return true
  return true
}
