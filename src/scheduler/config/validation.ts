/** What is wrong with a scheduler's configuration, in upstream's words. Models pkg/scheduler/apis/config/validation/validation.go. */
import { equalJSON } from '../../apimachinery/json.ts'
import { parseDuration } from '../../apimachinery/go-duration.ts'
import { isQualifiedName } from '../../apimachinery/validation.ts'
import { field, quote, type FieldError } from '../../errors.ts'
import { validateArgs } from './args-validation.ts'
import { EXTENSION_POINTS } from './shapes.ts'
import type { ExtenderConfig, LeaderElection, PluginRef, PluginSet, ProfileConfig, SchedulerConfig } from './types.ts'

const API_VERSION = 'kubescheduler.config.k8s.io/v1'
/** Plugins that were, and are no more. */
const REMOVED = new Set(['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits'])
const REMOVED_TEXT = `was invalid in version "v1" (KubeSchedulerConfiguration is version ${quote(API_VERSION)})`
/** Resources without a domain, or of Kubernetes' own; quotas' names are kept free. */
const NATIVE_RESOURCE = /^[^/]*$|kubernetes\.io\/|^requests\./

export function validateConfig(config: SchedulerConfig): string[] {
  const errors: FieldError[] = []
  if (config.clientConnection.burst < 0) errors.push(field.invalid('clientConnection.burst', config.clientConnection.burst, 'must be non-negative'))
  errors.push(...leaderElectionErrors(config.leaderElection))
  if (config.parallelism <= 0) errors.push(field.invalid('parallelism', config.parallelism, 'should be an integer value greater than zero'))
  errors.push(...profileErrors(config.profiles), ...percentageErrors('percentageOfNodesToScore', config.percentageOfNodesToScore))
  const { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: max } = config
  if (initial <= 0) errors.push(field.invalid('podInitialBackoffSeconds', initial, 'must be greater than 0'))
  if (max < initial) errors.push(field.invalid('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds'))
  errors.push(...extenderErrors(config.extenders))
  return [...new Set(errors.map((e) => `${e.field}: ${e.body}`))]
}

function leaderElectionErrors(election: LeaderElection): FieldError[] {
  if (!election.leaderElect) return []
  const errors: FieldError[] = []
  for (const name of ['leaseDuration', 'renewDeadline', 'retryPeriod'] as const) {
    if (parseDuration(election[name]) <= 0n) errors.push(field.invalid(`leaderElection.${name}`, election[name], 'must be greater than zero'))
  }
  if (parseDuration(election.leaseDuration) <= parseDuration(election.renewDeadline)) errors.push(field.invalid('leaderElection.leaseDuration', election.renewDeadline, 'must be greater than `RenewDeadline`'))
  if (election.resourceLock !== 'leases') errors.push(field.invalid('leaderElection.resourceLock', election.resourceLock, 'resourceLock value must be "leases"'))
  return errors
}

function percentageErrors(path: string, value: number | undefined): FieldError[] {
  return value !== undefined && (value < 0 || value > 100) ? [field.invalid(path, value, 'not in valid range [0-100]')] : []
}

function profileErrors(profiles: readonly ProfileConfig[]): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, profile] of profiles.entries()) {
    const path = `profiles[${i}]`
    if (!profile.schedulerName) errors.push(field.required(`${path}.schedulerName`))
    errors.push(...percentageErrors(`${path}.percentageOfNodesToScore`, profile.percentageOfNodesToScore), ...pluginErrors(path, profile))
    // Upstream hands a path over where the value belongs, which has nothing to print.
    if (names.has(profile.schedulerName)) errors.push(field.duplicate(`${path}.schedulerName`, {}))
    names.add(profile.schedulerName)
  }
  return [...errors, ...queueSortErrors(profiles)]
}

function pluginErrors(path: string, { plugins, pluginConfig }: ProfileConfig): FieldError[] {
  const errors: FieldError[] = []
  for (const point of EXTENSION_POINTS) {
    plugins[point]?.enabled?.forEach(({ name }, i) => {
      if (REMOVED.has(name)) errors.push(field.invalid(`${path}.plugins.${point}.enabled[${i}]`, name, REMOVED_TEXT))
    })
  }
  const seen = new Set<string>()
  for (const [i, { name, args = {} }] of pluginConfig.entries()) {
    const place = `${path}.pluginConfig[${i}]`
    if (seen.has(name)) errors.push(field.duplicate(place, name))
    seen.add(name)
    if (REMOVED.has(name)) errors.push(field.invalid(place, name, REMOVED_TEXT))
    else errors.push(...validateArgs(name, args, `${place}.args`))
  }
  return errors
}

function queueSortErrors([first, ...others]: readonly ProfileConfig[]): FieldError[] {
  const canon = first?.plugins.queueSort
  const count = canon?.enabled?.length ?? 0
  const errors = count > 1 ? [field.invalid('profiles[0].plugins.queueSort.Enabled', count, 'only one queue sort plugin can be enabled')] : []
  others.forEach(({ plugins }, i) => {
    if (!equalJSON(plugins.queueSort ?? {}, canon ?? {})) errors.push(field.invalid(`profiles[${i + 1}].plugins.queueSort`, internalForm(plugins.queueSort ?? {}), 'must be the same for all profiles'))
  })
  return errors
}

/** As upstream's internal type prints. */
function internalForm({ enabled = [], disabled = [] }: PluginSet): object {
  const refs = (list: readonly PluginRef[]) => (list.length > 0 ? list.map(({ name, weight = 0 }) => ({ Name: name, Weight: weight })) : null)
  return { Enabled: refs(enabled), Disabled: refs(disabled) }
}

function extenderErrors(extenders: readonly ExtenderConfig[]): FieldError[] {
  const errors: FieldError[] = []
  const managed = new Set<string>()
  for (const [i, { prioritizeVerb, weight = 0, managedResources = [] }] of extenders.entries()) {
    if (prioritizeVerb && weight <= 0) errors.push(field.invalid(`extenders[${i}].weight`, weight, 'must have a positive weight applied to it'))
    for (const [j, { name }] of managedResources.entries()) {
      const path = `extenders[${i}].managedResources[${j}].name`
      const wrong = isQualifiedName(name)
      for (const text of wrong) errors.push(field.invalid(path, name, text))
      if (wrong.length === 0 && (NATIVE_RESOURCE.test(name) || isQualifiedName(`requests.${name}`).length > 0)) errors.push(field.invalid(path, name, 'is an invalid extended resource name'))
      if (managed.has(name)) errors.push(field.invalid(path, name, 'duplicate extender managed resource name'))
      managed.add(name)
    }
  }
  const binders = extenders.filter((e) => e.bindVerb).length
  if (binders > 1) errors.push(field.invalid('extenders', `found ${binders} extenders implementing bind`, 'only one extender can implement bind'))
  return errors
}
