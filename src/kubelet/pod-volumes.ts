/**
 * The volumes of pods as trees of files, kept up to date as long as the pod is there. Models pkg/kubelet/volumemanager and
 * the volume plugins emptyDir, hostPath, configMap, secret, downwardAPI, projected and, for claims, local.
 */
import type { EmptyDirVolumeSource, PersistentVolume, PersistentVolumeClaim, Pod, ServiceAccountTokenProjection, Volume } from '../../schemas/types.ts'
import { quantityValue } from '../apimachinery/quantity.ts'
import type { Clock, Random } from '../clock.ts'
import { writePayload } from './atomic-writer.ts'
import { VolumeLedger } from './byte-ledger.ts'
import { isMadeFromObjects, payloadOf } from './content.ts'
import { applyGroup } from './disks/apply-group.ts'
import type { Disks } from './disks/disks.ts'
import { nodeDisk, resolveHostPath, volumeDisk } from './disks/places.ts'
import type { Itself } from './downward.ts'
import { CGROUP_ROOT } from './host-cgroups.ts'
import type { References } from './pod-needs.ts'
import { DirNode, type FsNode, type FsType } from './sandbox/nodes.ts'
import { normalize } from './sandbox/vfs.ts'

export interface PodVolumesOptions {
  refs: References
  clock: Clock
  random: Random
  disks: Disks
  volumeOf(claim: PersistentVolumeClaim): PersistentVolume | undefined
  /** The files of an image. */
  imageRoot(reference: string, namespace: string): DirNode
  /** What a node's /sys/fs/cgroup shows. */
  cgroups(nodeName: string): DirNode
  /** A token of the pod's service account, made out to the pod. */
  token(pod: Pod, request: ServiceAccountTokenProjection): Promise<string>
}

/** In memory it cannot grow beyond its limit; on disk whoever passes that is evicted. */
function emptyDir({ medium, sizeLimit }: EmptyDirVolumeSource, node: DirNode): MountedVolume {
  const isMemory = medium === 'Memory'
  const ledger = new VolumeLedger(isMemory && sizeLimit !== undefined ? quantityValue(sizeLimit) : undefined)
  node.disk = ledger
  return { node, type: isMemory ? 'tmpfs' : 'ext4', readOnly: false, ledger }
}

export interface MountedVolume {
  node: FsNode
  type: FsType
  readOnly: boolean
  /** Nothing is made in it. */
  isImage?: boolean
  /** What an emptyDir holds. */
  ledger?: VolumeLedger
}

interface PodState {
  itself: Itself
  volumes: Map<string, MountedVolume>
  tokens: Map<string, { text: string; renewAtMs: number }>
}

export class PodVolumes {
  readonly #options: PodVolumesOptions
  readonly #pods = new Map<string, PodState>()

  constructor(options: PodVolumesOptions) {
    this.#options = options
  }

  /** The volume of a pod, set up when it is first asked for. */
  get(itself: Itself, name: string): MountedVolume | undefined {
    const uid = itself.pod.metadata.uid ?? ''
    let state = this.#pods.get(uid)
    if (!state) this.#pods.set(uid, (state = { itself, volumes: new Map(), tokens: new Map() }))
    const known = state.volumes.get(name)
    if (known) return known
    const volume = itself.pod.spec.volumes?.find((v) => v.name === name)
    const made = volume && this.#make(volume, state)
    if (made) state.volumes.set(name, made)
    return made
  }

  /** The pod, or something it refers to, has changed. */
  refresh(pod: Pod): void {
    const state = this.#pods.get(pod.metadata.uid ?? '')
    if (!state) return
    state.itself = { ...state.itself, pod }
    for (const [name, { node }] of state.volumes) {
      const volume = pod.spec.volumes?.find((v) => v.name === name)
      if (volume && node.kind === 'dir' && node.isOpened) this.#write(node, volume, state)
    }
  }

  /** Pods that have volumes made from this object. */
  pods(): Iterable<Pod> {
    return [...this.#pods.values()].map(({ itself }) => itself.pod)
  }

  /** The files of a node. */
  nodeRoot(nodeName: string): DirNode {
    const { clock, disks } = this.#options
    return nodeDisk(disks, nodeName, clock.now()).root
  }

  /** Bytes by the names of a pod's emptyDirs. */
  usage(uid: string): Map<string, { bytes: number; isMemory: boolean }> {
    const used = new Map<string, { bytes: number; isMemory: boolean }>()
    for (const [name, { ledger, type }] of this.#pods.get(uid)?.volumes ?? []) if (ledger) used.set(name, { bytes: ledger.bytes, isMemory: type === 'tmpfs' })
    return used
  }

  forget(uid: string): void {
    this.#pods.delete(uid)
  }

  #make(volume: Volume, state: PodState): MountedVolume | undefined {
    const { pod } = state.itself
    const fsGroup = pod.spec.securityContext?.fsGroup
    const meta = { mode: fsGroup === undefined ? 0o777 : 0o2777, uid: 0, gid: fsGroup ?? 0, mtimeMs: this.#options.clock.now() }
    if (isMadeFromObjects(volume)) {
      // Most are never looked into: what is in them is made when somebody does.
      const node: DirNode = new DirNode(meta, () => this.#write(node, volume, state))
      return { node, type: 'tmpfs', readOnly: true }
    }
    // The root of a file system in memory is sticky, as /tmp is.
    const dir = new DirNode({ ...meta, mode: meta.mode | (volume.emptyDir?.medium === 'Memory' ? 0o1000 : 0) })
    if (volume.emptyDir) return emptyDir(volume.emptyDir, dir)
    if (volume.image) return { node: this.#options.imageRoot(volume.image.reference ?? '', pod.metadata.namespace ?? ''), type: 'overlay', readOnly: true, isImage: true }
    if (volume.hostPath) {
      if (normalize(volume.hostPath.path ?? '') === CGROUP_ROOT) return { node: this.#options.cgroups(pod.spec.nodeName ?? ''), type: 'cgroup2', readOnly: true }
      const node = this.#hostPath(pod.spec.nodeName ?? '', volume.hostPath)
      return node && { node, type: 'ext4', readOnly: false }
    }
    const claimName = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined)
    if (claimName !== undefined) return this.#claimed(pod, claimName, volume.persistentVolumeClaim?.readOnly ?? false)
    const shared = volumeDisk(volume)
    return { node: shared === undefined ? dir : this.#options.disks.get(shared).root, type: 'ext4', readOnly: volume.nfs?.readOnly ?? false }
  }

  #claimed(pod: Pod, name: string, readOnly: boolean): MountedVolume | undefined {
    const claim = this.#options.refs.claim(pod.metadata.namespace ?? '', name)
    const volume = claim && this.#options.volumeOf(claim)
    if (!volume) return undefined
    const { hostPath, local } = volume.spec
    const gid = pod.spec.securityContext?.fsGroup
    if (hostPath) {
      const node = this.#hostPath(pod.spec.nodeName ?? '', { path: hostPath.path, type: hostPath.type })
      return node && { node, type: 'ext4', readOnly }
    }
    const node = local ? this.#hostPath(pod.spec.nodeName ?? '', { path: local.path }) : this.#options.disks.get(volumeDisk(volume.spec) ?? `volume/${volume.metadata.uid}`).root
    if (node && gid !== undefined && !readOnly) applyGroup(node, gid)
    return node && { node, type: 'ext4', readOnly }
  }

  #hostPath(nodeName: string, { path = '/', type }: { path?: string; type?: string }): FsNode | undefined {
    const { clock, disks } = this.#options
    return resolveHostPath(nodeDisk(disks, nodeName, clock.now()), { path, ...(type === undefined ? {} : { type }) }, () => clock.now()).node
  }

  /** Writes what the volume is made of, when it is made from objects. */
  #write(dir: DirNode, volume: Volume, state: PodState): void {
    const { refs, clock, random } = this.#options
    const payload = payloadOf(volume, state.itself, refs)
    if (!payload) return
    const gid = state.itself.pod.spec.securityContext?.fsGroup
    writePayload(dir, payload, {
      nowMs: clock.now(),
      suffix: String(random.int(1_000_000_000)),
      ...(gid === undefined ? {} : { gid }),
      source: (path) => {
        const token = payload.get(path)?.token
        return token && (() => this.#token(state, token))
      },
    })
  }

  /** As the kubelet keeps it: a new one after four fifths of its life. */
  async #token(state: PodState, request: ServiceAccountTokenProjection): Promise<Buffer> {
    const key = `${request.audience ?? ''}/${request.expirationSeconds ?? 3600}`
    const now = this.#options.clock.now()
    const known = state.tokens.get(key)
    if (known && known.renewAtMs > now) return Buffer.from(known.text)
    const text = await this.#options.token(state.itself.pod, request)
    state.tokens.set(key, { text, renewAtMs: now + (request.expirationSeconds ?? 3600) * 800 })
    return Buffer.from(text)
  }
}
