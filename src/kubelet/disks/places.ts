/** Where volumes lie: which disk is whose, what a new node's disk has on it, and what hostPath asks of a path. */
import type { HostPathVolumeSource, PersistentVolumeSpec, Volume } from '../../../schemas/types.ts'
import { hostFiles } from '../host-files.ts'
import { DeviceNode, FsError, type DirNode, type FsNode } from '../sandbox/nodes.ts'
import { FileSystem, ROOT } from '../sandbox/vfs.ts'
import type { Disk } from './disk.ts'
import type { Disks } from './disks.ts'

const NODE_PREFIX = 'node/'

export function nodeDisk(disks: Disks, nodeName: string, nowMs: number): Disk {
  return disks.get(nodeDiskName(nodeName), () => furnished(nodeName, nowMs))
}

export function nodeDiskName(nodeName: string): string {
  return `${NODE_PREFIX}${nodeName}`
}

/** The disks of nodes there are. */
export function nodeDisks(disks: Disks): Disk[] {
  return disks.names().filter((name) => name.startsWith(NODE_PREFIX)).map((name) => disks.get(name))
}

/**
 * The disk of a volume whose storage is not a node's, by what its source names: whoever names the same has the same files, so
 * that a volume that was kept can be taken up by a new PersistentVolume. Undefined for storage that is made for one pod.
 */
export function volumeDisk({ csi, nfs, iscsi, fc, rbd, cephfs, glusterfs, azureFile, azureDisk, awsElasticBlockStore, gcePersistentDisk, vsphereVolume, cinder, portworxVolume }: Partial<PersistentVolumeSpec & Volume>): string | undefined {
  const handle = csi && 'volumeHandle' in csi ? csi.volumeHandle : undefined
  if (csi) return handle === undefined ? undefined : `volume/csi/${csi.driver}/${handle}`
  const others = { nfs: nfs && { server: nfs.server, path: nfs.path }, iscsi, fc, rbd, cephfs, glusterfs, azureFile, azureDisk, awsElasticBlockStore, gcePersistentDisk, vsphereVolume, cinder, portworxVolume }
  const [found] = Object.entries(others).filter(([, source]) => source !== undefined)
  return found && `volume/${found[0]}/${JSON.stringify(found[1])}`
}

const DIRECTORIES = ['/boot', '/etc/kubernetes/pki', '/etc/ssl/certs', '/lib/modules', '/media', '/run/containerd', '/sys/fs/cgroup', '/sys/kernel/debug', '/usr/lib', '/usr/local/share/ca-certificates', '/usr/share/ca-certificates', '/usr/src', '/var/lib/kubelet/plugins', '/var/lib/kubelet/plugins_registry', '/var/lib/kubelet/device-plugins']
const SOCKET = 'containerd.sock'

/** What agents that mount a node's files expect to be there, besides what every machine has. */
function furnished(nodeName: string, nowMs: number): DirNode {
  const root = hostFiles(nodeName)
  const fs = new FileSystem({ node: root, readOnly: false, type: 'ext4' }, { now: () => nowMs, ledger: { charge() {} } })
  for (const path of DIRECTORIES) fs.mkdirs(path, ROOT)
  fs.writeFile('/etc/machine-id', '00000000000000000000000000000001\n')
  const sockets = fs.resolve('/run/containerd').node
  if (sockets.kind === 'dir') sockets.entries.set(SOCKET, new DeviceNode({ mode: 0o660, uid: 0, gid: 0, mtimeMs: nowMs }, 'socket'))
  return root
}

interface HostPathResult {
  node?: FsNode
  /** Why the pod cannot have it, in the kubelet's words. */
  problem?: string
}

const KINDS: Readonly<Record<string, { words: string; is(node: FsNode): boolean }>> = {
  Directory: { words: 'a directory', is: ({ kind }) => kind === 'dir' },
  File: { words: 'a file', is: ({ kind }) => kind === 'file' },
  Socket: { words: 'a socket file', is: (node) => node.kind === 'device' && node.device === 'socket' },
  CharDevice: { words: 'a character device', is: (node) => node.kind === 'device' && node.device !== 'socket' && node.device !== 'fifo' },
  BlockDevice: { words: 'a block device', is: () => false },
}

/** What lies at a path of a node, made where the type says so. Models pkg/volume/hostpath/host_path.go. */
export function resolveHostPath(disk: Disk, { path, type = '' }: HostPathVolumeSource, now: () => number): HostPathResult {
  const fs = new FileSystem({ node: disk.root, readOnly: false, type: 'ext4' }, { now, ledger: disk })
  const wanted = KINDS[type.replace('OrCreate', '')]
  try {
    if (!fs.tryResolve(path ?? '/')) {
      if (type === '' || type === 'DirectoryOrCreate') fs.mkdirs(path ?? '/', ROOT)
      if (type === 'FileOrCreate') fs.writeFile(path ?? '/', '')
    }
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return { problem: `mkdir ${path}: ${error.message.toLowerCase()}` }
  }
  const node = fs.tryResolve(path ?? '/')?.node
  return node && (!wanted || wanted.is(node)) ? { node } : { problem: `hostPath type check failed: ${path} is not ${wanted?.words ?? 'there'}` }
}
