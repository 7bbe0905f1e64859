/** PATCH in its four forms. Models k8s.io/apiserver/pkg/endpoints/handlers/patch.go. */
import { decodeObject } from '../../apimachinery/decode.ts'
import { applyJSONPatch, parseJSONPatch } from '../../apimachinery/json-patch.ts'
import { cloneJSON, isRecord } from '../../apimachinery/json.ts'
import { applyMergePatch } from '../../apimachinery/merge-patch.ts'
import { parseJSON, parseYAML } from '../../apimachinery/parse.ts'
import { strategicMergePatch } from '../../apimachinery/strategic-merge.ts'
import { badRequest, StatusError } from '../../errors.ts'
import type { KubeObject } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import { parseApiVersion, type ServedKind } from '../../registry/scheme.ts'
import type { Api } from '../api.ts'
import { reportStrictErrors, type Expected } from '../body.ts'
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
  const { kind } = target
  if (patch.type === 'apply') return applyPatch(api, target, patch, ctx)
  return writeObject(api, target, ctx, {
    transform(live) {
      if (!live) throw new StatusError({ code: 404, reason: 'NotFound', message: '' })
      const object = applyPatchBytes(kind, kind.codec.typeName, live, patch, ctx)
      kind.definition.default?.(object)
      return object
    },
  })
}

function applyPatch(api: Api, target: Target, patch: Patch, ctx: RequestContext): Promise<Written> {
  const { kind } = target
  let sent: unknown
  try {
    sent = parseYAML(patch.bytes, { strict: ctx.fieldValidation !== 'Ignore' }).value
  } catch (error) {
    throw badRequest(`error decoding YAML: ${messageOf(error)}`)
  }
  if (!isRecord(sent)) throw badRequest('error decoding YAML: the patch is not an object')
  const applied = sent
  return writeObject(api, target, ctx, {
    allowCreate: target.subresource === '',
    tracksFields: false,
    transform(live) {
      const object = applyObject(kind, live, applied, { ctx, force: patch.force, subresource: target.subresource })
      kind.definition.default?.(object)
      return object
    },
  })
}

/** The object with the patch applied, decoded again as its type wants it. */
export function applyPatchBytes(expected: Expected, typeName: string | undefined, live: object, patch: Patch, ctx: RequestContext): KubeObject {
  const patched = patchedJSON(typeName, live, patch)
  const gv = isRecord(patched) && typeof patched.apiVersion === 'string' ? parseApiVersion(patched.apiVersion) : expected
  const kind = isRecord(patched) && typeof patched.kind === 'string' ? patched.kind : expected.kind
  if (gv.group !== expected.group || gv.version !== expected.version || kind !== expected.kind) {
    throw badRequest(`the API version in the data (${isRecord(patched) ? String(patched.apiVersion) : ''}) does not match the expected API version (${expected.group ? `${expected.group}/` : ''}${expected.version})`)
  }
  let decoded: ReturnType<typeof decodeObject>
  try {
    decoded = expected.codec.decode(patched) as unknown as ReturnType<typeof decodeObject>
  } catch (error) {
    throw cannotDecode(patched, messageOf(error))
  }
  if (decoded.strictErrors.length > 0) reportStrictErrors(decoded.strictErrors, ctx, (why) => cannotDecode(patched, why))
  const object = decoded.object as unknown as KubeObject
  object.metadata ??= {}
  return object
}

/** A patch whose result cannot be decoded is Invalid, about an object without a name. */
function cannotDecode(patched: unknown, why: string): StatusError {
  const body = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`
  return new StatusError({ code: 422, reason: 'Invalid', message: `"" is invalid: patch: ${body}`, details: { causes: [{ reason: 'FieldValueInvalid', message: body, field: 'patch' }] } })
}

function patchedJSON(typeName: string | undefined, live: object, { type, bytes }: Patch): unknown {
  if (type === 'json') return applyJSONPatch(cloneJSON(live), parseJSONPatch(bytes))
  const patch = parsePatch(bytes)
  if (type === 'merge') return applyMergePatch(live, patch)
  if (!typeName) throw badRequest('strategic merge patch is not supported for this kind')
  return strategicMergePatch(typeName, live, patch)
}

function parsePatch(bytes: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJSON(bytes, { strict: false }).value
  } catch (error) {
    throw badRequest(`error decoding patch: ${messageOf(error)}`)
  }
  if (!isRecord(value)) throw badRequest(`error decoding patch: json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`)
  return value
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export type { ServedKind }
