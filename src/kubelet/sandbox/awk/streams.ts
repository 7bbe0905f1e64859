/** The files and commands that an awk program reads from and writes to, each opened once. */
import { linesOf } from '../inputs.ts'
import { nullEnd, Pipe } from '../io.ts'
import { FsError } from '../nodes.ts'
import { openFile } from '../open-file.ts'
import type { Process } from '../process.ts'

const FIRST_FD = 900
const MAX_STREAMS = 64

interface Stream {
  fd: number
  lines?: AsyncGenerator<string>
  /** Of a command. */
  child?: Process
}

export class Streams {
  readonly #process: Process
  readonly #open = new Map<string, Stream>()
  #nextFd = FIRST_FD

  constructor(process: Process) {
    this.#process = process
  }

  /** The next line; undefined at the end. @throws FsError */
  async read(kind: 'file' | 'command', source: string): Promise<string | undefined> {
    const key = `${kind} ${source}`
    const stream = this.#open.get(key) ?? this.#add(key, kind === 'file' ? await this.#file(source, '<') : this.#command(source, 'read'))
    stream.lines ??= linesOf(this.#process, stream.fd)
    const { value, done } = await stream.lines.next()
    return done ? undefined : value
  }

  /** @param operator `>`, `>>` or `|` */
  async write(operator: string, target: string, text: string): Promise<void> {
    const key = `${operator === '|' ? 'to' : 'out'} ${target}`
    const stream = this.#open.get(key) ?? this.#add(key, operator === '|' ? this.#command(target, 'write') : await this.#file(target, operator))
    await this.#process.write(stream.fd, text)
  }

  /** @returns the exit status of a command, -1 for what is not open */
  async close(name: string): Promise<number> {
    let status = -1
    for (const [key, stream] of this.#open) {
      if (key.slice(key.indexOf(' ') + 1) !== name) continue
      this.#open.delete(key)
      this.#process.closeFd(stream.fd)
      status = stream.child ? await this.#process.block(stream.child.exited) : 0
    }
    return status
  }

  async closeAll(): Promise<void> {
    for (const key of [...this.#open.keys()]) await this.close(key.slice(key.indexOf(' ') + 1))
  }

  /** What is written is seen before a command of the program's own. */
  async system(script: string): Promise<number> {
    const { sandbox } = this.#process
    const child = sandbox.spawn(this.#process, { argv: ['/bin/sh', '-c', script], env: this.#process.env })
    return 'problem' in child ? child.status : this.#process.block(child.process.exited)
  }

  #add(key: string, stream: Stream): Stream {
    if (this.#open.size >= MAX_STREAMS) throw new FsError('EBUSY')
    this.#open.set(key, stream)
    return stream
  }

  async #file(name: string, operator: string): Promise<Stream> {
    const fd = this.#nextFd++
    if (name === '-' && operator === '<') this.#process.setFd(fd, this.#process.open(0))
    else this.#process.setFd(fd, await openFile(this.#process, name, operator === '<' ? { reads: true } : { writes: true, append: operator === '>>', truncate: operator === '>' }))
    return { fd }
  }

  #command(script: string, way: 'read' | 'write'): Stream {
    const process = this.#process
    const fd = this.#nextFd++
    const pipe = new Pipe()
    const end = (number: number) => process.fds.get(number)?.end ?? nullEnd
    const shared = (number: number) => {
      const { take, readable, put, drained } = end(number)
      return { ...(take ? { take } : {}), ...(readable ? { readable } : {}), ...(put ? { put } : {}), ...(drained ? { drained } : {}) }
    }
    const fds = new Map([[0, way === 'write' ? pipe.reader : shared(0)], [1, way === 'read' ? pipe.writer : shared(1)], [2, shared(2)]])
    const started = process.sandbox.start({ argv: ['/bin/sh', '-c', script], env: process.env, cwd: process.cwd, cred: process.cred, fds })
    process.setFd(fd, way === 'read' ? pipe.reader : pipe.writer)
    return 'process' in started ? { fd, child: started.process } : { fd }
  }
}
