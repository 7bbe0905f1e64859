/**
 * What is around the processes of one container: files, network, programs, limits. Nothing of the host can be reached from
 * here: the files are virtual, the programs are functions of ours, and connections go to the network that is handed in.
 */
import { parse, type ParsedScript } from 'unbash'
import type { Clock, Random } from '../../clock.ts'
import type { Accepted, Listener, Network, Party, Protocol } from '../../network/network.ts'
import { heldBytes } from './cgroup.ts'
import { Claims } from './claims.ts'
import { Open, type End } from './io.ts'
import { defaultKernel, type Kernel } from './kernel.ts'
import { FsError, type DirNode, type FileNode } from './nodes.ts'
import { Pids } from './pids.ts'
import { Process, type Program } from './process.ts'
import { mountKernel } from './procfs.ts'
import { Budget, type Turns } from './turns.ts'
import { join, mayAccess, type Credentials, type FileSystem } from './vfs.ts'

export interface SandboxOptions {
  fs: FileSystem
  network: Network
  party: Party
  hostname: string
  clock: Clock
  random: Random
  turns: Turns
  /** Shared with other containers; its own unless told. */
  pids?: Pids
  programs(name: string): Program | undefined
  /** What runs a command that is not there, where nobody knows what there is. */
  missing?(process: Process): Program | undefined
  /** Nobody knows which files the image has. */
  isUnknownImage?: boolean
  /** Bytes that one process may hold in memory, now. */
  memoryBytes(): number
  /** The node, and the container's share of it. */
  kernel?: Kernel
  /** Bytes that its files hold which are in memory. */
  usage?(): number
  maxProcesses?: number
  /** Its root may do what the host's may. */
  privileged?: boolean
  /** The files of its node, where it sees the processes of that. */
  hostRoot?(): DirNode
  /** Its root is this user of the node, and so on. */
  firstUser?: number
  /** A filter of system calls is in force. */
  seccomp?: boolean
  /** Programs with the setuid bit gain nothing (no_new_privs). */
  noNewPrivileges?: boolean
  /** An error that is Orrery's own. */
  failed(error: unknown): void
  /** The first process has ended, or the memory was used up. */
  onExit(exit: { code: number; oomKilled: boolean }): void
}

export interface Problem {
  problem: string
  status: number
}

export interface Loaded {
  program: Program
  argv: readonly string[]
  /** As whom it runs, by its setuid bit. */
  uid?: number
}

interface Listening extends Listener {
  protocol: Protocol
}

const MAX_PROCESSES = 512
const MAX_PARSED = 64
const MAX_SCRIPT = 1_000_000

export class Sandbox {
  readonly fs: FileSystem
  readonly network: Network
  readonly party: Party
  readonly clock: Clock
  readonly random: Random
  readonly budget: Budget
  readonly claims: Claims
  readonly options: SandboxOptions
  readonly kernel: Kernel
  hostname: string
  readonly pids: Pids
  readonly #own = new Set<Process>()
  #main: Process | undefined
  readonly #parsed = new Map<string, ParsedScript>()
  readonly #listeners = new Set<Listening>()
  #isOver = false
  #oomKilled = false

  constructor(options: SandboxOptions) {
    this.options = options
    this.fs = options.fs
    this.network = options.network
    this.party = options.party
    this.clock = options.clock
    this.random = options.random
    this.hostname = options.hostname
    this.kernel = options.kernel ?? defaultKernel()
    this.budget = new Budget(options.turns, { now: () => options.clock.now(), cores: () => coresOf(this.kernel) })
    this.pids = options.pids ?? new Pids()
    this.claims = new Claims(options.clock, () => this.kernel.limits.millicores)
    mountKernel(this)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** The first one: when it ends the container does. */
  get main(): Process | undefined {
    return this.#main
  }

  process(pid: number): Process | undefined {
    return this.pids.get(pid)
  }

  /** All that can be seen from here. */
  processes(): Process[] {
    return this.pids.all()
  }

  program(name: string): Program | undefined {
    return this.options.programs(name)
  }

  /** Scripts are parsed once, as long as they are few. @throws FsError for one beyond all measure */
  parse(text: string): ParsedScript {
    const known = this.#parsed.get(text)
    if (known) return known
    if (text.length > MAX_SCRIPT) throw new FsError('ENOSPC')
    const script = parse(text)
    if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear()
    this.#parsed.set(text, script)
    return script
  }

  tick(steps: number): Promise<void> | undefined {
    const turn = this.budget.tick(steps)
    if (turn) this.checkMemory()
    return turn
  }

  /** A process holds so many bytes: too many end the container, as the kernel does. */
  holds(bytes: number): void {
    if (bytes <= this.options.memoryBytes()) return
    this.#outOfMemory()
    throw new FsError('ENOSPC')
  }

  /** What is held may have passed the container's limit. */
  checkMemory(): void {
    if (!this.#oomKilled && heldBytes(this) > (this.kernel.limits.bytes || Infinity)) this.#outOfMemory()
  }

  #outOfMemory(): void {
    this.#oomKilled = true
    this.kill(137)
  }

  /** A first process, or one that comes from outside (exec). */
  start({ argv, env, cwd, cred, fds }: { argv: readonly string[]; env: ReadonlyMap<string, string>; cwd: string; cred: Credentials; fds: ReadonlyMap<number, End> }): { process: Process } | Problem {
    const opened = new Map([...fds].map(([fd, end]) => [fd, new Open(end)]))
    const process = new Process(this, { pid: this.pids.take(), ppid: 0, argv, env, cwd, cred, fds: opened })
    for (const open of opened.values()) open.release()
    const loaded = this.load(process, argv, env)
    if ('problem' in loaded) {
      // What did not start has had no number: the first that does is the main process.
      this.pids.giveBack(process.pid)
      return loaded
    }
    process.argv = loaded.argv
    this.#main ??= process
    this.#run(process, loaded)
    return { process }
  }

  spawn(parent: Process, { argv, env }: { argv: readonly string[]; env: ReadonlyMap<string, string> }): { process: Process } | Problem {
    const loaded = this.load(parent, argv, env)
    if ('problem' in loaded) return loaded
    if (this.#own.size >= (this.options.maxProcesses ?? MAX_PROCESSES)) return { problem: "can't fork: Resource temporarily unavailable", status: 2 }
    const process = new Process(this, { ...from(parent), pid: this.pids.take(), argv: loaded.argv, env })
    this.#run(process, loaded)
    return { process }
  }

  /** A copy of a process that the caller runs. @throws FsError when there are too many */
  fork(parent: Process): Process {
    if (this.#own.size >= (this.options.maxProcesses ?? MAX_PROCESSES)) throw new FsError('EBUSY')
    const child = new Process(this, { ...from(parent), pid: this.pids.take(), argv: parent.argv, env: parent.env })
    this.#has(child)
    return child
  }

  #has(process: Process): void {
    this.#own.add(process)
    this.pids.add(process)
    // Who was about to be born when the container ended ends with it.
    if (this.#isOver) process.kill(137)
  }

  #run(process: Process, { program, uid }: Loaded): void {
    if (uid !== undefined) process.cred = { ...process.cred, uid }
    this.#has(process)
    void process.run(program)
  }

  /** Finds what a command line runs: a program of ours, or a script and who interprets it. */
  load(process: Process, argv: readonly string[], env: ReadonlyMap<string, string>): Loaded | Problem {
    const [name = ''] = argv
    const path = this.which(name, process, env.get('PATH'))
    const found = path === undefined ? undefined : this.fs.tryResolve(path, { cred: process.cred })
    if (!found) return this.#missing(process, argv)
    if (found.node.kind !== 'file' || !mayAccess(found.node, 1, process.cred)) return { problem: `${name}: Permission denied`, status: 126 }
    return this.#loadFile(found.node, path ?? name, argv)
  }

  #missing(process: Process, argv: readonly string[]): Loaded | Problem {
    const program = this.options.missing?.(process)
    return program ? { program, argv } : { problem: `${argv[0] ?? ''}: not found`, status: 127 }
  }

  #loadFile(file: FileNode, path: string, argv: readonly string[]): Loaded | Problem {
    const name = argv[0] ?? ''
    if (file.program !== undefined) {
      const program = this.program(file.program)
      const uid = file.meta.mode & 0o4000 && !this.options.noNewPrivileges ? { uid: file.meta.uid } : {}
      return program ? { program, argv, ...uid } : { problem: `${name}: not found`, status: 127 }
    }
    const head = file.read().subarray(0, 256).toString('latin1')
    const [, interpreter, arg] = /^#! *(\S+)(?: +(\S[^\n]*?))? *(?:\n|$)/.exec(head) ?? []
    if (interpreter === undefined && /[\0\x7f]/.test(head)) return { problem: `${name}: Exec format error`, status: 126 }
    const target = this.fs.tryResolve(interpreter ?? '/bin/sh')?.node
    const program = target?.kind === 'file' && target.program !== undefined ? this.program(target.program) : undefined
    if (!program) return { problem: `${name}: not found`, status: 127 }
    return { program, argv: [interpreter ?? '/bin/sh', ...(arg === undefined ? [] : [arg]), path, ...argv.slice(1)] }
  }

  which(name: string, process: Process, path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'): string | undefined {
    if (name === '') return undefined
    if (name.includes('/')) return process.path(name)
    for (const dir of path.split(':')) {
      const file = join(dir || process.cwd, name)
      const found = this.fs.tryResolve(file, { cred: process.cred })
      if (found?.node.kind === 'file' && mayAccess(found.node, 1, process.cred)) return file
    }
    return undefined
  }

  /** @throws NetworkError EADDRINUSE */
  listen(port: number, protocol: Protocol, onConnection: (accepted: Accepted) => void): Listener {
    const listener = this.network.listen(this.party, { port, protocol }, onConnection)
    const owned: Listening = { port: listener.port, protocol, close: () => (this.#listeners.delete(owned), listener.close()) }
    this.#listeners.add(owned)
    return owned
  }

  /** By all containers of the pod, which have one network. */
  listening(): { port: number; protocol: Protocol }[] {
    return this.network.listening(this.party)
  }

  /** Processor time that it has used. */
  cpuNanos(): number {
    return this.budget.nanos + this.claims.nanos
  }

  /** Called by a process that is over. */
  ended(process: Process): void {
    this.#own.delete(process)
    this.pids.remove(process)
    if (process === this.#main) this.#exit(process.exitCode ?? 0)
  }

  /** The whole container. */
  kill(code: number): void {
    for (const process of [...this.#own]) process.kill(code)
  }

  failed(error: unknown): void {
    this.options.failed(error)
  }

  close(): void {
    for (const listener of [...this.#listeners]) listener.close()
    this.kill(137)
  }

  #exit(code: number): void {
    if (this.#isOver) return
    this.#isOver = true
    this.close()
    this.options.onExit({ code: this.#oomKilled ? 137 : code, oomKilled: this.#oomKilled })
  }
}

function coresOf({ limits }: Kernel): number | undefined {
  return limits.millicores ? limits.millicores / 1000 : undefined
}

function from(parent: Process) {
  const { pid: ppid, cwd, cred, umask, fds } = parent
  return { ppid, cwd, cred, umask, fds }
}

