/**
 * All a container starts with: command, variables, files, user. Models generateContainerConfig of
 * pkg/kubelet/kuberuntime/kuberuntime_container.go and makeMounts of pkg/kubelet/kubelet_pods.go.
 */
import type { Container, FileKeySelector, Pod, Service } from '../../schemas/types.ts'
import type { Itself } from './downward.ts'
import { ByteLedger } from './byte-ledger.ts'
import { EnvFileError, envFileValue } from './env-file.ts'
import { environment, expand } from './environment.ts'
import { hostnameOf, hostsFile, resolvConf } from './hosts-file.ts'
import { UNKNOWN_IMAGE, type Image } from './images.ts'
import type { References } from './pod-needs.ts'
import type { PodVolumes } from './pod-volumes.ts'
import { rootfs } from './rootfs.ts'
import { DirNode, FileNode, FsError, type Ledger } from './sandbox/nodes.ts'
import { FileSystem, normalize, ROOT, type Credentials, type Mount } from './sandbox/vfs.ts'

export interface ContainerConfig {
  argv: readonly string[]
  env: ReadonlyMap<string, string>
  cwd: string
  cred: Credentials
  hostname: string
  fs: FileSystem
  terminationMessage: FileNode
  /** What it has written besides volumes. */
  disk: ByteLedger
  /** Its volumes that are in memory. */
  memory: readonly ByteLedger[]
}

export interface ConfigInput {
  itself: Itself
  container: Container
  image: Image
  refs: References
  services: readonly Service[]
  volumes: PodVolumes
  nameserver: string
  now(): number
}

/** What keeps a container from being created, in the kubelet's words. */
export class ConfigError extends Error {
  readonly reason: string

  constructor(message: string, reason = 'CreateContainerConfigError') {
    super(message)
    this.reason = reason
  }
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** @throws ConfigError */
export function containerConfig(input: ConfigInput): ContainerConfig {
  const { itself, container, image } = input
  const own = environment({ ...input, fileValue: (selector) => fileVariable(selector, input) })
  const cred = credentials(itself.pod, container, image)
  const env = new Map<string, string>([['PATH', PATH], ['HOSTNAME', hostnameOf(itself.pod)], ...Object.entries(image.env)])
  for (const [name, value] of own) env.set(name, value)
  if (!env.has('HOME')) env.set('HOME', cred.uid === 0 ? '/root' : '/')
  if (container.tty && !env.has('TERM')) env.set('TERM', 'xterm')
  const terminationMessage = new FileNode({ mode: 0o666, uid: 0, gid: 0, mtimeMs: input.now() })
  const disk = new ByteLedger()
  const cwd = container.workingDir || image.workingDir
  const fs = fileSystem(input, own, { terminationMessage, ledger: disk, cwd })
  return { argv: commandLine(container, image, own), env, cwd, cred, hostname: hostnameOf(itself.pod), fs, terminationMessage, disk, memory: memoryVolumes(input) }
}

/** @throws ConfigError */
function fileVariable({ volumeName = '', path = '', key = '', optional }: FileKeySelector, { itself, volumes, now }: ConfigInput): string | undefined {
  const volume = volumes.get(itself, volumeName)
  if (!volume) throw new ConfigError(`cannot find the volume "${volumeName}" referenced by FileKeyRef`)
  const inside = new FileSystem({ node: volume.node, readOnly: true, type: volume.type }, { now, ledger: { charge() {} } })
  const file = inside.tryResolve(normalize(path))?.node
  let value: string | undefined
  try {
    if (file?.kind !== 'file') throw new EnvFileError('no file')
    value = envFileValue(file.read().toString(), key)
  } catch (error) {
    if (error instanceof EnvFileError) throw new ConfigError("couldn't parse env file")
    throw error
  }
  if (value === undefined && !optional) throw new ConfigError(`environment variable key "${key}" not found in file "/var/lib/kubelet/pods/${itself.pod.metadata.uid}/volumes/kubernetes.io~empty-dir/${volumeName}/${path}"`)
  return value
}

/** The command replaces the image's entry point, and without arguments its command as well. */
function commandLine({ command, args }: Container, image: Image, env: ReadonlyMap<string, string>): string[] {
  const filled = (words: readonly string[]) => words.map((word) => expand(word, (name) => env.get(name)))
  if (command?.length) return [...filled(command), ...filled(args ?? [])]
  return [...image.entrypoint, ...(args?.length ? filled(args) : image.command)]
}

/** Whom an image that nobody knows is taken to run as where it must not be root: the user of distroless images. */
const NON_ROOT = '65532:65532'

/** Who its processes run as. @throws ConfigError */
export function credentials({ metadata, spec }: Pod, container: Container, image: Pick<Image, 'name' | 'user' | 'files'>): Credentials {
  const own = container.securityContext ?? {}
  const ofPod = spec.securityContext ?? {}
  const isNonRoot = own.runAsNonRoot ?? ofPod.runAsNonRoot
  const [user = '0', group] = (isNonRoot && image.name === UNKNOWN_IMAGE ? NON_ROOT : image.user).split(':')
  const uid = own.runAsUser ?? ofPod.runAsUser ?? Number(user)
  const where = `(pod: "${metadata.name}_${metadata.namespace}(${metadata.uid})", container: ${container.name})`
  if (isNonRoot && uid === 0) {
    const isTold = (own.runAsUser ?? ofPod.runAsUser) !== undefined
    throw new ConfigError(isTold ? `container's runAsUser breaks non-root policy ${where}` : `container has runAsNonRoot and image will run as root ${where}`)
  }
  const isOther = uid !== Number(user)
  const gid = own.runAsGroup ?? ofPod.runAsGroup ?? (isOther || group === undefined ? primaryGroup(image, uid) : Number(group))
  const ofImage = ofPod.supplementalGroupsPolicy === 'Strict' ? [] : imageGroups(image, uid)
  const groups = [...ofImage, ...(ofPod.supplementalGroups ?? []), ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])]
  return { uid, gid, groups }
}

/** The one that the image's /etc/passwd gives a user; root's for one it does not know. */
function primaryGroup(image: Pick<Image, 'files'>, uid: number): number {
  return Number(rows(image, '/etc/passwd').find(([, , id]) => id === String(uid))?.[3] ?? 0)
}

function rows({ files }: Pick<Image, 'files'>, path: string): string[][] {
  return (files[path] ?? '').split('\n').map((line) => line.split(':'))
}

/** Groups that the image's own /etc/group counts a user among. */
function imageGroups(image: Pick<Image, 'files'>, uid: number): number[] {
  const user = rows(image, '/etc/passwd').find(([, , id]) => id === String(uid))?.[0]
  return user === undefined ? [] : rows(image, '/etc/group').flatMap(([, , id, members = '']) => (members.split(',').includes(user) ? [Number(id)] : []))
}

function fileSystem(input: ConfigInput, env: ReadonlyMap<string, string>, { terminationMessage, ledger, cwd }: { terminationMessage: FileNode; ledger: Ledger; cwd: string }): FileSystem {
  const { itself, container, image, now, nameserver } = input
  const { pod } = itself
  const meta = (mode: number) => ({ mode, uid: 0, gid: 0, mtimeMs })
  const text = (content: string) => new FileNode(meta(0o644), Buffer.from(content))
  const writable = (node: FileNode | DirNode): Mount => ({ node, readOnly: false, type: 'ext4' })
  const mtimeMs = now()
  const volumes = (container.volumeMounts ?? []).map((mount) => ({ path: normalize(mount.mountPath ?? ''), mount: volumeMount(mount, { input, env, ledger }) }))
  const furnish = (fs: FileSystem) => {
    fs.mount('/etc/hosts', writable(text(hostsFile(pod, itself.podIPs))))
    fs.mount('/etc/hostname', writable(text(`${hostnameOf(pod)}\n`)))
    fs.mount('/etc/resolv.conf', writable(text(resolvConf(pod, nameserver))))
    fs.mount(container.terminationMessagePath || '/dev/termination-log', writable(terminationMessage))
    fs.mount('/dev/shm', { node: new DirNode(meta(0o1777)), readOnly: false, type: 'tmpfs' })
    for (const { path, mount } of volumes) fs.mount(path, mount)
    if (container.securityContext?.readOnlyRootFilesystem) fs.seal()
    fs.mkdirs(cwd, ROOT)
  }
  return new FileSystem({ node: rootfs(image), readOnly: false, type: 'overlay' }, { now, ledger, furnish })
}

/** Of those that several containers have the first one bears the cost. */
function memoryVolumes({ itself, container, volumes }: ConfigInput): ByteLedger[] {
  const { initContainers = [], containers = [] } = itself.pod.spec
  const first = (name: string) => [...containers, ...initContainers].find((c) => c.volumeMounts?.some((m) => m.name === name))
  return (container.volumeMounts ?? []).flatMap(({ name = '' }) => {
    const volume = first(name)?.name === container.name ? volumes.get(itself, name) : undefined
    return volume?.type === 'tmpfs' && volume.ledger ? [volume.ledger] : []
  })
}

type VolumeMount = NonNullable<Container['volumeMounts']>[number]

function volumeMount(mount: VolumeMount, { input, env, ledger }: { input: ConfigInput; env: ReadonlyMap<string, string>; ledger: Ledger }): Mount {
  const { name = '', readOnly = false } = mount
  const volume = input.volumes.get(input.itself, name)
  if (!volume) throw new ConfigError(`cannot find volume "${name}" to mount into container "${input.container.name}"`)
  const at: Mount = { node: volume.node, readOnly: readOnly || volume.readOnly, type: volume.type }
  const subPath = subPathOf(mount, env)
  if (subPath) at.node = volume.isImage ? imageNode(volume.node, subPath, input.now) : subNode(volume.node, subPath, { now: input.now, ledger })
  return at
}

function subPathOf({ subPath = '', subPathExpr }: VolumeMount, env: ReadonlyMap<string, string>): string {
  if (!subPathExpr) return checked(subPath)
  const missing: string[] = []
  const path = expand(subPathExpr, (name) => env.get(name) ?? (missing.push(name), undefined))
  if (missing.length > 0) throw new ConfigError(`missing value for ${[...new Set(missing)].sort().join(', ')}`)
  return checked(path)
}

function checked(path: string): string {
  if (path.startsWith('/')) throw new ConfigError(`error SubPath \`${path}\` must not be an absolute path`)
  if (path.split('/').includes('..')) throw new ConfigError(`unable to provision SubPath \`${path}\`: must not contain '..'`)
  return path
}

/** Images are as they are. */
function imageNode(root: Mount['node'], path: string, now: () => number): Mount['node'] {
  const found = new FileSystem({ node: root, readOnly: true, type: 'overlay' }, { now, ledger: { charge() {} } }).tryResolve(`/${path}`)
  if (!found) throw new ConfigError(`ImageVolumeMountFailed: failed to stat image volume subpath "${path}": no such file or directory`, 'CreateContainerError')
  return found.node
}

/** What lies at a path of a volume; a directory is made where there is nothing, as open as the volume is. */
function subNode(root: FileNode | DirNode | Mount['node'], path: string, { now, ledger }: { now(): number; ledger: Ledger }): Mount['node'] {
  const inside = new FileSystem({ node: root, readOnly: false, type: 'ext4' }, { now, ledger })
  try {
    const found = inside.tryResolve(`/${path}`)
    if (found) return found.node
    inside.mkdirs(`/${path}`, ROOT, root.meta.mode & 0o777)
    const { node } = inside.resolve(`/${path}`)
    node.meta.mode = root.meta.mode
    return node
  } catch (error) {
    if (error instanceof FsError) throw new ConfigError(`failed to prepare subPath for volumeMount: ${error.message}`)
    throw error
  }
}
