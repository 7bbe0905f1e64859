/**
 * The disks of nodes and of persistent volumes: in memory while the cluster runs, and written behind to blobs where the cluster
 * keeps its state, so that files are there again after a restart.
 */
import { nextTurn, respite } from '../../clock.ts'
import type { DirNode, FsNode } from '../sandbox/nodes.ts'
import { Disk, type Budget } from './disk.ts'
import type { BlobChange, DiskStore } from './disk-store.ts'
import { DiskLoader, DiskRecords, type Loaded } from './records.ts'

const MAX_DISK_BYTES = 256 * 1024 * 1024
const MAX_BYTES = 1024 * 1024 * 1024
/** Between two writes, so that a program that writes all the time does not keep the server busy. */
const PAUSE_MS = 20

export interface DisksOptions {
  /** Without it files end with the process. */
  store?: DiskStore | undefined
  failed?(error: unknown): void
}

export class Disks {
  readonly #disks = new Map<string, Disk>()
  readonly #records = new Map<Disk, DiskRecords>()
  readonly #budget: Budget = { bytes: 0, maxBytes: MAX_BYTES }
  readonly #options: DisksOptions
  readonly #changed = new Set<Disk>()
  #removals: BlobChange[] = []
  #writing: Promise<void> | undefined
  #isClosing = false
  #closing: (() => void) | undefined

  /** Rejects with a StorageError when what was kept cannot be read. */
  static async open(options: DisksOptions = {}): Promise<Disks> {
    const disks = new Disks(options)
    if (!options.store) return disks
    const loader = new DiskLoader()
    for await (const rows of options.store.load()) for (const [key, bytes] of rows) loader.add(key, bytes)
    for (const [name, loaded] of loader.disks()) own(loaded.root, disks.#add(name, loaded, loaded))
    return disks
  }

  constructor(options: DisksOptions = {}) {
    this.#options = options
  }

  names(): string[] {
    return [...this.#disks.keys()]
  }

  /** Made when it is first asked for; `make` gives what a new one has. */
  get(name: string, make?: () => DirNode): Disk {
    const known = this.#disks.get(name)
    if (known) return known
    const root = make?.()
    const disk = this.#add(name, root && { root, usedBytes: 0 })
    if (root) own(root, disk)
    return disk
  }

  /** With all its files. */
  remove(name: string): void {
    const disk = this.#disks.get(name)
    if (!disk) return
    this.#disks.delete(name)
    this.#changed.delete(disk)
    disk.release()
    const removal = this.#records.get(disk)?.removal() ?? []
    this.#records.delete(disk)
    if (removal.length === 0) return
    this.#removals.push(...removal)
    this.#wake()
  }

  /** Resolves when all that has changed is written. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#closing?.()
    await this.#writing
    await this.#writeAll()
    await this.#options.store?.close()
  }

  #add(name: string, from?: Pick<Loaded, 'root' | 'usedBytes'>, loaded?: Loaded): Disk {
    const isKept = this.#options.store !== undefined
    const disk = new Disk(name, { budget: this.#budget, maxBytes: MAX_DISK_BYTES, ...from, ...(isKept ? { changed: (d) => this.#note(d) } : {}) })
    this.#budget.bytes += disk.usedBytes
    this.#disks.set(name, disk)
    if (isKept) this.#records.set(disk, new DiskRecords(disk, loaded))
    return disk
  }

  #note(disk: Disk): void {
    if (this.#disks.get(disk.name) !== disk) return
    this.#changed.add(disk)
    this.#wake()
  }

  #wake(): void {
    if (this.#isClosing) return
    this.#writing ??= this.#write()
  }

  async #write(): Promise<void> {
    const closing = new Promise<void>((resolve) => (this.#closing = resolve))
    while ((this.#changed.size > 0 || this.#removals.length > 0) && !this.#isClosing) {
      await nextTurn()
      await this.#writeAll()
      await Promise.race([respite(PAUSE_MS), closing])
    }
    // In the same turn as the look at what is left: a change that comes later begins anew.
    this.#writing = undefined
  }

  async #writeAll(): Promise<void> {
    const changes = this.#removals
    this.#removals = []
    for (const disk of this.#changed) changes.push(...(this.#records.get(disk)?.changes() ?? []))
    this.#changed.clear()
    if (changes.length === 0) return
    try {
      await this.#options.store?.write(changes)
    } catch (error) {
      this.#options.failed?.(error)
    }
  }
}

/** Directories that nobody has looked into hand their disk down when somebody does. */
function own(node: FsNode, disk: Disk): void {
  if (node.kind !== 'device') node.disk = disk
  if (node.kind === 'dir' && node.isOpened) for (const child of node.entries.values()) own(child, disk)
}
