/** A disk of the virtual machines: a tree of files with an end, which tells what of it has changed. */
import { DirNode, FsError, type Disk as DiskOfNodes, type FsNode } from '../sandbox/nodes.ts'

/** What is taken by all disks together. */
export interface Budget {
  bytes: number
  readonly maxBytes: number
}

export interface DiskOptions {
  root?: DirNode
  usedBytes?: number
  budget: Budget
  maxBytes: number
  /** Something is to be written. */
  changed?(disk: Disk): void
}

export class Disk implements DiskOfNodes {
  readonly name: string
  readonly root: DirNode
  readonly #options: DiskOptions
  /** By node, the first byte of its content that has changed. */
  #dirty = new Map<FsNode, number>()
  #usedBytes: number

  constructor(name: string, options: DiskOptions) {
    this.name = name
    this.#options = options
    this.root = options.root ?? new DirNode({ mode: 0o777, uid: 0, gid: 0, mtimeMs: 0 })
    this.root.disk = this
    this.#usedBytes = options.usedBytes ?? 0
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  charge(bytes: number): void {
    const { budget, maxBytes } = this.#options
    if (bytes > 0 && (this.#usedBytes + bytes > maxBytes || budget.bytes + bytes > budget.maxBytes)) throw new FsError('ENOSPC')
    const before = this.#usedBytes
    this.#usedBytes = Math.max(0, before + bytes)
    budget.bytes += this.#usedBytes - before
  }

  changed(node: FsNode, from = Infinity): void {
    if (!this.#options.changed) return
    this.#dirty.set(node, Math.min(from, this.#dirty.get(node) ?? Infinity))
    this.#options.changed(this)
  }

  /** What has changed since it was last asked. */
  takeChanges(): Map<FsNode, number> {
    const changes = this.#dirty
    this.#dirty = new Map()
    return changes
  }

  /** Nothing of it counts any more. */
  release(): void {
    this.charge(-this.#usedBytes)
    this.#dirty.clear()
  }
}
