/**
 * Where a Service that a webhook names is reached. Models the resolver of k8s.io/apiserver/pkg/util/proxy, which goes by
 * the cluster IP.
 */
import type { Service, ServiceReference } from '../../../schemas/types.ts'
import type { Address } from '../../apimachinery/network-errors.ts'
import { quote } from '../../errors.ts'
import type { SystemReader } from '../../registry/kind.ts'

export type { Address }

/** Who knows the way from a cluster IP to what listens behind it; undefined when nothing does. */
export type ServiceBackend = (service: { namespace: string; name: string; port: number }) => Address | undefined | Promise<Address | undefined>

const DEFAULT_PORT = 443

/** The name that the certificate of the service must have. */
export function serviceHost({ name = '', namespace = '', port = DEFAULT_PORT }: ServiceReference): Address {
  return { host: `${name}.${namespace}.svc`, port }
}

/** @throws Error in upstream's words */
export async function resolveService(system: SystemReader, { namespace = '', name = '', port = DEFAULT_PORT }: ServiceReference, backend: ServiceBackend | undefined): Promise<Address> {
  const service = system.get<Service>('v1/Service', namespace, name)
  if (!service) throw new Error(`service ${quote(name)} not found`)
  const { type = 'ClusterIP', clusterIP = '', externalName = '', ports = [] } = service.spec
  if (type === 'ExternalName') return { host: externalName, port }
  if (type === 'ClusterIP' && clusterIP === 'None') throw new Error('cannot route to service with ClusterIP "None"')
  if (!['ClusterIP', 'NodePort', 'LoadBalancer'].includes(type)) throw new Error(`unsupported service type ${quote(type)}`)
  if (!ports.some((p) => p.port === port)) throw new Error(`no service port ${port} found for service ${quote(name)}`)
  const found = await backend?.({ namespace, name, port })
  if (found) return found
  const host = clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP
  throw new Error(`dial tcp ${host}:${port}: connect: connection refused`)
}
