/** The types that the checker works with, and when one may stand for another. Models cel-go's checker/types.go and common/types/types.go. */

export type Kind =
  | 'any' | 'bool' | 'bytes' | 'double' | 'duration' | 'dyn' | 'error' | 'int' | 'list' | 'map' | 'null'
  | 'opaque' | 'string' | 'struct' | 'timestamp' | 'type' | 'param' | 'uint'

export class CelType {
  readonly kind: Kind
  /** The name as type() gives it at run time. */
  readonly name: string
  readonly params: readonly CelType[]
  #text: string | undefined

  constructor(kind: Kind, name: string, params: readonly CelType[] = []) {
    this.kind = kind
    this.name = name
    this.params = params
  }

  /** As error texts show it. */
  toString(): string {
    return (this.#text ??= formatType(this))
  }
}

const SHORT_NAMES: Partial<Record<Kind, string>> = { any: 'any', duration: 'duration', error: '!error!', null: 'null', timestamp: 'timestamp' }

function formatType(type: CelType): string {
  const short = SHORT_NAMES[type.kind]
  if (short) return short
  if (type.kind === 'opaque' && type.name === 'function') return formatFunction(type.params.slice(1), false, type.params[0])
  return type.params.length ? `${type.name}(${type.params.join(', ')})` : type.name
}

export function formatFunction(args: readonly CelType[], isMember: boolean, result?: CelType): string {
  const [target, ...rest] = args
  const shown = isMember ? rest : args
  return `${isMember && target ? `${target.toString()}.` : ''}(${shown.join(', ')})${result ? ` -> ${result.toString()}` : ''}`
}

/** A type as Go's Type.String writes it. */
export function goTypeText({ kind, name, params }: CelType): string {
  if (kind === 'param') return `<${name}>`
  return params.length ? `${name}(${params.map(goTypeText).join(', ')})` : name
}

export const ANY = new CelType('any', 'google.protobuf.Any')
export const BOOL = new CelType('bool', 'bool')
export const BYTES = new CelType('bytes', 'bytes')
export const DOUBLE = new CelType('double', 'double')
export const DURATION = new CelType('duration', 'google.protobuf.Duration')
export const DYN = new CelType('dyn', 'dyn')
export const ERROR = new CelType('error', 'error')
export const INT = new CelType('int', 'int')
export const NULL = new CelType('null', 'null_type')
export const STRING = new CelType('string', 'string')
export const TIMESTAMP = new CelType('timestamp', 'google.protobuf.Timestamp')
export const TYPE = new CelType('type', 'type')
export const UINT = new CelType('uint', 'uint')

export const listOf = (element: CelType): CelType => new CelType('list', 'list', [element])
export const mapOf = (key: CelType, value: CelType): CelType => new CelType('map', 'map', [key, value])
export const optionalOf = (value: CelType): CelType => new CelType('opaque', 'optional_type', [value])
export const typeOf = (type: CelType): CelType => new CelType('type', 'type', [type])
export const paramType = (name: string): CelType => new CelType('param', name)
export const structType = (name: string): CelType => new CelType('struct', name)
export const opaqueType = (name: string): CelType => new CelType('opaque', name)
/** What values that stand as lists and maps at run time are. */
export const LIST = listOf(DYN)
export const MAP = mapOf(DYN, DYN)
export const OPTIONAL = optionalOf(DYN)

export const isDyn = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'any'
export const isDynOrError = (type: CelType): boolean => isDyn(type) || type.kind === 'error'
export const isOptional = (type: CelType): boolean => type.kind === 'opaque' && type.name === 'optional_type'
/** The type within an optional one, else the type itself. */
export const unwrapOptional = (type: CelType): CelType => (isOptional(type) ? (type.params[0] ?? DYN) : type)

export function isExactType(a: CelType, b: CelType): boolean {
  if (a === b) return true
  return a.kind === b.kind && a.name === b.name && a.params.length === b.params.length && a.params.every((p, i) => isExactType(p, b.params[i] ?? DYN))
}

/** As IsExactType, but any type parameter is like any other and types of types are all alike. */
export function isEquivalentType(a: CelType, b: CelType): boolean {
  if (a.kind !== b.kind || a.params.length !== b.params.length) return false
  if (a.kind === 'param') return true
  return a.name === b.name && a.params.every((p, i) => isEquivalentType(p, b.params[i] ?? DYN))
}

/** What type parameters stand for, by their texts. */
export class Mapping {
  #bound: Map<string, CelType>
  constructor(bound: Iterable<[string, CelType]> = []) {
    this.#bound = new Map(bound)
  }
  add(from: CelType, to: CelType): void {
    this.#bound.set(from.toString(), to)
  }
  find(type: CelType): CelType | undefined {
    return this.#bound.size ? this.#bound.get(type.toString()) : undefined
  }
  /** Runs `attempt`; what it bound is kept only if it succeeds. */
  attempt(attempt: () => boolean): boolean {
    const before = this.#bound
    this.#bound = new Map(before)
    const succeeded = attempt()
    if (!succeeded) this.#bound = before
    return succeeded
  }
}

export function isAssignable(m: Mapping, t1: CelType, t2: CelType): boolean {
  if (t2.kind === 'param') {
    const [isValid, hasBinding] = substitutes(m, t1, t2)
    if (isValid) return true
    if (hasBinding) return false
  }
  if (t1.kind === 'param') return substitutes(m, t2, t1)[0]
  if (isDynOrError(t1) || isDynOrError(t2)) return true
  if (t1.kind === 'null') return isNullable(t2)
  if (t2.kind === 'null') return isNullable(t1)
  switch (t1.kind) {
    case 'type':
      return t2.kind === 'type'
    case 'opaque':
    case 'list':
    case 'map':
      return t1.kind === t2.kind && t1.name === t2.name && areAssignable(m, t1.params, t2.params)
    default:
      return isExactType(t1, t2)
  }
}

export const areAssignable = (m: Mapping, l1: readonly CelType[], l2: readonly CelType[]): boolean =>
  l1.length === l2.length && l1.every((t, i) => isAssignable(m, t, l2[i] ?? DYN))

const NULLABLE: ReadonlySet<Kind> = new Set<Kind>(['opaque', 'struct', 'any', 'duration', 'timestamp', 'null'])
const isNullable = (type: CelType): boolean => NULLABLE.has(type.kind)

/** Whether `param` may stand for `type`, and whether it was bound already. */
function substitutes(m: Mapping, type: CelType, param: CelType): [boolean, boolean] {
  if (type.kind === param.kind && isExactType(type, param)) return [true, true]
  const bound = m.find(param)
  if (bound) {
    if (isExactType(type, bound)) return [true, true]
    if (!isAssignable(m, type, bound)) return [false, true]
    const general = mostGeneral(type, bound)
    if (isFreeOf(m, param, general)) m.add(param, general)
    return [true, true]
  }
  if (!isFreeOf(m, param, type)) return [false, false]
  m.add(param, type)
  return [true, false]
}

function isFreeOf(m: Mapping, param: CelType, within: CelType): boolean {
  if (isExactType(param, within)) return false
  if (within.kind === 'param') {
    const bound = m.find(within)
    return !bound || isFreeOf(m, param, bound)
  }
  return within.params.every((p) => isFreeOf(m, param, p))
}

export const mostGeneral = (t1: CelType, t2: CelType): CelType => (isEqualOrLessSpecific(t1, t2) ? t1 : t2)

function isEqualOrLessSpecific(t1: CelType, t2: CelType): boolean {
  if (isDyn(t1) || t1.kind === 'param') return true
  if (isDyn(t2) || t2.kind === 'param' || t1.kind !== t2.kind) return false
  if (t1.kind === 'type') return true
  if (t1.kind !== 'opaque' && t1.kind !== 'list' && t1.kind !== 'map') return isExactType(t1, t2)
  return t1.name === t2.name && t1.params.length === t2.params.length && t1.params.every((p, i) => isEqualOrLessSpecific(p, t2.params[i] ?? DYN))
}

export function substitute(m: Mapping, type: CelType, paramsAreDyn: boolean): CelType {
  const bound = m.find(type)
  if (bound) return substitute(m, bound, paramsAreDyn)
  if (type.kind === 'param') return paramsAreDyn ? DYN : type
  if (!type.params.length) return type
  const params = type.params.map((p) => substitute(m, p, paramsAreDyn))
  return params.every((p, i) => p === type.params[i]) ? type : new CelType(type.kind, type.name, params)
}
