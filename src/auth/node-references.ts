/**
 * Which objects a node has to do with: those its pods name, and what these lead to. Models graph.go of
 * k8s.io/kubernetes/plugin/pkg/auth/authorizer/node, as questions to the pods of the node instead of a graph kept beside them.
 */
import type { CSIPersistentVolumeSource, PersistentVolume, Pod, ResourceSlice, VolumeAttachment } from '../../schemas/types.ts'
import { configMapNames, secretNames } from '../admission/pod-references.ts'
import type { KubeObject } from '../registry/kind.ts'

const MIRROR = 'kubernetes.io/config.mirror'
const BY_NODE = 'spec.nodeName'
const BY_CLAIM = 'spec.claimRef'

interface Feed<T> {
  readonly lister: { get(namespace: string, name: string): T | undefined; byIndex(index: string, key: string): T[] }
  addIndex(name: string, keys: (object: T) => readonly string[]): void
}

/** Where objects are looked up. Informers fit. */
export interface IndexedFeeds {
  for<T extends KubeObject>(kind: string): Feed<T>
}

export type Related = 'Secret' | 'ConfigMap' | 'PersistentVolumeClaim' | 'PersistentVolume' | 'ResourceClaim' | 'VolumeAttachment' | 'ServiceAccount' | 'ResourceSlice' | 'Pod'

export class NodeReferences {
  readonly #pods: Feed<Pod>
  readonly #volumes: Feed<PersistentVolume>
  readonly #attachments: Feed<VolumeAttachment>
  readonly #slices: Feed<ResourceSlice>

  constructor(feeds: IndexedFeeds) {
    this.#pods = feeds.for<Pod>('v1/Pod')
    this.#volumes = feeds.for<PersistentVolume>('v1/PersistentVolume')
    this.#attachments = feeds.for<VolumeAttachment>('storage.k8s.io/v1/VolumeAttachment')
    this.#slices = feeds.for<ResourceSlice>('resource.k8s.io/v1/ResourceSlice')
    this.#pods.addIndex(BY_NODE, ({ spec }) => (spec.nodeName ? [spec.nodeName] : []))
    this.#volumes.addIndex(BY_CLAIM, ({ spec: { claimRef } }) => (claimRef ? [`${claimRef.namespace}/${claimRef.name}`] : []))
  }

  /** Whether the node has to do with the object. */
  has(node: string, kind: Related, { namespace, name }: { namespace: string; name: string }): boolean {
    if (kind === 'Pod') return this.#pods.lister.get(namespace, name)?.spec.nodeName === node
    if (kind === 'VolumeAttachment') return this.#attachments.lister.get('', name)?.spec.nodeName === node
    if (kind === 'ResourceSlice') return this.#slices.lister.get('', name)?.spec.nodeName === node
    if (kind === 'PersistentVolume') return this.#hasVolume(node, this.#volumes.lister.get('', name))
    if (this.#podsOf(node, namespace).some((pod) => namesIn(pod, kind).includes(name))) return true
    return kind === 'Secret' && this.#hasVolumeSecret(node, namespace, name)
  }

  /** Mirror pods give nothing: nodes make them themselves. */
  #podsOf(node: string, namespace: string): Pod[] {
    return this.#pods.lister.byIndex(BY_NODE, node).filter(({ metadata }) => metadata.namespace === namespace && metadata.annotations?.[MIRROR] === undefined)
  }

  #hasVolume(node: string, volume: PersistentVolume | undefined): boolean {
    const { namespace = '', name = '' } = volume?.spec.claimRef ?? {}
    return name !== '' && this.has(node, 'PersistentVolumeClaim', { namespace, name })
  }

  #hasVolumeSecret(node: string, namespace: string, name: string): boolean {
    const claims = new Map(this.#pods.lister.byIndex(BY_NODE, node).flatMap((pod) => namesIn(pod, 'PersistentVolumeClaim').map((claim) => [`${pod.metadata.namespace}/${claim}`, pod])))
    const volumes = [...claims.keys()].flatMap((key) => this.#volumes.lister.byIndex(BY_CLAIM, key))
    return volumes.some((volume) => volumeSecrets(volume).some((ref) => ref.namespace === namespace && ref.name === name) && this.#hasVolume(node, volume))
  }
}

function namesIn(pod: Pod, kind: Related): (string | undefined)[] {
  if (kind === 'Secret') return secretNames(pod)
  if (kind === 'ConfigMap') return configMapNames(pod)
  if (kind === 'ServiceAccount') return [pod.spec.serviceAccountName]
  if (kind === 'ResourceClaim') return claimNames(pod)
  const volumes = pod.spec.volumes ?? []
  return volumes.map(({ name, persistentVolumeClaim, ephemeral }) => persistentVolumeClaim?.claimName ?? (ephemeral && `${pod.metadata.name}-${name}`))
}

function claimNames({ spec, status }: Pod): (string | undefined)[] {
  const made = new Map(status?.resourceClaimStatuses?.map(({ name, resourceClaimName }) => [name, resourceClaimName]))
  return [...(spec.resourceClaims ?? []).map((claim) => claim.resourceClaimName ?? made.get(claim.name)), status?.extendedResourceClaimStatus?.resourceClaimName]
}

/** The secrets of a volume that kubelets need; others are the controllers' business. Models VisitPVSecretNames of pkg/api/v1/persistentvolume/util.go. */
function volumeSecrets({ spec }: PersistentVolume): { namespace: string; name: string }[] {
  const home = spec.claimRef?.namespace ?? ''
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = spec
  const withRef = [cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos].flatMap((source): { namespace?: string; name?: string }[] => (source?.secretRef ? [source.secretRef] : []))
  const refs = [...withRef, ...csiSecrets(csi), ...(azureFile ? [{ namespace: azureFile.secretNamespace, name: azureFile.secretName }] : [])]
  return refs.map(({ namespace, name }) => ({ namespace: namespace || home, name: name ?? '' }))
}

function csiSecrets(csi: CSIPersistentVolumeSource | undefined): { namespace?: string; name?: string }[] {
  return [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef].filter((ref) => ref !== undefined)
}
