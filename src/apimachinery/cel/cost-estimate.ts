/** What an expression may cost at most, from the sizes that its data may have. Models cel-go's checker/cost.go. */
import type { CallExpr, ComprehensionExpr, Expr } from './ast.ts'
import { add, addSizes, type CostEstimate, fixed, multiply, type Range, scale, union, UNKNOWN_SIZE } from './cost-range.ts'
import { estimateLibraryCall } from './cost-library.ts'
import { type CelType, DYN, unwrapOptional } from './types.ts'
import { codePoints, Uint } from './values.ts'

export type { CostEstimate } from './cost-range.ts'

/** The size of what stands at a path: `['self', 'spec', 'items', '@items']`. */
export type SizeEstimator = (path: readonly string[]) => Range | undefined

/** What is known of an argument. */
export interface CostNode {
  readonly path: readonly string[]
  readonly type: CelType
  readonly expr: Expr | undefined
  readonly size: Range | undefined
}

export interface CallEstimate {
  cost: CostEstimate
  size?: Range
}

interface EntrySize {
  kind: 'list' | 'map'
  key: Range
  value: Range
}

interface LocalVariable {
  path: readonly string[]
  size: Range | undefined
  entry: EntrySize | undefined
}

const TRAVERSAL = 0.1
const REGEXP = 0.25

export const estimateCost = (expr: Expr, sizes: SizeEstimator = () => undefined): CostEstimate => new Estimator(sizes).cost(expr)

class Estimator {
  readonly #sizes: SizeEstimator
  readonly #paths = new Map<Expr, readonly string[]>()
  readonly #computed = new Map<Expr, Range>()
  readonly #entries = new Map<Expr, EntrySize>()
  readonly #locals = new Map<string, LocalVariable[]>()

  constructor(sizes: SizeEstimator) {
    this.#sizes = sizes
  }

  cost(e: Expr): CostEstimate {
    switch (e.kind) {
      case 'ident':
        this.#paths.set(e, this.#local(e.name)?.path ?? [e.name])
        return fixed(1)
      case 'select':
        return this.#select(e)
      case 'call':
        return this.#call(e)
      case 'list': {
        const cost = this.#sum(e.elements)
        this.#entries.set(e, { kind: 'list', key: fixed(1), value: this.#unionOf(e.elements) })
        return add(cost, fixed(10))
      }
      case 'map': {
        const cost = this.#sum(e.entries.flatMap(({ key, value }) => [key, value]))
        this.#entries.set(e, { kind: 'map', key: this.#unionOf(e.entries.map((entry) => entry.key)), value: this.#unionOf(e.entries.map((entry) => entry.value)) })
        return add(cost, fixed(30))
      }
      case 'struct':
        return add(this.#sum(e.fields.map((f) => f.value)), fixed(40))
      case 'comprehension':
        return isBind(e) ? this.#bind(e) : this.#comprehension(e)
      default:
        return fixed(0)
    }
  }

  #sum(exprs: readonly Expr[]): CostEstimate {
    return exprs.reduce<CostEstimate>((sum, e) => add(sum, this.cost(e)), fixed(0))
  }

  #unionOf(exprs: readonly Expr[]): Range {
    const [first, ...rest] = exprs.map((e) => this.#sizeOrUnknown(e))
    return first ? rest.reduce(union, first) : fixed(0)
  }

  #local(name: string): LocalVariable | undefined {
    return this.#locals.get(name)?.at(-1)
  }

  #push(name: string, variable: LocalVariable): void {
    const stack = this.#locals.get(name)
    if (stack) stack.push(variable)
    else this.#locals.set(name, [variable])
  }

  #pop(name: string): void {
    this.#locals.get(name)?.pop()
  }

  #select(e: Extract<Expr, { kind: 'select' }>): CostEstimate {
    if (e.ident !== undefined) {
      this.#paths.set(e, this.#local(e.ident)?.path ?? [e.ident])
      return fixed(1)
    }
    const operand = this.cost(e.operand)
    if (e.testOnly) return operand
    const kind = typeOf(e.operand).kind
    this.#paths.set(e, [...this.#pathOf(e.operand), e.field])
    return kind === 'map' || kind === 'struct' || kind === 'param' ? add(operand, fixed(1)) : operand
  }

  #pathOf(e: Expr): readonly string[] {
    return (e.kind === 'ident' ? this.#local(e.name)?.path : undefined) ?? this.#paths.get(e) ?? []
  }

  #node(e: Expr): CostNode {
    const path = this.#pathOf(e)
    const isAccumulator = path[0] === '@result' || path[0] === '__result__'
    return { path: isAccumulator ? [] : path, type: typeOf(e), expr: e, size: this.#size(e) }
  }

  #call(e: CallExpr): CostEstimate {
    const [first] = e.args
    if (e.fn === 'dyn' && first) {
      const cost = add(fixed(1), this.cost(first))
      this.#copySizes(e, first)
      return cost
    }
    const argCosts = e.args.map((arg) => this.cost(arg))
    const args = e.args.map((arg) => this.#node(arg))
    if (!e.overloads?.length) return fixed(0)
    const targetCost = e.target ? this.cost(e.target) : fixed(0)
    const target = e.target && this.#node(e.target)
    let cost: CostEstimate | undefined
    let size: Range | undefined
    for (const overload of e.overloads) {
      const estimate = this.#overload(e, { overload, target, args, argCosts })
      cost = cost ? union(cost, estimate.cost) : estimate.cost
      if (estimate.size) size = size ? union(size, estimate.size) : estimate.size
      if ((overload === 'index_list' || overload === 'index_map') && first) {
        size = this.#entry(first)?.value
        this.#paths.set(e, [...this.#pathOf(first), overload === 'index_list' ? '@items' : '@values'])
      }
      size ??= this.#size(e)
    }
    if (size) this.#computed.set(e, size)
    return add(targetCost, cost ?? fixed(0))
  }

  #overload(e: CallExpr, call: { overload: string; target: CostNode | undefined; args: CostNode[]; argCosts: CostEstimate[] }): CallEstimate {
    const { overload, target, args, argCosts } = call
    const argCost = argCosts.reduce(add, fixed(0))
    const own = estimateLibraryCall({ fn: e.fn, overload, target, args, sizes: this.#sizes })
    if (own) return own.size ? { cost: add(own.cost, argCost), size: own.size } : { cost: add(own.cost, argCost) }
    if (overload === 'logical_or' || overload === 'logical_and') {
      const [left = fixed(0), right = fixed(0)] = argCosts
      return { cost: { min: left.min, max: add(left, right).max } }
    }
    if (overload === 'conditional') return this.#conditional(e, args, argCosts)
    const estimate = this.#standard(e, { overload, target, args })
    return estimate.size ? { cost: add(estimate.cost, argCost), size: estimate.size } : { cost: add(estimate.cost, argCost) }
  }

  #conditional(e: CallExpr, args: readonly CostNode[], [condition = fixed(0), ifTrue = fixed(0), ifFalse = fixed(0)]: readonly CostEstimate[]): CallEstimate {
    const [, a, b] = args
    const entries = [a?.expr, b?.expr].map((expr) => expr && this.#entry(expr))
    this.#joinEntries(e, entries)
    return { cost: add(condition, union(ifTrue, ifFalse)), size: union(sizeOr(a), sizeOr(b)) }
  }

  #joinEntries(e: Expr, [a, b]: readonly (EntrySize | undefined)[]): void {
    if (a && b) this.#entries.set(e, { kind: a.kind, key: union(a.key, b.key), value: union(a.value, b.value) })
  }

  #standard(e: CallExpr, { overload, target, args }: { overload: string; target: CostNode | undefined; args: readonly CostNode[] }): CallEstimate {
    const [a, b] = args
    const size = sizeOr(a)
    switch (overload) {
      case 'string_format':
        return { cost: scale(sizeOr(target), TRAVERSAL) }
      case 'string_to_bytes':
        return { cost: scale(size, TRAVERSAL), size: { min: size.min, max: wrap(size.max * 4n) } }
      case 'bytes_to_string':
        return { cost: scale(size, TRAVERSAL), size: { min: size.min / 4n, max: size.max } }
      case 'strings_quote':
        return { cost: scale(size, TRAVERSAL), size: { min: wrap(size.min + 2n), max: wrap(size.max * 2n + 2n) } }
      case 'starts_with_string':
      case 'ends_with_string':
        return { cost: scale(size, TRAVERSAL) }
      case 'in_list':
        return { cost: scale(sizeOr(b), 1) }
      case 'matches_string':
        return { cost: multiply(scale(addSizes(sizeOr(target), fixed(1)), TRAVERSAL), scale(size, REGEXP)) }
      case 'contains_string':
        return { cost: multiply(scale(sizeOr(target), TRAVERSAL), scale(size, TRAVERSAL)) }
      case 'add_string':
      case 'add_bytes':
      case 'add_list': {
        const result = addSizes(size, sizeOr(b))
        this.#joinEntries(e, [a?.expr, b?.expr].map((expr) => expr && this.#entry(expr)))
        return { cost: overload === 'add_list' ? fixed(1) : scale(result, TRAVERSAL), size: result }
      }
    }
    if (overload === 'equals' || overload === 'not_equals' || /^(less|greater)(_equals)?_(string|bytes)$/.test(overload)) {
      const other = sizeOr(b)
      const max = size.max < other.max ? size.max : other.max
      return { cost: scale({ min: max > 0n ? 1n : 0n, max }, TRAVERSAL) }
    }
    return { cost: fixed(1) }
  }

  #comprehension(e: ComprehensionExpr): CostEstimate {
    const rangeAndInit = add(this.cost(e.iterRange), this.cost(e.accuInit))
    this.#push(e.accuVar, { path: this.#pathOf(e.accuInit), size: this.#size(e.accuInit), entry: this.#entry(e.accuInit) })
    this.#pushIterators(e)
    const loop = this.cost(e.condition)
    const step = this.cost(e.step)
    this.#pop(e.iterVar)
    if (e.iterVar2 !== undefined) this.#pop(e.iterVar2)
    const result = this.cost(e.result)
    this.#pop(e.accuVar)
    const count = this.#sizeOrUnknown(e.iterRange)
    const sum = add(add(rangeAndInit, result), multiply(count, add(step, loop)))
    if (e.accuInit.kind === 'literal') {
      const size = this.#size(e.accuInit)
      if (size) this.#computed.set(e, size)
    } else if (e.accuInit.kind === 'list' || e.accuInit.kind === 'map') {
      this.#computed.set(e, count)
      const entry = this.#entry(e.step)
      if (entry) this.#entries.set(e, entry)
    }
    return sum
  }

  #pushIterators({ iterRange, iterVar, iterVar2 }: ComprehensionExpr): void {
    const entry = this.#entry(iterRange)
    const isList = (entry?.kind ?? typeOf(iterRange).kind) === 'list'
    const path = this.#pathOf(iterRange)
    const variable = (part: string, size: Range | undefined): LocalVariable => ({ path: [...path, part], size, entry: undefined })
    const values = variable(isList ? '@items' : '@values', entry?.value)
    if (iterVar2 !== undefined) {
      this.#push(iterVar, variable(isList ? '@indices' : '@keys', entry?.key))
      this.#push(iterVar2, values)
    } else this.#push(iterVar, isList ? values : variable('@keys', entry?.key))
  }

  #bind(e: ComprehensionExpr): CostEstimate {
    const before = add(this.cost(e.iterRange), this.cost(e.accuInit))
    this.#push(e.accuVar, { path: this.#pathOf(e.accuInit), size: this.#size(e.accuInit), entry: this.#entry(e.accuInit) })
    const result = this.cost(e.result)
    this.#pop(e.accuVar)
    this.#copySizes(e, e.result)
    return add(before, result)
  }

  #copySizes(to: Expr, from: Expr): void {
    const size = this.#size(from)
    if (size) this.#computed.set(to, size)
    const entry = this.#entry(from)
    if (entry) this.#entries.set(to, entry)
  }

  #sizeOrUnknown(e: Expr): Range {
    return this.#size(e) ?? UNKNOWN_SIZE
  }

  #size(e: Expr): Range | undefined {
    const computed = this.#computed.get(e) ?? literalSize(e)
    if (computed) return computed
    const known = this.#sizes(this.#pathOf(e))
    if (known) {
      this.#computed.set(e, known)
      return known
    }
    if (isScalar(typeOf(e))) return fixed(1)
    return e.kind === 'ident' ? this.#local(e.name)?.size : undefined
  }

  #entry(e: Expr): EntrySize | undefined {
    return this.#entries.get(e) ?? (e.kind === 'ident' ? this.#local(e.name)?.entry : undefined)
  }
}

const typeOf = (e: Expr): CelType => e.type ?? DYN
const sizeOr = (node: CostNode | undefined): Range => node?.size ?? UNKNOWN_SIZE
const wrap = (value: bigint): bigint => BigInt.asUintN(64, value)

function isBind(e: ComprehensionExpr): boolean {
  const { iterRange, condition, accuVar } = e
  return iterRange.kind === 'list' && iterRange.elements.length === 0 && condition.kind === 'literal' && condition.value === false && accuVar !== '__result__'
}

function literalSize(e: Expr): Range | undefined {
  if (e.kind === 'list') return fixed(e.elements.length)
  if (e.kind === 'map') return fixed(e.entries.length)
  if (e.kind !== 'literal') return undefined
  const { value } = e
  if (typeof value === 'string') return fixed(codePoints(value))
  return fixed(typeof value === 'object' && value !== null && !(value instanceof Uint) ? value.length : 1)
}

const SCALARS: ReadonlySet<string> = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint'])
const isScalar = (type: CelType): boolean => SCALARS.has(unwrapOptional(type).kind)
