/**
 * Requests for resources, verb by verb: query and body in, bytes out. Models k8s.io/apiserver/pkg/endpoints/handlers.
 */
import { badRequest, methodNotAllowed, noSuchResource, notFound, StatusError } from '../errors.ts'
import { isConnectSubresource, isCreateSubresource, isScaleSubresource, type DeleteOptions, type KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import type { ObjectEntry } from '../registry/resource-storage.ts'
import { ephemeral } from '../registry/resource-storage.ts'
import type { ServedKind } from '../registry/scheme.ts'
import type { Api } from './api.ts'
import { decodeBody } from './body.ts'
import { contentTypeOf, encodeList, encodeObject, encodeValue, viewOf, watchEncoder, type EncodeOptions } from './encode.ts'
import { parseListOptions, parseRevision } from './list-options.ts'
import { metaKindFor } from './meta-kinds.ts'
import { metadataConversions, negotiateOutput, negotiatePatch, type Accepted } from './negotiate.ts'
import type { ApiRequest, ApiResponse } from './request.ts'
import type { RequestInfo } from './request-info.ts'
import { readScale, writeScale } from './subresources/scale.ts'
import { createForSubresource, type Connectors } from './subresources/create.ts'
import { parseIncludeObject } from './table.ts'
import { createObject } from './verbs/create.ts'
import { deletedStatus, removeCollection, removeObject } from './verbs/delete.ts'
import { listObjects, tooLargeRevision } from './verbs/list.ts'
import { patchObject } from './verbs/patch.ts'
import { updateObject } from './verbs/update.ts'
import { Watch, type WatchQuery } from './verbs/watch.ts'
import { checkDeleteOptions, deleteOptionsOfQuery, parseWriteOptions } from './write-options.ts'

/** One request for one kind, with what every handler needs. */
interface Call {
  api: Api
  kind: ServedKind
  info: RequestInfo
  request: ApiRequest
  connectors: Connectors
}

type Handler = (call: Call) => ApiResponse | Promise<ApiResponse>

const HANDLERS: Readonly<Record<string, Handler>> = { get, list, watch, create, update, patch, delete: remove, deletecollection }

/** @throws StatusError for what is not served, not allowed or wrong */
export async function handleResource(api: Api, info: RequestInfo, request: ApiRequest, connectors: Connectors): Promise<ApiResponse> {
  const kind = api.scheme.byResource(info.group, info.version, info.resource)
  if (!kind) throw noSuchResource()
  if (kind.namespaced && !info.namespace && info.name) throw noSuchResource()
  if (!kind.namespaced && info.namespace && info.resource !== 'namespaces') throw noSuchResource()
  const call = { api, kind, info, request, connectors }
  const response = await (info.subresource ? handleSubresource(call) : handleObject(call))
  const { deprecation } = kind.definition
  return deprecation && !info.subresource ? addWarnings(response, [deprecation]) : response
}

function handleObject(call: Call): ApiResponse | Promise<ApiResponse> {
  const { kind, info, request } = call
  const handler = HANDLERS[info.verb]
  const posts = request.method === 'POST'
  if (!handler || request.method === 'HEAD' || posts !== (info.verb === 'create') || (posts && info.name)) throw methodNotAllowed()
  if (!kind.verbs.includes(info.verb) || (!info.name && (info.verb === 'update' || info.verb === 'patch'))) throw methodNotAllowed()
  if (info.verb === 'create' && kind.definition.review) return review(call)
  return handler(call)
}

function contextOf({ api, info, request }: Call, options: { dryRun?: boolean; fieldManager?: string; fieldValidation?: RequestContext['fieldValidation'] } = {}): RequestContext {
  return api.context({ user: request.user, namespace: info.namespace, signal: request.signal, ...options })
}

function accepted({ request }: Call): Accepted {
  return negotiateOutput(request.headers.accept, request.query, request.headers['user-agent'] ?? '', { conversions: metadataConversions })
}

function encodeOptions(call: Call): EncodeOptions {
  const as = accepted(call)
  const include = as.as?.kind === 'Table' ? parseIncludeObject(call.request.query.get('includeObject')) : 'None'
  return { accepted: as, include, nowMs: call.api.clock.now() }
}

function objectResponse(call: Call, entry: ObjectEntry, options: { encode: EncodeOptions; status?: number; warnings?: readonly string[] }): ApiResponse {
  const body = encodeObject(call.kind, entry, options.encode)
  return addWarnings({ status: options.status ?? 200, headers: { 'content-type': contentTypeOf(options.encode.accepted) }, body: [body] }, options.warnings ?? [])
}

/** An answer that is not an object of the kind. */
export function valueResponse(value: object, as: Accepted, { status = 200, warnings = [] as readonly string[] } = {}): ApiResponse {
  return addWarnings({ status, headers: { 'content-type': contentTypeOf(as) }, body: [encodeValue(value, as)] }, warnings)
}

/** Warnings go out as RFC 7234 warn-codes 299, one header each. */
export function addWarnings(response: ApiResponse, warnings: readonly string[]): ApiResponse {
  if (warnings.length === 0) return response
  const present = response.headers.warning
  const lines = [...(Array.isArray(present) ? present : present ? [present] : []), ...warnings.map((text) => `299 - "${text.replace(/[\r\n\t]+/g, ' ').replace(/[\\"]/g, '\\$&')}"`)]
  return { ...response, headers: { ...response.headers, warning: lines } }
}

function get(call: Call): ApiResponse {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  const wanted = parseRevision(request.query.get('resourceVersion') ?? '')
  if (wanted > api.store.revision) throw tooLargeRevision(wanted, api.store.revision)
  if (kind.definition.computed) {
    const found = kind.definition.computed(contextOf(call)).find((o) => o.metadata.name === info.name)
    if (!found) throw notFound(kind.groupResource, info.name)
    return objectResponse(call, ephemeral(found), { encode })
  }
  return objectResponse(call, api.storageFor(kind).get(info.namespace, info.name), { encode })
}

function list(call: Call): ApiResponse {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  const options = parseListOptions(kind, request.query, { watch: false })
  const computed = kind.definition.computed
  const result = computed ? { entries: computed(contextOf(call)).map(ephemeral), revision: api.store.revision } : listObjects(api, kind, { ...options, namespace: info.namespace })
  return { status: 200, headers: { 'content-type': contentTypeOf(encode.accepted) }, body: encodeList(kind, result.entries, result, encode) }
}

function watch(call: Call): ApiResponse {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  const query: WatchQuery = { ...parseListOptions(kind, request.query, { watch: true }), namespace: info.namespace, ...(info.name ? { name: info.name } : {}) }
  Watch.check(query)
  const encoder = watchEncoder(kind, encode, () => api.clock.now())
  const contentType = encode.accepted.encoding === 'json' ? 'application/json' : `${contentTypeOf(encode.accepted)};stream=watch`
  return {
    status: 200,
    headers: { 'content-type': contentType },
    stream(sink) {
      const stream = new Watch(api, kind, query, { encoder, sink })
      sink.onClose(() => stream.close())
      stream.start()
    },
  }
}

async function create(call: Call): Promise<ApiResponse> {
  const { api, kind, request } = call
  const encode = encodeOptions(call)
  const options = parseWriteOptions('CreateOptions', request.query, { userAgent: request.headers['user-agent'] ?? '' })
  const ctx = contextOf(call, options)
  const object = decodeBody(api.scheme, kind, request, ctx)
  kind.definition.default?.(object)
  // A namespace is created inside itself, as upstream's admission sees it.
  const entry = await createObject(api, kind, object, ctx)
  return objectResponse(call, entry, { encode, status: 201, warnings: ctx.warnings })
}

async function review(call: Call): Promise<ApiResponse> {
  const { api, kind, request } = call
  const as = accepted(call)
  const ctx = contextOf(call, parseWriteOptions('CreateOptions', request.query))
  const object = decodeBody(api.scheme, kind, request, ctx)
  kind.definition.default?.(object)
  const answer = kind.definition.review ? await kind.definition.review(object, ctx) : object
  return valueResponse(kind.codec.normalize(answer as KubeObject), as, { status: 201, warnings: ctx.warnings })
}

async function update(call: Call): Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  const ctx = contextOf(call, parseWriteOptions('UpdateOptions', request.query, { userAgent: request.headers['user-agent'] ?? '' }))
  const object = decodeBody(api.scheme, kind, request, ctx)
  kind.definition.default?.(object)
  const name = object.metadata.name
  if (name && name !== info.name) throw badRequest(`the name of the object (${name}) does not match the name on the URL (${info.name})`)
  const { entry, created } = await updateObject(api, { kind, name: info.name, subresource: info.subresource }, object, ctx)
  return objectResponse(call, entry, { encode, status: created ? 201 : 200, warnings: ctx.warnings })
}

async function patch(call: Call): Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const type = negotiatePatch(request.headers['content-type'], kind.definition.patchTypes ?? ['json', 'merge', 'strategic', 'apply'])
  const encode = encodeOptions(call)
  const options = parseWriteOptions('PatchOptions', request.query, { userAgent: request.headers['user-agent'] ?? '', isApply: type === 'apply' })
  const ctx = contextOf(call, options)
  const { entry, created } = await patchObject(api, { kind, name: info.name, subresource: info.subresource }, { type, bytes: request.body, force: options.force }, ctx)
  return objectResponse(call, entry, { encode, status: created ? 201 : 200, warnings: ctx.warnings })
}

function deleteOptions(call: Call): DeleteOptions {
  const { api, request } = call
  if (request.body.length === 0) {
    const options = deleteOptionsOfQuery(request.query)
    checkDeleteOptions(options)
    return options
  }
  const ctx = contextOf(call, { fieldValidation: 'Ignore' })
  const options = decodeBody(api.scheme, metaKindFor('DeleteOptions', request.body), request, ctx) as unknown as DeleteOptions
  checkDeleteOptions(options)
  return options
}

async function remove(call: Call): Promise<ApiResponse> {
  const { api, kind, info } = call
  const encode = encodeOptions(call)
  const options = deleteOptions(call)
  const ctx = contextOf(call, { dryRun: (options.dryRun ?? []).length > 0 })
  const result = await removeObject(api, kind, info.name, options, ctx)
  const status = !result.deleted && options.orphanDependents === false ? 202 : 200
  if (result.deleted && !kind.definition.returnsDeletedObject) return valueResponse(deletedStatus(kind, result), encode.accepted, { status, warnings: ctx.warnings })
  return objectResponse(call, result.entry, { encode, status, warnings: ctx.warnings })
}

async function deletecollection(call: Call): Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  const query = parseListOptions(kind, request.query, { watch: false })
  const options = deleteOptions(call)
  const ctx = contextOf(call, { dryRun: (options.dryRun ?? []).length > 0 })
  const listed = await removeCollection(api, kind, { ...query, namespace: info.namespace }, options, ctx)
  return addWarnings({ status: 200, headers: { 'content-type': contentTypeOf(encode.accepted) }, body: encodeList(kind, listed.entries, listed, encode) }, ctx.warnings)
}

async function handleSubresource(call: Call): Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const subresource = kind.definition.subresources?.[info.subresource]
  if (!subresource || !info.name) throw noSuchResource()
  if (isConnectSubresource(subresource)) return call.connectors.connect(subresource, { api, kind, info, request, ctx: contextOf(call) })
  if (request.method === 'HEAD') throw methodNotAllowed()
  if (isCreateSubresource(subresource)) {
    if (info.verb !== 'create') throw methodNotAllowed()
    return createForSubresource(call, subresource, contextOf(call, parseWriteOptions('CreateOptions', request.query)), accepted(call))
  }
  const verbs: readonly string[] = (subresource !== true && !isScaleSubresource(subresource) && subresource.verbs) || ['get', 'update', 'patch']
  if (!verbs.includes(info.verb)) throw methodNotAllowed()
  if (isScaleSubresource(subresource)) return scale(call)
  if (info.verb === 'get') return get(call)
  return info.verb === 'update' ? update(call) : patch(call)
}

async function scale(call: Call): Promise<ApiResponse> {
  const { api, info, request } = call
  const as = accepted(call)
  if (info.verb === 'get') return valueResponse(readScale(call.kind, viewOf(call.kind, api.storageFor(call.kind).get(info.namespace, info.name))), as)
  const isPatch = info.verb === 'patch'
  const type = isPatch ? negotiatePatch(request.headers['content-type'], ['json', 'merge', 'strategic', 'apply']) : undefined
  const options = parseWriteOptions(isPatch ? 'PatchOptions' : 'UpdateOptions', request.query, { userAgent: request.headers['user-agent'] ?? '', isApply: type === 'apply' })
  const ctx = contextOf(call, options)
  const written = await writeScale(call, ctx, type && { type, bytes: request.body, force: options.force })
  return valueResponse(written, as, { warnings: ctx.warnings })
}

/** What went wrong, as the Status that is sent. */
export function statusErrorOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error
  return new StatusError({ code: 500, message: error instanceof Error ? error.message : String(error), cause: error })
}

export type { Call, KubeObject }
