/** A variable or value with what is selected of it: `self.spec.items[0]`. Models cel-go's interpreter/attributes.go. */
import type { Eval, Frame } from './frame.ts'
import { CelError, ListValue, MapValue, NO_SUCH_OVERLOAD, NONE, Optional, show, typeOfValue, Uint, type Value } from './values.ts'

export interface Qualifier {
  readonly key: Value | ((frame: Frame) => Value)
  readonly optional: boolean
  /** Only asks whether there is a value. */
  readonly testOnly: boolean
}

type Resolve = (frame: Frame, qualifiers: readonly Qualifier[]) => Value

/** Charges for every look-up; an attribute itself costs one more. */
export class Attribute {
  readonly #resolve: Resolve
  readonly #qualifiers: readonly Qualifier[]
  readonly #isConditional: boolean

  private constructor(resolve: Resolve, qualifiers: readonly Qualifier[], isConditional: boolean) {
    this.#resolve = resolve
    this.#qualifiers = qualifiers
    this.#isConditional = isConditional
  }

  static of(base: Eval): Attribute {
    return new Attribute((frame, qualifiers) => applyQualifiers(frame, base(frame), qualifiers), [], false)
  }

  /** `?:` costs nothing itself; what is selected of it is selected of the branch taken. */
  static conditional(condition: Eval, ifTrue: Attribute, ifFalse: Attribute): Attribute {
    const resolve: Resolve = (frame, qualifiers) => {
      const value = condition(frame)
      if (value === true) return ifTrue.#resolveWith(frame, qualifiers)
      if (value === false) return ifFalse.#resolveWith(frame, qualifiers)
      return value instanceof CelError ? value : NO_SUCH_OVERLOAD
    }
    return new Attribute(resolve, [], true)
  }

  with(qualifier: Qualifier): Attribute {
    return new Attribute(this.#resolve, [...this.#qualifiers, qualifier], this.#isConditional)
  }

  #resolveWith(frame: Frame, more: readonly Qualifier[]): Value {
    return this.#resolve(frame, more.length ? [...this.#qualifiers, ...more] : this.#qualifiers)
  }

  /** Without the cost of the attribute itself. */
  resolve(frame: Frame): Value {
    return this.#resolve(frame, this.#qualifiers)
  }

  eval(frame: Frame): Value {
    const value = this.resolve(frame)
    const isTest = this.#qualifiers.at(-1)?.testOnly ?? false
    frame.charge((this.#isConditional ? 0 : 1) - (isTest ? 1 : 0))
    if (isTest && value instanceof Optional) return value.value !== undefined
    return value
  }
}

function applyQualifiers(frame: Frame, base: Value, qualifiers: readonly Qualifier[]): Value {
  if (base instanceof CelError || !qualifiers.length) return base
  let value: Value = base
  let isOptional = false
  if (value instanceof Optional) {
    if (value.value === undefined) return value
    isOptional = true
    value = value.value
  }
  for (const { key: given, optional, testOnly } of qualifiers) {
    isOptional ||= optional
    const key = typeof given === 'function' ? given(frame) : given
    const found = key instanceof CelError ? key : lookUp(value, key)
    if (found instanceof CelError) {
      frame.charge(isOptional ? 0 : 1)
      return found
    }
    if (testOnly) {
      frame.charge(1)
      if (!isOptional) return found !== undefined
      if (found === undefined) return NONE
      value = null
      continue
    }
    if (isOptional && found === undefined) return NONE
    frame.charge(1)
    if (found === undefined) return missing(value, key)
    value = found
  }
  return isOptional ? new Optional(value) : value
}

const missing = (value: Value, key: Value): CelError => new CelError(value instanceof ListValue ? `index out of bounds: ${show(key)}` : `no such key: ${show(key)}`)

/** The member, undefined if there is none, or an error where the key is of no use. */
function lookUp(value: Value, key: Value): Value | undefined {
  if (value instanceof MapValue) return value.find(key)
  if (!(value instanceof ListValue)) return undefined
  const index = indexOf(key)
  if (index instanceof CelError) return index
  return index >= 0 && index < value.size ? value.at(index) : undefined
}

function indexOf(key: Value): number | CelError {
  if (typeof key === 'bigint') return Number(key)
  if (key instanceof Uint) return Number(key.value)
  if (typeof key !== 'number') return new CelError(`unsupported index type '${typeOfValue(key).name}' in list`)
  return Number.isInteger(key) ? key : new CelError(`unsupported index value ${show(key)} in list`)
}
