/**
 * Package managers: nothing is downloaded, but what is asked for and known here is put in its place, so that a script which
 * installs its tools first goes on. What is not known is told as missing, in each one's words.
 */
import { FileNode } from '../nodes.ts'
import type { Process, Program } from '../process.ts'

/** Programs by the packages that bring them, where they have other names. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'bind-tools': ['dig', 'host', 'nslookup'],
  'bind-utils': ['dig', 'host', 'nslookup'],
  'bind9-dnsutils': ['dig', 'host', 'nslookup'],
  bsdmainutils: ['column'],
  busybox: [],
  'busybox-extras': ['nc'],
  'ca-certificates': [],
  coreutils: ['shuf', 'join'],
  dnsutils: ['dig', 'host', 'nslookup'],
  findutils: ['find', 'xargs'],
  gettext: ['envsubst'],
  'gettext-base': ['envsubst'],
  iproute2: ['ip', 'ss'],
  iproute: ['ip', 'ss'],
  'iputils-ping': ['ping'],
  iputils: ['ping'],
  'net-tools': ['ifconfig', 'netstat', 'route', 'arp'],
  netcat: ['nc'],
  'netcat-openbsd': ['nc'],
  'netcat-traditional': ['nc'],
  nmap: [],
  'nmap-ncat': ['nc'],
  procps: ['ps', 'top', 'free', 'sysctl', 'watch'],
  'procps-ng': ['ps', 'top', 'free', 'sysctl', 'watch'],
  tzdata: [],
  'util-linux': ['column', 'mountpoint', 'lscpu'],
  'uuid-runtime': ['uuidgen'],
  vim: [],
}

function programsOf(name: string, { sandbox }: Process): readonly string[] | undefined {
  const bare = name.replace(/[=<>~].*$/, '')
  return PACKAGES[bare] ?? (sandbox.program(bare) ? [bare] : undefined)
}

/** @returns the packages that nobody knows */
function install(process: Process, names: readonly string[]): string[] {
  const { fs } = process.sandbox
  return names.filter((name) => {
    const programs = programsOf(name, process)
    for (const program of programs ?? []) {
      if (process.sandbox.which(program, process, '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin')) continue
      const path = `/usr/bin/${program}`
      fs.writeFile(path, '\x7fELF', { cred: process.cred, mode: 0o755 })
      const { node } = fs.resolve(path)
      if (node instanceof FileNode) node.program = program
    }
    return programs === undefined
  })
}

interface Manager {
  installs: readonly string[]
  /** Goes on without those it does not know, or stops. */
  missing(name: string): string
  done(names: readonly string[]): string
}

const APT: Manager = { installs: ['install'], missing: (name) => `E: Unable to locate package ${name}\n`, done: (names) => `Reading package lists...\nBuilding dependency tree...\n${names.map((n) => `Setting up ${n} ...\n`).join('')}` }
const APK: Manager = { installs: ['add'], missing: (name) => `ERROR: unable to select packages:\n  ${name} (no such package):\n    required by: world[${name}]\n`, done: (names) => `${names.map((n, i) => `(${i + 1}/${names.length}) Installing ${n}\n`).join('')}OK: 10 MiB in ${names.length + 15} packages\n` }
const YUM: Manager = { installs: ['install'], missing: (name) => `Error: Unable to find a match: ${name}\n`, done: (names) => `Installed:\n${names.map((n) => `  ${n}\n`).join('')}\nComplete!\n` }

function manager({ installs, missing, done }: Manager): Program {
  return async (process) => {
    const [verb = '', ...names] = process.args.filter((a, i, all) => !a.startsWith('-') && !/^(?:-t|--virtual|-X|--repository)$/.test(all[i - 1] ?? ''))
    if (!installs.includes(verb)) return 0
    if (process.cred.uid !== 0) {
      await process.err(`${process.name}: are you root?\n`)
      return 100
    }
    const unknown = install(process, names)
    for (const name of unknown) await process.err(missing(name))
    if (unknown.length > 0) return unknown.length > 1 || verb === 'install' ? 100 : 1
    if (!process.args.includes('-q') && !process.args.includes('-qq')) await process.out(done(names))
    return 0
  }
}

export default { apk: manager(APK), 'apt-get': manager(APT), apt: manager(APT), yum: manager(YUM), dnf: manager(YUM), microdnf: manager(YUM) } satisfies Record<string, Program>
