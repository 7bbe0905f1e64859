/**
 * Binds claims to volumes and asks provisioners for new ones. The volumes' side is persistentvolume-binder-volumes.ts.
 * Models syncClaim of k8s.io/kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go.
 */
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../schemas/types.ts'
import { defineController, keyOf, type ControllerContext, type Key } from '../src/controller/controller.ts'
import { isPodTerminal } from '../src/controller/pods.ts'
import { semanticEqual } from '../src/controller/equal.ts'
import type { KubeObject } from '../src/registry/kind.ts'
import {
  BETA_STORAGE_PROVISIONER,
  BIND_COMPLETED,
  BOUND_BY_CONTROLLER,
  CLAIM,
  SELECTED_NODE,
  STORAGE_CLASS,
  STORAGE_PROVISIONER,
  VOLUME,
  bestMatch,
  classOf,
  defaultClass,
  freeVolumes,
  hasAnnotation,
  indexPendingClaims,
  indexPodsByClaim,
  indexVolumes,
  isBoundTo,
  namesClass,
  pendingClaims,
  podsOfClaim,
  volumesNaming,
  waitsForConsumer,
  whyUnsuitable,
} from './_volumes.ts'

/** In-tree provisioners that CSI drivers have taken over. */
const MIGRATED: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
}

export default defineController<PersistentVolumeClaim>({
  name: 'persistentvolume-binder',
  component: 'persistentvolume-controller',
  user: 'system:serviceaccount:kube-system:persistent-volume-binder',
  for: CLAIM,
  watches: { [VOLUME]: claimsForVolume, [STORAGE_CLASS]: claimsOfClass },
  setup(ctx) {
    indexPendingClaims(ctx)
    indexPodsByClaim(ctx)
    indexVolumes(ctx)
  },
  reconcile,
})

/** The claim that the volume is for, or all that may take it when it is free. */
function claimsForVolume(object: KubeObject, ctx: ControllerContext): readonly Key[] {
  const volume = object as PersistentVolume
  const { claimRef } = volume.spec
  if (claimRef) return [keyOf({ metadata: { namespace: claimRef.namespace, name: claimRef.name } })]
  return volume.status?.phase === 'Available' ? pendingClaims(ctx, classOf(volume)).map(keyOf) : []
}

/** Claims that wait for the class, and those without any, for which it may be the default. */
function claimsOfClass(object: KubeObject, ctx: ControllerContext): readonly Key[] {
  const isDefault = defaultClass([object as StorageClass]) !== undefined
  return [...pendingClaims(ctx, object.metadata.name ?? ''), ...(isDefault ? pendingClaims(ctx, '') : [])].map(keyOf)
}

export type ClaimAction =
  | { do: 'bind'; volume: PersistentVolume }
  | { do: 'assignClass'; name: string }
  /** To be asked of the named provisioner. */
  | { do: 'provision'; provisioner: string }
  | { do: 'phase'; phase: 'Pending' | 'Lost'; event?: { type: 'Normal' | 'Warning'; reason: string; message: string } }
  | { do: 'tell'; event: { type: 'Normal' | 'Warning'; reason: string; message: string }; retry?: boolean }

export interface ClaimView {
  volume(name: string): PersistentVolume | undefined
  /** Those that name the claim, and the free ones of its class. */
  volumes(): readonly PersistentVolume[]
  storageClass(name: string): StorageClass | undefined
  classes(): readonly StorageClass[]
  /** Names of pods that use the claim and have no node yet. */
  waitingPods(): readonly string[]
}

export function plan(claim: PersistentVolumeClaim, view: ClaimView): ClaimAction {
  if (hasAnnotation(claim, BIND_COMPLETED)) return planBound(claim, view)
  return claim.spec.volumeName ? planNamed(claim, claim.spec.volumeName, view) : planFree(claim, view)
}

const warning = (reason: string, message: string) => ({ type: 'Warning' as const, reason, message })
const normal = (reason: string, message: string) => ({ type: 'Normal' as const, reason, message })

function planBound(claim: PersistentVolumeClaim, view: ClaimView): ClaimAction {
  const { volumeName } = claim.spec
  const lost = (reason: string, message: string): ClaimAction => ({ do: 'phase', phase: 'Lost', event: warning(reason, message) })
  if (!volumeName) return lost('ClaimLost', 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!')
  const volume = view.volume(volumeName)
  if (!volume) return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!')
  if (!volume.spec.claimRef || volume.spec.claimRef.uid === claim.metadata.uid) return { do: 'bind', volume }
  return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly')
}

function planNamed(claim: PersistentVolumeClaim, volumeName: string, view: ClaimView): ClaimAction {
  const volume = view.volume(volumeName)
  if (!volume) return { do: 'phase', phase: 'Pending' }
  if (!volume.spec.claimRef) {
    const why = whyUnsuitable(volume, claim)
    return why ? { do: 'phase', phase: 'Pending', event: warning('VolumeMismatch', `Cannot bind to requested volume "${volumeName}": ${why}`) } : { do: 'bind', volume }
  }
  if (isBoundTo(volume, claim)) return { do: 'bind', volume }
  const event = warning('FailedBinding', `volume "${volumeName}" already bound to a different claim.`)
  return hasAnnotation(claim, BOUND_BY_CONTROLLER) ? { do: 'tell', event, retry: true } : { do: 'phase', phase: 'Pending', event }
}

function planFree(claim: PersistentVolumeClaim, view: ClaimView): ClaimAction {
  const className = classOf(claim)
  const storageClass = className ? view.storageClass(className) : undefined
  const delayed = waitsForConsumer(storageClass)
  const volume = bestMatch(claim, view.volumes(), delayed)
  if (volume) return { do: 'bind', volume }
  const fallback = namesClass(claim) ? undefined : defaultClass(view.classes())
  if (fallback) return { do: 'assignClass', name: fallback.metadata.name ?? '' }
  if (delayed && !hasAnnotation(claim, SELECTED_NODE)) return { do: 'phase', phase: 'Pending', event: delayedEvent(view.waitingPods()) }
  if (className === '') return { do: 'phase', phase: 'Pending', event: normal('FailedBinding', 'no persistent volumes available for this claim and no storage class is set') }
  if (!storageClass) return { do: 'tell', event: warning('ProvisioningFailed', `storageclass.storage.k8s.io "${className}" not found`) }
  const { provisioner = '' } = storageClass
  const external = MIGRATED[provisioner] ?? (provisioner.startsWith('kubernetes.io/') ? undefined : provisioner)
  return external ? { do: 'provision', provisioner: external } : { do: 'tell', event: warning('ProvisioningFailed', `no volume plugin matched name: ${provisioner}`) }
}

function delayedEvent(pods: readonly string[]) {
  if (pods.length === 0) return normal('WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
  return normal('WaitForPodScheduled', pods.length > 1 ? `waiting for pods ${pods.join(',')} to be scheduled` : `waiting for pod ${pods[0]} to be scheduled`)
}

async function reconcile(claim: PersistentVolumeClaim, ctx: ControllerContext): Promise<void> {
  const volumes = ctx.informers.lister<PersistentVolume>(VOLUME)
  const classes = ctx.informers.lister<StorageClass>(STORAGE_CLASS)
  const action = plan(claim, {
    volume: (name) => volumes.get('', name),
    volumes: () => [...volumesNaming(ctx, keyOf(claim)), ...freeVolumes(ctx, classOf(claim))],
    storageClass: (name) => classes.get('', name),
    classes: () => classes.list(),
    waitingPods: () => podsOfClaim(ctx, claim).flatMap((pod) => (isPodTerminal(pod) || pod.spec.nodeName ? [] : [pod.metadata.name ?? ''])),
  })
  if (action.do === 'bind') return bind(ctx, action.volume, claim)
  if (action.do === 'assignClass') return void (await ctx.client.update<PersistentVolumeClaim>({ ...claim, spec: { ...claim.spec, storageClassName: action.name } }))
  if (action.do === 'provision') return askProvisioner(ctx, claim, action.provisioner)
  if (action.do === 'tell') {
    ctx.events.event(claim, action.event.type, action.event.reason, action.event.message)
    if (action.retry) throw new Error(action.event.message)
    return
  }
  const changes = claim.status?.phase !== action.phase
  // A lost claim is told once, what a pending one waits for whenever it is looked at.
  if (action.event && (action.phase === 'Pending' || changes)) ctx.events.event(claim, action.event.type, action.event.reason, action.event.message)
  await writeClaimStatus(ctx, claim, { phase: action.phase, volume: undefined })
}

async function askProvisioner(ctx: ControllerContext, claim: PersistentVolumeClaim, provisioner: string): Promise<void> {
  const { annotations } = claim.metadata
  if (annotations?.[STORAGE_PROVISIONER] !== provisioner) {
    const asked = { ...annotations, [BETA_STORAGE_PROVISIONER]: provisioner, [STORAGE_PROVISIONER]: provisioner }
    await ctx.client.update<PersistentVolumeClaim>({ ...claim, metadata: { ...claim.metadata, annotations: asked } })
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`
  ctx.events.event(claim, 'Normal', 'ExternalProvisioning', message)
}

/** Four writes at most: the volume and its status, the claim and its status; each only if it changes something. */
async function bind(ctx: ControllerContext, volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
  const wantedVolume = boundVolume(volume, claim)
  const bound = wantedVolume === volume ? volume : await ctx.client.update(wantedVolume)
  if (bound.status?.phase !== 'Bound') await ctx.client.updateStatus<PersistentVolume>({ ...bound, status: { ...bound.status, phase: 'Bound', message: undefined } })
  const wantedClaim = boundClaim(claim, bound)
  const settled = wantedClaim === claim ? claim : await ctx.client.update(wantedClaim)
  await writeClaimStatus(ctx, settled, { phase: 'Bound', volume: bound })
}

/** The volume with its claim written into it; the same object when it is there. */
export function boundVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): PersistentVolume {
  const { name, namespace, uid, resourceVersion } = claim.metadata
  const ref = volume.spec.claimRef
  const claimRef = ref?.name === name && ref?.namespace === namespace && ref?.uid === uid ? ref : { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion }
  const mark = !isBoundTo(volume, claim) && !hasAnnotation(volume, BOUND_BY_CONTROLLER)
  if (claimRef === ref && !mark) return volume
  const annotations = mark ? { ...volume.metadata.annotations, [BOUND_BY_CONTROLLER]: 'yes' } : volume.metadata.annotations
  return { ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } }
}

/** The claim with its volume written into it; the same object when it is there. */
export function boundClaim(claim: PersistentVolumeClaim, volume: PersistentVolume): PersistentVolumeClaim {
  const { name: volumeName } = volume.metadata
  const annotations = { ...claim.metadata.annotations }
  if (claim.spec.volumeName !== volumeName) annotations[BOUND_BY_CONTROLLER] ??= 'yes'
  annotations[BIND_COMPLETED] ??= 'yes'
  if (claim.spec.volumeName === volumeName && semanticEqual(annotations, claim.metadata.annotations)) return claim
  return { ...claim, metadata: { ...claim.metadata, annotations }, spec: { ...claim.spec, volumeName } }
}

async function writeClaimStatus(ctx: ControllerContext, claim: PersistentVolumeClaim, { phase, volume }: { phase: string; volume: PersistentVolume | undefined }): Promise<void> {
  const status = { ...claim.status, phase }
  if (volume) {
    status.accessModes = volume.spec.accessModes
    if (claim.status?.phase !== phase) status.capacity = volume.spec.capacity
    if (claim.status?.phase === 'Pending' && phase === 'Bound' && volume.spec.volumeAttributesClassName) status.currentVolumeAttributesClassName = volume.spec.volumeAttributesClassName
  } else {
    delete status.accessModes
    delete status.capacity
    delete status.currentVolumeAttributesClassName
  }
  if (!semanticEqual(status, claim.status)) await ctx.client.updateStatus<PersistentVolumeClaim>({ ...claim, status })
}
