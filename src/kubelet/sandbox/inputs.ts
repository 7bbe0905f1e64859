/** Reading the files a tool was given, or its standard input, with the messages busybox has for what goes wrong. */
import { FsError } from './nodes.ts'
import { openFile } from './open-file.ts'
import type { Process } from './process.ts'

const READ_FD = 1000

/**
 * Calls `each` for every file that can be opened, with the descriptor to read from; `-` and no file at all are standard input.
 * @returns 1 when one could not be opened
 */
export async function eachInput(process: Process, files: readonly string[], each: (fd: number, name: string) => Promise<void>): Promise<number> {
  let status = 0
  for (const file of files.length > 0 ? files : ['-']) {
    if (file === '-') {
      await each(0, '-')
      continue
    }
    try {
      process.setFd(READ_FD, await openFile(process, file, { reads: true }))
    } catch (error) {
      if (!(error instanceof FsError)) throw error
      await process.err(`${process.name}: can't open '${file}': ${error.message}\n`)
      status = 1
      continue
    }
    try {
      await each(READ_FD, file)
    } catch (error) {
      if (!(error instanceof FsError) || error.code !== 'EISDIR') throw error
      await process.err(`${process.name}: read error: Is a directory\n`)
      status = 1
    } finally {
      process.closeFd(READ_FD)
    }
  }
  return status
}

/** All of a file or of standard input. @throws FsError */
export async function readInput(process: Process, file: string | undefined): Promise<Buffer> {
  if (file === undefined || file === '-') return process.readAll(0)
  const bytes = await process.sandbox.fs.readFile(process.path(file), process.cred)
  process.sandbox.holds(bytes.length)
  return bytes
}

/** Lines one by one, without their newlines. */
export async function* linesOf(process: Process, fd: number): AsyncGenerator<string> {
  for (let got = await process.readLine(fd); got; got = await process.readLine(fd)) yield got.line.toString()
}

/** Writes text in pieces, so that a tool with many short lines costs few writes. */
export class Writer {
  readonly #process: Process
  #pending: string[] = []
  #bytes = 0

  constructor(process: Process) {
    this.#process = process
  }

  async line(text: string): Promise<void> {
    this.#pending.push(text, '\n')
    this.#bytes += text.length + 1
    if (this.#bytes > 8192) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#pending.length === 0) return
    const text = this.#pending.join('')
    this.#pending = []
    this.#bytes = 0
    await this.#process.out(text)
  }
}
