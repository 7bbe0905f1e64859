/**
 * Which plugins take part in which extension point of a profile, in which order and with which weight.
 * Models NewFramework and expandMultiPointPlugins of pkg/scheduler/framework/runtime/framework.go.
 */
import { aggregateErrors, quote } from '../../errors.ts'
import type { Plugin } from '../framework.ts'
import { validateFitArgs } from './args-validation.ts'
import type { ExtensionPoint } from './shapes.ts'
import type { PluginArgs, PluginRef, PluginSet, ProfileConfig } from './types.ts'

/** In the order in which upstream makes them, so that the first error is the same. */
const ORDER: readonly ExtensionPoint[] = ['preFilter', 'filter', 'postFilter', 'reserve', 'preScore', 'score', 'preBind', 'bind', 'postBind', 'permit', 'preEnqueue', 'queueSort']

export interface ExpandedPlugins {
  points: Readonly<Record<ExtensionPoint, readonly string[]>>
  weights: ReadonlyMap<string, number>
}

export function takesPart(plugin: Plugin, point: ExtensionPoint): boolean {
  return (point === 'queueSort' ? plugin.less : plugin[point]) !== undefined
}

const typeName = (point: ExtensionPoint): string => `${point.charAt(0).toUpperCase()}${point.slice(1)}Plugin`

/** Throws Error in upstream's words when the profile cannot be made. */
export function expandPlugins(config: ProfileConfig, registry: ReadonlyMap<string, Plugin>): ExpandedPlugins {
  const { plugins, schedulerName, pluginConfig } = config
  const fit = pluginConfig.find((c) => c.name === 'NodeResourcesFit')
  const wrong = fit?.args ? validateFitArgs(fit.args as unknown as PluginArgs['NodeResourcesFit']) : []
  if (wrong.length > 0) throw new Error(`initializing plugin "NodeResourcesFit": ${aggregateErrors(wrong)}`)
  for (const point of ORDER) checkPoint(point, plugins[point]?.enabled ?? [], registry)
  const multi = plugins.multiPoint?.enabled ?? []
  const points = Object.fromEntries(ORDER.map((point) => [point, expand(point, { set: plugins[point] ?? {}, multi, registry })])) as Record<ExtensionPoint, string[]>
  if (points.queueSort.length !== 1) throw new Error(`only one queue sort plugin required for profile with scheduler name ${quote(schedulerName)}, but got ${points.queueSort.length}`)
  if (points.bind.length === 0) throw new Error(`at least one bind plugin is needed for profile with scheduler name ${quote(schedulerName)}`)
  return { points, weights: weightsOf([...(plugins.score?.enabled ?? []), ...multi], registry) }
}

function checkPoint(point: ExtensionPoint, enabled: readonly PluginRef[], registry: ReadonlyMap<string, Plugin>): void {
  const seen = new Set<string>()
  for (const { name } of enabled) {
    const plugin = registry.get(name)
    if (!plugin) throw new Error(`${typeName(point)} ${quote(name)} does not exist`)
    if (!takesPart(plugin, point)) throw new Error(`plugin ${quote(name)} does not extend ${typeName(point)} plugin`)
    if (seen.has(name)) throw new Error(`plugin ${quote(name)} already registered as ${quote(typeName(point))}`)
    seen.add(name)
  }
}

interface Expansion {
  set: PluginSet
  multi: readonly PluginRef[]
  registry: ReadonlyMap<string, Plugin>
}

/** First those named here that multiPoint has too, then the others of multiPoint, then the others named here. */
function expand(point: ExtensionPoint, { set: { enabled = [], disabled = [] }, multi, registry }: Expansion): string[] {
  const own = enabled.map((p) => p.name)
  const off = new Set(disabled.map((p) => p.name))
  if (off.has('*')) return own
  const overriding = new Set<string>()
  const others: string[] = []
  for (const { name } of multi) {
    const plugin = registry.get(name)
    if (!plugin) throw new Error(`${typeName(point)} ${quote(name)} does not exist`)
    if (!takesPart(plugin, point) || off.has(name)) continue
    if (own.includes(name)) overriding.add(name)
    else if (others.includes(name)) throw new Error(`plugin ${quote(name)} already registered as ${quote(typeName(point))}`)
    else others.push(name)
  }
  return [...own.filter((name) => overriding.has(name)), ...others, ...own.filter((name) => !overriding.has(name))]
}

function weightsOf(refs: readonly PluginRef[], registry: ReadonlyMap<string, Plugin>): Map<string, number> {
  const weights = new Map<string, number>()
  for (const { name, weight } of refs) {
    if (weights.has(name) || !registry.get(name)?.score) continue
    weights.set(name, weight || 1)
  }
  return weights
}
