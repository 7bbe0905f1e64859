/**
 * The types with a JSON form of their own. What does not fit them ends the decode at once, in the words of their
 * UnmarshalJSON methods.
 */
import type { SpecialScalar } from '../../schemas/field-type.ts'
import { jsonKind, TypeMismatch } from './decode-context.ts'
import { formatDuration, parseDuration } from './go-duration.ts'
import { canonicalMicroTime, canonicalTime } from './go-time.ts'
import { canonicalQuantity } from './quantity.ts'

/** A value in its canonical form; undefined for the zero value. `literal` is the text of a number. */
export type DecodeSpecial = (value: unknown, literal: () => string) => unknown

const asString = (value: unknown): string => {
  if (typeof value === 'string') return value
  throw new TypeMismatch(jsonKind(value), 'string')
}

const asIs: DecodeSpecial = (value) => value

/** JSON schemas inside of JSON schemas are decoded in decode.ts. */
export const specialDecoders: Readonly<Record<Exclude<SpecialScalar, `JSONSchemaProps${string}`>, DecodeSpecial>> = {
  Time: (value) => canonicalTime(asString(value)) ?? undefined,
  MicroTime: (value) => canonicalMicroTime(asString(value)) ?? undefined,
  Duration: (value) => formatDuration(parseDuration(asString(value))),
  Quantity: (value, literal) => canonicalQuantity(typeof value === 'string' ? value.trim() : typeof value === 'number' ? literal() : String(JSON.stringify(value))),
  IntOrString: (value, literal) => {
    if (typeof value === 'string') return value
    if (typeof value !== 'number') throw new TypeMismatch(jsonKind(value), 'int32')
    if (!/^-?\d+$/.test(literal()) || value !== (value | 0)) throw new TypeMismatch(`number ${literal()}`, 'int32')
    return value
  },
  RawExtension: asIs,
  FieldsV1: asIs,
  JSON: asIs,
}
