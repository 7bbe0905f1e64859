/**
 * What the API server asks of a node about a pod: its logs, a command in a container, its terminal, a port. The kubelet
 * implements it and src/cluster.ts hands it to the connectors, so that this layer knows nothing of kubelets.
 * Models the kubelet's HTTP server, k8s.io/kubernetes/pkg/kubelet/server, and the CRI behind it.
 */
import type { Duplex, Readable, Writable } from 'node:stream'
import type { Pod } from '../../schemas/types.ts'

/** v1.PodLogOptions, read and validated. */
export interface LogOptions {
  /** Go on until the container has ended and all it said was given. */
  follow?: boolean
  /** Of the run before this one. */
  previous?: boolean
  /** Only what was said from then on, in milliseconds since the epoch; `sinceSeconds` is told as this, too. */
  sinceMs?: number
  /** Each line begins with its RFC 3339 time and a space. */
  timestamps?: boolean
  tailLines?: number
  /** Ends after that many bytes, be it in the middle of a line. */
  limitBytes?: number
  /** All unless told. */
  stream?: 'All' | 'Stdout' | 'Stderr'
  /** Ends a `follow` early: the reader has gone. */
  signal?: AbortSignal
}

export interface TerminalSize {
  width: number
  height: number
}

/** The ends that a client brings to a command. The node ends `stdout` and `stderr` when the command has ended. */
export interface Streams {
  stdin?: Readable
  stdout?: Writable
  /** Never with `tty`: a terminal has one output. */
  stderr?: Writable
  tty: boolean
  /** Registers who is told of the terminal's size, now and whenever it changes. */
  resize?(listener: (size: TerminalSize) => void): void
  /** Aborted when the client goes away: the command loses its terminal. */
  signal?: AbortSignal
}

export interface ExitStatus {
  code: number
}

/**
 * Rejects with a StatusError in the kubelet's words: 404 `container not found ("NAME")` for exec and attach where it does not
 * run, 400 `container "NAME" in pod "POD" is waiting to start: REASON` and `previous terminated container "NAME" in pod "POD"
 * not found` for logs. A command that is not there is an exit status (126, 127), told on stderr, as runc does.
 */
export interface NodeApi {
  /** Rejects before the first piece; what fails later ends the log. */
  logs(pod: Pod, container: string, options: LogOptions): Promise<AsyncIterable<Buffer>>
  exec(pod: Pod, container: string, request: ExecRequest): Promise<ExitStatus>
  /** Joins the container's own output (and its input where it has `stdin: true`); resolves when it has ended or the client has gone. */
  attach(pod: Pod, container: string, streams: Streams): Promise<ExitStatus>
  /** A connection to a port of the pod, from inside of it (localhost); rejects with an Error whose `code` is ECONNREFUSED and the like. */
  dial(pod: Pod, port: number): Promise<Duplex>
  /** Whether a kubelet is at work there. */
  isServing(nodeName: string): boolean
  /** What the kubelet of a node tells of it; undefined where none is at work. */
  request(nodeName: string, request: NodeRequest): Promise<NodeResponse> | undefined
}

export interface NodeRequest {
  method: string
  /** Below the node's root. */
  path: string
  query: URLSearchParams
}

export interface NodeResponse {
  status: number
  type: string
  body: string | Buffer
}

export interface ExecRequest {
  command: readonly string[]
  streams: Streams
}
