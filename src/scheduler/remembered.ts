/**
 * What plugins said about a node to a pod like this one, kept until the node changes: pods of one template come by the
 * thousand, and of all nodes only the one that took the last pod is another. Only plugins that look at nothing but the
 * pod's spec and the node (`isLocal`) are remembered. Does what OpportunisticBatching of kube-scheduler is for.
 */
import type { Status } from './framework.ts'
import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

const MAX_SIGNATURES = 32

export class Answers<T> {
  /** By the slot of a node: its generation when it was asked. */
  #generations = new Float64Array(0)
  readonly #answers: T[] = []

  get(node: NodeInfo, ask: (node: NodeInfo) => T): T {
    const { slot, generation } = node
    if (this.#generations[slot] === generation) return this.#answers[slot] as T
    const answer = ask(node)
    if (slot < 0) return answer
    if (slot >= this.#generations.length) {
      const grown = new Float64Array(Math.max(64, slot * 2)).fill(-1)
      grown.set(this.#generations)
      this.#generations = grown
    }
    this.#generations[slot] = generation
    this.#answers[slot] = answer
    return answer
  }
}

export class Remembered {
  readonly verdicts = new Answers<Status | undefined>()
  readonly #scores = new Map<number, Answers<number>>()

  /** @param plugin its index in the profile */
  scores(plugin: number): Answers<number> {
    let scores = this.#scores.get(plugin)
    if (!scores) this.#scores.set(plugin, (scores = new Answers()))
    return scores
  }
}

export class Memory {
  readonly #bySignature = new Map<string, Remembered>()

  /** Something changed that local plugins look at besides pods and nodes. */
  clear(): void {
    this.#bySignature.clear()
  }

  /** The same for all pods that local plugins cannot tell apart. */
  of(pod: PodInfo): Remembered {
    const { signature } = pod
    let known = this.#bySignature.get(signature)
    if (known) this.#bySignature.delete(signature)
    else known = new Remembered()
    this.#bySignature.set(signature, known)
    const [oldest] = this.#bySignature.keys()
    if (this.#bySignature.size > MAX_SIGNATURES && oldest !== undefined) this.#bySignature.delete(oldest)
    return known
  }
}
