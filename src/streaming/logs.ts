/** `GET pods/NAME/log`. Models k8s.io/kubernetes/pkg/registry/core/pod/rest/log.go and the kubelet's containerLogs. */
import { containerOf, parseLogOptions } from '../../api/core/v1/_pod-connect.ts'
import type { ApiResponse, StreamResponse, StreamSink } from '../apiserver/request.ts'
import type { Connection, Connector } from '../apiserver/subresources/create.ts'
import type { Pod, PodLogOptions } from '../../schemas/types.ts'
import { connectedPod } from './connected-pod.ts'
import { readable } from './messages.ts'
import type { LogOptions, NodeApi } from './node-api.ts'

export function log(node: NodeApi): Connector {
  return async (connection: Connection): Promise<ApiResponse> => {
    const { request, api } = connection
    const pod = connectedPod(connection)
    return readable(request, await answerLog(node, { pod, container: containerOf(pod, request.query.get('container') ?? ''), options: logOptions(parseLogOptions(request.query), api.clock.now()) }))
  }
}

export async function answerLog(node: NodeApi, { pod, container, options }: { pod: Pod; container: string; options: LogOptions }): Promise<StreamResponse> {
  const gone = new AbortController()
  const pieces = await node.logs(pod, container, { ...options, signal: gone.signal })
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    stream(sink) {
      sink.onClose(() => gone.abort())
      void pour(pieces, sink)
    },
  }
}

export function logOptions({ follow, previous, timestamps, tailLines, limitBytes, sinceSeconds, sinceTime }: PodLogOptions, nowMs: number): LogOptions {
  const sinceMs = sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined
  return {
    ...(follow ? { follow } : {}),
    ...(previous ? { previous } : {}),
    ...(timestamps ? { timestamps } : {}),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  }
}

/** Never rejects: what goes wrong ends the log. */
async function pour(pieces: AsyncIterable<Buffer>, sink: StreamSink): Promise<void> {
  try {
    for await (const piece of pieces) {
      if (!sink.write(piece)) return
      if (sink.isFull) await new Promise<void>((resolve) => (sink.onDrain(resolve), sink.onClose(resolve)))
    }
  } catch {
    // The answer has begun; there is nobody to tell.
  }
  sink.end()
}
