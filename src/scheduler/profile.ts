/**
 * One scheduler name with its plugins in order: runs the extension points. Models pkg/scheduler/framework/runtime.
 */
import type { PluginArgs } from './config/types.ts'
import { takesPart } from './config/points.ts'
import { EXTENSION_POINTS, type ExtensionPoint } from './config/shapes.ts'
import type { ProfileCycle, States } from './cycle.ts'
import type { Handle, Plugin, PostFilterResult, QueueEntry, Refusals, Status } from './framework.ts'
import { failure, isRejection, unresolvable, unschedulable } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { Nominator } from './nominator.ts'
import type { PodInfo } from './pod-info.ts'
import { Memory } from './remembered.ts'

export interface ProfileOptions {
  schedulerName: string
  /** Names of the plugins that take part in each extension point, in order; unless told, all that can, in their own order. */
  points?: Readonly<Record<ExtensionPoint, readonly string[]>>
  /** Of scores, by plugin; the plugins' own unless told. */
  weights?: ReadonlyMap<string, number>
  /** By plugin name. */
  args?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  percentageOfNodesToScore?: number
}

export interface PreFilterOutcome {
  /** Refuses all nodes. */
  status?: Status
  /** The only nodes that come into question. */
  nodes?: ReadonlySet<string>
  /** Plugins that narrowed the nodes. */
  narrowedBy: readonly string[]
}

/** The scores of one plugin, in the order of the nodes. */
export interface PluginScores {
  plugin: string
  weight: number
  scores: Float64Array
}

export class Profile {
  readonly name: string
  readonly plugins: readonly Plugin[]
  readonly percentageOfNodesToScore: number
  /** Plugins whose preFilter is switched off: without its state they have nothing to say. */
  readonly unprepared: readonly boolean[]
  readonly #options: ProfileOptions
  /** Indexes of the plugins of an extension point. */
  readonly #with: Readonly<Record<ExtensionPoint, readonly number[]>>
  readonly #weights: readonly number[]
  readonly #memory = new Memory()
  /** The filters that come first and are local, and those from the first that is not. */
  readonly #localFilters: readonly number[]
  readonly #otherFilters: readonly number[]

  constructor(plugins: readonly Plugin[], options: ProfileOptions) {
    this.name = options.schedulerName
    this.#options = options
    this.percentageOfNodesToScore = options.percentageOfNodesToScore ?? 0
    this.plugins = [...plugins].sort((a, b) => a.order - b.order)
    const all = (point: ExtensionPoint) => this.plugins.flatMap((p, i) => (takesPart(p, point) ? [i] : []))
    const named = (names: readonly string[]) => names.map((name) => this.plugins.findIndex((p) => p.name === name))
    this.#with = Object.fromEntries(EXTENSION_POINTS.map((point) => [point, options.points ? named(options.points[point]) : all(point)])) as Record<ExtensionPoint, number[]>
    this.unprepared = this.plugins.map((p, i) => p.preFilter !== undefined && !this.#with.preFilter.includes(i))
    const filters = this.#with.filter
    const locals = filters.findIndex((i) => !this.plugins[i]?.isLocal)
    this.#localFilters = locals < 0 ? filters : filters.slice(0, locals)
    this.#otherFilters = locals < 0 ? [] : filters.slice(locals)
    this.#weights = this.plugins.map((p) => options.weights?.get(p.name) ?? p.weight ?? 1)
  }

  /** Nodes are asked anew. */
  forgetAnswers(): void {
    this.#memory.clear()
  }

  has(point: ExtensionPoint): boolean {
    return this.#with[point].length > 0
  }

  /** Checked when the configuration was read. */
  args<P extends keyof PluginArgs>(plugin: P): Readonly<PluginArgs[P]> {
    return (this.#options.args?.[plugin] ?? {}) as unknown as PluginArgs[P]
  }

  less(a: QueueEntry, b: QueueEntry): boolean {
    const sort = this.plugins[this.#with.queueSort[0] ?? -1]
    return sort?.less?.(a, b) ?? a.sequence < b.sequence
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
        const status = result.status.code === 'Error' ? failure(`running PreFilter plugin "${plugin.name}": ${result.status.reasons.join(', ')}`) : { ...result.status, plugin: plugin.name }
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

  /** For many nodes: what was said to pods like this one is not asked again. */
  filterOf(nominator: Nominator, pod: PodInfo, states: States): (node: NodeInfo) => Status | undefined {
    const { verdicts } = this.#memory.of(pod)
    const askLocal = (node: NodeInfo) => this.#filter(this.#localFilters, { pod, node, states })
    const others = this.#otherFilters.filter((i) => !states.skipped[i])
    return (node) => {
      if (!nominator.isEmpty && nominator.on(node.name).length > 0) return this.filterWithNominated(nominator, { pod, node, states })
      return verdicts.get(node, askLocal) ?? (others.length > 0 ? this.#filter(others, { pod, node, states }) : undefined)
    }
  }

  /** The node must do with and without the pods of at least equal priority that were promised room there. */
  filterWithNominated(nominator: Nominator, { pod, node, states }: Filtering): Status | undefined {
    if (!nominator.isEmpty) {
      const promised = nominator.on(node.name).filter((p) => p.priority >= pod.priority && p.uid !== pod.uid)
      if (promised.length > 0) {
        const crowded = node.clone()
        const changed = states.clone()
        for (const other of promised) {
          crowded.addPod(other)
          changed.addPod({ pod, other, node: crowded })
        }
        const status = this.#filter(this.#with.filter, { pod, node: crowded, states: changed })
        if (status) return status
      }
    }
    return this.#filter(this.#with.filter, { pod, node, states })
  }

  #filter(filters: readonly number[], { pod, node, states }: Filtering): Status | undefined {
    const { plugins } = this
    const { values, skipped } = states
    for (const i of filters) {
      if (skipped[i]) continue
      const plugin = plugins[i]
      const status = plugin?.filter?.(values[i], pod, node)
      if (status && plugin) return withPlugin(status, plugin.name)
    }
    return undefined
  }

  /** The first plugin that makes room ends it; otherwise the reasons of all are told. */
  postFilter(cycle: ProfileCycle, pod: PodInfo, refusals: Refusals): PostFilterResult | Promise<PostFilterResult> {
    return this.#postFilter({ cycle, pod, refusals, reasons: [] }, this.#with.postFilter)
  }

  #postFilter(attempt: PostFilterAttempt, [i, ...others]: readonly number[]): PostFilterResult | Promise<PostFilterResult> {
    if (i === undefined) return { status: unschedulable(...attempt.reasons), ...(attempt.nominatedNodeName === undefined ? {} : { nominatedNodeName: attempt.nominatedNodeName }) }
    const { cycle, pod, refusals, reasons } = attempt
    const follow = (result: PostFilterResult | undefined) => {
      if (result && (!result.status || result.status.code !== 'Unschedulable')) return result
      if (result?.nominatedNodeName !== undefined) attempt.nominatedNodeName = result.nominatedNodeName
      reasons.push(...(result?.status?.reasons ?? []))
      return this.#postFilter(attempt, others)
    }
    const result = this.plugins[i]?.postFilter?.(cycle, pod, refusals)
    return result instanceof Promise ? result.then(follow) : follow(result)
  }

  /** What each plugin gives each node, before weights; plugins that have nothing to say are left out. */
  scores(cycle: ProfileCycle, pod: PodInfo, nodes: readonly NodeInfo[]): PluginScores[] {
    const all: PluginScores[] = []
    const remembered = this.#memory.of(pod)
    for (const i of this.#with.score) {
      const plugin = this.plugins[i]
      if (!plugin?.score || (plugin.preScore && !this.#with.preScore.includes(i))) continue
      const prepared = plugin.preScore?.(cycle, pod, nodes)
      if (prepared && 'skip' in prepared) continue
      const state = prepared?.state
      const scores = new Float64Array(nodes.length)
      const ask = (node: NodeInfo) => plugin.score?.(state, pod, node) ?? 0
      const known = plugin.isLocal ? remembered.scores(i) : undefined
      for (let n = 0; n < nodes.length; n++) {
        const node = nodes[n]
        if (node) scores[n] = known ? known.get(node, ask) : ask(node)
      }
      plugin.normalize?.(state, scores, nodes)
      all.push({ plugin: plugin.name, weight: this.#weights[i] ?? 1, scores })
    }
    return all
  }

  /** The weighted sum for each node. */
  score(cycle: ProfileCycle, pod: PodInfo, nodes: readonly NodeInfo[]): Float64Array {
    const totals = new Float64Array(nodes.length)
    for (const { scores, weight } of this.scores(cycle, pod, nodes)) for (let n = 0; n < totals.length; n++) totals[n] = (totals[n] ?? 0) + (scores[n] ?? 0) * weight
    return totals
  }

  reserve(cycle: ProfileCycle, pod: PodInfo, nodeName: string): Status | undefined {
    for (const i of this.#with.reserve) {
      const status = this.#present(cycle, i)?.reserve?.(cycle.states.values[i], pod, nodeName)
      if (status) return this.#told(status, i, 'Reserve')
    }
    return undefined
  }

  unreserve(cycle: ProfileCycle, pod: PodInfo, nodeName: string): void {
    for (const i of [...this.#with.reserve].reverse()) this.#present(cycle, i)?.unreserve?.(cycle.states.values[i], pod, nodeName)
  }

  /** A refusal, or how long each plugin that has not decided wants the pod to wait at most. */
  permit(cycle: ProfileCycle, pod: PodInfo, nodeName: string): Status | ReadonlyMap<string, number> {
    const waitsMs = new Map<string, number>()
    for (const i of this.#with.permit) {
      const answer = this.plugins[i]?.permit?.(pod, nodeName, cycle)
      if (answer && 'waitMs' in answer) waitsMs.set(this.plugins[i]?.name ?? '', answer.waitMs)
      else if (answer) return this.#told(answer, i, 'Permit')
    }
    return waitsMs
  }

  #told(status: Status, i: number, point: string): Status {
    const name = this.plugins[i]?.name ?? ''
    return isRejection(status) ? withPlugin(status, name) : failure(`running ${point} plugin "${name}": ${status.reasons.join(', ')}`)
  }

  /** Whether preBind would have something to wait for: then the pod is told its node beforehand. */
  willPreBind(cycle: ProfileCycle, pod: PodInfo, nodeName: string): boolean {
    return this.#with.preBind.some((i) => this.#present(cycle, i)?.willPreBind?.(cycle.states.values[i], pod, nodeName) ?? false)
  }

  async preBind(cycle: ProfileCycle, pod: PodInfo, nodeName: string): Promise<Status | undefined> {
    for (const i of this.#with.preBind) {
      const work = this.#present(cycle, i)?.preBind?.(cycle.states.values[i], pod, nodeName)
      const status = work && (await work)
      if (status) return isRejection(status) ? withPlugin(status, this.plugins[i]?.name ?? '') : failure(`running PreBind plugin "${this.plugins[i]?.name}": ${status.reasons.join(', ')}`)
    }
    return undefined
  }

  async bind(cycle: ProfileCycle, pod: PodInfo, nodeName: string): Promise<Status | undefined> {
    const plugin = this.plugins[this.#with.bind[0] ?? -1]
    if (!plugin?.bind) return failure('no bind plugin')
    const status = await plugin.bind(pod, nodeName, cycle)
    return status && failure(`running Bind plugin "${plugin.name}": ${status.reasons.join(', ')}`)
  }

  postBind(cycle: ProfileCycle, pod: PodInfo, nodeName: string): void {
    for (const i of this.#with.postBind) this.#present(cycle, i)?.postBind?.(cycle.states.values[i], pod, nodeName)
  }

  #present(cycle: ProfileCycle, i: number): Plugin | undefined {
    return cycle.states.skipped[i] ? undefined : this.plugins[i]
  }
}

interface Filtering {
  pod: PodInfo
  node: NodeInfo
  states: States
}

interface PostFilterAttempt {
  cycle: ProfileCycle
  pod: PodInfo
  refusals: Refusals
  reasons: string[]
  nominatedNodeName?: string
}

/** Statuses are shared constants of plugins, so each is named once. */
const named = new WeakMap<Status, Status>()

function withPlugin(status: Status, plugin: string): Status {
  if (status.plugin !== undefined) return status
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
