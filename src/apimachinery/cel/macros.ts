/** What macros stand for. Models cel-go's parser/macro.go, cel/library.go (optMap), ext/comprehensions.go and ext/lists.go (sortBy). */
import type { ComprehensionExpr, Expr } from './ast.ts'
import type { Source } from './source.ts'
import type { Literal } from './values.ts'

interface MacroCall {
  source: Source
  offset: number
  fn: string
  target: Expr | undefined
  args: Expr[]
  hasBindings?: boolean
}

class MacroError extends Error {
  readonly at: Expr
  constructor(at: Expr, message: string) {
    super(message)
    this.at = at
  }
}

export const ACCUMULATOR = '@result'
const OLD_ACCUMULATOR = '__result__'
export const UNUSED = '#unused'
const SORT_INPUT = '@__sortBy_input__'

type Expander = (make: Maker, target: Expr, args: readonly Expr[]) => Expr
type Comprehension = Omit<ComprehensionExpr, 'kind' | 'offset' | 'type'>

/** Makes nodes that stand where the macro stands. */
class Maker {
  readonly offset: number
  constructor(offset: number) {
    this.offset = offset
  }
  literal(value: Literal): Expr {
    return { kind: 'literal', offset: this.offset, value }
  }
  ident(name: string): Expr {
    return { kind: 'ident', offset: this.offset, name }
  }
  accu(): Expr {
    return this.ident(ACCUMULATOR)
  }
  list(...elements: Expr[]): Expr {
    return { kind: 'list', offset: this.offset, elements, optionals: new Set() }
  }
  call(fn: string, ...args: Expr[]): Expr {
    return { kind: 'call', offset: this.offset, fn, args }
  }
  member(fn: string, target: Expr, ...args: Expr[]): Expr {
    return { kind: 'call', offset: this.offset, fn, target, args }
  }
  comprehension(parts: Comprehension): Expr {
    return { kind: 'comprehension', offset: this.offset, ...parts }
  }
  /** A name for a value within an expression. */
  bind(name: string, value: Expr, result: Expr): Expr {
    const parts = { iterRange: this.list(), iterVar: UNUSED, accuVar: name, accuInit: value, condition: this.literal(false), step: this.ident(name), result }
    return this.comprehension(parts)
  }
}

function copyOf(e: Expr): Expr {
  switch (e.kind) {
    case 'select':
      return { ...e, operand: copyOf(e.operand) }
    case 'call':
      return e.target ? { ...e, target: copyOf(e.target), args: e.args.map(copyOf) } : { ...e, args: e.args.map(copyOf) }
    case 'list':
      return { ...e, elements: e.elements.map(copyOf) }
    case 'map':
      return { ...e, entries: e.entries.map((entry) => ({ ...entry, key: copyOf(entry.key), value: copyOf(entry.value) })) }
    case 'struct':
      return { ...e, fields: e.fields.map((f) => ({ ...f, value: copyOf(f.value) })) }
    case 'comprehension': {
      const { iterRange, accuInit, condition, step, result } = e
      return { ...e, iterRange: copyOf(iterRange), accuInit: copyOf(accuInit), condition: copyOf(condition), step: copyOf(step), result: copyOf(result) }
    }
    default:
      return { ...e }
  }
}

const missing = (at: Expr): never => {
  throw new MacroError(at, 'argument is missing')
}

function variableName(arg: Expr | undefined, target: Expr, message: string): string {
  if (arg?.kind !== 'ident') throw new MacroError(arg ?? target, message)
  return arg.name
}

function refuseAccumulator(name: string, arg: Expr | undefined, target: Expr): void {
  if (name === ACCUMULATOR || name === OLD_ACCUMULATOR) throw new MacroError(arg ?? target, 'iteration variable overwrites accumulator variable')
}

interface Variables {
  iterVar: string
  iterVar2?: string
}

function oneVariable([arg]: readonly Expr[], target: Expr, message: string): Variables {
  const iterVar = variableName(arg, target, message)
  refuseAccumulator(iterVar, arg, target)
  return { iterVar }
}

function twoVariables([first, second]: readonly Expr[], target: Expr): Variables {
  const message = 'argument must be a simple name'
  const iterVar = variableName(first, target, message)
  const iterVar2 = variableName(second, target, message)
  if (iterVar === iterVar2) throw new MacroError(second ?? target, `duplicate variable name: ${iterVar}`)
  refuseAccumulator(iterVar, first, target)
  refuseAccumulator(iterVar2, second, target)
  return { iterVar, iterVar2 }
}

const QUANTIFIERS: Readonly<Record<string, (make: Maker, predicate: Expr) => Pick<Comprehension, 'accuInit' | 'condition' | 'step' | 'result'>>> = {
  all: (make, predicate) => ({
    accuInit: make.literal(true),
    condition: make.call('@not_strictly_false', make.accu()),
    step: make.call('_&&_', make.accu(), predicate),
    result: make.accu(),
  }),
  exists: (make, predicate) => ({
    accuInit: make.literal(false),
    condition: make.call('@not_strictly_false', make.call('!_', make.accu())),
    step: make.call('_||_', make.accu(), predicate),
    result: make.accu(),
  }),
  exists_one: (make, predicate) => ({
    accuInit: make.literal(0n),
    condition: make.literal(true),
    step: make.call('_?_:_', predicate, make.call('_+_', make.accu(), make.literal(1n)), make.accu()),
    result: make.call('_==_', make.accu(), make.literal(1n)),
  }),
}

function quantifier(name: string, variables: (args: readonly Expr[], target: Expr) => Variables): Expander {
  return (make, target, args) => {
    const parts = QUANTIFIERS[name]?.(make, args.at(-1) ?? missing(target)) ?? missing(target)
    return make.comprehension({ iterRange: target, accuVar: ACCUMULATOR, ...variables(args, target), ...parts })
  }
}

const quantifierVariable = (args: readonly Expr[], target: Expr): Variables => oneVariable(args, target, 'argument must be a simple name')

/** A loop that gathers: `step` is taken where the filter holds, if there is one. */
function gather(make: Maker, parts: { target: Expr; variables: Variables; init: Expr; step: Expr; filter: Expr | undefined }): Expr {
  const { target, variables, init, step, filter } = parts
  const guarded = filter ? make.call('_?_:_', filter, step, make.accu()) : step
  return make.comprehension({ iterRange: target, ...variables, accuVar: ACCUMULATOR, accuInit: init, condition: make.literal(true), step: guarded, result: make.accu() })
}

const map: Expander = (make, target, args) => {
  const variables = oneVariable(args, target, 'argument is not an identifier')
  const step = make.call('_+_', make.accu(), make.list(args.at(-1) ?? missing(target)))
  return gather(make, { target, variables, init: make.list(), step, filter: args.length === 3 ? args[1] : undefined })
}

const filter: Expander = (make, target, args) => {
  const variables = oneVariable(args, target, 'argument is not an identifier')
  const step = make.call('_+_', make.accu(), make.list(args[0] ?? missing(target)))
  return gather(make, { target, variables, init: make.list(), step, filter: args[1] })
}

function transform(init: (make: Maker) => Expr, step: (make: Maker, key: string, value: Expr) => Expr): Expander {
  return (make, target, args) => {
    const variables = twoVariables(args, target)
    const made = step(make, variables.iterVar, args.at(-1) ?? missing(target))
    return gather(make, { target, variables, init: init(make), step: made, filter: args.length === 4 ? args[2] : undefined })
  }
}

const emptyMap = (make: Maker): Expr => ({ kind: 'map', offset: make.offset, entries: [] })
const transformList = transform((make) => make.list(), (make, _key, value) => make.call('_+_', make.accu(), make.list(value)))
const transformMap = transform(emptyMap, (make, key, value) => make.call('cel.@mapInsert', make.accu(), make.ident(key), value))
const transformMapEntry = transform(emptyMap, (make, _key, value) => make.call('cel.@mapInsert', make.accu(), value))

function optional(name: string, wrap: (make: Maker, bound: Expr) => Expr): Expander {
  return (make, target, [variable, value]) => {
    const bound = variableName(variable, target, `${name}() variable name must be a simple identifier`)
    const bind = make.bind(bound, make.member('value', copyOf(target)), value ?? missing(target))
    return make.call('_?_:_', make.member('hasValue', target), wrap(make, bind), make.call('optional.none'))
  }
}

const sortBy: Expander = (make, target, args) => {
  if (target.kind === 'literal' || target.kind === 'map' || target.kind === 'struct') {
    throw new MacroError(target, 'sortBy can only be applied to a list, identifier, comprehension, call or select expression')
  }
  const keys = map(make, make.ident(SORT_INPUT), args)
  return make.bind(SORT_INPUT, target, make.member('@sortByAssociatedKeys', make.ident(SORT_INPUT), keys))
}

/** By name and number of arguments; all but has are called on a target. */
const MACROS: Readonly<Record<string, Expander>> = {
  'all/2': quantifier('all', quantifierVariable),
  'exists/2': quantifier('exists', quantifierVariable),
  'exists_one/2': quantifier('exists_one', quantifierVariable),
  'map/2': map,
  'map/3': map,
  'filter/2': filter,
  'optMap/2': optional('optMap', (make, bound) => make.call('optional.of', bound)),
  'optFlatMap/2': optional('optFlatMap', (_make, bound) => bound),
  'all/3': quantifier('all', twoVariables),
  'exists/3': quantifier('exists', twoVariables),
  'existsOne/3': quantifier('exists_one', twoVariables),
  'exists_one/3': quantifier('exists_one', twoVariables),
  'transformList/3': transformList,
  'transformList/4': transformList,
  'transformMap/3': transformMap,
  'transformMap/4': transformMap,
  'transformMapEntry/3': transformMapEntry,
  'transformMapEntry/4': transformMapEntry,
  'sortBy/2': sortBy,
}

function has([arg]: readonly Expr[], offset: number): Expr {
  if (arg?.kind !== 'select') throw new MacroError(arg ?? { kind: 'error', offset }, 'invalid argument to has() macro')
  return { kind: 'select', offset, operand: arg.operand, field: arg.field, testOnly: true }
}

function bind(make: Maker, [name, value, result]: readonly Expr[], target: Expr): Expr {
  if (name?.kind !== 'ident') throw new MacroError(name ?? target, 'cel.bind() variable names must be simple identifiers')
  return make.bind(name.name, value ?? missing(target), result ?? missing(target))
}

const isBinding = ({ hasBindings = false, fn, target, args }: MacroCall): boolean => hasBindings && fn === 'bind' && args.length === 3 && target?.kind === 'ident' && target.name === 'cel'

/** The expression that a call stands for, if it is a macro; wrong arguments are reported. */
export function expandMacro(call: MacroCall): Expr | undefined {
  const { source, offset, fn, target, args } = call
  const key = `${fn}/${args.length}`
  const expander = target && Object.hasOwn(MACROS, key) ? MACROS[key] : undefined
  try {
    if (target && isBinding(call)) return bind(new Maker(offset), args, target)
    if (target) return expander?.(new Maker(offset), target, args)
    return key === 'has/1' ? has(args, offset) : undefined
  } catch (error) {
    if (!(error instanceof MacroError)) throw error
    source.report(error.at.offset, error.message)
    return { kind: 'error', offset }
  }
}
