/**
 * How a disk lies in blobs: a record for each node under the disk's name and the node's number (1 is the root), and the content
 * of a file in pieces, so that a byte that changes does not write the whole file.
 */
import { isRecord } from '../../apimachinery/json.ts'
import { DeviceNode, DirNode, FileNode, LinkNode, type FsNode, type Meta } from '../sandbox/nodes.ts'
import { ENTRY_BYTES } from '../sandbox/vfs.ts'
import type { Disk } from './disk.ts'
import type { BlobChange } from './disk-store.ts'

const PIECE_BYTES = 64 * 1024
const ROOT_ID = 1

interface Kept {
  id: number
  /** How many pieces of it are written. */
  pieces: number
}

const keyOf = (disk: string, id: number, piece?: number): string => `${encodeURIComponent(disk)} ${id}${piece === undefined ? '' : ` ${piece}`}`

/** Follows one disk: says which blobs are to change for what has changed on it. */
export class DiskRecords {
  readonly #disk: Disk
  readonly #kept: Map<FsNode, Kept>
  #nextId: number

  constructor(disk: Disk, loaded?: Loaded) {
    this.#disk = disk
    this.#kept = loaded?.kept ?? new Map()
    this.#nextId = loaded ? loaded.lastId + 1 : ROOT_ID
  }

  changes(): BlobChange[] {
    const changed = this.#disk.takeChanges()
    const out: BlobChange[] = []
    if (!this.#kept.has(this.#disk.root)) changed.set(this.#disk.root, 0)
    for (const [node, from] of changed) if (this.#kept.has(node) || node === this.#disk.root) this.#put(node, from, out)
    if ([...changed.keys()].some(({ kind }) => kind === 'dir')) this.#sweep(out)
    return out
  }

  /** All of it goes. */
  removal(): BlobChange[] {
    const out: BlobChange[] = []
    for (const kept of this.#kept.values()) this.#remove(kept, out)
    this.#kept.clear()
    this.#nextId = ROOT_ID
    return out
  }

  /** With what is new below a directory. */
  #put(node: FsNode, from: number, out: BlobChange[]): void {
    let kept = this.#kept.get(node)
    if (!kept) this.#kept.set(node, (kept = { id: this.#nextId++, pieces: 0 }))
    if (node.kind === 'file') this.#putContent(node, kept, { from, out })
    if (node.kind === 'dir') for (const child of node.entries.values()) if (!this.#kept.has(child)) this.#put(child, 0, out)
    const idOf = (child: FsNode) => this.#kept.get(child)?.id ?? 0
    out.push({ key: keyOf(this.#disk.name, kept.id), bytes: Buffer.from(JSON.stringify(recordOf(node, idOf))) })
  }

  #putContent(file: FileNode, kept: Kept, { from, out }: { from: number; out: BlobChange[] }): void {
    const pieces = Math.ceil(file.size / PIECE_BYTES)
    const { name } = this.#disk
    // A copy: the file may be written to before these are.
    for (let i = Math.min(Math.floor(from / PIECE_BYTES), pieces); i < pieces; i++) out.push({ key: keyOf(name, kept.id, i), bytes: Buffer.from(file.slice(i * PIECE_BYTES, (i + 1) * PIECE_BYTES)) })
    for (let i = pieces; i < kept.pieces; i++) out.push({ key: keyOf(name, kept.id, i), bytes: undefined })
    kept.pieces = pieces
  }

  #sweep(out: BlobChange[]): void {
    const reachable = new Set<FsNode>()
    const walk = (node: FsNode) => {
      if (reachable.has(node)) return
      reachable.add(node)
      if (node.kind === 'dir') for (const child of node.entries.values()) walk(child)
    }
    walk(this.#disk.root)
    for (const [node, kept] of this.#kept) {
      if (reachable.has(node)) continue
      this.#kept.delete(node)
      this.#remove(kept, out)
    }
  }

  #remove({ id, pieces }: Kept, out: BlobChange[]): void {
    out.push({ key: keyOf(this.#disk.name, id), bytes: undefined })
    for (let i = 0; i < pieces; i++) out.push({ key: keyOf(this.#disk.name, id, i), bytes: undefined })
  }
}

type NodeRecord = { m: Meta } & ({ k: 'dir'; e: Record<string, number> } | { k: 'file'; p?: string } | { k: 'link'; t: string } | { k: 'device'; d: DeviceNode['device'] })

function recordOf(node: FsNode, idOf: (child: FsNode) => number): NodeRecord {
  const { meta: m } = node
  switch (node.kind) {
    case 'dir':
      return { k: 'dir', m, e: Object.fromEntries([...node.entries].map(([name, child]) => [name, idOf(child)])) }
    case 'file':
      return { k: 'file', m, ...(node.program === undefined ? {} : { p: node.program }) }
    case 'link':
      return { k: 'link', m, t: node.target }
    case 'device':
      return { k: 'device', m, d: node.device }
  }
}

/** A disk as it was written. */
export interface Loaded {
  root: DirNode
  kept: Map<FsNode, Kept>
  lastId: number
  usedBytes: number
}

/** Takes blobs in the order of their keys, and makes disks of them. */
export class DiskLoader {
  readonly #disks = new Map<string, Map<number, { record: NodeRecord; pieces: Buffer[] }>>()

  add(key: string, bytes: Buffer): void {
    const [disk = '', id = '', piece] = key.split(' ')
    const name = decodeURIComponent(disk)
    let nodes = this.#disks.get(name)
    if (!nodes) this.#disks.set(name, (nodes = new Map()))
    const known = nodes.get(Number(id))
    if (piece !== undefined) {
      if (known) known.pieces[Number(piece)] = bytes
      return
    }
    const record = parseRecord(bytes)
    if (record) nodes.set(Number(id), { record, pieces: [] })
  }

  *disks(): Generator<[string, Loaded]> {
    for (const [name, nodes] of this.#disks) {
      const kept = new Map<FsNode, Kept>()
      const made = new Map<number, FsNode>()
      let usedBytes = 0
      const make = (id: number): FsNode | undefined => {
        const known = made.get(id)
        const found = nodes.get(id)
        if (known || !found) return known
        const node = nodeOf(found.record, found.pieces, make)
        usedBytes += ENTRY_BYTES + (node.kind === 'file' ? node.size : 0)
        made.set(id, node)
        kept.set(node, { id, pieces: found.pieces.length })
        return node
      }
      const root = make(ROOT_ID)
      if (root?.kind === 'dir') yield [name, { root, kept, usedBytes, lastId: Math.max(...nodes.keys()) }]
    }
  }
}

function nodeOf(record: NodeRecord, pieces: readonly Buffer[], make: (id: number) => FsNode | undefined): FsNode {
  if (record.k === 'link') return new LinkNode(record.t, record.m)
  if (record.k === 'device') return new DeviceNode(record.m, record.d)
  if (record.k === 'file') {
    const file = new FileNode(record.m, Buffer.concat(pieces))
    if (record.p !== undefined) file.program = record.p
    return file
  }
  const dir = new DirNode(record.m)
  for (const [name, id] of Object.entries(record.e)) {
    const child = make(id)
    if (child) dir.entries.set(name, child)
  }
  return dir
}

/** Undefined for what is none of ours. */
function parseRecord(bytes: Buffer): NodeRecord | undefined {
  const parsed: unknown = JSON.parse(bytes.toString())
  return isRecord(parsed) && isRecord(parsed.m) && typeof parsed.k === 'string' ? (parsed as unknown as NodeRecord) : undefined
}
