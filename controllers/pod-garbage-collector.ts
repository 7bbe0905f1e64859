/**
 * Deletes pods whose node is gone, deleted pods that never had a node or whose node is out of service, and finished pods
 * beyond a number.
 * Models k8s.io/kubernetes/pkg/controller/podgc.
 */
import type { Node, Pod, PodCondition } from '../schemas/types.ts'
import { Workqueue } from '../src/client/workqueue.ts'
import { defineLoop, keyOf, splitKey, type ControllerContext } from '../src/controller/controller.ts'
import { indexPodsByNode, isOutOfService, podsOnNode } from '../src/controller/node-pods.ts'
import { refOf } from '../src/controller/owners.ts'
import { messageOf } from '../src/controller/pod-control.ts'
import { changePodStatus, withPodCondition } from '../src/controller/pod-status.ts'
import { isPodTerminal } from '../src/controller/pods.ts'
import { isStatusError } from '../src/errors.ts'

/** How long a node may be away before its pods are deleted. */
const QUARANTINE_MS = 40_000
const PERIOD_MS = 20_000
const TERMINATED_THRESHOLD = 12_500
const TERMINATED = 'terminated'
const NODE = 'node '

export default defineLoop({
  name: 'pod-garbage-collector',
  user: 'system:serviceaccount:kube-system:pod-garbage-collector',
  start: (ctx) => new PodGarbageCollector(ctx),
})

/** Keys of its queue are pods, `node NAME` for a node that went missing, and one for the count of finished pods. */
class PodGarbageCollector {
  readonly #ctx: ControllerContext
  readonly #queue: Workqueue
  readonly #stop: (() => void)[] = []
  #finished = 0
  #busy = false
  #closed = false

  constructor(ctx: ControllerContext) {
    this.#ctx = ctx
    this.#queue = new Workqueue({ clock: ctx.clock })
    this.#queue.onReady(() => this.#work())
    indexPodsByNode(ctx)
    const pods = ctx.informers.for<Pod>('v1/Pod')
    const nodes = ctx.informers.for<Node>('v1/Node')
    this.#stop.push(pods.subscribe({ add: (pod) => this.#changed(pod), update: (pod, old) => this.#changed(pod, old), delete: (pod) => void (this.#finished -= isPodTerminal(pod) ? 1 : 0) }))
    this.#stop.push(nodes.subscribe({ add: (node) => this.#nodeChanged(node), update: (node) => this.#nodeChanged(node), delete: (node) => this.#queue.addAfter(NODE + (node.metadata.name ?? ''), QUARANTINE_MS) }))
  }

  get idle(): boolean {
    return !this.#busy
  }

  close(): void {
    this.#closed = true
    for (const stop of this.#stop) stop()
    this.#queue.close()
  }

  #changed(pod: Pod, old?: Pod): void {
    const { nodeName } = pod.spec
    if (pod.metadata.deletionTimestamp && (!nodeName || this.#isOutOfService(nodeName))) this.#queue.add(keyOf(pod))
    if (nodeName && nodeName !== old?.spec.nodeName && !this.#ctx.informers.lister('v1/Node').get('', nodeName)) this.#queue.addAfter(NODE + nodeName, QUARANTINE_MS)
    if (isPodTerminal(pod) && !(old && isPodTerminal(old)) && ++this.#finished > TERMINATED_THRESHOLD) this.#queue.addAfter(TERMINATED, PERIOD_MS)
  }

  #nodeChanged({ metadata: { name = '' } }: Node): void {
    if (!this.#isOutOfService(name)) return
    for (const pod of podsOnNode(this.#ctx, name)) if (pod.metadata.deletionTimestamp) this.#queue.add(keyOf(pod))
  }

  /** Somebody has said that the machine is off: its kubelet will never report the end of its pods. */
  #isOutOfService(nodeName: string): boolean {
    const node = this.#ctx.informers.lister<Node>('v1/Node').get('', nodeName)
    return node !== undefined && isOutOfService(node) && !node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
  }

  #work(): void {
    if (this.#busy) return
    this.#busy = true
    // The commit that woke us goes on first.
    void Promise.resolve().then(() => this.#drain())
  }

  async #drain(): Promise<void> {
    for (let key = this.#queue.take(); key !== undefined && !this.#closed; key = this.#queue.take()) {
      try {
        await this.#process(key)
        this.#queue.forget(key)
      } catch (error) {
        this.#ctx.log.debug({ key, error: messageOf(error) }, 'a pod could not be collected')
        this.#queue.addRateLimited(key)
      } finally {
        this.#queue.done(key)
      }
    }
    this.#busy = false
  }

  async #process(key: string): Promise<void> {
    if (key === TERMINATED) return this.#deleteFinished()
    if (key.startsWith(NODE)) return this.#deleteOrphans(key.slice(NODE.length))
    const { namespace, name } = splitKey(key)
    const pod = this.#ctx.informers.lister<Pod>('v1/Pod').get(namespace, name)
    if (pod?.metadata.deletionTimestamp && (!pod.spec.nodeName || this.#isOutOfService(pod.spec.nodeName))) await this.#failAndDelete(pod)
  }

  async #deleteOrphans(nodeName: string): Promise<void> {
    if (this.#ctx.informers.lister('v1/Node').get('', nodeName)) return
    for (const pod of podsOnNode(this.#ctx, nodeName)) {
      const condition: PodCondition = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists', observedGeneration: pod.metadata.generation }
      await this.#failAndDelete(pod, condition)
    }
  }

  async #deleteFinished(): Promise<void> {
    const finished = this.#ctx.informers.lister<Pod>('v1/Pod').list().filter(isPodTerminal)
    for (const pod of finished.sort(evictedThenOldest).slice(0, Math.max(0, finished.length - TERMINATED_THRESHOLD))) await this.#failAndDelete(pod)
  }

  async #failAndDelete(pod: Pod, condition?: PodCondition): Promise<void> {
    const { clock, client } = this.#ctx
    if (!isPodTerminal(pod))
      await changePodStatus(this.#ctx, pod, (status) => ({ ...status, phase: 'Failed', ...(condition ? { conditions: withPodCondition(status.conditions, condition, clock.now()) } : {}) }))
    try {
      await client.delete('v1/Pod', refOf(pod), { gracePeriodSeconds: 0 })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
}

function evictedThenOldest(a: Pod, b: Pod): number {
  const evicted = Number(b.status?.reason === 'Evicted') - Number(a.status?.reason === 'Evicted')
  const [ta = '', tb = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp]
  return evicted || (ta < tb ? -1 : ta > tb ? 1 : (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1)
}
