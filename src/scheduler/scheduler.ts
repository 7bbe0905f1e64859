/**
 * The scheduler: takes waiting pods one after the other, decides where each goes, and binds it in the background.
 * Models pkg/scheduler/scheduler.go and schedule_one.go.
 */
import folder from 'folder:src/scheduler/plugins'
import type { Pod } from '../../schemas/types.ts'
import { isRecord } from '../apimachinery/json.ts'
import { nextTurn, formatTime } from '../clock.ts'
import { defineLoop, type ControllerContext } from '../controller/controller.ts'
import { isStatusError } from '../errors.ts'
import { Cache } from './cache.ts'
import { followCluster } from './event-handlers.ts'
import { NodeFinder, type Refused } from './find-node.ts'
import { fitMessage } from './fit-error.ts'
import { failure, messageOf, type Handle, type Plugin, type Status } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import { Nominator } from './nominator.ts'
import { withPodCondition } from './pod-condition.ts'
import { podInfoOf, type PodInfo } from './pod-info.ts'
import { Profile, ProfileCycle } from './profile.ts'
import { SchedulingQueue, type QueuedPod } from './queue.ts'

/** Bindings and status writes under way at a time; above it no further decision is made. */
const MAX_WRITES = 256
/** Decisions between two looks at the rest of the process. */
const DECISIONS_PER_TURN = 16
/** A note of an event may not be longer. */
const MAX_NOTE = 1024

const NO_NODES = 'no nodes available to schedule pods'

interface Failure {
  message: string
  isError: boolean
  rejectedBy: ReadonlySet<string>
  /** '' takes the promise of a node away, absent leaves it. */
  nominatedNodeName?: string
}

export class Scheduler {
  readonly #ctx: ControllerContext
  readonly #handle: Handle
  readonly #cache = new Cache()
  readonly #nominator = new Nominator()
  readonly #profiles: ReadonlyMap<string, Profile>
  readonly #queue: SchedulingQueue
  readonly #finder: NodeFinder
  readonly #unsubscribe: () => void
  #writes = 0
  #isRunning = false
  #closed = false

  constructor(ctx: ControllerContext, plugins: readonly Plugin[] = folder.filter(isPlugin)) {
    this.#ctx = ctx
    const profile = new Profile(plugins, { schedulerName: 'default-scheduler' })
    this.#profiles = new Map([[profile.name, profile]])
    const { client, informers, events, clock, random, log } = ctx
    this.#handle = { client, informers, events, clock, random, log, cache: this.#cache, nominator: this.#nominator, activate: (keys) => this.#queue.activate(keys) }
    this.#finder = new NodeFinder(random)
    this.#queue = new SchedulingQueue({
      clock,
      handle: () => this.#handle,
      less: (a, b) => profile.less(a, b),
      preEnqueue: (pod) => this.#profileOf(pod)?.preEnqueue(pod, this.#handle),
      interests: new Map(profile.plugins.map((p) => [p.name, p.events ?? []])),
      wake: () => this.#wake(),
    })
    this.#unsubscribe = followCluster({
      informers,
      cache: this.#cache,
      queue: this.#queue,
      nominator: this.#nominator,
      isOurs: (pod) => this.#profiles.has(pod.spec.schedulerName ?? 'default-scheduler'),
    })
  }

  close(): void {
    this.#closed = true
    this.#unsubscribe()
    this.#queue.close()
  }

  #profileOf({ pod }: PodInfo): Profile | undefined {
    return this.#profiles.get(pod.spec.schedulerName ?? 'default-scheduler')
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
      this.#schedule(entry)
    }
    // At the limit the write that ends next goes on.
    if (this.#writes < MAX_WRITES && !this.#closed) void nextTurn().then(() => this.#run())
    else this.#isRunning = false
  }

  #schedule(entry: QueuedPod): void {
    const { info } = entry
    const profile = this.#profileOf(info)
    if (!profile || this.#cache.isAssumed(info.uid)) return this.#queue.done(entry)
    if (info.isTerminating) {
      this.#queue.done(entry)
      return this.#ctx.events.event(info.pod, 'Warning', 'FailedScheduling', `skip schedule deleting pod: ${info.namespace}/${info.name}`, { action: 'Scheduling' })
    }
    if (this.#cache.nodeCount === 0) return this.#fail(entry, { message: NO_NODES, isError: false, rejectedBy: new Set(), nominatedNodeName: '' })
    const cycle = new ProfileCycle(profile, this.#handle)
    const decision = this.#finder.find(profile, cycle, info)
    if ('node' in decision) this.#place(entry, { profile, cycle, node: decision.node })
    else if ('error' in decision) this.#fail(entry, { message: decision.error, isError: true, rejectedBy: new Set(), nominatedNodeName: '' })
    else this.#refuse(entry, { profile, cycle, refused: decision.refused })
  }

  #refuse(entry: QueuedPod, { profile, cycle, refused }: { profile: Profile; cycle: ProfileCycle; refused: Refused }): void {
    const { refusals, rejectedBy, preFilter } = refused
    const { status, nominatedNodeName } = profile.postFilter(cycle, entry.info, refusals)
    const message = fitMessage({ nodeCount: this.#cache.nodeCount, refusals, preFilter, postFilterMessage: messageOf(status) })
    this.#fail(entry, { message, isError: false, rejectedBy, nominatedNodeName })
  }

  #place(entry: QueuedPod, { profile, cycle, node }: { profile: Profile; cycle: ProfileCycle; node: NodeInfo }): void {
    const { info } = entry
    this.#nominator.delete(info.uid)
    this.#cache.assume(info, node.name)
    const refusal = profile.reserve(cycle, info, node.name) ?? profile.permit(cycle, info, node.name)
    if (refusal) {
      profile.unreserve(cycle, info, node.name)
      this.#cache.forget(info.uid)
      const message = fitMessage({ nodeCount: 1, refusals: { byNode: new Map([[node, refusal]]), others: undefined } })
      const rejectedBy = new Set(refusal.plugin ? [refusal.plugin] : [])
      return this.#fail(entry, { message, isError: refusal.code === 'Error', rejectedBy, nominatedNodeName: '' })
    }
    void this.#write(() => this.#bind(entry, { profile, cycle, nodeName: node.name }))
  }

  async #bind(entry: QueuedPod, { profile, cycle, nodeName }: { profile: Profile; cycle: ProfileCycle; nodeName: string }): Promise<void> {
    const { info } = entry
    const status = await this.#bound(info, { profile, cycle, nodeName })
    if (!status) {
      this.#queue.done(entry)
      return this.#ctx.events.event(info.pod, 'Normal', 'Scheduled', `Successfully assigned ${info.namespace}/${info.name} to ${nodeName}`, { action: 'Binding' })
    }
    profile.unreserve(cycle, info, nodeName)
    this.#cache.forget(info.uid)
    this.#queue.moved({ resource: 'AssignedPod', action: 'delete', old: info.pod, oldPod: info.pod })
    this.#fail(entry, { message: messageOf(status), isError: true, rejectedBy: new Set(), nominatedNodeName: '' })
  }

  async #bound(info: PodInfo, { profile, cycle, nodeName }: { profile: Profile; cycle: ProfileCycle; nodeName: string }): Promise<Status | undefined> {
    try {
      return (await profile.preBind(cycle, info, nodeName)) ?? (await profile.bind(cycle, info, nodeName))
    } catch (error) {
      this.#ctx.log.error({ pod: info.key, node: nodeName, err: error }, 'binding failed')
      return failure(error instanceof Error ? error.message : String(error))
    }
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
    this.#queue.returned(entry, now, failure)
    const { nominatedNodeName, message } = failure
    if (nominatedNodeName !== undefined) this.#nominator.add(now, nominatedNodeName)
    this.#ctx.events.event(pod, 'Warning', 'FailedScheduling', truncated(message), { action: 'Scheduling' })
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

function isPlugin(value: unknown): value is Plugin {
  return isRecord(value) && typeof value.name === 'string' && typeof value.order === 'number'
}

export const scheduler = defineLoop({
  name: 'kube-scheduler',
  user: 'system:kube-scheduler',
  component: 'default-scheduler',
  start: (ctx) => new Scheduler(ctx),
})
