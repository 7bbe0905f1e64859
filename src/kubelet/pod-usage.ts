/** What the containers and volumes of a pod hold, as a summary tells it. Models pkg/kubelet/apis/stats' PodStats. */
import type { Pod } from '../../schemas/types.ts'
import type { ContainerLogs } from './container-logs.ts'
import type { PodVolumes } from './pod-volumes.ts'
import type { PodWorker } from './pod-worker.ts'

export interface ContainerUsage {
  name: string
  cpuNanos: number
  memoryBytes: number
  /** Written outside of volumes. */
  rootfsBytes: number
  logBytes: number
  processes: number
  startedAt: string
  containerID: string
}

export interface VolumeUsage {
  name: string
  bytes: number
  isMemory: boolean
}

export interface PodUsage {
  pod: Pod
  containers: ContainerUsage[]
  volumes: VolumeUsage[]
}

export function podUsage(worker: PodWorker, { logs, volumes }: { logs: ContainerLogs; volumes: PodVolumes }): PodUsage {
  const { pod } = worker
  const { uid = '' } = pod.metadata
  const containers = worker.records.flatMap(({ name, handle, startedAt = '', containerID = '' }): ContainerUsage[] => {
    const used = handle?.usage?.()
    return used ? [{ name, cpuNanos: used.cpuNanos, memoryBytes: used.memoryBytes, rootfsBytes: used.diskBytes, logBytes: logs.get(uid, name)?.bytes ?? 0, processes: used.processes, startedAt, containerID }] : []
  })
  return { pod, containers, volumes: [...volumes.usage(uid)].map(([name, used]) => ({ name, ...used })) }
}

export function memoryOf({ containers }: PodUsage): number {
  return containers.reduce((sum, c) => sum + c.memoryBytes, 0)
}

/** On disk, all together. */
export function diskOf({ containers, volumes }: PodUsage): number {
  return containers.reduce((sum, c) => sum + c.rootfsBytes + c.logBytes, 0) + volumes.reduce((sum, v) => sum + (v.isMemory ? 0 : v.bytes), 0)
}
