/**
 * The images that were pulled to a node, and which of them go when its disk fills. Models Images of
 * pkg/kubelet/nodestatus/setters.go and pkg/kubelet/images/image_gc_manager.go.
 */
import type { ContainerImage, Pod } from '../../schemas/types.ts'
import { fullImageName, imageID } from './container-record.ts'

/** As a kubelet's nodeStatusMaxImages. */
const MAX_IMAGES = 50
const MAX_NAMES = 5
/** As a kubelet's imageMinimumGCAge. */
const MIN_AGE_MS = 120_000

interface Known {
  id: string
  sizeBytes: number
  sinceMs: number
  usedMs: number
}

export class NodeImages {
  /** By their full names. */
  readonly #known = new Map<string, Known>()
  /** Rises with every change. */
  version = 0

  has(reference: string): boolean {
    return this.#known.has(fullImageName(reference))
  }

  add(reference: string, { sizeBytes, nowMs }: { sizeBytes: number; nowMs: number }): void {
    const name = fullImageName(reference)
    if (this.#known.has(name)) return
    this.#known.set(name, { id: imageID(reference), sizeBytes, sinceMs: nowMs, usedMs: nowMs })
    this.version++
  }

  /** What was told before this process began. */
  restore(images: readonly ContainerImage[], nowMs: number): void {
    for (const { names = [], sizeBytes = 0 } of images) {
      const tags = names.filter((name) => !name.includes('@'))
      for (const name of tags.length > 0 ? tags : names) this.add(name, { sizeBytes, nowMs })
    }
  }

  get bytes(): number {
    const sizes = new Map([...this.#known.values()].map(({ id, sizeBytes }) => [id, sizeBytes]))
    return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  /** The largest first; an image known by several names is one. */
  told(): ContainerImage[] {
    const byID = new Map<string, { names: Set<string>; sizeBytes: number }>()
    for (const [name, { id, sizeBytes }] of this.#known) {
      const known = byID.get(id) ?? { names: new Set([id]), sizeBytes }
      byID.set(id, known)
      known.names.add(name)
    }
    const images = [...byID.values()].sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, MAX_IMAGES)
    return images.map(({ names, sizeBytes }) => ({ names: [...names].slice(0, MAX_NAMES), sizeBytes }))
  }

  /** Removes those that no pod uses, the longest unused first, until enough is free. The bytes that are. */
  free(wantedBytes: number, { pods, nowMs }: { pods: readonly Pod[]; nowMs: number }): number {
    const used = new Set(pods.flatMap(imagesOf).map(imageID))
    for (const known of this.#known.values()) if (used.has(known.id)) known.usedMs = nowMs
    const unused = [...this.#known.values()].filter((known) => known.usedMs < nowMs && nowMs - known.sinceMs >= MIN_AGE_MS)
    let freed = 0
    for (const { id, sizeBytes } of unused.sort((a, b) => a.usedMs - b.usedMs || a.sinceMs - b.sinceMs)) {
      if (freed >= wantedBytes) break
      let removed = false
      for (const [name, known] of this.#known) if (known.id === id) removed = this.#known.delete(name)
      if (removed) freed += sizeBytes
    }
    if (freed > 0) this.version++
    return freed
  }
}

/** What the containers and volumes of a pod are made of. */
function imagesOf({ spec }: Pod): string[] {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  return [...containers.map(({ image }) => image), ...(spec.volumes ?? []).map((v) => v.image?.reference)].filter((image) => image !== undefined && image !== '') as string[]
}

/** Made up, but always the same for an image: between 1 and 200 MB. */
export function imageSize(image: string): number {
  let hash = 2166136261
  for (let i = 0; i < image.length; i++) hash = Math.imul(hash ^ image.charCodeAt(i), 16777619) >>> 0
  return 1_000_000 + (hash % 199_000_000)
}
