/** Gives every node its type and every call its overloads; errors are in cel-go's words. Models cel-go's checker/checker.go. */
import { type CallExpr, childrenOf, type ComprehensionExpr, type Expr, type ListExpr, type MapExpr, qualifiedName, type SelectExpr, type StructExpr } from './ast.ts'
import { type Overload, standardType } from './declarations.ts'
import type { Environment } from './environment.ts'
import type { Source } from './source.ts'
import {
  areAssignable, BOOL, BYTES, type CelType, DOUBLE, DYN, ERROR, formatFunction, INT, isAssignable, isDyn, isDynOrError, isExactType, isOptional, listOf, Mapping, mapOf,
  mostGeneral, NULL, optionalOf, paramType, STRING, substitute, typeOf, UINT, unwrapOptional,
} from './types.ts'
import { Uint } from './values.ts'

interface Scope {
  readonly parent: Scope | undefined
  readonly variables: Map<string, CelType>
}

/** What an identifier was found to be. */
interface Declared {
  name: string
  type: CelType
}

export function check(expr: Expr, environment: Environment, source: Source): void {
  const checker = new Checker(environment, source)
  checker.check(expr)
  checker.settle(expr)
}

class Checker {
  readonly #environment: Environment
  readonly #source: Source
  readonly #mapping = new Mapping()
  #scope: Scope | undefined
  #freeParams = 0

  constructor(environment: Environment, source: Source) {
    this.#environment = environment
    this.#source = source
  }

  check(e: Expr): CelType {
    const type = this.#typeOf(e)
    e.type = type
    return type
  }

  /** Puts what they were bound to, or dyn, in place of type parameters. */
  settle(e: Expr): void {
    const pending: Expr[] = [e]
    for (let next = pending.pop(); next; next = pending.pop()) {
      if (next.type) next.type = substitute(this.#mapping, next.type, true)
      pending.push(...childrenOf(next))
    }
  }

  #typeOf(e: Expr): CelType {
    switch (e.kind) {
      case 'literal':
        return literalType(e.value)
      case 'ident':
        return this.#ident(e)
      case 'select':
        return this.#select(e)
      case 'call':
        return e.fn === '_?._' ? this.#optionalSelect(e) : this.#call(e)
      case 'list':
        return this.#list(e)
      case 'map':
        return this.#map(e)
      case 'struct':
        return this.#struct(e)
      case 'comprehension':
        return this.#comprehension(e)
      default:
        return ERROR
    }
  }

  #error(offset: number, message: string): CelType {
    this.#source.report(offset, message)
    return ERROR
  }

  #undeclared(offset: number, name: string): CelType {
    return this.#error(offset, `undeclared reference to '${name}' (in container '')`)
  }

  #mismatch(e: Expr, expected: CelType, actual: CelType): void {
    this.#error(e.offset, `expected type '${expected.toString()}' but found '${actual.toString()}'`)
  }

  #isAssignable(t1: CelType, t2: CelType): boolean {
    return this.#mapping.attempt(() => isAssignable(this.#mapping, t1, t2))
  }

  #resolved(type: CelType): CelType {
    return substitute(this.#mapping, type, false)
  }

  #lookup(given: string): Declared | undefined {
    const isAbsolute = given.startsWith('.')
    const name = isAbsolute ? given.slice(1) : given
    for (let scope = this.#scope; scope; scope = scope.parent) {
      const type = scope.variables.get(name)
      if (type) return { name, type }
    }
    const variable = this.#environment.variables.get(name)
    if (variable) return { name, type: variable }
    const struct = this.#environment.types.find(name)
    if (struct) return { name, type: typeOf(struct) }
    const type = standardType(name)
    return type && { name, type: typeOf(type) }
  }

  #ident(e: Extract<Expr, { kind: 'ident' }>): CelType {
    const found = this.#lookup(e.name)
    if (!found) return this.#undeclared(e.offset, e.name)
    e.name = found.name
    return found.type
  }

  #select(e: SelectExpr): CelType {
    const name = qualifiedName(e)
    const found = name === undefined ? undefined : this.#lookup(name)
    if (found) {
      e.ident = found.name
      return found.type
    }
    const type = this.#field(e, e.operand, { name: e.field, optional: false })
    return e.testOnly ? BOOL : this.#resolved(type)
  }

  #optionalSelect(e: CallExpr): CelType {
    const [operand, field] = e.args
    if (!operand || field?.kind !== 'literal' || typeof field.value !== 'string') return this.#error(e.offset, 'unsupported optional field selection')
    const type = this.#resolved(this.#field(e, operand, { name: field.value, optional: true }))
    field.type = STRING
    e.overloads = ['select_optional_field']
    return type
  }

  #field(e: Expr, operand: Expr, { name, optional }: { name: string; optional: boolean }): CelType {
    const operandType = this.#resolved(this.check(operand))
    const target = unwrapOptional(operandType)
    const type = this.#fieldOf(e, target, name)
    return optional || isOptional(operandType) ? optionalOf(type) : type
  }

  #fieldOf(e: Expr, target: CelType, name: string): CelType {
    switch (target.kind) {
      case 'map':
        return target.params[1] ?? DYN
      case 'struct':
        return this.#structField(e.offset, target.name, name) ?? ERROR
      case 'param':
        this.#isAssignable(DYN, target)
        return DYN
      default:
        if (!isDynOrError(target)) this.#error(e.offset, `type '${target.toString()}' does not support field selection`)
        return DYN
    }
  }

  #structField(offset: number, struct: string, name: string): CelType | undefined {
    const { types } = this.#environment
    if (!types.find(struct)) this.#error(offset, `unexpected failed resolution of '${struct}'`)
    else {
      const type = types.field(struct, name)
      if (type) return type
      this.#error(offset, `undefined field '${name}'`)
    }
    return undefined
  }

  #function(name: string): readonly Overload[] | undefined {
    return this.#environment.functions.get(name.startsWith('.') ? name.slice(1) : name)
  }

  #call(e: CallExpr): CelType {
    for (const arg of e.args) this.check(arg)
    const { target } = e
    if (!target) {
      const overloads = this.#function(e.fn)
      if (!overloads) return this.#undeclared(e.offset, e.fn)
      if (e.fn.startsWith('.')) e.fn = e.fn.slice(1)
      return this.#resolve(e, overloads)
    }
    const prefix = qualifiedName(target)
    const namespaced = prefix === undefined ? undefined : this.#function(`${prefix}.${e.fn}`)
    if (namespaced && prefix !== undefined) {
      e.fn = `${prefix.startsWith('.') ? prefix.slice(1) : prefix}.${e.fn}`
      delete e.target
      return this.#resolve(e, namespaced)
    }
    this.check(target)
    const overloads = this.#function(e.fn)
    return overloads ? this.#resolve(e, overloads) : this.#undeclared(e.offset, e.fn)
  }

  #resolve(e: CallExpr, overloads: readonly Overload[]): CelType {
    const given = e.target ? [e.target, ...e.args] : e.args
    const types = given.map((arg) => arg.type ?? ERROR)
    const isMember = e.target !== undefined
    let result: CelType | undefined
    const found: string[] = []
    for (const overload of overloads) {
      if (overload.isMember !== isMember) continue
      if (e.fn === '_&&_' || e.fn === '_||_') return this.#logic(e, overload.id)
      const { args, result: resultType } = this.#instantiate(overload)
      if (!this.#mapping.attempt(() => areAssignable(this.#mapping, types, args))) continue
      found.push(overload.id)
      const type = this.#resolved(resultType)
      if (!result) result = type
      else if (!isDyn(result) && !isExactType(type, result)) result = DYN
    }
    if (result) {
      e.overloads = found
      return result
    }
    const shown = types.map((type) => substitute(this.#mapping, type, true))
    return this.#error(e.offset, `found no matching overload for '${e.fn}' applied to '${formatFunction(shown, isMember)}'`)
  }

  #logic(e: CallExpr, overload: string): CelType {
    let isValid = true
    for (const arg of e.args) {
      const type = arg.type ?? ERROR
      if (this.#isAssignable(type, BOOL)) continue
      isValid = false
      this.#mismatch(arg, BOOL, type)
    }
    e.overloads = [overload]
    return isValid ? BOOL : ERROR
  }

  #instantiate(overload: Overload): { args: readonly CelType[]; result: CelType } {
    if (!overload.params.length) return overload
    const fresh = new Mapping(overload.params.map((name) => [name, this.#newParam()]))
    return { args: overload.args.map((arg) => substitute(fresh, arg, false)), result: substitute(fresh, overload.result, false) }
  }

  #newParam(): CelType {
    return paramType(`_var${this.#freeParams++}`)
  }

  #join(previous: CelType | undefined, current: CelType): CelType {
    if (!previous) return current
    // Mixed literals are refused later, by validators.ts.
    return this.#isAssignable(previous, current) ? mostGeneral(previous, current) : DYN
  }

  /** The type of an item that may be left out. */
  #itemType(e: Expr, isOptionalItem: boolean): CelType {
    const type = this.check(e)
    if (!isOptionalItem) return type
    const inner = unwrapOptional(type)
    if (!isOptional(type) && !isDyn(inner)) this.#mismatch(e, optionalOf(inner), inner)
    return inner
  }

  #list(e: ListExpr): CelType {
    let type: CelType | undefined
    e.elements.forEach((element, i) => {
      type = this.#join(type, this.#itemType(element, e.optionals.has(i)))
    })
    return listOf(type ?? this.#newParam())
  }

  #map(e: MapExpr): CelType {
    let keys: CelType | undefined
    let values: CelType | undefined
    for (const { key, value, optional } of e.entries) {
      keys = this.#join(keys, this.check(key))
      values = this.#join(values, this.#itemType(value, optional))
    }
    return mapOf(keys ?? this.#newParam(), values ?? this.#newParam())
  }

  #struct(e: StructExpr): CelType {
    const found = this.#lookup(e.typeName)
    if (!found) return this.#undeclared(e.offset, e.typeName)
    e.typeName = found.name
    const type = this.#messageType(e, found.type)
    for (const f of e.fields) {
      const valueType = this.#itemType(f.value, f.optional)
      const fieldType = this.#structField(f.offset, e.typeName, f.name) ?? ERROR
      if (this.#isAssignable(fieldType, valueType)) continue
      this.#error(f.offset, `expected type of field '${f.name}' is '${fieldType.toString()}' but provided type is '${valueType.toString()}'`)
    }
    return type
  }

  #messageType(e: StructExpr, type: CelType): CelType {
    if (type.kind === 'error') return ERROR
    if (type.kind !== 'type') return this.#error(e.offset, `'${type.name}' is not a type`)
    const instance = type.params[0] ?? DYN
    return instance.kind === 'struct' ? instance : this.#error(e.offset, `'${instance.name}' is not a message type`)
  }

  #comprehension(e: ComprehensionExpr): CelType {
    this.check(e.iterRange)
    const accuType = this.check(e.accuInit)
    const rangeType = this.#resolved(e.iterRange.type ?? DYN)
    const outer = this.#scope
    const accuScope: Scope = { parent: outer, variables: new Map([[e.accuVar, accuType]]) }
    const [first, second] = this.#iterationTypes(e, rangeType)
    const variables = new Map([[e.iterVar, first]])
    if (e.iterVar2 !== undefined) variables.set(e.iterVar2, second)
    this.#scope = { parent: accuScope, variables }
    this.check(e.condition)
    this.#assert(e.condition, BOOL)
    this.check(e.step)
    this.#assert(e.step, accuType)
    this.#scope = accuScope
    const type = this.check(e.result)
    this.#scope = outer
    return this.#resolved(type)
  }

  #iterationTypes(e: ComprehensionExpr, range: CelType): [CelType, CelType] {
    const [first = DYN, second = DYN] = range.params
    switch (range.kind) {
      case 'list':
        return e.iterVar2 === undefined ? [first, first] : [INT, first]
      case 'map':
        return [first, second]
      case 'dyn':
      case 'error':
      case 'param':
        this.#isAssignable(DYN, range)
        return [DYN, DYN]
      default:
        this.#error(e.iterRange.offset, `expression of type '${range.toString()}' cannot be range of a comprehension (must be list, map, or dynamic)`)
        return [ERROR, ERROR]
    }
  }

  #assert(e: Expr, type: CelType): void {
    const actual = e.type ?? ERROR
    if (!this.#isAssignable(type, actual)) this.#mismatch(e, type, actual)
  }
}

function literalType(value: unknown): CelType {
  if (typeof value === 'string') return STRING
  if (typeof value === 'bigint') return INT
  if (typeof value === 'number') return DOUBLE
  if (typeof value === 'boolean') return BOOL
  if (value === null) return NULL
  return value instanceof Uint ? UINT : BYTES
}
