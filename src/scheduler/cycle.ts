/** One pod's way through a profile: what its plugins computed on the way. Models framework.CycleState. */
import type { PluginArgs } from './config/types.ts'
import type { Cycle, CycleStates, Handle, Plugin, PodChange, Status } from './framework.ts'
import { failure } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'
import type { Profile } from './profile.ts'

/** What preFilter left for each plugin. */
export class States implements CycleStates {
  readonly plugins: readonly Plugin[]
  readonly values: unknown[]
  /** Plugins that have nothing to filter. */
  readonly skipped: boolean[]

  constructor(plugins: readonly Plugin[], values: unknown[], skipped: boolean[]) {
    this.plugins = plugins
    this.values = values
    this.skipped = skipped
  }

  clone(): States {
    const values = this.values.map((value, i) => (this.skipped[i] || value === undefined ? value : (this.plugins[i]?.cloneState?.(value) ?? value)))
    return new States(this.plugins, values, this.skipped)
  }

  addPod(change: PodChange): void {
    this.plugins.forEach((p, i) => !this.skipped[i] && this.values[i] !== undefined && p.addPod?.(this.values[i], change))
  }

  removePod(change: PodChange): void {
    this.plugins.forEach((p, i) => !this.skipped[i] && this.values[i] !== undefined && p.removePod?.(this.values[i], change))
  }
}

export class ProfileCycle implements Cycle {
  readonly handle: Handle
  readonly profile: string
  readonly states: States
  readonly #profile: Profile
  /** Plugins that ran preFilter to its end: only they may be asked to post-filter with a state. */
  readonly ran: boolean[]

  constructor(profile: Profile, handle: Handle) {
    this.#profile = profile
    this.handle = handle
    this.profile = profile.name
    const { plugins, unprepared } = profile
    this.states = new States(plugins, new Array<unknown>(plugins.length).fill(undefined), [...unprepared])
    this.ran = new Array<boolean>(plugins.length).fill(false)
  }

  args<P extends keyof PluginArgs>(plugin: P): Readonly<PluginArgs[P]> {
    return this.#profile.args(plugin)
  }

  filter(pod: PodInfo, node: NodeInfo, states: CycleStates): Status | undefined {
    return states instanceof States ? this.#profile.filterWithNominated(this.handle.nominator, { pod, node, states }) : failure('foreign cycle state')
  }

  didPreFilter(plugin: string): boolean {
    return this.ran[this.#profile.plugins.findIndex((p) => p.name === plugin)] ?? false
  }
}
