/**
 * Asks the attachers of CSI drivers to attach the volumes of pods to their nodes, by VolumeAttachments, and to detach what no
 * pod of a node uses; what is attached is noted in the node's status, what is not is told to the pods that wait for it.
 * Models k8s.io/kubernetes/pkg/controller/volume/attachdetach.
 */
import { createHash } from 'node:crypto'
import type { CSIDriver, Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../schemas/types.ts'
import { defineController, type ControllerContext, type Key, type Result } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { indexPodsByNode, isOutOfService, podsOnNode } from '../src/controller/node-pods.ts'
import { refOf } from '../src/controller/owners.ts'
import { isPodTerminal } from '../src/controller/pods.ts'
import { perCluster } from '../src/controller/state.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { attachStep, type Attempt } from './_attach-attempts.ts'
import { CLAIM, VOLUME, claimsOfPod, indexPodsByClaim, podsOfClaim } from './_volumes.ts'

const KIND = 'storage.k8s.io/v1/VolumeAttachment'
const DRIVER = 'storage.k8s.io/v1/CSIDriver'
const BY_NODE = 'node'
const BY_VOLUME = 'volume'
/** How long a node that is not well may keep a volume mounted that nobody uses any more. */
const MAX_UNMOUNT_MS = 6 * 60_000
/** Node annotation by which a kubelet leaves attaching to the controller. */
const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach'

/** By the attachment's name, how it goes; and which are known to wait for another node. */
const attempts = perCluster(() => new Map<string, Attempt>())
const reported = perCluster(() => new Set<string>())
/** By the attachment's name, since when it is no longer wanted while its node has the volume mounted. */
const unwantedMs = perCluster(() => new Map<string, number>())

export default defineController<Node>({
  name: 'persistentvolume-attach-detach',
  component: 'attachdetach-controller',
  user: 'system:serviceaccount:kube-system:attachdetach-controller',
  manager: 'kube-controller-manager',
  for: 'v1/Node',
  watches: { 'v1/Pod': nodeOfPod, [CLAIM]: nodesOfClaim, [KIND]: nodesOfAttachment },
  setup(ctx) {
    indexPodsByNode(ctx)
    indexPodsByClaim(ctx)
    const attachments = ctx.informers.for<VolumeAttachment>(KIND)
    attachments.addIndex(BY_NODE, ({ spec }) => [spec?.nodeName ?? ''])
    attachments.addIndex(BY_VOLUME, ({ spec }) => [spec?.source?.persistentVolumeName ?? ''])
  },
  wakes: (node, old) => old?.metadata.annotations?.[MANAGED] !== node.metadata.annotations?.[MANAGED] || !semanticEqual(old?.status?.volumesInUse, node.status?.volumesInUse) || !semanticEqual(old?.spec.taints, node.spec.taints),
  reconcile,
})

function nodeOfPod(changed: KubeObject, _ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const pod = changed as Pod
  const old = before as Pod | undefined
  if (!pod.spec.nodeName || !pod.spec.volumes?.some((v) => v.persistentVolumeClaim || v.ephemeral)) return []
  return old && old.spec.nodeName && isPodTerminal(old) === isPodTerminal(pod) ? [] : [pod.spec.nodeName]
}

/** Only a claim that is bound now lets pods on nodes have their volume. */
function nodesOfClaim(changed: KubeObject, ctx: ControllerContext, before?: KubeObject): readonly Key[] {
  const claim = changed as PersistentVolumeClaim
  if (claim.status?.phase !== 'Bound' || (before as PersistentVolumeClaim | undefined)?.status?.phase === 'Bound') return []
  return podsOfClaim(ctx, claim).flatMap((pod) => pod.spec.nodeName ?? [])
}

/** Its own, and those on which pods wait for the volume. */
function nodesOfAttachment(object: KubeObject, ctx: ControllerContext): readonly Key[] {
  const { nodeName, source } = (object as VolumeAttachment).spec ?? {}
  const ref = ctx.informers.lister<PersistentVolume>(VOLUME).get('', source?.persistentVolumeName ?? '')?.spec.claimRef
  const users = ref ? podsOfClaim(ctx, { metadata: { namespace: ref.namespace, name: ref.name } }) : []
  return [...new Set([nodeName, ...users.map((pod) => pod.spec.nodeName)].flatMap((name) => name ?? []))]
}

/** The name by which attacher and kubelet find it. */
export function attachmentName({ driver, handle, node }: { driver: string; handle: string; node: string }): string {
  return `csi-${createHash('sha256').update(handle + driver + node).digest('hex')}`
}

export interface AttachmentPlan {
  create: VolumeAttachment[]
  delete: VolumeAttachment[]
  attached: { name: string; devicePath: string }[]
  /** What its attacher has not attached yet. */
  waiting: { volume: PersistentVolume; attachment: VolumeAttachment }[]
  /** What is attached elsewhere and can be in one place only. */
  blocked: PersistentVolume[]
}

const isForMany = ({ accessModes = [] }: PersistentVolume['spec']): boolean => accessModes.length === 0 || accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')

/**
 * @param volumes those that pods of the node use and that are to be attached
 * @param existing attachments to the node
 * @param isElsewhere whether another node has the volume
 */
export function plan(node: Node, volumes: readonly PersistentVolume[], { existing, isElsewhere }: { existing: readonly VolumeAttachment[]; isElsewhere(volume: PersistentVolume): boolean }): AttachmentPlan {
  const out: AttachmentPlan = { create: [], delete: [], attached: [], waiting: [], blocked: [] }
  const wanted = new Map<string, VolumeAttachment>()
  const nodeName = node.metadata.name ?? ''
  for (const volume of volumes) {
    const { metadata, spec } = volume
    const { driver = '', volumeHandle: handle = '' } = spec.csi ?? {}
    const name = attachmentName({ driver, handle, node: nodeName })
    if (wanted.has(name)) continue
    const there = existing.find((a) => a.metadata.name === name)
    if (!there?.status?.attached && !isForMany(spec) && isElsewhere(volume)) {
      out.blocked.push(volume)
      if (there) wanted.set(name, there)
      continue
    }
    const made: VolumeAttachment = { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name }, spec: { attacher: driver, nodeName, source: { persistentVolumeName: metadata.name } } }
    wanted.set(name, there ?? made)
    if (!there) out.create.push(made)
    else if (!there.status?.attached) out.waiting.push({ volume, attachment: there })
    else out.attached.push({ name: `kubernetes.io/csi/${driver}^${handle}`, devicePath: there.status.attachmentMetadata?.devicePath ?? '' })
  }
  out.delete = existing.filter((a) => !wanted.has(a.metadata.name ?? '') && a.metadata.name?.startsWith('csi-') && !a.metadata.deletionTimestamp)
  return out
}

function volumesOn(nodeName: string, ctx: ControllerContext): Map<PersistentVolume, Pod[]> {
  const { informers } = ctx
  const volumes = new Map<PersistentVolume, Pod[]>()
  for (const pod of podsOnNode(ctx, nodeName)) {
    if (isPodTerminal(pod)) continue
    for (const key of claimsOfPod(pod)) {
      const claim = informers.lister<PersistentVolumeClaim>(CLAIM).get(pod.metadata.namespace ?? '', key.slice(key.indexOf('/') + 1))
      const volume = claim?.status?.phase === 'Bound' ? informers.lister<PersistentVolume>(VOLUME).get('', claim.spec.volumeName ?? '') : undefined
      const driver = volume?.spec.csi?.driver
      if (volume && driver && informers.lister<CSIDriver>(DRIVER).get('', driver)?.spec?.attachRequired !== false) volumes.set(volume, [...(volumes.get(volume) ?? []), pod])
    }
  }
  return volumes
}

async function reconcile(node: Node, ctx: ControllerContext): Promise<Result | void> {
  if (node.metadata.annotations?.[MANAGED] !== 'true') return
  const { client, events, informers } = ctx
  const { name = '' } = node.metadata
  const attachments = informers.lister<VolumeAttachment>(KIND)
  const volumes = volumesOn(name, ctx)
  const isElsewhere = ({ metadata }: PersistentVolume) => attachments.byIndex(BY_VOLUME, metadata.name ?? '').some((a) => a.spec?.nodeName !== name)
  const wanted = plan(node, [...volumes.keys()], { existing: attachments.byIndex(BY_NODE, name), isElsewhere })
  for (const attachment of wanted.create) await client.create(attachment)
  const { detach, againMs: laterMs } = detachable(node, wanted.delete, ctx)
  for (const attachment of detach) {
    attempts(ctx).delete(attachment.metadata.name ?? '')
    try {
      await client.delete(KIND, refOf(attachment))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
  reportBlocked(name, { blocked: wanted.blocked, volumes, ctx })
  const againMs = Math.min(laterMs, watchAttempts(wanted.waiting, volumes, ctx))
  const before = node.status?.volumesAttached ?? []
  if (!semanticEqual(before, wanted.attached)) {
    await client.patch('v1/Node', { name }, { status: { volumesAttached: wanted.attached } }, { subresource: 'status' })
    for (const [volume, pods] of volumes) {
      const id = `kubernetes.io/csi/${volume.spec.csi?.driver}^${volume.spec.csi?.volumeHandle}`
      if (!wanted.attached.some((a) => a.name === id) || before.some((a) => a.name === id)) continue
      attempts(ctx).delete(attachmentName({ driver: volume.spec.csi?.driver ?? '', handle: volume.spec.csi?.volumeHandle ?? '', node: name }))
      for (const pod of pods) events.event(pod, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume "${volume.metadata.name}" `)
    }
  }
  return againMs === Infinity ? undefined : { requeueAfterMs: againMs }
}

/** Those that their node has let go of, need not be asked, or has had time enough; and when to look at the others again. */
function detachable(node: Node, unwanted: readonly VolumeAttachment[], ctx: ControllerContext): { detach: VolumeAttachment[]; againMs: number } {
  const inUse = new Set(node.status?.volumesInUse)
  const [since, nowMs] = [unwantedMs(ctx), ctx.clock.now()]
  const isWell = node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false
  const leftMs = ({ metadata: { name = '' }, spec }: VolumeAttachment): number => {
    const csi = ctx.informers.lister<PersistentVolume>(VOLUME).get('', spec?.source?.persistentVolumeName ?? '')?.spec.csi
    if (!csi || !inUse.has(`kubernetes.io/csi/${csi.driver}^${csi.volumeHandle}`) || isOutOfService(node)) return 0
    const sinceMs = since.get(name) ?? nowMs
    since.set(name, sinceMs)
    return Math.max(sinceMs + MAX_UNMOUNT_MS - nowMs, isWell ? MAX_UNMOUNT_MS : 0)
  }
  const left = unwanted.map((attachment) => ({ attachment, ms: leftMs(attachment) }))
  const detach = left.filter(({ ms }) => ms === 0).map(({ attachment }) => attachment)
  for (const { metadata } of detach) since.delete(metadata.name ?? '')
  return { detach, againMs: Math.min(...left.flatMap(({ ms }) => (ms > 0 ? [ms] : []))) }
}

/** Tells pods of failed attempts; answers when to look again. */
function watchAttempts(waiting: AttachmentPlan['waiting'], volumes: ReadonlyMap<PersistentVolume, Pod[]>, ctx: ControllerContext): number {
  let againMs = Infinity
  for (const { volume, attachment } of waiting) {
    const { name = '' } = attachment.metadata
    const step = attachStep(attempts(ctx).get(name), { attachment, handle: volume.spec.csi?.volumeHandle ?? '', nowMs: ctx.clock.now() })
    attempts(ctx).set(name, step.next)
    if (step.failure !== undefined) for (const pod of volumes.get(volume) ?? []) ctx.events.event(pod, 'Warning', 'FailedAttachVolume', `AttachVolume.Attach failed for volume "${volume.metadata.name}" : ${step.failure}`)
    againMs = Math.min(againMs, step.againMs)
  }
  return againMs
}

/** Once for each node and volume, until the volume is free. */
function reportBlocked(nodeName: string, { blocked, volumes, ctx }: { blocked: readonly PersistentVolume[]; volumes: ReadonlyMap<PersistentVolume, Pod[]>; ctx: ControllerContext }): void {
  const known = reported(ctx)
  const keyFor = (volume: PersistentVolume) => `${nodeName} ${volume.metadata.name}`
  const keys = new Set(blocked.map(keyFor))
  for (const key of known) if (key.startsWith(`${nodeName} `) && !keys.has(key)) known.delete(key)
  for (const volume of blocked) {
    if (known.has(keyFor(volume))) continue
    known.add(keyFor(volume))
    const ref = volume.spec.claimRef
    const users = ref ? podsOfClaim(ctx, { metadata: { namespace: ref.namespace, name: ref.name } }) : []
    const others = users.filter((pod) => pod.spec.nodeName && pod.spec.nodeName !== nodeName && !isPodTerminal(pod)).map((pod) => pod.metadata.name)
    const why = others.length > 0 ? `Volume is already used by pod(s) ${others.join(', ')}` : "Volume is already exclusively attached to one node and can't be attached to another"
    for (const pod of volumes.get(volume) ?? []) ctx.events.event(pod, 'Warning', 'FailedAttachVolume', `Multi-Attach error for volume "${volume.metadata.name}" ${why}`)
  }
}
