/**
 * The objects that a fresh cluster has, roles and bindings aside (see src/auth/bootstrap-roles.ts). Models what the server
 * makes at its start: k8s.io/kubernetes/pkg/controlplane/controller, pkg/registry/{scheduling,flowcontrol}/rest and the
 * auto-registration of API services.
 */
import { localAvailable } from '../../api/apiregistration/v1/_availability.ts'
import { danglingCondition } from '../../api/flowcontrol/v1/_dangling.ts'
import { MANDATORY_FLOW_SCHEMAS, MANDATORY_PRIORITY_LEVELS, SUGGESTED_FLOW_SCHEMAS, SUGGESTED_PRIORITY_LEVELS } from '../../api/flowcontrol/v1/_bootstrap.ts'
import { SYSTEM_PRIORITY_CLASSES } from '../../api/scheduling/v1/priorityclass.ts'
import { familyOf, nthAddress } from '../apimachinery/ip-address.ts'
import { formatTime } from '../clock.ts'
import { apiPriority } from './api-priorities.ts'
import type { KubeObject } from './kind.ts'
import type { APIService, ConfigMap, Endpoints, EndpointSlice, FlowSchema, PriorityClass, PriorityLevelConfiguration, Service, ServiceCIDR } from '../../schemas/types.ts'

export interface BootstrapOptions {
  /** Milliseconds since the epoch. */
  now: number
  /** One, or two of different families; the first is the default one. */
  serviceCIDRs: readonly string[]
  /** The port the server listens on. */
  port: number
  /** How pods reach the server; left out where there is only a loopback address, which endpoints may not have. */
  advertiseAddress?: string
  /** PEM of the authority of client certificates. */
  clientCA: string
  /** PEM of the authority of the front proxy's certificate and the names it may have. */
  frontProxy?: { ca: string; allowedNames: readonly string[]; usernameHeaders: readonly string[]; groupHeaders: readonly string[]; extraHeaderPrefixes: readonly string[] }
  /** What is served from the start; one may come several times. */
  groupVersions: readonly { group: string; version: string }[]
}

export const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'] as const

const AUTO_UPDATED = { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'true' } }
const SERVICE = { namespace: 'default', name: 'kubernetes' }

const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
const priorityClass = (definition: PriorityClass): PriorityClass => ({ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', ...definition })

function flowControl(now: string): KubeObject[] {
  const apiVersion = 'flowcontrol.apiserver.k8s.io/v1'
  const levels = Object.entries({ ...SUGGESTED_PRIORITY_LEVELS, ...MANDATORY_PRIORITY_LEVELS }).map(
    ([name, spec]): PriorityLevelConfiguration => ({ apiVersion, kind: 'PriorityLevelConfiguration', metadata: { name, ...AUTO_UPDATED }, spec }),
  )
  const schemas = Object.entries({ ...SUGGESTED_FLOW_SCHEMAS, ...MANDATORY_FLOW_SCHEMAS }).map(
    ([name, spec]): FlowSchema => ({ apiVersion, kind: 'FlowSchema', metadata: { name, ...AUTO_UPDATED }, spec, status: { conditions: [danglingCondition(spec, true, now)] } }),
  )
  return [...levels, ...schemas]
}

function serviceCIDR({ serviceCIDRs }: BootstrapOptions, now: string): ServiceCIDR {
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: now, reason: '', message: 'Kubernetes default Service CIDR is ready' }
  return { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: 'kubernetes' }, spec: { cidrs: [...serviceCIDRs] }, status: { conditions: [ready] } }
}

function kubernetesService({ serviceCIDRs: [cidr = ''], port }: BootstrapOptions): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...SERVICE, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
      clusterIP: nthAddress(cidr, 1),
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      type: 'ClusterIP',
    },
  }
}

function kubernetesEndpoints(ip: string, port: number): [Endpoints, EndpointSlice] {
  const ports = [{ name: 'https', port, protocol: 'TCP' }]
  return [
    {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { ...SERVICE, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip }], ports }],
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...SERVICE, labels: { 'kubernetes.io/service-name': SERVICE.name } },
      addressType: familyOf(ip),
      endpoints: [{ addresses: [ip], conditions: { ready: true } }],
      ports,
    },
  ]
}

const configMap = (name: string, data: Record<string, string>): ConfigMap => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'kube-system', name }, data })

/** How servers beside this one find out whom to trust. */
function extensionAuthentication({ clientCA, frontProxy }: BootstrapOptions): ConfigMap {
  const list = (...items: readonly string[]): string => JSON.stringify(items)
  return configMap('extension-apiserver-authentication', {
    'client-ca-file': clientCA,
    ...(frontProxy && {
      'requestheader-allowed-names': list(...frontProxy.allowedNames),
      'requestheader-client-ca-file': frontProxy.ca,
      'requestheader-extra-headers-prefix': list(...frontProxy.extraHeaderPrefixes),
      'requestheader-group-headers': list(...frontProxy.groupHeaders),
      'requestheader-username-headers': list(...frontProxy.usernameHeaders),
    }),
  })
}

/** The API services that say: this server answers the group version itself. */
function localAPIServices(groupVersions: BootstrapOptions['groupVersions'], now: string): APIService[] {
  const services = new Map<string, APIService>()
  for (const { group, version } of groupVersions) {
    const priority = apiPriority({ group, version })
    if (!priority) continue
    const name = `${version}.${group}`
    services.set(name, {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name, labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
      spec: { ...(group ? { group } : {}), version, groupPriorityMinimum: priority.group, versionPriority: priority.version },
      status: { conditions: [localAvailable(now)] },
    })
  }
  return [...services.values()]
}

/** In the order in which they can be made. Some have a status, which is written separately from the object. */
export function bootstrapObjects(options: BootstrapOptions): KubeObject[] {
  const now = formatTime(options.now)
  const { advertiseAddress, port } = options
  return [
    ...SYSTEM_NAMESPACES.map(namespace),
    ...SYSTEM_PRIORITY_CLASSES.map(priorityClass),
    ...flowControl(now),
    serviceCIDR(options, now),
    kubernetesService(options),
    ...(advertiseAddress ? kubernetesEndpoints(advertiseAddress, port) : []),
    extensionAuthentication(options),
    configMap('kube-apiserver-legacy-service-account-token-tracking', { since: now.slice(0, 'yyyy-mm-dd'.length) }),
    ...localAPIServices(options.groupVersions, now),
  ]
}
