/** What kind of Service one is: questions that defaulting, validation and allocation all ask. Models k8s.io/kubernetes/pkg/api/service/util.go. */
import type { Service } from '../../../schemas/types.ts'

export const NONE = 'None'
/** Where allocation puts a placeholder until it knows the address. */
export const clusterIPsOf = (service: Service): string[] => service.spec.clusterIPs ?? []
export const portsOf = (service: Service) => service.spec.ports ?? []

export const isExternalName = (service: Service): boolean => service.spec.type === 'ExternalName'
export const isLoadBalancer = (service: Service): boolean => service.spec.type === 'LoadBalancer'
export const hasNodePorts = (service: Service): boolean => service.spec.type === 'NodePort' || isLoadBalancer(service)

export function isHeadless(service: Service): boolean {
  const ips = clusterIPsOf(service)
  return ips.length === 1 && ips[0] === NONE
}

export function isExternallyAccessible({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' || spec.type === 'NodePort' || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)
}

/** Only such a Service has a health check port. */
export function needsHealthCheck({ spec }: Service): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
}

/** Whether ports without a number are given one. */
export function allocatesNodePorts(service: Service): boolean {
  return service.spec.type === 'NodePort' || (isLoadBalancer(service) && service.spec.allocateLoadBalancerNodePorts !== false)
}

export function nodePortsOf(service: Service): number[] {
  return portsOf(service).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []))
}

export function sameList(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i])
}
