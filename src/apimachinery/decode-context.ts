/** Where a decode is and what went wrong so far. Models decodeState of sigs.k8s.io/json. */
import { quote } from '../errors.ts'
import { pathText } from './json-reader.ts'
import { ParseError } from './parse-error.ts'

const MAX_STRICT_ERRORS = 100

export interface DecodeContext {
  /** What is wrong with the first value that did not fit its type; decoding goes on behind it. */
  firstError: string | undefined
  firstMismatch: TypeMismatch | undefined
  /** Fields that the type does not have, as `unknown field "spec.foo"`. */
  readonly strictErrors: string[]
  /** The place as strict errors show it, with indexes and map keys. */
  readonly path: (string | number)[]
  /** The place as type errors show it: the names of fields alone. */
  readonly names: string[]
  /** The innermost struct: `ObjectMeta`. */
  struct: string
  readonly strict: boolean
}

export function decodeContext(strict: boolean): DecodeContext {
  return { firstError: undefined, firstMismatch: undefined, strictErrors: [], path: [], names: [], struct: '', strict }
}

export function unknownField(ctx: DecodeContext, name: string): void {
  if (!ctx.strict || ctx.strictErrors.length >= MAX_STRICT_ERRORS) return
  ctx.strictErrors.push(`unknown field ${quote(pathText([...ctx.path, name]))}`)
}

/** @param found `string`, `number 1.5` … */
export function typeMismatch(ctx: DecodeContext, found: string, goType: string): void {
  if (ctx.firstError !== undefined) return
  ctx.firstMismatch = new TypeMismatch(found, goType, [...ctx.names])
  ctx.firstError = mismatchText(new TypeMismatch(found, goType), ctx)
}

/** A value that does not fit its type, found by a type that reads itself: thrown, and given its place by `withPlace`. */
export class TypeMismatch extends ParseError {
  constructor(
    readonly found: string,
    readonly goType: string,
    /** The place inside of that type. */
    readonly names: readonly string[] = [],
  ) {
    super(`json: cannot unmarshal ${found} into Go value of type ${goType}`)
  }
}

function mismatchText({ found, goType, names }: TypeMismatch, ctx: DecodeContext): string {
  const place = [...ctx.names, ...names].join('.')
  return `json: cannot unmarshal ${found} into Go ${place || ctx.struct ? `struct field ${ctx.struct}.${place}` : 'value'} of type ${goType}`
}

export function withPlace(error: unknown, ctx: DecodeContext): unknown {
  if (!(error instanceof TypeMismatch)) return error
  return new ParseError(mismatchText(error, ctx))
}

export function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return value === null ? 'null' : typeof value
}
