/**
 * The ends of a remote command (exec, attach) as its client brings them: streams of a SPDY connection or channels of a
 * WebSocket, in every version of the protocol that clients still speak. Models
 * k8s.io/cri-streaming/pkg/streaming/remotecommand and k8s.io/apiserver/pkg/util/proxy/websocket.go.
 */
import type { Duplex, Readable, Writable } from 'node:stream'
import { textResponse } from '../apiserver/routes.ts'
import type { ApiResponse, Upgraded } from '../apiserver/request.ts'
import type { Clock } from '../clock.ts'
import { SpdySession, type SpdyStream } from './spdy/session.ts'
import { acceptWebSocket, Channels, isWebSocketRequest } from './websocket.ts'

export interface Wanted {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

/** What is told at the end: the part of a metav1.Status that clients read. */
export interface FinalStatus {
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: { causes: { reason: string; message: string }[] }
  code?: number
}

export interface RemoteStreams {
  stdin?: Readable
  stdout?: Writable
  stderr?: Writable
  /** JSON of a terminal's sizes, one after the other. */
  resize?: Readable
  /** Settles when the client is told, or gone. */
  tell(status: FinalStatus): Promise<void>
  close(): void
  /** The client is gone, or was told everything. */
  readonly closed: Promise<void>
}

const SPDY_PROTOCOLS = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io']
const WEBSOCKET_PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io', 'v4.base64.channel.k8s.io', 'channel.k8s.io', 'base64.channel.k8s.io', '']
/** Protocols that tell the end as a Status; older ones tell failures alone, as a text. */
const TELLS_STATUS = /^v[45]\./
const STREAM_CREATION_MS = 30_000

/** What refuses a request before its connection changes, or the protocol of SPDY's streams that both sides speak. */
export function negotiateSpdy(headers: Readonly<Record<string, string | undefined>>, accepted: readonly string[]): { protocol: string } | { refusal: ApiResponse } {
  if (!headers.upgrade?.toLowerCase().includes('spdy/3.1')) return { refusal: textResponse(`unable to upgrade: missing upgrade headers in request: ${headers.upgrade ?? ''}\n`, 400) }
  const offered = headers['x-stream-protocol-version']
  if (offered === undefined) return { refusal: textResponse(`unable to upgrade: header X-Stream-Protocol-Version does not exist in request with ${Object.keys(headers).length} headers\n`, 400) }
  const protocols = offered.split(',').map((p) => p.trim()).filter((p) => p !== '')
  const protocol = protocols.find((p) => accepted.includes(p))
  if (protocol !== undefined) return { protocol }
  const refusal = textResponse(`unable to upgrade: unable to negotiate protocol: client supports [${protocols.join(' ')}], server accepts [${accepted.join(' ')}]\n`, 403)
  refusal.headers['x-accepted-stream-protocol-versions'] = [...accepted]
  return { refusal }
}

/** The head of the answer after which a connection speaks SPDY. */
export function switchToSpdy(socket: Duplex, protocol: string): void {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`)
}

/** Answers a request for a remote command: `serve` is called once all its streams are there. */
export function openRemoteStreams(headers: Readonly<Record<string, string | undefined>>, { wanted, clock, serve }: { wanted: Wanted; clock: Clock; serve(streams: RemoteStreams): void }): ApiResponse {
  const takeOver = (take: (connection: Upgraded) => void): ApiResponse => ({ status: 101, headers: {}, takeOver: take })
  if (isWebSocketRequest(headers)) {
    return takeOver((connection) => {
      const streams = overWebSocket(connection, wanted)
      if (streams) serve(streams)
    })
  }
  const negotiated = negotiateSpdy(headers, SPDY_PROTOCOLS)
  if ('refusal' in negotiated) return negotiated.refusal
  return takeOver((connection) => {
    switchToSpdy(connection.socket, negotiated.protocol)
    overSpdy(connection, { wanted, clock, serve, protocol: negotiated.protocol })
  })
}

const statusText = (status: FinalStatus, protocol: string): string => {
  if (TELLS_STATUS.test(protocol)) return JSON.stringify({ metadata: {}, ...status })
  return status.status === 'Success' ? '' : (status.message ?? '')
}

/** Settles when all was written, or the stream is gone. */
function finish(stream: Writable, last: string): Promise<void> {
  return new Promise((resolve) => {
    stream.once('close', resolve)
    stream.end(last, () => resolve())
  })
}

function overWebSocket(connection: Upgraded, { stdin, stdout, stderr, tty }: Wanted): RemoteStreams | undefined {
  const ws = acceptWebSocket(connection, WEBSOCKET_PROTOCOLS)
  if (!ws) return undefined
  const protocol = ws.protocol
  const channels = new Channels(ws, { count: 5, isBase64: protocol.includes('base64'), closesChannels: protocol.startsWith('v5.') })
  const [input, output, errors] = [channels.channel(0), channels.channel(1), channels.channel(2)]
  const [status, resize] = [channels.channel(3), channels.channel(4)]
  for (const unread of [...(stdin ? [] : [input]), ...(tty ? [] : [resize]), output, errors, status]) unread.resume()
  // An empty message on the lowest channel that is written tells that the connection stands.
  ;(stdout ? output : stderr ? errors : status).write(Buffer.alloc(0))
  return {
    ...(stdin ? { stdin: input } : {}),
    ...(stdout ? { stdout: output } : {}),
    ...(stderr ? { stderr: errors } : {}),
    ...(tty ? { resize } : {}),
    tell: (final) => finish(status, statusText(final, protocol)),
    close: () => channels.close(),
    closed: channels.closed,
  }
}

interface SpdyOptions {
  wanted: Wanted
  clock: Clock
  protocol: string
  serve(streams: RemoteStreams): void
}

const STREAM_TYPES = ['error', 'stdin', 'stdout', 'stderr', 'resize'] as const
type StreamType = (typeof STREAM_TYPES)[number]
const isStreamType = (type: string | undefined): type is StreamType => STREAM_TYPES.some((t) => t === type)

function overSpdy({ socket, head }: Upgraded, { wanted, clock, protocol, serve }: SpdyOptions): void {
  const resizes = wanted.tty && /^v[34]\./.test(protocol)
  const missing = new Set<StreamType>(['error', ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => wanted[name]), ...(resizes ? (['resize'] as const) : [])])
  const got: Partial<Record<StreamType, SpdyStream>> = {}
  const session: SpdySession = new SpdySession(socket, {
    head,
    onStream(stream) {
      const type = stream.headers.streamtype
      if (!isStreamType(type) || got[type]) return `unexpected stream type: ${JSON.stringify(type)}`
      got[type] = stream
      if (type !== 'stdin' && type !== 'resize') stream.resume()
      missing.delete(type)
      // Not before the last of them is answered: a command that ends at once would close the connection before.
      if (missing.size === 0) void stream.ready.then(begin)
      return undefined
    },
  })
  const late = clock.after(STREAM_CREATION_MS, () => session.close())
  void session.closed.then(() => late.cancel())
  const begin = (): void => {
    late.cancel()
    const { error, ...streams } = got
    serve({
      ...streams,
      tell: (final) => (error ? finish(error, statusText(final, protocol)) : Promise.resolve()),
      close: () => session.close(),
      closed: session.closed,
    })
  }
}
