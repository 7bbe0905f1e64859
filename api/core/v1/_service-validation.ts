/** The rules of a Service. Models ValidateServiceCreate, ValidateServiceUpdate and validateService of k8s.io/kubernetes/pkg/apis/core/validation. */
import { parseIP } from '../../../src/apimachinery/ip-address.ts'
import { validateLabels } from '../../../src/apimachinery/validate-meta.ts'
import { isValidCIDRForLegacyField, isValidIPForLegacyField } from '../../../src/apimachinery/validation-ip.ts'
import { isValidPortNum } from '../../../src/apimachinery/validation.ts'
import { field, type FieldError } from '../../../src/errors.ts'
import type { LoadBalancerIngress, Service, ServicePort } from '../../../schemas/types.ts'
import { invalids, PROTOCOLS, validateChoice, validateLabelName, validatePortNumOrName, validateQualifiedName, validateSubdomain } from '../../_field-errors.ts'
import { validateEndpointIP } from './_endpoint-ip.ts'
import { validateClusterIPs, validateClusterIPsUpdate, validateFamiliesUpdate } from './_service-cluster-ips.ts'
import { clusterIPsOf, isExternallyAccessible, isExternalName, isHeadless, isLoadBalancer, needsHealthCheck, NONE, portsOf } from './_service-facts.ts'

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const TRAFFIC_POLICIES = ['Cluster', 'Local']
const TRAFFIC_DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
const MAX_AFFINITY_SECONDS = 86400
export const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints'
export const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode'
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'"

function validateTopology({ metadata }: Service): FieldError[] {
  const { [TOPOLOGY_HINTS]: hints, [TOPOLOGY_MODE]: mode } = metadata.annotations ?? {}
  if (hints === undefined || mode === undefined || hints === mode) return []
  return [field.invalid(`metadata.annotations[${TOPOLOGY_MODE}]`, mode, `must match annotations[${TOPOLOGY_HINTS}] when both are specified`)]
}

function validateType(service: Service): FieldError[] {
  const { spec } = service
  if (spec.type === 'LoadBalancer' || spec.type === 'NodePort') {
    return isHeadless(service) ? [field.invalid('spec.clusterIPs[0]', NONE, `may not be set to 'None' for ${spec.type} services`)] : []
  }
  if (!isExternalName(service)) return []
  const errors: FieldError[] = []
  const unset = 'may not be set for ExternalName services'
  if (clusterIPsOf(service).length > 0) errors.push(field.forbidden('spec.clusterIPs', unset))
  if (spec.ipFamilies?.length) errors.push(field.forbidden('spec.ipFamilies', unset))
  if (spec.ipFamilyPolicy !== undefined) errors.push(field.forbidden('spec.ipFamilyPolicy', unset))
  const cname = (spec.externalName ?? '').replace(/\.$/, '')
  return [...errors, ...(cname ? validateSubdomain('spec.externalName', cname) : [field.required('spec.externalName')])]
}

function validatePorts(service: Service): FieldError[] {
  const ports = portsOf(service)
  const names = new Set<string>()
  return ports.flatMap((port, i) => {
    const path = `spec.ports[${i}]`
    const errors: FieldError[] = []
    if (port.name) {
      errors.push(...validateLabelName(`${path}.name`, port.name))
      if (names.has(port.name)) errors.push(field.duplicate(`${path}.name`, port.name))
      names.add(port.name)
    } else if (ports.length > 1) {
      errors.push(field.required(`${path}.name`))
    }
    return [
      ...errors,
      ...invalids(`${path}.port`, port.port ?? 0, isValidPortNum(port.port ?? 0)),
      ...validateChoice(`${path}.protocol`, port.protocol, PROTOCOLS),
      ...validatePortNumOrName(`${path}.targetPort`, port.targetPort),
      ...(port.appProtocol === undefined ? [] : validateQualifiedName(`${path}.appProtocol`, port.appProtocol)),
    ]
  })
}

function validateAffinity({ spec }: Service): FieldError[] {
  const { sessionAffinity, sessionAffinityConfig: config } = spec
  const path = 'spec.sessionAffinityConfig'
  const errors = validateChoice('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None'])
  if (sessionAffinity === 'None' && config) return [...errors, field.forbidden(path, 'must not be set when session affinity is None')]
  if (sessionAffinity !== 'ClientIP') return errors
  const why = 'when session affinity type is ClientIP'
  if (!config) return [...errors, field.required(path, why)]
  if (!config.clientIP) return [...errors, field.required(`${path}.clientIP`, why)]
  const seconds = config.clientIP.timeoutSeconds
  if (seconds === undefined) return [...errors, field.required(`${path}.clientIP.timeoutSeconds`, why)]
  if (seconds > 0 && seconds <= MAX_AFFINITY_SECONDS) return errors
  return [...errors, field.invalid(`${path}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`)]
}

function validateExternalIPs({ spec }: Service, old: Service | undefined): FieldError[] {
  return (spec.externalIPs ?? []).flatMap((ip, i) => {
    const path = `spec.externalIPs[${i}]`
    const errors = isValidIPForLegacyField(path, ip, { strict: true, oldValues: old?.spec.externalIPs ?? [] })
    return errors.length > 0 ? errors : validateEndpointIP(ip, path)
  })
}

/** A port as upstream prints the key it tells duplicates by. */
const portKey = (port: ServicePort) => ({ Name: '', Protocol: port.protocol ?? '', AppProtocol: null, Port: port.port ?? 0, TargetPort: 0, NodePort: 0 })

function validateDuplicates(service: Service): FieldError[] {
  const errors: FieldError[] = []
  const nodePorts = new Set<string>()
  const ports = new Set<string>()
  const again = (seen: Set<string>, key: string): boolean => seen.has(key) || !seen.add(key)
  portsOf(service).forEach(({ nodePort, protocol }, i) => {
    if (nodePort && again(nodePorts, `${protocol}/${nodePort}`)) errors.push(field.duplicate(`spec.ports[${i}].nodePort`, nodePort))
  })
  portsOf(service).forEach((port, i) => {
    if (again(ports, `${port.protocol}/${port.port ?? 0}`)) errors.push(field.duplicate(`spec.ports[${i}]`, portKey(port)))
  })
  return errors
}

function validateSourceRanges(service: Service, old: Service | undefined): FieldError[] {
  const errors: FieldError[] = []
  const ranges = service.spec.loadBalancerSourceRanges ?? []
  const annotation = service.metadata.annotations?.[SOURCE_RANGES]
  if (ranges.length > 0) {
    const path = 'spec.LoadBalancerSourceRanges'
    if (!isLoadBalancer(service)) errors.push(field.forbidden(path, ONLY_LOAD_BALANCER))
    const oldValues = (old?.spec.loadBalancerSourceRanges ?? []).map((range) => range.trim())
    return [...errors, ...ranges.flatMap((range, i) => isValidCIDRForLegacyField(`${path}[${i}]`, range.trim(), { strict: true, oldValues }))]
  }
  if (annotation === undefined) return errors
  const path = `metadata.annotations[${SOURCE_RANGES}]`
  if (!isLoadBalancer(service)) errors.push(field.forbidden(path, ONLY_LOAD_BALANCER))
  if (old?.metadata.annotations?.[SOURCE_RANGES] === annotation || !annotation.trim()) return errors
  return [...errors, ...annotation.split(',').flatMap((range) => isValidCIDRForLegacyField(path, range.trim(), { strict: true }))]
}

function validateLoadBalancerFields(service: Service): FieldError[] {
  const { allocateLoadBalancerNodePorts: allocate, loadBalancerClass } = service.spec
  const errors: FieldError[] = []
  if (!isLoadBalancer(service)) {
    if (allocate !== undefined) errors.push(field.forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER))
    if (loadBalancerClass !== undefined) errors.push(field.forbidden('spec.loadBalancerClass', ONLY_LOAD_BALANCER))
    return errors
  }
  if (allocate === undefined) errors.push(field.required('allocateLoadBalancerNodePorts'))
  if (loadBalancerClass !== undefined) errors.push(...validateQualifiedName('spec.loadBalancerClass', loadBalancerClass))
  return errors
}

function validateTraffic(service: Service): FieldError[] {
  const { externalTrafficPolicy, healthCheckNodePort, internalTrafficPolicy, trafficDistribution, type } = service.spec
  const errors: FieldError[] = []
  const policy = 'spec.externalTrafficPolicy'
  if (isExternallyAccessible(service)) errors.push(...validateChoice(policy, externalTrafficPolicy, TRAFFIC_POLICIES))
  else if (externalTrafficPolicy) errors.push(field.invalid(policy, externalTrafficPolicy, 'may only be set for externally-accessible services'))
  const health = 'spec.healthCheckNodePort'
  if (!needsHealthCheck(service)) {
    if (healthCheckNodePort) errors.push(field.invalid(health, healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"))
  } else if (!healthCheckNodePort) {
    errors.push(field.required(health))
  } else {
    errors.push(...invalids(health, healthCheckNodePort, isValidPortNum(healthCheckNodePort)))
  }
  const internal = 'spec.internalTrafficPolicy'
  if (internalTrafficPolicy === undefined) {
    if (type !== undefined && TYPES.includes(type) && type !== 'ExternalName') errors.push(field.required(internal))
  } else if (!TRAFFIC_POLICIES.includes(internalTrafficPolicy)) {
    errors.push(field.notSupported(internal, internalTrafficPolicy, TRAFFIC_POLICIES))
  }
  if (trafficDistribution !== undefined && !TRAFFIC_DISTRIBUTIONS.includes(trafficDistribution)) {
    errors.push(field.notSupported('spec.trafficDistribution', trafficDistribution, TRAFFIC_DISTRIBUTIONS))
  }
  return errors
}

export function validateService(service: Service, old?: Service): FieldError[] {
  const ports = portsOf(service)
  const needsPorts = ports.length === 0 && !isHeadless(service) && !isExternalName(service)
  return [
    ...validateTopology(service),
    ...(needsPorts ? [field.required('spec.ports')] : []),
    ...validateType(service),
    ...validatePorts(service),
    ...validateLabels(service.spec.selector, 'spec.selector'),
    ...validateAffinity(service),
    ...validateClusterIPs(service, old),
    ...validateExternalIPs(service, old),
    ...validateChoice('spec.type', service.spec.type, TYPES),
    ...(service.spec.type === 'ClusterIP'
      ? ports.flatMap(({ nodePort }, i) => (nodePort ? [field.forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'")] : []))
      : []),
    ...validateDuplicates(service),
    ...validateSourceRanges(service, old),
    ...validateLoadBalancerFields(service),
    ...validateTraffic(service),
  ]
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors = [...validateClusterIPsUpdate(service, old), ...validateFamiliesUpdate(service, old)]
  const path = 'spec.loadBalancerClass'
  const { loadBalancerClass } = service.spec
  if (isLoadBalancer(old) && isLoadBalancer(service) && old.spec.loadBalancerClass !== loadBalancerClass) {
    errors.push(field.invalid(path, loadBalancerClass ?? null, 'may not change once set'))
  }
  if (loadBalancerClass !== undefined) {
    errors.push(...(isLoadBalancer(service) ? validateQualifiedName(path, loadBalancerClass) : [field.forbidden(path, ONLY_LOAD_BALANCER)]))
  }
  if (needsHealthCheck(old) && needsHealthCheck(service) && (old.spec.healthCheckNodePort ?? 0) !== (service.spec.healthCheckNodePort ?? 0)) {
    errors.push(field.forbidden('spec.healthCheckNodePort', 'field is immutable'))
  }
  return [...errors, ...validateService(service, old)]
}

export function validateServiceStatus(service: Service, old: Service): FieldError[] {
  const path = 'status.loadBalancer.ingress'
  const ingress = service.status?.loadBalancer?.ingress ?? []
  if (!isLoadBalancer(service) && ingress.length > 0) return [field.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")]
  const oldValues = (old.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip ? [ip] : []))
  return ingress.flatMap((point, i) => validateIngressPoint(point, `${path}[${i}]`, oldValues))
}

function validateIngressPoint({ ip, ipMode, hostname }: LoadBalancerIngress, path: string, oldValues: readonly string[]): FieldError[] {
  const errors: FieldError[] = []
  if (ip) errors.push(...isValidIPForLegacyField(`${path}.ip`, ip, { strict: true, oldValues }))
  if (ipMode === undefined) {
    if (ip) errors.push(field.required(`${path}.ipMode`, 'must be specified when `ip` is set'))
  } else if (!ip) {
    errors.push(field.forbidden(`${path}.ipMode`, 'may not be specified when `ip` is not set'))
  } else if (ipMode !== 'VIP' && ipMode !== 'Proxy') {
    errors.push(field.notSupported(`${path}.ipMode`, ipMode, ['Proxy', 'VIP']))
  }
  if (hostname) {
    errors.push(...validateSubdomain(`${path}.hostname`, hostname))
    if (parseIP(hostname)) errors.push(field.invalid(`${path}.hostname`, hostname, 'must be a DNS name, not an IP address'))
  }
  return errors
}
