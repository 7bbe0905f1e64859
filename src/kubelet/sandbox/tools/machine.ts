/** Tools that tell of the machine and what runs on it: ps, top, free, sysctl and their like. Models busybox's procps, from /proc. */
import { memoryBytes } from '../cgroup.ts'
import { getopt } from '../getopt.ts'
import { eachInput, linesOf } from '../inputs.ts'
import { normalSysctl } from '../kernel.ts'
import { FsError } from '../nodes.ts'
import { userName } from '../owners.ts'
import type { Process, Program } from '../process.ts'
import { mountsOf } from '../procfs.ts'
import { strftime } from '../strftime.ts'

const KIBIBYTE = 1024

const commandOf = ({ shownArgv, argv }: Process) => (shownArgv ?? argv).join(' ')

/** The columns of `ps -o`. */
const COLUMNS: Readonly<Record<string, { title: string; of(p: Process): string | Promise<string> }>> = {
  pid: { title: 'PID', of: (p) => String(p.pid) },
  ppid: { title: 'PPID', of: (p) => String(p.ppid) },
  user: { title: 'USER', of: (p) => userName(p, p.cred.uid) },
  uid: { title: 'UID', of: (p) => String(p.cred.uid) },
  group: { title: 'GROUP', of: (p) => String(p.cred.gid) },
  comm: { title: 'COMMAND', of: (p) => p.name },
  args: { title: 'COMMAND', of: commandOf },
  cmd: { title: 'CMD', of: commandOf },
  stat: { title: 'STAT', of: () => 'S' },
  tty: { title: 'TT', of: (p) => (p.isTTY(0) ? 'pts/0' : '?') },
  time: { title: 'TIME', of: () => '0:00' },
  etime: { title: 'ELAPSED', of: (p) => elapsed(p.clock.now() - p.startedMs) },
  rss: { title: 'RSS', of: () => '1024' },
  vsz: { title: 'VSZ', of: () => '4096' },
  pcpu: { title: '%CPU', of: () => '0.0' },
  pmem: { title: '%MEM', of: () => '0.0' },
  nice: { title: 'NI', of: () => '0' },
}

function elapsed(ms: number): string {
  const s = Math.floor(ms / 1000)
  return `${String(Math.floor(s / 60)).padStart(2, '0')}:${String(s % 60).padStart(2, '0')}`
}

async function ps(process: Process): Promise<number> {
  const args = process.args.join(' ')
  const asked = /-o\s*(\S+)/.exec(args)?.[1]?.split(',') ?? process.args.filter((_, i) => process.args[i - 1] === '-o')
  const wide = /(^| )-?[a-z]*[uf]/.test(args) && asked.length === 0
  const names = asked.length > 0 ? asked : wide && /u/.test(args) ? ['user', 'pid', 'pcpu', 'pmem', 'vsz', 'rss', 'tty', 'stat', 'time', 'args'] : wide ? ['uid', 'pid', 'ppid', 'tty', 'time', 'cmd'] : ['pid', 'user', 'time', 'args']
  const unknown = names.map((n) => n.split('=')[0] ?? '').find((n) => !(n in COLUMNS))
  if (unknown !== undefined) {
    await process.err(`ps: bad -o argument '${unknown}', supported arguments: ${Object.keys(COLUMNS).join(',')}\n`)
    return 1
  }
  const wanted = /-p\s*(\S+)/.exec(args)?.[1]?.split(',')
  const rows: string[][] = [names.map((n) => (n.includes('=') ? (n.split('=')[1] ?? '') : (COLUMNS[n]?.title ?? '')))]
  for (const p of process.sandbox.processes()) {
    if (wanted && !wanted.includes(String(p.pid))) continue
    rows.push(await Promise.all(names.map(async (n) => String(await COLUMNS[n.split('=')[0] ?? '']?.of(p)))))
  }
  const shown = rows[0]?.every((title) => title === '') ? rows.slice(1) : rows
  const widths = names.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0), 5))
  const isRight = names.map((n) => /^(?:pid|ppid|pcpu|pmem|vsz|rss|time|nice)\b/.test(n))
  for (const row of shown) await process.out(`${row.map((cell, i) => (i === row.length - 1 ? cell : isRight[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join(' ')}\n`)
  return 0
}

async function top(process: Process): Promise<number> {
  const { has, value } = await getopt(process, 'bn:d:mHs:')
  const { sandbox } = process
  const { memoryBytes: total, cpus } = sandbox.kernel
  const rounds = Number(value('n') ?? (has('b') || !process.isTTY(1) ? '1' : 'Infinity'))
  for (let round = 0; round < rounds; round++) {
    if (round > 0) await process.sleep(Number(value('d') ?? '5') * 1000)
    const used = memoryBytes(sandbox)
    await process.out(`${has('b') ? '' : '\x1b[H\x1b[J'}Mem: ${Math.floor(used / KIBIBYTE)}K used, ${Math.floor((total - used) / KIBIBYTE)}K free, 0K shrd, 0K buff, 0K cached\nCPU:   0% usr   0% sys   0% nic 100% idle   0% io   0% irq   0% sirq\nLoad average: 0.00 0.00 0.00 1/${sandbox.processes().length} ${process.pid}\n  PID  PPID USER     STAT   VSZ %VSZ CPU %CPU COMMAND\n`)
    for (const [i, p] of sandbox.processes().entries()) await process.out(`${String(p.pid).padStart(5)} ${String(p.ppid).padStart(5)} ${(await userName(process, p.cred.uid)).padEnd(8)} S     4096   0%   ${i % cpus}   0% ${commandOf(p)}\n`)
  }
  return 0
}

async function free(process: Process): Promise<number> {
  const { has } = await getopt(process, 'bkmghtws:')
  const unit = has('b') ? 1 : has('m') ? KIBIBYTE ** 2 : has('g') ? KIBIBYTE ** 3 : KIBIBYTE
  const { memoryBytes: total } = process.sandbox.kernel
  const used = Math.floor(total / 4)
  const show = (bytes: number) => (has('h') ? `${(bytes / KIBIBYTE ** 3).toFixed(1)}G` : String(Math.floor(bytes / unit))).padStart(12)
  await process.out(`              total        used        free      shared  buff/cache   available\nMem:   ${[total, used, total - used, 0, 0, total - used].map(show).join('')}\nSwap:  ${[0, 0, 0].map(show).join('')}\n`)
  return 0
}

/** Names with dots or slashes are files below /proc/sys. */
async function sysctl(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'anwpeqN')
  const { fs } = process.sandbox
  const names = has('a') ? allSysctls(process) : rest
  let status = 0
  for (const given of names) {
    const [told = '', value] = given.split(/=(.*)/s)
    const name = normalSysctl(told)
    const path = `/proc/sys/${name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'))}`
    try {
      if (value !== undefined) fs.writeFile(path, `${value}\n`, { cred: process.cred })
      const text = (await fs.readFile(path, process.cred)).toString().trim()
      if (!has('q')) await process.out(has('n') ? `${text}\n` : `${name} = ${text}\n`)
    } catch (error) {
      if (!(error instanceof FsError)) throw error
      const why = error.code === 'ENOENT' ? `error: '${name}' is an unknown key` : `error ${value === undefined ? 'reading' : 'setting'} key '${name}': ${error.message}`
      if (!has('e')) await process.err(`sysctl: ${why}\n`)
      status = has('e') ? status : 1
    }
  }
  return status
}

function allSysctls({ sandbox, cred }: Process, dir = '/proc/sys'): string[] {
  return sandbox.fs.list(dir, cred).flatMap(([name, node]) => (node.kind === 'dir' ? allSysctls({ sandbox, cred } as Process, `${dir}/${name}`) : [`${dir}/${name}`.slice('/proc/sys/'.length)]))
}

async function mountpoint(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'qdxn')
  const path = process.sandbox.fs.tryResolve(process.path(rest[0] ?? ''))?.path
  const isMounted = mountsOf(process.sandbox).some((m) => m.path === path)
  if (!has('q')) await process.out(`${rest[0]} is ${isMounted ? '' : 'not '}a mountpoint\n`)
  return isMounted ? 0 : 1
}

async function lscpu(process: Process): Promise<number> {
  await process.out(`Architecture:        x86_64\nCPU(s):              ${process.sandbox.kernel.cpus}\nVendor ID:           Orrery\nModel name:          Orrery virtual CPU\n`)
  return 0
}

async function getconf(process: Process): Promise<number> {
  const { cpus, memoryBytes: total } = process.sandbox.kernel
  const known: Readonly<Record<string, number>> = { _NPROCESSORS_ONLN: cpus, _NPROCESSORS_CONF: cpus, PAGESIZE: 4096, PAGE_SIZE: 4096, _PHYS_PAGES: total / 4096, LONG_BIT: 64, CLK_TCK: 100, ARG_MAX: 2_097_152, OPEN_MAX: 1_048_576, NAME_MAX: 255, PATH_MAX: 4096 }
  const value = known[process.args[0] ?? '']
  if (value === undefined) {
    await process.err(`getconf: ${process.args[0]}: unknown variable\n`)
    return 1
  }
  await process.out(`${value}\n`)
  return 0
}

/** Runs a command again and again, with a title above its output. */
async function watch(process: Process): Promise<number> {
  const { value, has, rest } = await getopt(process, 'n:tdbex', { stops: true })
  for (;;) {
    const title = has('t') ? '' : `Every ${Number(value('n') ?? '2').toFixed(1)}s: ${rest.join(' ').padEnd(40)} ${strftime('%Y-%m-%d %H:%M:%S', process.clock.now())}\n\n`
    await process.out(`\x1b[H\x1b[J${title}`)
    const child = process.sandbox.spawn(process, { argv: ['/bin/sh', '-c', rest.join(' ')], env: process.env })
    if ('problem' in child) return child.status
    await process.block(child.process.exited)
    await process.sleep(Number(value('n') ?? '2') * 1000)
  }
}

/** Fills in `$NAME` and `${NAME}` from the environment; of those alone that it is given. */
async function envsubst(process: Process): Promise<number> {
  const { rest } = await getopt(process, 'v')
  const names = rest[0] === undefined ? undefined : new Set([...rest[0].matchAll(/\$\{?(\w+)\}?/g)].map((m) => m[1]))
  return eachInput(process, [], async (fd) => {
    for await (const line of linesOf(process, fd)) await process.out(`${line.replace(/\$(?:\{(\w+)\}|([A-Za-z_]\w*))/g, (all, a: string | undefined, b: string | undefined) => (names && !names.has(a ?? b) ? all : (process.env.get(a ?? b ?? '') ?? '')))}\n`)
  })
}

async function install(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'dDm:o:g:cspt:v')
  const mode = parseInt(value('m') ?? '755', 8)
  const { fs } = process.sandbox
  if (has('d')) {
    for (const dir of rest) fs.mkdirs(process.path(dir), process.cred, mode)
    return 0
  }
  const target = process.path(value('t') ?? rest.pop() ?? '')
  const isDir = value('t') !== undefined || fs.tryResolve(target)?.node.kind === 'dir'
  for (const file of rest) {
    const to = isDir ? `${target}/${file.split('/').at(-1)}` : target
    if (has('D')) fs.mkdirs(to.slice(0, to.lastIndexOf('/')) || '/', process.cred)
    fs.writeFile(to, await fs.readFile(process.path(file), process.cred), { cred: process.cred, mode })
    fs.change(to, { mode }, { cred: process.cred })
  }
  return 0
}

export default {
  ps,
  top,
  free,
  sysctl,
  mountpoint,
  lscpu,
  getconf,
  watch,
  envsubst,
  install,
  logger: () => 0,
  uuidgen: async (process) => {
    await process.out(`${process.sandbox.random.uuid()}\n`)
    return 0
  },
} satisfies Record<string, Program>
