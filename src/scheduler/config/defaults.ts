/** Fills in what a scheduler's configuration leaves out. Models pkg/scheduler/apis/config/v1/defaults.go and default_plugins.go; which plugins there are, and their weights, is told by their files. */
import type { WeighedResource } from '../resource-scores.ts'
import { argsShapes, EXTENSION_POINTS } from './shapes.ts'
import type { ExtenderConfig, LeaderElection, PluginArgs, PluginConfig, PluginRef, PluginSet, Plugins, ProfileConfig, SchedulerConfig } from './types.ts'

/** As the file gives it. */
export interface GivenConfig {
  parallelism?: number
  leaderElection?: Partial<LeaderElection>
  clientConnection?: { burst?: number }
  percentageOfNodesToScore?: number
  podInitialBackoffSeconds?: number
  podMaxBackoffSeconds?: number
  profiles?: Partial<ProfileConfig>[]
  extenders?: ExtenderConfig[]
}

export const DEFAULT_SCHEDULER_NAME = 'default-scheduler'

/** @param plugins those that are on unless told, in order */
export function withDefaults(given: GivenConfig, plugins: readonly PluginRef[]): SchedulerConfig {
  const profiles = given.profiles?.length ? given.profiles : [{}]
  return {
    parallelism: given.parallelism ?? 16,
    leaderElection: {
      leaderElect: given.leaderElection?.leaderElect ?? true,
      leaseDuration: given.leaderElection?.leaseDuration ?? '15s',
      renewDeadline: given.leaderElection?.renewDeadline ?? '10s',
      retryPeriod: given.leaderElection?.retryPeriod ?? '2s',
      resourceLock: given.leaderElection?.resourceLock || 'leases',
      resourceName: given.leaderElection?.resourceName || 'kube-scheduler',
      resourceNamespace: given.leaderElection?.resourceNamespace || 'kube-system',
    },
    clientConnection: { burst: given.clientConnection?.burst || 100 },
    percentageOfNodesToScore: given.percentageOfNodesToScore ?? 0,
    podInitialBackoffSeconds: given.podInitialBackoffSeconds ?? 1,
    podMaxBackoffSeconds: given.podMaxBackoffSeconds ?? 10,
    profiles: profiles.map((profile) => withProfileDefaults(profile, { isOnly: profiles.length === 1, plugins })),
    extenders: given.extenders ?? [],
  }
}

function withProfileDefaults(profile: Partial<ProfileConfig>, { isOnly, plugins: defaults }: { isOnly: boolean; plugins: readonly PluginRef[] }): ProfileConfig {
  const plugins = mergePlugins(defaults, profile.plugins)
  const pluginConfig = (profile.pluginConfig ?? []).map(withArgsDefaults)
  const known = new Set(pluginConfig.map((c) => c.name))
  const enabled = new Set(Object.values(plugins).flatMap(({ enabled = [] }) => enabled.map((p) => p.name)))
  for (const name of [...enabled].sort()) if (argsShapes[name] && !known.has(name)) pluginConfig.push(withArgsDefaults({ name }))
  return {
    schedulerName: profile.schedulerName ?? (isOnly ? DEFAULT_SCHEDULER_NAME : ''),
    ...(profile.percentageOfNodesToScore === undefined ? {} : { percentageOfNodesToScore: profile.percentageOfNodesToScore }),
    plugins,
    pluginConfig,
  }
}

function mergePlugins(defaults: readonly PluginRef[], custom: Plugins = {}): Plugins {
  const plugins: Plugins = { multiPoint: mergePluginSet(defaults, custom.multiPoint) }
  for (const point of EXTENSION_POINTS) plugins[point] = mergePluginSet([], custom[point])
  return plugins
}

/** Disabled ones go, those named again are set anew in their place, others come behind. */
function mergePluginSet(defaults: readonly PluginRef[], { enabled = [], disabled = [] }: PluginSet = {}): PluginSet {
  const off = new Set(disabled.map((p) => p.name))
  const last = new Map(enabled.map((p, i) => [p.name, i]))
  const replacing = new Set<number>()
  const merged: PluginRef[] = []
  for (const plugin of off.has('*') ? [] : defaults) {
    if (off.has(plugin.name)) continue
    const index = last.get(plugin.name)
    if (index !== undefined) replacing.add(index)
    merged.push((index === undefined ? undefined : enabled[index]) ?? plugin)
  }
  return { enabled: [...merged, ...enabled.filter((_, i) => !replacing.has(i))], disabled: disabled.map(({ name }) => ({ name })) }
}

const CPU_AND_MEMORY: readonly WeighedResource[] = [
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]

const weighed = (resources: readonly Partial<WeighedResource>[] | undefined): WeighedResource[] => (resources?.length ? resources.map(({ name = '', weight }) => ({ name, weight: weight || 1 })) : [...CPU_AND_MEMORY])

type ArgsDefaults = { [P in keyof PluginArgs]: (given: Partial<PluginArgs[P]>) => PluginArgs[P] }

const ARGS_DEFAULTS: ArgsDefaults = {
  DefaultPreemption: (args) => ({ minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100, ...args }),
  DynamicResources: (args) => ({ filterTimeout: '10s', bindingTimeout: '600s', ...args }),
  InterPodAffinity: (args) => ({ hardPodAffinityWeight: 1, ...args }),
  NodeAffinity: (args) => args,
  NodeResourcesBalancedAllocation: (args) => ({ ...args, resources: weighed(args.resources) }),
  NodeResourcesFit: ({ scoringStrategy, ...args }) => ({ ...args, scoringStrategy: scoringStrategy ? { ...scoringStrategy, resources: weighed(scoringStrategy.resources) } : { type: 'LeastAllocated', resources: weighed(undefined) } }),
  PodTopologySpread: (args) => ({ ...args, defaultingType: args.defaultingType || 'System' }),
  VolumeBinding: (args) => ({ bindTimeoutSeconds: 600, ...args }),
}

function withArgsDefaults({ name, args = {} }: PluginConfig): PluginConfig {
  const defaults = (ARGS_DEFAULTS as Readonly<Record<string, ((given: object) => object) | undefined>>)[name]
  return { name, args: (defaults ? defaults(args) : args) as Readonly<Record<string, unknown>> }
}
