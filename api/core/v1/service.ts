/** v1 Service. Models k8s.io/kubernetes/pkg/registry/core/service and SetDefaults_Service. */
import { isDNS1123Label } from '../../../src/apimachinery/validation.ts'
import { warningsForCIDR, warningsForIP } from '../../../src/apimachinery/validation-ip.ts'
import { isStatusError } from '../../../src/errors.ts'
import { defineKind, type Column } from '../../../src/registry/kind.ts'
import type { LoadBalancerStatus, Service } from '../../../schemas/types.ts'
import { ageColumn, nameColumn } from '../../_columns.ts'
import { formatLabels } from './_pod-columns.ts'
import { allocateCreate, allocateUpdate, heldBy, releaseHeld } from './_service-allocation.ts'
import { checkServiceProxy } from './_service-connect.ts'
import { hasNodePorts, isExternallyAccessible, isExternalName, isLoadBalancer, needsHealthCheck, nodePortsOf, NONE, portsOf, sameList } from './_service-facts.ts'
import { TOPOLOGY_HINTS, TOPOLOGY_MODE, validateService, validateServiceStatus, validateServiceUpdate } from './_service-validation.ts'

const DEFAULT_AFFINITY_SECONDS = 10800
const WELL_KNOWN_TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer']

function setDefaults(service: Service): void {
  const { spec } = service
  spec.sessionAffinity ||= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: DEFAULT_AFFINITY_SECONDS } }
  }
  spec.type ||= 'ClusterIP'
  for (const port of portsOf(service)) {
    port.protocol ||= 'TCP'
    port.targetPort ||= port.port ?? 0
  }
  if (isExternallyAccessible(service)) spec.externalTrafficPolicy ||= 'Cluster'
  if (WELL_KNOWN_TYPES.includes(spec.type)) spec.internalTrafficPolicy ??= 'Cluster'
  if (!isLoadBalancer(service)) return
  spec.allocateLoadBalancerNodePorts ??= true
  for (const point of service.status?.loadBalancer?.ingress ?? []) if (point.ip) point.ipMode ??= 'VIP'
}

/** What the old type needed and the new one does not goes, unless the client changed it too (then validation speaks). */
function dropTypeDependentFields(service: Service, old: Service): void {
  const { spec } = service
  const before = old.spec
  if (!isExternalName(old) && isExternalName(service)) {
    if ((before.clusterIP ?? '') === (spec.clusterIP ?? '') && sameList(before.clusterIPs, spec.clusterIPs)) {
      delete spec.clusterIP
      delete spec.clusterIPs
    }
    if (sameList(before.ipFamilies, spec.ipFamilies)) delete spec.ipFamilies
    if (before.ipFamilyPolicy === spec.ipFamilyPolicy) delete spec.ipFamilyPolicy
  }
  if (hasNodePorts(old) && !hasNodePorts(service) && nodePortsOf(service).every((port) => nodePortsOf(old).includes(port))) {
    for (const port of portsOf(service)) delete port.nodePort
  }
  if (needsHealthCheck(old) && !needsHealthCheck(service) && before.healthCheckNodePort === spec.healthCheckNodePort) delete spec.healthCheckNodePort
  if (isLoadBalancer(old) && !isLoadBalancer(service)) {
    if (before.allocateLoadBalancerNodePorts === spec.allocateLoadBalancerNodePorts) delete spec.allocateLoadBalancerNodePorts
    if (before.loadBalancerClass === spec.loadBalancerClass) delete spec.loadBalancerClass
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(service) && before.externalTrafficPolicy === spec.externalTrafficPolicy) delete spec.externalTrafficPolicy
  if (!isLoadBalancer(service) && service.status) service.status = { ...service.status, loadBalancer: {} }
}

function warnings({ metadata, spec }: Service): string[] {
  const texts: string[] = []
  const { externalIPs = [], loadBalancerIP } = spec
  const isHeadless = spec.type === 'ClusterIP' && spec.clusterIP === NONE
  if (metadata.annotations?.[TOPOLOGY_HINTS] !== undefined) texts.push(`annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`)
  if (spec.clusterIP && spec.clusterIP !== NONE) spec.clusterIPs?.forEach((ip, i) => texts.push(...warningsForIP(`spec.clusterIPs[${i}]`, ip)))
  if (isHeadless) {
    if (loadBalancerIP) texts.push('spec.loadBalancerIP is ignored for headless services')
    if (externalIPs.length > 0) texts.push('spec.externalIPs is ignored for headless services')
    if (spec.sessionAffinity !== 'None') texts.push('spec.SessionAffinity is ignored for headless services')
  }
  externalIPs.forEach((ip, i) => texts.push(...warningsForIP(`spec.externalIPs[${i}]`, ip)))
  if (externalIPs.length > 0 && !isHeadless && spec.type !== 'ExternalName') texts.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters')
  if (loadBalancerIP) texts.push(...warningsForIP('spec.loadBalancerIP', loadBalancerIP))
  spec.loadBalancerSourceRanges?.forEach((cidr, i) => texts.push(...warningsForCIDR(`spec.loadBalancerSourceRanges[${i}]`, cidr)))
  if (spec.type === 'ExternalName' && externalIPs.length > 0) texts.push('spec.externalIPs is ignored when spec.type is "ExternalName"')
  if (spec.type !== 'ExternalName' && spec.externalName) texts.push('spec.externalName is ignored when spec.type is not "ExternalName"')
  if (spec.trafficDistribution === 'PreferClose') texts.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"')
  return texts
}

/** The addresses of a load balancer, each once, sorted. */
export function loadBalancerText(status: Pick<LoadBalancerStatus, 'ingress'> | undefined): string {
  const points = (status?.ingress ?? []).flatMap(({ ip, hostname }) => (ip || hostname ? [ip || hostname] : []))
  return [...new Set(points)].sort().join(',')
}

function externalIPText({ spec, status }: Service): string {
  const { externalIPs = [] } = spec
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return externalIPs.join(',') || '<none>'
    case 'LoadBalancer':
      return [loadBalancerText(status?.loadBalancer), ...externalIPs].filter(Boolean).join(',') || '<pending>'
    case 'ExternalName':
      return spec.externalName ?? ''
    default:
      return '<unknown>'
  }
}

const columns: Column<Service>[] = [
  nameColumn,
  { name: 'Type', value: ({ spec }) => spec.type ?? '' },
  { name: 'Cluster-IP', value: ({ spec }) => spec.clusterIPs?.[0] ?? '<none>' },
  { name: 'External-IP', value: externalIPText },
  {
    name: 'Port(s)',
    value: (service) => portsOf(service).map(({ port, nodePort, protocol }) => `${port}${nodePort && nodePort > 0 ? `:${nodePort}` : ''}/${protocol}`).join(',') || '<none>',
  },
  ageColumn,
  { name: 'Selector', priority: 1, value: ({ spec }) => formatLabels(spec.selector) },
]

export default defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  storagePrefix: 'registry/services/specs',
  allowCreateOnUpdate: true,
  returnsDeletedObject: true,
  subresources: {
    status: {
      prepareForUpdate({ status }, _old, ctx) {
        status?.loadBalancer?.ingress?.forEach(({ ip }, i) => ip && warningsForIP(`status.loadBalancer.ingress[${i}]`, ip).forEach((text) => ctx.warn(text)))
      },
      validateUpdate: validateServiceStatus,
    },
    proxy: {
      responseKind: { group: '', version: 'v1', kind: 'ServiceProxyOptions' },
      verbs: ['create', 'delete', 'get', 'patch', 'update'],
      connect: 'proxy',
      check: checkServiceProxy,
    },
  },
  columns,
  selectableFields: { 'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '', 'spec.type': ({ spec }) => spec.type ?? '' },
  default: setDefaults,
  beginCreate: allocateCreate,
  beginUpdate: allocateUpdate,
  prepareForUpdate: dropTypeDependentFields,
  validateName: (name) => isDNS1123Label(name),
  validate: (service) => validateService(service),
  validateUpdate: validateServiceUpdate,
  warnings: (service) => warnings(service),
  canonicalize({ spec }) {
    if (spec.type === 'ExternalName') delete spec.internalTrafficPolicy
  },
  afterUpdate: (service, old, ctx) => releaseHeld(heldBy(old), heldBy(service), ctx.system.allocators),
  async afterDelete(service, ctx) {
    releaseHeld(heldBy(service), { ips: [], ports: [] }, ctx.system.allocators)
    const { namespace = '', name = '' } = service.metadata
    if (!ctx.system.get('v1/Endpoints', namespace, name)) return
    await ctx.system.delete('v1/Endpoints', { namespace, name }).catch((error: unknown) => {
      if (!isStatusError(error, 'NotFound')) throw error
    })
  },
})
