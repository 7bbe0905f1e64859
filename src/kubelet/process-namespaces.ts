/** Which containers of a pod see each other's processes. Models PidNamespaceForPod of pkg/kubelet/kuberuntime/util. */
import type { EphemeralContainer, Pod } from '../../schemas/types.ts'
import type { ContainerRecord } from './container-record.ts'
import { Pids } from './sandbox/pids.ts'

export class ProcessNamespaces {
  #shared: Pids | undefined
  readonly #own = new Map<string, Pids>()

  of({ spec }: Pod, { name, role, container }: ContainerRecord): Pids {
    if (spec.shareProcessNamespace) return (this.#shared ??= new Pids(2))
    const target = role === 'ephemeral' ? (container as EphemeralContainer).targetContainerName : undefined
    const joined = target === undefined ? undefined : this.#own.get(target)
    if (joined) return joined
    const own = new Pids()
    this.#own.set(name, own)
    return own
  }
}
