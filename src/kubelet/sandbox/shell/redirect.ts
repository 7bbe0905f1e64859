/** Redirections: `<`, `>`, `>>`, `>&`, here-documents. Models XCU 2.7. */
import type { Redirect, Redirection } from 'unbash'
import { Open, type End } from '../io.ts'
import { FileNode } from '../nodes.ts'
import { fileEnd } from '../io.ts'
import { openFile } from '../open-file.ts'
import type { Process } from '../process.ts'
import { expandParts, expandText, type Expander } from './expand.ts'
import { ShellError } from './state.ts'

/** Descriptors as they were before. */
export type Saved = Map<number, Open | undefined>

export async function redirect(redirections: readonly Redirection[], expander: Expander): Promise<Saved> {
  const { process } = expander.shell
  const saved: Saved = new Map()
  try {
    for (const redirection of redirections) await redirectOne(redirection, expander, saved)
  } catch (error) {
    restore(process, saved)
    throw error
  }
  return saved
}

export function restore(process: Process, saved: Saved): void {
  for (const [fd, open] of saved) {
    process.closeFd(fd)
    if (open) process.fds.set(fd, open)
  }
}

/** What was saved is not wanted back (`exec >file`). */
export function forget(saved: Saved): void {
  for (const open of saved.values()) open?.release()
}

async function redirectOne(redirection: Redirection, expander: Expander, saved: Saved): Promise<void> {
  const { process } = expander.shell
  if (redirection.type === 'HereDoc') {
    const { body } = redirection
    const stripped = redirection.operator === '<<-' ? body.text.replace(/^\t+/gm, '') : body.text
    const text = body.parts ? await expandParts(body.parts, expander) : stripped
    return put(process, saved, descriptor(redirection, 0), textEnd(text, process))
  }
  if (redirection.type === 'HereString') return put(process, saved, descriptor(redirection, 0), textEnd(`${await expandText(redirection.target, expander)}\n`, process))
  const target = await expandText(redirection.target, expander)
  const { operator } = redirection
  if (operator === '<&' || operator === '>&') {
    const fd = descriptor(redirection, operator === '<&' ? 0 : 1)
    if (target === '-') return close(process, saved, fd)
    if (/^\d+$/.test(target)) {
      const source = process.fds.get(Number(target))
      if (!source) throw new ShellError(`${target}: Bad file descriptor`)
      return put(process, saved, fd, source)
    }
  }
  const end = await openFor(redirection, target, process)
  const isBoth = operator === '&>' || operator === '&>>' || operator === '>&'
  const open = new Open(end)
  put(process, saved, isBoth ? 1 : descriptor(redirection, operator.startsWith('<') ? 0 : 1), open)
  if (isBoth) put(process, saved, 2, open)
  open.release()
}

function openFor({ operator }: Redirect, target: string, process: Process): Promise<End> {
  const reads = operator === '<' || operator === '<>'
  const append = operator === '>>' || operator === '&>>'
  return openFile(process, target, { reads, writes: operator !== '<', append, truncate: !reads && !append }).catch((error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    throw new ShellError(`can't ${reads && operator === '<' ? 'open' : 'create'} ${target}: ${message === 'No such file or directory' ? (operator === '<' ? 'no such file' : 'nonexistent directory') : message}`)
  })
}

function descriptor({ descriptor: given }: Redirection, usual: number): number {
  if (given?.type === 'FileDescriptorVariable') throw new ShellError(`{${given.name}}: named descriptors are not supported`)
  return given?.value ?? usual
}

function textEnd(text: string, process: Process): End {
  const node = new FileNode({ mode: 0o600, uid: 0, gid: 0, mtimeMs: process.clock.now() }, Buffer.from(text))
  return fileEnd(node, { ledger: process.sandbox.fs.ledger, now: () => process.clock.now() })
}

function put(process: Process, saved: Saved, fd: number, end: End | Open): void {
  keep(process, saved, fd)
  process.fds.set(fd, end instanceof Open ? end.retain() : new Open(end))
}

function close(process: Process, saved: Saved, fd: number): void {
  keep(process, saved, fd)
  process.fds.delete(fd)
}

function keep(process: Process, saved: Saved, fd: number): void {
  const old = process.fds.get(fd)
  if (saved.has(fd)) old?.release()
  else saved.set(fd, old)
}
