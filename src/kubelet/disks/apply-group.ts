/** Gives all of a volume to the group of a pod that mounts it. Models pkg/volume/volume_linux.go (SetVolumeOwnership). */
import type { FsNode } from '../sandbox/nodes.ts'

export function applyGroup(node: FsNode, gid: number): void {
  const { meta } = node
  const wanted = node.kind === 'dir' ? meta.mode | 0o2770 : node.kind === 'file' ? meta.mode | 0o660 : meta.mode
  if (node.kind !== 'device' && (meta.gid !== gid || meta.mode !== wanted)) {
    meta.gid = gid
    meta.mode = wanted
    node.disk?.changed(node)
  }
  if (node.kind === 'dir') for (const child of node.entries.values()) applyGroup(child, gid)
}
