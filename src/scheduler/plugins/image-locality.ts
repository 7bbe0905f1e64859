/** Prefers nodes that have the pod's images. Models pkg/scheduler/framework/plugins/imagelocality. */
import { definePlugin, MAX_NODE_SCORE, SKIP } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

const MB = 1024 * 1024
const MIN_THRESHOLD = 23 * MB
const MAX_CONTAINER_THRESHOLD = 1000 * MB

interface Images {
  names: readonly string[]
  containers: number
  /** The share of all nodes that has an image, by name. */
  spread(name: string): number
}

export default definePlugin<undefined, Images>({
  name: 'ImageLocality',
  order: 170,
  preScore({ handle }, pod) {
    const names = imagesOf(pod)
    const { cache } = handle
    // No node tells of any of these images: all score the same.
    if (!names.some((name) => cache.nodesWithImage(name) > 0)) return SKIP
    const { containers = [], initContainers = [] } = pod.pod.spec
    return { state: { names, containers: containers.length + initContainers.length, spread: (name) => cache.nodesWithImage(name) / cache.nodeCount } }
  },
  score({ names, containers, spread }, _pod, { images }) {
    let sum = 0
    if (images) for (const name of names) sum += Math.trunc((images.get(name) ?? 0) * spread(name))
    const max = MAX_CONTAINER_THRESHOLD * containers
    const bounded = Math.min(max, Math.max(MIN_THRESHOLD, sum))
    return Math.trunc((MAX_NODE_SCORE * (bounded - MIN_THRESHOLD)) / (max - MIN_THRESHOLD))
  },
})

function imagesOf({ pod }: PodInfo): string[] {
  const { containers = [], initContainers = [], volumes = [] } = pod.spec
  const names = [...initContainers, ...containers].map((c) => c.image ?? '')
  for (const { image } of volumes) if (image) names.push(image.reference ?? '')
  return names.map(normalizedName)
}

function normalizedName(name: string): string {
  return name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name
}
