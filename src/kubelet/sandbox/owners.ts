/** Modes and owners as ls shows them and chmod takes them. */
import type { FsNode } from './nodes.ts'
import type { Process } from './process.ts'
import { FsError } from './nodes.ts'

export function modeText({ kind, meta }: FsNode): string {
  const type = { file: '-', dir: 'd', link: 'l', device: 'c' }[kind]
  const bits = (shift: number, special: boolean, letter: string) => {
    const three = (meta.mode >> shift) & 7
    const x = special ? (three & 1 ? letter : letter.toUpperCase()) : three & 1 ? 'x' : '-'
    return `${three & 4 ? 'r' : '-'}${three & 2 ? 'w' : '-'}${x}`
  }
  return `${type}${bits(6, (meta.mode & 0o4000) !== 0, 's')}${bits(3, (meta.mode & 0o2000) !== 0, 's')}${bits(0, (meta.mode & 0o1000) !== 0, 't')}`
}

/** Octal, or `u+rwx,g-w`. @throws FsError */
export function parseMode(text: string, current: number, umask: number, isDir = false): number {
  if (/^[0-7]{1,4}$/.test(text)) return parseInt(text, 8)
  let mode = current & 0o7777
  for (const clause of text.split(',')) {
    const [, who = '', operator, what = ''] = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause) ?? []
    if (operator === undefined) throw new FsError('EINVAL')
    const all = who === '' || who.includes('a')
    let mask = (all || who.includes('u') ? 0o700 : 0) | (all || who.includes('g') ? 0o070 : 0) | (all || who.includes('o') ? 0o007 : 0)
    if (who === '') mask &= ~umask
    const execute = what.includes('x') || (what.includes('X') && (isDir || (current & 0o111) !== 0))
    let bits = mask & ((what.includes('r') ? 0o444 : 0) | (what.includes('w') ? 0o222 : 0) | (execute ? 0o111 : 0))
    if (what.includes('s')) bits |= (all || who.includes('u') ? 0o4000 : 0) | (all || who.includes('g') ? 0o2000 : 0)
    if (what.includes('t')) bits |= 0o1000
    mode = operator === '+' ? mode | bits : operator === '-' ? mode & ~bits : (mode & ~mask) | bits
  }
  return mode
}

export function userName(process: Process, uid: number): Promise<string> {
  return nameIn(process, '/etc/passwd', uid)
}

export function groupName(process: Process, gid: number): Promise<string> {
  return nameIn(process, '/etc/group', gid)
}

async function nameIn({ sandbox }: Process, file: string, id: number): Promise<string> {
  if (!sandbox.fs.tryResolve(file)) return String(id)
  const lines = (await sandbox.fs.readFile(file)).toString().split('\n')
  return lines.find((line) => line.split(':')[2] === String(id))?.split(':')[0] ?? String(id)
}
