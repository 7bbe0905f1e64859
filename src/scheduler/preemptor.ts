/**
 * Carries a preemption out in the background: tells the victims why, deletes them, takes promises away from less important
 * pods. Models pkg/scheduler/framework/preemption/executor.go.
 */
import type { Pod } from '../../schemas/types.ts'
import { formatTime } from '../clock.ts'
import { isStatusError } from '../errors.ts'
import type { Handle } from './framework.ts'
import type { PodInfo } from './pod-info.ts'
import { withPodCondition } from './pod-condition.ts'
import type { Victims } from './victims.ts'

export class Preemptor {
  readonly #handle: Handle
  /** Pods that wait for their victims to be deleted, with the last of these once it has come to it. */
  readonly #preempting = new Map<string, PodInfo | undefined>()

  constructor(handle: Handle) {
    this.#handle = handle
  }

  /** Deletions are still being asked for. */
  isBusy(uid: string): boolean {
    if (!this.#preempting.has(uid)) return false
    const last = this.#preempting.get(uid)
    if (!last) return true
    const pod = this.#handle.informers.lister<Pod>('v1/Pod').get(last.namespace, last.name)
    return pod !== undefined && pod.metadata.uid === last.uid && pod.metadata.deletionTimestamp === undefined
  }

  start(pod: PodInfo, victims: Victims): void {
    const pods = victims.pods.filter((v) => !v.isTerminating)
    if (pods.length === 0) return
    this.#preempting.set(pod.uid, undefined)
    void this.#run(pod, pods, victims.node.name)
  }

  async #run(pod: PodInfo, victims: readonly PodInfo[], nodeName: string): Promise<void> {
    const { log, nominator, activate } = this.#handle
    try {
      for (const other of nominator.on(nodeName)) if (other.priority < pod.priority && other.uid !== pod.uid) await this.#clearNomination(other)
      const [last, ...others] = [...victims].reverse()
      await Promise.all(others.map((victim) => this.#preempt(pod, victim, nodeName)))
      if (last) {
        this.#preempting.set(pod.uid, last)
        await this.#preempt(pod, last, nodeName)
      }
      this.#preempting.delete(pod.uid)
    } catch (error) {
      log.warn({ pod: pod.key, node: nodeName, err: error }, 'preemption failed')
      this.#preempting.delete(pod.uid)
      // Nobody would wake it: its victims may still be there.
      activate([pod.key])
    }
  }

  async #preempt(pod: PodInfo, victim: PodInfo, nodeName: string): Promise<void> {
    const { events, waitingPods } = this.#handle
    const waiting = waitingPods.get(victim.uid)
    // One that is not bound yet only has to let go.
    if (waiting) waiting.preempt('DefaultPreemption', 'preempted')
    else if (!(await this.#delete(victim, pod.pod.spec.schedulerName ?? ''))) return
    events.event(victim.pod, 'Normal', 'Preempted', `Preempted by pod ${pod.uid} on node ${nodeName}`, { action: 'Preempting', related: pod.pod })
  }

  /** Resolves to false when it was gone already. */
  async #delete(victim: PodInfo, schedulerName: string): Promise<boolean> {
    const { client, clock } = this.#handle
    const ref = { namespace: victim.namespace, name: victim.name }
    const condition = {
      type: 'DisruptionTarget',
      observedGeneration: victim.pod.metadata.generation,
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    }
    const conditions = withPodCondition(victim.pod, condition, formatTime(clock.now()))
    try {
      if (conditions) await client.patch('v1/Pod', ref, { status: { conditions } }, { type: 'strategic', subresource: 'status' })
      await client.delete('v1/Pod', ref, { preconditions: { uid: victim.uid } })
      return true
    } catch (error) {
      if (isStatusError(error, 'NotFound')) return false
      throw error
    }
  }

  async #clearNomination({ namespace, name, pod }: PodInfo): Promise<void> {
    if (!pod.status?.nominatedNodeName) return
    try {
      await this.#handle.client.patch('v1/Pod', { namespace, name }, { status: { nominatedNodeName: null } }, { type: 'strategic', subresource: 'status' })
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
}

const preemptors = new WeakMap<Handle, Preemptor>()

export function preemptorOf(handle: Handle): Preemptor {
  let preemptor = preemptors.get(handle)
  if (!preemptor) preemptors.set(handle, (preemptor = new Preemptor(handle)))
  return preemptor
}
