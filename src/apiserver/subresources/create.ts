/** Subresources that are posted to (binding, eviction, token) and those that are connections (exec, log, proxy). */
import { badRequest, noSuchResource, notImplemented } from '../../errors.ts'
import { isCreateSubresource, type ConnectSubresource, type CreateSubresource, type KubeObject } from '../../registry/kind.ts'
import type { RequestContext } from '../../registry/request-context.ts'
import type { ServedKind } from '../../registry/scheme.ts'
import type { Api } from '../api.ts'
import { decodeBody } from '../body.ts'
import { trackPosted } from '../field-manager.ts'
import { valueResponse, type Call } from '../handlers.ts'
import { expectedFor } from '../meta-kinds.ts'
import type { Accepted } from '../negotiate.ts'
import type { ApiRequest, ApiResponse } from '../request.ts'
import type { RequestInfo } from '../request-info.ts'
import type { Target } from '../verbs/update.ts'

/** What a connection is asked for; the runtime's connectors serve it. */
export interface Connection {
  api: Api
  kind: ServedKind
  info: RequestInfo
  request: ApiRequest
  ctx: RequestContext
}

export type Connector = (connection: Connection) => ApiResponse | Promise<ApiResponse>

/** Who serves exec, attach, log, portforward and proxy, by name. */
export class Connectors {
  readonly #byName = new Map<string, Connector>()

  register(name: string, connector: Connector): void {
    this.#byName.set(name, connector)
  }

  connect(subresource: ConnectSubresource, connection: Connection): ApiResponse | Promise<ApiResponse> {
    const connector = this.#byName.get(subresource.connect)
    if (!connector) throw notImplemented(`${connection.kind.plural}/${connection.info.subresource}`)
    return connector(connection)
  }
}

export async function createForSubresource({ api, kind, info, request }: Call, subresource: CreateSubresource, ctx: RequestContext, as: Accepted): Promise<ApiResponse> {
  const expected = expectedFor(subresource.responseKind)
  const body = decodeBody(api.scheme, { ...expected, accepts: subresource.accepts }, request, ctx)
  subresource.default?.(body)
  ctx.trail?.requestObject(expected.codec.normalize(body))
  checkNamespace(body, info.namespace)
  body.metadata.namespace ??= info.namespace || undefined
  trackPosted(expected, info.subresource, { body, ctx })
  const answer = await postSubresource(api, { kind, name: info.name, subresource: info.subresource }, body, ctx)
  const isOfKind = (answer as KubeObject).kind === expected.kind
  return valueResponse(isOfKind ? expected.codec.normalize(answer as KubeObject) : answer, as, 201)
}

/** @throws StatusError 400 for an object that says it is elsewhere */
export function checkNamespace({ metadata }: KubeObject, namespace: string): void {
  if (namespace && metadata.namespace && metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

/** Posts to a subresource, through admission, and answers what it says. @throws StatusError */
export async function postSubresource(api: Api, { kind, name, subresource }: Target, body: KubeObject, ctx: RequestContext): Promise<object> {
  const definition = kind.definition.subresources?.[subresource]
  if (!isCreateSubresource(definition)) throw noSuchResource()
  const attributes = { operation: 'CREATE', kind, subresource, objectKind: definition.responseKind, namespace: ctx.namespace, name, object: body, ctx } as const
  await api.admission.mutate(attributes)
  await api.admission.validate(attributes)
  return definition.create({ name, body, ctx })
}
