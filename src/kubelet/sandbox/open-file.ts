/** open(2): a path becomes something to read from and write to. */
import { endlessEnd, fileEnd, fullEnd, nullEnd, Pipe, type End } from './io.ts'
import { FsError, type DeviceNode } from './nodes.ts'
import type { Process } from './process.ts'

export interface OpenOptions {
  reads?: boolean
  writes?: boolean
  append?: boolean
  truncate?: boolean
  /** Where it begins. */
  at?: number
  mode?: number
}

const ZEROS = Buffer.alloc(65_536)
const fifos = new WeakMap<DeviceNode, Pipe>()

/** @throws FsError */
export async function openFile(process: Process, path: string, { reads = false, writes = false, append = false, truncate = false, mode = 0o666, at = 0 }: OpenOptions): Promise<End> {
  const { sandbox, cred } = process
  const { fs } = sandbox
  const full = process.path(path)
  const standard = /^\/dev\/(?:fd\/(\d+)|(stdin|stdout|stderr))$/.exec(full) ?? /^\/proc\/(?:self|1|\d+)\/fd\/(\d+)$/.exec(full)
  if (standard) return descriptorEnd(process, full, standard[1] ?? String(['stdin', 'stdout', 'stderr'].indexOf(standard[2] ?? '')))
  if (full === '/dev/termination-log' && writes && !fs.tryResolve(full)) throw new FsError('ENOENT')
  const found = fs.tryResolve(full, { cred })
  if (found?.node.kind === 'device') return deviceEnd(process, found.node)
  const options = { ledger: fs.ledger, now: () => process.clock.now(), append, reads, writes, at }
  if (!writes) {
    const { node } = fs.resolve(full, { cred })
    fs.allow(node, 4, cred)
    if (node.kind !== 'file') throw new FsError('EISDIR')
    return fileEnd(node, node.source ? { ...options, content: await node.source() } : options)
  }
  const node = fs.openForWriting(full, { cred, mode: mode & ~process.umask })
  if (reads) fs.allow(node, 4, cred)
  if (truncate && node.size > 0) node.truncate(0, fs.ledger)
  return fileEnd(node, options)
}

function deviceEnd(process: Process, node: DeviceNode): End {
  switch (node.device) {
    case 'null':
      return nullEnd
    case 'full':
      return fullEnd
    case 'zero':
      return endlessEnd((length) => ZEROS.subarray(0, length))
    case 'random':
      return endlessEnd((length) => Buffer.from(process.sandbox.random.bytes(length)))
    case 'fifo': {
      let pipe = fifos.get(node)
      if (!pipe) fifos.set(node, (pipe = new Pipe()))
      const { reader, writer } = pipe
      return { take: reader.take, readable: reader.readable, put: writer.put, drained: writer.drained }
    }
    case 'socket':
      throw new FsError('ENXIO')
    case 'tty':
    case 'stdin':
      return descriptorEnd(process, '/dev/tty', '0')
    case 'stdout':
      return descriptorEnd(process, '/dev/stdout', '1')
    case 'stderr':
      return descriptorEnd(process, '/dev/stderr', '2')
  }
}

/** `/dev/stdout`, and `/proc/1/fd/1`, by which images log to the container's own output. */
function descriptorEnd(process: Process, path: string, fd: string): End {
  const owner = path.startsWith('/proc/1/') ? process.sandbox.process(1) : process
  const open = owner?.fds.get(Number(fd))
  if (!open) throw new FsError('ENOENT')
  const { end } = open
  return {
    ...(end.isTTY ? { isTTY: true } : {}),
    ...(end.take ? { take: (max: number) => open.take(max) } : {}),
    ...(end.readable ? { readable: () => end.readable?.() ?? Promise.resolve() } : {}),
    ...(end.put ? { put: (bytes: Buffer) => end.put?.(bytes) } : {}),
    ...(end.drained ? { drained: () => end.drained?.() } : {}),
  }
}
