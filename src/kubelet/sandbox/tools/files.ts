/** Tools that look at files and change them. Models busybox's coreutils and findutils. */
import { getopt, splitOnce } from '../getopt.ts'
import { FsError, type FsNode, type Ledger } from '../nodes.ts'
import type { Process, Program } from '../process.ts'
import { mountsOf } from '../procfs.ts'
import { contentOf, join, normalize } from '../vfs.ts'
import { groupName, modeText, parseMode, userName } from '../owners.ts'

/** Runs for every operand; what fails is told and counted. */
async function each(process: Process, operands: readonly string[], run: (operand: string) => Promise<void> | void, verb = ''): Promise<number> {
  let status = 0
  for (const operand of operands) {
    const tick = process.tick()
    if (tick) await tick
    try {
      await run(operand)
    } catch (error) {
      if (!(error instanceof FsError) || error.code === 'EPIPE') throw error
      await process.err(`${process.name}: ${verb ? `${verb} '${operand}'` : operand}: ${error.message}\n`)
      status = 1
    }
  }
  return status
}

async function ls(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, '1AaCdFhilnpRrStugLsx color= full-time')
  const { fs } = process.sandbox
  const files: [string, FsNode][] = []
  const dirs: string[] = []
  let status = await each(process, rest.length > 0 ? rest : ['.'], (operand) => {
    const path = process.path(operand)
    const { node } = fs.resolve(path, { cred: process.cred, follow: !has('l', 'd') || operand.endsWith('/') })
    const target = node.kind === 'link' && !has('d') ? fs.tryResolve(path, { cred: process.cred })?.node : undefined
    if ((node.kind === 'dir' || (target?.kind === 'dir' && !has('l'))) && !has('d')) dirs.push(operand)
    else files.push([operand, node])
  })
  await list(process, files, has)
  for (let i = 0; i < dirs.length; i++) {
    const dir = dirs[i] ?? '.'
    status = (await each(process, [dir], async () => {
      const entries = fs.list(process.path(dir), process.cred).filter(([name]) => has('a', 'A') || !name.startsWith('.'))
      const dots = (['.', '..'] as const).map((name): [string, FsNode] => [name, fs.resolve(`${process.path(dir)}/${name}`).node])
      const shown = has('a') ? [...dots, ...entries] : entries
      if (dirs.length + files.length > 1 || has('R')) await process.out(`${i > 0 || files.length > 0 ? '\n' : ''}${dir}:\n`)
      if (has('l')) await process.out(`total ${shown.length * 4}\n`)
      await list(process, shown, has)
      if (has('R')) dirs.splice(i + 1, 0, ...entries.filter(([, n]) => n.kind === 'dir').map(([name]) => join(dir, name)))
    }, "can't open")) || status
  }
  return status
}

async function list(process: Process, entries: readonly [string, FsNode][], has: (...flags: string[]) => boolean): Promise<void> {
  const sorted = [...entries]
  if (has('t')) sorted.sort(([, a], [, b]) => b.meta.mtimeMs - a.meta.mtimeMs)
  if (has('S')) sorted.sort(([, a], [, b]) => sizeOf(b) - sizeOf(a))
  if (has('r')) sorted.reverse()
  for (const [name, node] of sorted) {
    const suffix = has('F', 'p') && node.kind === 'dir' ? '/' : has('F') && node.kind === 'link' ? '@' : ''
    if (!has('l', 'n', 'g')) {
      await process.out(`${has('i') ? `${node.ino} ` : ''}${name}${suffix}\n`)
      continue
    }
    const { uid, gid } = node.meta
    const [user, group] = has('n') ? [String(uid), String(gid)] : [await userName(process, uid), await groupName(process, gid)]
    const target = node.kind === 'link' ? ` -> ${node.target}` : ''
    const links = node.kind === 'dir' ? 2 : 1
    const time = has('full-time') ? new Date(node.meta.mtimeMs).toISOString().replace('T', ' ').replace('Z', '000000 +0000') : lsTime(node.meta.mtimeMs, process.clock.now())
    await process.out(`${modeText(node)} ${String(links).padStart(4)} ${user.padEnd(8)} ${group.padEnd(8)} ${String(sizeOf(node)).padStart(9)} ${time} ${name}${suffix}${target}\n`)
  }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function lsTime(ms: number, nowMs: number): string {
  const date = new Date(ms)
  const day = `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`
  const isRecent = Math.abs(nowMs - ms) < 183 * 86_400_000
  return `${day} ${isRecent ? date.toISOString().slice(11, 16) : ` ${date.getUTCFullYear()}`}`
}

function sizeOf(node: FsNode): number {
  if (node.kind === 'file') return node.size
  return node.kind === 'dir' ? 4096 : node.kind === 'link' ? node.target.length : 0
}

async function mkdir(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'pm:v mode= parents')
  const { fs } = process.sandbox
  return each(
    process,
    rest,
    (dir) => {
      const path = process.path(dir)
      if (has('p', 'parents')) fs.mkdirs(path, process.cred, 0o777 & ~process.umask)
      else fs.mkdir(path, process.cred, 0o777 & ~process.umask)
      const mode = value('m', 'mode')
      if (mode !== undefined) fs.change(path, { mode: parseMode(mode, 0o777, process.umask) }, { cred: process.cred })
    },
    "can't create directory",
  )
}

async function rm(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'rRfiv recursive force')
  const { fs } = process.sandbox
  return each(
    process,
    rest,
    (operand) => {
      const path = process.path(operand)
      if (has('f', 'force') && !fs.tryResolve(path, { cred: process.cred, follow: false })) return
      if (has('r', 'R', 'recursive')) fs.removeAll(path, process.cred)
      else fs.remove(path, process.cred)
    },
    "can't remove",
  )
}

async function copyTree(process: Process, from: string, to: string, { keeps, recurses, follows }: { keeps: boolean; recurses: boolean; follows: boolean }): Promise<void> {
  const { fs } = process.sandbox
  const { cred } = process
  const { node } = fs.resolve(from, { cred, follow: follows })
  if (node.kind === 'dir') {
    if (!recurses) throw new FsError('EISDIR')
    if (!fs.tryResolve(to, { cred })) fs.mkdir(to, cred, node.meta.mode & 0o7777)
    for (const [name] of fs.list(from, cred)) await copyTree(process, join(from, name), join(to, name), { keeps, recurses, follows: follows && !recurses })
  } else if (node.kind === 'link') {
    if (fs.tryResolve(to, { cred, follow: false })) fs.remove(to, cred)
    fs.symlink(node.target, to, cred)
    return
  } else {
    fs.allow(node, 4, cred)
    fs.writeFile(to, Buffer.from(await contentOf(node)), { cred, mode: node.meta.mode & ~process.umask })
    const copied = fs.resolve(to, { cred }).node
    if (node.kind === 'file' && copied.kind === 'file' && node.program !== undefined) copied.program = node.program
  }
  if (keeps) fs.change(to, { mode: node.meta.mode, mtimeMs: node.meta.mtimeMs, ...(cred.uid === 0 ? { uid: node.meta.uid, gid: node.meta.gid } : {}) }, { cred })
}

/** `SOURCE... TARGET`, the target perhaps a directory to put them in. */
async function toTarget(process: Process, rest: readonly string[], { verb, run }: { verb: string; run(from: string, to: string): Promise<void> | void }): Promise<number> {
  const operands = [...rest]
  const target = operands.pop()
  if (target === undefined || operands.length === 0) {
    await process.err(`${process.name}: missing file operand\n`)
    return 1
  }
  const path = process.path(target)
  const isDir = process.sandbox.fs.tryResolve(path, { cred: process.cred })?.node.kind === 'dir'
  return each(process, operands, (operand) => {
    const from = process.path(operand)
    const base = normalize(from).split('/').at(-1) ?? ''
    return run(from, isDir ? join(normalize(path), base) : path)
  }, verb)
}

/** Programs that an init container hands over to others are often copied so. */
function mayBeOfImage(process: Process, path: string): boolean {
  const { fs, options } = process.sandbox
  if (!options.isUnknownImage || fs.tryResolve(path, { cred: process.cred })) return false
  return ![...fs.mounts().keys()].some((at) => at !== '/' && `${path}/`.startsWith(`${at}/`))
}

async function cp(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'rRapfdLiunvT archive recursive')
  const recurses = has('r', 'R', 'a', 'archive', 'recursive')
  return toTarget(process, rest, {
    verb: "can't stat",
    async run(from, to) {
      if (mayBeOfImage(process, from)) return process.err(`Orrery does not know the files of this image: ${from} is taken to have been copied\n`)
      if (has('n') && process.sandbox.fs.tryResolve(to, { cred: process.cred })) return
      await copyTree(process, from, to, { keeps: has('a', 'p', 'archive'), recurses, follows: !has('d', 'a', 'archive') })
      if (has('v')) await process.out(`'${from}' -> '${to}'\n`)
    },
  })
}

async function mv(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'finvT')
  const { fs } = process.sandbox
  return toTarget(process, rest, {
    verb: "can't rename",
    async run(from, to) {
      if (has('n') && fs.tryResolve(to, { cred: process.cred, follow: false })) return
      try {
        fs.rename(from, to, process.cred)
      } catch (error) {
        if (!(error instanceof FsError) || error.code !== 'EXDEV') throw error
        await copyTree(process, from, to, { keeps: true, recurses: true, follows: false })
        fs.removeAll(from, process.cred)
      }
      if (has('v')) await process.out(`'${from}' -> '${to}'\n`)
    },
  })
}

async function ln(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'sfnvT')
  const { fs } = process.sandbox
  const operands = rest.length === 1 ? [...rest, (rest[0] ?? '').split('/').at(-1) ?? ''] : rest
  const target = operands.at(-1) ?? ''
  const isDir = fs.tryResolve(process.path(target), { cred: process.cred, follow: !has('n') })?.node.kind === 'dir'
  return each(process, operands.slice(0, -1), (operand) => {
    const path = isDir ? join(process.path(target), operand.split('/').at(-1) ?? '') : process.path(target)
    if (has('f') && fs.tryResolve(path, { follow: false })) fs.remove(path, process.cred)
    if (has('s')) fs.symlink(operand, path, process.cred)
    else fs.link(process.path(operand), path, process.cred)
  })
}

async function touch(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'camd:t:r: date=')
  const { fs } = process.sandbox
  return each(process, rest, (operand) => {
    const path = process.path(operand)
    if (fs.tryResolve(path, { cred: process.cred })) fs.change(path, { mtimeMs: process.clock.now() }, { cred: { ...process.cred, uid: 0 } })
    else if (!has('c')) fs.openForWriting(path, { cred: process.cred, mode: 0o666 & ~process.umask })
  })
}

/** chmod, chown and chgrp: the first operand says what, the others to which files. */
function changer(change: (process: Process, what: string, node: FsNode) => Partial<FsNode['meta']>): Program {
  return async (process) => {
    const { has, rest } = await getopt(process, 'Rvfch recursive')
    const [what = '', ...files] = rest
    const { fs } = process.sandbox
    const apply = (path: string) => {
      const { node } = fs.resolve(path, { cred: process.cred })
      fs.change(path, change(process, what, node), { cred: process.cred })
      if (node.kind === 'dir' && has('R', 'recursive')) for (const [name, child] of fs.list(path, process.cred)) if (child.kind !== 'link') apply(join(path, name))
    }
    return each(process, files, (file) => apply(process.path(file)))
  }
}

function idOf(text: string, process: Process, file: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  const node = process.sandbox.fs.tryResolve(file)?.node
  const line = node?.kind === 'file' ? node.read().toString().split('\n').find((l) => l.startsWith(`${text}:`)) : undefined
  if (line === undefined) throw new FsError('EINVAL')
  return Number(line.split(':')[2])
}

function owners(process: Process, what: string): Partial<FsNode['meta']> {
  const [user = '', group] = splitOnce(what.replace('.', ':'), ':')
  return { ...(user ? { uid: idOf(user, process, '/etc/passwd') } : {}), ...(group ? { gid: idOf(group, process, '/etc/group') } : {}) }
}

async function stat(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'Lfc:t format= printf=')
  const { fs } = process.sandbox
  const format = value('c', 'format', 'printf')
  return each(process, rest, async (operand) => {
    const { node, mount } = fs.resolve(process.path(operand), { cred: process.cred, follow: has('L', 'f') })
    const seconds = Math.floor(node.meta.mtimeMs / 1000)
    const kind = { file: node.kind === 'file' && node.size === 0 ? 'regular empty file' : 'regular file', dir: 'directory', link: 'symbolic link', device: 'character special file' }[node.kind]
    const fields: Record<string, string> = { a: (node.meta.mode & 0o7777).toString(8), A: modeText(node), s: String(sizeOf(node)), u: String(node.meta.uid), g: String(node.meta.gid), U: await userName(process, node.meta.uid), G: await groupName(process, node.meta.gid), n: operand, N: operand, F: kind, i: String(node.ino), Y: String(seconds), X: String(seconds), Z: String(seconds), y: new Date(node.meta.mtimeMs).toISOString().replace('T', ' ').replace('Z', '000000 +0000'), h: '1', T: has('f') ? mount.type : '0' }
    const asked = format ?? (has('f') ? '  File: "%n"\n    Type: %T' : '  File: %N\n  Size: %s\t%F\nInode: %i\tLinks: %h\nAccess: (%a/%A)\tUid: (%u/%U)\tGid: (%g/%G)\nModify: %y')
    await process.out(`${asked.replace(/%(.)/g, (all, c: string) => fields[c] ?? all)}\n`)
  })
}

async function readlink(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'fnevsmz')
  const { fs } = process.sandbox
  let status = 0
  for (const operand of rest) {
    const found = fs.tryResolve(process.path(operand), { cred: process.cred, follow: has('f', 'e') })
    const isReal = has('f', 'e', 'm') || process.name === 'realpath'
    const text = isReal ? (found?.path ?? (process.name === 'realpath' ? undefined : normalize(operand, process.cwd))) : found?.node.kind === 'link' ? found.node.target : undefined
    if (text === undefined) status = 1
    else await process.out(`${text}${has('n') ? '' : '\n'}`)
    if (text === undefined && process.name === 'realpath') await process.err(`realpath: ${operand}: No such file or directory\n`)
  }
  return status
}

function realpath(process: Process): Promise<number> {
  process.argv = ['realpath', '-f', ...process.args]
  return readlink(process)
}

async function basename(process: Process): Promise<number> {
  const [path = '', suffix = ''] = process.args
  const base = path.replace(/\/+$/, '').split('/').at(-1) || '/'
  await process.out(`${suffix && base.endsWith(suffix) && base !== suffix ? base.slice(0, -suffix.length) : base}\n`)
  return 0
}

async function dirname(process: Process): Promise<number> {
  for (const path of process.args) await process.out(`${path.includes('/') ? path.replace(/\/+$/, '').replace(/\/[^/]*$/, '') || '/' : '.'}\n`)
  return 0
}

async function du(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'sahkmcd:xLb')
  const { fs } = process.sandbox
  const total = async (path: string, isTop: boolean): Promise<number> => {
    const tick = process.tick()
    if (tick) await tick
    const { node } = fs.resolve(path, { follow: false, cred: process.cred })
    let kilobytes = Math.ceil(sizeOf(node) / 4096) * 4
    if (node.kind === 'dir') for (const [name] of fs.list(path, process.cred)) kilobytes += await total(join(path, name), false)
    if (isTop || (node.kind === 'dir' && !has('s'))) await process.out(`${has('h') ? `${(kilobytes / 1024).toFixed(1)}M` : kilobytes}\t${path}\n`)
    return kilobytes
  }
  return each(process, rest.length > 0 ? rest : ['.'], async (operand) => void (await total(process.path(operand), true)))
}

const KIBIBYTE = 1024
const SOURCES: Readonly<Record<string, string>> = { ext4: '/dev/vda1', cgroup2: 'cgroup' }
/** Of what has no size of its own: the node's disk. */
const DISK = { size: 64 * KIBIBYTE ** 3, used: 8 * KIBIBYTE ** 3 }

function spaceOf({ disk }: FsNode & { disk?: Ledger | undefined }): { size: number; used: number } {
  return disk?.sizeBytes === undefined ? DISK : { size: disk.sizeBytes, used: Math.min(disk.sizeBytes, disk.bytes ?? 0) }
}

/** `1.5G` */
function humanSize(bytes: number): string {
  const power = ['', 'K', 'M', 'G', 'T'].findLastIndex((_, i) => bytes >= KIBIBYTE ** i)
  return power <= 0 ? String(bytes) : `${(bytes / KIBIBYTE ** power).toFixed(1)}${['', 'K', 'M', 'G', 'T'][power]}`
}

async function df(process: Process): Promise<number> {
  const { has, rest } = await getopt(process, 'hHkmPTait: human-readable')
  const { fs } = process.sandbox
  let status = 0
  const wanted = new Set<string>()
  for (const operand of rest) {
    const found = fs.tryResolve(process.path(operand))
    if (found) wanted.add([...fs.mounts().keys()].filter((at) => at === '/' || found.path === at || found.path.startsWith(`${at}/`)).sort((a, b) => b.length - a.length)[0] ?? '/')
    else {
      await process.err(`df: ${operand}: can't find mount point\n`)
      status = 1
    }
  }
  const unit = has('m') ? 1024 ** 2 : KIBIBYTE
  const text = (bytes: number) => (has('h', 'human-readable') || has('H') ? humanSize(bytes) : String(Math.ceil(bytes / unit)))
  const column = (title: string) => title.padStart(has('P') ? 10 : 9)
  const title = has('h', 'human-readable') || has('H') ? 'Size' : has('m') ? '1M-blocks' : has('P') ? '1024-blocks' : '1K-blocks'
  await process.out(`Filesystem           ${has('T') ? 'Type       ' : ''}${column(title)} ${column('Used')} Available ${has('P') ? 'Capacity' : 'Use%'} Mounted on\n`)
  for (const [path, { type, node }] of fs.mounts()) {
    if (rest.length > 0 && !wanted.has(path)) continue
    const { size, used } = spaceOf(node)
    const share = Math.ceil((used * 100) / size)
    await process.out(`${(SOURCES[type] ?? type).padEnd(20)} ${has('T') ? `${type.padEnd(10)} ` : ''}${column(text(size))} ${column(text(used))} ${column(text(size - used))} ${`${share}%`.padStart(has('P') ? 7 : 3)} ${path}\n`)
  }
  return status
}

async function mktemp(process: Process): Promise<number> {
  const { has, value, rest } = await getopt(process, 'dp:tuq')
  const template = rest[0] ?? 'tmp.XXXXXX'
  const name = template.replace(/X{3,}/, (x) => process.sandbox.random.suffix(x.length))
  const path = rest[0] === undefined || has('p', 't') ? join(value('p') ?? process.env.get('TMPDIR') ?? '/tmp', name) : name
  if (has('d')) process.sandbox.fs.mkdir(process.path(path), process.cred, 0o700)
  else process.sandbox.fs.openForWriting(process.path(path), { cred: process.cred, mode: 0o600, exclusive: true })
  await process.out(`${path}\n`)
  return 0
}

async function truncate(process: Process): Promise<number> {
  const { value, rest } = await getopt(process, 's:c')
  return each(process, rest, (file) => process.sandbox.fs.openForWriting(process.path(file), { cred: process.cred }).truncate(Number(value('s') ?? '0'), process.sandbox.fs.ledger))
}

async function mount(process: Process): Promise<number> {
  const { value, rest } = await getopt(process, 't:o:lnrwv')
  if (rest.length > 0) {
    await process.err(`mount: permission denied (are you root?)\n`)
    return 32
  }
  const wanted = value('t')?.split(',')
  for (const { source, path, type, options } of mountsOf(process.sandbox)) if (!wanted || wanted.includes(type)) await process.out(`${source} on ${path} type ${type} (${options})\n`)
  return 0
}

export default {
  ls,
  mkdir,
  rm,
  cp,
  mv,
  ln,
  touch,
  stat,
  readlink,
  realpath,
  basename,
  dirname,
  du,
  df,
  mktemp,
  truncate,
  mount,
  chmod: changer((process, what, node) => ({ mode: parseMode(what, node.meta.mode, process.umask, node.kind === 'dir') })),
  chown: changer(owners),
  chgrp: changer((process, what) => ({ gid: idOf(what, process, '/etc/group') })),
  rmdir: async (process) => each(process, (await getopt(process, 'p')).rest, (dir) => process.sandbox.fs.remove(process.path(dir), process.cred, { isDir: true }), "can't remove"),
  unlink: (process) => each(process, process.args, (file) => process.sandbox.fs.remove(process.path(file), process.cred)),
  mkfifo: async (process) => each(process, (await getopt(process, 'm:')).rest, (path) => process.sandbox.fs.mkfifo(process.path(path), process.cred, 0o644)),
  sync: () => 0,
} satisfies Record<string, Program>
