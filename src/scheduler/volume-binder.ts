/**
 * Finds volumes for the unbound claims of a pod on a node, keeps what was found from other pods, and has it bound before
 * the pod is. Models pkg/scheduler/framework/plugins/volumebinding/binder.go.
 */
import type { CSIDriver, CSIStorageCapacity, Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../schemas/types.ts'
import { selectorFromLabelSelector } from '../apimachinery/labels.ts'
import { quantityValue } from '../apimachinery/quantity.ts'
import type { Lister } from '../client/lister.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { Handle } from './framework.ts'
import type { PodInfo } from './pod-info.ts'
import { BOUND_BY_CONTROLLER, NO_PROVISIONER, SELECTED_NODE, allowsTopology, classOfClaim, findVolume, isFullyBound, isVolumeOnNode, requestedBytes } from './volumes.ts'

const OTHER_NODE = "node(s) didn't match PersistentVolume's node affinity"
const NO_VOLUME = "node(s) didn't find available persistent volumes to bind"
const NO_SPACE = 'node(s) did not have enough free storage'
const VOLUME_GONE = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

export interface PodClaims {
  bound: PersistentVolumeClaim[]
  /** Of classes that wait for the first consumer. */
  delayed: PersistentVolumeClaim[]
  /** Must be bound before a pod can be placed. */
  immediate: PersistentVolumeClaim[]
}

/** A pod on its way to a node, and how long its volumes may take. */
export interface BindTarget {
  pod: PodInfo
  nodeName: string
  timeoutMs: number
}

/** What placing the pod on a node would bind and provision. */
export interface VolumeChoice {
  bindings: { volume: PersistentVolume; claim: PersistentVolumeClaim }[]
  provisions: PersistentVolumeClaim[]
}

export class VolumeBinder {
  readonly #handle: Handle
  readonly #claims: Lister<PersistentVolumeClaim>
  readonly #volumes: Lister<PersistentVolume>
  readonly #classes: Lister<StorageClass>
  /** Volumes promised to claims, and nodes to claims that are provisioned, by decisions whose binding is under way. */
  readonly #promisedVolumes = new Set<string>()
  readonly #promisedNodes = new Map<string, string>()

  constructor(handle: Handle) {
    this.#handle = handle
    this.#claims = handle.informers.lister('v1/PersistentVolumeClaim')
    this.#volumes = handle.informers.lister('v1/PersistentVolume')
    this.#classes = handle.informers.lister('storage.k8s.io/v1/StorageClass')
  }

  claim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    return this.#claims.get(namespace, name)
  }

  sort(claims: readonly PersistentVolumeClaim[]): PodClaims {
    const sorted: PodClaims = { bound: [], delayed: [], immediate: [] }
    for (const claim of claims) {
      if (isFullyBound(claim)) sorted.bound.push(claim)
      else if (this.#isDelayed(claim) && !claim.spec.volumeName) sorted.delayed.push(claim)
      else sorted.immediate.push(claim)
    }
    sorted.delayed.sort((a, b) => requestedBytes(a) - requestedBytes(b))
    return sorted
  }

  #isDelayed(claim: PersistentVolumeClaim): boolean {
    return this.#classes.get('', classOfClaim(claim))?.volumeBindingMode === 'WaitForFirstConsumer'
  }

  /** Reasons when the node will not do. */
  choose({ bound, delayed }: PodClaims, node: Node): VolumeChoice | string[] {
    const reasons: string[] = []
    const gone = bound.some((c) => !this.#volumes.get('', c.spec.volumeName ?? ''))
    const elsewhere = !gone && bound.some((c) => !this.#isOnNode(c.spec.volumeName ?? '', node))
    if (elsewhere) reasons.push(OTHER_NODE)
    const choice = this.#chooseDelayed(delayed, node)
    if (typeof choice === 'string') reasons.push(choice)
    if (gone) reasons.push(VOLUME_GONE)
    return reasons.length > 0 || typeof choice === 'string' ? reasons : choice
  }

  #isOnNode(volumeName: string, node: Node): boolean {
    const volume = this.#volumes.get('', volumeName)
    return volume !== undefined && isVolumeOnNode(volume, node)
  }

  #chooseDelayed(claims: readonly PersistentVolumeClaim[], node: Node): VolumeChoice | string {
    const choice: VolumeChoice = { bindings: [], provisions: [] }
    const chosen = new Set<string>()
    const volumes = claims.length > 0 ? this.#volumes.list() : []
    for (const claim of claims) {
      const selected = this.#promisedNodes.get(keyOfClaim(claim)) ?? claim.metadata.annotations?.[SELECTED_NODE]
      if (selected !== undefined && selected !== node.metadata.name) return NO_VOLUME
      const volume = selected === undefined ? findVolume(claim, volumes, { node, taken: (name) => chosen.has(name) || this.#promisedVolumes.has(name) }) : undefined
      if (volume) {
        chosen.add(volume.metadata.name ?? '')
        choice.bindings.push({ volume, claim })
        continue
      }
      const problem = this.#provisionProblem(claim, node)
      if (problem) return problem
      choice.provisions.push(claim)
    }
    return choice
  }

  #provisionProblem(claim: PersistentVolumeClaim, node: Node): string | undefined {
    const storageClass = this.#classes.get('', classOfClaim(claim))
    if (!storageClass?.provisioner || storageClass.provisioner === NO_PROVISIONER || !allowsTopology(storageClass, node)) return NO_VOLUME
    return this.#hasCapacity(storageClass, claim, node) ? undefined : NO_SPACE
  }

  #hasCapacity({ provisioner = '', metadata }: StorageClass, claim: PersistentVolumeClaim, node: Node): boolean {
    const { informers } = this.#handle
    if (!informers.lister<CSIDriver>('storage.k8s.io/v1/CSIDriver').get('', provisioner)?.spec.storageCapacity) return true
    const wanted = requestedBytes(claim)
    const capacities = informers.lister<CSIStorageCapacity>('storage.k8s.io/v1/CSIStorageCapacity').list()
    return capacities.some(({ storageClassName, nodeTopology, maximumVolumeSize, capacity }) => {
      const limit = maximumVolumeSize ?? capacity
      if (storageClassName !== metadata.name || limit === undefined || quantityValue(limit) < wanted) return false
      return selectorFromLabelSelector(nodeTopology).matches(node.metadata.labels)
    })
  }

  /** Keeps what was chosen from other pods. */
  promise({ bindings, provisions }: VolumeChoice, nodeName: string): void {
    for (const { volume } of bindings) this.#promisedVolumes.add(volume.metadata.name ?? '')
    for (const claim of provisions) this.#promisedNodes.set(keyOfClaim(claim), nodeName)
  }

  release({ bindings, provisions }: VolumeChoice): void {
    for (const { volume } of bindings) this.#promisedVolumes.delete(volume.metadata.name ?? '')
    for (const claim of provisions) this.#promisedNodes.delete(keyOfClaim(claim))
  }

  /** Writes the choice and waits until all claims are bound; throws when that does not come about. */
  async bind({ bindings, provisions }: VolumeChoice, target: BindTarget): Promise<void> {
    const { client } = this.#handle
    for (const { volume, claim } of bindings) {
      const { metadata } = claim
      const { namespace, name, uid, resourceVersion } = metadata
      const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion }
      const annotations = { ...volume.metadata.annotations, ...(volume.spec.claimRef ? {} : { [BOUND_BY_CONTROLLER]: 'yes' }) }
      await client.update<PersistentVolume>({ ...volume, metadata: { ...volume.metadata, annotations }, spec: { ...volume.spec, claimRef } })
    }
    for (const { metadata } of provisions) {
      const ref = { namespace: metadata.namespace, name: metadata.name ?? '' }
      await client.patch('v1/PersistentVolumeClaim', ref, { metadata: { annotations: { [SELECTED_NODE]: target.nodeName } } })
    }
    await this.#untilBound({ bindings, provisions }, target)
  }

  #untilBound({ bindings, provisions }: VolumeChoice, { pod, nodeName, timeoutMs }: BindTarget): Promise<void> {
    const { informers, clock } = this.#handle
    const waiting = new Set([...bindings.map((b) => b.claim), ...provisions].map(keyOfClaim))
    const provisioned = new Set(provisions.map(keyOfClaim))
    return new Promise((resolve, reject) => {
      const end = (error?: Error) => {
        timer.cancel()
        for (const stop of stops) stop()
        if (error) reject(error)
        else resolve()
      }
      const look = (claim: PersistentVolumeClaim) => {
        const key = keyOfClaim(claim)
        if (!waiting.has(key)) return
        if (isFullyBound(claim)) waiting.delete(key)
        else if (provisioned.has(key) && claim.metadata.annotations?.[SELECTED_NODE] !== nodeName) {
          return end(new Error(`binding volumes: provisioning failed for PVC "${claim.metadata.name}"`))
        }
        if (waiting.size === 0) end()
      }
      const timer = clock.after(timeoutMs, () => end(new Error('binding volumes: context deadline exceeded')))
      const stops: (() => void)[] = []
      const podGone = ({ metadata }: KubeObject) => metadata.uid === pod.uid && end(new Error('binding volumes: pod does not exist any more'))
      const claimGone = (claim: PersistentVolumeClaim) => waiting.has(keyOfClaim(claim)) && end(new Error('binding volumes: failed to check provisioning pvc'))
      stops.push(informers.for('v1/Pod').subscribe({ delete: podGone }))
      stops.push(informers.for<PersistentVolumeClaim>('v1/PersistentVolumeClaim').subscribe({ add: look, update: look, delete: claimGone }))
    })
  }
}

function keyOfClaim({ metadata }: PersistentVolumeClaim): string {
  return `${metadata.namespace}/${metadata.name}`
}

const binders = new WeakMap<Handle, VolumeBinder>()

/** One binder for a scheduler: its promises must be known to all decisions. */
export function binderOf(handle: Handle): VolumeBinder {
  let binder = binders.get(handle)
  if (!binder) binders.set(handle, (binder = new VolumeBinder(handle)))
  return binder
}
