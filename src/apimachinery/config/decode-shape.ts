/** Reads a value of a configuration file by a shape, with upstream's errors for what does not fit. Models sigs.k8s.io/json, as strict as the components are. */
import { decodeObject } from '../decode.ts'
import { jsonKind, typeMismatch, unknownField, type DecodeContext } from '../decode-context.ts'
import { parseDuration } from '../go-duration.ts'
import { isRecord } from '../json.ts'
import { ParseError } from '../parse-error.ts'
import type { Shape, StructShape } from './shape.ts'

const RANGES: Readonly<Record<string, number>> = { int32: 2 ** 31, int64: 2 ** 63 }

export function decodeStruct(shape: StructShape, json: unknown, ctx: DecodeContext): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  if (!isRecord(json)) {
    typeMismatch(ctx, jsonKind(json), goNameOf(shape))
    return object
  }
  const { struct } = ctx
  for (const [key, value] of Object.entries(json)) {
    const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined
    if (!field) {
      unknownField(ctx, key)
      continue
    }
    if (value === null) continue
    ctx.struct = shape.struct
    ctx.names.push(key)
    ctx.path.push(key)
    object[key] = decodeValue(field, value, ctx)
    ctx.path.pop()
    ctx.names.pop()
    ctx.struct = struct
  }
  return object
}

function decodeValue(shape: Shape, json: unknown, ctx: DecodeContext): unknown {
  if (typeof shape === 'string') return decodeScalar(shape, json, ctx)
  if ('struct' in shape) return decodeStruct(shape, json, ctx)
  if ('api' in shape) return decodeAPI(shape.api, json, ctx)
  if (!Array.isArray(json)) return mismatch(ctx, json, goNameOf(shape))
  return json.map((item, i) => {
    ctx.path.push(i)
    const value = decodeValue(shape.list, item, ctx)
    ctx.path.pop()
    return value
  })
}

function decodeScalar(shape: string, json: unknown, ctx: DecodeContext): unknown {
  if (shape === 'raw') return json
  if (shape === 'bool') return typeof json === 'boolean' ? json : mismatch(ctx, json, 'bool')
  if (shape === 'string' || shape === 'bytes') return typeof json === 'string' ? json : mismatch(ctx, json, shape === 'bytes' ? '[]uint8' : 'string')
  if (shape === 'duration') {
    if (typeof json !== 'string') return mismatch(ctx, json, 'string')
    parseDuration(json)
    return json
  }
  if (typeof json !== 'number') return mismatch(ctx, json, shape)
  const range = RANGES[shape]
  if (range !== undefined && (!Number.isInteger(json) || json >= range || json < -range)) typeMismatch(ctx, `number ${json}`, shape)
  return json
}

function decodeAPI(typeName: string, json: unknown, ctx: DecodeContext): unknown {
  const { object, strictErrors } = decodeObject(typeName, json)
  const place = ctx.path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('')
  for (const text of strictErrors) ctx.strictErrors.push(text.replace('unknown field "', `unknown field "${place}.`))
  return object
}

function mismatch(ctx: DecodeContext, json: unknown, goType: string): undefined {
  typeMismatch(ctx, jsonKind(json), goType)
  return undefined
}

function goNameOf(shape: Shape): string {
  if (typeof shape === 'string') return shape
  if ('list' in shape) return `[]${goNameOf(shape.list)}`
  return 'api' in shape ? shape.api.replace(/^.*\.(v1\.\w+)$/, '$1') : `v1.${shape.struct}`
}

/** Throws ParseError when a value had the wrong type. */
export function refuseMismatch({ firstError }: DecodeContext): void {
  if (firstError !== undefined) throw new ParseError(firstError)
}
