/** The control groups of a node's pods, as a pod sees them that mounts /sys/fs/cgroup of its host. Models pkg/kubelet/cm's systemd names. */
import type { Pod, ResourceRequirements } from '../../schemas/types.ts'
import { shareOf } from './kernel-of.ts'
import { cpuMax, cpuWeight } from './sandbox/cgroup.ts'
import { defaultKernel } from './sandbox/kernel.ts'
import { DirNode, FileNode } from './sandbox/nodes.ts'

export const CGROUP_ROOT = '/sys/fs/cgroup'

/** @param resourcesOf what a pod has as a whole, now */
export function hostCgroups(pods: readonly Pod[], resourcesOf: (uid: string) => ResourceRequirements, nowMs: number): DirNode {
  const empty = () => new DirNode({ mode: 0o755, uid: 0, gid: 0, mtimeMs: nowMs })
  const root = directory({ 'cgroup.controllers': () => 'cpuset cpu io memory hugetlb pids rdma misc' }, nowMs)
  const kubepods = empty()
  root.entries.set('kubepods.slice', kubepods)
  const classes: Record<string, DirNode> = { Guaranteed: kubepods, Burstable: empty(), BestEffort: empty() }
  for (const name of ['Burstable', 'BestEffort']) kubepods.entries.set(`kubepods-${name.toLowerCase()}.slice`, classes[name] ?? kubepods)
  for (const { metadata: { uid = '' }, status } of pods) {
    const qos = status?.qosClass ?? 'BestEffort'
    const prefix = qos === 'Guaranteed' ? 'kubepods' : `kubepods-${qos.toLowerCase()}`
    const kernel = () => {
      const { requests, limits } = resourcesOf(uid)
      return { ...defaultKernel(), requests: shareOf(requests), limits: shareOf(limits) }
    }
    const files = directory({ 'cpu.max': () => cpuMax(kernel()), 'cpu.weight': () => String(cpuWeight(kernel())), 'memory.max': () => String(kernel().limits.bytes ?? 'max') }, nowMs)
    classes[qos]?.entries.set(`${prefix}-pod${uid.replaceAll('-', '_')}.slice`, files)
  }
  return root
}

function directory(contents: Readonly<Record<string, () => string>>, mtimeMs: number): DirNode {
  const dir = new DirNode({ mode: 0o755, uid: 0, gid: 0, mtimeMs })
  for (const [name, text] of Object.entries(contents)) {
    const file = new FileNode({ mode: 0o644, uid: 0, gid: 0, mtimeMs })
    file.source = () => Buffer.from(`${text()}\n`)
    dir.entries.set(name, file)
  }
  return dir
}
