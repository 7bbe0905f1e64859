/**
 * Where a Service that a webhook or an APIService names is reached. Models the resolver of k8s.io/apiserver/pkg/util/proxy,
 * which goes by the cluster IP. A Service of type ExternalName leads to a process on the host (`externalName: localhost`).
 */
import type { Duplex } from 'node:stream'
import type { Service, ServiceReference } from '../../schemas/types.ts'
import type { Address } from '../apimachinery/network-errors.ts'
import { quote } from '../errors.ts'
import type { SystemReader } from '../registry/kind.ts'

export type { Address }

/** Opens a connection within the cluster; without it nothing answers there. Rejects with an Error in Go's words. */
export type Dial = (address: Address) => Promise<Duplex>

export interface ServiceEndpoint extends Address {
  /** Opens the connection; absent where the host's network does. */
  dial?(): Promise<Duplex>
}

const DEFAULT_PORT = 443

/** The name that the certificate of the service must have. */
export function serviceHost({ name = '', namespace = '', port = DEFAULT_PORT }: ServiceReference): Address {
  return { host: `${name}.${namespace}.svc`, port }
}

/** @throws Error in upstream's words */
export function resolveService(system: SystemReader, { namespace = '', name = '', port = DEFAULT_PORT }: ServiceReference, dial: Dial | undefined): ServiceEndpoint {
  const service = system.get<Service>('v1/Service', namespace, name)
  if (!service) throw new Error(`service ${quote(name)} not found`)
  const { type = 'ClusterIP', clusterIP = '', externalName = '', ports = [] } = service.spec
  if (type === 'ExternalName') return { host: externalName, port }
  if (type === 'ClusterIP' && clusterIP === 'None') throw new Error('cannot route to service with ClusterIP "None"')
  if (!['ClusterIP', 'NodePort', 'LoadBalancer'].includes(type)) throw new Error(`unsupported service type ${quote(type)}`)
  if (!ports.some((p) => p.port === port)) throw new Error(`no service port ${port} found for service ${quote(name)}`)
  if (dial) return { host: clusterIP, port, dial: () => dial({ host: clusterIP, port }) }
  const host = clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP
  throw new Error(`dial tcp ${host}:${port}: connect: connection refused`)
}
