/**
 * Deletes files when what they belong to is gone: those of a PersistentVolume whose policy says so, and the disk of a node.
 * Models the deleters of pkg/volume and of provisioners.
 */
import type { Node, PersistentVolume } from '../../../schemas/types.ts'
import type { Informers } from '../../client/lister.ts'
import { FileSystem, ROOT } from '../sandbox/vfs.ts'
import type { Disks } from './disks.ts'
import { nodeDiskName, nodeDisks, volumeDisk } from './places.ts'

export class DiskReclaimer {
  readonly #disks: Disks
  readonly #unsubscribe: (() => void)[]

  constructor(informers: Informers, disks: Disks) {
    this.#disks = disks
    this.#unsubscribe = [
      informers.for<PersistentVolume>('v1/PersistentVolume').subscribe({ delete: (volume) => this.#reclaim(volume) }),
      informers.for<Node>('v1/Node').subscribe({ delete: ({ metadata }) => disks.remove(nodeDiskName(metadata.name ?? '')) }),
    ]
  }

  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe()
  }

  #reclaim({ metadata, spec }: PersistentVolume): void {
    if (spec.persistentVolumeReclaimPolicy !== 'Delete') return
    const path = spec.hostPath?.path ?? spec.local?.path
    if (path === undefined) return this.#disks.remove(volumeDisk(spec) ?? `volume/${metadata.uid}`)
    for (const disk of nodeDisks(this.#disks)) {
      const fs = new FileSystem({ node: disk.root, readOnly: false, type: 'ext4' }, { now: () => disk.root.meta.mtimeMs, ledger: disk })
      if (fs.tryResolve(path)) fs.removeAll(path, ROOT)
    }
  }
}
