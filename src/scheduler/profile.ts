/**
 * One scheduler name with its plugins in order: runs the extension points. Models pkg/scheduler/framework/runtime.
 */
import type { Cycle, CycleStates, Handle, Plugin, PodChange, PostFilterResult, QueueEntry, Refusals, Status } from './framework.ts'
import { failure, isRejection, unresolvable, unschedulable } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { Nominator } from './nominator.ts'
import type { PodInfo } from './pod-info.ts'

export interface ProfileConfig {
  schedulerName: string
  /** By plugin name. */
  args?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  percentageOfNodesToScore?: number
}

/** What preFilter left for a plugin: `false` when it has nothing to filter. */
class States implements CycleStates {
  readonly plugins: readonly Plugin[]
  readonly values: unknown[]
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
    this.plugins.forEach((p, i) => !this.skipped[i] && p.addPod?.(this.values[i], change))
  }

  removePod(change: PodChange): void {
    this.plugins.forEach((p, i) => !this.skipped[i] && p.removePod?.(this.values[i], change))
  }
}

export interface PreFilterOutcome {
  /** Refuses all nodes. */
  status?: Status
  /** The only nodes that come into question. */
  nodes?: ReadonlySet<string>
  /** Plugins that narrowed the nodes. */
  narrowedBy: readonly string[]
}

/** One pod's way through a profile. */
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
    const { plugins } = profile
    this.states = new States(plugins, new Array<unknown>(plugins.length).fill(undefined), new Array<boolean>(plugins.length).fill(false))
    this.ran = new Array<boolean>(plugins.length).fill(false)
  }

  args(plugin: string): Readonly<Record<string, unknown>> {
    return this.#profile.args(plugin)
  }

  filter(pod: PodInfo, node: NodeInfo, states: CycleStates): Status | undefined {
    return states instanceof States ? this.#profile.filterWithNominated(this.handle.nominator, { pod, node, states }) : failure('foreign cycle state')
  }

  didPreFilter(plugin: string): boolean {
    return this.ran[this.#profile.plugins.findIndex((p) => p.name === plugin)] ?? false
  }
}

export class Profile {
  readonly name: string
  readonly plugins: readonly Plugin[]
  readonly percentageOfNodesToScore: number
  readonly #config: ProfileConfig
  /** Indexes of the plugins that have an extension point. */
  readonly #with: Readonly<Record<'preFilter' | 'filter' | 'postFilter' | 'score' | 'reserve' | 'permit' | 'preBind' | 'bind' | 'preEnqueue', readonly number[]>>

  constructor(plugins: readonly Plugin[], config: ProfileConfig) {
    this.name = config.schedulerName
    this.#config = config
    this.percentageOfNodesToScore = config.percentageOfNodesToScore ?? 0
    this.plugins = [...plugins].sort((a, b) => a.order - b.order)
    const having = (has: (p: Plugin) => unknown) => this.plugins.flatMap((p, i) => (has(p) ? [i] : []))
    this.#with = {
      preEnqueue: having((p) => p.preEnqueue),
      preFilter: having((p) => p.preFilter),
      filter: having((p) => p.filter),
      postFilter: having((p) => p.postFilter),
      score: having((p) => p.score),
      reserve: having((p) => p.reserve),
      permit: having((p) => p.permit),
      preBind: having((p) => p.preBind),
      bind: having((p) => p.bind),
    }
  }

  args(plugin: string): Readonly<Record<string, unknown>> {
    return this.#config.args?.[plugin] ?? {}
  }

  less(a: QueueEntry, b: QueueEntry): boolean {
    for (const p of this.plugins) if (p.less) return p.less(a, b)
    return a.sequence < b.sequence
  }

  preEnqueue(pod: PodInfo, handle: Handle): Status | undefined {
    for (const i of this.#with.preEnqueue) {
      const plugin = this.plugins[i]
      const status = plugin?.preEnqueue?.(pod, handle)
      if (status && plugin) return { ...status, plugin: plugin.name }
    }
    return undefined
  }

  preFilter(cycle: ProfileCycle, pod: PodInfo): PreFilterOutcome {
    const { states, ran } = cycle
    const narrowedBy: string[] = []
    let nodes: ReadonlySet<string> | undefined
    let refused: Status | undefined
    for (const i of this.#with.preFilter) {
      const plugin = this.plugins[i]
      const result = plugin?.preFilter?.(cycle, pod)
      if (!plugin || !result) continue
      if ('status' in result) {
        const status = { ...result.status, plugin: plugin.name }
        // Preemption may still help against a mere Unschedulable, and needs the states of the other plugins.
        if (status.code !== 'Unschedulable') return { status, narrowedBy: [] }
        refused = status
        continue
      }
      ran[i] = true
      if ('skip' in result) {
        states.skipped[i] = true
        continue
      }
      states.values[i] = result.state
      if (!result.nodes) continue
      narrowedBy.push(plugin.name)
      nodes = intersect(nodes, result.nodes)
      if (nodes.size === 0) return { status: unresolvable(unsatisfied(narrowedBy)), narrowedBy }
    }
    return { ...(refused ? { status: refused } : {}), ...(nodes ? { nodes } : {}), narrowedBy }
  }

  /** The node must do with and without the pods of at least equal priority that were promised room there. */
  filterWithNominated(nominator: Nominator, { pod, node, states }: { pod: PodInfo; node: NodeInfo; states: States }): Status | undefined {
    if (!nominator.isEmpty) {
      const promised = nominator.on(node.name).filter((p) => p.priority >= pod.priority && p.uid !== pod.uid)
      if (promised.length > 0) {
        const crowded = node.clone()
        const changed = states.clone()
        for (const other of promised) {
          crowded.addPod(other)
          changed.addPod({ pod, other, node: crowded })
        }
        const status = this.#filter(pod, crowded, changed)
        if (status) return status
      }
    }
    return this.#filter(pod, node, states)
  }

  #filter(pod: PodInfo, node: NodeInfo, { values, skipped }: States): Status | undefined {
    const { plugins } = this
    for (const i of this.#with.filter) {
      if (skipped[i]) continue
      const plugin = plugins[i]
      const status = plugin?.filter?.(values[i], pod, node)
      if (status && plugin) return status.plugin === plugin.name ? status : withPlugin(status, plugin.name)
    }
    return undefined
  }

  postFilter(cycle: ProfileCycle, pod: PodInfo, refusals: Refusals): PostFilterResult {
    const reasons: string[] = []
    let nominatedNodeName: string | undefined
    for (const i of this.#with.postFilter) {
      const plugin = this.plugins[i]
      const result = plugin?.postFilter?.(cycle, pod, refusals)
      if (!result) continue
      if (!result.status || result.status.code !== 'Unschedulable') return result
      if (result.nominatedNodeName !== undefined) nominatedNodeName = result.nominatedNodeName
      reasons.push(...result.status.reasons)
    }
    return { status: unschedulable(...reasons), ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }) }
  }

  /** The weighted sum for each node. */
  score(cycle: ProfileCycle, pod: PodInfo, nodes: readonly NodeInfo[]): Float64Array {
    const totals = new Float64Array(nodes.length)
    for (const i of this.#with.score) {
      const plugin = this.plugins[i]
      if (!plugin?.score) continue
      const prepared = plugin.preScore?.(cycle, pod, nodes)
      if (prepared && 'skip' in prepared) continue
      const state = prepared?.state
      const scores = new Float64Array(nodes.length)
      for (let n = 0; n < nodes.length; n++) {
        const node = nodes[n]
        if (node) scores[n] = plugin.score(state, pod, node)
      }
      plugin.normalize?.(state, scores, nodes)
      const weight = plugin.weight ?? 1
      for (let n = 0; n < scores.length; n++) totals[n] = (totals[n] ?? 0) + (scores[n] ?? 0) * weight
    }
    return totals
  }

  reserve(cycle: ProfileCycle, pod: PodInfo, nodeName: string): Status | undefined {
    for (const i of this.#with.reserve) {
      const status = this.#present(cycle, i)?.reserve?.(cycle.states.values[i], pod, nodeName)
      if (status) return withPlugin(status, this.plugins[i]?.name ?? '')
    }
    return undefined
  }

  unreserve(cycle: ProfileCycle, pod: PodInfo, nodeName: string): void {
    for (const i of [...this.#with.reserve].reverse()) this.#present(cycle, i)?.unreserve?.(cycle.states.values[i], pod, nodeName)
  }

  permit(cycle: ProfileCycle, pod: PodInfo, nodeName: string): Status | undefined {
    for (const i of this.#with.permit) {
      const status = this.plugins[i]?.permit?.(pod, nodeName, cycle)
      if (status) return withPlugin(status, this.plugins[i]?.name ?? '')
    }
    return undefined
  }

  async preBind(cycle: ProfileCycle, pod: PodInfo, nodeName: string): Promise<Status | undefined> {
    for (const i of this.#with.preBind) {
      const work = this.#present(cycle, i)?.preBind?.(cycle.states.values[i], pod, nodeName)
      const status = work && (await work)
      if (status) return failure(`running PreBind plugin "${this.plugins[i]?.name}": ${status.reasons.join(', ')}`)
    }
    return undefined
  }

  async bind(cycle: ProfileCycle, pod: PodInfo, nodeName: string): Promise<Status | undefined> {
    const plugin = this.plugins[this.#with.bind[0] ?? -1]
    if (!plugin?.bind) return failure('no bind plugin')
    const status = await plugin.bind(pod, nodeName, cycle)
    return status && failure(`running Bind plugin "${plugin.name}": ${status.reasons.join(', ')}`)
  }

  #present(cycle: ProfileCycle, i: number): Plugin | undefined {
    return cycle.states.skipped[i] ? undefined : this.plugins[i]
  }
}

/** Statuses are shared constants of plugins, so each is named once. */
const named = new WeakMap<Status, Status>()

function withPlugin(status: Status, plugin: string): Status {
  let found = named.get(status)
  if (!found) named.set(status, (found = { ...status, plugin }))
  return found
}

function intersect(a: ReadonlySet<string> | undefined, b: ReadonlySet<string>): ReadonlySet<string> {
  return a ? new Set([...a].filter((name) => b.has(name))) : b
}

function unsatisfied(plugins: readonly string[]): string {
  return plugins.length === 1 ? `node(s) didn't satisfy plugin ${plugins[0]}` : `node(s) didn't satisfy plugin(s) [${[...plugins].sort().join(' ')}] simultaneously`
}

export function isPreFilterRejection(outcome: PreFilterOutcome): outcome is PreFilterOutcome & { status: Status } {
  return outcome.status !== undefined && isRejection(outcome.status)
}
