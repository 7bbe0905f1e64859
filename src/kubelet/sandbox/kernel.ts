/** What the kernel of a node tells a container: the machine, the share of it that its cgroup has, parameters. */

export interface Share {
  millicores?: number
  bytes?: number
}

export interface Kernel {
  cpus: number
  memoryBytes: number
  /** These change when the container is resized in place. */
  requests: Share
  limits: Share
  oomScoreAdj: number
  /** Kernel parameters by their names with dots. */
  sysctls: ReadonlyMap<string, string>
}

const GIBIBYTE = 1024 ** 3

export function defaultKernel(): Kernel {
  return { cpus: 8, memoryBytes: 32 * GIBIBYTE, requests: {}, limits: {}, oomScoreAdj: 0, sysctls: new Map() }
}

export const RELEASE = '6.12.0'

/** Those that namespaces have of their own and scripts ask for. */
export const SYSCTLS: Readonly<Record<string, string>> = {
  'fs.file-max': '9223372036854775807',
  'fs.inotify.max_user_instances': '8192',
  'fs.inotify.max_user_watches': '524288',
  'fs.mqueue.msg_max': '10',
  'kernel.core_pattern': 'core',
  'kernel.msgmax': '8192',
  'kernel.msgmnb': '16384',
  'kernel.msgmni': '32000',
  'kernel.osrelease': RELEASE,
  'kernel.ostype': 'Linux',
  'kernel.panic': '0',
  'kernel.pid_max': '4194304',
  'kernel.sem': '32000\t1024000000\t500\t32000',
  'kernel.shm_rmid_forced': '0',
  'kernel.shmall': '18446744073692774399',
  'kernel.shmmax': '18446744073692774399',
  'kernel.shmmni': '4096',
  'kernel.threads-max': '255000',
  'kernel.version': '#1 SMP PREEMPT_DYNAMIC Orrery',
  'net.core.somaxconn': '4096',
  'net.ipv4.ip_forward': '1',
  'net.ipv4.ip_local_port_range': '32768\t60999',
  'net.ipv4.ip_local_reserved_ports': '',
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0\t2147483647',
  'net.ipv4.tcp_fin_timeout': '60',
  'net.ipv4.tcp_keepalive_intvl': '75',
  'net.ipv4.tcp_keepalive_probes': '9',
  'net.ipv4.tcp_keepalive_time': '7200',
  'net.ipv4.tcp_rmem': '4096\t131072\t6291456',
  'net.ipv4.tcp_syncookies': '1',
  'net.ipv4.tcp_wmem': '4096\t16384\t4194304',
  'vm.max_map_count': '1048576',
  'vm.overcommit_memory': '1',
  'vm.swappiness': '60',
}

/** `net/ipv4/x` and `net.ipv4.x` are the same: what comes first separates. */
export function normalSysctl(name: string): string {
  const [first] = /[./]/.exec(name) ?? []
  return first === '/' ? name.replace(/[./]/g, (c) => (c === '/' ? '.' : '/')) : name
}
