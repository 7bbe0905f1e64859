/**
 * Files that change all at once: the data lie in a directory of their own, `..data` points at it, and links to what is behind
 * that are what users see. Models pkg/volume/util/atomic_writer.go.
 */
import type { Payload } from './content.ts'
import { DirNode, FileNode, LinkNode, type Meta } from './sandbox/nodes.ts'

export interface WriteOptions {
  nowMs: number
  /** Distinguishes what is written within a second. */
  suffix: string
  gid?: number
  /** The content of files that are made when they are read. */
  source?: (path: string) => (() => Promise<Buffer>) | undefined
}

const DATA = '..data'

export function writePayload(dir: DirNode, payload: Payload, { nowMs, suffix, gid, source }: WriteOptions): void {
  const { entries } = dir
  const link = entries.get(DATA)
  const old = link?.kind === 'link' ? entries.get(link.target) : undefined
  if (old?.kind === 'dir' && isSame(old, payload)) return
  const meta = (mode: number): Meta => ({ mode, uid: 0, gid: gid ?? 0, mtimeMs: nowMs })
  const name = `..${new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '_').replace('T', '_')}.${suffix}`
  const data = new DirNode(meta(gid === undefined ? 0o755 : 0o2775))
  for (const [path, { data: bytes, mode, uid = 0 }] of payload) {
    const file = new FileNode({ ...meta(gid === undefined ? mode : mode | 0o440), uid }, bytes)
    const read = source?.(path)
    if (read) file.source = read
    place(data, path, file, meta)
  }
  entries.set(name, data)
  entries.set(DATA, new LinkNode(name, meta(0o777)))
  const visible = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''))
  for (const top of visible) if (!entries.has(top)) entries.set(top, new LinkNode(`${DATA}/${top}`, meta(0o777)))
  for (const [entry, node] of entries) if (!entry.startsWith('..') && node.kind === 'link' && !visible.has(entry)) entries.delete(entry)
  if (link?.kind === 'link') entries.delete(link.target)
}

function place(dir: DirNode, path: string, file: FileNode, meta: (mode: number) => Meta): void {
  const [first = '', ...rest] = path.split('/')
  if (rest.length === 0) return void dir.entries.set(first, file)
  let next = dir.entries.get(first)
  if (next?.kind !== 'dir') dir.entries.set(first, (next = new DirNode(meta(0o755))))
  place(next, rest.join('/'), file, meta)
}

function isSame(dir: DirNode, payload: Payload): boolean {
  const files = new Map<string, FileNode>()
  const collect = (at: DirNode, prefix: string) => {
    for (const [name, node] of at.entries) {
      if (node.kind === 'dir') collect(node, `${prefix}${name}/`)
      else if (node.kind === 'file') files.set(prefix + name, node)
    }
  }
  collect(dir, '')
  if (files.size !== payload.size) return false
  for (const [path, { data, token }] of payload) {
    const file = files.get(path)
    if (!file || (token === undefined && !file.read().equals(data))) return false
  }
  return true
}
