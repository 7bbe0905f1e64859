/** The files of a container's cgroup, version 2. Models what runc writes of the kubelet's settings (pkg/kubelet/cm, opencontainers/cgroups). */
import type { Kernel } from './kernel.ts'
import type { Sandbox } from './sandbox.ts'

const PERIOD_US = 100_000
const MIN_QUOTA_US = 1000
const MIN_SHARES = 2
const MAX_SHARES = 262_144
const MAX_WEIGHT = 10_000
/** What the processes of a container hold that say nothing of it. */
const BASE_BYTES = 2 * 1024 * 1024

function sharesOf({ requests, limits }: Kernel): number {
  const millicores = requests.millicores || limits.millicores || 0
  return Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((millicores * 1024) / 1000)))
}

/** As opencontainers/cgroups converts shares of the first version since 0.0.6. */
export function cpuWeight(kernel: Kernel): number {
  const shares = sharesOf(kernel)
  if (shares <= MIN_SHARES) return 1
  if (shares >= MAX_SHARES) return MAX_WEIGHT
  const log = Math.log2(shares)
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34))
}

export function cpuMax({ limits }: Kernel): string {
  if (!limits.millicores) return `max ${PERIOD_US}`
  return `${Math.max(MIN_QUOTA_US, Math.floor((limits.millicores * PERIOD_US) / 1000))} ${PERIOD_US}`
}

/** What it holds now, its files in memory included. */
export function memoryBytes(sandbox: Sandbox): number {
  return heldBytes(sandbox) + (sandbox.claims.bytes ? 0 : BASE_BYTES)
}

/** Besides the little that every process has. */
export function heldBytes({ claims, options: { usage } }: Sandbox): number {
  return claims.bytes + (usage?.() ?? 0)
}

/** Contents by file name, as they are now. */
export function cgroupFiles(sandbox: Sandbox): Readonly<Record<string, () => string>> {
  const { kernel } = sandbox
  const micros = () => Math.floor(sandbox.cpuNanos() / 1000)
  const pids = () => sandbox.processes().map(({ pid }) => pid)
  return {
    'cgroup.controllers': () => 'cpuset cpu io memory hugetlb pids rdma misc',
    'cgroup.events': () => 'populated 1\nfrozen 0',
    'cgroup.procs': () => pids().join('\n'),
    'cgroup.type': () => 'domain',
    'cpu.max': () => cpuMax(kernel),
    'cpu.stat': () => `usage_usec ${micros()}\nuser_usec ${micros()}\nsystem_usec 0\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0`,
    'cpu.weight': () => String(cpuWeight(kernel)),
    'cpuset.cpus.effective': () => `0-${kernel.cpus - 1}`,
    'cpuset.mems.effective': () => '0',
    'io.stat': () => '',
    'memory.current': () => String(memoryBytes(sandbox)),
    'memory.events': () => 'low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0',
    'memory.high': () => 'max',
    'memory.low': () => '0',
    'memory.max': () => String(kernel.limits.bytes ?? 'max'),
    'memory.min': () => '0',
    'memory.oom.group': () => '1',
    'memory.peak': () => String(memoryBytes(sandbox)),
    'memory.stat': () => `anon ${memoryBytes(sandbox)}\nfile 0\nkernel 0\nshmem 0\ninactive_file 0\nactive_file 0`,
    'memory.swap.current': () => '0',
    'memory.swap.max': () => '0',
    'pids.current': () => String(pids().length),
    'pids.max': () => 'max',
  }
}
