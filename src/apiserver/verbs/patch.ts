/** PATCH in its four forms. Models k8s.io/apiserver/pkg/endpoints/handlers/patch.go. */
import { jsonKind } from '../../apimachinery/decode-context.ts'
import { applyJSONPatch, decodeJSONPatch, MAX_JSON_PATCH_OPERATIONS } from '../../apimachinery/json-patch.ts'
import { byBytes, goFormat } from '../../apimachinery/go-format.ts'
import { equalJSON, isRecord } from '../../apimachinery/json.ts'
import { applyMergePatch } from '../../apimachinery/merge-patch.ts'
import { ConversionError, ParseError } from '../../apimachinery/parse-error.ts'
import { parseJSON, parseYAML } from '../../apimachinery/parse.ts'
import { StrategicMergeError } from '../../apimachinery/strategic-merge-error.ts'
import { strategicMerge } from '../../apimachinery/strategic-merge.ts'
import { badRequest, field, goJSON, invalid, notFound, quote, StatusError, tooLarge } from '../../errors.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import { apiVersionOf, fromStorage, parseApiVersion, toStorage, type Scheme, type ServedKind } from '../../registry/scheme.ts'
import type { Api } from '../api.ts'
import { patchedType, reportStrictErrors, type Expected } from '../body.ts'
import { applyObject } from '../field-manager.ts'
import type { PatchMediaType } from '../negotiate.ts'
import { writeObject, type Target, type Written } from './update.ts'

export interface Patch {
  type: PatchMediaType
  bytes: Buffer
  /** Server-side apply: take fields over from other managers. */
  force: boolean
}

/** @throws StatusError */
export function patchObject(api: Api, target: Target, patch: Patch, ctx: RequestContext): Promise<Written> {
  const { kind, name } = target
  if (patch.type === 'apply') return applyPatch(api, target, patch, ctx)
  return writeObject(api, target, ctx, {
    transform(live) {
      if (!live) throw notFound(kind.groupResource, name)
      const object = patchedObject(kind, live, patch, { ctx, scheme: api.scheme })
      kind.definition.default?.(object)
      return object
    },
  })
}

function applyPatch(api: Api, target: Target, patch: Patch, ctx: RequestContext): Promise<Written> {
  const { kind } = target
  const applied = parseApplied(patch.bytes, ctx)
  return writeObject(api, target, ctx, {
    allowCreate: target.subresource === '',
    tracksFields: false,
    async transform(live) {
      const object = await applyObject({ scheme: api.scheme, kind, subresource: target.subresource, ctx }, live, applied, patch.force)
      kind.definition.default?.(object)
      return object
    },
  })
}

export function parseApplied(bytes: Buffer, ctx: RequestContext): Record<string, unknown> {
  const { value, duplicates } = orBadRequest('error decoding YAML: error converting YAML to JSON: ', () => parseYAML(bytes, { strict: ctx.fieldValidation !== 'Ignore' }))
  if (value === null) return {}
  if (!isRecord(value)) throw badRequest(`error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`)
  reportStrictErrors(duplicates, ctx, (why) => badRequest(`error strict decoding YAML: ${why}`))
  return value
}

/** The object with the patch applied, decoded again as its type wants it. @throws StatusError */
export function patchedObject(expected: Expected, live: object, patch: Patch, where: Where): KubeObject {
  const { object, strictErrors, text } = patch.type === 'strategic' ? strategic(expected, live, patch, where.ctx) : byDocument(expected, live, patch, where)
  if (strictErrors.length > 0) reportStrictErrors(strictErrors, where.ctx, (why) => cannotDecode(text(), why))
  const type = { kind: expected.kind, apiVersion: apiVersionOf(expected) }
  // A custom resource's kind is judged with the rest of it.
  const typed = (expected.codec.typeName === undefined ? { ...type, ...object } : { ...type, ...object, ...type }) as unknown as KubeObject
  typed.metadata ??= {}
  return typed
}

interface Where {
  ctx: RequestContext
  scheme: Scheme
}

interface Patched {
  object: object
  strictErrors: string[]
  /** What was to be decoded, as errors quote it. */
  text(): string
}

/** JSON patch and merge patch change the document, which is then decoded. */
function byDocument(expected: Expected, live: object, { type, bytes }: Patch, { ctx, scheme }: Where): Patched {
  const strict = ctx.fieldValidation !== 'Ignore'
  const { value, duplicates } = orBadRequest('error decoding patch: ', () => parseJSON(bytes, { strict }))
  const patched = type === 'json' ? jsonPatched(live, value) : mergePatched(live, value)
  const strictErrors = [...duplicates, ...patched.strictErrors]
  const text = () => documentText(patched.object, live)
  const version = expected.codec.typeName === undefined ? customType(expected, patched.object) : patchedType(scheme, expected, patched.object, (why) => cannotDecode(text(), why))
  if (!version) return { object: {}, strictErrors: [...strictErrors, ...unknownFields(patched.object)], text }
  try {
    const decoded = version.codec.decode(patched.object)
    const object = version === expected ? decoded.object : inVersion(decoded.object, version as ServedKind, expected as ServedKind)
    return { object, strictErrors: [...strictErrors, ...decoded.strictErrors], text }
  } catch (error) {
    throw cannotDecode(text(), firstProblem(expected, inOrderOfNames(patched.object, live)) ?? messageOf(error))
  }
}

/** Of several things wrong, upstream tells the first in the document as its patch library writes it. */
function firstProblem({ codec }: Expected, document: unknown): string | undefined {
  try {
    codec.decode(document)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

function jsonPatched(live: object, patch: unknown): { object: unknown; strictErrors: string[] } {
  const { operations, strictErrors } = orBadRequest('error decoding patch: ', () => decodeJSONPatch(patch))
  if (operations.length > MAX_JSON_PATCH_OPERATIONS) throw tooLarge(`The allowed maximum operations in a JSON patch is ${MAX_JSON_PATCH_OPERATIONS}, got ${operations.length}`)
  try {
    return { object: applyJSONPatch(live, operations), strictErrors: strictErrors.map((text) => `json patch ${text}`) }
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    throw new StatusError({ code: 422, reason: 'Invalid', message: 'the server rejected our request due to an error in our request', details: {}, cause: error })
  }
}

function mergePatched(live: object, patch: unknown): { object: unknown; strictErrors: string[] } {
  if (patch === null) throw badRequest('Invalid JSON Patch')
  if (!isRecord(patch)) throw badRequest(`error decoding patch: json: cannot unmarshal ${jsonKind(patch)} into Go value of type map[string]interface {}`)
  return { object: applyMergePatch(live as Record<string, unknown>, patch), strictErrors: [] }
}

function strategic(expected: Expected, live: object, { bytes }: Patch, ctx: RequestContext): Patched {
  const { codec } = expected
  const { typeName } = codec
  if (!typeName) throw badRequest('strategic merge patch is not supported for this kind')
  const { value, duplicates } = orBadRequest('', () => parseJSON(bytes, { strict: ctx.fieldValidation !== 'Ignore' }))
  if (!isRecord(value)) throw badRequest(`json: cannot unmarshal ${jsonKind(value)} into Go value of type map[string]interface {}`)
  try {
    const { object, strictErrors } = codec.fromApplied(strategicMerge(typeName, live as Record<string, unknown>, value))
    return { object, strictErrors: [...duplicates, ...strictErrors], text: () => goFormat(value) }
  } catch (error) {
    if (error instanceof StrategicMergeError) throw new StatusError({ code: error.code, ...(error.code === 400 ? { reason: 'BadRequest' } : error.code === 422 ? { reason: 'Invalid' } : {}), message: error.message })
    if (error instanceof ConversionError) throw new StatusError({ code: 500, message: error.message, cause: error })
    if (error instanceof ParseError) throw cannotDecode(goFormat(value), error.message)
    throw error
  }
}

const unknownFields = (object: unknown): string[] => (isRecord(object) ? Object.keys(object).filter((name) => name !== 'kind' && name !== 'apiVersion').map((name) => `unknown field ${quote(name)}`) : [])

/** Only built-in kinds come in several versions here, and these are served. */
function inVersion(object: KubeObject, from: ServedKind, to: ServedKind): KubeObject {
  from.definition.default?.(object)
  return fromStorage(to, toStorage(from, object))
}

function customType(expected: Expected, patched: unknown): Expected {
  if (!isRecord(patched)) return expected
  const { apiVersion } = patched
  const gv = typeof apiVersion === 'string' ? parseApiVersion(apiVersion) : expected
  // The kind is judged with the object.
  if (gv.group === expected.group && gv.version === expected.version) return expected
  const { kind = '', metadata } = patched
  const isKnown = gv.group === expected.group && (expected as ServedKind).definition?.stored?.mergeTypeOf(String(apiVersion))
  if (isKnown) throw invalid({ group: expected.group, kind: String(kind) }, isRecord(metadata) ? String(metadata.name) : '', [field.invalid('apiVersion', apiVersion, `must be ${apiVersionOf(expected)}`)])
  throw badRequest(`the API version in the data (${String(apiVersion)}) does not match the expected API version (${apiVersionOf(expected)})`)
}

/** A patch whose result cannot be decoded is Invalid, about an object without kind or name. */
function cannotDecode(patched: string, why: string): StatusError {
  return invalid({ group: '', kind: '' }, '', [field.invalid('patch', patched, why)])
}

/** A patched document as upstream's patch library writes it: members in order of their names wherever the patch went. */
function documentText(patched: unknown, live: unknown): string {
  return goJSON(inOrderOfNames(patched, live))
}

function inOrderOfNames(patched: unknown, live: unknown): unknown {
  if (patched === live || equalJSON(patched, live)) return patched
  if (Array.isArray(patched)) return patched.map((item: unknown, i) => inOrderOfNames(item, Array.isArray(live) ? live[i] : undefined))
  if (!isRecord(patched)) return patched
  const before = isRecord(live) ? live : {}
  const names = Object.keys(patched).sort(byBytes)
  return Object.fromEntries(names.map((name) => [name, inOrderOfNames(patched[name], Object.hasOwn(before, name) ? before[name] : undefined)]))
}

function orBadRequest<T>(prefix: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ParseError) throw badRequest(prefix + error.message)
    throw error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
