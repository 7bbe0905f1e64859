/** What nodes answer the API server about their pods. Models pkg/kubelet/server and kubelet_pods.go, in their words. */
import type { Duplex } from 'node:stream'
import type { Pod } from '../../schemas/types.ts'
import { badRequest, internalError, notImplemented, StatusError } from '../errors.ts'
import type { Network } from '../network/network.ts'
import type { ExecRequest, ExitStatus, LogOptions, NodeApi, NodeRequest, NodeResponse, Streams } from '../streaming/node-api.ts'
import type { ContainerLog } from './container-logs.ts'
import { answerNode, type NodeHttpParts } from './node-http.ts'
import type { PodWorker } from './pod-worker.ts'
import { partyOf } from './execution.ts'
import { StartError, type RunningContainer } from './runtimes/runtime.ts'

export interface Served {
  workerOf(pod: Pod): PodWorker | undefined
  logOf(pod: Pod, container: string, wanted: { previous: boolean }): ContainerLog | undefined
  /** What is told of a node of which a kubelet is at work. */
  view(nodeName: string): Pick<NodeHttpParts, 'view' | 'nanoCores' | 'version'> | undefined
}

export class NodeServer implements NodeApi {
  readonly #network: Network
  #served: Served | undefined

  constructor(network: Network) {
    this.#network = network
  }

  attachTo(served: Served): void {
    this.#served = served
  }

  async logs(pod: Pod, container: string, options: LogOptions): Promise<AsyncIterable<Buffer>> {
    const isLast = checkLogs(pod, container, options)
    const log = this.#served?.logOf(pod, container, { previous: options.previous === true && !isLast })
    if (log) return log.read(options)
    if (options.previous) throw badRequest(`previous terminated container "${container}" in pod "${pod.metadata.name}" not found`)
    return nothing()
  }

  async exec(pod: Pod, container: string, request: ExecRequest): Promise<ExitStatus> {
    const handle = this.#running(pod, container)
    if (!handle.exec) throw notImplemented('pods/exec')
    try {
      return await handle.exec(request)
    } catch (error) {
      if (!(error instanceof StartError)) throw error
      throw internalError(`error executing command in container: failed to exec in container: failed to start exec: ${error.message}: unknown`, error)
    }
  }

  async attach(pod: Pod, container: string, streams: Streams): Promise<ExitStatus> {
    const handle = this.#running(pod, container)
    if (!handle.attach) throw notImplemented('pods/attach')
    return handle.attach(streams)
  }

  dial(pod: Pod, port: number): Promise<Duplex> {
    const worker = this.#served?.workerOf(pod)
    if (!worker?.isRunning) return Promise.reject(containerNotFound(''))
    return this.#network.connect(partyOf(pod, worker.node, worker.podIPs), { host: 'localhost', port })
  }

  isServing(nodeName: string): boolean {
    return this.#served?.view(nodeName) !== undefined
  }

  request(nodeName: string, request: NodeRequest): Promise<NodeResponse> | undefined {
    const parts = this.#served?.view(nodeName)
    return parts && Promise.resolve(answerNode(request, parts))
  }

  #running(pod: Pod, container: string): RunningContainer {
    const record = this.#served?.workerOf(pod)?.records.find((r) => r.name === container)
    if (!record?.handle) throw containerNotFound(container)
    return record.handle
  }
}

function containerNotFound(container: string): StatusError {
  return new StatusError({ code: 404, reason: 'NotFound', message: `container not found ("${container}")` })
}

/** Whether the last run to have ended is the one before the next, which has not begun. @throws StatusError 400 */
function checkLogs({ metadata, status, spec }: Pod, container: string, { previous }: LogOptions): boolean {
  const { name } = metadata
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? []), ...(status?.ephemeralContainerStatuses ?? [])]
  const found = all.find((s) => s.name === container)
  const what = `container "${container}" in pod "${name}"`
  if (!found) throw badRequest(spec.nodeName ? `${what} is waiting to start: ContainerCreating` : `${what} is not available`)
  const { state = {}, lastState } = found
  const hasRun = lastState?.terminated?.containerID !== undefined
  if (previous && !hasRun) throw badRequest(`previous terminated ${what} not found`)
  if (state.waiting && !hasRun) {
    const { reason } = state.waiting
    const why = reason === 'ErrImagePull' ? "image can't be pulled" : reason === 'ImagePullBackOff' ? 'trying and failing to pull image' : reason
    throw badRequest(`${what} is waiting to start: ${why}`)
  }
  return state.waiting !== undefined
}

async function* nothing(): AsyncIterable<Buffer> {}
