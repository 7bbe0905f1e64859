/** /proc, and what is looked at below /sys: files that are made when they are read. Models proc(5). */
import { cgroupFiles, memoryBytes } from './cgroup.ts'
import { RELEASE, SYSCTLS } from './kernel.ts'
import { DirNode, FileNode, LinkNode, LiveDirNode, type FsNode, type Meta } from './nodes.ts'
import type { Process } from './process.ts'
import type { Sandbox } from './sandbox.ts'

type Text = () => string

const META: Meta = { mode: 0o444, uid: 0, gid: 0, mtimeMs: 0 }
/** Of a pod with users of its own. */
export const USERS = 65_536
const CAPABILITIES = { root: '00000000a80425fb', none: '0000000000000000', all: '000001ffffffffff' }

function textFile(text: Text, mode = 0o444): FileNode {
  const file = new FileNode({ ...META, mode })
  file.source = () => Buffer.from(text())
  return file
}

function directory(files: Readonly<Record<string, Text | FsNode>>): DirNode {
  return new DirNode({ ...META, mode: 0o555 }, (entries) => {
    for (const [name, content] of Object.entries(files)) entries.set(name, typeof content === 'function' ? textFile(content) : content)
  })
}

export function mountsOf({ fs }: Sandbox): { source: string; path: string; type: string; options: string }[] {
  const sources: Readonly<Record<string, string>> = { ext4: '/dev/vda1', cgroup2: 'cgroup' }
  const modes = (readOnly: boolean) => (readOnly ? 'ro' : 'rw')
  return [...fs.mounts()].map(([path, { type, readOnly }]) => ({ source: sources[type] ?? type, path, type, options: `${modes(readOnly)}${type === 'cgroup2' || type === 'proc' || type === 'sysfs' ? ',nosuid,nodev,noexec' : ''},relatime` }))
}

const mountTable = (sandbox: Sandbox) => mountsOf(sandbox).map(({ source, path, type, options }) => `${source} ${path} ${type} ${options} 0 0\n`).join('')

function statusOf({ pid, ppid, name, cred, sandbox }: Process): string {
  const { uid, gid, groups } = cred
  const four = (id: number) => `${id}\t${id}\t${id}\t${id}`
  const { privileged, noNewPrivileges, seccomp } = sandbox.options
  const capabilities = uid !== 0 ? CAPABILITIES.none : privileged ? CAPABILITIES.all : CAPABILITIES.root
  return `Name:\t${name}\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t${pid}\nPid:\t${pid}\nPPid:\t${ppid}\nTracerPid:\t0\nUid:\t${four(uid)}\nGid:\t${four(gid)}\nFDSize:\t64\nGroups:\t${groups.join(' ')} \nVmRSS:\t    1024 kB\nThreads:\t1\nCapInh:\t${CAPABILITIES.none}\nCapPrm:\t${capabilities}\nCapEff:\t${capabilities}\nCapBnd:\t${privileged ? CAPABILITIES.all : CAPABILITIES.root}\nCapAmb:\t${CAPABILITIES.none}\nNoNewPrivs:\t${noNewPrivileges ? 1 : 0}\nSeccomp:\t${seccomp && !privileged ? 2 : 0}\n`
}

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'] as const
/** Of the node's own that of users is the first; containers have others. */
const FIRST_USERS = 4_026_531_837
const FIRST_OWN = 4_026_532_000

function namespaceOf({ party, options }: Sandbox, name: (typeof NAMESPACES)[number], place: number): number {
  if (name === 'user' && options.firstUser === undefined) return FIRST_USERS
  const own = options.firstUser === undefined ? Number(party.ip.split('.').at(-1)) || 0 : options.firstUser / USERS
  return FIRST_OWN + (own % 90) * 10 + place
}

/** What is open is known by what it is like alone. */
const targetOf = (fd: number, isTTY = false): string => (isTTY ? '/dev/pts/0' : `pipe:[${1000 + fd}]`)

function processDir(process: Process): DirNode {
  const { sandbox } = process
  const link = (target: string) => new LinkNode(target, { ...META, mode: 0o777 })
  return directory({
    cgroup: () => '0::/\n',
    cmdline: () => (process.shownArgv ?? process.argv).map((word) => `${word}\0`).join(''),
    comm: () => `${process.name.slice(0, 15)}\n`,
    cwd: link(process.cwd),
    environ: textFile(() => [...process.env].map(([name, value]) => `${name}=${value}\0`).join(''), 0o400),
    fd: new LiveDirNode({ ...META, mode: 0o500 }, () => new Map([...process.fds].map(([fd, { end }]): [string, FsNode] => [String(fd), link(targetOf(fd, end.isTTY))]))),
    exe: link((process.shownArgv ?? process.argv)[0] ?? ''),
    limits: () => 'Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1048576              1048576              files     \n',
    mountinfo: () => mountsOf(sandbox).map(({ source, path, type, options }, i) => `${100 + i} 99 0:${50 + i} / ${path} ${options} - ${type} ${source} rw\n`).join(''),
    mounts: () => mountTable(sandbox),
    oom_score: () => '0\n',
    oom_score_adj: () => `${sandbox.kernel.oomScoreAdj}\n`,
    ns: directory(Object.fromEntries(NAMESPACES.map((name, i) => [name, link(`${name}:[${namespaceOf(sandbox, name, i)}]`)]))),
    root: link('/'),
    stat: () => `${process.pid} (${process.name.slice(0, 15)}) S ${process.ppid} ${process.pid} ${process.pid} 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 ${Math.floor(process.startedMs / 10)} 4194304 256\n`,
    status: () => statusOf(process),
    uid_map: () => idMap(sandbox),
    gid_map: () => idMap(sandbox),
  })
}

const idMap = ({ options: { firstUser } }: Sandbox): string => [0, firstUser ?? 0, firstUser === undefined ? 4_294_967_295 : USERS].map((n) => String(n).padStart(10)).join(' ') + '\n'

function meminfo(sandbox: Sandbox): string {
  const { memoryBytes: total } = sandbox.kernel
  const free = Math.floor(total * 0.75) - memoryBytes(sandbox)
  const rows: readonly (readonly [string, number])[] = [['MemTotal', total], ['MemFree', free], ['MemAvailable', free], ['Buffers', 0], ['Cached', 0], ['SwapCached', 0], ['Active', total - free], ['Inactive', 0], ['SwapTotal', 0], ['SwapFree', 0], ['Shmem', 0], ['HugePages_Total', 0]]
  return rows.map(([name, bytes]) => `${`${name}:`.padEnd(16)}${String(Math.floor(bytes / 1024)).padStart(8)} kB\n`).join('')
}

function cpuinfo({ kernel }: Sandbox): string {
  return Array.from({ length: kernel.cpus }, (_, i) => `processor\t: ${i}\nvendor_id\t: Orrery\ncpu family\t: 6\nmodel name\t: Orrery virtual CPU\ncpu MHz\t\t: 2400.000\ncache size\t: 16384 KB\nphysical id\t: 0\nsiblings\t: ${kernel.cpus}\ncore id\t\t: ${i}\ncpu cores\t: ${kernel.cpus}\nflags\t\t: fpu sse sse2\nbogomips\t: 4800.00\n\n`).join('')
}

/** `sys/` as a tree of the parameters' names; a pod may have set some. */
function sysctlTree(sandbox: Sandbox): DirNode {
  const root = new DirNode({ ...META, mode: 0o555 })
  const values = new Map([...Object.entries(SYSCTLS), ['kernel.hostname', sandbox.hostname], ...sandbox.kernel.sysctls])
  for (const [name, value] of values) {
    const parts = name.split('.').map((part) => part.replaceAll('/', '.'))
    const leaf = parts.pop() ?? ''
    let at = root
    for (const part of parts) {
      const known = at.entries.get(part)
      const next = known?.kind === 'dir' ? known : new DirNode({ ...META, mode: 0o555 })
      at.entries.set(part, next)
      at = next
    }
    at.entries.set(leaf, new FileNode({ ...META, mode: 0o644 }, Buffer.from(`${value ?? ''}\n`)))
  }
  return root
}

function netDir(sandbox: Sandbox): DirNode {
  const { ip } = sandbox.party
  const hex = (address: string) => address.split('.').reverse().map((n) => Number(n).toString(16).padStart(2, '0').toUpperCase()).join('')
  const counters = `${'0 '.repeat(15)}0`
  const sockets = () => sandbox.listening().filter((l) => l.protocol === 'TCP').map(({ port }, i) => `${String(i).padStart(4)}: ${hex('0.0.0.0')}:${port.toString(16).padStart(4, '0').toUpperCase()} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${1000 + i} 1 0000000000000000 100 0 0 10 0\n`).join('')
  return directory({
    dev: () => `Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo: ${counters}\n  eth0: ${counters}\n`,
    route: () => `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\neth0\t00000000\t${hex(ip.replace(/\d+$/, '1'))}\t0003\t0\t0\t0\t00000000\t0\t0\t0\neth0\t${hex(ip.replace(/\d+$/, '0'))}\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n`,
    tcp: () => `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n${sockets()}`,
  })
}

function procDir(sandbox: Sandbox): DirNode {
  const { clock } = sandbox
  const startedMs = clock.now()
  const seconds = () => (Math.max(0, clock.now() - startedMs) / 1000 + 86_400).toFixed(2)
  const fixed: [string, FsNode][] = [
    ['cpuinfo', textFile(() => cpuinfo(sandbox))],
    ['filesystems', textFile(() => 'nodev\tproc\nnodev\ttmpfs\nnodev\tcgroup2\n\text4\nnodev\toverlay\n')],
    ['loadavg', textFile(() => `0.00 0.00 0.00 1/${sandbox.processes().length} ${sandbox.processes().at(-1)?.pid ?? 1}\n`)],
    ['meminfo', textFile(() => meminfo(sandbox))],
    ['mounts', textFile(() => mountTable(sandbox))],
    ['net', netDir(sandbox)],
    ['stat', textFile(() => `cpu  0 0 0 0 0 0 0 0 0 0\nbtime ${Math.floor(startedMs / 1000)}\nprocesses ${sandbox.processes().length}\n`)],
    ['sys', sysctlTree(sandbox)],
    ['uptime', textFile(() => `${seconds()} ${seconds()}\n`)],
    ['version', textFile(() => `Linux version ${RELEASE} (orrery) #1 SMP PREEMPT_DYNAMIC Orrery\n`)],
  ]
  return new LiveDirNode({ ...META, mode: 0o555 }, () => new Map([...fixed, ...sandbox.processes().map((p): [string, FsNode] => [String(p.pid), processDir(p)])]))
}

/** Puts them in their places when somebody first looks. */
export function mountKernel(sandbox: Sandbox): void {
  const { fs } = sandbox
  fs.furnishMore(() => {
    fs.mount('/proc', { node: procDir(sandbox), readOnly: !sandbox.options.privileged, type: 'proc' })
    fs.mount('/sys/fs/cgroup', { node: directory(Object.fromEntries(Object.entries(cgroupFiles(sandbox)).map(([name, text]) => [name, () => `${text()}\n`]))), readOnly: true, type: 'cgroup2' })
  })
}
