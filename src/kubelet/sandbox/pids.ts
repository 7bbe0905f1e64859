/**
 * The numbers of processes. A container has its own, unless its pod shares one (`shareProcessNamespace`) or it was sent to look
 * at another container (`targetContainerName`). Models PID namespaces as pkg/kubelet/kuberuntime/util asks the CRI for them.
 */
import type { Process } from './process.ts'

export class Pids {
  readonly #processes = new Map<number, Process>()
  #next: number

  /** @param first 2 where the pod's own first process, which only waits, has the first number */
  constructor(first: 1 | 2 = 1) {
    this.#next = first
  }

  take(): number {
    return this.#next++
  }

  /** The number was taken for nothing: the first process that does start has the first one. */
  giveBack(pid: number): void {
    if (pid === this.#next - 1) this.#next = pid
  }

  add(process: Process): void {
    this.#processes.set(process.pid, process)
  }

  remove(process: Process): void {
    this.#processes.delete(process.pid)
  }

  get(pid: number): Process | undefined {
    return this.#processes.get(pid)
  }

  all(): Process[] {
    return [...this.#processes.values()]
  }
}
