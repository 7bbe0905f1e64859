/** Whether the image of a container or a volume is there, and what is told while it is not. Models pkg/kubelet/images/image_manager.go. */
import type { Pod } from '../../schemas/types.ts'
import { parseDuration } from '../apimachinery/go-duration.ts'
import type { Clock } from '../clock.ts'
import type { ContainerRecord } from './container-record.ts'
import { imageNameProblem } from './image-reference.ts'
import { hasCredentials } from './image-credentials.ts'
import { pullFailure, splitReference, type Image, type Images, type Pull } from './images.ts'
import { imageSize } from './node-images.ts'
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

/** For whom an image is wanted. */
interface Wanted {
  pod: Pod
  record: ContainerRecord
  node: KeptNode
  image: string
  policy: string | undefined
  /** Of several that a container waits for, which. */
  key: string
  /** Whose the events are: the container's, or the pod's where a volume is made of it. */
  subject: ContainerRecord | undefined
  pull?: Pull | undefined
}

export class ImagePuller {
  readonly #images: Images
  readonly #refs: References
  readonly #events: PodEvents
  readonly #clock: Clock
  readonly #failures = new Map<string, Failure>()
  readonly #pulling = new Map<string, number>()

  constructor({ images, events, clock, refs }: PullerOptions) {
    this.#images = images
    this.#refs = refs
    this.#events = events
    this.#clock = clock
  }

  /** Undefined when the image is there, and those of the container's volumes. */
  ensure(pod: Pod, record: ContainerRecord, { node, pull }: { node: KeptNode; pull?: Pull | undefined }): Absent | undefined {
    for (const { name = '', image: source } of pod.spec.volumes ?? []) {
      if (!source || !record.container.volumeMounts?.some((mount) => mount.name === name)) continue
      const absent = this.#ensure({ pod, record, node, image: source.reference ?? '', policy: source.pullPolicy, key: `volume/${name}`, subject: undefined })
      if (absent) return absent
    }
    const { image = '', imagePullPolicy } = record.container
    return this.#ensure({ pod, record, node, image, policy: imagePullPolicy, key: record.name, subject: record, pull })
  }

  /** For who runs no images: it is there at once, and said to be. */
  presume(pod: Pod, record: ContainerRecord, node: KeptNode): void {
    const { image = '', imagePullPolicy: policy } = record.container
    const wanted = { pod, record, node, image, policy, key: record.name, subject: record }
    if (node.images.has(image) && policy !== 'Always') this.#present(wanted)
    else this.#pulled(wanted, 1, 'Pulling')
  }

  #ensure(wanted: Wanted): Absent | undefined {
    const { pod, node, image, policy } = wanted
    const problem = imageNameProblem(image)
    if (problem !== undefined) return this.#invalid(wanted, problem)
    // Who has no credentials is not to learn that others had it pulled.
    const isPresent = node.images.has(image) && (this.#imageOf(wanted).pull.private !== true || this.#hasCredentials(pod, image))
    if (policy === 'Never') return isPresent ? this.#present(wanted) : this.#never(wanted)
    if (isPresent && policy !== 'Always') return this.#present(wanted)
    return this.#pull(wanted)
  }

  #imageOf({ pod, image, pull }: Wanted): Image {
    const known = this.#images.find(image, pod.metadata.namespace)
    return pull ? { ...known, pull } : known
  }

  #hasCredentials(pod: Pod, image: string): boolean {
    return hasCredentials(pod, splitReference(image).repository, this.#refs)
  }

  #tell({ pod, subject }: Wanted, event: { type?: 'Normal' | 'Warning'; reason: string; message: string }): void {
    if (subject) this.#events.image(pod, subject, event)
    else this.#events.pod(pod, { type: 'Normal', ...event })
  }

  #present(wanted: Wanted): undefined {
    this.#tell(wanted, { reason: 'Pulled', message: `Container image "${wanted.image}" already present on machine and can be accessed by the pod` })
    return undefined
  }

  #pulled(wanted: Wanted, ms: number, before?: 'Pulling'): void {
    const { image, node } = wanted
    const sizeBytes = this.#imageOf(wanted).sizeBytes ?? imageSize(image)
    node.images.add(image, { sizeBytes, nowMs: this.#clock.now() })
    const text = ms < 1000 ? `${ms}ms` : `${ms / 1000}s`
    if (before) this.#tell(wanted, { reason: before, message: `Pulling image "${image}"` })
    this.#tell(wanted, { reason: 'Pulled', message: `Successfully pulled image "${image}" in ${text} (${text} including waiting). Image size: ${sizeBytes} bytes.` })
  }

  #invalid(wanted: Wanted, message: string): Absent {
    const { pod, record } = wanted
    if (record.waiting?.reason !== 'InvalidImageName') {
      this.#tell(wanted, { type: 'Warning', reason: 'InspectFailed', message })
      this.#events.failed(pod, record, 'Error: InvalidImageName')
    }
    return { reason: 'InvalidImageName', message, wakeAtMs: this.#clock.now() + BACKOFF_START_MS }
  }

  #never(wanted: Wanted): Absent {
    const message = `Container image "${wanted.image}" is not present with pull policy of Never`
    this.#tell(wanted, { type: 'Warning', reason: 'ErrImageNeverPull', message })
    this.#events.failed(wanted.pod, wanted.record, 'Error: ErrImageNeverPull')
    return { reason: 'ErrImageNeverPull', message, wakeAtMs: this.#clock.now() + BACKOFF_START_MS }
  }

  #pull(wanted: Wanted): Absent | undefined {
    const { pod, image, key } = wanted
    const now = this.#clock.now()
    const failed = this.#failures.get(key)
    if (failed && now < failed.failedMs + failed.delayMs) return this.#backOff(wanted, failed)
    const found = this.#imageOf(wanted)
    const pullMs = found.pull.after === undefined ? 0 : Number(parseDuration(found.pull.after)) / 1e6
    const startedMs = this.#pulling.get(key)
    if (startedMs === undefined) {
      this.#missSecrets(pod)
      this.#tell(wanted, { reason: 'Pulling', message: `Pulling image "${image}"` })
      if (pullMs > 0) {
        this.#pulling.set(key, now)
        return { reason: 'ContainerCreating', wakeAtMs: now + pullMs }
      }
    } else if (now < startedMs + pullMs) return { reason: 'ContainerCreating', wakeAtMs: startedMs + pullMs }
    this.#pulling.delete(key)
    const failure = pullFailure(image, found, { attempts: failed?.attempts ?? 0, isKnown: found.pull.private === true && this.#hasCredentials(pod, image) })
    if (failure !== undefined) return this.#fail(wanted, failure)
    this.#failures.delete(key)
    this.#pulled(wanted, Math.max(1, pullMs))
    return undefined
  }

  /** Secrets that the pod names and that are not there. */
  #missSecrets(pod: Pod): void {
    const missing = (pod.spec.imagePullSecrets ?? []).flatMap(({ name = '' }) => (this.#refs.secret(pod.metadata.namespace ?? '', name) ? [] : [name]))
    if (missing.length === 0) return
    this.#events.pod(pod, { type: 'Warning', reason: 'FailedToRetrieveImagePullSecret', message: `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.` })
  }

  #fail(wanted: Wanted, message: string): Absent {
    const { pod, record, image, key } = wanted
    const last = this.#failures.get(key)
    const delayMs = Math.min(BACKOFF_MAX_MS, last ? last.delayMs * 2 : BACKOFF_START_MS)
    this.#failures.set(key, { message, failedMs: this.#clock.now(), delayMs, attempts: (last?.attempts ?? 0) + 1, toldBackOff: false })
    this.#tell(wanted, { type: 'Warning', reason: 'Failed', message: `Failed to pull image "${image}": ${message}` })
    this.#events.failed(pod, record, 'Error: ErrImagePull')
    return { reason: 'ErrImagePull', message, wakeAtMs: this.#clock.now() + TOLD_AS_ERROR_MS }
  }

  #backOff(wanted: Wanted, failed: Failure): Absent {
    const { message, failedMs, delayMs, toldBackOff } = failed
    if (this.#clock.now() < failedMs + TOLD_AS_ERROR_MS) return { reason: 'ErrImagePull', message, wakeAtMs: failedMs + TOLD_AS_ERROR_MS }
    const { pod, record, image } = wanted
    if (!toldBackOff) {
      failed.toldBackOff = true
      this.#tell(wanted, { reason: 'BackOff', message: `Back-off pulling image "${image}"` })
      this.#events.failed(pod, record, 'Error: ImagePullBackOff')
    }
    return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": ErrImagePull: ${message}`, wakeAtMs: failedMs + delayMs }
  }
}
