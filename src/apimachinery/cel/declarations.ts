/** What names stand for while an expression is checked: functions, types, variables. Models cel-go's checker/env.go. */
import { DECLARATIONS } from './declaration-table.ts'
import {
  ANY, BOOL, BYTES, type CelType, CelType as Type, DOUBLE, DURATION, DYN, INT, listOf, mapOf, NULL, opaqueType, optionalOf, paramType, STRING, structType,
  TIMESTAMP, TYPE, typeOf, UINT,
} from './types.ts'

export interface Overload {
  readonly id: string
  readonly isMember: boolean
  readonly args: readonly CelType[]
  readonly result: CelType
  readonly params: readonly string[]
}

const SIMPLE: Readonly<Record<string, CelType>> = { any: ANY, bool: BOOL, bytes: BYTES, double: DOUBLE, duration: DURATION, dyn: DYN, int: INT, null: NULL, string: STRING, timestamp: TIMESTAMP, type: TYPE, uint: UINT }
const OPAQUE: ReadonlySet<string> = new Set(['net.IP', 'net.CIDR'])

/** Splits at commas outside of parentheses. */
function splitTypes(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i <= text.length; i++) {
    const c = text[i]
    if (c === '(') depth++
    else if (c === ')') depth--
    else if (i === text.length || (c === ',' && depth === 0)) {
      if (i > start) parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  return parts
}

export function parseType(text: string): CelType {
  const simple = SIMPLE[text]
  if (simple) return simple
  const [, name = text, inner] = /^([\w.]+)\((.*)\)$/.exec(text) ?? []
  const params = inner === undefined ? [] : splitTypes(inner).map(parseType)
  const [first = DYN, second = DYN] = params
  if (name === 'list') return listOf(first)
  if (name === 'map') return mapOf(first, second)
  if (name === 'type') return typeOf(first)
  if (name === 'optional_type') return optionalOf(first)
  if (/^[A-Z]$/.test(name)) return paramType(name)
  return OPAQUE.has(name) ? opaqueType(name) : structType(name)
}

function paramsOf(type: CelType): string[] {
  return type.kind === 'param' ? [type.name] : type.params.flatMap(paramsOf)
}

export function makeOverload(overload: Omit<Overload, 'params'>): Overload {
  return { ...overload, params: [...new Set([...overload.args, overload.result].flatMap(paramsOf))] }
}

/** An overload's text: arguments may hold parentheses, so the last one before the result closes them. */
function parseLine(text: string): Overload {
  const open = text.indexOf('(')
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++
    else if (text[i] === ')' && --depth === 0) {
      const head = text.slice(0, open)
      const isMember = head.startsWith('.')
      return makeOverload({
        id: isMember ? head.slice(1) : head,
        isMember,
        args: splitTypes(text.slice(open + 1, i)).map(parseType),
        result: parseType(text.slice(i + 1).trim()),
      })
    }
  }
  throw new Error(`not a declaration: ${text}`)
}

function parseDeclarations(table: string): Map<string, readonly Overload[]> {
  const functions = new Map<string, readonly Overload[]>()
  for (const line of table.replaceAll('\n  | ', ' | ').trim().split('\n')) {
    const at = line.indexOf(': ')
    functions.set(line.slice(0, at), line.slice(at + 2).split(' | ').map(parseLine))
  }
  return functions
}

let standard: ReadonlyMap<string, readonly Overload[]> | undefined
/** Made when first asked for. */
export const standardFunctions = (): ReadonlyMap<string, readonly Overload[]> => (standard ??= parseDeclarations(DECLARATIONS))

const LIST_OF_A = listOf(paramType('A'))
const MAP_OF_AB = mapOf(paramType('A'), paramType('B'))
const STANDARD_TYPES: ReadonlyMap<string, CelType> = new Map(
  [BOOL, BYTES, DOUBLE, DURATION, INT, NULL, STRING, TIMESTAMP, TYPE, UINT, new Type('list', 'list', LIST_OF_A.params), MAP_OF_AB].map((type) => [type.name, type]),
)

/** A name that stands for a type: `int`, `google.protobuf.Timestamp`. */
export const standardType = (name: string): CelType | undefined => STANDARD_TYPES.get(name)
