/**
 * A process of a sandbox: arguments, environment, descriptors, credentials, signals. What runs in it is a function that asks
 * it for everything; it ends by returning, by `exit`, or by being killed, which every wait and every tick notices.
 */
import type { Clock } from '../../clock.ts'
import { NetworkError } from '../../network/network.ts'
import { Open, type End } from './io.ts'
import { FsError } from './nodes.ts'
import type { Sandbox } from './sandbox.ts'
import { normalize, type Credentials } from './vfs.ts'

/** Thrown through a program to end it. */
export class Exited extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exited with ${code}`)
    this.code = code
  }
}

export type Program = (process: Process) => Promise<number> | number

export const SIGNALS: Readonly<Record<string, number>> = { HUP: 1, INT: 2, QUIT: 3, ILL: 4, TRAP: 5, ABRT: 6, BUS: 7, FPE: 8, KILL: 9, USR1: 10, SEGV: 11, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15, CHLD: 17, CONT: 18, STOP: 19, TSTP: 20, TTIN: 21, TTOU: 22, URG: 23, WINCH: 28 }
/** What a process costs besides the steps of its program. */
const STARTING_STEPS = 40
const WAKING_STEPS = 4

/** What these do unless handled: nothing. (Stopping is not modelled.) */
const HARMLESS = new Set([17, 18, 19, 20, 21, 22, 23, 28])

export interface ProcessOptions {
  pid: number
  ppid: number
  argv: readonly string[]
  env: ReadonlyMap<string, string>
  cwd: string
  cred: Credentials
  umask?: number
  fds: ReadonlyMap<number, Open>
}

export class Process {
  readonly sandbox: Sandbox
  readonly pid: number
  readonly ppid: number
  argv: readonly string[]
  /** What others see of `argv`, when a program has taken it apart. */
  shownArgv: readonly string[] | undefined
  env: Map<string, string>
  cwd: string
  cred: Credentials
  umask: number
  readonly fds: Map<number, Open>
  /** Called instead of what the signal would do. */
  readonly handlers = new Map<number, () => void>()
  readonly ignored = new Set<number>()
  readonly exited: Promise<number>
  readonly children = new Set<Process>()
  startedMs: number
  #interrupts = new Set<(reason: Error) => void>()
  #code: number | undefined
  #killed: Exited | undefined
  #settle: (code: number) => void = () => {}

  constructor(sandbox: Sandbox, options: ProcessOptions) {
    this.sandbox = sandbox
    this.pid = options.pid
    this.ppid = options.ppid
    this.argv = options.argv
    this.env = new Map(options.env)
    this.cwd = options.cwd
    this.cred = options.cred
    this.umask = options.umask ?? 0o022
    this.fds = new Map([...options.fds].map(([fd, open]) => [fd, open.retain()]))
    this.startedMs = sandbox.clock.now()
    this.exited = new Promise((resolve) => (this.#settle = resolve))
  }

  get clock(): Clock {
    return this.sandbox.clock
  }

  get exitCode(): number | undefined {
    return this.#code
  }

  /** Runs a program to its end. Never rejects. */
  async run(program: Program): Promise<number> {
    let code: number
    try {
      // Who comes from outside is let in at once.
      const turn = this.ppid === 0 ? undefined : this.tick(STARTING_STEPS)
      if (turn) await turn
      code = await program(this)
    } catch (error) {
      code = this.#codeOf(error)
    }
    this.#finish(this.#killed?.code ?? code)
    return this.#code ?? code
  }

  #codeOf(error: unknown): number {
    if (error instanceof Exited) return error.code
    if (error instanceof FsError && error.code === 'EPIPE') return 128 + 13
    if (error instanceof FsError || error instanceof RangeError || error instanceof NetworkError) {
      this.complain(error.message)
      return 1
    }
    this.sandbox.failed(error)
    return 70
  }

  #finish(code: number): void {
    if (this.#code !== undefined) return
    this.#code = code
    for (const open of this.fds.values()) open.release()
    this.fds.clear()
    this.sandbox.ended(this)
    this.#settle(code)
  }

  /** Waits, unless the process is killed meanwhile. */
  block<T>(promise: Promise<T>): Promise<T> {
    if (this.#killed) {
      // Nobody will hear of it any more.
      promise.catch(() => {})
      return Promise.reject(this.#killed)
    }
    return new Promise((resolve, reject) => {
      const done = () => this.#interrupts.delete(reject)
      this.#interrupts.add(reject)
      promise.then(
        (value) => {
          done()
          resolve(value)
        },
        (error: Error) => {
          done()
          reject(error)
        },
      )
    })
  }

  /** Accounts for work done; something to await when others shall have their turn. */
  tick(steps = 1): Promise<void> | undefined {
    if (this.#killed) throw this.#killed
    return this.sandbox.tick(steps)
  }

  async sleep(ms: number): Promise<void> {
    this.sandbox.budget.rested()
    const abort = new AbortController()
    try {
      await this.block(this.clock.sleep(ms, abort.signal))
      // Many that wake at the same moment come one after the other.
      const turn = this.tick(WAKING_STEPS)
      if (turn) await turn
    } finally {
      abort.abort()
    }
  }

  signal(number: number): void {
    if (this.#code !== undefined) return
    if (number !== SIGNALS.KILL) {
      const handler = this.handlers.get(number)
      if (handler) return handler()
      // The first process of a container is shielded from what it does not handle, as init is.
      if (this.ignored.has(number) || HARMLESS.has(number) || this.pid === 1) return
    }
    this.kill(128 + number)
  }

  /** Ends it from outside, whatever it does. */
  kill(code: number): void {
    this.#killed ??= new Exited(code)
    const killed = this.#killed
    for (const interrupt of [...this.#interrupts]) interrupt(killed)
    this.#interrupts.clear()
  }

  open(fd: number): Open {
    const open = this.fds.get(fd)
    if (!open) throw new FsError('EBADF')
    return open
  }

  setFd(fd: number, end: End | Open): void {
    const old = this.fds.get(fd)
    this.fds.set(fd, end instanceof Open ? end.retain() : new Open(end))
    old?.release()
  }

  closeFd(fd: number): void {
    this.fds.get(fd)?.release()
    this.fds.delete(fd)
  }

  isTTY(fd: number): boolean {
    return this.fds.get(fd)?.end.isTTY ?? false
  }

  /** Undefined at the end. */
  async read(fd = 0, max = 65_536): Promise<Buffer | undefined> {
    const open = this.fds.get(fd)
    if (!open) return undefined
    for (;;) {
      const tick = this.tick()
      if (tick) await tick
      const got = open.take(max)
      if (got) return got
      if (got === null) return undefined
      await this.block(open.end.readable?.() ?? Promise.resolve())
    }
  }

  async readAll(fd = 0): Promise<Buffer> {
    const chunks: Buffer[] = []
    let bytes = 0
    for (let chunk = await this.read(fd); chunk; chunk = await this.read(fd)) {
      chunks.push(chunk)
      bytes += chunk.length
      this.sandbox.holds(bytes)
    }
    return Buffer.concat(chunks)
  }

  /** Without its newline; undefined at the end. What follows stays for others. */
  async readLine(fd = 0, delimiter = 10): Promise<{ line: Buffer; isWhole: boolean } | undefined> {
    const chunks: Buffer[] = []
    for (let chunk = await this.read(fd); chunk; chunk = await this.read(fd)) {
      const at = chunk.indexOf(delimiter)
      if (at >= 0) {
        this.open(fd).giveBack(chunk.subarray(at + 1))
        return { line: Buffer.concat([...chunks, chunk.subarray(0, at)]), isWhole: true }
      }
      chunks.push(chunk)
      this.sandbox.holds(chunks.length * 4096)
    }
    return chunks.length > 0 ? { line: Buffer.concat(chunks), isWhole: false } : undefined
  }

  async write(fd: number, data: Buffer | string): Promise<void> {
    const open = this.fds.get(fd)
    if (!open?.end.put) throw new FsError('EBADF')
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const tick = this.tick(1 + (bytes.length >> 10))
    if (tick) await tick
    open.end.put(bytes)
    const full = open.end.drained?.()
    if (full) await this.block(full)
  }

  out(data: Buffer | string): Promise<void> {
    return this.write(1, data)
  }

  async err(text: string): Promise<void> {
    if (this.fds.get(2)?.end.put) await this.write(2, text)
  }

  /** `NAME: message` on stderr, for those who cannot wait. */
  complain(message: string): void {
    try {
      this.fds.get(2)?.end.put?.(Buffer.from(`${this.name}: ${message}\n`))
    } catch (error) {
      if (!(error instanceof FsError)) throw error
    }
  }

  get name(): string {
    const [first = ''] = this.argv
    return first.slice(first.lastIndexOf('/') + 1)
  }

  get args(): readonly string[] {
    return this.argv.slice(1)
  }

  path(path: string): string {
    if (path.startsWith('/proc/self')) return `/proc/${this.pid}${path.slice('/proc/self'.length)}`
    return path.startsWith('/') ? path : path === '' ? '' : normalize(path, this.cwd) + (path.endsWith('/') ? '/' : '')
  }
}
