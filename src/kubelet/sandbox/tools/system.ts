/** Tools about processes, users, time and the machine. Models busybox's procps and coreutils. */
import { parseDateText } from '../date-text.ts'
import { getopt, splitOnce } from '../getopt.ts'
import { addressOf } from '../lookup.ts'
import { groupName, userName } from '../owners.ts'
import { Exited, SIGNALS, type Process, type Program } from '../process.ts'
import { testArgs } from '../shell/conditional.ts'
import { ShellError } from '../shell/state.ts'
import { strftime } from '../strftime.ts'

const UNITS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }

async function seconds(process: Process, text: string): Promise<number> {
  const [, number, unit = ''] = /^(\d*\.?\d+)([smhd]?)$/.exec(text) ?? []
  if (number !== undefined) return Number(number) * (UNITS[unit] ?? 1)
  if (/^(inf|infinity)$/.test(text)) return Infinity
  await process.err(`${process.name}: invalid number '${text}'\n`)
  throw new Exited(1)
}

async function sleep(process: Process): Promise<number> {
  if (process.args.length === 0) {
    await process.err('BusyBox v1.37.0 multi-call binary.\n\nUsage: sleep [N]...\n')
    return 1
  }
  let total = 0
  for (const arg of process.args) total += await seconds(process, arg)
  if (total === Infinity) await process.block(new Promise(() => {}))
  await process.sleep(total * 1000)
  return 0
}

async function test(process: Process): Promise<number> {
  const args = [...process.args]
  if (process.name === '[' && args.pop() !== ']') {
    await process.err('[: missing ]\n')
    return 2
  }
  try {
    return testArgs(args, process) ? 0 : 1
  } catch (error) {
    if (!(error instanceof ShellError)) throw error
    await process.err(`${process.name}: ${error.message}\n`)
    return 2
  }
}

/** Runs another program to its end, with the caller's descriptors. */
async function run(process: Process, argv: readonly string[], env: ReadonlyMap<string, string> = process.env): Promise<number> {
  const child = process.sandbox.spawn(process, { argv, env })
  if ('problem' in child) {
    await process.err(`${process.name}: can't execute '${argv[0]}': ${child.status === 127 ? 'No such file or directory' : child.problem}\n`)
    return child.status
  }
  return process.block(child.process.exited)
}

async function env(process: Process): Promise<number> {
  const { has, values, rest } = await getopt(process, 'iu:0 ignore-environment unset=', { stops: true })
  const result = new Map(has('i', 'ignore-environment') ? [] : process.env)
  for (const name of values('u', 'unset')) result.delete(name)
  while (rest[0]?.includes('=')) {
    const [name, value = ''] = splitOnce(rest.shift() ?? '', '=')
    result.set(name, value)
  }
  if (rest.length > 0) return run(process, rest, result)
  await process.out([...result].map(([name, value]) => `${name}=${value}${has('0') ? '\0' : '\n'}`).join(''))
  return 0
}

async function printenv(process: Process): Promise<number> {
  if (process.args.length === 0) return env(process)
  let status = 0
  for (const name of process.args) {
    const value = process.env.get(name)
    if (value === undefined) status = 1
    else await process.out(`${value}\n`)
  }
  return status
}

async function id(process: Process): Promise<number> {
  const { has } = await getopt(process, 'ugGnr')
  const { uid, gid, groups } = process.cred
  const all = [...new Set([gid, ...groups])]
  const name = async (n: number, isUser: boolean) => (has('n') ? (isUser ? userName(process, n) : groupName(process, n)) : String(n))
  if (has('u')) await process.out(`${await name(uid, true)}\n`)
  else if (has('g')) await process.out(`${await name(gid, false)}\n`)
  else if (has('G')) await process.out(`${(await Promise.all(all.map((g) => name(g, false)))).join(' ')}\n`)
  else {
    const named = async (n: number, of: (p: Process, n: number) => Promise<string>) => {
      const text = await of(process, n)
      return text === String(n) ? text : `${n}(${text})`
    }
    const list = await Promise.all(all.map((g) => named(g, groupName)))
    await process.out(`uid=${await named(uid, userName)} gid=${await named(gid, groupName)}${all.length > 0 ? ` groups=${list.join(',')}` : ''}\n`)
  }
  return 0
}

async function whoami(process: Process): Promise<number> {
  const name = await userName(process, process.cred.uid)
  if (name === String(process.cred.uid)) {
    await process.err(`whoami: unknown uid ${name}\n`)
    return 1
  }
  await process.out(`${name}\n`)
  return 0
}

async function hostname(process: Process): Promise<number> {
  const { has } = await getopt(process, 'ifsdF:I')
  const { hostname: name, party, fs } = process.sandbox
  const hosts = fs.tryResolve('/etc/hosts') ? (await fs.readFile('/etc/hosts')).toString() : ''
  const full = hosts.split('\n').map((l) => l.split(/\s+/)).find((w) => w.includes(name))?.[1] ?? name
  await process.out(`${has('i', 'I') ? (party.ips ?? [party.ip]).join(' ') : has('f') ? full : has('d') ? full.slice(name.length + 1) : name}\n`)
  return 0
}

async function uname(process: Process): Promise<number> {
  const { has } = await getopt(process, 'amnrspvio')
  const fields: [string, string][] = [['s', 'Linux'], ['n', process.sandbox.hostname], ['r', '6.12.0'], ['v', '#1 SMP PREEMPT_DYNAMIC Orrery'], ['m', 'x86_64'], ['o', 'GNU/Linux']]
  const chosen = fields.filter(([flag]) => has('a', flag))
  await process.out(`${(chosen.length > 0 ? chosen : fields.slice(0, 1)).map(([, text]) => text).join(' ')}\n`)
  return 0
}

async function date(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'uRI::d:D:r:s: date= utc iso-8601')
  const given = value('d', 'date')
  const ms = given === undefined ? process.clock.now() : parseDateText(given, process.clock.now())
  if (Number.isNaN(ms)) {
    await process.err(`date: invalid date '${given}'\n`)
    return 1
  }
  const format = rest.find((a) => a.startsWith('+'))?.slice(1) ?? (has('R') ? '%a, %d %b %Y %H:%M:%S +0000' : has('iso-8601') ? '%Y-%m-%d' : has('I') ? '%Y-%m-%dT%H:%M:%S+00:00' : '%a %b %e %H:%M:%S UTC %Y')
  await process.out(`${strftime(format, ms)}\n`)
  return 0
}

async function kill(process: Process): Promise<number> {
  let signal = SIGNALS.TERM ?? 15
  let args = process.args
  if (args[0] === '-l') {
    await process.out(`${Object.keys(SIGNALS).join(' ')}\n`)
    return 0
  }
  if (args[0] === '-s') args = [`-${args[1]}`, ...args.slice(2)]
  if (args[0]?.startsWith('-') && args.length > 1) {
    const name = args[0].slice(1).toUpperCase().replace(/^SIG/, '')
    const number = /^\d+$/.test(name) ? Number(name) : SIGNALS[name]
    if (number === undefined) {
      await process.err(`kill: bad signal name '${name}'\n`)
      return 1
    }
    signal = number
    args = args.slice(1)
  }
  let status = 0
  for (const pid of args) {
    const targets = pid === '-1' ? process.sandbox.processes().filter((p) => p.pid !== 1 && p !== process) : [process.sandbox.process(Number(pid))]
    for (const target of targets) {
      if (!target) {
        await process.err(`kill: can't kill pid ${pid}: No such process\n`)
        status = 1
      } else if (signal !== 0) target.signal(signal)
    }
  }
  return status
}

async function byName(process: Process, act: (found: Process) => Promise<void> | void): Promise<number> {
  const names = process.args.filter((a) => !a.startsWith('-'))
  const found = process.sandbox.processes().filter((p) => p !== process && names.some((n) => p.name === n || (process.name.startsWith('pg') || process.name === 'pkill' ? p.argv.join(' ').includes(n) : false)))
  for (const p of found) await act(p)
  return found.length > 0 ? 0 : 1
}

function signalOf(process: Process): number {
  const text = process.args.find((a) => /^-[A-Z0-9]+$/.test(a))?.slice(1).replace(/^SIG/, '')
  return text === undefined ? 15 : (SIGNALS[text] ?? Number(text))
}

async function which(process: Process): Promise<number> {
  let status = 0
  for (const name of process.args.filter((a) => !a.startsWith('-'))) {
    const path = process.sandbox.which(name, process, process.env.get('PATH'))
    if (path === undefined) status = 1
    else await process.out(`${path}\n`)
  }
  return status
}

async function xargs(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, '0rtn:I:L:P:d:s:', { stops: true })
  const text = (await process.readAll()).toString()
  const placeholder = value('I')
  const separator = has('0') ? '\0' : value('d')?.replace('\\n', '\n')
  const items = (separator !== undefined ? text.split(separator) : placeholder !== undefined || has('L') ? text.split('\n') : text.split(/\s+/)).filter((s) => s !== '')
  const command = rest.length > 0 ? rest : ['echo']
  const size = placeholder !== undefined ? 1 : Number(value('n') ?? value('L') ?? Infinity)
  if (items.length === 0 && has('r')) return 0
  let status = 0
  for (let i = 0; i < Math.max(1, items.length); i += size) {
    const batch = items.slice(i, i + size)
    if (batch.length === 0 && placeholder !== undefined) break
    const argv = placeholder === undefined ? [...command, ...batch] : command.map((word) => word.replaceAll(placeholder, batch[0] ?? ''))
    if ((await run(process, argv)) !== 0) status = 123
    if (size === Infinity) break
  }
  return status
}

async function timeout(process: Process): Promise<number> {
  const { value, rest } = await getopt(process, 's:k:t: signal= preserve-status foreground', { stops: true })
  const [limit = '', ...argv] = value('t') === undefined ? rest : [value('t') ?? '', ...rest]
  const child = process.sandbox.spawn(process, { argv, env: process.env })
  if ('problem' in child) {
    await process.err(`timeout: can't execute '${argv[0]}': No such file or directory\n`)
    return child.status
  }
  const ms = (await seconds(process, limit)) * 1000
  const signal = (value('s', 'signal') ?? 'TERM').replace(/^SIG/, '')
  let timedOut = false
  const timer = process.clock.after(ms, () => {
    timedOut = true
    child.process.signal(SIGNALS[signal] ?? (Number(signal) || 15))
  })
  const code = await process.block(child.process.exited).finally(() => timer.cancel())
  return timedOut ? 143 : code
}

async function time(process: Process): Promise<number> {
  const startMs = process.clock.now()
  const status = await run(process, process.args)
  const s = (process.clock.now() - startMs) / 1000
  await process.err(`real\t${Math.floor(s / 60)}m ${(s % 60).toFixed(2)}s\nuser\t0m 0.00s\nsys\t0m 0.00s\n`)
  return status
}

async function stty(process: Process): Promise<number> {
  const { terminal, isTTY } = process.fds.get(0)?.end ?? {}
  if (!isTTY) {
    await process.err('stty: standard input: Inappropriate ioctl for device\n')
    return 1
  }
  if (process.args.includes('size')) await process.out(`${terminal?.rows ?? 24} ${terminal?.columns ?? 80}\n`)
  if (terminal && process.args.includes('-echo')) terminal.echoes = false
  if (terminal && process.args.some((a) => a === 'echo' || a === 'sane')) terminal.echoes = true
  return 0
}

async function getent(process: Process): Promise<number> {
  const [database = '', ...keys] = process.args
  if (database === 'hosts' || database === 'ahosts') {
    for (const key of keys) {
      const ip = await addressOf(process, key).catch(() => undefined)
      if (ip === undefined) return 2
      await process.out(`${ip.padEnd(16)}${key}\n`)
    }
    return 0
  }
  const lines = (await process.sandbox.fs.readFile(`/etc/${database}`)).toString().split('\n').filter(Boolean)
  const found = lines.filter((line) => keys.length === 0 || keys.some((k) => line.startsWith(`${k}:`) || line.split(':')[2] === k))
  await process.out(found.map((line) => `${line}\n`).join(''))
  return found.length > 0 ? 0 : 2
}

async function busybox(process: Process): Promise<number> {
  const [name, ...args] = process.args
  if (name === undefined || name.startsWith('--')) {
    await process.out('BusyBox v1.37.0 multi-call binary.\n')
    return 0
  }
  const program = process.sandbox.program(name)
  if (!program) {
    await process.err(`${name}: applet not found\n`)
    return 127
  }
  process.argv = [name, ...args]
  return program(process)
}

async function su(process: Process): Promise<number> {
  const at = process.args.indexOf('-c')
  const script = at < 0 ? undefined : process.args[at + 1]
  return run(process, script === undefined ? ['sh'] : ['sh', '-c', script])
}

function text(make: (process: Process) => string): Program {
  return async (process) => {
    await process.out(make(process))
    return 0
  }
}

export default {
  sleep,
  test,
  '[': test,
  env,
  printenv,
  id,
  whoami,
  hostname,
  uname,
  date,
  kill,
  which,
  xargs,
  timeout,
  time,
  getent,
  busybox,
  su,
  true: () => 0,
  false: () => 1,
  usleep: async (process) => { await process.sleep(Number(process.args[0] ?? '0') / 1000); return 0 },
  pwd: text((process) => `${process.cwd}\n`),
  arch: text(() => 'x86_64\n'),
  nproc: text(({ sandbox }) => `${sandbox.kernel.cpus}\n`),
  groups: text(({ cred }) => `${[cred.gid, ...cred.groups].join(' ')}\n`),
  tty: async (process) => { await process.out(process.isTTY(0) ? '/dev/pts/0\n' : 'not a tty\n'); return process.isTTY(0) ? 0 : 1 },
  stty,
  clear: text(() => '\x1b[H\x1b[J'),
  reset: text(() => '\x1bc'),
  uptime: text((process) => ` ${strftime('%H:%M:%S', process.clock.now())} up 1 day,  0:00,  0 users,  load average: 0.00, 0.00, 0.00\n`),
  nohup: (process) => run(process, process.args),
  nice: async (process) => run(process, process.args[0] === '-n' ? process.args.slice(2) : process.args),
  setsid: (process) => run(process, process.args),
  pidof: (process) => byName(process, (p) => process.out(`${p.pid}\n`)),
  pgrep: (process) => byName(process, (p) => process.out(`${p.pid}\n`)),
  pkill: (process) => byName(process, (p) => p.signal(signalOf(process))),
  killall: (process) => byName(process, (p) => p.signal(signalOf(process))),
} satisfies Record<string, Program>
