/**
 * What runs containers. The kubelet decides what starts when and reports it; a runtime makes a container happen and
 * tells, through a sink, what became of it. Models the CRI as k8s.io/kubernetes/pkg/kubelet/kuberuntime uses it.
 */
import type { Container, Node, Pod } from '../../../schemas/types.ts'

export type ContainerRole = 'init' | 'sidecar' | 'app'

export interface StartRequest {
  pod: Pod
  node: Node
  container: Container
  role: ContainerRole
  restartCount: number
}

export interface Exit {
  code: number
  /** Completed or Error by the code unless told (OOMKilled, ContainerCannotRun, …). */
  reason?: string
  message?: string
  signal?: number
}

/** Told by the runtime; may be called while `start` still runs. After `exited` nothing follows. */
export interface ContainerSink {
  running(): void
  ready(isReady: boolean): void
  exited(exit: Exit): void
}

export interface RunningContainer {
  /** Asks the container to end; it must have `exited` after `graceMs`. */
  stop(graceMs: number): void
  /** Forgets the container: no more calls to its sink. */
  close(): void
}

export interface Runtime {
  readonly name: string
  start(request: StartRequest, sink: ContainerSink): RunningContainer
  /** Takes up a container that ran before this process began, since `startedAtMs`. Without it such a container is lost. */
  resume?(request: StartRequest, startedAtMs: number, sink: ContainerSink): RunningContainer
  /** True when the running containers of this pod will never say anything again unless asked to stop. */
  isQuiet(pod: Pod): boolean
  /** Whether `pod`'s containers end the moment they are asked to, so that nobody need wait for them. */
  stopsAtOnce(pod: Pod): boolean
}
