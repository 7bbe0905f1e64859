/**
 * Asks the attachers of CSI drivers to attach the volumes of pods to their nodes, by VolumeAttachments, and to detach what no
 * pod of a node uses; what is attached is noted in the node's status. Models k8s.io/kubernetes/pkg/controller/volume/attachdetach.
 */
import { createHash } from 'node:crypto'
import type { CSIDriver, Node, PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from '../schemas/types.ts'
import { defineController, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import { indexPodsByNode, podsOnNode } from '../src/controller/node-pods.ts'
import { refOf } from '../src/controller/owners.ts'
import { isPodTerminal } from '../src/controller/pods.ts'
import { isStatusError } from '../src/errors.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import { CLAIM, VOLUME, claimsOfPod, indexPodsByClaim, podsOfClaim } from './_volumes.ts'

const KIND = 'storage.k8s.io/v1/VolumeAttachment'
const DRIVER = 'storage.k8s.io/v1/CSIDriver'
const BY_NODE = 'node'
/** Node annotation by which a kubelet leaves attaching to the controller. */
const MANAGED = 'volumes.kubernetes.io/controller-managed-attach-detach'

export default defineController<Node>({
  name: 'persistentvolume-attach-detach',
  component: 'attachdetach-controller',
  user: 'system:serviceaccount:kube-system:attachdetach-controller',
  manager: 'kube-controller-manager',
  for: 'v1/Node',
  watches: { 'v1/Pod': nodeOfPod, [CLAIM]: nodesOfClaim, [KIND]: nodeOfAttachment },
  setup(ctx) {
    indexPodsByNode(ctx)
    indexPodsByClaim(ctx)
    ctx.informers.for<VolumeAttachment>(KIND).addIndex(BY_NODE, ({ spec }) => [spec?.nodeName ?? ''])
  },
  wakes: (node, old) => old?.metadata.annotations?.[MANAGED] !== node.metadata.annotations?.[MANAGED],
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

function nodeOfAttachment(object: KubeObject): readonly Key[] {
  const node = (object as VolumeAttachment).spec?.nodeName
  return node ? [node] : []
}

/** The name by which attacher and kubelet find it. */
export function attachmentName({ driver, handle, node }: { driver: string; handle: string; node: string }): string {
  return `csi-${createHash('sha256').update(handle + driver + node).digest('hex')}`
}

export interface AttachmentPlan {
  create: VolumeAttachment[]
  delete: VolumeAttachment[]
  attached: { name: string; devicePath: string }[]
}

/** @param volumes those that pods of the node use and that are to be attached */
export function plan(node: Node, volumes: readonly PersistentVolume[], existing: readonly VolumeAttachment[]): AttachmentPlan {
  const out: AttachmentPlan = { create: [], delete: [], attached: [] }
  const wanted = new Map<string, VolumeAttachment>()
  const nodeName = node.metadata.name ?? ''
  for (const { metadata, spec } of volumes) {
    const { driver = '', volumeHandle: handle = '' } = spec.csi ?? {}
    const name = attachmentName({ driver, handle, node: nodeName })
    if (wanted.has(name)) continue
    const there = existing.find((a) => a.metadata.name === name)
    const made: VolumeAttachment = { apiVersion: 'storage.k8s.io/v1', kind: 'VolumeAttachment', metadata: { name }, spec: { attacher: driver, nodeName, source: { persistentVolumeName: metadata.name } } }
    wanted.set(name, there ?? made)
    if (!there) out.create.push(made)
    else if (there.status?.attached) out.attached.push({ name: `kubernetes.io/csi/${driver}^${handle}`, devicePath: there.status.attachmentMetadata?.devicePath ?? '' })
  }
  out.delete = existing.filter((a) => !wanted.has(a.metadata.name ?? '') && a.metadata.name?.startsWith('csi-') && !a.metadata.deletionTimestamp)
  return out
}

function volumesOn(nodeName: string, ctx: ControllerContext): Map<PersistentVolume, Pod> {
  const { informers } = ctx
  const volumes = new Map<PersistentVolume, Pod>()
  for (const pod of podsOnNode(ctx, nodeName)) {
    if (isPodTerminal(pod)) continue
    for (const key of claimsOfPod(pod)) {
      const claim = informers.lister<PersistentVolumeClaim>(CLAIM).get(pod.metadata.namespace ?? '', key.slice(key.indexOf('/') + 1))
      const volume = claim?.status?.phase === 'Bound' ? informers.lister<PersistentVolume>(VOLUME).get('', claim.spec.volumeName ?? '') : undefined
      const driver = volume?.spec.csi?.driver
      if (volume && driver && informers.lister<CSIDriver>(DRIVER).get('', driver)?.spec?.attachRequired !== false) volumes.set(volume, pod)
    }
  }
  return volumes
}

async function reconcile(node: Node, ctx: ControllerContext): Promise<void> {
  if (node.metadata.annotations?.[MANAGED] !== 'true') return
  const { client, events, informers } = ctx
  const { name = '' } = node.metadata
  const volumes = volumesOn(name, ctx)
  const wanted = plan(node, [...volumes.keys()], informers.lister<VolumeAttachment>(KIND).byIndex(BY_NODE, name))
  for (const attachment of wanted.create) await client.create(attachment)
  for (const attachment of wanted.delete) {
    try {
      await client.delete(KIND, refOf(attachment))
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error
    }
  }
  const before = node.status?.volumesAttached ?? []
  if (semanticEqual(before, wanted.attached)) return
  await client.patch('v1/Node', { name }, { status: { volumesAttached: wanted.attached } }, { subresource: 'status' })
  for (const [volume, pod] of volumes) {
    const id = `kubernetes.io/csi/${volume.spec.csi?.driver}^${volume.spec.csi?.volumeHandle}`
    if (wanted.attached.some((a) => a.name === id) && !before.some((a) => a.name === id)) events.event(pod, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume "${volume.metadata.name}" `)
  }
}
