/** Expressions over the claims of a token and over the user they make. Models k8s.io/apiserver/pkg/authentication/cel. */
import { programOrError } from '../../apimachinery/cel/admission-expressions.ts'
import { USER_INFO } from '../../apimachinery/cel/admission-types.ts'
import { environment, structProvider, type Environment } from '../../apimachinery/cel/environment.ts'
import { unescapeName } from '../../apimachinery/cel/escape.ts'
import type { Program } from '../../apimachinery/cel/program.ts'
import { ANY, mapOf, STRING, structType } from '../../apimachinery/cel/types.ts'
import { ListValue, MapValue, NativeList, type Value } from '../../apimachinery/cel/values.ts'
import { isRecord } from '../../apimachinery/json.ts'

export interface Expression {
  readonly text: string
  readonly program: Program
}

export type Over = 'claims' | 'user'

let environments: Readonly<Record<Over, Environment>> | undefined

const make = (): Readonly<Record<Over, Environment>> => ({
  claims: environment({ variables: { claims: mapOf(STRING, ANY) } }),
  user: environment({ variables: { user: structType('kubernetes.UserInfo') }, types: structProvider({ 'kubernetes.UserInfo': USER_INFO }) }),
})

/** The expression, or what is wrong with it. */
export function compileExpression(text: string, over: Over, { isCondition }: { isCondition: boolean }): Expression | string {
  environments ??= make()
  const program = programOrError(text, environments[over])
  if (typeof program === 'string') return program
  return isCondition && program.outputType.kind !== 'bool' ? 'must evaluate to bool' : { text, program }
}

/** @throws Error in upstream's words where it fails */
export function evaluateOver(over: Over, value: Value, { text, program }: Expression): Value {
  try {
    return program.evaluate((name) => (name === over ? value : undefined)).value
  } catch (error) {
    throw new Error(`expression '${text}' resulted in error: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

/** JSON as Go reads it into no type: every number is a double; members are also found by their escaped names. */
export function plainValue(json: unknown): Value {
  if (typeof json === 'string' || typeof json === 'boolean' || typeof json === 'number') return json
  if (Array.isArray(json)) return new NativeList(json.map(plainValue))
  return isRecord(json) ? new Members(json) : null
}

class Members extends MapValue {
  readonly #members: Readonly<Record<string, unknown>>

  constructor(members: Readonly<Record<string, unknown>>) {
    super()
    this.#members = members
  }

  get size(): number {
    return Object.keys(this.#members).length
  }

  find(key: Value): Value | undefined {
    if (typeof key !== 'string') return undefined
    const name = unescapeName(key) ?? key
    return Object.hasOwn(this.#members, name) ? plainValue(this.#members[name]) : undefined
  }

  keys(): Iterable<Value> {
    return Object.keys(this.#members)
  }
}

const NOT_STRINGS = 'expression must return a string or a list of strings'

/** One text or several; empty ones say nothing. @throws Error for anything else */
export function stringsOf(value: Value): string[] {
  if (value === null) return []
  if (typeof value === 'string') return value === '' ? [] : [value]
  if (!(value instanceof ListValue)) throw new Error(NOT_STRINGS)
  return Array.from({ length: value.size }, (_, i) => value.at(i)).flatMap((item) => {
    if (typeof item !== 'string') throw new Error(NOT_STRINGS)
    return item === '' ? [] : [item]
  })
}
