/** tar, gzip and gunzip: what `kubectl cp` runs in a container. Models busybox's. */
import { gunzipSync, gzipSync } from 'node:zlib'
import { readInput } from '../inputs.ts'
import { FsError } from '../nodes.ts'
import { openFile } from '../open-file.ts'
import type { Process, Program } from '../process.ts'
import { readTar, sourceOf, tarHeader, tarPadding, type TarEntry, type TarMember, type TarSource } from '../tar.ts'
import { contentOf, join, normalize } from '../vfs.ts'

const MAX_UNPACKED = 128 * 1024 * 1024

interface TarOptions {
  mode: string
  file: string
  dir: string
  zips: boolean
  verbose: boolean
  strip: number
  names: string[]
}

async function tar(process: Process): Promise<number> {
  const options = readOptions(process.args)
  try {
    if (options.mode === 'c') return await create(process, options)
    if (options.mode === 'x' || options.mode === 't') return await extract(process, options)
  } catch (error) {
    if (!(error instanceof FsError) || error.code === 'EPIPE') throw error
    await process.err(`tar: ${error.code === 'EINVAL' ? 'invalid tar magic' : error.message}\n`)
    return 1
  }
  await process.err('tar: need one of -c, -t or -x\n')
  return 1
}

function readOptions(args: readonly string[]): TarOptions {
  const options: TarOptions = { mode: '', file: '-', dir: '.', zips: false, verbose: false, strip: 0, names: [] }
  const left = [...args]
  if (left[0] !== undefined && !left[0].startsWith('-')) left[0] = `-${left[0]}`
  for (let arg = left.shift(); arg !== undefined; arg = left.shift()) {
    const strip = /^--strip-components=(\d+)$/.exec(arg)?.[1]
    if (strip !== undefined) options.strip = Number(strip)
    else if (arg === '--') options.names.push(...left.splice(0))
    else if (arg.startsWith('--')) continue
    else if (!/^-./.test(arg)) options.names.push(arg)
    else {
      for (let i = 1; i < arg.length; i++) {
        const letter = arg.charAt(i)
        if ('cxt'.includes(letter)) options.mode = letter
        else if (letter === 'z') options.zips = true
        else if (letter === 'v') options.verbose = true
        else if (letter === 'f' || letter === 'C') {
          const value = arg.slice(i + 1) || (left.shift() ?? '')
          options[letter === 'f' ? 'file' : 'dir'] = value
          break
        }
      }
    }
  }
  return options
}

async function create(process: Process, { file, dir, zips, verbose, names }: TarOptions): Promise<number> {
  const chunks: Buffer[] = []
  let bytes = 0
  let status = 0
  const put = async (piece: Buffer) => {
    if (file === '-' && !zips) return process.out(piece)
    chunks.push(piece)
    bytes += piece.length
    process.sandbox.holds(bytes)
  }
  const base = process.path(dir)
  const add = async (name: string): Promise<void> => {
    const path = normalize(name, base)
    const { node } = process.sandbox.fs.resolve(path, { cred: process.cred, follow: false })
    if (node.kind === 'device') return
    if (node.kind !== 'link') process.sandbox.fs.allow(node, 4, process.cred)
    const data = node.kind === 'file' ? await contentOf(node) : Buffer.alloc(0)
    const { mode, uid, gid, mtimeMs } = node.meta
    const entry: TarEntry = { name: name.replace(/^\/+/, ''), type: node.kind, mode, uid, gid, mtimeMs, data, ...(node.kind === 'link' ? { target: node.target } : {}) }
    if (verbose) await process.err(`${entry.name}\n`)
    await put(Buffer.concat([tarHeader(entry), data, tarPadding(data.length)]))
    if (node.kind === 'dir') for (const [child] of process.sandbox.fs.list(path, process.cred)) await add(join(name, child))
  }
  for (const name of names) {
    try {
      await add(name)
    } catch (error) {
      if (!(error instanceof FsError) || error.code === 'EPIPE') throw error
      await process.err(`tar: ${name}: ${error.message}\n`)
      status = 1
    }
  }
  await put(Buffer.alloc(1024))
  const archive = Buffer.concat(chunks)
  const packed = zips ? gzipSync(archive) : archive
  if (file !== '-') process.sandbox.fs.writeFile(process.path(file), packed, { cred: process.cred })
  else if (zips) await process.out(packed)
  return status
}

/** A compressed archive is unpacked as a whole, another read as it comes. */
async function archiveOf(process: Process, file: string): Promise<TarSource> {
  if (file !== '-') process.setFd(0, await openFile(process, file, { reads: true }))
  const first = await process.read(0)
  if (first?.[0] === 0x1f && first[1] === 0x8b) return sourceOf(unpack(Buffer.concat([first, await process.readAll(0)])))
  if (first) process.open(0).giveBack(first)
  return { read: (max) => process.read(0, max) }
}

async function extract(process: Process, { mode, file, dir, verbose, strip, names }: TarOptions): Promise<number> {
  const { fs } = process.sandbox
  const { cred } = process
  for await (const entry of readTar(await archiveOf(process, file))) {
    const tick = process.tick(10 + (entry.size >> 10))
    if (tick) await tick
    const name = entry.name.split('/').filter(Boolean).slice(strip).join('/')
    if (names.length > 0 && !names.some((n) => name === n.replace(/\/$/, '') || name.startsWith(`${n}/`))) continue
    if (mode === 't' || verbose) await process.out(`${entry.name}\n`)
    if (mode === 't' || name === '') continue
    const path = normalize(name, process.path(dir))
    fs.mkdirs(path.slice(0, path.lastIndexOf('/')) || '/', cred)
    if (entry.type === 'dir') fs.mkdirs(path, cred)
    else {
      if (fs.tryResolve(path, { follow: false })) fs.remove(path, cred)
      if (entry.type === 'link') fs.symlink(entry.target ?? '', path, cred)
      else await unpackFile(process, path, entry)
    }
    if (entry.type !== 'link') fs.change(path, { mode: entry.mode & 0o7777, mtimeMs: entry.mtimeMs }, { cred })
  }
  return 0
}

async function unpackFile(process: Process, path: string, { pieces }: TarMember): Promise<void> {
  // It gets its own mode once it is written.
  process.sandbox.fs.writeFile(path, '', { cred: process.cred, mode: 0o600 })
  const end = await openFile(process, path, { writes: true })
  for await (const piece of pieces()) {
    end.put?.(Buffer.from(piece))
    const full = end.drained?.()
    if (full) await process.block(full)
  }
}

/** @throws FsError EINVAL */
function unpack(data: Buffer): Buffer {
  try {
    return gunzipSync(data, { maxOutputLength: MAX_UNPACKED })
  } catch {
    throw new FsError('EINVAL')
  }
}

function zipper(unzips: boolean): Program {
  return async (process) => {
    const flags = process.args.filter((a) => /^-./.test(a)).join('')
    const files = process.args.filter((a) => !/^-./.test(a))
    const expands = unzips || flags.includes('d')
    const toOutput = flags.includes('c') || process.name === 'zcat' || files.length === 0
    for (const file of files.length > 0 ? files : ['-']) {
      const data = await readInput(process, file)
      let result: Buffer
      try {
        result = expands ? unpack(data) : gzipSync(data)
      } catch (error) {
        if (!(error instanceof FsError)) throw error
        await process.err(`${process.name}: invalid magic\n`)
        return 1
      }
      if (toOutput) await process.out(result)
      else {
        process.sandbox.fs.writeFile(process.path(expands ? file.replace(/\.gz$/, '') : `${file}.gz`), result, { cred: process.cred })
        process.sandbox.fs.remove(process.path(file), process.cred)
      }
    }
    return 0
  }
}

export default { tar, gzip: zipper(false), gunzip: zipper(true), zcat: zipper(true) } satisfies Record<string, Program>
