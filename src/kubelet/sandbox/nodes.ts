/**
 * The nodes of a container's virtual file system. Trees of images are shared: `clone` of a directory copies it when somebody
 * first looks into it, and the bytes of a file are never copied until they are written.
 */
import { FileBytes } from './file-bytes.ts'

export type ErrorCode = 'EACCES' | 'EBADF' | 'EBUSY' | 'EEXIST' | 'EINVAL' | 'EISDIR' | 'ELOOP' | 'ENOENT' | 'ENOEXEC' | 'ENOSPC' | 'ENOTDIR' | 'ENOTEMPTY' | 'ENXIO' | 'EPERM' | 'EPIPE' | 'EROFS' | 'EXDEV'

const TEXTS: Readonly<Record<ErrorCode, string>> = {
  EACCES: 'Permission denied',
  EBADF: 'Bad file descriptor',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  ENOENT: 'No such file or directory',
  ENOEXEC: 'Exec format error',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  ENXIO: 'No such device or address',
  EPERM: 'Operation not permitted',
  EPIPE: 'Broken pipe',
  EROFS: 'Read-only file system',
  EXDEV: 'Invalid cross-device link',
}

/** `message` is what strerror says. */
export class FsError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode) {
    super(TEXTS[code])
    this.name = 'FsError'
    this.code = code
  }
}

export interface Meta {
  /** Permission bits with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  mtimeMs: number
}

/** Counts the bytes that the files of a sandbox hold. */
export interface Ledger {
  /** @throws FsError ENOSPC */
  charge(bytes: number): void
  readonly bytes?: number
  /** What it may hold, where it was made so. */
  readonly sizeBytes?: number | undefined
}

/** What nodes lie on when what happens to them is to last. */
export interface Disk extends Ledger {
  /** @param from the first byte of a file's content that is another; absent when the content is the same */
  changed(node: FsNode, from?: number): void
}

export type FsNode = FileNode | DirNode | LinkNode | DeviceNode

let inodes = 1

export class FileNode {
  readonly kind = 'file'
  readonly ino = inodes++
  meta: Meta
  /** The name of the program that runs when the file is executed. */
  program?: string
  /** What is read of a file that is made when it is looked at (a token, /proc). */
  source?: () => Buffer | Promise<Buffer>
  disk?: Disk
  #bytes: FileBytes

  constructor(meta: Meta, data: Buffer = Buffer.alloc(0)) {
    this.meta = meta
    this.#bytes = new FileBytes(data)
  }

  get size(): number {
    return this.#bytes.size
  }

  read(): Buffer {
    return this.#bytes.all()
  }

  /** What there is from `from` on, up to `to`. */
  slice(from: number, to: number): Buffer {
    return this.#bytes.slice(from, to)
  }

  /** Up to `max` bytes from `from` on, without a copy; empty at the end. */
  upTo(from: number, max: number): Buffer {
    return this.#bytes.upTo(from, max)
  }

  replace(data: Buffer): void {
    this.#bytes = new FileBytes(data)
    this.disk?.changed(this, 0)
  }

  write(at: number, bytes: Buffer, ledger?: Ledger): void {
    const { size } = this
    const end = at + bytes.length
    if (end > size) (this.disk ?? ledger)?.charge(end - size)
    this.#bytes.write(at, bytes)
    this.disk?.changed(this, Math.min(at, size))
  }

  truncate(size: number, ledger?: Ledger): void {
    const had = this.size
    ;(this.disk ?? ledger)?.charge(size - had)
    this.#bytes.truncate(size)
    this.disk?.changed(this, Math.min(size, had))
  }

  clone(): FileNode {
    const bytes = this.read()
    const copy = new FileNode({ ...this.meta }, bytes)
    if (this.program !== undefined) copy.program = this.program
    if (this.source) copy.source = this.source
    // Whoever writes first gets bytes of its own.
    this.#bytes = new FileBytes(bytes)
    return copy
  }
}

export class DirNode {
  readonly kind = 'dir'
  readonly ino = inodes++
  meta: Meta
  disk?: Disk
  #entries: Map<string, FsNode> | undefined
  #fill: ((entries: Map<string, FsNode>) => void) | undefined

  /** `fill` makes the entries when somebody first looks for them. */
  constructor(meta: Meta, fill?: (entries: Map<string, FsNode>) => void) {
    this.meta = meta
    this.#fill = fill
  }

  get entries(): Map<string, FsNode> {
    if (this.#entries) return this.#entries
    this.#entries = new Map()
    const fill = this.#fill
    this.#fill = undefined
    fill?.(this.#entries)
    return this.#entries
  }

  /** Somebody has looked into it. */
  get isOpened(): boolean {
    return this.#entries !== undefined
  }

  clone(): DirNode {
    const copy: DirNode = new DirNode({ ...this.meta }, (entries) => {
      for (const [name, node] of this.entries) {
        const child = node.clone()
        if (copy.disk && child.kind !== 'device') child.disk = copy.disk
        entries.set(name, child)
      }
    })
    return copy
  }
}

/** A directory whose entries are made whenever somebody looks: processes come and go. */
export class LiveDirNode extends DirNode {
  readonly #list: () => Map<string, FsNode>

  constructor(meta: Meta, list: () => Map<string, FsNode>) {
    super(meta)
    this.#list = list
  }

  override get entries(): Map<string, FsNode> {
    return this.#list()
  }

  override clone(): DirNode {
    return this
  }
}

export class LinkNode {
  readonly kind = 'link'
  readonly ino = inodes++
  meta: Meta
  disk?: Disk
  readonly target: string

  constructor(target: string, meta: Meta) {
    this.target = target
    this.meta = meta
  }

  clone(): LinkNode {
    return new LinkNode(this.target, { ...this.meta })
  }
}

/** A character device, a named pipe or a socket: what is read and written is another's business. */
export class DeviceNode {
  readonly kind = 'device'
  readonly ino = inodes++
  meta: Meta
  readonly device: Device

  constructor(meta: Meta, device: Device) {
    this.meta = meta
    this.device = device
  }

  clone(): DeviceNode {
    return this
  }
}

export type Device = 'null' | 'zero' | 'random' | 'full' | 'tty' | 'stdin' | 'stdout' | 'stderr' | 'fifo' | 'socket'

/** What statfs tells of the file system a node is on: what `mount`, `stat -f` and mounttest show. */
export type FsType = 'overlay' | 'tmpfs' | 'ext4' | 'proc' | 'sysfs' | 'cgroup2'
