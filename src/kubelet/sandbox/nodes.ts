/**
 * The nodes of a container's virtual file system. Trees of images are shared: `clone` of a directory copies it when somebody
 * first looks into it, and the bytes of a file are never copied until they are written.
 */
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
  #data: Buffer
  #size: number
  #isShared: boolean

  constructor(meta: Meta, data: Buffer = Buffer.alloc(0)) {
    this.meta = meta
    this.#data = data
    this.#size = data.length
    this.#isShared = true
  }

  get size(): number {
    return this.#size
  }

  read(): Buffer {
    return this.#data.subarray(0, this.#size)
  }

  replace(data: Buffer): void {
    this.#data = data
    this.#size = data.length
    this.#isShared = true
    this.disk?.changed(this, 0)
  }

  write(at: number, bytes: Buffer, ledger?: Ledger): void {
    const end = at + bytes.length
    const first = Math.min(at, this.#size)
    if (end > this.#size) (this.disk ?? ledger)?.charge(end - this.#size)
    if (this.#isShared || end > this.#data.length) {
      // With room for more, for most that grow go on growing; who only changes a shared one gets a copy.
      const grown = Buffer.allocUnsafe(Math.max(end, this.#size, end > this.#size ? Math.ceil(this.#size * 1.5) : 0))
      this.#data.copy(grown, 0, 0, this.#size)
      this.#data = grown
      this.#isShared = false
    }
    if (at > this.#size) this.#data.fill(0, this.#size, at)
    bytes.copy(this.#data, at)
    this.#size = Math.max(this.#size, end)
    this.disk?.changed(this, first)
  }

  truncate(size: number, ledger?: Ledger): void {
    if (size > this.#size) return this.write(size - 1, Buffer.from([0]), ledger)
    const counted = this.disk ?? ledger
    counted?.charge(size - this.#size)
    this.#data = Buffer.from(this.#data.subarray(0, size))
    this.#size = size
    this.#isShared = false
    this.disk?.changed(this, size)
  }

  clone(): FileNode {
    const copy = new FileNode({ ...this.meta }, this.read())
    if (this.program !== undefined) copy.program = this.program
    if (this.source) copy.source = this.source
    this.#isShared = true
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
