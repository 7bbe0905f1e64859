/** Whether a container's image is there, and what is told while it is not. Models pkg/kubelet/images/image_manager.go. */
import type { Pod } from '../../schemas/types.ts'
import { parseDuration } from '../apimachinery/go-duration.ts'
import type { Clock } from '../clock.ts'
import type { ContainerRecord } from './container-record.ts'
import { imageNameProblem } from './image-reference.ts'
import { hasCredentials } from './image-credentials.ts'
import { pullFailure, splitReference, type Images, type Pull } from './images.ts'
import type { KeptNode } from './node-keeper.ts'
import type { PodEvents } from './pod-events.ts'
import type { References } from './pod-needs.ts'

const BACKOFF_START_MS = 10_000
const BACKOFF_MAX_MS = 300_000
/** How long a failed pull is told as such before it is told as a back-off. */
const TOLD_AS_ERROR_MS = 3000

interface Failure {
  message: string
  failedMs: number
  delayMs: number
  attempts: number
  toldBackOff: boolean
}

export interface Absent {
  reason: string
  message?: string
  wakeAtMs?: number
}

interface PullerOptions {
  images: Images
  events: PodEvents
  clock: Clock
  refs: References
}

export class ImagePuller {
  readonly #images: Images
  readonly #refs: References
  readonly #events: PodEvents
  readonly #clock: Clock
  readonly #failures = new Map<ContainerRecord, Failure>()
  readonly #pulling = new Map<ContainerRecord, number>()

  constructor({ images, events, clock, refs }: PullerOptions) {
    this.#images = images
    this.#refs = refs
    this.#events = events
    this.#clock = clock
  }

  /** Undefined when the image is there. */
  ensure(pod: Pod, record: ContainerRecord, { node, pull }: { node: KeptNode; pull?: Pull | undefined }): Absent | undefined {
    const { image = '', imagePullPolicy } = record.container
    const problem = imageNameProblem(image)
    if (problem !== undefined) return this.#invalid(pod, record, problem)
    const isPresent = node.images.has(image)
    if (imagePullPolicy === 'Never') return isPresent ? this.#present(pod, record, node) : this.#never(pod, record)
    if (isPresent && imagePullPolicy !== 'Always') return this.#present(pod, record, node)
    return this.#pull(pod, record, { node, pull })
  }

  #present(pod: Pod, record: ContainerRecord, node: KeptNode): undefined {
    this.#events.pulled(pod, record, node)
    return undefined
  }

  #invalid(pod: Pod, record: ContainerRecord, message: string): Absent {
    if (record.waiting?.reason !== 'InvalidImageName') {
      this.#events.image(pod, record, { type: 'Warning', reason: 'InspectFailed', message })
      this.#events.failed(pod, record, 'Error: InvalidImageName')
    }
    return { reason: 'InvalidImageName', message, wakeAtMs: this.#clock.now() + BACKOFF_START_MS }
  }

  #never(pod: Pod, record: ContainerRecord): Absent {
    const message = `Container image "${record.container.image}" is not present with pull policy of Never`
    this.#events.image(pod, record, { type: 'Warning', reason: 'ErrImageNeverPull', message })
    this.#events.failed(pod, record, 'Error: ErrImageNeverPull')
    return { reason: 'ErrImageNeverPull', message, wakeAtMs: this.#clock.now() + BACKOFF_START_MS }
  }

  #pull(pod: Pod, record: ContainerRecord, { node, pull }: { node: KeptNode; pull?: Pull | undefined }): Absent | undefined {
    const { image = '' } = record.container
    const now = this.#clock.now()
    const failed = this.#failures.get(record)
    if (failed && now < failed.failedMs + failed.delayMs) return this.#backOff(pod, record, failed)
    const known = this.#images.find(image, pod.metadata.namespace)
    const found = pull ? { ...known, pull } : known
    const pullMs = found.pull.after === undefined ? 0 : Number(parseDuration(found.pull.after)) / 1e6
    const startedMs = this.#pulling.get(record)
    if (startedMs === undefined) {
      this.#events.image(pod, record, { reason: 'Pulling', message: `Pulling image "${image}"` })
      if (pullMs > 0) {
        this.#pulling.set(record, now)
        return { reason: 'ContainerCreating', wakeAtMs: now + pullMs }
      }
    } else if (now < startedMs + pullMs) return { reason: 'ContainerCreating', wakeAtMs: startedMs + pullMs }
    this.#pulling.delete(record)
    const failure = pullFailure(image, found, { attempts: failed?.attempts ?? 0, isKnown: found.pull.private === true && hasCredentials(pod, splitReference(image).repository, this.#refs) })
    if (failure !== undefined) return this.#fail(pod, record, failure)
    this.#failures.delete(record)
    this.#events.pulledAfter(pod, record, { node, ms: Math.max(1, pullMs) })
    return undefined
  }

  #fail(pod: Pod, record: ContainerRecord, message: string): Absent {
    const last = this.#failures.get(record)
    const delayMs = Math.min(BACKOFF_MAX_MS, last ? last.delayMs * 2 : BACKOFF_START_MS)
    this.#failures.set(record, { message, failedMs: this.#clock.now(), delayMs, attempts: (last?.attempts ?? 0) + 1, toldBackOff: false })
    this.#events.failed(pod, record, `Failed to pull image "${record.container.image}": ${message}`)
    this.#events.failed(pod, record, 'Error: ErrImagePull')
    return { reason: 'ErrImagePull', message, wakeAtMs: this.#clock.now() + TOLD_AS_ERROR_MS }
  }

  #backOff(pod: Pod, record: ContainerRecord, failed: Failure): Absent {
    const { message, failedMs, delayMs, toldBackOff } = failed
    if (this.#clock.now() < failedMs + TOLD_AS_ERROR_MS) return { reason: 'ErrImagePull', message, wakeAtMs: failedMs + TOLD_AS_ERROR_MS }
    const { image } = record.container
    if (!toldBackOff) {
      failed.toldBackOff = true
      this.#events.image(pod, record, { reason: 'BackOff', message: `Back-off pulling image "${image}"` })
      this.#events.failed(pod, record, 'Error: ImagePullBackOff')
    }
    return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": ErrImagePull: ${message}`, wakeAtMs: failedMs + delayMs }
  }
}

