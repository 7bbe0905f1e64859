/**
 * From a patched map to an object, as strategic merge patches do it: like decoding, but with other words for what does
 * not fit, unknown fields in order of their texts, and whole floats taken for integers.
 * Models FromUnstructuredWithValidation of k8s.io/apimachinery/pkg/runtime/converter.go.
 */
import { quote } from '../errors.ts'
import { canonicalBase64 } from './base64.ts'
import { assemble, decodeSpecial, dropsDecoded, type Decoded } from './decode.ts'
import { byBytes, goKindOf, goTypeOf } from './go-format.ts'
import { isRecord } from './json.ts'
import { pathText } from './json-reader.ts'
import { ParseError } from './parse-error.ts'
import { structPlan, type Plan, type StructPlan } from './type-plan.ts'

interface Conversion {
  readonly unknown: string[]
  readonly path: (string | number)[]
}

/** Throws ParseError. */
export function fromUnstructured(typeName: string, value: Record<string, unknown>): Decoded {
  const conversion: Conversion = { unknown: [], path: [] }
  const object = toStruct(structPlan(typeName), value, conversion)
  return { object, strictErrors: conversion.unknown.sort(byBytes) }
}

function toStruct(plan: StructPlan, value: unknown, conversion: Conversion): Record<string, unknown> {
  if (!isRecord(value)) throw new ParseError(`cannot restore struct from: ${goKindOf(value)}`)
  const values = new Array<unknown>(plan.fields.length)
  for (const field of plan.fields) {
    const member = value[field.name]
    if (member === undefined || member === null) {
      if (field.isEmbeddedStruct && field.plan.kind === 'struct') values[field.ordinal] = toStruct(field.plan, {}, conversion)
      continue
    }
    conversion.path.push(field.name)
    const converted = convert(field.plan, member, conversion)
    conversion.path.pop()
    if (!dropsDecoded(field, converted)) values[field.ordinal] = converted
  }
  for (const key of Object.keys(value)) if (!plan.byName.has(key)) conversion.unknown.push(`unknown field ${quote(pathText([...conversion.path, key]))}`)
  return assemble(plan, values)
}

function convert(plan: Plan, value: unknown, conversion: Conversion): unknown {
  switch (plan.kind) {
    case 'string':
      if (typeof value === 'string') return value
      throw new ParseError(typeof value === 'number' && Number.isInteger(value) ? `cannot convert ${goTypeOf(value)} to ${plan.goName}` : 'unrecognized type: string')
    case 'bool':
      if (typeof value === 'boolean') return value
      throw new ParseError('unrecognized type: bool')
    case 'int':
    case 'float':
      return toNumber(plan, value)
    case 'any':
      return value
    case 'bytes':
      return toBytes(value)
    case 'struct':
      return toStruct(plan, value, conversion)
    case 'list':
      return toList(plan.of, value, conversion)
    case 'map':
      return toMap(plan.of, value, conversion)
    case 'special':
      return decodeSpecial(plan, value, { holder: [], key: 0 })
  }
}

function toNumber(plan: Plan, value: unknown): number {
  if (typeof value !== 'number') throw new ParseError(`unrecognized type: ${plan.goName}`)
  if (plan.kind !== 'int') return value
  if (!Number.isInteger(value)) throw new ParseError(`cannot convert float64 to ${plan.goName}`)
  // Go converts without looking: what does not fit wraps around.
  return plan.max === 2 ** 31 - 1 ? value | 0 : value
}

function toBytes(value: unknown): string {
  if (typeof value !== 'string') throw new ParseError(`cannot restore slice from ${goKindOf(value)}`)
  try {
    return canonicalBase64(value)
  } catch (error) {
    throw error instanceof ParseError ? new ParseError(`error decoding from json: ${error.message}`) : error
  }
}

function toList(of: Plan, value: unknown, conversion: Conversion): unknown[] {
  if (!Array.isArray(value)) throw new ParseError(`cannot restore slice from ${goKindOf(value)}`)
  return value.map((item: unknown, i) => {
    conversion.path.push(i)
    const converted = item === null ? zero(of, conversion) : (convert(of, item, conversion) ?? zero(of, conversion))
    conversion.path.pop()
    return converted
  })
}

/** The keys of maps are no part of the places that unknown fields are reported at. */
function toMap(of: Plan, value: unknown, conversion: Conversion): Record<string, unknown> {
  if (!isRecord(value)) throw new ParseError(`cannot restore map from ${goKindOf(value)}`)
  const entries = Object.keys(value).map((key): [string, unknown] => [key, value[key] === null ? zero(of, conversion) : (convert(of, value[key], conversion) ?? zero(of, conversion))])
  return Object.fromEntries(entries)
}

function zero(of: Plan, conversion: Conversion): unknown {
  if (of.kind === 'struct') return toStruct(of, {}, conversion)
  if (of.kind === 'string' || of.kind === 'bytes') return ''
  if (of.kind === 'bool') return false
  if (of.kind === 'int' || of.kind === 'float') return 0
  return of.kind === 'special' && of.special === 'Quantity' ? '0' : null
}
