/**
 * Requests for resources, verb by verb: query and body in, bytes out. Models k8s.io/apiserver/pkg/endpoints/handlers.
 */
import { badRequest, methodNotAllowed, noSuchResource, notFound, StatusError, tooManyRequests } from '../errors.ts'
import { isConnectSubresource, isCreateSubresource, isScaleSubresource, type ConnectSubresource, type DeleteOptions, type KubeObject } from '../registry/kind.ts'
import type { RequestContext } from '../registry/request-context.ts'
import { ephemeral, updateSubresourceOf, type ObjectEntry } from '../registry/resource-storage.ts'
import { whenReadable } from '../registry/prepared-read.ts'
import type { ServedKind } from '../registry/scheme.ts'
import type { Scale } from '../../schemas/types.ts'
import type { Api } from './api.ts'
import { decodeBody, decodeOptions } from './body.ts'
import { contentTypeOf, encodeList, encodeObject, encodeValue, viewOf, watchEncoder, type EncodeOptions } from './encode.ts'
import { checkRequestedName, parseListOptions, revisionProblem, type ListOptions } from './list-options.ts'
import { metadataConversions, negotiateOutput, negotiatePatch, partialConversions, type Accepted, type Offer } from './negotiate.ts'
import { trackUpdate } from './field-manager.ts'
import type { ApiRequest, ApiResponse, StreamSink } from './request.ts'
import type { RequestInfo } from './request-info.ts'
import { encodeScale, readScale, writeScale } from './subresources/scale.ts'
import { watchable } from '../streaming/messages.ts'
import { LENGTH_BYTES } from './protobuf.ts'
import { connectOptions } from './subresources/connect-options.ts'
import { checkNamespace, createForSubresource, type Connectors } from './subresources/create.ts'
import { parseIncludeObject } from './table.ts'
import { getComputed, listComputed } from './verbs/computed.ts'
import { createAttributes, createObject } from './verbs/create.ts'
import { deletedStatus, removeCollection, removeObject } from './verbs/delete.ts'
import { listError, listObjects, tooLargeRevision, whenListable, type ListQuery } from './verbs/list.ts'
import { patchObject } from './verbs/patch.ts'
import { updateObject } from './verbs/update.ts'
import { Watch, type WatchQuery } from './verbs/watch.ts'
import { isStorageError } from '../storage/errors.ts'
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
const METHODS: Readonly<Record<string, string>> = { get: 'GET', list: 'GET', watch: 'GET', create: 'POST', update: 'PUT', patch: 'PATCH', delete: 'DELETE', deletecollection: 'DELETE' }

/** @throws StatusError for what is not served, not allowed or wrong */
export async function handleResource(api: Api, info: RequestInfo, request: ApiRequest, connectors: Connectors): Promise<ApiResponse> {
  const kind = api.scheme.byResource(info.group, info.version, info.resource)
  if (!kind || !HANDLERS[info.verb]) throw noSuchResource()
  if (kind.namespaced && !info.namespace && info.name) throw noSuchResource()
  if (!kind.namespaced && info.namespace && info.resource !== 'namespaces') throw noSuchResource()
  const { deprecation } = kind.definition
  if (deprecation && info.subresource && kind.definition.itemsKeepType) request.warnings.push(deprecation)
  const call = { api, kind, info, request, connectors }
  return info.subresource ? handleSubresource(call) : handleObject(call)
}

function handleObject(call: Call): ApiResponse | Promise<ApiResponse> {
  const { kind, info, request } = call
  const handler = HANDLERS[info.verb]
  if (!handler || request.method !== METHODS[info.verb] || !kind.verbs.includes(info.verb)) throw methodNotAllowed()
  // Items are made by a POST of their collection, and collections are not written as a whole.
  if (info.verb === 'create' ? info.name : !info.name && (info.verb === 'update' || info.verb === 'patch')) throw methodNotAllowed()
  if (kind.namespaced && !info.namespace && info.verb !== 'list' && info.verb !== 'watch') throw methodNotAllowed()
  if (kind.definition.deprecation) request.warnings.push(kind.definition.deprecation)
  if (info.verb === 'create' && kind.definition.review) return review(call)
  return handler(call)
}

function contextOf({ api, info, request }: Call, options: Partial<Pick<RequestContext, 'dryRun' | 'fieldManager' | 'fieldValidation' | 'givenOptions'>> = {}): RequestContext {
  return api.context({ user: request.user, namespace: info.namespace, warnings: request.warnings, trail: request.trail, ...options })
}

const OFFER: Offer = { conversions: metadataConversions }
/** Custom resources have no protobuf, but their metadata has. */
const CUSTOM_OFFER: Offer = { conversions: metadataConversions, plain: ['json', 'yaml'], isCustom: true }
const TABLELESS_OFFER: Offer = { conversions: partialConversions }
/** A log is text whatever is asked for, but what is asked for must be one of the usual forms. */
const LOG_OFFER: Offer = { routed: ['text/plain'] }

function offerOf({ kind, info }: Call): Offer {
  const subresource = updateSubresourceOf(kind, info.subresource)
  if (subresource?.noTable) return TABLELESS_OFFER
  return kind.codec.typeName === undefined ? CUSTOM_OFFER : OFFER
}

function accepted(call: Call, offer = offerOf(call)): Accepted {
  const { request } = call
  return negotiateOutput(request.headers.accept, request.query, request.headers['user-agent'] ?? '', offer)
}

function encodeOptions(call: Call): EncodeOptions {
  const as = accepted(call)
  if (as.as?.kind !== 'Table') return { accepted: as, include: 'None', nowMs: 0 }
  return { accepted: as, include: parseIncludeObject(call.request.query.get('includeObject')), nowMs: call.api.clock.now() }
}

function objectResponse(call: Call, entry: ObjectEntry, { encode, status = 200 }: { encode: EncodeOptions; status?: number }): ApiResponse {
  return { status, headers: { 'content-type': contentTypeOf(encode.accepted) }, body: [encodeObject(call.kind, entry, encode)] }
}

/** An answer that is not an object of the kind. */
export function valueResponse(value: object, as: Accepted, status = 200): ApiResponse {
  return { status, headers: { 'content-type': contentTypeOf(as) }, body: [encodeValue(value, as)] }
}

function get(call: Call): ApiResponse | Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  checkFreshness(api, kind, request.query.get('resourceVersion') ?? '')
  if (kind.definition.computed) return objectResponse(call, getComputed(kind, info.name, contextOf(call)), { encode })
  const storage = api.storageFor(kind)
  const entry = storage.get(info.namespace, info.name)
  return whenReadable(storage.kind, [entry], () => objectResponse(call, entry, { encode }))
}

/** A get may ask for a version that is not older than some other. @throws StatusError 500, 504 */
function checkFreshness(api: Api, { definition }: ServedKind, resourceVersion: string): void {
  const problem = revisionProblem(resourceVersion)
  if (problem) throw definition.isUncached ? badRequest(`invalid resource version: ${problem}`) : new StatusError({ code: 500, message: problem })
  if (Number(resourceVersion) > api.store.revision) throw tooLargeRevision(resourceVersion, api.store.revision, definition)
}

function list(call: Call): ApiResponse | Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const options = parseListOptions(kind, request.query, { watch: false })
  const query = { ...options, namespace: info.namespace }
  try {
    return whenListable(api, kind, query, (listable) => listReadable(call, options, listable))
  } catch (error) {
    throw listError(error, kind, query, api.clock.now())
  }
}

function listReadable(call: Call, options: ListOptions, query: ListQuery): ApiResponse | Promise<ApiResponse> {
  const { api, kind } = call
  const encode = encodeOptions(call)
  const result = kind.definition.computed ? listComputed(kind, options, contextOf(call)) : listObjects(api, kind, query)
  return whenReadable(kind, result.entries, () => ({ status: 200, headers: { 'content-type': contentTypeOf(encode.accepted) }, body: encodeList(kind, result.entries, result, encode) }))
}

function watch(call: Call): ApiResponse {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  const query: WatchQuery = { ...parseListOptions(kind, request.query, { watch: true }), namespace: info.namespace, ...(info.name ? { name: info.name } : {}) }
  checkRequestedName(query.fields, info.name)
  Watch.check(query)
  const encoder = watchEncoder(kind, encode, () => api.clock.now())
  const isText = encode.accepted.encoding === 'json'
  const contentType = isText ? 'application/json' : `${contentTypeOf(encode.accepted)};stream=watch`
  const response = {
    status: 200,
    headers: { 'content-type': contentType },
    stream(sink: StreamSink) {
      const stream = new Watch(api, kind, query, { encoder, sink })
      // A definition that changes or goes ends the watches of its resources; who watches comes again.
      const stop = kind.codec.custom ? api.scheme.onChange(() => api.scheme.byRef(kind.ref) !== kind && stream.close()) : () => {}
      sink.onClose(() => {
        stop()
        stream.close()
      })
      stream.start()
    },
  }
  return watchable(request, response, { isText, prefixBytes: LENGTH_BYTES })
}

async function create(call: Call): Promise<ApiResponse> {
  const { api, kind, request } = call
  const encode = encodeOptions(call)
  const options = parseWriteOptions('CreateOptions', request.query, { userAgent: request.headers['user-agent'] ?? '' })
  const ctx = contextOf(call, options)
  const object = decodeBody(api.scheme, kind, request, ctx)
  kind.definition.default?.(object)
  ctx.trail?.requestObject(kind.codec.normalize(object))
  const entry = await createObject(api, kind, object, ctx)
  return objectResponse(call, entry, { encode, status: 201 })
}

async function review(call: Call): Promise<ApiResponse> {
  const { api, kind, request } = call
  const as = accepted(call, TABLELESS_OFFER)
  const ctx = contextOf(call, parseWriteOptions('CreateOptions', request.query, { userAgent: request.headers['user-agent'] ?? '' }))
  const object = decodeBody(api.scheme, kind, request, ctx)
  checkNamespace(object, ctx.namespace)
  kind.definition.default?.(object)
  ctx.trail?.requestObject(kind.codec.normalize(object))
  await trackUpdate({ scheme: api.scheme, kind, subresource: '', ctx }, undefined, object)
  const attributes = createAttributes(kind, object, ctx)
  await api.admission.mutate(attributes)
  await api.admission.validate(attributes)
  const answer = kind.definition.review ? await kind.definition.review(object, ctx) : object
  return objectResponse(call, ephemeral(kind.codec.normalize(answer as KubeObject)), { encode: { accepted: as, include: 'None', nowMs: 0 }, status: 201 })
}

async function update(call: Call): Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  const ctx = contextOf(call, parseWriteOptions('UpdateOptions', request.query, { userAgent: request.headers['user-agent'] ?? '' }))
  const object = decodeBody(api.scheme, kind, request, ctx)
  kind.definition.default?.(object)
  ctx.trail?.requestObject(kind.codec.normalize(object))
  const { entry, created } = await updateObject(api, { kind, name: info.name, subresource: info.subresource }, object, ctx)
  return objectResponse(call, entry, { encode, status: created ? 201 : 200 })
}

async function patch(call: Call): Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const type = negotiatePatch(request.headers['content-type'], kind.definition.patchTypes ?? ['json', 'merge', 'strategic', 'apply'], { isCustom: kind.codec.typeName === undefined })
  const encode = encodeOptions(call)
  const options = parseWriteOptions('PatchOptions', request.query, { userAgent: request.headers['user-agent'] ?? '', isApply: type === 'apply' })
  const ctx = contextOf(call, options)
  ctx.trail?.requestPatch(request.body)
  const { entry, created } = await patchObject(api, { kind, name: info.name, subresource: info.subresource }, { type, bytes: request.body, force: options.force }, ctx)
  return objectResponse(call, entry, { encode, status: created ? 201 : 200 })
}

function optionsInBody(call: Call): DeleteOptions {
  const ctx = contextOf(call)
  const options = decodeOptions('DeleteOptions', call.request, ctx)
  const { metadata: _none, ...given } = options
  // Upstream writes them down as it holds them.
  ctx.trail?.requestObject({ ...given, kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/__internal' } as KubeObject)
  return options as DeleteOptions
}

function deleteOptions(call: Call): DeleteOptions {
  const { kind, request } = call
  const options: DeleteOptions = request.body.length === 0 ? deleteOptionsOfQuery(request.query) : optionsInBody(call)
  checkDeleteOptions(options)
  const { orphanWarning } = kind.definition
  if (orphanWarning && options.propagationPolicy === undefined && options.orphanDependents === undefined) request.warnings.push(orphanWarning)
  return options
}

async function remove(call: Call): Promise<ApiResponse> {
  const { api, kind, info } = call
  const encode = encodeOptions(call)
  const options = deleteOptions(call)
  const ctx = contextOf(call, { dryRun: (options.dryRun ?? []).length > 0 })
  const result = await removeObject(api, kind, info.name, options, ctx)
  const status = !result.deleted && options.orphanDependents === false ? 202 : 200
  if (result.deleted && !kind.definition.returnsDeletedObject) return valueResponse(deletedStatus(kind, result), encode.accepted, status)
  return objectResponse(call, result.entry, { encode, status })
}

async function deletecollection(call: Call): Promise<ApiResponse> {
  const { api, kind, info, request } = call
  const encode = encodeOptions(call)
  const query = parseListOptions(kind, request.query, { watch: false })
  const options = deleteOptions(call)
  const ctx = contextOf(call, { dryRun: (options.dryRun ?? []).length > 0 })
  const listed = await removeCollection(api, kind, { ...query, namespace: info.namespace }, options, ctx)
  return { status: 200, headers: { 'content-type': contentTypeOf(encode.accepted) }, body: encodeList(kind, listed.entries, listed, encode) }
}

async function handleSubresource(call: Call): Promise<ApiResponse> {
  const { kind, info, request } = call
  const subresource = kind.definition.subresources?.[info.subresource]
  if (!subresource && kind.definition.itemsKeepType && info.name) throw notFound(kind.groupResource, info.name)
  if (!subresource || !info.name) throw noSuchResource()
  // What follows the name of a subresource is for proxies to pass on.
  if (info.rest.length > 0 && !(isConnectSubresource(subresource) && subresource.connect === 'proxy')) throw noSuchResource()
  if (isConnectSubresource(subresource)) return connect(call, subresource)
  const verbs: readonly string[] = isCreateSubresource(subresource) ? ['create'] : ((subresource !== true && !isScaleSubresource(subresource) && subresource.verbs) || ['get', 'update', 'patch'])
  if (!verbs.includes(info.verb) || request.method !== METHODS[info.verb]) throw methodNotAllowed()
  if (isCreateSubresource(subresource)) return createForSubresource(call, subresource, contextOf(call, parseWriteOptions('CreateOptions', request.query)), accepted(call, TABLELESS_OFFER))
  if (isScaleSubresource(subresource)) return scale(call)
  if (info.verb === 'get') return get(call)
  return info.verb === 'update' ? update(call) : patch(call)
}

async function connect(call: Call, subresource: ConnectSubresource): Promise<ApiResponse> {
  const { api, kind, info, request } = call
  if (!subresource.verbs.includes(info.verb)) throw methodNotAllowed()
  if (request.query.has('dryRun')) throw badRequest('dryRun is not supported')
  if (subresource.connect === 'log') accepted(call, LOG_OFFER)
  const ctx = contextOf(call)
  await admitConnect(call, subresource, ctx)
  if (subresource.check?.({ name: info.name, query: request.query, ctx }) === 'nothing') return { status: 204, headers: {} }
  return call.connectors.connect(subresource, { api, kind, info, request, ctx })
}

/** Reading a log is no connection, though it is served like one. */
async function admitConnect({ api, kind, info, request }: Call, { connect: connector, responseKind }: ConnectSubresource, ctx: RequestContext): Promise<void> {
  if (connector === 'log') return
  const object = connectOptions(responseKind, request.query, info.rest)
  const attributes = { operation: 'CONNECT', kind, subresource: info.subresource, objectKind: responseKind, namespace: info.namespace, name: info.name, object, ctx } as const
  await api.admission.mutate(attributes)
  await api.admission.validate(attributes)
}

async function scale(call: Call): Promise<ApiResponse> {
  const { api, info, request, kind } = call
  const encode = encodeOptions(call)
  const respond = (scale: Scale) => ({ status: 200, headers: { 'content-type': contentTypeOf(encode.accepted) }, body: [encodeScale(kind, scale, encode)] })
  if (info.verb === 'get') {
    const entry = api.storageFor(kind).get(info.namespace, info.name)
    return whenReadable(kind, [entry], () => respond(readScale(kind, viewOf(kind, entry))))
  }
  const isPatch = info.verb === 'patch'
  const type = isPatch ? negotiatePatch(request.headers['content-type'], ['json', 'merge', 'strategic', 'apply']) : undefined
  const options = parseWriteOptions(isPatch ? 'PatchOptions' : 'UpdateOptions', request.query, { userAgent: request.headers['user-agent'] ?? '', isApply: type === 'apply' })
  return respond(await writeScale(call, contextOf(call, options), type && { type, bytes: request.body, force: options.force }))
}

/** What went wrong, as the Status that is sent. */
export function statusErrorOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error
  if (isStorageError(error, 'QUEUE_FULL')) return tooManyRequests('too many writes wait to be stored, please try again later', 1)
  if (isStorageError(error, 'INVALID_KEY')) return badRequest(error.message)
  if (isStorageError(error, 'CLOSED')) return new StatusError({ code: 503, reason: 'ServiceUnavailable', message: 'the server is shutting down', details: { retryAfterSeconds: 1 } })
  return new StatusError({ code: 500, message: error instanceof Error ? error.message : String(error), cause: error })
}

export type { Call, KubeObject }
