/** The disk of a node, as pods with a hostPath volume see it: the tools and the few files that one looks for first. */
import { readImages } from './images.ts'
import { rootfs } from './rootfs.ts'
import { DirNode, FileNode } from './sandbox/nodes.ts'

const OS_RELEASE = 'PRETTY_NAME="Orrery"\nNAME="Orrery"\nID=orrery\n'
/** The runtimes that a node tells of in its status. */
const CONTAINERD_CONFIG = `version = 3\n${['runc', 'test-handler'].map((name) => `\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.${name}]\n  runtime_type = "io.containerd.runc.v2"\n`).join('')}`
const KUBELET_CONFIG = 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nstaticPodPath: /etc/kubernetes/manifests\n'

const [machine] = readImages({
  name: 'node',
  match: [],
  programs: { '/bin/bash': 'bash', '/usr/bin/curl': 'curl' },
  files: { '/etc/os-release': OS_RELEASE, '/etc/containerd/config.toml': CONTAINERD_CONFIG, '/var/lib/kubelet/config.yaml': KUBELET_CONFIG },
})

const DIRECTORIES = ['/etc/kubernetes/manifests', '/etc/cni/net.d', '/opt/cni/bin', '/var/lib/kubelet/pods', '/var/lib/containerd', '/var/log/pods', '/var/log/containers', '/mnt', '/opt', '/srv']

export function hostFiles(nodeName: string): DirNode {
  const meta = (mode: number) => ({ mode, uid: 0, gid: 0, mtimeMs: 0 })
  const root = machine ? rootfs(machine) : new DirNode(meta(0o755))
  for (const path of DIRECTORIES) {
    let at = root
    for (const name of path.split('/').filter(Boolean)) {
      const known = at.entries.get(name)
      const next = known?.kind === 'dir' ? known : new DirNode(meta(0o755))
      at.entries.set(name, next)
      at = next
    }
  }
  const etc = root.entries.get('etc')
  if (etc?.kind === 'dir') etc.entries.set('hostname', new FileNode(meta(0o644), Buffer.from(`${nodeName}\n`)))
  return root
}
