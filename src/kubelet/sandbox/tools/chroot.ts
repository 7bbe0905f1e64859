/**
 * chroot and nsenter: a program in a sandbox whose files begin elsewhere, with the descriptors and the numbers of the one it is in.
 * Models busybox's coreutils/chroot.c and util-linux/nsenter.c.
 */
import type { End } from '../io.ts'
import { FsError } from '../nodes.ts'
import type { Process, Program } from '../process.ts'
import { Sandbox } from '../sandbox.ts'
import { FileSystem, type Mount } from '../vfs.ts'

interface Entering {
  /** Where its files begin; as they are unless told. */
  mount?: Mount | undefined
  argv: readonly string[]
  cwd?: string
}

async function enter(process: Process, { mount, argv, cwd = '/' }: Entering): Promise<number> {
  const { sandbox, cred, env } = process
  const fs = mount ? new FileSystem(mount, { now: () => process.clock.now(), ledger: sandbox.fs.ledger }) : sandbox.fs
  const inner = new Sandbox({ ...sandbox.options, fs, pids: sandbox.pids, onExit: () => {} })
  const fds = new Map([...process.fds].map(([fd, open]): [number, End] => [fd, { ...open.end, close: undefined }]))
  const started = inner.start({ argv, env, cwd, cred, fds })
  if ('problem' in started) {
    await process.err(`${process.name}: can't execute '${argv[0]}': ${started.problem.replace(/^.*: /, '')}\n`)
    return started.status
  }
  try {
    return await process.block(started.process.exited)
  } finally {
    inner.close()
  }
}

const shellOf = ({ env }: Process): string[] => [env.get('SHELL') ?? '/bin/sh', '-i']

/** @throws FsError */
function directoryAt(process: Process, path: string): Mount {
  const { node, mount } = process.sandbox.fs.resolve(process.path(path), { cred: process.cred })
  if (node.kind !== 'dir') throw new FsError('ENOTDIR')
  return { ...mount, node }
}

async function chroot(process: Process): Promise<number> {
  const [dir = '', ...command] = process.args
  if (process.args.length === 0 || process.cred.uid !== 0) {
    await process.err(process.args.length === 0 ? 'BusyBox v1.37.0 multi-call binary.\n\nUsage: chroot NEWROOT [PROG ARGS]\n' : `chroot: can't change root directory to '${dir}': Operation not permitted\n`)
    return 1
  }
  return enter(process, { mount: directoryAt(process, dir), argv: command.length > 0 ? command : shellOf(process) })
}

/** Namespaces by their letters; only that of mounts makes a difference here. */
const LONG: Readonly<Record<string, string>> = { target: 't', mount: 'm', uts: 'u', ipc: 'i', net: 'n', pid: 'p', user: 'U', cgroup: 'C', time: 'T', setuid: 'S', setgid: 'G', root: 'r', wd: 'w', 'no-fork': 'F', 'preserve-credentials': 'P', all: 'a', 'follow-context': 'Z' }
const VALUED = new Set(['t', 'S', 'G'])
const PLAIN = new Set(['F', 'P', 'a', 'Z'])

/** By letter, and what is to be run. Undefined for an option there is not. */
function nsenterOptions(args: readonly string[]): { told: Map<string, string>; command: string[] } | undefined {
  const told = new Map<string, string>()
  const rest = [...args]
  for (let arg = rest[0]; arg?.startsWith('-') && arg !== '-'; arg = rest[0]) {
    rest.shift()
    if (arg === '--') break
    const [, name = '', attached] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? []
    const letters = name ? [LONG[name] ?? ''] : [...arg.slice(1)]
    for (let i = 0; i < letters.length; i++) {
      const letter = letters[i] ?? ''
      if (!Object.values(LONG).includes(letter)) return undefined
      // Of a letter that takes a value what follows is that.
      const follows = name ? attached : letters.slice(i + 1).join('').replace(/^=/, '') || undefined
      const isFile = !VALUED.has(letter) && !PLAIN.has(letter) && follows !== undefined && (name !== '' || follows.includes('/'))
      if (VALUED.has(letter)) told.set(letter, follows ?? rest.shift() ?? '')
      else told.set(letter, isFile ? (follows ?? '') : '')
      if (!name && (VALUED.has(letter) || isFile)) break
    }
  }
  return { told, command: rest }
}

async function nsenter(process: Process): Promise<number> {
  const { sandbox } = process
  const options = nsenterOptions(process.args)
  if (!options) {
    await process.err('BusyBox v1.37.0 multi-call binary.\n\nUsage: nsenter [OPTIONS] [PROG ARGS]\n')
    return 1
  }
  const { told, command } = options
  const refused = async (file: string, why: string) => {
    await process.err(`nsenter: can't open '${file}': ${why}\n`)
    return 1
  }
  const target = told.get('t') ?? ''
  const file = told.get('m') || `/proc/${target}/ns/mnt`
  if (!sandbox.options.privileged) return refused(file, 'Permission denied')
  const argv = command.length > 0 ? command : shellOf(process)
  const root = told.get('r') || (told.has('m') || told.has('a') ? rootOf(process, file) : undefined)
  if (root === 'none') return refused(file, 'No such file or directory')
  const mount = typeof root === 'string' ? directoryAt(process, root) : root
  const cwd = told.get('w')
  return enter(process, { mount, argv, cwd: cwd || (mount ? '/' : process.cwd) })
}

/** Where the files of a process begin: the node's, where its first is meant and pods see it. */
function rootOf(process: Process, file: string): Mount | 'none' | string | undefined {
  const { sandbox } = process
  const [, prefix, pid = ''] = /^(.*)\/proc\/(\d+|self)\/ns\/mnt$/.exec(file) ?? []
  if (prefix === undefined) return 'none'
  if (prefix !== '') return prefix
  const node = pid === '1' ? sandbox.options.hostRoot?.() : undefined
  if (node) return { node, readOnly: false, type: 'ext4' }
  return pid === 'self' || sandbox.process(Number(pid)) ? undefined : 'none'
}

export default { chroot, nsenter } satisfies Record<string, Program>
