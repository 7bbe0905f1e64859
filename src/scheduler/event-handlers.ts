/**
 * Keeps cache and queue in step with the API. Models pkg/scheduler/eventhandlers.go.
 */
import type { Namespace, Node, Pod, ReplicaSet, ReplicationController, Service, StatefulSet } from '../../schemas/types.ts'
import type { Informers } from '../client/lister.ts'
import { keyOf } from '../controller/controller.ts'
import { isPodTerminal } from '../controller/pods.ts'
import type { KubeObject } from '../registry/kind.ts'
import type { Cache } from './cache.ts'
import { nodeChanges, podChanges, type WatchedResource } from './cluster-events.ts'
import type { Nominator } from './nominator.ts'
import { podInfoOf } from './pod-info.ts'
import type { SchedulingQueue } from './queue.ts'
import type { WaitingPods } from './waiting-pods.ts'

export interface FollowOptions {
  informers: Informers
  cache: Cache
  queue: SchedulingQueue
  nominator: Nominator
  waitingPods: WaitingPods
  /** Whether a pod asks for this scheduler. */
  isOurs(pod: Pod): boolean
  /** A device class may stand behind a resource that so far was a node's own; called before anybody waiting hears of it. */
  classesChanged(): void
}

/** Kinds whose every change is told to the plugins that want to hear of it. */
const WATCHED: Readonly<Record<WatchedResource, string>> = {
  PersistentVolume: 'v1/PersistentVolume',
  PersistentVolumeClaim: 'v1/PersistentVolumeClaim',
  StorageClass: 'storage.k8s.io/v1/StorageClass',
  CSINode: 'storage.k8s.io/v1/CSINode',
  CSIDriver: 'storage.k8s.io/v1/CSIDriver',
  CSIStorageCapacity: 'storage.k8s.io/v1/CSIStorageCapacity',
  VolumeAttachment: 'storage.k8s.io/v1/VolumeAttachment',
  ResourceClaim: 'resource.k8s.io/v1/ResourceClaim',
  ResourceSlice: 'resource.k8s.io/v1/ResourceSlice',
  DeviceClass: 'resource.k8s.io/v1/DeviceClass',
}

/** Nodes first, so that the first pods find them. Returns the function that stops following. */
export function followCluster(options: FollowOptions): () => void {
  const { informers, queue } = options
  const { classesChanged } = options
  const stops = [informers.for('resource.k8s.io/v1/DeviceClass').subscribe({ add: classesChanged, update: classesChanged, delete: classesChanged }), followNodes(options), followPods(options)]
  for (const [resource, kind] of Object.entries(WATCHED)) if (isResource(resource)) stops.push(followKind(informers, queue, { resource, kind }))
  // Only looked up by plugins: started here so that they are there when they are asked.
  informers.for<Service>('v1/Service')
  informers.for<Namespace>('v1/Namespace')
  informers.for<ReplicationController>('v1/ReplicationController')
  informers.for<ReplicaSet>('apps/v1/ReplicaSet')
  informers.for<StatefulSet>('apps/v1/StatefulSet')
  informers.for('policy/v1/PodDisruptionBudget')
  return () => {
    for (const stop of stops) stop()
  }
}

function isResource(name: string): name is WatchedResource {
  return name in WATCHED
}

function followKind(informers: Informers, queue: SchedulingQueue, { resource, kind }: { resource: WatchedResource; kind: string }): () => void {
  return informers.for<KubeObject>(kind).subscribe({
    add: (object) => queue.moved({ resource, action: 'add', object }),
    update: (object, old) => queue.moved({ resource, action: 'update', object, old }),
    delete: (old) => queue.moved({ resource, action: 'delete', old }),
  })
}

function followNodes({ informers, cache, queue }: FollowOptions): () => void {
  return informers.for<Node>('v1/Node').subscribe({
    add(node) {
      cache.setNode(node)
      queue.moved({ resource: 'Node', action: 'add', object: node, node })
    },
    update(node, oldNode) {
      cache.setNode(node)
      if (!queue.hasWaiting) return
      for (const action of nodeChanges(node, oldNode)) queue.moved({ resource: 'Node', action, object: node, old: oldNode, node, oldNode })
    },
    delete(oldNode) {
      cache.removeNode(oldNode.metadata.name ?? '')
      queue.moved({ resource: 'Node', action: 'delete', old: oldNode, oldNode })
    },
  })
}

function followPods(options: FollowOptions): () => void {
  const { informers, queue } = options
  return informers.for<Pod>('v1/Pod').subscribe({
    add(pod) {
      if (isPodTerminal(pod)) return
      if (pod.spec.nodeName) assigned(options, pod)
      else if (options.isOurs(pod)) waits(options, pod)
    },
    update(pod, old) {
      const wasTerminal = isPodTerminal(old)
      if (isPodTerminal(pod)) return wasTerminal ? undefined : ended(options, old)
      if (pod.spec.nodeName) {
        if (!old.spec.nodeName || wasTerminal) return assigned(options, pod)
        changed(options, pod, old)
      } else if (options.isOurs(pod)) {
        if (options.cache.isAssumed(pod.metadata.uid ?? '')) return pod.metadata.deletionTimestamp && !old.metadata.deletionTimestamp ? ended(options, pod) : undefined
        if (old.metadata.uid !== pod.metadata.uid) queue.delete(keyOf(old))
        options.nominator.update(podInfoOf(pod), podInfoOf(old))
        queue.update(pod, old)
        // Less important pods saw the room it was promised as taken.
        const before = old.status?.nominatedNodeName
        if (before && before !== pod.status?.nominatedNodeName) queue.moved({ resource: 'AssignedPod', action: 'delete', old, oldPod: old }, ({ priority }) => priority <= (old.spec.priority ?? 0))
      }
    },
    delete(pod) {
      if (!isPodTerminal(pod)) ended(options, pod)
    },
  })
}

function waits({ queue, nominator }: FollowOptions, pod: Pod): void {
  nominator.add(podInfoOf(pod))
  queue.add(pod)
}

function assigned({ cache, queue, nominator }: FollowOptions, pod: Pod): void {
  const { uid = '' } = pod.metadata
  queue.delete(keyOf(pod))
  nominator.delete(uid)
  cache.setPod(pod)
  queue.moved({ resource: 'AssignedPod', action: 'add', object: pod, pod })
}

function changed({ cache, queue }: FollowOptions, pod: Pod, oldPod: Pod): void {
  cache.setPod(pod)
  if (!queue.hasWaiting) return
  for (const action of podChanges(pod, oldPod)) queue.moved({ resource: 'AssignedPod', action, object: pod, old: oldPod, pod, oldPod })
}

/** Gone, or done: what it took is free. */
function ended({ cache, queue, nominator, waitingPods }: FollowOptions, pod: Pod): void {
  const { uid = '' } = pod.metadata
  const wasPromised = nominator.nodeOf(uid) !== undefined
  const removed = cache.removePod(uid)
  nominator.delete(uid)
  waitingPods.get(uid)?.reject('', 'removed')
  if (!pod.spec.nodeName) queue.delete(keyOf(pod))
  if (removed || pod.spec.nodeName || wasPromised) queue.moved({ resource: 'AssignedPod', action: 'delete', old: pod, oldPod: pod })
}
