/**
 * What serves the connections of pods, services and nodes. What needs a container that really runs is refused by name until
 * its runtime can; everything that is wrong before that is answered as upstream does.
 */
import type { ApiResponse } from '../apiserver/request.ts'
import { Connectors, type Connection } from '../apiserver/subresources/create.ts'
import { badRequest, notFound, notImplemented, StatusError } from '../errors.ts'
import type { KubeObject } from '../registry/kind.ts'
import { log } from './logs.ts'
import { podTarget } from './pod-target.ts'

export function podConnectors(): Connectors {
  const connectors = new Connectors()
  connectors.register('log', log)
  for (const name of ['exec', 'attach']) connectors.register(name, (connection) => stream(connection, podTarget(connection).pod))
  connectors.register('portforward', (connection) => stream(connection, parentOf(connection, connection.info.name)))
  connectors.register('proxy', proxy)
  return connectors
}

function stream({ kind, info }: Connection, parent: KubeObject): ApiResponse {
  const { nodeName } = (parent as { spec?: { nodeName?: string } }).spec ?? {}
  if (!nodeName) throw badRequest(`pod ${info.name} does not have a host assigned`)
  throw notImplemented(`${kind.plural}/${info.subresource}`)
}

/** `proxy` names may carry a scheme and a port: `https:name:port`. */
function proxy(connection: Connection): ApiResponse {
  const { kind, info } = connection
  const parts = info.name.split(':')
  const name = (parts.length > 2 ? parts[1] : parts[0]) ?? ''
  parentOf(connection, name)
  if (kind.plural !== 'services') throw notImplemented(`${kind.plural}/proxy`)
  throw new StatusError({ code: 503, reason: 'ServiceUnavailable', message: `no endpoints available for service ${JSON.stringify(info.name)}` })
}

function parentOf({ ctx, kind, info }: Connection, name: string): KubeObject {
  const parent = ctx.system.get(kind.ref, info.namespace, name)
  if (!parent) throw notFound(kind.groupResource, name)
  return parent
}
