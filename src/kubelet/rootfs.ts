/** The files an image brings: the tools as executables, and what the image itself says. Shared by all its containers. */
import type { Image } from './images.ts'
import { DeviceNode, DirNode, FileNode, type Device } from './sandbox/nodes.ts'
import { tools } from './sandbox/tools.ts'
import { normalize } from './sandbox/vfs.ts'

const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
`
const GROUP = 'root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nwww-data:x:33:\nusers:x:100:\nnobody:x:65534:\n'
const SBIN: ReadonlySet<string> = new Set(['ip', 'ifconfig', 'route', 'arp', 'sysctl'])
const USR_BIN: ReadonlySet<string> = new Set(['awk', 'basename', 'bc', 'cmp', 'cut', 'dirname', 'du', 'env', 'expr', 'find', 'free', 'head', 'id', 'killall', 'less', 'md5sum', 'nc', 'nslookup', 'od', 'paste', 'printf', 'readlink', 'realpath', 'seq', 'sha1sum', 'sha256sum', 'sort', 'tail', 'tee', 'test', '[', 'time', 'timeout', 'top', 'tr', 'uniq', 'uptime', 'wc', 'wget', 'which', 'whoami', 'xargs', 'yes'])

/** Programs of ours that are no tools of busybox: an image has them when it says so. */
const NOT_BUSYBOX: ReadonlySet<string> = new Set(['bash', 'dash', 'agnhost', 'coredns', 'mysql', 'mariadb', 'psql', 'mongosh', 'sample-apiserver', 'kube-webhook-certgen', 'nginx-ingress-controller', 'redis-server', 'redis-cli', 'http-echo', 'python', 'resource-consumer', 'stress', 'allocating-stress', 'curl', 'perl', 'nnp', 'nginx', 'gawk', 'mawk', 'jq', 'host', 'lscpu', 'getconf', 'envsubst', 'column', 'ss', 'uuidgen', 'join', 'apk', 'apt', 'apt-get', 'yum', 'dnf', 'microdnf'])

const trees = new WeakMap<Image, DirNode>()

export function rootfs(image: Image): DirNode {
  let tree = trees.get(image)
  if (!tree) trees.set(image, (tree = build(image)))
  return tree.clone()
}

function build(image: Image): DirNode {
  const root = directory(0o755)
  for (const path of ['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/local/bin', '/etc', '/home', '/proc', '/root', '/sys/fs/cgroup', '/var/log', '/var/run', '/run', '/dev/shm', '/dev/pts']) dirAt(root, path)
  for (const path of ['/tmp', '/var/tmp', '/dev/shm']) dirAt(root, path).meta.mode = 0o1777
  put(root, '/etc/passwd', file(PASSWD))
  put(root, '/etc/group', file(GROUP))
  for (const [name, device] of Object.entries({ null: 'null', zero: 'zero', full: 'full', random: 'random', urandom: 'random', tty: 'tty', stdin: 'stdin', stdout: 'stdout', stderr: 'stderr' } satisfies Record<string, Device>)) {
    put(root, `/dev/${name}`, new DeviceNode({ mode: 0o666, uid: 0, gid: 0, mtimeMs: 0 }, device))
  }
  const applets = image.tools === 'busybox' ? [...tools.keys()].filter((name) => !NOT_BUSYBOX.has(name)) : []
  for (const name of applets) put(root, `${image.toolsIn ?? placeOf(name)}/${name}`, executable(name))
  for (const [path, program] of Object.entries(image.programs)) put(root, path, executable(typeof program === 'string' ? program : behaviourName(path)))
  for (const path of image.setuid) {
    const slash = path.lastIndexOf('/')
    const node = dirAt(root, path.slice(0, slash)).entries.get(path.slice(slash + 1))
    if (node) node.meta.mode |= 0o4000
  }
  for (const [path, text] of Object.entries(image.files)) put(root, path, text.startsWith('#!') ? file(text, 0o755) : file(text))
  if (image.workingDir !== '/') dirAt(root, image.workingDir)
  return root
}

/** How a program that is a behaviour of its image is told from tools. */
export function behaviourName(path: string): string {
  return `image:${path}`
}

function placeOf(name: string): string {
  return SBIN.has(name) ? '/sbin' : USR_BIN.has(name) ? '/usr/bin' : '/bin'
}

function directory(mode: number): DirNode {
  return new DirNode({ mode, uid: 0, gid: 0, mtimeMs: 0 })
}

function file(text: string, mode = 0o644): FileNode {
  return new FileNode({ mode, uid: 0, gid: 0, mtimeMs: 0 }, Buffer.from(text))
}

function executable(program: string): FileNode {
  const node = file('\x7fELF', 0o755)
  node.program = program
  return node
}

function dirAt(root: DirNode, path: string): DirNode {
  let at = root
  for (const name of normalize(path).split('/').filter(Boolean)) {
    const next = at.entries.get(name)
    if (next?.kind === 'dir') at = next
    else {
      const made = directory(0o755)
      at.entries.set(name, made)
      at = made
    }
  }
  return at
}

function put(root: DirNode, path: string, node: FileNode | DeviceNode): void {
  const slash = path.lastIndexOf('/')
  dirAt(root, path.slice(0, slash)).entries.set(path.slice(slash + 1), node)
}
