/**
 * What runs containers. The kubelet decides what starts when and reports it; a runtime makes a container happen and
 * tells, through a sink, what became of it. Models the CRI as k8s.io/kubernetes/pkg/kubelet/kuberuntime uses it.
 */
import type { Container, Node, Pod } from '../../../schemas/types.ts'
import type { Party } from '../../network/network.ts'
import type { ExecRequest, ExitStatus, Streams } from '../../streaming/node-api.ts'
import type { ContainerConfig } from '../container-config.ts'
import type { ContainerLog } from '../container-logs.ts'
import type { Image, Pull } from '../images.ts'
import type { DirNode } from '../sandbox/nodes.ts'
import type { Pids } from '../sandbox/pids.ts'

export type ContainerRole = 'init' | 'sidecar' | 'app' | 'ephemeral'

export interface StartRequest {
  pod: Pod
  node: Node
  container: Container
  role: ContainerRole
  restartCount: number
  /** What a runtime needs that runs images; made when it is asked for. @throws ConfigError */
  execution(): Execution
}

export interface Execution {
  config: ContainerConfig
  image: Image
  /** What is said of the same image by now. */
  latestImage(): Image
  log: ContainerLog
  party: Party
  pids: Pids
  /** The files of the node. */
  hostRoot?(): DirNode
  /** The pod is meant to end (a Job's, an init container): what is there to serve has nothing to do in it. */
  isTask: boolean
}

/** The container could not be started at all. */
export class StartError extends Error {}

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
  /** Runs a command in it, to its end. Absent where nothing runs. */
  exec?(request: ExecRequest): Promise<ExitStatus>
  attach?(streams: Streams): Promise<ExitStatus>
  /** Its requests and limits have changed in place. */
  resize?(container: Container): void
  usage?(): Usage
}

export interface Usage {
  /** Nanoseconds of processor time since it began. */
  cpuNanos: number
  memoryBytes: number
  /** On disk, besides volumes and logs. */
  diskBytes: number
  processes: number
}

export interface Runtime {
  readonly name: string
  /** Images are pulled and run: probes and hooks are performed, files and variables are looked at. Otherwise only outcomes are told. */
  readonly runsImages: boolean
  /** How a pod's images are pulled, when that is not the images' own affair. */
  pull?(pod: Pod): Pull | undefined
  start(request: StartRequest, sink: ContainerSink): RunningContainer
  /** Takes up a container that ran before this process began, since `startedAtMs`. Without it such a container is lost. */
  resume?(request: StartRequest, startedAtMs: number, sink: ContainerSink): RunningContainer
  /** True when the running containers of this pod will never say anything again unless asked to stop. */
  isQuiet(pod: Pod): boolean
  /** Whether `pod`'s containers end the moment they are asked to, so that nobody need wait for them. */
  stopsAtOnce(pod: Pod): boolean
}
