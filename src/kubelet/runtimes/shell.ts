/**
 * The runtime that interprets: a container's command runs in a sandbox of ours, as a shell script, one of our tools, or the
 * behaviour of its image. Models what containerd and runc do, in their words.
 */
import type { Clock, Random } from '../../clock.ts'
import type { Network } from '../../network/network.ts'
import type { ExecRequest, ExitStatus, Streams } from '../../streaming/node-api.ts'
import { behaviourProgram, ENDING, waitsForever } from '../behaviour.ts'
import { baseBytes } from '../behaviour-use.ts'
import { UNKNOWN_IMAGE } from '../images.ts'
import { behaviourName } from '../rootfs.ts'
import { memoryBytes } from '../sandbox/cgroup.ts'
import { nullEnd, Pipe, readableEnd, sinkEnd, writableEnd, type End } from '../sandbox/io.ts'
import type { Kernel } from '../sandbox/kernel.ts'
import { SIGNALS, type Process, type Program } from '../sandbox/process.ts'
import { cooked, Terminal } from '../sandbox/terminal.ts'
import { Sandbox } from '../sandbox/sandbox.ts'
import { tools } from '../sandbox/tools.ts'
import { Turns } from '../sandbox/turns.ts'
import { normalize } from '../sandbox/vfs.ts'
import type { Container } from '../../../schemas/types.ts'
import { kernelOf, shareOf } from '../kernel-of.ts'
import { USERS } from '../sandbox/procfs.ts'
import { StartError, type ContainerSink, type Execution, type RunningContainer, type Runtime, type StartRequest, type Usage } from './runtime.ts'

export interface ShellRuntimeOptions {
  clock: Clock
  random: Random
  network: Network
  /** Told of errors that are Orrery's own. */
  failed(error: unknown): void
}

/** What a container without a limit may hold. */
const MEMORY_BYTES = 64 * 1024 * 1024

export class ShellRuntime implements Runtime {
  readonly name = 'shell'
  readonly runsImages = true
  readonly #options: ShellRuntimeOptions
  readonly #turns = new Turns()

  constructor(options: ShellRuntimeOptions) {
    this.#options = options
  }

  start(request: StartRequest, sink: ContainerSink): RunningContainer {
    const container = new ShellContainer(request, { sink, options: this.#options, turns: this.#turns })
    container.begin()
    return container
  }

  /** What ran in a process that is gone begins anew, which nobody need be told. */
  resume(request: StartRequest, _startedAtMs: number, sink: ContainerSink): RunningContainer {
    const container = new ShellContainer(request, { sink: { ...sink, running: () => {} }, options: this.#options, turns: this.#turns })
    container.begin()
    return container
  }

  isQuiet(): boolean {
    return false
  }

  stopsAtOnce(): boolean {
    return false
  }
}

interface Surroundings {
  sink: ContainerSink
  options: ShellRuntimeOptions
  turns: Turns
}

class ShellContainer implements RunningContainer {
  readonly #request: StartRequest
  readonly #execution: Execution
  readonly #surroundings: Surroundings
  readonly #startedMs: number
  readonly #kernel: Kernel
  /** Made with the first process: a container that does nothing has none until somebody comes in. */
  #sandbox: Sandbox | undefined
  readonly #input = new Pipe()
  #terminal: Terminal | undefined
  readonly #attached = new Set<Streams>()
  #main: Process | undefined
  #exited: Promise<number> = Promise.resolve(0)
  #isClosed = false

  constructor(request: StartRequest, surroundings: Surroundings) {
    this.#request = request
    this.#surroundings = surroundings
    this.#execution = request.execution()
    this.#startedMs = surroundings.options.clock.now()
    this.#kernel = kernelOf(request)
  }

  /** @throws StartError */
  begin(): void {
    if (!this.#isIdle()) this.#startMain()
    this.#surroundings.sink.running()
  }

  /** Its program waits to be told to end, and nothing else. */
  #isIdle(): boolean {
    const { image, isTask, config } = this.#execution
    const [path = ''] = config.argv
    const program = image.programs[path]
    if (typeof program !== 'object' || image.name === UNKNOWN_IMAGE || !waitsForever(program, isTask)) return false
    const { volumeMounts = [], terminationMessagePath = '/dev/termination-log' } = this.#request.container
    return ![terminationMessagePath, ...volumeMounts.map((m) => m.mountPath ?? '')].some((at) => path.startsWith(normalize(at)))
  }

  /** The sandbox with its first process in it. @throws StartError */
  #awake(): Sandbox {
    return this.#sandbox ?? this.#startMain()
  }

  #makeSandbox(): Sandbox {
    const { container } = this.#request
    const { config, party, pids } = this.#execution
    const { clock, random, network, failed } = this.#surroundings.options
    return new Sandbox({
      fs: config.fs,
      network,
      party,
      hostname: config.hostname,
      clock,
      random,
      turns: this.#surroundings.turns,
      pids,
      programs: (name) => this.#program(name),
      missing: (process) => this.#missing(process),
      isUnknownImage: this.#execution.image.name === UNKNOWN_IMAGE,
      memoryBytes: () => Math.min(4 * MEMORY_BYTES, this.#kernel.limits.bytes || MEMORY_BYTES),
      kernel: this.#kernel,
      usage: () => config.memory.reduce((sum, { bytes }) => sum + bytes, 0),
      privileged: container.securityContext?.privileged ?? false,
      ...(this.#request.pod.spec.hostPID && this.#execution.hostRoot ? { hostRoot: this.#execution.hostRoot } : {}),
      seccomp: isFiltered(this.#request),
      ...(this.#request.pod.spec.hostUsers === false ? { firstUser: firstUserOf(party.ip) } : {}),
      noNewPrivileges: container.securityContext?.allowPrivilegeEscalation === false,
      failed,
      onExit: (exit) => this.#over(exit),
    })
  }

  #startMain(): Sandbox {
    const sandbox = this.#makeSandbox()
    this.#sandbox = sandbox
    const { config } = this.#execution
    const { container } = this.#request
    const isTTY = container.tty ?? false
    const out = (stream: 'Stdout' | 'Stderr'): End => ({ ...sinkEnd((bytes) => this.#print(stream, bytes)), isTTY })
    if (isTTY) this.#terminal = new Terminal({ show: (bytes) => this.#show(bytes), signal: (number) => this.#main && interrupt(this.#main, number) })
    const stdin: End = !container.stdin ? nullEnd : (this.#terminal?.reader ?? this.#input.reader)
    const { argv, env, cwd, cred } = config
    const rest = { env, cwd, cred, fds: new Map([[0, stdin], [1, out('Stdout')], [2, out(isTTY ? 'Stdout' : 'Stderr')]]) }
    const started = sandbox.start({ argv, ...rest })
    if ('problem' in started) throw new StartError(startProblem(argv[0] ?? '', started.status))
    this.#main = started.process
    this.#main.startedMs = this.#startedMs
    this.#exited = started.process.exited
    return sandbox
  }

  stop(graceMs: number): void {
    if (this.#isClosed || this.#sandbox?.isOver) return
    const signal = SIGNALS[(this.#request.container.lifecycle?.stopSignal ?? 'SIGTERM').replace(/^SIG/, '')] ?? 15
    if (!this.#sandbox && ENDING.has(signal)) return queueMicrotask(() => this.#over({ code: 0, oomKilled: false }))
    const sandbox = this.#awake()
    this.#main?.signal(signal)
    const timer = this.#surroundings.options.clock.after(graceMs, () => sandbox.kill(137))
    void this.#exited.then(() => timer.cancel())
  }

  close(): void {
    this.#isClosed = true
    this.#sandbox?.close()
  }

  async exec({ command, streams }: ExecRequest): Promise<ExitStatus> {
    const { config } = this.#execution
    const { tty } = streams
    const foreground: { process?: Process } = {}
    const terminal = tty ? new Terminal({ show: (bytes) => streams.stdout?.writable && streams.stdout.write(bytes), signal: (number) => foreground.process && interrupt(foreground.process, number) }) : undefined
    const plain = streams.stdout ? writableEnd(streams.stdout) : nullEnd
    const stdout = terminal ? terminal.writer(plain) : plain
    const stderr = tty ? stdout : streams.stderr ? writableEnd(streams.stderr) : nullEnd
    const stdin = !streams.stdin ? nullEnd : terminal ? typedAt(terminal, streams) : readableEnd(streams.stdin)
    const env = new Map(config.env)
    if (tty) env.set('TERM', 'xterm')
    const started = this.#awake().start({ argv: command, env, cwd: config.cwd, cred: config.cred, fds: new Map([[0, stdin], [1, stdout], [2, stderr]]) })
    if ('problem' in started) {
      stdout.close?.()
      if (stderr !== stdout) stderr.close?.()
      throw new StartError(execProblem(command[0] ?? '', started.status))
    }
    foreground.process = started.process
    const abandon = () => started.process.kill(129)
    streams.signal?.addEventListener('abort', abandon, { once: true })
    const code = await started.process.exited
    streams.signal?.removeEventListener('abort', abandon)
    return { code }
  }

  /**
   * Nobody knows all that is in an unknown image, or in one that a user tells of: what its container is told to run does what the image would, and what is asked
   * of it from outside goes well.
   */
  #missing(process: Process): Program | undefined {
    const { image } = this.#execution
    if (image.fallback === undefined) return undefined
    if (isOfMain(process, this.#main)) return this.#program(behaviourName(image.fallback))
    return async () => {
      await process.out(`${image.name === UNKNOWN_IMAGE ? `Orrery knows no image ${this.#request.container.image}` : `Orrery knows no such program in ${this.#request.container.image}`}: ${process.argv[0]} is taken to have succeeded\n`)
      return 0
    }
  }

  async attach(streams: Streams): Promise<ExitStatus> {
    const sandbox = this.#awake()
    this.#attached.add(streams)
    const { stdin, stdout, stderr, signal } = streams
    if (stdin && this.#request.container.stdin) {
      stdin.on('data', (bytes: Buffer) => {
        if (sandbox.isOver) return
        if (this.#terminal) this.#terminal.type(bytes)
        else this.#input.writer.put?.(bytes)
      })
      streams.resize?.((size) => this.#terminal?.resize(size))
    }
    const gone = new Promise<number>((resolve) => {
      signal?.addEventListener('abort', () => resolve(0), { once: true })
      stdin?.on('end', () => {
        const { stdin: takesInput, stdinOnce, tty } = this.#request.container
        if (!takesInput) return
        // Input that stays open is left by who has no more of it, and with it the container.
        if (stdinOnce && !tty) this.#input.writer.close?.()
        else resolve(0)
      })
    })
    const code = await Promise.race([this.#exited, gone])
    this.#attached.delete(streams)
    stdout?.end()
    stderr?.end()
    return { code }
  }

  usage(): Usage {
    const sandbox = this.#sandbox
    const { argv, disk } = this.#execution.config
    const program = this.#execution.image.programs[argv[0] ?? '']
    const used = sandbox ? { cpuNanos: sandbox.cpuNanos(), memoryBytes: memoryBytes(sandbox) } : { cpuNanos: 0, memoryBytes: typeof program === 'object' ? baseBytes(program) : 0 }
    return { ...used, diskBytes: disk.bytes, processes: sandbox?.processes().length ?? 1 }
  }

  resize({ resources }: Container): void {
    this.#kernel.requests = shareOf(resources?.requests)
    this.#kernel.limits = shareOf(resources?.limits)
    this.#sandbox?.checkMemory()
  }

  /** An echo, to who is attached to the terminal. */
  #show(bytes: Buffer): void {
    for (const { stdout, tty } of this.#attached) if (tty) stdout?.write(bytes)
  }

  #print(stream: 'Stdout' | 'Stderr', bytes: Buffer): void {
    this.#execution.log.write(stream, bytes)
    for (const { stdout, stderr, tty } of this.#attached) (stream === 'Stderr' && !tty ? stderr : stdout)?.write(tty ? cooked(bytes) : bytes)
  }

  #program(name: string): Program | undefined {
    const { image } = this.#execution
    const path = Object.keys(image.programs).find((p) => behaviourName(p) === name)
    const behaviour = path === undefined ? undefined : image.programs[path]
    if (path === undefined || typeof behaviour !== 'object') return tools.get(name)
    const { pod, node, container } = this.#request
    const { isTask, latestImage } = this.#execution
    const latest = () => {
      const now = latestImage().programs[path]
      return typeof now === 'object' ? now : behaviour
    }
    return behaviourProgram(behaviour, { pod, node, container, image, isTask, latest })
  }

  #over({ code, oomKilled }: { code: number; oomKilled: boolean }): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#execution.log.end()
    this.#surroundings.sink.exited({ code, ...(oomKilled ? { reason: 'OOMKilled' } : {}) })
  }
}

/** The main process, or one of those below it; there is none yet when it is to be started. */
function isOfMain(process: Process, main: Process | undefined): boolean {
  let at: Process | undefined = process
  while (at && at.ppid !== 0) at = process.sandbox.process(at.ppid)
  return main === undefined || at === main
}

/** Unless told which, no filter is in force. */
function isFiltered({ pod, container }: StartRequest): boolean {
  const profile = container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile
  return profile !== undefined && profile.type !== 'Unconfined'
}

function startProblem(command: string, status: number): string {
  return `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: ${execText(command, status)}`
}

function execProblem(command: string, status: number): string {
  return `OCI runtime exec failed: exec failed: unable to start container process: ${execText(command, status)}`
}

function execText(command: string, status: number): string {
  const name = JSON.stringify(command)
  if (status === 126) return `exec: ${name}: permission denied`
  return command.includes('/') ? `exec: ${name}: stat ${command}: no such file or directory` : `exec: ${name}: executable file not found in $PATH`
}

/** Another range for each pod of a node: their addresses differ in the last parts. */
function firstUserOf(ip: string): number {
  const [third = 0, fourth = 0] = ip.split('.').slice(-2).map(Number)
  return USERS * (1 + ((third * 256 + fourth) % 60_000))
}

/** What sits at a terminal reads from there. */
function typedAt(terminal: Terminal, { stdin, resize }: Streams): End {
  stdin?.on('data', (bytes: Buffer) => terminal.type(bytes))
  for (const event of ['end', 'close', 'error']) stdin?.on(event, () => terminal.hangUp())
  resize?.((size) => terminal.resize(size))
  return terminal.reader
}

const SHELLS: ReadonlySet<string> = new Set(['sh', 'ash', 'bash', 'dash'])

/** What a shell has started takes the signal; a shell that waits for a command goes on. */
function interrupt(process: Process, number: number): void {
  const children = process.sandbox.processes().filter(({ ppid }) => ppid === process.pid)
  for (const child of children) interrupt(child, number)
  if (children.length === 0 && !SHELLS.has(process.name)) process.signal(number)
}
