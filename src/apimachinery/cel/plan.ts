/** Turns a checked expression into closures that evaluate it and count what that costs. Models cel-go's interpreter/planner.go and interpretable.go. */
import type { CallExpr, ComprehensionExpr, Expr, ListExpr, MapExpr, SelectExpr, StructExpr } from './ast.ts'
import { Attribute, type Qualifier } from './attribute.ts'
import { planFunction } from './dispatch.ts'
import { standardType } from './declarations.ts'
import type { Environment } from './environment.ts'
import { type Eval, Frame } from './frame.ts'
import { callCost } from './runtime-cost.ts'
import { CelError, equal, keyOf, ListValue, MapValue, NativeList, NativeMap, NO_SUCH_OVERLOAD, Optional, show, toArray, Uint, type Value } from './values.ts'

/** The expression is right but no program can be made of it: a constant part fails. */
export class CelProgramError extends Error {}

/** A planned node: constants and attributes are treated in their own ways by the nodes above. */
export interface Plan {
  eval: Eval
  constant?: Value
  attribute?: Attribute
}

interface Variable {
  slot: number
  /** Evaluated when first asked for. */
  init?: Eval
}

type Scope = ReadonlyMap<string, Variable>

const STRUCT_CREATION = 40

const CONVERSIONS: ReadonlySet<string> = new Set(['bool', 'bytes', 'double', 'duration', 'dyn', 'int', 'string', 'timestamp', 'type', 'uint'])

export function planExpression(expr: Expr, environment: Environment): Eval {
  return new Planner(environment).plan(expr, new Map()).eval
}

const constant = (value: Value): Plan => ({ constant: value, eval: () => value })

const ofAttribute = (attribute: Attribute): Plan => ({ attribute, eval: (frame) => attribute.eval(frame) })

class Planner {
  readonly #environment: Environment
  #slots = 0

  constructor(environment: Environment) {
    this.#environment = environment
  }

  plan(e: Expr, scope: Scope): Plan {
    switch (e.kind) {
      case 'literal':
        return constant(e.value)
      case 'ident':
        return this.#ident(e.name, e, scope)
      case 'select':
        return this.#select(e, scope)
      case 'call':
        return this.#call(e, scope)
      case 'list':
        return this.#list(e, scope)
      case 'map':
        return this.#map(e, scope)
      case 'struct':
        return this.#struct(e, scope)
      case 'comprehension':
        return this.#comprehension(e, scope)
      default:
        return constant(NO_SUCH_OVERLOAD)
    }
  }

  #ident(name: string, e: Expr, scope: Scope): Plan {
    const variable = scope.get(name)
    if (variable) return ofAttribute(Attribute.of((frame) => readVariable(frame, variable)))
    if (e.type?.kind === 'type' && !this.#environment.variables.has(name)) {
      const type = standardType(name) ?? this.#environment.types.find(name)
      if (type) return constant(type)
    }
    const missing = new CelError(`no such attribute(s): ${name}`)
    return ofAttribute(
      Attribute.of((frame) => {
        const value = frame.activation(name)
        return value === undefined ? missing : value
      }),
    )
  }

  #attribute(operand: Plan): Attribute {
    return operand.attribute ?? Attribute.of(operand.eval)
  }

  #select(e: SelectExpr, scope: Scope): Plan {
    if (e.ident !== undefined) return this.#ident(e.ident, e, scope)
    const attribute = this.#attribute(this.plan(e.operand, scope))
    return ofAttribute(attribute.with({ key: e.field, optional: false, testOnly: e.testOnly }))
  }

  #call(e: CallExpr, scope: Scope): Plan {
    const args = [...(e.target ? [e.target] : []), ...e.args].map((arg) => this.plan(arg, scope))
    const [first, second, third] = args
    switch (e.fn) {
      case '_&&_':
        return { eval: planLogic(args, false) }
      case '_||_':
        return { eval: planLogic(args, true) }
      case '_?_:_':
        if (first && second && third) return ofAttribute(Attribute.conditional(first.eval, this.#attribute(second), this.#attribute(third)))
        break
      case '_==_':
      case '_!=_':
        if (first && second) return { eval: planEquality(first.eval, second.eval, e.fn === '_==_') }
        break
      case '_[_]':
      case '_[?_]':
      case '_?._':
        if (first && second) return this.#index(first, second, e.fn !== '_[_]')
        break
      case 'or':
      case 'orValue':
        if (first && second && e.target) return { eval: planOptionalOr(first.eval, second.eval, e.fn === 'orValue') }
        break
    }
    return this.#function(e, args)
  }

  #index(operand: Plan, index: Plan, optional: boolean): Plan {
    const attribute = this.#attribute(operand)
    const key: Qualifier['key'] = index.constant ?? ((frame) => (index.attribute ? index.attribute.resolve(frame) : index.eval(frame)))
    return ofAttribute(attribute.with({ key, optional, testOnly: false }))
  }

  #function(e: CallExpr, args: readonly Plan[]): Plan {
    const [first, second] = args
    const overload = e.overloads?.length === 1 ? e.overloads[0] : undefined
    if (overload === 'in_list' && second?.constant instanceof ListValue) {
      const membership = first && planMembership(first.eval, second.constant)
      if (membership) return membership
    }
    const { invoke, error } = planFunction(e, args, this.#environment)
    if (error !== undefined) throw new CelProgramError(error)
    const evals = args.map((arg) => arg.eval)
    if (first?.constant !== undefined && args.length === 1 && CONVERSIONS.has(e.fn)) {
      const value = invoke([first.constant])
      if (value instanceof CelError) throw new CelProgramError(value.message)
      return constant(value)
    }
    return { eval: planStrictCall(evals, { fn: e.fn, overload: overload ?? '', invoke }) }
  }

  #list(e: ListExpr, scope: Scope): Plan {
    const elements = e.elements.map((element) => this.plan(element, scope))
    const evals = elements.map((element) => element.eval)
    const make = (values: readonly Value[]): Value => makeList(values, e.optionals)
    if (elements.every((element) => element.constant !== undefined)) return constant(make(elements.map((element) => element.constant ?? null)))
    return {
      eval(frame) {
        const values: Value[] = []
        for (const evaluate of evals) {
          const value = evaluate(frame)
          if (value instanceof CelError) return charged(frame, 10, value)
          values.push(value)
        }
        return charged(frame, 10, make(values))
      },
    }
  }

  #map(e: MapExpr, scope: Scope): Plan {
    const entries = e.entries.map(({ key, value, optional }) => ({ key: this.plan(key, scope), value: this.plan(value, scope), optional }))
    const evaluate: Eval = (frame) => {
      const map = new NativeMap()
      for (const entry of entries) {
        const key = entry.key.eval(frame)
        if (key instanceof CelError) return key
        const value = entry.value.eval(frame)
        if (value instanceof CelError) return value
        const failure = putEntry(map, { key, value, optional: entry.optional })
        if (failure) return failure
      }
      return map
    }
    if (entries.every(({ key, value }) => key.constant !== undefined && value.constant !== undefined)) {
      return constant(evaluate(new Frame(() => undefined, Infinity)))
    }
    return { eval: (frame) => charged(frame, 30, evaluate(frame)) }
  }

  #struct({ typeName, fields }: StructExpr, scope: Scope): Plan {
    const create = this.#environment.types.create
    if (!create) throw new CelProgramError(`unknown type: ${typeName}`)
    const planned = fields.map(({ name, value, optional }) => ({ name, optional, eval: this.plan(value, scope).eval }))
    return {
      eval(frame) {
        const values = new Map<string, Value>()
        for (const { name, optional, eval: evaluate } of planned) {
          const given = evaluate(frame)
          if (given instanceof CelError) return given
          if (optional && !(given instanceof Optional)) return new CelError(`cannot initialize optional entry '${name}' from non-optional value ${show(given)}`)
          const value = optional && given instanceof Optional ? given.value : given
          if (value === undefined) values.delete(name)
          else values.set(name, value)
        }
        return charged(frame, STRUCT_CREATION, create(typeName, values))
      },
    }
  }

  #comprehension(e: ComprehensionExpr, scope: Scope): Plan {
    const init = this.plan(e.accuInit, scope).eval
    const range = this.plan(e.iterRange, scope).eval
    const accu: Variable = { slot: this.#slots++, init }
    const accuScope = new Map(scope).set(e.accuVar, accu)
    const first: Variable = { slot: this.#slots++ }
    const second: Variable | undefined = e.iterVar2 === undefined ? undefined : { slot: this.#slots++ }
    const loopScope = new Map(scope)
    // The accumulator hides iteration variables of the same name while looping, as upstream resolves it first.
    loopScope.set(e.iterVar, first)
    if (e.iterVar2 !== undefined && second) loopScope.set(e.iterVar2, second)
    loopScope.set(e.accuVar, accu)
    const parts = { condition: this.plan(e.condition, loopScope).eval, step: this.plan(e.step, loopScope).eval, result: this.plan(e.result, accuScope).eval }
    return { eval: planFold({ ...parts, range, accu: accu.slot, first: first.slot, second: second?.slot }) }
  }
}

function charged<T>(frame: Frame, cost: number, value: T): T {
  frame.charge(cost)
  return value
}

function readVariable(frame: Frame, { slot, init }: Variable): Value {
  const value = frame.slots[slot]
  if (value !== undefined) return value
  return (frame.slots[slot] = init ? init(frame) : null)
}

/** `||` and `&&`: what decides the matter wins over errors. */
function planLogic(args: readonly Plan[], decisive: boolean): Eval {
  const evals = args.map((arg) => arg.eval)
  return (frame) => {
    let error: CelError | undefined
    for (const evaluate of evals) {
      const value = evaluate(frame)
      if (value === decisive) return decisive
      if (value !== !decisive) error ??= value instanceof CelError ? value : NO_SUCH_OVERLOAD
    }
    return error ?? !decisive
  }
}

function planEquality(left: Eval, right: Eval, wanted: boolean): Eval {
  const fn = wanted ? '_==_' : '_!=_'
  const overload = wanted ? 'equals' : 'not_equals'
  return (frame) => {
    const a = left(frame)
    const b = right(frame)
    const same = equal(a, b)
    const failed = a instanceof CelError || b instanceof CelError
    const result = wanted || failed ? same : same !== true
    frame.charge(callCost(fn, overload, [a, b], result))
    return result
  }
}

/** Neither the call nor what is not needed costs anything. */
function planOptionalOr(left: Eval, right: Eval, isUnwrapped: boolean): Eval {
  return (frame) => {
    const optional = left(frame)
    if (!(optional instanceof Optional)) return optional
    if (optional.value === undefined) return right(frame)
    return isUnwrapped ? optional.value : optional
  }
}

interface Call {
  fn: string
  overload: string
  invoke: (args: readonly Value[]) => Value
}

function planStrictCall(evals: readonly Eval[], { fn, overload, invoke }: Call): Eval {
  const isStrict = fn !== '@not_strictly_false'
  return (frame) => {
    const args: Value[] = []
    let error: CelError | undefined
    for (const evaluate of evals) {
      const value = evaluate(frame)
      args.push(value)
      if (!isStrict || !(value instanceof CelError)) continue
      error ??= value
      // Upstream evaluates both of two arguments, but no further of more.
      if (evals.length > 2) return error
    }
    const result = error ?? invoke(args)
    frame.charge(callCost(fn, overload, args, result))
    return result
  }
}

/** `in` a constant list is a look-up that costs nothing. */
function planMembership(item: Eval, list: ListValue): Plan | undefined {
  if (list.size === 0) return constant(false)
  const known = new Set<unknown>()
  for (const element of toArray(list)) {
    const key = keyOf(element)
    if (key === undefined) return undefined
    known.add(key)
  }
  return {
    eval(frame) {
      const value = item(frame)
      return value instanceof CelError ? value : known.has(keyOf(value) ?? value)
    },
  }
}

function makeList(values: readonly Value[], optionals: ReadonlySet<number>): Value {
  if (!optionals.size) return new NativeList([...values])
  const kept: Value[] = []
  for (const [i, value] of values.entries()) {
    if (!optionals.has(i)) kept.push(value)
    else if (!(value instanceof Optional)) return new CelError(`cannot initialize optional list element from non-optional value ${show(value)}`)
    else if (value.value !== undefined) kept.push(value.value)
  }
  return new NativeList(kept)
}

function putEntry(map: NativeMap, { key, value, optional }: { key: Value; value: Value; optional: boolean }): CelError | undefined {
  if (!optional) map.set(key, value)
  else if (!(value instanceof Optional)) return new CelError(`cannot initialize optional entry '${show(key)}' from non-optional value ${show(value)}`)
  else if (value.value === undefined) map.delete(key)
  else map.set(key, value.value)
  return undefined
}

interface Fold {
  range: Eval
  condition: Eval
  step: Eval
  result: Eval
  accu: number
  first: number
  second: number | undefined
}

/** What a loop runs over: one value, or two. */
function* itemsOf(range: ListValue | MapValue, hasTwo: boolean): Iterable<[Value, Value]> {
  if (range instanceof MapValue) {
    for (const key of range.keys()) yield [key, hasTwo ? (range.find(key) ?? null) : null]
    return
  }
  for (let i = 0; i < range.size; i++) yield hasTwo ? [BigInt(i), range.at(i)] : [range.at(i), null]
}

function planFold({ range, condition, step, result, accu, first, second }: Fold): Eval {
  return (frame) => {
    const items = range(frame)
    if (items instanceof CelError) return items
    if (!(items instanceof ListValue) && !(items instanceof MapValue)) return new CelError(`got '${goTypeName(items)}', expected iterable type`)
    const { slots } = frame
    const outer = slots[accu]
    slots[accu] = undefined
    for (const [key, value] of itemsOf(items, second !== undefined)) {
      slots[first] = key
      if (second !== undefined) slots[second] = value
      const goesOn = condition(frame)
      if (goesOn === false) break
      slots[accu] = step(frame)
    }
    const value = result(frame)
    slots[accu] = outer
    return value
  }
}

function goTypeName(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'types.String'
    case 'bigint':
      return 'types.Int'
    case 'number':
      return 'types.Double'
    case 'boolean':
      return 'types.Bool'
    default:
      return value === null ? 'types.Null' : value instanceof Uint ? 'types.Uint' : `types.${(value as object).constructor.name}`
  }
}
