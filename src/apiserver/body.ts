/**
 * From the body of a request to an object: parse, find the kind, decode by its schema, report what is unknown. Models
 * k8s.io/apimachinery/pkg/runtime/serializer/json and handlers/rest.go (transformDecodeError).
 */
import { mergeStrictErrors } from '../apimachinery/decode.ts'
import { parseJSON, parseYAML } from '../apimachinery/parse.ts'
import { isRecord } from '../apimachinery/json.ts'
import { badRequest, goJSON, quote } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import { apiVersionOf, parseApiVersion, type ObjectCodec, type Scheme } from '../registry/scheme.ts'
import { expectedFor } from './meta-kinds.ts'
import { negotiateInput, type Encoding } from './negotiate.ts'
import { decodeProtobuf } from './protobuf.ts'
import { typeNameFor } from '../../schemas/facts.ts'

/** The kind a body is expected to have, and how it is decoded. */
export interface Expected {
  group: string
  version: string
  kind: string
  codec: ObjectCodec
  /** Other versions (`policy/v1beta1`) whose bodies will do as well. */
  accepts?: readonly string[] | undefined
}

/** Where upstream builds its scheme, which is part of its error texts. */
const SCHEME = 'in scheme "pkg/runtime/scheme.go:111"'
/** Versions that are served no more but still known, so that a body of theirs is refused for its version only. */
const KNOWN_VERSIONS: Readonly<Record<string, readonly string[]>> = {
  'admissionregistration.k8s.io': ['v1beta1', 'v1alpha1'],
  'apiextensions.k8s.io': ['v1beta1'],
  'apiregistration.k8s.io': ['v1beta1'],
  apps: ['v1beta2', 'v1beta1'],
  'authentication.k8s.io': ['v1beta1', 'v1alpha1'],
  'authorization.k8s.io': ['v1beta1'],
  batch: ['v1beta1'],
  'certificates.k8s.io': ['v1beta1', 'v1alpha1'],
  'coordination.k8s.io': ['v1beta1', 'v1alpha2'],
  'discovery.k8s.io': ['v1beta1'],
  'events.k8s.io': ['v1beta1'],
  extensions: ['v1beta1'],
  'flowcontrol.apiserver.k8s.io': ['v1beta3', 'v1beta2', 'v1beta1'],
  'networking.k8s.io': ['v1beta1'],
  'node.k8s.io': ['v1beta1', 'v1alpha1'],
  policy: ['v1beta1'],
  'rbac.authorization.k8s.io': ['v1beta1', 'v1alpha1'],
  'resource.k8s.io': ['v1beta2', 'v1beta1', 'v1alpha3'],
  'scheduling.k8s.io': ['v1beta1', 'v1alpha2', 'v1alpha1'],
  'storage.k8s.io': ['v1beta1', 'v1alpha1'],
}

type Body = { body: Buffer; headers: Readonly<Record<string, string | undefined>> }

/** How an error says what it is about. */
interface Words {
  cannot(why: string): Error
  unrecognized(why: string): Error
}

/** @throws StatusError 400 in the words of upstream's decoders, 415 */
export function decodeBody(scheme: Scheme, expected: Expected, { body, headers }: Body, ctx: RequestContext): KubeObject {
  const encoding = negotiateInput(headers['content-type'])
  const strict = ctx.fieldValidation !== 'Ignore'
  const parsed = parseBody(body, encoding, expected, { strict, unrecognized: (why) => unrecognizedAs(expected, why, body) })
  const type = typeOf(parsed.value, expected, (why) => unrecognizedAs(expected, why, body))
  const cannot = (why: string) => badRequest(`${type.kind} in version ${quote(type.version)} cannot be handled as a ${expected.kind}: ${why}`)
  if (expected.codec.typeName === undefined) checkCustomType(parsed.value, expected, body)
  else if (type.kind !== expected.kind || type.group !== expected.group || type.version !== expected.version) {
    if (type.kind !== expected.kind || !expected.accepts?.includes(apiVersionOf(type))) checkType(scheme, { type, expected, value: parsed.value }, cannot)
  }
  return decodeValue(expected, parsed, ctx, cannot)
}

/**
 * Options that are sent as a body (DeleteOptions): of any group, known or not, since clients name that of the object;
 * read leniently, refused without saying what they are.
 * @throws StatusError 400, 415
 */
export function decodeOptions(kind: string, { body, headers }: Body, ctx: RequestContext): KubeObject {
  const expected = expectedFor({ group: '', version: 'v1', kind })
  const encoding = negotiateInput(headers['content-type'])
  const parsed = parseBody(body, encoding, expected, { strict: false, unrecognized: badRequest })
  const type = typeOf(parsed.value, expected, badRequest)
  const isNamed = isRecord(parsed.value) && Boolean(parsed.value.apiVersion)
  if (type.kind !== kind) throw badRequest(notRegistered(isNamed ? type : { ...type, group: 'meta.k8s.io' }))
  return decodeValue(expected, { ...parsed, duplicates: [] }, ctx, badRequest)
}

interface ParsedBody {
  value: unknown
  duplicates: string[]
  /** What it was read from, where that was JSON. */
  json?: Buffer
}

function decodeValue(expected: Expected, parsed: ParsedBody, ctx: RequestContext, cannot: Words['cannot']): KubeObject {
  let decoded: ReturnType<ObjectCodec['decode']>
  try {
    decoded = expected.codec.decode(parsed.value)
  } catch (error) {
    throw cannot(error instanceof Error ? error.message : String(error))
  }
  const isTyped = expected.codec.typeName !== undefined
  const strictErrors = isTyped && parsed.json && parsed.duplicates.length > 0 ? mergeStrictErrors(parsed.duplicates, decoded.strictErrors, parsed.json.toString()) : [...parsed.duplicates, ...decoded.strictErrors]
  if (strictErrors.length > 0) reportStrictErrors(strictErrors, ctx, cannot)
  decoded.object.metadata ??= {}
  return decoded.object
}

/** Unknown and duplicate fields are refused, warned of or dropped in silence, as the request says. */
export function reportStrictErrors(errors: readonly string[], ctx: RequestContext, cannot: (why: string) => Error): void {
  if (errors.length === 0) return
  if (ctx.fieldValidation === 'Strict') throw cannot(`strict decoding error: ${errors.join(', ')}`)
  if (ctx.fieldValidation === 'Warn') for (const error of errors) for (const text of warningsOf(error)) ctx.warn(text)
}

const YAML_ERRORS = /^(?:error converting YAML to JSON: )?yaml: unmarshal errors:\n/

/** Errors of YAML come several in one. */
function warningsOf(error: string): string[] {
  const list = error.replace(YAML_ERRORS, '')
  return list === error ? [error] : list.split('\n').map((line) => line.trim())
}

function parseBody(bytes: Buffer, encoding: Encoding, expected: Expected, { strict, unrecognized }: { strict: boolean; unrecognized: Words['unrecognized'] }): ParsedBody {
  try {
    if (encoding === 'protobuf') return { value: decodeProtobuf(bytes, { kind: expected.kind, apiVersion: apiVersionOf(expected) }), duplicates: [] }
    return encoding === 'yaml' ? parseYAML(bytes, { strict }) : { ...parseJSON(bytes, { strict }), json: bytes }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw unrecognized(encoding === 'json' ? `${NO_TYPE}${why}` : why)
  }
}

const NO_TYPE = "couldn't get version/kind; json parse error: "

function unrecognizedAs(expected: { kind: string }, why: string, bytes: Buffer): Error {
  return badRequest(`the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summary(bytes)})`)
}

const SUMMARY_BYTES = 30

/** The beginning of a body as an error quotes it: text where it looks like JSON, else hexadecimal. */
function summary(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>'
  const head = bytes.subarray(0, SUMMARY_BYTES).toString(bytes[0] === 0x7b ? 'utf8' : 'hex')
  return bytes.length > SUMMARY_BYTES ? `${head} ...` : head
}

interface TypeMeta {
  group: string
  version: string
  kind: string
}

function typeOf(value: unknown, expected: Expected, unrecognized: Words['unrecognized']): TypeMeta {
  if (!isRecord(value)) {
    if (value === null) return expected
    throw unrecognized(`${NO_TYPE}json: cannot unmarshal ${jsonTypeOf(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`)
  }
  const { apiVersion, kind } = value
  for (const [name, member] of [['apiVersion', apiVersion], ['kind', kind]] as const) {
    if (member !== undefined && member !== null && typeof member !== 'string') throw unrecognized(`${NO_TYPE}json: cannot unmarshal ${jsonTypeOf(member)} into Go struct field .${name} of type string`)
  }
  const text = typeof apiVersion === 'string' ? apiVersion : ''
  if (text.split('/').length > 2) throw unrecognized(`unexpected GroupVersion string: ${text}`)
  const gv = text && text !== '/' ? parseApiVersion(text) : expected
  return { group: gv.group, version: gv.version || (gv.group === expected.group ? expected.version : ''), kind: typeof kind === 'string' && kind ? kind : expected.kind }
}

export function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

/** A body of another type than the path's is refused, in words that depend on whether that type is known. */
function checkType(scheme: Scheme, { type, expected, value }: { type: TypeMeta; expected: Expected; value: unknown }, cannot: Words['cannot']): void {
  if (!type.version) throw cannot(`Object 'apiVersion' is missing in '${goJSON(value)}'`)
  if (!scheme.byKind(type) && !isBuiltIn(type)) {
    const isKnown = type.kind === expected.kind && KNOWN_VERSIONS[type.group]?.includes(type.version)
    if (!isKnown) throw cannot(notRegistered(type))
  } else if (type.kind !== expected.kind) {
    throw cannot(`converting (${type.version}.${type.kind}) to (${internalGroup(expected)}.${expected.kind}): unknown conversion`)
  }
  throw badRequest(`the API version in the data (${apiVersionOf(type)}) does not match the expected API version (${apiVersionOf(expected)})`)
}

/**
 * Which kind a patched object says it is: the expected one, the same in another version, or undefined where its version was
 * taken away, for which upstream finds no form that knows its fields.
 */
export function patchedType(scheme: Scheme, expected: Expected, value: unknown, cannot: Words['cannot']): Expected | undefined {
  const type = typeOf(value, expected, cannot)
  if (isRecord(value) && !value.apiVersion) return undefined
  if (type.kind === expected.kind && type.group === expected.group && type.version === expected.version) return expected
  const other = scheme.byKind(type)
  if (!other && !isBuiltIn(type)) throw cannot(notRegistered(type))
  if (!other || type.kind !== expected.kind) throw cannot(`converting (${type.version}.${type.kind}) to (${internalGroup(expected)}.${expected.kind}): unknown conversion`)
  return other
}

/** Custom resources must say themselves what they are; their kind is judged with the rest of the object. */
function checkCustomType(value: unknown, expected: Expected, body: Buffer): void {
  const { apiVersion, kind } = isRecord(value) ? value : {}
  if (!kind) throw unrecognizedAs(expected, `Object 'Kind' is missing in '${body.toString()}'`, body)
  const wanted = apiVersionOf(expected)
  const given = typeof apiVersion === 'string' ? apiVersion : ''
  if (given !== wanted) throw badRequest(`the API version in the data (${given}) does not match the expected API version (${wanted})`)
}

/** Kinds that are served nowhere are known too: lists, options, scales. */
const isBuiltIn = ({ group, version, kind }: TypeMeta): boolean => typeNameFor(group, version, kind) !== undefined || (kind.endsWith('List') && typeNameFor(group, version, kind.slice(0, -'List'.length)) !== undefined)

function notRegistered(type: TypeMeta): string {
  return `no kind ${quote(type.kind)} is registered for version ${quote(apiVersionOf(type))} ${SCHEME}`
}

/** The package of upstream's internal types of a group. */
export function internalGroup({ group }: { group: string }): string {
  return group.split('.')[0] || 'core'
}
