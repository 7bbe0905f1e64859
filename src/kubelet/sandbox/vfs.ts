/**
 * A container's view of files: one root, other trees mounted into it, permissions judged as Linux does. Everything is in
 * memory; nothing of the host is below it.
 */
import { DeviceNode, DirNode, FileNode, FsError, LinkNode, type FsNode, type FsType, type Ledger, type Meta } from './nodes.ts'

export interface Credentials {
  uid: number
  gid: number
  groups: readonly number[]
}

export interface Mount {
  node: FsNode
  readOnly: boolean
  type: FsType
}

export interface Found {
  node: FsNode
  /** Absolute, without links. */
  path: string
  mount: Mount
}

/** The place of an entry, there or not. */
interface Place {
  dir: DirNode
  name: string
  path: string
  mount: Mount
}

const MAX_LINKS = 40
const MAX_NAME = 255
/** What an entry costs besides its content. */
export const ENTRY_BYTES = 64
export const ROOT: Credentials = { uid: 0, gid: 0, groups: [] }

export class FileSystem {
  readonly #mounted = new Map<string, Mount>()
  readonly #now: () => number
  readonly #ledger: Ledger
  #furnish: ((fs: FileSystem) => void) | undefined

  /** `furnish` puts in what is to be there; it is called when somebody first looks, which in most containers nobody does. */
  constructor(root: Mount, { now, ledger, furnish }: { now: () => number; ledger: Ledger; furnish?: (fs: FileSystem) => void }) {
    this.#mounted.set('/', root)
    this.#now = now
    this.#ledger = ledger
    this.#furnish = furnish
  }

  get #mounts(): Map<string, Mount> {
    const furnish = this.#furnish
    this.#furnish = undefined
    furnish?.(this)
    return this.#mounted
  }

  /** What else is to be there, before what users mount. */
  furnishMore(more: () => void): void {
    const furnish = this.#furnish
    if (!furnish) return more()
    this.#furnish = (fs) => {
      more()
      furnish(fs)
    }
  }

  get ledger(): Ledger {
    return this.#ledger
  }

  /** Makes the place where there is none, as a container runtime does. */
  mount(path: string, mount: Mount): void {
    const found = this.tryResolve(path)
    if (!found) {
      this.mkdirs(path.slice(0, path.lastIndexOf('/')) || '/', ROOT)
      if (mount.node.kind === 'dir') this.mkdirs(path, ROOT)
      else this.#create(path, ROOT, 0o644)
    }
    this.#mounts.set(found?.path ?? normalize(path), mount)
  }

  /** Nothing outside of mounts can be written any more. */
  seal(): void {
    const root = this.#mounts.get('/')
    if (root) this.#mounts.set('/', { ...root, readOnly: true })
  }

  mounts(): ReadonlyMap<string, Mount> {
    return this.#mounts
  }

  /** @throws FsError */
  resolve(path: string, { follow = true, cred = ROOT }: { follow?: boolean; cred?: Credentials } = {}): Found {
    return this.#walk(path, { follow, cred })
  }

  tryResolve(path: string, options: { follow?: boolean; cred?: Credentials } = {}): Found | undefined {
    try {
      return this.#seek(path, { follow: options.follow ?? true, cred: options.cred ?? ROOT })
    } catch (error) {
      if (error instanceof FsError) return undefined
      throw error
    }
  }

  /** The whole file. @throws FsError */
  async readFile(path: string, cred: Credentials = ROOT): Promise<Buffer> {
    const { node } = this.resolve(path, { cred })
    this.allow(node, 4, cred)
    return contentOf(node)
  }

  writeFile(path: string, data: Buffer | string, { cred = ROOT, mode = 0o644, append = false }: { cred?: Credentials; mode?: number; append?: boolean } = {}): void {
    const node = this.openForWriting(path, { cred, mode })
    if (!append) node.truncate(0, this.#ledger)
    node.write(node.size, Buffer.from(data), this.#ledger)
    node.meta.mtimeMs = this.#now()
  }

  /** The file to write to, made when it is not there. @throws FsError */
  openForWriting(path: string, { cred = ROOT, mode = 0o666, exclusive = false }: { cred?: Credentials; mode?: number; exclusive?: boolean } = {}): FileNode {
    const found = this.tryResolve(path, { cred })
    if (!found) return this.#create(path, cred, mode)
    if (exclusive) throw new FsError('EEXIST')
    if (found.node.kind === 'dir') throw new FsError('EISDIR')
    if (found.node.kind !== 'file') throw new FsError('EINVAL')
    if (found.mount.readOnly) throw new FsError('EROFS')
    this.allow(found.node, 2, cred)
    return found.node
  }

  mkdir(path: string, cred: Credentials, mode = 0o777): DirNode {
    if (this.tryResolve(path, { cred, follow: false })) throw new FsError('EEXIST')
    const dir = new DirNode(this.#meta(mode, cred))
    this.#add(path, dir, cred)
    return dir
  }

  mkdirs(path: string, cred: Credentials, mode = 0o755): void {
    let at = ''
    for (const name of normalize(path).split('/').filter(Boolean)) {
      at += `/${name}`
      const found = this.tryResolve(at, { cred })
      if (!found) this.mkdir(at, cred, mode)
      else if (found.node.kind !== 'dir') throw new FsError('ENOTDIR')
    }
  }

  list(path: string, cred: Credentials = ROOT): [string, FsNode][] {
    const { node, path: real } = this.resolve(path, { cred })
    if (node.kind !== 'dir') throw new FsError('ENOTDIR')
    this.allow(node, 4, cred)
    const entries = [...node.entries].map(([name, child]): [string, FsNode] => [name, this.#mounts.get(join(real, name))?.node ?? child])
    return entries.sort(([a], [b]) => (a < b ? -1 : 1))
  }

  remove(path: string, cred: Credentials, { isDir = false } = {}): void {
    const place = this.#place(path, cred)
    const node = place.dir.entries.get(place.name)
    if (!node) throw new FsError('ENOENT')
    if (this.#mounts.has(place.path)) throw new FsError('EBUSY')
    if (isDir && node.kind !== 'dir') throw new FsError('ENOTDIR')
    if (!isDir && node.kind === 'dir') throw new FsError('EISDIR')
    if (node.kind === 'dir' && node.entries.size > 0) throw new FsError('ENOTEMPTY')
    this.#mayChange(place, node, cred)
    this.#uncharge(node)
    place.dir.entries.delete(place.name)
    this.#touch(place.dir)
  }

  removeAll(path: string, cred: Credentials): void {
    const { node } = this.resolve(path, { cred, follow: false })
    if (node.kind === 'dir') for (const [name] of this.list(path, cred)) this.removeAll(join(path, name), cred)
    this.remove(path, cred, { isDir: node.kind === 'dir' })
  }

  rename(from: string, to: string, cred: Credentials): void {
    const source = this.#place(from, cred)
    const node = source.dir.entries.get(source.name)
    if (!node) throw new FsError('ENOENT')
    const target = this.#place(to, cred)
    if (source.mount !== target.mount) throw new FsError('EXDEV')
    if (node.kind === 'dir' && `${target.path}/`.startsWith(`${source.path}/`)) throw new FsError('EINVAL')
    this.#mayChange(source, node, cred)
    const old = target.dir.entries.get(target.name)
    if (old) this.#mayChange(target, old, cred)
    else this.#mayWrite(target, cred)
    if (old?.kind === 'dir' && (node.kind !== 'dir' || old.entries.size > 0)) throw new FsError(node.kind === 'dir' ? 'ENOTEMPTY' : 'EISDIR')
    if (old && old !== node) this.#uncharge(old)
    source.dir.entries.delete(source.name)
    target.dir.entries.set(target.name, node)
    for (const dir of new Set([source.dir, target.dir])) this.#touch(dir)
  }

  symlink(target: string, path: string, cred: Credentials): void {
    if (this.tryResolve(path, { cred, follow: false })) throw new FsError('EEXIST')
    this.#add(path, new LinkNode(target, this.#meta(0o777, cred)), cred)
  }

  link(from: string, path: string, cred: Credentials): void {
    const { node } = this.resolve(from, { cred, follow: false })
    if (node.kind === 'dir') throw new FsError('EPERM')
    if (this.tryResolve(path, { cred, follow: false })) throw new FsError('EEXIST')
    if (this.#place(from, cred).mount !== this.#place(path, cred).mount) throw new FsError('EXDEV')
    this.#add(path, node, cred)
  }

  mkfifo(path: string, cred: Credentials, mode: number): void {
    if (this.tryResolve(path, { cred, follow: false })) throw new FsError('EEXIST')
    this.#add(path, new DeviceNode(this.#meta(mode, cred), 'fifo'), cred)
  }

  /** Changes mode, owner or time of what is at a path. */
  change(path: string, change: Partial<Meta>, { cred, follow = true }: { cred: Credentials; follow?: boolean }): void {
    const { node, mount } = this.resolve(path, { cred, follow })
    if (mount.readOnly) throw new FsError('EROFS')
    if (cred.uid !== 0 && (change.uid !== undefined || node.meta.uid !== cred.uid)) throw new FsError('EPERM')
    Object.assign(node.meta, change)
    if (node.kind !== 'device') node.disk?.changed(node)
  }

  /** @param wanted 4 to read, 2 to write, 1 to execute or search @throws FsError EACCES */
  allow(node: FsNode, wanted: number, cred: Credentials): void {
    if (!mayAccess(node, wanted, cred)) throw new FsError('EACCES')
  }

  #create(path: string, cred: Credentials, mode: number): FileNode {
    const file = new FileNode(this.#meta(mode, cred))
    this.#add(path, file, cred)
    return file
  }

  #add(path: string, node: FsNode, cred: Credentials): void {
    const place = this.#place(path, cred)
    if (place.name.length > MAX_NAME) throw new FsError('EINVAL')
    this.#mayWrite(place, cred)
    // A directory with the setgid bit hands its group down.
    if (place.dir.meta.mode & 0o2000) {
      node.meta.gid = place.dir.meta.gid
      if (node.kind === 'dir') node.meta.mode |= 0o2000
    }
    const { disk } = place.dir
    const ledger = disk ?? this.#ledger
    ledger.charge(ENTRY_BYTES)
    if (disk && node.kind !== 'device') node.disk = disk
    place.dir.entries.set(place.name, node)
    this.#touch(place.dir)
  }

  #uncharge(node: FsNode): void {
    const ledger = (node.kind === 'device' ? undefined : node.disk) ?? this.#ledger
    ledger.charge(-ENTRY_BYTES - (node.kind === 'file' ? node.size : 0))
  }

  /** What is in a directory has changed. */
  #touch(dir: DirNode): void {
    dir.meta.mtimeMs = this.#now()
    dir.disk?.changed(dir)
  }

  #mayWrite({ dir, mount }: Place, cred: Credentials): void {
    if (mount.readOnly) throw new FsError('EROFS')
    this.allow(dir, 3, cred)
  }

  #mayChange(place: Place, node: FsNode, cred: Credentials): void {
    this.#mayWrite(place, cred)
    const isSticky = (place.dir.meta.mode & 0o1000) !== 0
    if (isSticky && cred.uid !== 0 && node.meta.uid !== cred.uid && place.dir.meta.uid !== cred.uid) throw new FsError('EPERM')
  }

  #meta(mode: number, { uid, gid }: Credentials): Meta {
    return { mode, uid, gid, mtimeMs: this.#now() }
  }

  #place(path: string, cred: Credentials): Place {
    const clean = normalize(path)
    if (clean === '/') throw new FsError('EBUSY')
    const slash = clean.lastIndexOf('/')
    const parent = this.#walk(clean.slice(0, slash) || '/', { follow: true, cred })
    if (parent.node.kind !== 'dir') throw new FsError('ENOTDIR')
    const name = clean.slice(slash + 1)
    return { dir: parent.node, name, path: join(parent.path, name), mount: parent.mount }
  }

  #walk(path: string, options: { follow: boolean; cred: Credentials }): Found {
    const found = this.#seek(path, options)
    if (!found) throw new FsError('ENOENT')
    return found
  }

  /** Undefined for what is not there: often asked, and an error costs far more than the answer. */
  #seek(path: string, { follow, cred }: { follow: boolean; cred: Credentials }): Found | undefined {
    const root = this.#mounts.get('/')
    if (!root) return undefined
    let at: Found = { node: root.node, path: '/', mount: root }
    const todo = path.split('/').filter((n) => n !== '' && n !== '.').reverse()
    const mustBeDir = path.endsWith('/')
    let links = 0
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (name === '..') {
        at = this.#walk(at.path.slice(0, at.path.lastIndexOf('/')) || '/', { follow: true, cred })
        continue
      }
      if (at.node.kind !== 'dir') throw new FsError('ENOTDIR')
      this.allow(at.node, 1, cred)
      const child = at.node.entries.get(name)
      if (!child) return undefined
      const childPath = join(at.path, name)
      const mounted = this.#mounts.get(childPath)
      if (child.kind === 'link' && !mounted && (todo.length > 0 || follow || mustBeDir)) {
        if (++links > MAX_LINKS) throw new FsError('ELOOP')
        todo.push(...child.target.split('/').filter((n) => n !== '' && n !== '.').reverse())
        if (child.target.startsWith('/')) at = { node: root.node, path: '/', mount: root }
        continue
      }
      at = { node: mounted?.node ?? child, path: childPath, mount: mounted ?? at.mount }
    }
    if (mustBeDir && at.node.kind !== 'dir') throw new FsError('ENOTDIR')
    return at
  }
}

export function mayAccess({ kind, meta }: FsNode, wanted: number, { uid, gid, groups }: Credentials): boolean {
  if (uid === 0) return !(wanted & 1) || kind === 'dir' || (meta.mode & 0o111) !== 0
  const shift = meta.uid === uid ? 6 : meta.gid === gid || groups.includes(meta.gid) ? 3 : 0
  return ((meta.mode >> shift) & wanted) === wanted
}

export async function contentOf(node: FsNode): Promise<Buffer> {
  if (node.kind === 'dir') throw new FsError('EISDIR')
  if (node.kind !== 'file') return Buffer.alloc(0)
  return node.source ? await node.source() : node.read()
}

export function join(dir: string, name: string): string {
  return dir === '/' ? `/${name}` : `${dir}/${name}`
}

/** Absolute, without `.`, `..` and double slashes; a relative path is taken from `cwd`. */
export function normalize(path: string, cwd = '/'): string {
  const out: string[] = []
  for (const name of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (name === '..') out.pop()
    else if (name !== '' && name !== '.') out.push(name)
  }
  return `/${out.join('/')}`
}
