/** Prefers nodes that have the pod's images. Models pkg/scheduler/framework/plugins/imagelocality. */
import { definePlugin, MAX_NODE_SCORE, SKIP } from '../framework.ts'
import type { PodInfo } from '../pod-info.ts'

const MB = 1024 * 1024
const MIN_THRESHOLD = 23 * MB
const MAX_CONTAINER_THRESHOLD = 1000 * MB

interface Images {
  /** Sizes, scaled by the share of all nodes that has the image; one that several containers use counts each time. */
  sizes: readonly (readonly [name: string, size: number])[]
  containers: number
}

export default definePlugin<undefined, Images>({
  name: 'ImageLocality',
  order: 170,
  preScore({ handle: { cache } }, pod) {
    const sizes = imagesOf(pod).flatMap((name) => {
      const image = cache.image(name)
      return image ? [[name, Math.trunc(image.size * (image.nodes / cache.nodeCount))] as const] : []
    })
    // No node tells of any of these images: all score the same.
    if (sizes.length === 0) return SKIP
    const { containers = [], initContainers = [] } = pod.pod.spec
    return { state: { sizes, containers: containers.length + initContainers.length } }
  },
  score({ sizes, containers }, _pod, { images }) {
    let sum = 0
    if (images) for (const [name, size] of sizes) if (images.has(name)) sum += size
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
