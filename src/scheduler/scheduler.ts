/**
 * The scheduler: takes waiting pods one after the other, decides where each goes, and binds it in the background.
 * Models pkg/scheduler/scheduler.go and schedule_one.go.
 */
import type { Pod } from '../../schemas/types.ts'
import { nextTurn, formatTime } from '../clock.ts'
import { defineLoop, type ControllerContext, type LoopDefinition } from '../controller/controller.ts'
import { isStatusError } from '../errors.ts'
import { Cache } from './cache.ts'
import { buildExtenders, buildProfiles, schedulerNameOf } from './build.ts'
import { DEFAULT_SCHEDULER_NAME } from './config/defaults.ts'
import { defaultSchedulerConfig } from './config/load.ts'
import type { SchedulerConfig } from './config/types.ts'
import { ProfileCycle } from './cycle.ts'
import { followCluster } from './event-handlers.ts'
import { explain, type Explanation } from './explain.ts'
import type { Extender } from './extender.ts'
import { bindByExtender } from './extenders.ts'
import { NodeFinder, type Decision, type Refused } from './find-node.ts'
import { fitMessage } from './fit-error.ts'
import { failure, isRejection, messageOf, type Handle, type Plugin, type PostFilterResult, type Status } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import { Nominator } from './nominator.ts'
import { withPodCondition } from './pod-condition.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'
import type { Profile } from './profile.ts'
import { SchedulingQueue, type QueuedPod } from './queue.ts'
import { plugins as allPlugins } from './registry.ts'
import { WaitingPods } from './waiting-pods.ts'

/** Bindings and status writes under way at a time; above it no further decision is made. */
const MAX_WRITES = 256
/** Decisions between two looks at the rest of the process. */
const DECISIONS_PER_TURN = 16
/** A note of an event may not be longer. */
const MAX_NOTE = 1024

const NO_NODES = 'no nodes available to schedule pods'

interface Attempt {
  entry: QueuedPod
  profile: Profile
  cycle: ProfileCycle
}

interface Placing {
  profile: Profile
  cycle: ProfileCycle
  node: NodeInfo
}

interface Failure {
  message: string
  isError: boolean
  rejectedBy: ReadonlySet<string>
  /** '' takes the promise of a node away, absent leaves it. */
  nominatedNodeName?: string
}

export interface SchedulerOptions {
  config?: SchedulerConfig
  plugins?: readonly Plugin[]
}

export class Scheduler {
  readonly #ctx: ControllerContext
  readonly #handle: Handle
  readonly #cache = new Cache()
  readonly #nominator = new Nominator()
  readonly #profiles: ReadonlyMap<string, Profile>
  readonly #extenders: readonly Extender[]
  readonly #queue: SchedulingQueue
  readonly #finder: NodeFinder
  readonly #unsubscribe: () => void
  #writes = 0
  #isRunning = false
  #closed = false

  constructor(ctx: ControllerContext, { plugins = allPlugins, config = defaultSchedulerConfig(plugins) }: SchedulerOptions = {}) {
    this.#ctx = ctx
    this.#profiles = buildProfiles(config, plugins)
    this.#extenders = buildExtenders(config, ctx.clock)
    const [first] = this.#profiles.values()
    const { client, informers, events, clock, random, log } = ctx
    this.#handle = { client, informers, events, clock, random, log, cache: this.#cache, nominator: this.#nominator, waitingPods: new WaitingPods(clock), extenders: this.#extenders, activate: (keys) => this.#queue.activate(keys) }
    this.#finder = new NodeFinder(random)
    this.#queue = new SchedulingQueue({
      clock,
      backoff: { initialMs: config.podInitialBackoffSeconds * 1000, maxMs: config.podMaxBackoffSeconds * 1000 },
      handle: () => this.#handle,
      less: (a, b) => first?.less(a, b) ?? a.sequence < b.sequence,
      preEnqueue: (pod) => this.#profileOf(pod)?.preEnqueue(pod, this.#handle),
      interests: new Map(plugins.map((p) => [p.name, p.events ?? []])),
      wake: () => this.#wake(),
    })
    this.#unsubscribe = followCluster({
      informers,
      cache: this.#cache,
      queue: this.#queue,
      nominator: this.#nominator,
      waitingPods: this.#handle.waitingPods,
      isOurs: (pod) => this.#profiles.has(schedulerNameOf(pod)),
      classesChanged: () => this.#profiles.forEach((profile) => profile.forgetAnswers()),
    })
  }

  get idle(): boolean {
    return !this.#isRunning && this.#writes === 0
  }

  close(): void {
    this.#closed = true
    this.#unsubscribe()
    this.#queue.close()
    this.#handle.waitingPods.close()
    for (const extender of this.#extenders) extender.close()
  }

  /** What each node would say to a pod now; undefined when it is for another scheduler. */
  explain(pod: Pod): Explanation | undefined {
    const profile = this.#profiles.get(schedulerNameOf(pod))
    return profile && explain(profile, this.#handle, podInfoOf(pod))
  }

  #profileOf({ pod }: PodInfo): Profile | undefined {
    return this.#profiles.get(schedulerNameOf(pod))
  }

  /** Called from inside commits: the work begins after them. */
  #wake(): void {
    if (this.#isRunning || this.#closed) return
    this.#isRunning = true
    void nextTurn().then(() => this.#run())
  }

  #run(): void {
    for (let i = 0; i < DECISIONS_PER_TURN && this.#writes < MAX_WRITES && !this.#closed; i++) {
      const entry = this.#queue.pop()
      if (!entry) {
        this.#isRunning = false
        return
      }
      // Decisions are made one after the other, also those that wait for an answer from outside.
      const pending = this.#schedule(entry)
      if (pending) return void pending.catch((error: unknown) => this.#ctx.log.error({ err: error }, 'scheduling failed')).then(() => this.#run())
    }
    // At the limit the write that ends next goes on.
    if (this.#writes < MAX_WRITES && !this.#closed) void nextTurn().then(() => this.#run())
    else this.#isRunning = false
  }

  #schedule(entry: QueuedPod): void | Promise<void> {
    const { info } = entry
    const profile = this.#profileOf(info)
    if (!profile || this.#cache.isAssumed(info.uid)) return this.#queue.done(entry)
    if (info.isTerminating) {
      this.#queue.done(entry)
      return this.#record(info.pod, 'Warning', 'FailedScheduling', { message: `skip schedule deleting pod: ${info.namespace}/${info.name}`, action: 'Scheduling' })
    }
    if (this.#cache.nodeCount === 0) return this.#fail(entry, { message: NO_NODES, isError: false, rejectedBy: new Set(), nominatedNodeName: '' })
    const cycle = new ProfileCycle(profile, this.#handle)
    const decision = this.#finder.find(profile, cycle, info)
    const follow = (made: Decision) => this.#follow(made, { entry, profile, cycle })
    return decision instanceof Promise ? decision.then(follow) : follow(decision)
  }

  #follow(decision: Decision, { entry, profile, cycle }: Attempt): void | Promise<void> {
    if ('node' in decision) return this.#place(entry, { profile, cycle, node: decision.node })
    if ('error' in decision) return this.#fail(entry, { message: decision.error, isError: true, rejectedBy: new Set(), nominatedNodeName: '' })
    return this.#refuse(decision.refused, { entry, profile, cycle })
  }

  #refuse({ refusals, rejectedBy, preFilter }: Refused, { entry, profile, cycle }: Attempt): void | Promise<void> {
    const follow = ({ status, nominatedNodeName }: PostFilterResult) => {
      const message = fitMessage({ nodeCount: this.#cache.nodeCount, refusals, preFilter, postFilterMessage: messageOf(status) })
      this.#fail(entry, { message, isError: false, rejectedBy, nominatedNodeName })
    }
    if (!profile.has('postFilter')) return follow({ status: undefined, nominatedNodeName: '' })
    const result = profile.postFilter(cycle, entry.info, refusals)
    return result instanceof Promise ? result.then(follow) : follow(result)
  }

  #place(entry: QueuedPod, { profile, cycle, node }: Placing): void {
    const { info } = entry
    this.#nominator.delete(info.uid)
    this.#cache.assume(info, node.name)
    const placing = { profile, cycle, node }
    const permitted = profile.reserve(cycle, info, node.name) ?? profile.permit(cycle, info, node.name)
    if ('code' in permitted) return this.#release(entry, permitted, placing)
    if (permitted.size === 0) return this.#startBinding(entry, placing)
    void this.#handle.waitingPods.wait(info, permitted).then((refusal) => {
      if (this.#closed) return
      if (!refusal) return this.#startBinding(entry, placing)
      this.#release(entry, refusal, placing)
      this.#queue.moved({ resource: 'AssignedPod', action: 'delete', old: info.pod, oldPod: info.pod })
    })
  }

  /** Takes the pod off the node that it was not allowed to have after all. */
  #release(entry: QueuedPod, refusal: Status, { profile, cycle, node }: Placing): void {
    const { info } = entry
    profile.unreserve(cycle, info, node.name)
    this.#cache.forget(info.uid)
    const message = isRejection(refusal) ? fitMessage({ nodeCount: 1, refusals: { byNode: new Map([[node, refusal]]), others: undefined } }) : messageOf(refusal)
    this.#fail(entry, { message, isError: !isRejection(refusal), rejectedBy: new Set(refusal.plugin ? [refusal.plugin] : []), nominatedNodeName: '' })
  }

  #startBinding(entry: QueuedPod, { profile, cycle, node }: Placing): void {
    // Nothing that happens from here on makes it unschedulable: what fails now is tried again.
    this.#queue.done(entry)
    void this.#write(() => this.#bind(entry, { profile, cycle, nodeName: node.name }))
  }

  async #bind(entry: QueuedPod, { profile, cycle, nodeName }: { profile: Profile; cycle: ProfileCycle; nodeName: string }): Promise<void> {
    const { info } = entry
    const status = await this.#bound(info, { profile, cycle, nodeName })
    if (!status) {
      profile.postBind(cycle, info, nodeName)
      return this.#record(info.pod, 'Normal', 'Scheduled', { message: `Successfully assigned ${info.namespace}/${info.name} to ${nodeName}`, action: 'Binding' })
    }
    profile.unreserve(cycle, info, nodeName)
    this.#cache.forget(info.uid)
    this.#queue.moved({ resource: 'AssignedPod', action: 'delete', old: info.pod, oldPod: info.pod })
    this.#fail(entry, { message: messageOf(status), isError: !isRejection(status), rejectedBy: new Set(status.plugin ? [status.plugin] : []), nominatedNodeName: '' })
  }

  async #bound(info: PodInfo, { profile, cycle, nodeName }: { profile: Profile; cycle: ProfileCycle; nodeName: string }): Promise<Status | undefined> {
    try {
      if (profile.willPreBind(cycle, info, nodeName)) await this.#nominate(info.pod, nodeName)
      const status = await profile.preBind(cycle, info, nodeName)
      if (status) return status
      const byExtender = this.#extenders.length > 0 ? await bindByExtender({ extenders: this.#extenders, pod: info, log: this.#ctx.log }, nodeName) : undefined
      return byExtender ? byExtender.status : await profile.bind(cycle, info, nodeName)
    } catch (error) {
      this.#ctx.log.error({ pod: info.key, node: nodeName, err: error }, 'binding failed')
      return failure(error instanceof Error ? error.message : String(error))
    }
  }

  /** Tells where the pod is about to go when that takes its time; it is no matter if it cannot be told. */
  async #nominate({ metadata }: Pod, nominatedNodeName: string): Promise<void> {
    const { client, log } = this.#ctx
    try {
      await client.patch('v1/Pod', { namespace: metadata.namespace, name: metadata.name ?? '' }, { status: { nominatedNodeName } }, { type: 'strategic', subresource: 'status' })
    } catch (error) {
      log.debug({ pod: metadata.name, err: error }, 'the nominated node was not written')
    }
  }

  #record(pod: Pod, type: 'Normal' | 'Warning', reason: string, { message, action }: { message: string; action: string }): void {
    this.#ctx.events.event(pod, type, reason, message, { action, component: schedulerNameOf(pod) })
  }

  /** Counts what is under way, and goes on with the decisions when there is room again. */
  async #write(work: () => Promise<void>): Promise<void> {
    this.#writes++
    try {
      await work()
    } catch (error) {
      if (!this.#closed) this.#ctx.log.error({ err: error }, 'scheduling failed')
    }
    this.#writes--
    if (!this.#isRunning && this.#queue.activeCount + this.#queue.backoffCount > 0) this.#wake()
  }

  #fail(entry: QueuedPod, failure: Failure): void {
    const { info } = entry
    const pod = this.#ctx.informers.lister<Pod>('v1/Pod').get(info.namespace, info.name)
    // It is gone, another one of its name, or bound by somebody else.
    if (!pod || pod.metadata.uid !== info.uid || pod.spec.nodeName) return this.#queue.done(entry)
    const now = podInfoOf(pod)
    this.#queue.returned(entry, now, failure.rejectedBy)
    const { nominatedNodeName, message } = failure
    if (nominatedNodeName !== undefined) this.#nominator.add(now, nominatedNodeName)
    this.#record(pod, 'Warning', 'FailedScheduling', { message: truncated(message), action: 'Scheduling' })
    void this.#write(() => this.#tell(pod, failure))
  }

  async #tell(pod: Pod, { message, isError, nominatedNodeName }: Failure): Promise<void> {
    const { clock, client } = this.#ctx
    const reason = isError ? 'SchedulerError' : 'Unschedulable'
    const condition = { type: 'PodScheduled', observedGeneration: pod.metadata.generation, status: 'False', reason, message }
    const conditions = withPodCondition(pod, condition, formatTime(clock.now()))
    const nominates = nominatedNodeName !== undefined && nominatedNodeName !== (pod.status?.nominatedNodeName ?? '')
    if (!conditions && !nominates) return
    const status = { ...(conditions ? { conditions } : {}), ...(nominates ? { nominatedNodeName: nominatedNodeName || null } : {}) }
    try {
      await client.patch('v1/Pod', { namespace: pod.metadata.namespace, name: pod.metadata.name ?? '' }, { status }, { type: 'strategic', subresource: 'status' })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
}

function truncated(message: string): string {
  return message.length <= MAX_NOTE ? message : `${message.slice(0, MAX_NOTE - 4)} ...`
}

/** The loop of a cluster's scheduler, and what is told of it while it runs. */
export function schedulerLoop(config?: SchedulerConfig): { loop: LoopDefinition; explain(pod: Pod): Explanation | undefined } {
  let running: Scheduler | undefined
  const loop = defineLoop({ name: 'kube-scheduler', user: 'system:kube-scheduler', component: DEFAULT_SCHEDULER_NAME, start: (ctx) => (running = new Scheduler(ctx, config ? { config } : {})) })
  return { loop, explain: (pod) => running?.explain(pod) }
}

export const scheduler = schedulerLoop().loop
