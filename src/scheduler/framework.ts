/**
 * The scheduling framework: plugins are values with optional methods, outcomes are a Status, per-cycle state is passed
 * in. Models k8s.io/kube-scheduler/framework and pkg/scheduler/framework.
 */
import type { Logger } from 'pino'
import type { Clock, Random } from '../clock.ts'
import type { Client } from '../client/client.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Informers } from '../client/lister.ts'
import type { Cache } from './cache.ts'
import type { PluginArgs } from './config/types.ts'
import type { Extender } from './extender.ts'
import type { EventInterest } from './cluster-events.ts'
import type { NodeInfo } from './node-info.ts'
import type { Nominator } from './nominator.ts'
import type { PodInfo } from './pod-info.ts'
import type { WaitingPods } from './waiting-pods.ts'

export const MAX_NODE_SCORE = 100

/**
 * Unschedulable: preemption may help. Unresolvable: it cannot (UnschedulableAndUnresolvable).
 * Success is the absence of a Status.
 */
export type Code = 'Unschedulable' | 'Unresolvable' | 'Error'

export interface Status {
  readonly code: Code
  readonly reasons: readonly string[]
  /** Set by the framework: who gave it. */
  readonly plugin?: string
}

export const unschedulable = (...reasons: string[]): Status => ({ code: 'Unschedulable', reasons })
export const unresolvable = (...reasons: string[]): Status => ({ code: 'Unresolvable', reasons })
export const failure = (message: string): Status => ({ code: 'Error', reasons: [message] })

export function isRejection(status: Status): boolean {
  return status.code === 'Unschedulable' || status.code === 'Unresolvable'
}

export function messageOf(status: Status | undefined): string {
  return status ? status.reasons.join(', ') : ''
}

/** The answer of a permit plugin that has not decided yet. */
export interface PermitWait {
  readonly waitMs: number
}

/** What plugins can reach besides their arguments. */
export interface Handle {
  readonly client: Client
  readonly informers: Informers
  readonly events: EventRecorder
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly cache: Cache
  readonly nominator: Nominator
  /** Pods that have a node and wait to be permitted. */
  readonly waitingPods: WaitingPods
  /** Programs outside that have a say, in the order in which they are asked. */
  readonly extenders: readonly Extender[]
  /** Brings pods that wait back into the active queue at once. */
  activate(podKeys: readonly string[]): void
}

/** One attempt to place one pod. */
export interface Cycle {
  readonly handle: Handle
  /** Name of the profile, which is the schedulerName of its pods. */
  readonly profile: string
  /** Arguments of a plugin by its name, as the profile gives them. */
  args<P extends keyof PluginArgs>(plugin: P): Readonly<PluginArgs[P]>
  /** Runs the filters for a node that may be a copy with other pods than the real one, with its own `states`. */
  filter(pod: PodInfo, node: NodeInfo, states: CycleStates): Status | undefined
  readonly states: CycleStates
  /** Whether this plugin's preFilter came to its turn and did not refuse. */
  didPreFilter(plugin: string): boolean
}

/** What the plugins computed in preFilter, and how it changes when pods come or go. */
export interface CycleStates {
  clone(): CycleStates
  addPod(change: PodChange): void
  removePod(change: PodChange): void
}

/** `other` is put on or taken off `node` while a place for `pod` is looked for. */
export interface PodChange {
  pod: PodInfo
  other: PodInfo
  node: NodeInfo
}

/** skip: the plugin's filter has nothing to say about this pod. `nodes` narrows the nodes to these names. */
export type PreFilterResult<F> = { skip: true } | { status: Status } | { state: F; nodes?: ReadonlySet<string> }
export type PreScoreResult<S> = { skip: true } | { state: S }
export const SKIP = { skip: true } as const

export interface PostFilterResult {
  status: Status | undefined
  /** '' clears the nomination, absent leaves it as it is. */
  nominatedNodeName?: string
}

/** Why each node was refused; nodes without an entry were not looked at. */
export interface Refusals {
  readonly byNode: ReadonlyMap<NodeInfo, Status>
  /** For nodes without an entry. */
  readonly others: Status | undefined
}

/** @template F state between preFilter, filter, reserve and preBind. @template S state between preScore, score and normalize. */
export interface Plugin<F = unknown, S = unknown> {
  readonly name: string
  /** Where it stands among the others; lower comes first. */
  readonly order: number
  /** Its filter and its score look at nothing but the pod's spec, the arguments and the node: what it said is good until the node changes. */
  readonly isLocal?: boolean
  /** Of its score; 1 unless told. */
  readonly weight?: number
  /** What may make a pod schedulable that this plugin refused. */
  readonly events?: readonly EventInterest[]

  /** Queue sort: whether `a` goes before `b`. One plugin of a profile has it. */
  less?(a: QueueEntry, b: QueueEntry): boolean
  /** Keeps a pod out of the active queue. */
  preEnqueue?(pod: PodInfo, handle: Handle): Status | undefined
  preFilter?(cycle: Cycle, pod: PodInfo): PreFilterResult<F>
  /** Copies the state so that addPod and removePod leave the original alone. */
  cloneState?(state: F): F
  addPod?(state: F, change: PodChange): void
  removePod?(state: F, change: PodChange): void
  filter?(state: F, pod: PodInfo, node: NodeInfo): Status | undefined
  /** For `orrery why`: what exactly is in the way on a node that the filter refused; kube-scheduler's words do not say. */
  why?(pod: PodInfo, node: NodeInfo, handle: Handle): string | undefined
  /** No node fits: tries to make room. */
  postFilter?(cycle: Cycle, pod: PodInfo, refusals: Refusals): PostFilterResult | Promise<PostFilterResult>
  preScore?(cycle: Cycle, pod: PodInfo, nodes: readonly NodeInfo[]): PreScoreResult<S>
  score?(state: S, pod: PodInfo, node: NodeInfo): number
  /** Brings scores into 0…100, in place. */
  normalize?(state: S, scores: Float64Array, nodes: readonly NodeInfo[]): void
  reserve?(state: F, pod: PodInfo, nodeName: string): Status | undefined
  unreserve?(state: F, pod: PodInfo, nodeName: string): void
  /** May keep the pod waiting: until `handle.waitingPods` is told that it is allowed or rejected, or the time is over. */
  permit?(pod: PodInfo, nodeName: string, cycle: Cycle): Status | PermitWait | undefined
  /** Whether preBind would have something to do that takes its time (upstream's PreBindPreFlight). */
  willPreBind?(state: F, pod: PodInfo, nodeName: string): boolean
  /** Undefined when there is nothing to do: then nothing is awaited. */
  preBind?(state: F, pod: PodInfo, nodeName: string): Promise<Status | undefined> | undefined
  bind?(pod: PodInfo, nodeName: string, cycle: Cycle): Promise<Status | undefined>
  /** The pod is bound: nothing is left to be done but to forget. */
  postBind?(state: F, pod: PodInfo, nodeName: string): void
}

export interface QueueEntry {
  readonly info: PodInfo
  readonly timestampMs: number
  /** Rises with every entry: decides between equal times. */
  readonly sequence: number
}

export function definePlugin<F = undefined, S = undefined>(plugin: Plugin<F, S>): Plugin<F, S> {
  return plugin
}
