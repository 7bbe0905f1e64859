/**
 * What a KubeSchedulerConfiguration file may hold. These types are not part of the API, so the generated facts do not have
 * them. Models k8s.io/kube-scheduler/config/v1/types.go and types_pluginargs.go.
 */
import { struct, typeMeta, type Shape, type StructShape } from '../../apimachinery/config/shape.ts'

const plugin = struct('Plugin', { name: 'string', weight: 'int32' })
const pluginSet = struct('PluginSet', { enabled: { list: plugin }, disabled: { list: plugin } })

/** Extension points as the file names them, without multiPoint. */
export const EXTENSION_POINTS = ['preEnqueue', 'queueSort', 'preFilter', 'filter', 'postFilter', 'preScore', 'score', 'reserve', 'permit', 'preBind', 'bind', 'postBind'] as const
export type ExtensionPoint = (typeof EXTENSION_POINTS)[number]

const plugins = struct('Plugins', Object.fromEntries([...EXTENSION_POINTS, 'multiPoint', 'placementGenerate', 'placementScore'].map((point) => [point, pluginSet])))

const profile = struct('KubeSchedulerProfile', {
  schedulerName: 'string',
  percentageOfNodesToScore: 'int32',
  plugins,
  pluginConfig: { list: struct('PluginConfig', { name: 'string', args: 'raw' }) },
})

const extender = struct('Extender', {
  urlPrefix: 'string',
  filterVerb: 'string',
  preemptVerb: 'string',
  prioritizeVerb: 'string',
  weight: 'int64',
  bindVerb: 'string',
  enableHTTPS: 'bool',
  tlsConfig: struct('ExtenderTLSConfig', { insecure: 'bool', serverName: 'string', certFile: 'string', keyFile: 'string', caFile: 'string', certData: 'bytes', keyData: 'bytes', caData: 'bytes' }),
  httpTimeout: 'duration',
  nodeCacheCapable: 'bool',
  managedResources: { list: struct('ExtenderManagedResource', { name: 'string', ignoredByScheduler: 'bool' }) },
  ignorable: 'bool',
})

export const configurationShape = struct('KubeSchedulerConfiguration', {
  ...typeMeta,
  parallelism: 'int32',
  leaderElection: struct('LeaderElectionConfiguration', { leaderElect: 'bool', leaseDuration: 'duration', renewDeadline: 'duration', retryPeriod: 'duration', resourceLock: 'string', resourceName: 'string', resourceNamespace: 'string' }),
  clientConnection: struct('ClientConnectionConfiguration', { kubeconfig: 'string', acceptContentTypes: 'string', contentType: 'string', qps: 'float32', burst: 'int32' }),
  enableProfiling: 'bool',
  enableContentionProfiling: 'bool',
  percentageOfNodesToScore: 'int32',
  podInitialBackoffSeconds: 'int64',
  podMaxBackoffSeconds: 'int64',
  profiles: { list: profile },
  extenders: { list: extender },
  delayCacheUntilActive: 'bool',
})

const resources = { list: struct('ResourceSpec', { name: 'string', weight: 'int64' }) }
const shape = { list: struct('UtilizationShapePoint', { utilization: 'int32', score: 'int32' }) }
const args = (plugin: string, fields: Readonly<Record<string, Shape>>): StructShape => struct(`${plugin}Args`, { ...typeMeta, ...fields })

/** Of the plugins that have arguments. */
export const argsShapes: Readonly<Record<string, StructShape>> = {
  DefaultPreemption: args('DefaultPreemption', { minCandidateNodesPercentage: 'int32', minCandidateNodesAbsolute: 'int32' }),
  DynamicResources: args('DynamicResources', { filterTimeout: 'duration', bindingTimeout: 'duration' }),
  InterPodAffinity: args('InterPodAffinity', { hardPodAffinityWeight: 'int32', ignorePreferredTermsOfExistingPods: 'bool' }),
  NodeAffinity: args('NodeAffinity', { addedAffinity: { api: 'io.k8s.api.core.v1.NodeAffinity' } }),
  NodeResourcesBalancedAllocation: args('NodeResourcesBalancedAllocation', { resources }),
  NodeResourcesFit: args('NodeResourcesFit', {
    ignoredResources: { list: 'string' },
    ignoredResourceGroups: { list: 'string' },
    scoringStrategy: struct('ScoringStrategy', { type: 'string', resources, requestedToCapacityRatio: struct('RequestedToCapacityRatioParam', { shape }) }),
  }),
  PodTopologySpread: args('PodTopologySpread', { defaultConstraints: { list: { api: 'io.k8s.api.core.v1.TopologySpreadConstraint' } }, defaultingType: 'string' }),
  VolumeBinding: args('VolumeBinding', { bindTimeoutSeconds: 'int64', shape }),
}
