/** Runs a jq program on a value: every filter yields any number of values, each with its path where that is asked for. */
import { isRecord } from '../../../apimachinery/json.ts'
import { BUILTINS, compare, formatted, kindOf, PRELUDE, textOf } from './builtins.ts'
import { JqError, parseJq, type Filter, type Pattern } from './parser.ts'

export type Key = string | number | { start: number | null; end: number | null }

export interface Out {
  value: unknown
  /** Undefined where nobody asks, and of what is no path. */
  path: readonly Key[] | undefined
}

/** Thrown by `error`, caught by `try`. */
export class JqThrow extends Error {
  readonly value: unknown

  constructor(value: unknown) {
    super(typeof value === 'string' ? value : `${JSON.stringify(value)} (not a string)`)
    this.value = value
  }
}


interface Definition {
  parameters: readonly string[]
  body: Filter
  scope: Scope
}

/** What names stand for; the parent is asked for what is not here. */
export class Scope {
  readonly variables = new Map<string, unknown>()
  readonly functions = new Map<string, Definition | { filter: Filter; scope: Scope }>()
  readonly parent: Scope | undefined

  constructor(parent?: Scope) {
    this.parent = parent
  }

  variable(name: string): unknown {
    for (let at: Scope | undefined = this; at; at = at.parent) if (at.variables.has(name)) return at.variables.get(name)
    throw new JqError(`$${name} is not defined`)
  }

  find(name: string) {
    for (let at: Scope | undefined = this; at; at = at.parent) {
      const found = at.functions.get(name)
      if (found) return found
    }
    return undefined
  }
}

const MAX_STEPS = 400_000
const MAX_DEPTH = 900

export class Machine {
  #steps = 0
  #depth = 0
  readonly inputs: () => unknown
  readonly nowMs: number
  readonly root: Scope

  /** @param inputs the next input for `input`; throws JqThrow at the end */
  constructor({ inputs, nowMs, variables }: { inputs: () => unknown; nowMs: number; variables: ReadonlyMap<string, unknown> }) {
    this.inputs = inputs
    this.nowMs = nowMs
    this.root = new Scope(prelude())
    for (const [name, value] of variables) this.root.variables.set(name, value)
  }

  /** How much was done since it was asked last. */
  takeSteps(): number {
    const steps = this.#steps
    this.#steps = 0
    return steps
  }

  *run(filter: Filter, input: Out, scope: Scope): Generator<Out> {
    if (++this.#steps > MAX_STEPS) throw new JqError('it computed for too long')
    if (++this.#depth > MAX_DEPTH) throw new JqError('it nests too deep')
    try {
      yield* this.#filter(filter, input, scope)
    } finally {
      this.#depth--
    }
  }

  *values(filter: Filter, input: unknown, scope: Scope): Generator<unknown> {
    for (const { value } of this.run(filter, { value: input, path: undefined }, scope)) yield value
  }

  *#filter(filter: Filter, input: Out, scope: Scope): Generator<Out> {
    const plain = (value: unknown): Out => ({ value, path: undefined })
    switch (filter.type) {
      case 'identity':
        return void (yield input)
      case 'recurse':
        return yield* this.#recurse(input)
      case 'literal':
        return void (yield plain(filter.value))
      case 'variable':
        return void (yield plain(filter.name === '__loc__' ? { file: '<top-level>', line: 1 } : scope.variable(filter.name)))
      case 'format':
        return void (yield plain(formatted(filter.name, input.value)))
      case 'text':
        return yield* this.#text(filter, input.value, scope)
      case 'field':
        for (const of of this.run(filter.of, input, scope)) for (const key of this.values(filter.key, input.value, scope)) yield step(of, key)
        return
      case 'slice':
        return yield* this.#slice(filter, input, scope)
      case 'each':
        for (const of of this.run(filter.of, input, scope)) yield* each(of)
        return
      case 'optional':
        try {
          yield* this.run(filter.of, input, scope)
        } catch (error) {
          if (!(error instanceof JqThrow)) throw error
        }
        return
      case 'array':
        return void (yield plain(filter.of ? [...this.values(filter.of, input.value, scope)] : []))
      case 'object':
        for (const value of this.#object(filter.entries, input.value, scope)) yield plain(value)
        return
      case 'negate':
        for (const value of this.values(filter.of, input.value, scope)) {
          if (typeof value !== 'number') throw new JqThrow(`${described(value)} cannot be negated`)
          yield plain(-value)
        }
        return
      case 'binary':
        return yield* this.#binary(filter, input, scope)
      case 'if':
        for (const test of this.values(filter.test, input.value, scope)) {
          if (isTrue(test)) yield* this.run(filter.yes, input, scope)
          else if (filter.no) yield* this.run(filter.no, input, scope)
          else yield input
        }
        return
      case 'try':
        return yield* this.#try(filter, input, scope)
      case 'reduce':
      case 'foreach':
        return yield* this.#fold(filter, input, scope)
      case 'as':
        for (const value of this.values(filter.source, input.value, scope)) yield* this.run(filter.body, input, this.#bound(filter.pattern, value, scope))
        return
      case 'def': {
        const inner = new Scope(scope)
        inner.functions.set(`${filter.name}/${filter.parameters.length}`, { parameters: filter.parameters, body: filter.body, scope: inner })
        return yield* this.run(filter.rest, input, inner)
      }
      case 'call':
        return yield* this.#call(filter, input, scope)
    }
  }

  *#recurse(input: Out): Generator<Out> {
    yield input
    if (++this.#steps > MAX_STEPS) throw new JqError('it computed for too long')
    if (Array.isArray(input.value) || isRecord(input.value)) for (const child of each(input)) yield* this.#recurse(child)
  }

  *#text({ parts, format }: Extract<Filter, { type: 'text' }>, input: unknown, scope: Scope, from = 0): Generator<Out> {
    const part = parts[from]
    if (part === undefined) return void (yield { value: '', path: undefined })
    const heads = typeof part === 'string' ? [part] : [...this.values(part, input, scope)].map((value) => (format === undefined ? textOf(value) : formatted(format, value)))
    for (const { value: tail } of this.#text({ type: 'text', parts, format }, input, scope, from + 1)) for (const head of heads) yield { value: `${head}${String(tail)}`, path: undefined }
  }

  *#slice({ of, from, to }: Extract<Filter, { type: 'slice' }>, input: Out, scope: Scope): Generator<Out> {
    const bounds = (filter: Filter | undefined) => (filter ? [...this.values(filter, input.value, scope)] : [null])
    for (const whole of this.run(of, input, scope)) for (const end of bounds(to)) for (const start of bounds(from)) yield step(whole, { start, end })
  }

  *#object(entries: readonly [Filter, Filter][], input: unknown, scope: Scope, from = 0): Generator<Record<string, unknown>> {
    const entry = entries[from]
    if (!entry) return void (yield {})
    for (const key of this.values(entry[0], input, scope)) {
      if (typeof key !== 'string') throw new JqThrow(`Object keys must be strings`)
      for (const value of this.values(entry[1], input, scope)) for (const rest of this.#object(entries, input, scope, from + 1)) yield { [key]: value, ...rest }
    }
  }

  *#binary(filter: Extract<Filter, { type: 'binary' }>, input: Out, scope: Scope): Generator<Out> {
    const { operator, left, right } = filter
    if (operator === '|') {
      for (const middle of this.run(left, input, scope)) yield* this.run(right, middle, scope)
      return
    }
    if (operator === ',') {
      yield* this.run(left, input, scope)
      return yield* this.run(right, input, scope)
    }
    if (operator === '//') return yield* this.#alternative(filter, input, scope)
    if (operator === 'and' || operator === 'or') {
      for (const a of this.values(left, input.value, scope)) {
        if (isTrue(a) === (operator === 'or')) yield { value: operator === 'or', path: undefined }
        else for (const b of this.values(right, input.value, scope)) yield { value: isTrue(b), path: undefined }
      }
      return
    }
    if (operator.endsWith('=') && !['==', '!=', '<=', '>='].includes(operator)) return yield* this.#assign(filter, input, scope)
    for (const b of this.values(right, input.value, scope)) for (const a of this.values(left, input.value, scope)) yield { value: arithmetic(operator, a, b), path: undefined }
  }

  *#alternative({ left, right }: Extract<Filter, { type: 'binary' }>, input: Out, scope: Scope): Generator<Out> {
    let found = false
    try {
      for (const out of this.run(left, input, scope)) {
        if (!isTrue(out.value)) continue
        found = true
        yield out
      }
    } catch (error) {
      if (!(error instanceof JqThrow)) throw error
    }
    if (!found) yield* this.run(right, input, scope)
  }

  *#assign({ operator, left, right }: Extract<Filter, { type: 'binary' }>, input: Out, scope: Scope): Generator<Out> {
    const paths = this.paths(left, input.value, scope)
    if (operator === '|=') {
      let value: unknown = input.value
      const gone: (readonly Key[])[] = []
      for (const path of paths) {
        const [next] = this.values(right, getPath(value, path), scope)
        if (next === undefined) gone.push(path)
        else value = setPath(value, path, next)
      }
      return void (yield { value: deletePaths(value, gone), path: undefined })
    }
    for (const given of this.values(right, input.value, scope)) {
      let value: unknown = input.value
      for (const path of paths) {
        const old = getPath(value, path)
        value = setPath(value, path, operator === '=' ? given : operator === '//=' ? (isTrue(old) ? old : given) : arithmetic(operator.slice(0, -1), old, given))
      }
      yield { value, path: undefined }
    }
  }

  paths(filter: Filter, input: unknown, scope: Scope): (readonly Key[])[] {
    return [...this.run(filter, { value: input, path: [] }, scope)].map(({ path, value }) => {
      if (!path) throw new JqThrow(`Invalid path expression with result ${JSON.stringify(value)}`)
      return path
    })
  }

  *#try({ body, handler }: Extract<Filter, { type: 'try' }>, input: Out, scope: Scope): Generator<Out> {
    try {
      yield* this.run(body, input, scope)
    } catch (error) {
      if (!(error instanceof JqThrow)) throw error
      if (handler) yield* this.run(handler, { value: error.value, path: undefined }, scope)
    }
  }

  *#fold(filter: Extract<Filter, { type: 'reduce' | 'foreach' }>, input: Out, scope: Scope): Generator<Out> {
    for (const init of this.values(filter.init, input.value, scope)) {
      let state: unknown = init
      for (const value of this.values(filter.source, input.value, scope)) {
        const inner = this.#bound(filter.pattern, value, scope)
        let last: unknown = null
        for (const next of this.values(filter.update, state, inner)) {
          last = next
          if (filter.type === 'foreach') for (const out of filter.extract ? this.values(filter.extract, next, inner) : [next]) yield { value: out, path: undefined }
        }
        state = last
      }
      if (filter.type === 'reduce') yield { value: state, path: undefined }
    }
  }

  #bound(pattern: Pattern, value: unknown, scope: Scope): Scope {
    const inner = new Scope(scope)
    const bind = (p: Pattern, v: unknown): void => {
      if (p.type === 'name') inner.variables.set(p.name, v)
      else if (p.type === 'list') p.items.forEach((item, i) => bind(item, Array.isArray(v) ? (v[i] ?? null) : null))
      else for (const [key, each] of p.fields) for (const name of this.values(key, value, inner)) bind(each, isRecord(v) ? (v[String(name)] ?? null) : null)
    }
    bind(pattern, value)
    return inner
  }

  *#call({ name, args }: Extract<Filter, { type: 'call' }>, input: Out, scope: Scope): Generator<Out> {
    const own = scope.find(`${name}/${args.length}`)
    if (own && 'filter' in own) return yield* this.run(own.filter, input, own.scope)
    if (own) return yield* this.#define(own, args, { input, scope })
    const builtin = BUILTINS[`${name}/${args.length}`]
    if (builtin) return yield* builtin({ machine: this, input, args, scope })
    throw new JqError(`${name}/${args.length} is not defined`)
  }

  /** Parameters are filters of the caller; with `$` also values. */
  *#define({ parameters, body, scope: home }: Definition, args: readonly Filter[], { input, scope }: { input: Out; scope: Scope }, from = 0, inner = new Scope(home)): Generator<Out> {
    const parameter = parameters[from]
    const arg = args[from]
    if (parameter === undefined || !arg) return yield* this.run(body, input, inner)
    if (!parameter.startsWith('$')) {
      inner.functions.set(`${parameter}/0`, { filter: arg, scope })
      return yield* this.#define({ parameters, body, scope: home }, args, { input, scope }, from + 1, inner)
    }
    for (const value of this.values(arg, input.value, scope)) {
      const next = new Scope(inner)
      next.variables.set(parameter.slice(1), value)
      next.functions.set(`${parameter.slice(1)}/0`, { filter: { type: 'literal', value }, scope })
      yield* this.#define({ parameters, body, scope: home }, args, { input, scope }, from + 1, next)
    }
  }

  /** The first `count` outputs. */
  *limit(count: number, outs: Generator<Out>): Generator<Out> {
    if (count <= 0) return
    let left = count
    for (const out of outs) {
      yield out
      if (--left <= 0) return
    }
  }
}

let shared: Scope | undefined

/** Functions that are written in jq themselves. */
function prelude(): Scope {
  if (shared) return shared
  const scope = new Scope()
  for (let filter = parseJq(`${PRELUDE} .`); filter.type === 'def'; filter = filter.rest) scope.functions.set(`${filter.name}/${filter.parameters.length}`, { parameters: filter.parameters, body: filter.body, scope })
  return (shared = scope)
}

export function isTrue(value: unknown): boolean {
  return value !== null && value !== false && value !== undefined
}

export function described(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null'
  return `${kindOf(value)} (${text.length > 11 ? `${text.slice(0, 10)}...` : text})`
}

/** One step into a value. @throws JqThrow */
function step({ value, path }: Out, key: unknown): Out {
  return { value: child(value, key), path: path && [...path, key as Key] }
}

function child(value: unknown, key: unknown): unknown {
  if (typeof key === 'string') {
    if (value === null) return null
    if (isRecord(value)) return Object.hasOwn(value, key) ? value[key] : null
    throw new JqThrow(`Cannot index ${kindOf(value)} with "${key}"`)
  }
  if (typeof key === 'number') {
    if (value === null) return null
    if (Array.isArray(value)) return (value.at(Math.floor(key)) as unknown) ?? null
    throw new JqThrow(`Cannot index ${kindOf(value)} with number`)
  }
  if (isRecord(key)) {
    if (value === null) return null
    if (typeof value !== 'string' && !Array.isArray(value)) throw new JqThrow(`Cannot index ${kindOf(value)} with object`)
    return value.slice(Number(key.start ?? 0), key.end === null ? undefined : Number(key.end))
  }
  throw new JqThrow(`Cannot index ${kindOf(value)} with ${kindOf(key)}`)
}

function* each(out: Out): Generator<Out> {
  const { value } = out
  if (Array.isArray(value)) for (let i = 0; i < value.length; i++) yield step(out, i)
  else if (isRecord(value)) for (const key of Object.keys(value)) yield step(out, key)
  else throw new JqThrow(`Cannot iterate over ${value === null ? 'null' : described(value)}`)
}

export function getPath(value: unknown, path: readonly Key[]): unknown {
  return path.reduce<unknown>((at, key) => (at === null ? null : child(at, key)), value)
}

export function setPath(value: unknown, [key, ...rest]: readonly Key[], to: unknown): unknown {
  if (key === undefined) return to
  const next = setPath(child(value, key), rest, to)
  if (typeof key === 'string') return { ...(isRecord(value) ? value : {}), [key]: next }
  const list: unknown[] = Array.isArray(value) ? [...(value as unknown[])] : []
  if (typeof key === 'number') {
    const at = key < 0 ? list.length + key : key
    if (at < 0 || at > 1_000_000) throw new JqThrow('Out of bounds negative array index')
    while (list.length < at) list.push(null)
    list[at] = next
  } else list.splice(Number(key.start ?? 0), (key.end ?? list.length) - Number(key.start ?? 0), ...(Array.isArray(next) ? (next as unknown[]) : []))
  return list
}

export function deletePaths(value: unknown, paths: readonly (readonly Key[])[]): unknown {
  return [...paths].sort((a, b) => compare(b, a)).reduce<unknown>((at, path) => removed(at, path), value)
}

function removed(value: unknown, [key, ...rest]: readonly Key[]): unknown {
  if (key === undefined || value === null || value === undefined) return value ?? null
  if (rest.length > 0) return child(value, key) === null ? value : setPath(value, [key], removed(child(value, key), rest))
  if (typeof key === 'string' && isRecord(value)) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
  if (!Array.isArray(value)) throw new JqThrow(`Cannot delete field at object index of ${kindOf(value)}`)
  const list: unknown[] = [...(value as unknown[])]
  if (typeof key === 'number') list.splice(key, 1)
  else if (typeof key === 'object') list.splice(Number(key.start ?? 0), (key.end ?? list.length) - Number(key.start ?? 0))
  return list
}

function arithmetic(operator: string, a: unknown, b: unknown): unknown {
  switch (operator) {
    case '==':
      return compare(a, b) === 0
    case '!=':
      return compare(a, b) !== 0
    case '<':
      return compare(a, b) < 0
    case '<=':
      return compare(a, b) <= 0
    case '>':
      return compare(a, b) > 0
    case '>=':
      return compare(a, b) >= 0
    case '+':
      return plus(a, b)
    case '-':
      if (typeof a === 'number' && typeof b === 'number') return a - b
      if (Array.isArray(a) && Array.isArray(b)) return a.filter((x) => !b.some((y) => compare(x, y) === 0))
      throw new JqThrow(`${described(a)} and ${described(b)} cannot be subtracted`)
    case '*':
      if (typeof a === 'number' && typeof b === 'number') return a * b
      if (typeof a === 'string' && typeof b === 'number') return b > 0 && a.length * b < 1e6 ? a.repeat(Math.max(1, Math.floor(b))) : null
      if (isRecord(a) && isRecord(b)) return merged(a, b)
      throw new JqThrow(`${described(a)} and ${described(b)} cannot be multiplied`)
    default:
      if (operator === '/' && typeof a === 'string' && typeof b === 'string') return a.split(b)
      if (typeof a !== 'number' || typeof b !== 'number') throw new JqThrow(`${described(a)} and ${described(b)} cannot be divided`)
      if (b === 0) throw new JqThrow(`${described(a)} and ${described(b)} cannot be divided because the divisor is zero`)
      return operator === '/' ? a / b : Math.trunc(a) % Math.trunc(b)
  }
}

function plus(a: unknown, b: unknown): unknown {
  if (a === null) return b
  if (b === null) return a
  if (typeof a === 'number' && typeof b === 'number') return a + b
  if (typeof a === 'string' && typeof b === 'string') return a + b
  if (Array.isArray(a) && Array.isArray(b)) return [...(a as unknown[]), ...(b as unknown[])]
  if (isRecord(a) && isRecord(b)) return { ...a, ...b }
  throw new JqThrow(`${described(a)} and ${described(b)} cannot be added`)
}

function merged(a: Record<string, unknown>, b: Record<string, unknown>): Record<string, unknown> {
  const out = { ...a }
  for (const [key, value] of Object.entries(b)) {
    const old = out[key]
    out[key] = isRecord(old) && isRecord(value) ? merged(old, value) : value
  }
  return out
}

