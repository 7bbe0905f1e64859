/**
 * The runtime that really runs: a container's command is a child process of this one, in a scratch directory, with the rights
 * of whoever started Orrery. It is off unless asked for, and isolates nothing: for local development alone.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { Clock } from '../../clock.ts'
import { NetworkError, type Listener, type Network } from '../../network/network.ts'
import type { ExecRequest, ExitStatus } from '../../streaming/node-api.ts'
import { SIGNALS } from '../sandbox/process.ts'
import { contentOf, join, type FileSystem } from '../sandbox/vfs.ts'
import { StartError, type ContainerSink, type Execution, type RunningContainer, type Runtime, type StartRequest } from './runtime.ts'

export interface HostRuntimeOptions {
  clock: Clock
  network: Network
  isEnabled: boolean
}

export class HostRuntime implements Runtime {
  readonly name = 'host'
  readonly runsImages = true
  readonly #options: HostRuntimeOptions

  constructor(options: HostRuntimeOptions) {
    this.#options = options
  }

  /** @throws StartError */
  start(request: StartRequest, sink: ContainerSink): RunningContainer {
    if (!this.#options.isEnabled) throw new StartError('the runtime "host" runs commands on this machine and is off: start Orrery with --runtime-host true')
    return new HostContainer(request, sink, this.#options)
  }

  isQuiet(): boolean {
    return false
  }

  stopsAtOnce(): boolean {
    return false
  }
}

class HostContainer implements RunningContainer {
  readonly #execution: Execution
  readonly #sink: ContainerSink
  readonly #clock: Clock
  readonly #root: string
  readonly #cwd: string
  readonly #env: NodeJS.ProcessEnv
  readonly #listeners: Listener[] = []
  #child: ChildProcess | undefined
  #isClosed = false
  #isOver = false

  constructor(request: StartRequest, sink: ContainerSink, { clock, network }: HostRuntimeOptions) {
    this.#execution = request.execution()
    this.#sink = sink
    this.#clock = clock
    const { config, party } = this.#execution
    this.#root = fs.mkdtempSync(path.join(os.tmpdir(), `orrery-${party.name}-`))
    this.#cwd = inside(this.#root, config.cwd)
    this.#env = { ...Object.fromEntries(config.env), PATH: process.env.PATH ?? '', ORRERY_ROOT: this.#root, POD_IP: party.ip }
    for (const { containerPort = 0, protocol = 'TCP' } of request.container.ports ?? []) if (protocol === 'TCP') this.#forward(network, containerPort)
    void this.#begin()
    sink.running()
  }

  async #begin(): Promise<void> {
    const { config, log } = this.#execution
    const [command = '', ...args] = config.argv
    try {
      await copyOut(config.fs, this.#root)
      fs.mkdirSync(this.#cwd, { recursive: true })
      if (this.#isClosed) return this.#clean()
      // A process group of its own, so that a signal reaches what it started.
      const child = spawn(command, args, { cwd: this.#cwd, env: this.#env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
      this.#child = child
      child.stdout.on('data', (bytes: Buffer) => log.write('Stdout', bytes))
      child.stderr.on('data', (bytes: Buffer) => log.write('Stderr', bytes))
      child.on('error', (error) => this.#over({ code: 128, reason: 'StartError', message: error.message }))
      child.on('close', (code, signal) => this.#over({ code: code ?? 128 + (SIGNALS[(signal ?? '').replace('SIG', '')] ?? 9) }))
    } catch (error) {
      this.#over({ code: 128, reason: 'StartError', message: error instanceof Error ? error.message : String(error) })
    }
  }

  /** What the process listens on at the loopback address is the pod's port to the cluster. */
  #forward(network: Network, port: number): void {
    try {
      const listener = network.listen(this.#execution.party, { port, protocol: 'TCP' }, ({ stream }) => {
        const socket = net.connect({ host: '127.0.0.1', port })
        socket.on('error', () => stream.destroy())
        stream.on('error', () => socket.destroy())
        stream.on('close', () => socket.destroy())
        stream.pipe(socket).pipe(stream)
      })
      this.#listeners.push(listener)
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      this.#execution.log.write('Stderr', Buffer.from(`${error.message}\n`))
    }
  }

  stop(graceMs: number): void {
    if (!this.#child) return this.#over({ code: 143 })
    this.#signal('SIGTERM')
    this.#clock.after(graceMs, () => this.#signal('SIGKILL'))
  }

  close(): void {
    this.#isClosed = true
    this.#signal('SIGKILL')
    this.#clean()
  }

  exec({ command, streams }: ExecRequest): Promise<ExitStatus> {
    const [name = '', ...args] = command
    return new Promise((resolve, reject) => {
      const child = spawn(name, args, { cwd: this.#cwd, env: this.#env, stdio: ['pipe', 'pipe', 'pipe'] })
      child.on('error', (error) => reject(new StartError(`exec failed: ${error.message}`)))
      child.stdin.on('error', () => {})
      if (streams.stdin) streams.stdin.pipe(child.stdin)
      else child.stdin.end()
      if (streams.stdout) child.stdout.pipe(streams.stdout)
      const errors = streams.stderr ?? streams.stdout
      if (errors) child.stderr.pipe(errors, { end: errors === streams.stderr })
      streams.signal?.addEventListener('abort', () => child.kill('SIGHUP'), { once: true })
      child.on('close', (code) => resolve({ code: code ?? 129 }))
    })
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid
    if (pid === undefined || this.#isOver) return
    try {
      process.kill(-pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  #over(exit: Parameters<ContainerSink['exited']>[0]): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#execution.log.end()
    this.#clean()
    if (!this.#isClosed) this.#sink.exited(exit)
    this.#isClosed = true
  }

  #clean(): void {
    for (const listener of this.#listeners.splice(0)) listener.close()
    fs.rmSync(this.#root, { recursive: true, force: true })
  }
}

/** A path of the container as one below its scratch directory, whatever it says. */
function inside(root: string, at: string): string {
  return path.join(root, path.posix.normalize(path.posix.join('/', at)))
}

const MAX_BYTES = 64 * 1024 * 1024

/** The files of volumes, and the few that every container has: not what an image brings, for the process uses this machine's. */
async function copyOut(files: FileSystem, root: string): Promise<void> {
  const budget = { left: MAX_BYTES }
  for (const [at, { type }] of files.mounts()) if (at !== '/' && type !== 'proc' && type !== 'cgroup2') await copyNode(files, at, { root, budget })
}

async function copyNode(files: FileSystem, at: string, { root, budget }: { root: string; budget: { left: number } }): Promise<void> {
  const { node } = files.resolve(at)
  const to = inside(root, at)
  if (node.kind === 'dir') {
    fs.mkdirSync(to, { recursive: true })
    for (const [name] of files.list(at)) await copyNode(files, join(at, name), { root, budget })
  } else if (node.kind === 'file') {
    const bytes = await contentOf(node)
    budget.left -= bytes.length
    if (budget.left < 0) throw new StartError('its volumes hold more than the runtime "host" copies (64Mi)')
    fs.mkdirSync(path.dirname(to), { recursive: true })
    fs.writeFileSync(to, bytes, { mode: node.meta.mode & 0o700 })
  }
}
