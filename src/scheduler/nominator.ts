/** Which waiting pods were promised room on which nodes by preemption. Models pkg/scheduler/backend/queue/nominator.go. */
import type { PodInfo } from './pod-info.ts'

const NONE: readonly PodInfo[] = []

export class Nominator {
  readonly #byNode = new Map<string, PodInfo[]>()
  readonly #nodeOf = new Map<string, string>()

  /** No pod is promised anything: the usual case, asked for every node. */
  get isEmpty(): boolean {
    return this.#nodeOf.size === 0
  }

  on(nodeName: string): readonly PodInfo[] {
    return this.#byNode.get(nodeName) ?? NONE
  }

  nodeOf(uid: string): string | undefined {
    return this.#nodeOf.get(uid)
  }

  /** @param nodeName absent: what the pod's status says */
  add(info: PodInfo, nodeName = info.pod.status?.nominatedNodeName ?? ''): void {
    this.delete(info.uid)
    if (!nodeName || info.pod.spec.nodeName) return
    this.#nodeOf.set(info.uid, nodeName)
    const pods = this.#byNode.get(nodeName)
    if (pods) pods.push(info)
    else this.#byNode.set(nodeName, [info])
  }

  delete(uid: string): void {
    const nodeName = this.#nodeOf.get(uid)
    if (nodeName === undefined) return
    this.#nodeOf.delete(uid)
    const left = this.on(nodeName).filter((p) => p.uid !== uid)
    if (left.length > 0) this.#byNode.set(nodeName, left)
    else this.#byNode.delete(nodeName)
  }

  /** A newer version of a pod keeps its promise unless the update takes the name away. */
  update(info: PodInfo, old: PodInfo): void {
    const before = old.pod.status?.nominatedNodeName
    const now = info.pod.status?.nominatedNodeName
    this.add(info, !before && !now ? this.#nodeOf.get(old.uid) : now)
  }
}
