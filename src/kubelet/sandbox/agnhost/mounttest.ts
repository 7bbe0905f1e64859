/** `agnhost mounttest`: prints file systems, modes, owners and contents. Models test/images/agnhost/mounttest. */
import { FsError, type FsNode } from '../nodes.ts'
import { modeText } from '../owners.ts'
import type { Process } from '../process.ts'
import { parseFlags } from './flags.ts'

const INITIAL = 'mount-tester new file\n'
const RETRY_MS = 2000

export async function mounttest(process: Process): Promise<number> {
  const flags = parseFlags(process.args)
  let failed = false
  const attempt = async (flag: string, what: (path: string) => string, run: (path: string) => Promise<string> | string) => {
    const path = flags.get(flag)
    if (!path) return
    try {
      await process.out(await run(path))
    } catch (error) {
      if (!(error instanceof FsError) || error.code === 'EPIPE') throw error
      await process.out(`${what(path)}: ${goError(error)}\n`)
      failed = true
    }
  }
  const { fs } = process.sandbox
  const find = (path: string) => {
    try {
      return fs.resolve(process.path(path), { cred: process.cred })
    } catch (error) {
      throw error instanceof FsError ? new PathError('stat', path, error) : error
    }
  }
  const content = async (path: string) => `content of file ${JSON.stringify(path)}: ${(await readAt(process, path)).toString()}\n`
  await attempt('fs_type', (p) => `error from statfs(${JSON.stringify(p)})`, (p) => `mount type of ${JSON.stringify(p)}: ${find(p).mount.type === 'tmpfs' ? 'tmpfs' : '61267'}\n`)
  for (const mode of ['0644', '0666', '0660', '0777']) {
    await attempt(`new_file_${mode}`, (p) => `error writing new file ${JSON.stringify(p)}`, (p) => {
      try {
        fs.writeFile(process.path(p), INITIAL, { cred: process.cred, mode: parseInt(mode, 8) })
      } catch (error) {
        throw error instanceof FsError ? new PathError('open', p, error) : error
      }
      return content(p)
    })
  }
  await attempt('file_mode', (p) => `error from Stat(${JSON.stringify(p)})`, (p) => `mode of file ${JSON.stringify(p)}: ${goMode(find(p).node)}\n`)
  await attempt('file_perm', (p) => `error from Stat(${JSON.stringify(p)})`, (p) => `perms of file ${JSON.stringify(p)}: -${modeBits(find(p).node)}\n`)
  await attempt('file_owner', (p) => `error from stat(${JSON.stringify(p)})`, (p) => {
    const { uid, gid } = find(p).node.meta
    return `owner UID of ${JSON.stringify(p)}: ${uid}\nowner GID of ${JSON.stringify(p)}: ${gid}\n`
  })
  await attempt('file_content', (p) => `error reading file content for ${JSON.stringify(p)}`, content)
  const looped = flags.get('file_content_in_loop')
  if (looped && !(await loop(process, looped, { seconds: flags.number('retry_time', 180), breaks: flags.is('break_on_expected_content', true) }))) failed = true
  return failed ? 1 : 0
}

/** As os.PathError prints itself. */
class PathError extends FsError {
  constructor(operation: string, path: string, { code, message }: FsError) {
    super(code)
    this.message = `${operation} ${path}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
  }
}

function goError({ message }: FsError): string {
  return message
}

async function readAt(process: Process, path: string): Promise<Buffer> {
  try {
    return await process.sandbox.fs.readFile(process.path(path), process.cred)
  } catch (error) {
    throw error instanceof FsError ? new PathError('open', path, error) : error
  }
}

async function loop(process: Process, path: string, { seconds, breaks }: { seconds: number; breaks: boolean }): Promise<boolean> {
  const endMs = process.clock.now() + seconds * 1000
  let isGood = true
  while (process.clock.now() < endMs) {
    try {
      const text = (await readAt(process, path)).toString()
      isGood = true
      await process.out(`content of file ${JSON.stringify(path)}: ${text}\n`)
      if (breaks && text === INITIAL) break
      if (breaks) await process.out(`Unexpected content. Expected: ${INITIAL}. Retrying\n`)
    } catch (error) {
      if (!(error instanceof FsError) || error.code === 'EPIPE') throw error
      isGood = false
      await process.out(`Error reading file ${path}: ${goError(error)}, retrying\n`)
    }
    await process.sleep(RETRY_MS)
  }
  return isGood
}

function modeBits({ meta }: FsNode): string {
  return [6, 3, 0].map((shift) => `${(meta.mode >> shift) & 4 ? 'r' : '-'}${(meta.mode >> shift) & 2 ? 'w' : '-'}${(meta.mode >> shift) & 1 ? 'x' : '-'}`).join('')
}

/** As Go's FileMode prints itself: special bits are letters before the permissions. */
function goMode(node: FsNode): string {
  const { mode } = node.meta
  const type = modeText(node).charAt(0)
  const flags = `${type === '-' ? '' : type === 'c' ? 'Dc' : type === 'l' ? 'L' : type}${mode & 0o4000 ? 'u' : ''}${mode & 0o2000 ? 'g' : ''}${mode & 0o1000 ? 't' : ''}`
  return `${flags || '-'}${modeBits(node)}`
}
