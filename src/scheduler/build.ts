/** From a configuration to profiles and extenders. Models pkg/scheduler/scheduler.go's New and buildExtenders. */
import type { Pod } from '../../schemas/types.ts'
import type { Clock } from '../clock.ts'
import { DEFAULT_SCHEDULER_NAME } from './config/defaults.ts'
import { expandPlugins } from './config/points.ts'
import type { ProfileConfig, SchedulerConfig } from './config/types.ts'
import { Extender } from './extender.ts'
import type { Plugin } from './framework.ts'
import { Profile } from './profile.ts'

/** Which profile a pod asks for. */
export function schedulerNameOf({ spec }: Pod): string {
  return spec.schedulerName ?? DEFAULT_SCHEDULER_NAME
}

/** Throws Error in upstream's words when one cannot be made. */
export function buildProfiles(config: SchedulerConfig, plugins: readonly Plugin[]): Map<string, Profile> {
  const registry = new Map(plugins.map((p) => [p.name, p]))
  const profiles = new Map<string, Profile>()
  for (const profile of config.profiles) {
    const { schedulerName, percentageOfNodesToScore = config.percentageOfNodesToScore } = profile
    try {
      profiles.set(schedulerName, new Profile(plugins, { schedulerName, percentageOfNodesToScore, args: argsOf(profile, config), ...expandPlugins(profile, registry) }))
    } catch (error) {
      if (error instanceof Error) throw new Error(`initializing profiles: creating profile for scheduler name ${schedulerName}: ${error.message}`, { cause: error })
      throw error
    }
  }
  return profiles
}

/** Resources that only an extender looks after are none of the fit plugin's business. */
function argsOf({ pluginConfig }: ProfileConfig, { extenders }: SchedulerConfig): Record<string, Readonly<Record<string, unknown>>> {
  const args = Object.fromEntries(pluginConfig.map((c) => [c.name, c.args ?? {}]))
  const ignored = extenders.flatMap((e) => e.managedResources ?? []).flatMap((r) => (r.ignoredByScheduler ? [r.name] : []))
  return ignored.length > 0 ? { ...args, NodeResourcesFit: { ...args.NodeResourcesFit, ignoredResources: ignored } } : args
}

/** Those that may be ignored are asked last. */
export function buildExtenders({ extenders }: SchedulerConfig, clock: Clock): Extender[] {
  const built = extenders.map((config) => new Extender(config, clock))
  return [...built.filter((e) => !e.isIgnorable), ...built.filter((e) => e.isIgnorable)]
}
