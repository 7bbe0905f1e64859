/**
 * Keeps nodes' disks from filling with images that nobody uses any more. Models GarbageCollect of
 * pkg/kubelet/images/image_gc_manager.go and StartGarbageCollection of pkg/kubelet/kubelet.go, with a kubelet's default thresholds.
 */
import type { Pod } from '../../schemas/types.ts'
import { quantityValue } from '../apimachinery/quantity.ts'
import type { Timer } from '../clock.ts'
import type { ControllerContext } from '../controller/controller.ts'
import { isPodTerminal } from '../controller/pods.ts'
import { aboutNode } from './node-events.ts'
import type { KeptNode } from './node-keeper.ts'

const PERIOD_MS = 300_000
const HIGH_PERCENT = 85
const LOW_PERCENT = 80

export interface ImageGCParts {
  ctx: ControllerContext
  /** The nodes that report in full. */
  nodes(): Iterable<KeptNode>
  podsOf(nodeName: string): readonly Pod[]
  /** What containers and volumes hold of its disk. */
  diskBytes(nodeName: string): number
  /** The node has other images now. */
  changed(node: KeptNode): void
}

export class ImageGC {
  readonly #parts: ImageGCParts
  /** Where the last collection failed: who fails again says so. */
  readonly #failed = new Set<string>()
  #timer: Timer | undefined

  constructor(parts: ImageGCParts) {
    this.#parts = parts
    this.#arm()
  }

  close(): void {
    this.#timer?.cancel()
  }

  /** Removes all that no pod uses; the bytes that are free then. */
  freeUnused(kept: KeptNode): number {
    return this.#free(kept, Infinity)
  }

  #arm(): void {
    this.#timer = this.#parts.ctx.clock.after(PERIOD_MS, () => {
      for (const node of this.#parts.nodes()) this.#collect(node)
      this.#arm()
    })
  }

  #collect(kept: KeptNode): void {
    const { ctx, diskBytes } = this.#parts
    const { name, node, images } = kept
    const problem = this.#problem(kept, { capacity: quantityValue(node.status?.capacity?.['ephemeral-storage'] ?? '0'), used: diskBytes(name) + images.bytes })
    if (problem === undefined) return void this.#failed.delete(name)
    const tell = (reason: string) => ctx.events.event(aboutNode(node), 'Warning', reason, problem.message, { host: name })
    tell(problem.reason)
    if (this.#failed.has(name)) tell('ImageGCFailed')
    this.#failed.add(name)
  }

  #problem(kept: KeptNode, { capacity, used }: { capacity: number; used: number }): { reason: string; message: string } | undefined {
    if (capacity === 0) return { reason: 'InvalidDiskCapacity', message: 'invalid capacity 0 on image filesystem' }
    const available = Math.max(0, capacity - used)
    const percent = 100 - Math.trunc((available * 100) / capacity)
    if (percent < HIGH_PERCENT) return undefined
    const wanted = (capacity * (100 - LOW_PERCENT)) / 100 - available
    const freed = this.#free(kept, wanted)
    if (freed >= wanted) return undefined
    return { reason: 'FreeDiskSpaceFailed', message: `Insufficient free disk space on the node's image filesystem (${percent}% of ${sizeText(capacity)} used). Failed to free sufficient space by deleting unused images (freed ${freed} bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data.` }
  }

  #free(kept: KeptNode, wantedBytes: number): number {
    const { ctx, podsOf, changed } = this.#parts
    const pods = podsOf(kept.name).filter((pod) => !isPodTerminal(pod))
    const freed = kept.images.free(wantedBytes, { pods, nowMs: ctx.clock.now() })
    if (freed > 0) changed(kept)
    return freed
  }
}

/** `1.5 GiB` */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const unit = ['KiB', 'MiB', 'GiB', 'TiB'].map((name, i) => ({ name, size: 1024 ** (i + 1) })).findLast(({ size }) => bytes >= size)
  return unit ? `${(bytes / unit.size).toFixed(1)} ${unit.name}` : `${bytes} B`
}
