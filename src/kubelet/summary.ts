/** What a node and its pods use, as `stats/summary` tells it. Pure. Models k8s.io/kubelet/pkg/apis/stats/v1alpha1 and pkg/kubelet/stats. */
import { quantityValue } from '../apimachinery/quantity.ts'
import { formatTime } from '../clock.ts'
import { nodeCpuNanos, nodeMemoryBytes, type NodeView } from './node-metrics.ts'
import { diskOf, memoryOf, type ContainerUsage, type PodUsage } from './pod-usage.ts'

/** Of a container by its pod's uid and its name: processor time in billionths of a core. */
export type NanoCores = (usage: PodUsage, container: string) => number

export function summaryOf(view: NodeView, nanoCores: NanoCores): object {
  const { node, usages, nowMs, startedMs, overhead, imageBytes } = view
  const time = formatTime(nowMs)
  const { memory = '0', 'ephemeral-storage': storage = '0' } = node.status?.capacity ?? {}
  const used = usages.reduce((sum, u) => sum + diskOf(u), 0)
  const diskBytes = quantityValue(storage)
  const fs = (usedBytes: number) => ({ time, availableBytes: Math.max(0, diskBytes - used - imageBytes), capacityBytes: diskBytes, usedBytes, inodesFree: 60_000_000, inodes: 65_000_000, inodesUsed: 5_000_000 })
  const nodeNano = usages.reduce((sum, u) => sum + podNano(u, nanoCores), 0) + overhead.milliCPU * 1e6
  const memoryBytes = nodeMemoryBytes(view)
  return {
    node: {
      nodeName: node.metadata.name,
      systemContainers: [{ name: 'pods', startTime: formatTime(startedMs), cpu: cpu(time, nodeNano - overhead.milliCPU * 1e6, nodeCpuNanos(view)), memory: memoryStats(time, memoryBytes - overhead.memoryBytes) }],
      startTime: formatTime(startedMs),
      cpu: cpu(time, nodeNano, nodeCpuNanos(view)),
      memory: { ...memoryStats(time, memoryBytes), availableBytes: Math.max(0, quantityValue(memory) - memoryBytes) },
      network: network(time),
      fs: fs(used + imageBytes),
      runtime: { imageFs: fs(imageBytes), containerFs: fs(used) },
      rlimit: { time, maxpid: 4_194_304, curproc: 100 + usages.reduce((sum, { containers }) => sum + containers.reduce((n, c) => n + c.processes, 0), 0) },
      swap: { time, swapUsageBytes: 0 },
    },
    pods: usages.map((usage) => podSummary(usage, { time, nanoCores, fs })),
  }
}

function podNano(usage: PodUsage, nanoCores: NanoCores): number {
  return usage.containers.reduce((sum, c) => sum + nanoCores(usage, c.name), 0)
}

interface PodSummaryParts {
  time: string
  nanoCores: NanoCores
  fs(usedBytes: number): object
}

function podSummary(usage: PodUsage, { time, nanoCores, fs }: PodSummaryParts): object {
  const { pod, containers, volumes } = usage
  const { name, namespace, uid } = pod.metadata
  const ofContainer = (c: ContainerUsage) => ({ name: c.name, startTime: c.startedAt, cpu: cpu(time, nanoCores(usage, c.name), c.cpuNanos), memory: memoryStats(time, c.memoryBytes), rootfs: fs(c.rootfsBytes), logs: fs(c.logBytes), swap: { time, swapUsageBytes: 0 } })
  const isFinished = pod.status?.startTime === undefined
  return {
    podRef: { name, namespace, uid },
    ...(isFinished ? {} : { startTime: pod.status?.startTime }),
    containers: containers.map(ofContainer),
    cpu: cpu(time, podNano(usage, nanoCores), containers.reduce((sum, c) => sum + c.cpuNanos, 0)),
    memory: memoryStats(time, memoryOf(usage)),
    network: network(time),
    ...(volumes.length > 0 ? { volume: volumes.map((v) => ({ ...fs(v.bytes), name: v.name })) } : {}),
    'ephemeral-storage': fs(diskOf(usage)),
    process_stats: { process_count: containers.reduce((sum, c) => sum + c.processes, 0) },
    swap: { time, swapUsageBytes: 0 },
  }
}

function cpu(time: string, nanoCores: number, nanoSeconds: number): object {
  return { time, usageNanoCores: Math.round(nanoCores), usageCoreNanoSeconds: Math.round(nanoSeconds) }
}

function memoryStats(time: string, bytes: number): object {
  return { time, usageBytes: bytes, workingSetBytes: bytes, rssBytes: bytes, pageFaults: 0, majorPageFaults: 0 }
}

function network(time: string): object {
  const eth0 = { name: 'eth0', rxBytes: 0, rxErrors: 0, txBytes: 0, txErrors: 0 }
  return { time, ...eth0, interfaces: [eth0] }
}
