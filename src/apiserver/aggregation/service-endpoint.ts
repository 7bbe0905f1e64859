/**
 * Where the Service of an APIService is reached. Models the resolvers of k8s.io/apiserver/pkg/util/proxy. A Service of type
 * ExternalName leads to a process on the host (`externalName: localhost`), any other one to the cluster's network.
 */
import type { Duplex } from 'node:stream'
import type { Service } from '../../../schemas/types.ts'
import { quote } from '../../errors.ts'
import type { SystemReader } from '../../registry/kind.ts'

export interface Endpoint {
  host: string
  port: number
  /** Opens the connection; absent where the host's network does. */
  dial?(): Promise<Duplex>
}

/** Opens a connection within the cluster. */
export type Dial = (address: { host: string; port: number }) => Promise<Duplex>

export interface ServiceAddress {
  namespace?: string
  name?: string
  port?: number
}

const DEFAULT_PORT = 443

/** @throws Error in upstream's words */
export function resolveEndpoint(system: SystemReader, { namespace = '', name = '', port = DEFAULT_PORT }: ServiceAddress, dial: Dial): Endpoint {
  const service = system.get<Service>('v1/Service', namespace, name)
  if (!service) throw new Error(`service ${quote(name)} not found`)
  const { type = 'ClusterIP', clusterIP = '', externalName = '', ports = [] } = service.spec
  if (type === 'ExternalName') return { host: externalName, port }
  if (clusterIP === 'None') throw new Error('cannot route to service with ClusterIP "None"')
  if (!ports.some((p) => p.port === port)) throw new Error(`no service port ${port} found for service ${quote(name)}`)
  return { host: clusterIP, port, dial: () => dial({ host: clusterIP, port }) }
}
