/**
 * From the body of a request to an object: parse, find the kind, decode by its schema, report what is unknown. Models
 * k8s.io/apimachinery/pkg/runtime/serializer/json and handlers/rest.go (transformDecodeError).
 */
import { parseJSON, parseYAML } from '../apimachinery/parse.ts'
import { decodeProtobuf } from './protobuf.ts'
import { isRecord } from '../apimachinery/json.ts'
import { badRequest, quote } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import { apiVersionOf, parseApiVersion, type ObjectCodec, type Scheme } from '../registry/scheme.ts'
import { negotiateInput, type Encoding } from './negotiate.ts'

/** The kind a body is expected to have, and how it is decoded. */
export interface Expected {
  group: string
  version: string
  kind: string
  codec: ObjectCodec
}

/** Where upstream builds its scheme, which is part of its error texts. */
const SCHEME = 'in scheme "pkg/runtime/scheme.go:111"'

/** @throws StatusError 400 in the words of upstream's decoders, 415 */
export function decodeBody(scheme: Scheme, expected: Expected, request: { body: Buffer; headers: Readonly<Record<string, string | undefined>> }, ctx: RequestContext): KubeObject {
  const encoding = negotiateInput(request.headers['content-type'])
  return decodeBytes(scheme, expected, { bytes: request.body, encoding }, ctx)
}

export function decodeBytes(scheme: Scheme, expected: Expected, { bytes, encoding }: { bytes: Buffer; encoding: Encoding }, ctx: RequestContext): KubeObject {
  const strict = ctx.fieldValidation !== 'Ignore'
  const parsed = parseBody(bytes, encoding, { strict, expected })
  const type = typeOf(parsed.value, expected, bytes)
  const cannot = (why: string) => badRequest(`${type.kind} in version ${quote(type.version)} cannot be handled as a ${expected.kind}: ${why}`)
  if (type.kind !== expected.kind || type.group !== expected.group || type.version !== expected.version) checkType(scheme, type, expected, cannot)
  return decodeValue(expected, parsed, ctx, cannot)
}

function decodeValue(expected: Expected, parsed: { value: unknown; duplicates: string[] }, ctx: RequestContext, cannot: (why: string) => Error): KubeObject {
  let decoded: ReturnType<ObjectCodec['decode']>
  try {
    decoded = expected.codec.decode(parsed.value)
  } catch (error) {
    throw cannot(error instanceof Error ? error.message : String(error))
  }
  const strictErrors = [...parsed.duplicates, ...decoded.strictErrors]
  if (strictErrors.length > 0) reportStrictErrors(strictErrors, ctx, cannot)
  decoded.object.metadata ??= {}
  return decoded.object
}

/** Unknown and duplicate fields are refused, warned of or dropped in silence, as the request says. */
export function reportStrictErrors(errors: readonly string[], ctx: RequestContext, cannot: (why: string) => Error): void {
  if (ctx.fieldValidation === 'Strict') throw cannot(`strict decoding error: ${errors.join(', ')}`)
  if (ctx.fieldValidation === 'Warn') for (const text of errors) ctx.warn(text)
}

function parseBody(bytes: Buffer, encoding: Encoding, { strict, expected }: { strict: boolean; expected: Expected }): { value: unknown; duplicates: string[] } {
  try {
    if (encoding === 'protobuf') return { value: decodeProtobuf(bytes, { kind: expected.kind, apiVersion: apiVersionOf(expected) }), duplicates: [] }
    return encoding === 'yaml' ? parseYAML(bytes, { strict }) : parseJSON(bytes, { strict })
  } catch (error) {
    throw unrecognized(expected, error instanceof Error ? error.message : String(error), bytes, encoding)
  }
}

function unrecognized(expected: { kind: string }, why: string, bytes: Buffer, encoding: Encoding) {
  const prefix = encoding === 'json' ? "couldn't get version/kind; json parse error: " : ''
  return badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${prefix}${why} (${summary(bytes)})`)
}

const SUMMARY_BYTES = 30

/** The beginning of a body as an error quotes it: text, or hexadecimal when it is not. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>'
  const text = bytes.toString()
  const isText = !text.includes('\ufffd') && !/[\u0000-\u0008\u000e-\u001f]/.test(text)
  const head = isText ? bytes.subarray(0, SUMMARY_BYTES).toString() : bytes.subarray(0, SUMMARY_BYTES).toString('hex')
  return bytes.length > SUMMARY_BYTES ? `${head} ...` : head
}

interface TypeMeta {
  group: string
  version: string
  kind: string
}

function typeOf(value: unknown, expected: Expected, bytes: Buffer): TypeMeta {
  if (!isRecord(value)) {
    if (value === null) return expected
    throw unrecognized(expected, `json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`, bytes, 'json')
  }
  const { apiVersion, kind } = value
  for (const [name, member] of [['apiVersion', apiVersion], ['kind', kind]] as const) {
    if (member !== undefined && member !== null && typeof member !== 'string') throw unrecognized(expected, `json: cannot unmarshal ${jsonTypeOf(member)} into Go struct field .${name} of type string`, bytes, 'json')
  }
  const gv = typeof apiVersion === 'string' && apiVersion ? parseApiVersion(apiVersion) : expected
  return { group: gv.group, version: gv.version, kind: typeof kind === 'string' && kind ? kind : expected.kind }
}

export function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** A body of another type than the path's is refused, in words that depend on whether that type is known. */
function checkType(scheme: Scheme, type: TypeMeta, expected: Expected, cannot: (why: string) => Error): void {
  const apiVersion = type.group ? `${type.group}/${type.version}` : type.version
  const known = scheme.byKind(type)
  if (!known) {
    if (scheme.hasVersion(type) || type.kind !== expected.kind) throw cannot(`no kind ${quote(type.kind)} is registered for version ${quote(apiVersion)} ${SCHEME}`)
  } else if (type.kind !== expected.kind) {
    throw cannot(`converting (${type.version}.${type.kind}) to (${internalGroup(expected)}.${expected.kind}): unknown conversion`)
  }
  const wanted = expected.group ? `${expected.group}/${expected.version}` : expected.version
  throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${wanted})`)
}

function internalGroup({ group }: { group: string }): string {
  return group.split('.')[0] || 'core'
}
