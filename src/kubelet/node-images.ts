/** The images that a node tells of. Models Images of pkg/kubelet/nodestatus/setters.go and the list of image_gc_manager.go. */
import type { ContainerImage } from '../../schemas/types.ts'
import { fullImageName, imageID } from './container-record.ts'
import { imageSize } from './pod-events.ts'

/** As a kubelet's nodeStatusMaxImages. */
const MAX_IMAGES = 50
const MAX_NAMES = 5

/** The largest first; an image known by several names is one. */
export function imagesOf(pulled: Iterable<string>): ContainerImage[] {
  const byID = new Map<string, { names: Set<string>; sizeBytes: number }>()
  for (const image of pulled) {
    const id = imageID(image)
    const known = byID.get(id) ?? { names: new Set([id]), sizeBytes: imageSize(image) }
    byID.set(id, known)
    known.names.add(fullImageName(image))
  }
  const images = [...byID.values()].sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, MAX_IMAGES)
  return images.map(({ names, sizeBytes }) => ({ names: [...names].slice(0, MAX_NAMES), sizeBytes }))
}
