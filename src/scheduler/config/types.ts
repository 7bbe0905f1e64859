/** A scheduler's configuration with all defaults in it. Models pkg/scheduler/apis/config/types.go. */
import type { NodeAffinity, TopologySpreadConstraint } from '../../../schemas/types.ts'
import type { ShapePoint, WeighedResource } from '../resource-scores.ts'
import type { ExtensionPoint } from './shapes.ts'

export interface SchedulerConfig {
  parallelism: number
  leaderElection: LeaderElection
  clientConnection: { burst: number }
  percentageOfNodesToScore: number
  podInitialBackoffSeconds: number
  podMaxBackoffSeconds: number
  profiles: ProfileConfig[]
  extenders: ExtenderConfig[]
}

/** Checked, and not acted upon: inside the process there is one scheduler. */
export interface LeaderElection {
  leaderElect: boolean
  /** Durations in Go's words. */
  leaseDuration: string
  renewDeadline: string
  retryPeriod: string
  resourceLock: string
  resourceName: string
  resourceNamespace: string
}

export interface PluginRef {
  name: string
  weight?: number
}

export interface PluginSet {
  enabled?: PluginRef[]
  disabled?: PluginRef[]
}

export type Plugins = Partial<Record<ExtensionPoint | 'multiPoint' | 'placementGenerate' | 'placementScore', PluginSet>>

export interface ProfileConfig {
  schedulerName: string
  percentageOfNodesToScore?: number
  plugins: Plugins
  pluginConfig: PluginConfig[]
}

export interface PluginConfig {
  name: string
  args?: Readonly<Record<string, unknown>>
}

/** What plugins find in their arguments. */
export interface PluginArgs {
  DefaultPreemption: { minCandidateNodesPercentage: number; minCandidateNodesAbsolute: number }
  DynamicResources: { filterTimeout: string; bindingTimeout: string }
  InterPodAffinity: { hardPodAffinityWeight: number; ignorePreferredTermsOfExistingPods?: boolean }
  NodeAffinity: { addedAffinity?: NodeAffinity }
  NodeResourcesBalancedAllocation: { resources: WeighedResource[] }
  NodeResourcesFit: { ignoredResources?: string[]; ignoredResourceGroups?: string[]; scoringStrategy: ScoringStrategy }
  PodTopologySpread: { defaultConstraints?: TopologySpreadConstraint[]; defaultingType: 'System' | 'List' }
  VolumeBinding: { bindTimeoutSeconds: number }
}

export interface ScoringStrategy {
  type: string
  resources: WeighedResource[]
  requestedToCapacityRatio?: { shape?: ShapePoint[] }
}

export interface ExtenderConfig {
  urlPrefix: string
  filterVerb?: string
  preemptVerb?: string
  prioritizeVerb?: string
  bindVerb?: string
  weight?: number
  enableHTTPS?: boolean
  tlsConfig?: ExtenderTLS
  httpTimeout?: string
  nodeCacheCapable?: boolean
  managedResources?: { name: string; ignoredByScheduler?: boolean }[]
  ignorable?: boolean
}

export interface ExtenderTLS {
  insecure?: boolean
  serverName?: string
  certFile?: string
  keyFile?: string
  caFile?: string
  /** Base64. */
  certData?: string
  keyData?: string
  caData?: string
}
