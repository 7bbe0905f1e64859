/** The nodes of a parsed expression; the checker writes down types and what names refer to. Models cel-go's common/ast. */
import type { CelType } from './types.ts'
import type { Literal } from './values.ts'

interface Node {
  /** Where errors of it point to, in code points from the start. */
  readonly offset: number
  type?: CelType
}

export interface LiteralExpr extends Node {
  kind: 'literal'
  value: Literal
}
export interface IdentExpr extends Node {
  kind: 'ident'
  name: string
}
export interface SelectExpr extends Node {
  kind: 'select'
  operand: Expr
  field: string
  testOnly: boolean
  /** Set where the whole chain turned out to be one name. */
  ident?: string
}
export interface CallExpr extends Node {
  kind: 'call'
  fn: string
  target?: Expr
  args: Expr[]
  overloads?: string[]
}
export interface ListExpr extends Node {
  kind: 'list'
  elements: Expr[]
  optionals: ReadonlySet<number>
}
export interface MapEntry {
  readonly offset: number
  key: Expr
  value: Expr
  optional: boolean
}
export interface MapExpr extends Node {
  kind: 'map'
  entries: MapEntry[]
}
export interface StructField {
  readonly offset: number
  name: string
  value: Expr
  optional: boolean
}
export interface StructExpr extends Node {
  kind: 'struct'
  typeName: string
  fields: StructField[]
}
export interface ComprehensionExpr extends Node {
  kind: 'comprehension'
  iterRange: Expr
  iterVar: string
  iterVar2?: string
  accuVar: string
  accuInit: Expr
  condition: Expr
  step: Expr
  result: Expr
}
/** Stands where a macro could not be expanded: an error was reported. */
export interface ErrorExpr extends Node {
  kind: 'error'
}

export type Expr = LiteralExpr | IdentExpr | SelectExpr | CallExpr | ListExpr | MapExpr | StructExpr | ComprehensionExpr | ErrorExpr

/** `a.b.c` as one name, if the expression is nothing but names. */
export function qualifiedName(e: Expr): string | undefined {
  if (e.kind === 'ident') return e.name
  if (e.kind !== 'select' || e.testOnly) return undefined
  const prefix = qualifiedName(e.operand)
  return prefix === undefined ? undefined : `${prefix}.${e.field}`
}

export function childrenOf(e: Expr): Expr[] {
  switch (e.kind) {
    case 'select':
      return [e.operand]
    case 'call':
      return e.target ? [e.target, ...e.args] : e.args
    case 'list':
      return e.elements
    case 'map':
      return e.entries.flatMap(({ key, value }) => [key, value])
    case 'struct':
      return e.fields.map((f) => f.value)
    case 'comprehension':
      return [e.iterRange, e.accuInit, e.condition, e.step, e.result]
    default:
      return []
  }
}
