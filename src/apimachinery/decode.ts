/**
 * From JSON that a client sent to the object a Go server would hold: members that the type does not have are left out
 * and reported, types are checked, nulls and zero values that Go would not write are dropped, quantities, times and
 * bytes are put into canonical form, members stand in Go's order. Models sigs.k8s.io/json over the facts of a type.
 */
import { canonicalBase64 } from './base64.ts'
import { decodeContext, jsonKind, TypeMismatch, typeMismatch, unknownField, withPlace, type DecodeContext } from './decode-context.ts'
import { specialDecoders } from './decode-special.ts'
import { isRecord } from './json.ts'
import { memberPositions } from './json-reader.ts'
import { numberText } from './number-literals.ts'
import { ParseError } from './parse-error.ts'
import { structPlan, type FieldPlan, type Plan, type StructPlan } from './type-plan.ts'

export interface Decoded {
  object: Record<string, unknown>
  /** `unknown field "spec.foo[0].bar"`, in the order of the document. */
  strictErrors: string[]
}

/**
 * Structs that Go always writes are there; what else Go writes for want of a value is left to normalize.
 * @param typeName the type's OpenAPI name
 * @throws ParseError in Go's words
 */
export function decodeObject(typeName: string, json: unknown): Decoded {
  const ctx = decodeContext(true)
  const plan = structPlan(typeName)
  try {
    const object = decodeStruct(plan, json ?? {}, ctx)
    if (ctx.firstError !== undefined) throw new ParseError(ctx.firstError)
    return { object: object ?? {}, strictErrors: ctx.strictErrors }
  } catch (error) {
    throw withPlace(error, ctx)
  }
}

const DUPLICATE = 'duplicate field '
const UNKNOWN = 'unknown field '

/**
 * Both kinds of strict errors in one list; what repeats inside of an unknown field is not told.
 * @param json the document they are about, whose order they have then; without it those that repeat come first
 */
export function mergeStrictErrors(duplicates: readonly string[], unknown: readonly string[], json?: string): string[] {
  if (duplicates.length === 0 || unknown.length === 0) return [...duplicates, ...unknown]
  const inside = unknown.map((text) => text.slice(UNKNOWN.length, -1))
  const isInside = (text: string): boolean => inside.some((path) => text.startsWith(DUPLICATE + path) && '".['.includes(text.charAt((DUPLICATE + path).length)))
  const all = [...duplicates.filter((text) => !isInside(text)), ...unknown]
  if (json === undefined) return all
  const positions = memberPositions(json)
  const position = (text: string): number => {
    const isDuplicate = text.startsWith(DUPLICATE)
    const found = positions.get(text.slice((isDuplicate ? DUPLICATE : UNKNOWN).length + 1, -1))
    return (isDuplicate ? found?.second : found?.first) ?? Infinity
  }
  return all.sort((x, y) => (position(x) <= position(y) ? -1 : 1))
}

function decodeStruct(plan: StructPlan, json: unknown, ctx: DecodeContext): Record<string, unknown> | undefined {
  if (!isRecord(json)) {
    typeMismatch(ctx, jsonKind(json), plan.goName)
    return undefined
  }
  const values = new Array<unknown>(plan.fields.length)
  const { struct } = ctx
  for (const key in json) {
    const field = plan.byName.get(key)
    if (field === undefined) {
      unknownField(ctx, key)
      continue
    }
    const value = json[key]
    if (value === null || value === undefined) {
      if (field.plan.kind === 'special' && !field.facts.pointer) values[field.ordinal] = decodeNull(field.plan)
      continue
    }
    ctx.struct = plan.structName
    ctx.names.push(field.inlinePrefix + key)
    ctx.path.push(key)
    values[field.ordinal] = keep(field, decodeValue(field.plan, value, ctx, { holder: json, key }))
    ctx.path.pop()
    ctx.names.pop()
    ctx.struct = struct
  }
  for (const field of plan.always) {
    if (field.isEmbeddedStruct && field.plan.kind === 'struct') values[field.ordinal] ??= decodeStruct(field.plan, {}, ctx)
  }
  return assemble(plan, values)
}

/** A field of a type with its own JSON form is given the null; only a duration minds. */
function decodeNull(plan: Plan): unknown {
  if (plan.kind === 'special' && plan.special === 'Duration') throw new ParseError('time: invalid duration ""')
  return undefined
}

export function assemble(plan: StructPlan, values: readonly unknown[]): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  const { fields } = plan
  for (let i = 0; i < fields.length; i++) {
    const value = values[i]
    const field = fields[i]
    if (value !== undefined && field !== undefined) object[field.name] = value
  }
  return object
}

function keep(field: FieldPlan, value: unknown): unknown {
  return dropsDecoded(field, value) ? undefined : value
}

/** Whether decoding leaves a value out, since Go would not write it. */
export function dropsDecoded(field: FieldPlan, value: unknown): boolean {
  return field.dropsZero && isZero(field.plan, value) && !(field.keepsEmpty && value !== undefined)
}

/** Whether this is the value that Go's omitempty, or omitzero for a struct, leaves out. */
export function isZero(plan: Plan, value: unknown): boolean {
  if (value === '' || value === 0 || value === false || value === undefined || value === null) return plan.kind !== 'any'
  if (typeof value !== 'object' || plan.kind === 'any') return false
  if (Array.isArray(value)) return value.length === 0
  if (plan.kind === 'special') return false
  for (const key in value) {
    if (plan.kind !== 'struct') return false
    const field = plan.byName.get(key)
    const member = (value as Record<string, unknown>)[key]
    if (field && (field.facts.pointer ? member !== null && member !== undefined : !isZero(field.plan, member))) return false
  }
  return true
}

interface Place {
  holder: object
  key: string | number
}

function decodeValue(plan: Plan, json: unknown, ctx: DecodeContext, place: Place): unknown {
  switch (plan.kind) {
    case 'string':
      if (typeof json === 'string') return json
      break
    case 'bool':
      if (typeof json === 'boolean') return json
      break
    case 'int':
      if (typeof json === 'number') return decodeInt(plan, json, ctx, place)
      break
    case 'float':
      if (typeof json === 'number') return json
      break
    case 'any':
      return json
    case 'struct':
      return decodeStruct(plan, json, ctx)
    case 'list':
      if (Array.isArray(json)) return decodeList(plan.of, json, ctx)
      break
    case 'map':
      if (isRecord(json)) return decodeMap(plan.of, json, ctx)
      break
    case 'bytes':
      if (typeof json === 'string') return decodeBytes(json, ctx)
      if (Array.isArray(json)) return decodeByteList(json, ctx)
      break
    case 'special':
      return decodeSpecial(plan, json, place)
  }
  typeMismatch(ctx, jsonKind(json), plan.goName)
  return undefined
}

function decodeInt(plan: Plan & { kind: 'int' }, json: number, ctx: DecodeContext, { holder, key }: Place): number | undefined {
  const isExact = Number.isSafeInteger(json) && json >= plan.min && json <= plan.max
  const text = numberText(json, holder, key)
  if (/^-?\d+$/.test(text) && (isExact || fits(text, plan))) return json
  typeMismatch(ctx, `number ${text}`, plan.goName)
  return undefined
}

/** Integers past what a double holds exactly. */
function fits(text: string, { min, max }: { min: number; max: number }): boolean {
  const value = BigInt(text)
  return value >= BigInt(min) && value <= (max > Number.MAX_SAFE_INTEGER ? BigInt(max) - 1n : BigInt(max))
}

function decodeList(of: Plan, json: readonly unknown[], ctx: DecodeContext): unknown[] {
  const list = new Array<unknown>(json.length)
  for (let i = 0; i < json.length; i++) {
    ctx.path.push(i)
    const item = json[i]
    list[i] = (item === null ? undefined : decodeValue(of, item, ctx, { holder: json, key: i })) ?? zeroElement(of, ctx)
    ctx.path.pop()
  }
  return list
}

function decodeMap(of: Plan, json: Record<string, unknown>, ctx: DecodeContext): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  for (const key in json) {
    ctx.path.push(key)
    const item = json[key]
    const value = (item === null ? undefined : decodeValue(of, item, ctx, { holder: json, key })) ?? zeroElement(of, ctx)
    if (key === '__proto__') Object.defineProperty(map, key, { value, enumerable: true, writable: true, configurable: true })
    else map[key] = value
    ctx.path.pop()
  }
  return map
}

/** What an element that is null, or did not fit, becomes. */
function zeroElement(of: Plan, ctx: DecodeContext): unknown {
  switch (of.kind) {
    case 'struct':
      return decodeStruct(of, {}, ctx)
    case 'string':
    case 'bytes':
      return ''
    case 'bool':
      return false
    case 'int':
    case 'float':
      return 0
    case 'special':
      return of.special === 'Quantity' ? '0' : of.special === 'IntOrString' ? 0 : null
    default:
      return null
  }
}

function decodeBytes(text: string, ctx: DecodeContext): string | undefined {
  try {
    return canonicalBase64(text)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    ctx.firstError ??= error.message
    return undefined
  }
}

/** Go takes a list of numbers for bytes too. */
function decodeByteList(json: readonly unknown[], ctx: DecodeContext): string {
  const plan: Plan & { kind: 'int' } = { kind: 'int', goName: 'uint8', min: 0, max: 255 }
  const bytes = decodeList(plan, json, ctx)
  return Buffer.from(bytes.map(Number)).toString('base64')
}

export function decodeSpecial(plan: Plan & { kind: 'special' }, json: unknown, { holder, key }: Place): unknown {
  switch (plan.special) {
    case 'JSONSchemaPropsOrBool':
      if (typeof json === 'boolean') return json
      if (isRecord(json)) return decodeSchema(json)
      throw new ParseError('boolean or JSON schema expected')
    case 'JSONSchemaPropsOrArray':
      return isRecord(json) ? decodeSchema(json) : Array.isArray(json) && json.length ? decodeSchemas(json) : undefined
    case 'JSONSchemaPropsOrStringArray':
      return isRecord(json) ? decodeSchema(json) : Array.isArray(json) ? decodeStrings(json) : undefined
    default:
      return specialDecoders[plan.special](json, () => (typeof json === 'number' ? numberText(json, holder, key) : ''))
  }
}

const SCHEMA_TYPE = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps'

/** Decodes apart from its surroundings: errors count from here, and unknown fields go unnoticed. */
function apart<T>(decode: (ctx: DecodeContext) => T): T {
  const ctx = decodeContext(false)
  const value = within(ctx, () => decode(ctx))
  if (ctx.firstMismatch) throw ctx.firstMismatch
  if (ctx.firstError !== undefined) throw new ParseError(ctx.firstError)
  return value
}

/** A mismatch in what is decoded apart within has its place counted from here. */
function within<T>(ctx: DecodeContext, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw error instanceof TypeMismatch ? new TypeMismatch(error.found, error.goType, [...ctx.names, ...error.names]) : error
  }
}

const decodeSchema = (json: unknown): unknown => apart((ctx) => decodeStruct(structPlan(SCHEMA_TYPE), json, ctx))
const decodeSchemas = (json: readonly unknown[]): unknown => apart((ctx) => decodeList(structPlan(SCHEMA_TYPE), json, ctx))
const decodeStrings = (json: readonly unknown[]): unknown => apart((ctx) => decodeList({ kind: 'string', goName: 'string' }, json, ctx))
