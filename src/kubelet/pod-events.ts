/**
 * The events a kubelet tells about pods, in its words.
 * Models pkg/kubelet/kuberuntime (container and image events) and the volume manager's.
 */
import type { Pod } from '../../schemas/types.ts'
import type { EventRecorder } from '../client/events.ts'
import type { ContainerRecord } from './container-record.ts'

const LISTS = { app: 'containers', init: 'initContainers', sidecar: 'initContainers', ephemeral: 'ephemeralContainers' } as const

export class PodEvents {
  readonly #recorder: EventRecorder

  constructor(recorder: EventRecorder) {
    this.#recorder = recorder
  }

  image(pod: Pod, record: ContainerRecord, event: { type?: 'Normal' | 'Warning'; reason: string; message: string }): void {
    this.#tell(pod, record, event)
  }

  /** An annotation of ours that is not understood. */
  annotation(pod: Pod, message: string): void {
    this.#recorder.event(pod, 'Warning', 'InvalidAnnotation', message)
  }

  unhealthy(pod: Pod, record: ContainerRecord, message: string): void {
    this.#tell(pod, record, { type: 'Warning', reason: 'Unhealthy', message })
  }

  warn(pod: Pod, record: ContainerRecord, reason: string, message: string): void {
    this.#tell(pod, record, { type: 'Warning', reason, message })
  }

  created(pod: Pod, record: ContainerRecord): void {
    this.#tell(pod, record, { reason: 'Created', message: 'Container created' })
  }

  started(pod: Pod, record: ContainerRecord): void {
    this.created(pod, record)
    this.#tell(pod, record, { reason: 'Started', message: 'Container started' })
  }

  killing(pod: Pod, record: ContainerRecord, message = `Stopping container ${record.name}`): void {
    this.#tell(pod, record, { reason: 'Killing', message })
  }

  backOffMessage(pod: Pod, container: string, delayMs: number): string {
    return `back-off ${formatBackOff(delayMs)} restarting failed container=${container} pod=${this.#fullName(pod)}`
  }

  backOff(pod: Pod, record: ContainerRecord): void {
    this.#tell(pod, record, { type: 'Warning', reason: 'BackOff', message: `Back-off restarting failed container ${record.name} in pod ${this.#fullName(pod)}` })
  }

  failed(pod: Pod, record: ContainerRecord, message: string): void {
    this.#tell(pod, record, { type: 'Warning', reason: 'Failed', message })
  }

  /** About the pod as a whole. */
  pod(pod: Pod, { type, reason, message, annotations }: { type: 'Normal' | 'Warning'; reason: string; message: string; annotations?: Readonly<Record<string, string>> }): void {
    this.#recorder.event(pod, type, reason, message, { host: pod.spec.nodeName, ...(annotations ? { annotations } : {}) })
  }

  failedMount(pod: Pod, { message, reason = 'FailedMount' }: { message: string; reason?: string }): void {
    this.#recorder.event(pod, 'Warning', reason, message, { host: pod.spec.nodeName })
  }

  #fullName({ metadata }: Pod): string {
    return `${metadata.name}_${metadata.namespace}(${metadata.uid})`
  }

  #tell(pod: Pod, record: ContainerRecord, { type = 'Normal', reason, message }: { type?: 'Normal' | 'Warning'; reason: string; message: string }): void {
    this.#recorder.event(pod, type, reason, message, { fieldPath: `spec.${LISTS[record.role]}{${record.name}}`, host: pod.spec.nodeName })
  }
}

/** As Go prints a duration of whole seconds: 10s, 1m20s, 5m0s. */
function formatBackOff(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
